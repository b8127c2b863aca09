//! The route that a packet takes: the sender's subnet decides (Azure: virtual-networks-udr-overview).
//!
//! What comes from on-premises follows the route table of the gateway's `GatewaySubnet`, where that has one.

use std::net::IpAddr;

use ipnet::IpNet;

use super::decide::{Decision, Stop};
pub use super::effective_routes::{Hop, Origin, Route, Routes};
use super::ids::Access;
use super::private_endpoint;
use super::question::{Observer, Question, RouteSource, Sender, Stage, Step};
use super::snapshot::{METADATA_ADDRESS, PLATFORM_ADDRESS, Snapshot};
use super::topology::Subnet;
use crate::packet::Reason;

/// Where a packet goes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NextHop {
    /// To a host of this network.
    Network(usize),
    /// To the public side: services, public addresses of interfaces, the internet.
    Public,
    /// To a service, with a private source.
    Endpoint,
    /// To a service, by a private endpoint.
    PrivateEndpoint(usize),
    /// To an appliance in this network.
    Appliance(usize, IpAddr),
    /// To on-premises.
    Gateway(usize),
    /// To the platform.
    Platform,
}

/// Where the packet goes next.
pub(super) fn next_hop(decision: &mut Decision<'_, impl Observer>) -> Result<NextHop, Stop> {
    let next_hop = match decision.question.sender {
        Sender::Subnet { subnet, .. } => from_subnet(decision, subnet),
        Sender::Service(service) => from_service(decision, service),
        Sender::Internet => Ok(NextHop::Public),
        Sender::Gateway(gateway) => from_gateway(decision, gateway),
        Sender::Platform => from_platform(decision),
    }?;
    Ok(private_endpoint::instead(decision, next_hop))
}

fn from_subnet(decision: &mut Decision<'_, impl Observer>, index: usize) -> Result<NextHop, Stop> {
    let destination = decision.question.destination;
    if [PLATFORM_ADDRESS, METADATA_ADDRESS].contains(&destination) {
        return Ok(NextHop::Platform);
    }
    let snapshot = decision.snapshot;
    let subnet = snapshot.subnet(index).ok_or_else(|| Stop::silent(Reason::NoRoute))?;
    let endpoints = !decision.question.is_icmp();
    let Some((prefix, route)) = subnet.routes.select(destination, endpoints) else {
        decision.observer.step(|| Step { access: Some(Access::Deny), note: Some("no route matches".into()), ..Step::new(Stage::Route) });
        return Err(Stop::silent(Reason::NoRoute));
    };
    follow(decision, subnet, prefix, route)
}

/// Tells the route, and goes where it leads.
fn follow(decision: &mut Decision<'_, impl Observer>, subnet: &Subnet, prefix: IpNet, route: &Route) -> Result<NextHop, Stop> {
    decision.next_hop_type = Some(route.hop.kind());
    tell(decision, subnet, prefix, route);
    match route.hop {
        Hop::VnetLocal => Ok(NextHop::Network(subnet.network)),
        Hop::Peering(remote) | Hop::GlobalPeering(remote) => Ok(NextHop::Network(remote)),
        Hop::Gateway(gateway) => Ok(NextHop::Gateway(gateway)),
        Hop::Endpoint => Ok(NextHop::Endpoint),
        Hop::PrivateEndpoint { network, .. } => Ok(NextHop::Network(network)),
        Hop::Appliance(address) => Ok(NextHop::Appliance(subnet.network, address)),
        Hop::Internet => Ok(NextHop::Public),
        Hop::NoGateway => Err(Stop::silent(Reason::NoRoute)),
        Hop::None => Err(Stop::silent(Reason::RouteNone)),
    }
}

/// Whether what `question` asks about takes a service endpoint.
#[must_use]
pub fn takes_endpoint(snapshot: &Snapshot, question: &Question) -> bool {
    let Sender::Subnet { subnet, .. } = question.sender else { return false };
    let Some(subnet) = snapshot.subnet(subnet) else { return false };
    let selected = subnet.routes.select(question.destination, !question.is_icmp());
    selected.is_some_and(|(_, route)| route.hop == Hop::Endpoint)
}

/// The network that a subnet's routes lead to with `question`, where it is one that they lead into.
pub(super) fn network_ahead(snapshot: &Snapshot, subnet: usize, question: &Question) -> Option<usize> {
    let subnet = snapshot.subnet(subnet)?;
    let (_, route) = subnet.routes.select(question.destination, !question.is_icmp())?;
    match route.hop {
        Hop::VnetLocal => Some(subnet.network),
        Hop::Peering(network) | Hop::GlobalPeering(network) | Hop::PrivateEndpoint { network, .. } => Some(network),
        _ => None,
    }
}

