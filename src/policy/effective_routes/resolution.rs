//! Who wins where routes have one prefix, or hide others.

use std::sync::Arc;

use foldhash::{HashMap, HashMapExt};
use ipnet::IpNet;

use super::{Hop, Reserved, Route};
use crate::table::longest_prefix::LongestPrefix;
use crate::table::prefix_table::PrefixTable;

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

/// The routes that subnets of one network and route table have in common: all but those of service endpoints.
#[derive(Debug, Default)]
pub struct CommonRoutes {
    /// The routes, by number. Those of a subnet's endpoints have the numbers behind.
    pub(super) routes: Vec<Route>,
    /// Who wins without endpoints.
    pub(super) resolved: Arc<Resolved>,
    /// The system's reserved prefixes, and what a user's default route does to them.
    pub(super) reserved: Vec<Reserved>,
    /// The route table keeps the gateways' routes away.
    pub(super) disable_bgp_route_propagation: bool,
    private: Numbered,
    user: Numbered,
    gateway: Numbered,
    system: Numbered,
    by_length: bool,
}

/// Prefixes with their routes' numbers.
type Numbered = Vec<(IpNet, u32)>;

/// Who won and who lost.
#[derive(Debug, Default)]
pub(super) struct Resolved {
    /// One route for each prefix: the one that wins.
    pub(super) active: PrefixTable<u32>,
    /// Those that lost against an active one.
    pub(super) invalid: Numbered,
}

impl CommonRoutes {
    /// Resolves all candidates but those of endpoints. `by_length` as in [`super::Routes::resolve`].
    #[must_use]
    pub fn resolve(candidates: Candidates, by_length: bool) -> Self {
        let Candidates { private, user, gateway, system, reserved, disable_bgp_route_propagation, .. } = candidates;
        let mut routes: Vec<Route> = Vec::new();
        let mut number = |list: Vec<(IpNet, Route)>| -> Numbered {
            let numbered = list.into_iter().map(|(prefix, route)| {
                // The prefixes of one route follow one another.
                if routes.last() != Some(&route) {
                    routes.push(route);
                }
                (prefix.trunc(), u32::try_from(routes.len() - 1).unwrap_or(u32::MAX))
            });
            numbered.collect()
        };
        let (private, user, gateway, system) = (number(private), number(user), number(gateway), number(system));
        let mut common =
            Self { routes, resolved: Arc::default(), reserved, disable_bgp_route_propagation, private, user, gateway, system, by_length };
        common.resolved = Arc::new(common.with(&[]));
        common
    }

    /// Who wins where there are endpoints besides, by the prefixes that each leads to.
    pub(super) fn with(&self, endpoints: &[Vec<IpNet>]) -> Resolved {
        let first = u32::try_from(self.routes.len()).unwrap_or(u32::MAX);
        let numbered = (first..).zip(endpoints).flat_map(|(number, prefixes)| prefixes.iter().map(move |prefix| (prefix.trunc(), number)));
        let resolution = Resolution::of(numbered.collect(), self);
        Resolved { active: PrefixTable::new(resolution.active), invalid: resolution.invalid }
    }

    fn leads_inside(&self, number: u32) -> bool {
        self.routes.get(number as usize).is_some_and(|route| super::leads_inside(route.hop))
    }

    fn are_one(&self, one: u32, other: u32) -> bool {
        let route = |number: u32| self.routes.get(number as usize);
        one == other || route(one).is_some_and(|one| route(other) == Some(one))
    }
}

/// Whether a private endpoint's route gives way to the longest user route there (disable-private-endpoint-network-policy).
fn yields(route: &Route, user: Option<IpNet>) -> bool {
    let Hop::PrivateEndpoint { yields_to, .. } = route.hop else { return false };
    yields_to.zip(user).is_some_and(|(least, user)| user.prefix_len() >= least)
}

/// Routes on their way to winners and losers.
struct Resolution<'a> {
    common: &'a CommonRoutes,
    active: Numbered,
    invalid: Numbered,
    taken: HashMap<IpNet, usize>,
}

impl<'a> Resolution<'a> {
    fn of(endpoint: Numbered, common: &'a CommonRoutes) -> Self {
        let table = |list: &Numbered| LongestPrefix::new(list.iter().map(|(prefix, _)| (*prefix, ())));
        let endpoints = table(&endpoint);
        let networks = table(&common.system.iter().copied().filter(|(_, number)| common.leads_inside(*number)).collect());
        let users = table(&common.user);
        let under_endpoint = |prefix: IpNet| endpoints.covering(prefix).is_some();
        let mut resolution = Self { common, active: Vec::new(), invalid: Vec::new(), taken: HashMap::new() };
        for (prefix, number) in &common.private {
            let user = users.covering(*prefix).map(|(user, ())| user);
            let counts = !common.routes.get(*number as usize).is_some_and(|route| yields(route, user));
            resolution.take(&[(*prefix, *number)], |_| counts);
        }
        if common.by_length {
            resolution.take(&common.user, |_| true);
            resolution.take(&endpoint, |_| true);
        } else {
            resolution.take(&endpoint, |_| true);
            resolution.take(&common.user, |prefix| !under_endpoint(prefix));
        }
        let hidden = |prefix: IpNet| under_endpoint(prefix) || networks.covering(prefix).is_some();
        resolution.take(&common.gateway, |prefix| !hidden(prefix));
        resolution.take(&common.system, |_| true);
        resolution
    }

    /// Routes of one kind, better than those that come later: those win whose prefix is not taken and that `counts`.
    fn take(&mut self, routes: &[(IpNet, u32)], counts: impl Fn(IpNet) -> bool) {
        for (prefix, number) in routes {
            match self.taken.get(prefix).and_then(|at| self.active.get(*at)) {
                // One route may come to a prefix twice: by two tags that share it.
                Some((_, winner)) if self.common.are_one(*winner, *number) => {}
                None if counts(*prefix) => {
                    self.taken.insert(*prefix, self.active.len());
                    self.active.push((*prefix, *number));
                }
                _ => self.invalid.push((*prefix, *number)),
            }
        }
    }
}
