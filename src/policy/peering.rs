//! Peerings: which networks may talk, and for whom (Azure: virtual-network-manage-peering).

use super::decide::{Decision, Stop};
use super::ids::Access;
use super::position::Position;
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

/// Whether a packet may cross from the sender's network, or its gateway's, to a host in `remote`: the sender's half must
/// allow access, and the receiver's half must take forwarded packets where the source is not in the sender's network.
/// What comes from a gateway needs the first only.
pub(super) fn cross(decision: &mut Decision<'_, impl Observer>, remote: usize) -> Result<(), Stop> {
    let snapshot = decision.snapshot;
    let (network, forwarded) = match decision.question.sender {
        Sender::Subnet { subnet, forwarded, .. } => (snapshot.subnet(subnet).map(|subnet| subnet.network), forwarded),
        Sender::Gateway(gateway) => (snapshot.gateways.get(gateway).map(|gateway| gateway.network), false),
        _ => return Ok(()),
    };
    let Some(network) = network.filter(|network| *network != remote) else { return Ok(()) };
    let theirs = access(decision, network, remote)?;
    let home = snapshot.networks.get(network);
    let foreign = forwarded && !home.is_some_and(|home| home.holds(decision.question.source));
    if foreign && !theirs.allow_forwarded_traffic {
        return forward(decision, (remote, network), theirs.position);
    }
    Ok(())
}

/// Whether what a subnet sends may cross to the peer that has its gateway. Forwarded packets need no flag on that way.
pub(super) fn cross_to_gateway(decision: &mut Decision<'_, impl Observer>, gateway: usize) -> Result<(), Stop> {
    let snapshot = decision.snapshot;
    let Sender::Subnet { subnet, .. } = decision.question.sender else { return Ok(()) };
    let (Some(subnet), Some(gateway)) = (snapshot.subnet(subnet), snapshot.gateways.get(gateway)) else { return Ok(()) };
    if subnet.network == gateway.network {
        return Ok(());
    }
    access(decision, subnet.network, gateway.network).map(|_| ())
}

/// The sender's half allows access; the receiver's half.
fn access<'a, O: Observer>(decision: &mut Decision<'a, O>, network: usize, remote: usize) -> Result<&'a Peering, Stop> {
    let snapshot = decision.snapshot;
    let (Some(ours), Some(theirs)) = (half(snapshot, network, remote), half(snapshot, remote, network)) else {
        return Err(Stop::silent(Reason::NoRoute));
    };
    if !(ours.complete && theirs.complete) {
        return Err(Stop::Undetermined("a peering of chosen subnets (peerCompleteVnets: false)".into()));
    }
    if ours.allow_virtual_network_access {
        return Ok(theirs);
    }
    Err(blocked(decision, (network, remote), "allowVirtualNetworkAccess", ours.position))
}

/// Documents say that the receiving half needs `allowForwardedTraffic`; people report that packets pass without
/// (`forwardedTrafficCheck`).
fn forward(decision: &mut Decision<'_, impl Observer>, halves: (usize, usize), at: Position) -> Result<(), Stop> {
    if !decision.snapshot.lenient_forwarded_traffic {
        return Err(blocked(decision, halves, "allowForwardedTraffic", at));
    }
    let note = format!("{} has allowForwardedTraffic: false, but forwardedTrafficCheck: lenient", name(decision.snapshot, halves));
    decision.observer.step(|| Step { at: Some(at), note: Some(note), ..Step::new(Stage::Route) });
    Ok(())
}

fn blocked(decision: &mut Decision<'_, impl Observer>, halves: (usize, usize), missing: &str, at: Position) -> Stop {
    let snapshot = decision.snapshot;
    decision.observer.step(|| Step {
        access: Some(Access::Deny),
        at: Some(at),
        note: Some(format!("{} has {missing}: false", name(snapshot, halves))),
        ..Step::new(Stage::Route)
    });
    Stop::silent(Reason::PeeringBlocked)
}

/// `hub's half of the peering with spoke`.
fn name(snapshot: &Snapshot, (whose, with): (usize, usize)) -> String {
    let name = |network: usize| snapshot.networks.get(network).map_or("", |network| &network.name);
    format!("{}'s half of the peering with {}", name(whose), name(with))
}
