//! Resolution of routes against the plain rules, and the list against what is looked up.

use std::net::Ipv4Addr;

use proptest::prelude::*;

use super::*;

/// A route of this kind to an address that names it.
fn route(source: RouteSource, hop: Hop, number: u32) -> Route {
    let named = source == RouteSource::User || hop == Hop::Endpoint;
    let position = Position { line: number, column: 1 };
    let table = (source == RouteSource::User).then(|| "t".to_owned());
    let origin = named.then(|| Arc::new(Origin { table, name: format!("r{number}"), position }));
    Route { hop, source, origin }
}

/// Few addresses and all lengths that matter, so that prefixes meet.
fn prefix() -> impl Strategy<Value = IpNet> {
    (0u32..16, prop_oneof![28u8..=32, Just(0)])
        .prop_map(|(bits, length)| IpNet::new(Ipv4Addr::from_bits(bits).into(), length).unwrap().trunc())
}

fn prefixes(most: usize) -> impl Strategy<Value = Vec<IpNet>> {
    prop::collection::vec(prefix(), 0..=most)
}

fn candidates() -> impl Strategy<Value = Candidates> {
    (prefixes(3), prefixes(4), prefixes(4), prefixes(2), prefixes(2)).prop_map(|(endpoint, user, gateway, networks, none)| {
        let numbered = |prefixes: Vec<IpNet>, source, hop: fn(u32) -> Hop| {
            let routes = prefixes.into_iter().zip(1u32..).map(move |(prefix, number)| (prefix, route(source, hop(number), number)));
            routes.collect::<Vec<_>>()
        };
        let mut system = numbered(networks, RouteSource::Default, |number| Hop::Peering(number as usize));
        system.extend(numbered(none, RouteSource::Default, |_| Hop::None));
        system.push((parsed("0.0.0.0/0"), route(RouteSource::Default, Hop::Internet, 0)));
        Candidates {
            endpoint: numbered(endpoint, RouteSource::Default, |_| Hop::Endpoint),
            user: numbered(user, RouteSource::User, |number| Hop::Appliance(Ipv4Addr::from_bits(number).into())),
            gateway: numbered(gateway, RouteSource::VirtualNetworkGateway, |number| Hop::Gateway(number as usize)),
            system,
            ..Candidates::default()
        }
    })
}

fn parsed(text: &str) -> IpNet {
    text.parse().unwrap()
}

/// The longest of these routes that covers an address; the first of equals.
fn longest(routes: &[(IpNet, Route)], address: IpAddr) -> Option<(IpNet, Route)> {
    let covering = routes.iter().filter(|(prefix, _)| prefix.contains(&address));
    covering
        .fold(None, |best: Option<&(IpNet, Route)>, next| match best {
            Some(found) if found.0.prefix_len() >= next.0.prefix_len() => best,
            _ => Some(next),
        })
        .cloned()
}

