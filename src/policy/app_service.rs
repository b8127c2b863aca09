//! App Service's regional integration with a subnet (Azure: overview-vnet-integration).
//!
//! An integrated app sends to private addresses, and with `vnetRouteAllEnabled` to every address, as a host of its
//! subnet: a private address there stands for it, as a subnet's addresses stand for those on the wire. The subnet's NSG,
//! routes, endpoints and NAT gateway apply. It is a way out only: nothing reaches the app by that address.

use std::net::{IpAddr, Ipv4Addr};

use super::question::{Question, Sender};
use super::snapshot::{Snapshot, StandIn};

/// Who sends, and by which address, once the destination is known: an integrated app becomes a host of its subnet.
/// Everyone else stays who they are.
#[must_use]
pub fn classify(snapshot: &Snapshot, sender: Sender, source: IpAddr, destination: IpAddr) -> (Sender, IpAddr) {
    let Sender::Service(index) = sender else { return (sender, source) };
    let Some(app) = snapshot.services.get(index) else { return (sender, source) };
    let Some(integration) = app.integration else { return (sender, source) };
    let enters = integration.route_all || is_private(destination);
    if !enters || !destination.is_ipv4() || app.addresses.contains(&destination) || !app.addresses.contains(&source) {
        return (sender, source);
    }
    (Sender::Subnet { subnet: integration.subnet, interface: None, forwarded: false }, integration.address.into())
}

/// The question as it is after classification.
#[must_use]
pub fn classified(snapshot: &Snapshot, question: &Question) -> Question {
    let (sender, source) = classify(snapshot, question.sender, question.source, question.destination);
    Question { sender, source, ..*question }
}

/// The app that sends from a private address of a subnet.
#[must_use]
pub fn behind(snapshot: &Snapshot, sender: Sender, source: IpAddr) -> Option<usize> {
    let Sender::Subnet { subnet, forwarded: false, .. } = sender else { return None };
    match snapshot.stand_in(snapshot.subnet(subnet)?.network, source)? {
        StandIn::App(index) => Some(index),
        StandIn::PrivateEndpoint(_) => None,
    }
}

/// The public addresses that an app sends from: those that the file gives, else its own.
pub(super) fn public_addresses(snapshot: &Snapshot, app: usize) -> Vec<Ipv4Addr> {
    let Some(app) = snapshot.services.get(app) else { return Vec::new() };
    if !app.outbound_addresses.is_empty() {
        return app.outbound_addresses.clone();
    }
    // The deployment site has its own for what comes in.
    let own = app.addresses.iter().filter(|address| !app.scm_addresses.contains(address));
    own.filter_map(|address| if let IpAddr::V4(address) = address { Some(*address) } else { None }).collect()
}

/// RFC 1918.
fn is_private(address: IpAddr) -> bool {
    matches!(address, IpAddr::V4(address) if address.is_private())
}
