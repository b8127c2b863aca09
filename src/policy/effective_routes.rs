//! Which of a subnet's routes count (Azure: virtual-networks-udr-overview).
//!
//! Of routes with one prefix the user's wins over a gateway's, and that over the system's; the loser is `Invalid`. Two
//! refinements, both documented (private endpoints have a third, see `private_endpoint`): a service endpoint's route wins over a user's and a gateway's whatever their length
//! (virtual-network-service-endpoints-overview; `endpointRouteOverUserRoute: longest-prefix` lets a longer one of the
//! user's win), and the system's routes to networks, peers and endpoints win over longer ones that a gateway learned.
//! What is left is looked up by longest prefix alone. ICMP does not use service endpoints: it takes the next best route.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use super::position::Position;
use super::question::{NextHopType, RouteSource};
use crate::table::longest_prefix::LongestPrefix;

/// A subnet's routes, resolved: what [`Routes::select`] looks up and what `causeway routes` lists.
#[derive(Clone, Debug, Default)]
pub struct Routes {
    /// One route for each prefix: the one that wins.
    active: LongestPrefix<Route>,
    /// The same as if the subnet had no service endpoints.
    without_endpoints: LongestPrefix<Route>,
    /// Those that lost against a route in `active`.
    invalid: Vec<(IpNet, Route)>,
    /// The system's reserved prefixes, and what a user's default route does to them.
    reserved: Vec<Reserved>,
    /// The route table keeps the gateways' routes away.
    pub disable_bgp_route_propagation: bool,
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

/// All routes that a subnet is given, before they are resolved. Of equal prefixes in one list the first wins.
#[derive(Clone, Debug, Default)]
pub struct Candidates {
    /// Of private endpoints: one address each.
    pub private: Vec<(IpNet, Route)>,
    /// Of service endpoints.
    pub endpoint: Vec<(IpNet, Route)>,
    /// Of the route table.
    pub user: Vec<(IpNet, Route)>,
    /// Of gateways.
    pub gateway: Vec<(IpNet, Route)>,
    /// Of the system, without the endpoints'.
    pub system: Vec<(IpNet, Route)>,
    /// What became of the reserved prefixes; empty without a user's default route.
    pub reserved: Vec<Reserved>,
    /// The route table keeps the gateways' routes away.
    pub disable_bgp_route_propagation: bool,
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
    pub fn resolve(candidates: Candidates, by_length: bool) -> Self {
        let without_endpoints = Resolution::of(Vec::new(), &candidates, by_length);
        let Resolution { active, invalid } = Resolution::of(candidates.endpoint.clone(), &candidates, by_length);
        Self {
            active: LongestPrefix::new(active),
            without_endpoints: LongestPrefix::new(without_endpoints.active),
            invalid,
            reserved: candidates.reserved,
            disable_bgp_route_propagation: candidates.disable_bgp_route_propagation,
        }
    }

    /// The route that a packet to `destination` takes, and its prefix. `endpoints`: whether it may take a service endpoint.
    #[must_use]
    pub fn select(&self, destination: IpAddr, endpoints: bool) -> Option<(IpNet, &Route)> {
        if endpoints { self.active.lookup(destination) } else { self.without_endpoints.lookup(destination) }
    }

    /// Every route, as Azure lists effective routes: the system's, the gateways', the user's, the endpoints'.
    #[must_use]
    pub fn list(&self) -> Vec<Listed<'_>> {
        let active = self.active.iter().map(|(prefix, route)| (prefix, route, true));
        let invalid = self.invalid.iter().map(|(prefix, route)| (*prefix, route, false));
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
        let lost = self.invalid.iter().map(|(prefix, route)| (*prefix, route));
        let (_, endpoint) = self.active.iter().chain(lost).find(covering)?;
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
        let reserved = self.reserved.iter().find(|reserved| reserved.prefix.contains(&destination))?;
        let option = reserved.option.map(|option| format!(" ({option})")).unwrap_or_default();
        if reserved.removed && longer(reserved.prefix, prefix) {
            return Some(format!("the user's 0.0.0.0/0 takes the system's {} to None away{option}", reserved.prefix));
        }
        let kept = !reserved.removed && reserved.prefix == prefix && route.source == RouteSource::Default;
        kept.then(|| format!("the system's {} stays beside the user's 0.0.0.0/0{option}", reserved.prefix))
    }

