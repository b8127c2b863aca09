//! Private endpoints: an address of a subnet that stands for a service (Azure: private-endpoint-overview,
//! disable-private-endpoint-network-policy).
//!
//! A route of next hop type `InterfaceEndpoint` leads to each, in its network and the network's peers. It wins over every
//! other, unless the endpoint's subnet lets user routes lead elsewhere: then over those shorter than the network's space.
//! What goes this way passes the service's firewall by, and the destination becomes the service's own address.

use std::net::IpAddr;

use super::decide::{Decision, Stop};
use super::destination::{Host, Target};
use super::nsg;
use super::peering;
use super::question::{Observer, Question, Sender, Source, Stage, Step};
use super::route::{self, NextHop};
use super::snapshot::{Snapshot, StandIn};
use super::topology::PrivateEndpoint;
use crate::packet::Reason;

/// The private endpoint that a network has at an address.
#[must_use]
pub fn at(snapshot: &Snapshot, network: usize, address: IpAddr) -> Option<usize> {
    match snapshot.stand_in(network, address)? {
        StandIn::PrivateEndpoint(index) => Some(index),
        StandIn::App(_) => None,
    }
}

/// The private endpoint that is at the destination, once the route leads into its network.
pub(super) fn instead(decision: &Decision<'_, impl Observer>, next_hop: NextHop) -> NextHop {
    let NextHop::Network(network) = next_hop else { return next_hop };
    if !matches!(decision.question.sender, Sender::Subnet { .. } | Sender::Gateway(_)) {
        return next_hop;
    }
    at(decision.snapshot, network, decision.question.destination).map_or(next_hop, NextHop::PrivateEndpoint)
}

/// The private endpoint that `question` reaches by its routes, whatever rules say.
#[must_use]
pub fn reached(snapshot: &Snapshot, question: &Question) -> Option<usize> {
    let network = match question.sender {
        Sender::Subnet { subnet, .. } => route::network_ahead(snapshot, subnet, question)?,
        Sender::Gateway(gateway) if route::user_route_of_gateway(snapshot, gateway, question.destination).is_some() => return None,
        Sender::Gateway(gateway) => route::network_of_gateway(snapshot, gateway, question.destination)?,
        _ => return None,
    };
    at(snapshot, network, question.destination)
}

fn home(snapshot: &Snapshot, index: usize) -> Option<(&PrivateEndpoint, usize)> {
    let endpoint = snapshot.private_endpoints.get(index)?;
    Some((endpoint, snapshot.subnet(endpoint.subnet)?.network))
}

/// The source stays the private one; ports are translated where two networks would look the same.
pub(super) fn source(decision: &mut Decision<'_, impl Observer>, index: usize, unchanged: Source) -> Source {
    let name = decision.snapshot.private_endpoints.get(index).map(|endpoint| endpoint.name.clone()).unwrap_or_default();
    decision.observer.step(|| Step {
        note: Some(format!("the private address: the private endpoint {name} passes the service's firewall by")),
        ..Step::new(Stage::SourceRewrite)
    });
    match unchanged.address() {
        IpAddr::V4(address) => Source::Private(address),
        IpAddr::V6(_) => unchanged,
    }
}

/// The way to an endpoint of a peer crosses the peering.
pub(super) fn find(decision: &mut Decision<'_, impl Observer>, index: usize) -> Result<Target, Stop> {
    let (_, network) = home(decision.snapshot, index).ok_or_else(|| Stop::silent(Reason::NoRoute))?;
    peering::cross(decision, network)?;
    Ok(Target::PrivateEndpoint(index))
}

/// The NSG of the endpoint's subnet looks at what arrives, where the subnet says so.
pub(super) fn enter(decision: &mut Decision<'_, impl Observer>, index: usize) -> Result<(), Stop> {
    let Some((endpoint, _)) = home(decision.snapshot, index) else { return Ok(()) };
    let host = Host { subnet: endpoint.subnet, interface: None, address: endpoint.address, destination: endpoint.address };
    let guarded = decision.snapshot.subnet(endpoint.subnet).is_some_and(|subnet| subnet.guards_private_endpoints);
    if guarded { nsg::inbound(decision, &host) } else { Ok(()) }
}

/// The service that an endpoint leads to, and the address at which it is reached.
pub(super) fn leads_to(snapshot: &Snapshot, index: usize) -> Option<(usize, IpAddr)> {
    let service = snapshot.private_endpoints.get(index)?.service;
    let address = snapshot.services.get(service)?.addresses.iter().copied().find(IpAddr::is_ipv4)?;
    Some((service, address))
}
