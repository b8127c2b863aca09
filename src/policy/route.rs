//! Effective routes of a subnet: longest prefix, then user > BGP > system (Azure: virtual-networks-udr-overview).
//!
//! Two refinements, both documented: an endpoint's route wins over a user's and a gateway's whatever their length
//! (unless `endpointRouteOverUserRoute: longest-prefix`), and the system's routes to networks, peers and endpoints win
//! over longer ones that a gateway learned. ICMP does not use endpoints: it takes the next best route.

use std::net::IpAddr;

use ipnet::IpNet;

use super::decide::{Decision, Stop};
use super::ids::Access;
use super::position::Position;
use super::question::{NextHopType, Observer, Question, RouteSource, Sender, Stage, Step};
use super::snapshot::{METADATA_ADDRESS, PLATFORM_ADDRESS, Snapshot};
use crate::packet::Reason;
use crate::table::longest_prefix::LongestPrefix;

/// A subnet's effective routes, by where they come from.
#[derive(Clone, Debug, Default)]
pub struct Routes {
    /// User routes.
    pub user: LongestPrefix<Route>,
    /// Routes that gateways bring.
    pub gateway: LongestPrefix<Route>,
    /// System routes without the endpoints'.
    pub system: LongestPrefix<Route>,
    /// Endpoint routes.
    pub endpoint: LongestPrefix<Route>,
}

/// A route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Where packets go.
    pub hop: Hop,
    /// Where it comes from.
    pub source: RouteSource,
    /// User routes: table, name and place. Endpoint routes: the endpoint's service, as table, and its place.
    pub origin: Option<Origin>,
}

/// What a route comes from in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Route table, or none for what stands at the subnet itself.
    pub table: Option<String>,
    /// The route's name, or the endpoint's service.
    pub name: String,
    /// Place in the file.
    pub position: Position,
}

/// Where a route leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hop {
    /// Inside the network.
    VnetLocal,
    /// To a peered network.
    Peering(usize),
    /// To a gateway.
    Gateway(usize),
    /// To a user route's gateway that the network does not have.
    NoGateway,
    /// Over a service endpoint.
    Endpoint,
    /// To an appliance.
    Appliance(IpAddr),
    /// To the internet.
    Internet,
    /// Nowhere.
    None,
}

impl Hop {
    /// Azure's name for it.
    #[must_use]
    pub const fn kind(self) -> NextHopType {
        match self {
            Self::VnetLocal => NextHopType::VnetLocal,
            Self::Peering(_) => NextHopType::VNetPeering,
            Self::Gateway(_) | Self::NoGateway => NextHopType::VirtualNetworkGateway,
            Self::Endpoint => NextHopType::VirtualNetworkServiceEndpoint,
            Self::Appliance(_) => NextHopType::VirtualAppliance,
            Self::Internet => NextHopType::Internet,
            Self::None => NextHopType::None,
        }
    }
}

impl Routes {
    /// The route that wins for a destination, and its prefix. `endpoints`: whether endpoint routes count at all;
    /// `by_length`: whether they must be the longest to win over a user's.
    #[must_use]
    pub fn select(&self, destination: IpAddr, endpoints: bool, by_length: bool) -> Option<(IpNet, &Route)> {
        let endpoint = if endpoints { self.endpoint.lookup(destination) } else { None };
        let system = self.system.lookup(destination);
        let user = self.user.lookup(destination).filter(|_| endpoint.is_none() || by_length);
        let preferred = system.is_some_and(|(_, route)| matches!(route.hop, Hop::VnetLocal | Hop::Peering(_)));
        let gateway = self.gateway.lookup(destination).filter(|_| endpoint.is_none() && !preferred);
        // Of equally long prefixes the first here wins.
        let mut winner = None::<(IpNet, &Route)>;
        for candidate in [endpoint, user, gateway, system].into_iter().flatten() {
            if winner.is_none_or(|(prefix, _)| candidate.0.prefix_len() > prefix.prefix_len()) {
                winner = Some(candidate);
            }
        }
        winner
    }
}