/// The documented choice, address by address.
fn chosen(candidates: &Candidates, address: IpAddr, endpoints: bool, by_length: bool) -> Option<(IpNet, Route)> {
    let endpoint = longest(&candidates.endpoint, address).filter(|_| endpoints);
    let system = longest(&candidates.system, address);
    let user = longest(&candidates.user, address).filter(|_| endpoint.is_none() || by_length);
    let inside = candidates.system.iter().any(|(prefix, route)| leads_inside(route.hop) && prefix.contains(&address));
    let gateway = longest(&candidates.gateway, address).filter(|_| endpoint.is_none() && !inside);
    let (first, second) = if by_length { (user, endpoint) } else { (endpoint, user) };
    let ranked: Vec<_> = [first, second, gateway, system].into_iter().flatten().collect();
    longest(&ranked, address)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_route_is_the_documented_one(candidates in candidates(), by_length in any::<bool>()) {
        let routes = Routes::resolve(candidates.clone(), by_length);
        for address in (0..17).map(|bits| IpAddr::V4(Ipv4Addr::from_bits(bits))) {
            for endpoints in [true, false] {
                let found = routes.select(address, endpoints).map(|(prefix, route)| (prefix, route.clone()));
                prop_assert_eq!(found, chosen(&candidates, address, endpoints, by_length), "{} {}", address, endpoints);
            }
        }
    }

    #[test]
    fn the_longest_active_prefix_of_the_list_is_the_route(candidates in candidates(), by_length in any::<bool>()) {
        let routes = Routes::resolve(candidates.clone(), by_length);
        let listed = routes.list();
        let active = |endpoints: bool| {
            let active = listed.iter().filter(|listed| listed.active && (endpoints || listed.route.hop != Hop::Endpoint));
            active.flat_map(|listed| listed.prefixes.iter().map(|prefix| (*prefix, listed.route.clone()))).collect::<Vec<_>>()
        };
        for address in (0..17).map(|bits| IpAddr::V4(Ipv4Addr::from_bits(bits))) {
            let found = routes.select(address, true).map(|(prefix, route)| (prefix, route.clone()));
            prop_assert_eq!(longest(&active(true), address), found);
        }
        // What is given is listed: once, in one state or the other, but for what a route is given twice.
        let given = [&candidates.endpoint, &candidates.user, &candidates.gateway, &candidates.system];
        for (prefix, route) in given.into_iter().flatten() {
            let times = listed.iter().filter(|listed| listed.route == route && listed.prefixes.contains(prefix)).count();
            prop_assert!(times >= 1, "{} {:?} in {:?}", prefix, route, listed);
        }
    }
}

#[test]
fn of_equal_prefixes_user_beats_gateway_beats_system() {
    let at = parsed("10.0.0.0/24");
    let (user, gateway) = (route(RouteSource::User, Hop::None, 1), route(RouteSource::VirtualNetworkGateway, Hop::Gateway(0), 2));
    let system = route(RouteSource::Default, Hop::Internet, 0);
    let all = Candidates {
        user: vec![(at, user.clone())],
        gateway: vec![(at, gateway.clone())],
        system: vec![(at, system.clone())],
        ..Candidates::default()
    };
    let winner = |candidates: &Candidates| {
        Routes::resolve(candidates.clone(), false).select("10.0.0.9".parse().unwrap(), true).map(|(_, route)| route.clone())
    };
    assert_eq!(winner(&all), Some(user));
    let without_user = Candidates { user: Vec::new(), ..all };
    assert_eq!(winner(&without_user), Some(gateway));
    assert_eq!(winner(&Candidates { gateway: Vec::new(), ..without_user }), Some(system));
}

#[test]
fn a_private_endpoint_gives_way_to_user_routes_that_are_long_enough() {
    let at: IpAddr = "10.0.1.9".parse().unwrap();
    let selected = |yields_to: Option<u8>, user: &str| {
        let private = route(RouteSource::Default, Hop::PrivateEndpoint { network: 0, yields_to }, 0);
        let candidates = Candidates {
            private: vec![(at.into(), private)],
            user: vec![(parsed(user), route(RouteSource::User, Hop::None, 1))],
            ..Candidates::default()
        };
        let routes = Routes::resolve(candidates, false);
        let invalid = routes.list().iter().any(|listed| !listed.active && matches!(listed.route.hop, Hop::PrivateEndpoint { .. }));
        let kinds = [true, false].map(|endpoints| routes.select(at, endpoints).map(|(_, route)| route.hop.kind()));
        assert_eq!(kinds[0], kinds[1], "ICMP goes the same way");
        (kinds[0], invalid)
    };
    let (endpoint, user) = ((Some(NextHopType::InterfaceEndpoint), false), (Some(NextHopType::None), true));
    assert_eq!(selected(None, "10.0.1.9/32"), endpoint);
    assert_eq!(selected(Some(16), "10.0.0.0/8"), endpoint);
    assert_eq!(selected(Some(16), "10.0.0.0/16"), user);
    assert_eq!(selected(Some(16), "10.0.1.9/32"), user);
}
