//! Which of a subnet's routes count (Azure: virtual-networks-udr-overview).
//!
//! Of routes with one prefix the user's wins over a gateway's, and that over the system's; the loser is `Invalid`. Two
//! refinements, both documented (private endpoints have a third, see `private_endpoint`): a service endpoint's route wins over a user's and a gateway's whatever their length
//! (virtual-network-service-endpoints-overview; `endpointRouteOverUserRoute: longest-prefix` lets a longer one of the
//! user's win), and the system's routes to networks, peers and endpoints win over longer ones that a gateway learned.
//! What is left is looked up by longest prefix alone. ICMP does not use service endpoints: it takes the next best route.

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use super::position::Position;
use super::question::{NextHopType, RouteSource};

mod resolution;

use resolution::Resolved;
pub use resolution::{Candidates, CommonRoutes};

/// A subnet's routes, resolved: what [`Routes::select`] looks up and what `causeway routes` lists.
///
/// Subnets share what they have in common. Of two with equal endpoints only the endpoints' own routes differ, which name
/// their place in the file.
#[derive(Clone, Debug, Default)]
pub struct Routes {
    /// The routes without service endpoints.
    common: Arc<CommonRoutes>,
    /// The route of each service endpoint.
    endpoints: Vec<Route>,
    /// Who wins with the endpoints.
    resolved: Arc<Resolved>,
}

/// A route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Where packets go.
    pub hop: Hop,
    /// Where it comes from.
    pub source: RouteSource,
    /// User routes: table, name and place. Endpoint routes: the endpoint's service, without table, and its place.
    pub origin: Option<Arc<Origin>>,
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
    /// To a peered network in another region, where that has a name of its own.
    GlobalPeering(usize),
    /// To a gateway.
    Gateway(usize),
    /// To a user route's gateway that the network does not have.
    NoGateway,
    /// Over a service endpoint.
    Endpoint,
    /// To a private endpoint.
    PrivateEndpoint {
        /// The network that it is in.
        network: usize,
        /// User routes at least this long win; `None`: no user route does.
        yields_to: Option<u8>,
    },
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
            Self::GlobalPeering(_) => NextHopType::VNetGlobalPeering,
            Self::Gateway(_) | Self::NoGateway => NextHopType::VirtualNetworkGateway,
            Self::Endpoint => NextHopType::VirtualNetworkServiceEndpoint,
            Self::PrivateEndpoint { .. } => NextHopType::InterfaceEndpoint,
            Self::Appliance(_) => NextHopType::VirtualAppliance,
            Self::Internet => NextHopType::Internet,
            Self::None => NextHopType::None,
        }
    }
}

/// A prefix that the system's routes drop unless something longer says otherwise, beside a user's 0.0.0.0/0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reserved {
    /// The prefix.
    pub prefix: IpNet,
    /// The user's default route took it away.
    pub removed: bool,
    /// The option, with its value, that decided so; `None` where documents agree.
    pub option: Option<&'static str>,
}

/// A route and the prefixes for which it is in one state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed<'a> {
    /// The route.
    pub route: &'a Route,
    /// Whether packets take it.
    pub active: bool,
    /// Its prefixes: several for an endpoint, and for a user route to a tag.
    pub prefixes: Vec<IpNet>,
}

impl Routes {
    /// Resolves a subnet's routes. `by_length`: an endpoint's route is a system route like others, and wins over a user's
    /// only where it is longer.
    #[must_use]
    pub fn resolve(mut candidates: Candidates, by_length: bool) -> Self {
        let endpoints = std::mem::take(&mut candidates.endpoint).into_iter().map(|(prefix, route)| (route, vec![prefix]));
        Self::over(Arc::new(CommonRoutes::resolve(candidates, by_length)), endpoints.collect())
    }

    /// The routes of a subnet with these endpoints, each with the prefixes that it leads to.
    #[must_use]
    pub fn over(common: Arc<CommonRoutes>, endpoints: Vec<(Route, Vec<IpNet>)>) -> Self {
        let (endpoints, prefixes): (Vec<Route>, Vec<Vec<IpNet>>) = endpoints.into_iter().unzip();
        let resolved = if endpoints.is_empty() { Arc::clone(&common.resolved) } else { Arc::new(common.with(&prefixes)) };
        Self { common, endpoints, resolved }
    }

    /// The routes of a subnet that has the same endpoints at other places of the file.
    #[must_use]
    pub fn with_endpoints(&self, endpoints: Vec<Route>) -> Self {
        Self { common: Arc::clone(&self.common), endpoints, resolved: Arc::clone(&self.resolved) }
    }

    /// The route that a packet to `destination` takes, and its prefix. `endpoints`: whether it may take a service endpoint.
    #[must_use]
    pub fn select(&self, destination: IpAddr, endpoints: bool) -> Option<(IpNet, &Route)> {
        let resolved = if endpoints { &self.resolved } else { &self.common.resolved };
        let (prefix, number) = resolved.active.lookup(destination)?;
        Some((prefix, self.route(*number)?))
    }

    /// The route table keeps the gateways' routes away.
    #[must_use]
    pub fn disable_bgp_route_propagation(&self) -> bool {
        self.common.disable_bgp_route_propagation
    }

    fn route(&self, number: u32) -> Option<&Route> {
        let (number, common) = (number as usize, &self.common.routes);
        common.get(number).or_else(|| self.endpoints.get(number.checked_sub(common.len())?))
    }

    /// One route for each prefix: the one that wins.
    fn active(&self) -> impl Iterator<Item = (IpNet, &Route)> {
        self.resolved.active.iter().filter_map(|(prefix, number)| Some((prefix, self.route(*number)?)))
    }

