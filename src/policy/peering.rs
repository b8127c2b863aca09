//! Peerings: which networks may talk, and for whom (Azure: virtual-network-manage-peering).

use super::decide::{Decision, Stop};
use super::ids::Access;
use super::question::{Observer, Sender, Stage, Step};
use super::snapshot::Snapshot;
use super::topology::Peering;
use crate::packet::Reason;

/// The half of a connected peering that `network` has with `remote`.
#[must_use]
pub fn half(snapshot: &Snapshot, network: usize, remote: usize) -> Option<&Peering> {
    snapshot.networks.get(network)?.peerings.iter().find(|peering| peering.remote == remote)
}

/// The network of a gateway and the peers that use its gateways.
pub(super) fn gateway_clients(snapshot: &Snapshot, network: usize) -> impl Iterator<Item = usize> {
    let peers = snapshot.networks.get(network).into_iter().flat_map(|network| &network.peerings);
    std::iter::once(network).chain(peers.filter(|peering| peering.shares_gateway).map(|peering| peering.remote))
}

/// Whether what a subnet sends may cross to `remote`: the sender's half must allow access, and the receiver's half must
/// take forwarded packets where the source is not one of the sender's network.
pub(super) fn cross(decision: &mut Decision<'_, impl Observer>, remote: usize) -> Result<(), Stop> {
    let snapshot = decision.snapshot;
    let Sender::Subnet { subnet, forwarded, .. } = decision.question.sender else { return Ok(()) };
    let Some(network) = snapshot.subnet(subnet).map(|subnet| subnet.network).filter(|network| *network != remote) else { return Ok(()) };
    let (Some(ours), Some(theirs)) = (half(snapshot, network, remote), half(snapshot, remote, network)) else {
        return Err(Stop::silent(Reason::NoRoute));
    };
    let foreign = forwarded && snapshot.subnet_at(network, decision.question.source).is_none();
    let missing = if !ours.allow_virtual_network_access {
        "allowVirtualNetworkAccess"
    } else if foreign && !theirs.allow_forwarded_traffic && !snapshot.lenient_forwarded_traffic {
        "allowForwardedTraffic"
    } else {
        return Ok(());
    };
    decision.observer.step(|| Step {
        access: Some(Access::Deny),
        note: Some(format!("the peering has {missing}: false")),
        ..Step::new(Stage::Route)
    });
    Err(Stop::silent(Reason::PeeringBlocked))
}