    fn longest_invalid(&self, destination: IpAddr, source: RouteSource) -> Option<(IpNet, &Route)> {
        let lost = self.invalid.iter().filter(|(prefix, route)| route.source == source && prefix.contains(&destination));
        lost.max_by_key(|(prefix, _)| prefix.prefix_len()).map(|(prefix, route)| (*prefix, route))
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

/// Whether a private endpoint's route gives way to the longest user route there (disable-private-endpoint-network-policy).
fn yields(route: &Route, user: Option<IpNet>) -> bool {
    let Hop::PrivateEndpoint { yields_to, .. } = route.hop else { return false };
    yields_to.zip(user).is_some_and(|(least, user)| user.prefix_len() >= least)
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

/// Who won and who lost.
struct Resolution {
    active: Vec<(IpNet, Route)>,
    invalid: Vec<(IpNet, Route)>,
}

impl Resolution {
    fn of(endpoint: Vec<(IpNet, Route)>, candidates: &Candidates, by_length: bool) -> Self {
        let endpoints = LongestPrefix::new(endpoint.iter().map(|(prefix, _)| (*prefix, ())));
        let networks = candidates.system.iter().filter(|(_, route)| leads_inside(route.hop));
        let networks = LongestPrefix::new(networks.map(|(prefix, _)| (*prefix, ())));
        let under_endpoint = |prefix: IpNet| endpoints.covering(prefix).is_some();
        let mut resolution = Self { active: Vec::new(), invalid: Vec::new() };
        let mut taken: HashMap<IpNet, usize> = HashMap::new();
        let users = LongestPrefix::new(candidates.user.iter().map(|(prefix, _)| (*prefix, ())));
        for (prefix, route) in candidates.private.iter().cloned() {
            let counts = !yields(&route, users.covering(prefix).map(|(user, ())| user));
            resolution.take(&mut taken, [(prefix, route)], |_| counts);
        }
        let user = candidates.user.iter().cloned();
        if by_length {
            resolution.take(&mut taken, user, |_| true);
            resolution.take(&mut taken, endpoint, |_| true);
        } else {
            resolution.take(&mut taken, endpoint, |_| true);
            resolution.take(&mut taken, user, |prefix| !under_endpoint(prefix));
        }
        let hidden = |prefix: IpNet| under_endpoint(prefix) || networks.covering(prefix).is_some();
        resolution.take(&mut taken, candidates.gateway.iter().cloned(), |prefix| !hidden(prefix));
        resolution.take(&mut taken, candidates.system.iter().cloned(), |_| true);
        resolution
    }

    /// Routes of one kind, better than those that come later: those win whose prefix is not taken and that `counts`.
    fn take(
        &mut self,
        taken: &mut HashMap<IpNet, usize>,
        routes: impl IntoIterator<Item = (IpNet, Route)>,
        counts: impl Fn(IpNet) -> bool,
    ) {
        for (prefix, route) in routes {
            let prefix = prefix.trunc();
            match taken.get(&prefix).and_then(|at| self.active.get(*at)) {
                // One route may come to a prefix twice: by two tags that share it.
                Some((_, winner)) if *winner == route => {}
                None if counts(prefix) => {
                    taken.insert(prefix, self.active.len());
                    self.active.push((prefix, route));
                }
                _ => self.invalid.push((prefix, route)),
            }
        }
    }
}

#[cfg(test)]
mod tests;