    /// Those that lost against an active one.
    fn invalid(&self) -> impl Iterator<Item = (IpNet, &Route)> {
        self.resolved.invalid.iter().filter_map(|(prefix, number)| Some((*prefix, self.route(*number)?)))
    }

    /// Every route, as Azure lists effective routes: the system's, the gateways', the user's, the endpoints'.
    #[must_use]
    pub fn list(&self) -> Vec<Listed<'_>> {
        let active = self.active().map(|(prefix, route)| (prefix, route, true));
        let invalid = self.invalid().map(|(prefix, route)| (prefix, route, false));
        let mut all: Vec<_> = active.chain(invalid).collect();
        all.sort_by_key(|(prefix, route, active)| (rank(route), route.origin.as_ref().map(|origin| origin.position), !active, *prefix));
        let mut listed: Vec<Listed<'_>> = Vec::new();
        // One route may lose a prefix twice.
        all.dedup();
        for (prefix, route, active) in all {
            match listed.last_mut() {
                Some(last) if last.active == active && route.origin.is_some() && last.route == route => last.prefixes.push(prefix),
                _ => listed.push(Listed { route, active, prefixes: vec![prefix] }),
            }
        }
        listed
    }

    /// What should be known about the choice of `route` for `destination`, where a rule that surprises or an option made it.
    #[must_use]
    pub fn remark(&self, destination: IpAddr, prefix: IpNet, route: &Route, endpoints: bool) -> Option<String> {
        self.beside_endpoint(destination, prefix, route, endpoints)
            .or_else(|| self.beside_gateway(destination, prefix, route))
            .or_else(|| self.beside_default(destination, prefix, route))
    }

    /// An endpoint's route won over a longer one of the user's, or the other way round.
    fn beside_endpoint(&self, destination: IpAddr, prefix: IpNet, route: &Route, endpoints: bool) -> Option<String> {
        if route.hop == Hop::Endpoint {
            let (longer, user) = self.longest_invalid(destination, RouteSource::User).filter(|(other, _)| longer(*other, prefix))?;
            let name = user.origin.as_ref().map(|origin| origin.label()).unwrap_or_default();
            return Some(format!("the endpoint's route wins over {name} ({longer}): endpointRouteOverUserRoute: always"));
        }
        let covering = |(other, other_route): &(IpNet, &Route)| other_route.hop == Hop::Endpoint && other.contains(&destination);
        let (_, endpoint) = self.active().chain(self.invalid()).find(covering)?;
        let name = &endpoint.origin.as_ref()?.name;
        if !endpoints {
            return Some(format!("ICMP does not take the endpoint {name}"));
        }
        (route.source == RouteSource::User)
            .then(|| format!("the user's route wins over the endpoint {name}: endpointRouteOverUserRoute: longest-prefix"))
    }

    /// The system's route to a network or peer won over a longer one of a gateway.
    fn beside_gateway(&self, destination: IpAddr, prefix: IpNet, route: &Route) -> Option<String> {
        if !leads_inside(route.hop) || route.source != RouteSource::Default {
            return None;
        }
        let (other, _) =
            self.longest_invalid(destination, RouteSource::VirtualNetworkGateway).filter(|(other, _)| longer(*other, prefix))?;
        Some(format!("the system's route to a network wins over a gateway's longer one ({other})"))
    }

    /// A user's default route took a reserved prefix away, or an option kept it.
    fn beside_default(&self, destination: IpAddr, prefix: IpNet, route: &Route) -> Option<String> {
        let reserved = self.common.reserved.iter().find(|reserved| reserved.prefix.contains(&destination))?;
        let option = reserved.option.map(|option| format!(" ({option})")).unwrap_or_default();
        if reserved.removed && longer(reserved.prefix, prefix) {
            return Some(format!("the user's 0.0.0.0/0 takes the system's {} to None away{option}", reserved.prefix));
        }
        let kept = !reserved.removed && reserved.prefix == prefix && route.source == RouteSource::Default;
        kept.then(|| format!("the system's {} stays beside the user's 0.0.0.0/0{option}", reserved.prefix))
    }

    fn longest_invalid(&self, destination: IpAddr, source: RouteSource) -> Option<(IpNet, &Route)> {
        let lost = self.invalid().filter(|(prefix, route)| route.source == source && prefix.contains(&destination));
        lost.max_by_key(|(prefix, _)| prefix.prefix_len())
    }
}

impl Origin {
    /// `TABLE/ROUTE`, or the endpoint's service.
    #[must_use]
    pub fn label(&self) -> String {
        self.table.as_ref().map_or_else(|| self.name.clone(), |table| format!("{table}/{}", self.name))
    }
}

fn longer(one: IpNet, other: IpNet) -> bool {
    one.prefix_len() > other.prefix_len()
}

const fn leads_inside(hop: Hop) -> bool {
    matches!(hop, Hop::VnetLocal | Hop::Peering(_) | Hop::GlobalPeering(_))
}

/// The order of a list of effective routes.
const fn rank(route: &Route) -> u8 {
    match (route.source, route.hop) {
        (RouteSource::Default, Hop::PrivateEndpoint { .. }) => 7,
        (RouteSource::Default, Hop::Endpoint) => 6,
        (RouteSource::User, _) => 5,
        (RouteSource::VirtualNetworkGateway, _) => 4,
        (RouteSource::Default, Hop::VnetLocal) => 0,
        (RouteSource::Default, Hop::Peering(_) | Hop::GlobalPeering(_)) => 1,
        (RouteSource::Default, Hop::Internet) => 2,
        (RouteSource::Default, _) => 3,
    }
}

#[cfg(test)]
mod tests;