fn tell(decision: &mut Decision<'_, impl Observer>, subnet: &Subnet, prefix: IpNet, route: &Route) {
    let denied = matches!(route.hop, Hop::None | Hop::NoGateway);
    let (destination, endpoints) = (decision.question.destination, !decision.question.is_icmp());
    decision.observer.step(|| Step {
        object: route.origin.as_ref().and_then(|origin| origin.table.clone()),
        rule: route.origin.as_ref().filter(|origin| origin.table.is_some()).map(|origin| origin.name.clone()),
        access: denied.then_some(Access::Deny),
        at: route.origin.as_ref().map(|origin| origin.position),
        prefix: Some(prefix),
        route_source: Some(route.source),
        next_hop_type: Some(route.hop.kind()),
        next_hop_address: if let Hop::Appliance(address) = route.hop { Some(address) } else { None },
        note: subnet.routes.remark(destination, prefix, route, endpoints),
        ..Step::new(Stage::Route)
    });
}

/// A service reaches other services, as what it is: a source inside Azure with a public address. An integrated app reaches
/// the public side besides. Into networks and to the internet no service opens a connection: there only replies of known
/// flows pass, and those are not asked about here (Azure: virtual-networks-faq).
fn from_service(decision: &mut Decision<'_, impl Observer>, service: usize) -> Result<NextHop, Stop> {
    let snapshot = decision.snapshot;
    let other = snapshot.directory.services.get(&decision.question.destination);
    // Integration is IPv4's.
    let by_ipv4 = decision.question.destination.is_ipv4();
    let integrated = by_ipv4 && snapshot.services.get(service).is_some_and(|service| service.integration.is_some());
    let itself = other == Some(&service);
    if !itself && (other.is_some() || integrated) { Ok(NextHop::Public) } else { Err(refuse_service(decision, service)) }
}

fn refuse_service(decision: &mut Decision<'_, impl Observer>, service: usize) -> Stop {
    let name = decision.snapshot.services.get(service).map(|service| service.name.clone());
    decision.observer.step(|| Step {
        object: name,
        access: Some(Access::Deny),
        note: Some("a service opens no connection into a network or to the internet".into()),
        ..Step::new(Stage::Classification)
    });
    Stop::silent(Reason::ServiceInitiated)
}

/// On-premises hosts reach the gateway's network and the peers that use it, by the routes of the GatewaySubnet; the rest
/// is the internet's.
fn from_gateway(decision: &mut Decision<'_, impl Observer>, index: usize) -> Result<NextHop, Stop> {
    let snapshot = decision.snapshot;
    let destination = decision.question.destination;
    let Some(network) = network_of_gateway(snapshot, index, destination) else { return beyond(decision, index) };
    // The system's routes lead where the address is.
    user_route_of_gateway(snapshot, index, destination)
        .map_or(Ok(NextHop::Network(network)), |(subnet, prefix, route)| follow(decision, subnet, prefix, route))
}

/// The network that a gateway leads to an address in.
pub(super) fn network_of_gateway(snapshot: &Snapshot, gateway: usize, destination: IpAddr) -> Option<usize> {
    let gateway = snapshot.gateways.get(gateway)?;
    let holds = |network: &usize| snapshot.networks.get(*network).is_some_and(|network| network.holds(destination));
    super::peering::gateway_clients(snapshot, gateway.network).find(holds)
}

/// The user route of a gateway's GatewaySubnet that wins for an address.
pub(super) fn user_route_of_gateway(snapshot: &Snapshot, gateway: usize, destination: IpAddr) -> Option<(&Subnet, IpNet, &Route)> {
    let subnet = snapshot.subnet(snapshot.gateways.get(gateway)?.subnet?)?;
    let (prefix, route) = subnet.routes.select(destination, false)?;
    (route.source == RouteSource::User).then_some((subnet, prefix, route))
}

/// What no network behind a gateway has is the internet's, where it can be.
fn beyond(decision: &mut Decision<'_, impl Observer>, gateway: usize) -> Result<NextHop, Stop> {
    let (directory, destination) = (&decision.snapshot.directory, decision.question.destination);
    if directory.internet.contains(destination) || directory.services.contains_key(&destination) {
        return Ok(NextHop::Public);
    }
    let name = decision.snapshot.gateways.get(gateway).map_or("the gateway", |gateway| &gateway.name);
    let note = format!("no network that {name} serves has this address");
    decision.observer.step(|| Step { access: Some(Access::Deny), note: Some(note), ..Step::new(Stage::Route) });
    Err(Stop::silent(Reason::NoRoute))
}

/// The platform's probes carry no network: they reach the only one that has the destination.
fn from_platform(decision: &Decision<'_, impl Observer>) -> Result<NextHop, Stop> {
    let destination = decision.question.destination;
    let snapshot = decision.snapshot;
    let mut holders = (0..snapshot.networks.len()).filter(|network| snapshot.subnet_at(*network, destination).is_some());
    match (holders.next(), holders.next()) {
        (Some(network), None) => Ok(NextHop::Network(network)),
        (Some(_), Some(_)) => Err(Stop::Undetermined("which of several networks with this address the platform probes".into())),
        (None, _) => Err(Stop::silent(Reason::DestinationUnknown)),
    }
}