/// Where a packet goes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NextHop {
    /// To a host of this network.
    Network(usize),
    /// To the public side: services, public addresses of interfaces, the internet.
    Public,
    /// To a service, with a private source.
    Endpoint,
    /// To an appliance in this network.
    Appliance(usize, IpAddr),
    /// To on-premises.
    Gateway(usize),
    /// To the platform.
    Platform,
}

/// Where the packet goes next.
pub(super) fn next_hop(decision: &mut Decision<'_, impl Observer>) -> Result<NextHop, Stop> {
    match decision.question.sender {
        Sender::Subnet { subnet, .. } => from_subnet(decision, subnet),
        Sender::Service(service) => Err(refuse_service(decision, service)),
        Sender::Internet => Ok(NextHop::Public),
        Sender::Gateway(gateway) => Ok(from_gateway(decision, gateway)),
        Sender::Platform => from_platform(decision),
    }
}

fn from_subnet(decision: &mut Decision<'_, impl Observer>, index: usize) -> Result<NextHop, Stop> {
    let destination = decision.question.destination;
    if [PLATFORM_ADDRESS, METADATA_ADDRESS].contains(&destination) {
        return Ok(NextHop::Platform);
    }
    let snapshot = decision.snapshot;
    let subnet = snapshot.subnet(index).ok_or_else(|| Stop::silent(Reason::NoRoute))?;
    let endpoints = !decision.question.is_icmp();
    let Some((prefix, route)) = subnet.routes.select(destination, endpoints, snapshot.endpoint_by_longest_prefix) else {
        decision.observer.step(|| Step { access: Some(Access::Deny), note: Some("no route matches".into()), ..Step::new(Stage::Route) });
        return Err(Stop::silent(Reason::NoRoute));
    };
    decision.next_hop_type = Some(route.hop.kind());
    tell(decision, prefix, route);
    match route.hop {
        Hop::VnetLocal => Ok(NextHop::Network(subnet.network)),
        Hop::Peering(remote) => Ok(NextHop::Network(remote)),
        Hop::Gateway(gateway) => Ok(NextHop::Gateway(gateway)),
        Hop::Endpoint => Ok(NextHop::Endpoint),
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
    let selected = subnet.routes.select(question.destination, !question.is_icmp(), snapshot.endpoint_by_longest_prefix);
    selected.is_some_and(|(_, route)| route.hop == Hop::Endpoint)
}

fn tell(decision: &mut Decision<'_, impl Observer>, prefix: IpNet, route: &Route) {
    let denied = matches!(route.hop, Hop::None | Hop::NoGateway);
    decision.observer.step(|| Step {
        object: route.origin.as_ref().and_then(|origin| origin.table.clone()),
        rule: route.origin.as_ref().filter(|origin| origin.table.is_some()).map(|origin| origin.name.clone()),
        access: denied.then_some(Access::Deny),
        at: route.origin.as_ref().map(|origin| origin.position),
        prefix: Some(prefix),
        route_source: Some(route.source),
        next_hop_type: Some(route.hop.kind()),
        next_hop_address: if let Hop::Appliance(address) = route.hop { Some(address) } else { None },
        ..Step::new(Stage::Route)
    });
}

/// A service never opens a connection: only replies of known flows pass, and those are not asked about here.
fn refuse_service(decision: &mut Decision<'_, impl Observer>, service: usize) -> Stop {
    let name = decision.snapshot.services.get(service).map(|service| service.name.clone());
    decision.observer.step(|| Step {
        object: name,
        access: Some(Access::Deny),
        note: Some("a service never opens a connection".into()),
        ..Step::new(Stage::Classification)
    });
    Stop::silent(Reason::ServiceInitiated)
}

/// On-premises hosts reach the gateway's network and the peers that use it; the rest is the internet's.
fn from_gateway(decision: &Decision<'_, impl Observer>, gateway: usize) -> NextHop {
    let snapshot = decision.snapshot;
    let Some(gateway) = snapshot.gateways.get(gateway) else { return NextHop::Public };
    let destination = decision.question.destination;
    super::peering::gateway_clients(snapshot, gateway.network)
        .find(|network| {
            snapshot
                .networks
                .get(*network)
                .is_some_and(|network| network.address_prefixes.iter().any(|prefix| prefix.contains(&destination)))
        })
        .map_or(NextHop::Public, NextHop::Network)
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
