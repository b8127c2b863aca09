//! Effective routes of a subnet and the one that wins (virtual-networks-udr-overview).

use std::net::IpAddr;

use ipnet::IpNet;

use crate::network::{Endpoint, EndpointRules, Gateway, Hop, PrivateEndpoint, VirtualNetwork, World};
use crate::places::{Home, same};
use crate::tags;

/// Prefixes that the platform sends nowhere.
const RESERVED: [&str; 4] = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"];

/// What real subnets have been seen to list besides.
const OBSERVED: [&str; 14] = [
    "127.0.0.0/8",
    "25.4.0.0/14",
    "25.30.0.0/15",
    "25.33.0.0/16",
    "25.41.0.0/20",
    "25.48.0.0/12",
    "198.18.0.0/15",
    "157.59.0.0/16",
    "40.108.0.0/17",
    "40.109.0.0/16",
    "104.146.0.0/17",
    "104.147.0.0/16",
    "23.103.0.0/18",
    "20.35.252.0/22",
];

/// Where a winning route leads.
#[derive(Clone, Copy)]
pub enum To<'w> {
    Local,
    Peer(&'w VirtualNetwork),
    /// Learned or static: this gateway's own prefix.
    OnPremises(&'w Gateway),
    /// A user's route to the VPN gateway.
    AnyGateway,
    Endpoint(&'w Endpoint),
    PrivateEndpoint(&'w PrivateEndpoint),
    Appliance(IpAddr),
    Internet,
    None,
}

impl To<'_> {
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Local => "VnetLocal",
            Self::Peer(_) => "VNetPeering",
            Self::OnPremises(_) | Self::AnyGateway => "VirtualNetworkGateway",
            Self::Endpoint(_) => "VirtualNetworkServiceEndpoint",
            Self::PrivateEndpoint(_) => "InterfaceEndpoint",
            Self::Appliance(_) => "VirtualAppliance",
            Self::Internet => "Internet",
            Self::None => "None",
        }
    }
}

#[derive(Clone)]
pub struct Effective<'w> {
    pub prefix: IpNet,
    pub to: To<'w>,
    /// `TABLE/ROUTE` of a user's route.
    pub user: Option<String>,
    /// Among routes to one prefix the highest wins.
    rank: u8,
}

/// The route that a packet takes. Packets without ports (ICMP, ESP, AH) take no endpoint: services are not reached by them.
pub fn winning<'w>(world: &'w World, home: Home<'w>, destination: IpAddr, protocol: u8) -> Option<Effective<'w>> {
    let mut routes: Vec<Effective<'w>> = effective(world, home).into_iter().filter(|route| route.prefix.contains(&destination)).collect();
    if let Some(found) = private(world, home, destination) {
        return Some(found);
    }
    let endpoints = |route: &Effective<'w>| matches!(route.to, To::Endpoint(_));
    if matches!(protocol, 1 | 58) {
        routes.retain(|route| !endpoints(route));
    }
    if !world.endpoint_by_longest_prefix && routes.iter().any(endpoints) {
        routes.retain(endpoints);
    }
    // The platform's routes to the network, its peers and endpoints are preferred over a gateway's, even over longer ones.
    let inside = |route: &Effective<'w>| route.user.is_none() && matches!(route.to, To::Local | To::Peer(_));
    if routes.iter().any(|route| inside(route) || endpoints(route)) {
        routes.retain(|route| !matches!(route.to, To::OnPremises(_)));
    }
    let mut best: Option<Effective<'w>> = None;
    for route in routes {
        let better = best.as_ref().is_none_or(|best| (route.prefix.prefix_len(), route.rank) > (best.prefix.prefix_len(), best.rank));
        if better {
            best = Some(route);
        }
    }
    best
}

/// Ranks among equal prefixes: a user's own prefix, a user's tags, gateways, the platform's.
const USER: u8 = 20;
const GATEWAY: u8 = 10;
const OPTIONAL: u8 = 5;
const SYSTEM: u8 = 1;

fn effective<'w>(world: &'w World, home: Home<'w>) -> Vec<Effective<'w>> {
    let network = home.network;
    let system = |prefix: IpNet, to: To<'w>, rank: u8| Effective { prefix, to, user: None, rank };
    let mut routes: Vec<Effective<'w>> = network.prefixes.iter().map(|prefix| system(*prefix, To::Local, OPTIONAL)).collect();
    // IPv6 is there where the network has it (virtual network IPv6 overview).
    let six = network.prefixes.iter().any(|prefix| prefix.addr().is_ipv6());
    for default in ["0.0.0.0/0", "::/0"].into_iter().filter(|default| six || !default.contains(':')) {
        routes.push(system(default.parse().unwrap(), To::Internet, SYSTEM));
    }
    for peer in world.peers(network) {
        routes.extend(peer.prefixes.iter().map(|prefix| system(*prefix, To::Peer(peer), OPTIONAL)));
    }
    for endpoint in &home.subnet.endpoints {
        let prefixes = tags::endpoint_prefixes(world, home, endpoint);
        routes.extend(prefixes.into_iter().map(|prefix| system(prefix, To::Endpoint(endpoint), OPTIONAL)));
    }
    routes.extend(reserved(world, home).into_iter().map(|prefix| system(prefix, To::None, SYSTEM)));
    routes.extend(user_routes(world, home));
    let propagated = !table(world, home).is_some_and(|table| table.no_propagation);
    for gateway in world.gateways_of(network).filter(|_| propagated) {
        routes.extend(gateway.prefixes.iter().map(|prefix| system(*prefix, To::OnPremises(gateway), GATEWAY)));
    }
    routes
}

/// A private endpoint of the network or a peer: its route wins, unless its subnet lets routes apply and a user's route at least as long
/// as the network's address space holds the address (disable-private-endpoint-network-policy).
fn private<'w>(world: &'w World, home: Home<'w>, destination: IpAddr) -> Option<Effective<'w>> {
    let networks = std::iter::once(home.network).chain(world.peers(home.network));
    let (network, endpoint) = networks.into_iter().find_map(|network| Some((network, world.private_endpoint_at(network, destination)?)))?;
    let yields = matches!(world.home(&endpoint.subnet).subnet.endpoint_rules, EndpointRules::Enabled | EndpointRules::RouteTableEnabled);
    let space = network.prefixes.iter().find(|prefix| prefix.contains(&destination)).map_or(0, IpNet::prefix_len);
    let users = user_routes(world, home);
    if yields && users.iter().any(|route| route.prefix.contains(&destination) && route.prefix.prefix_len() >= space) {
        return None;
    }
    Some(Effective { prefix: destination.into(), to: To::PrivateEndpoint(endpoint), user: None, rank: OPTIONAL })
}

fn table<'w>(world: &'w World, home: Home<'w>) -> Option<&'w crate::network::RouteTable> {
    home.subnet.table.as_ref().and_then(|name| world.tables.iter().find(|table| same(&table.name, name)))
}

/// Reserved prefixes lose their None where the network's address space is or includes them, and where the subnet has a user's
/// route to 0.0.0.0/0. The example that says so leaves 172.16.0.0/12 out, and does not speak of a route to the internet: options.
/// What has been seen besides (option) no user's default route takes away.
fn reserved(world: &World, home: Home<'_>) -> Vec<IpNet> {
    let default = table(world, home).and_then(|table| table.routes.iter().find(|route| route.prefix == "0.0.0.0/0"));
    let removed = |prefix: &&str| {
        default.is_some_and(|route| {
            let keeps = world.default_to_internet_keeps && route.hop == Hop::Internet;
            !(keeps || world.default_removes_named && *prefix == "172.16.0.0/12")
        })
    };
    let observed = if world.observed_none { &OBSERVED[..] } else { &[] };
    let all = RESERVED.iter().filter(|prefix| !removed(prefix)).chain(observed).map(|prefix| prefix.parse::<IpNet>().unwrap());
    all.filter(|prefix| !home.network.prefixes.iter().any(|own| own.contains(prefix))).collect()
}

fn user_routes<'w>(world: &'w World, home: Home<'w>) -> Vec<Effective<'w>> {
    let Some(table) = table(world, home) else { return Vec::new() };
    let mut routes = Vec::new();
    for route in &table.routes {
        let to = match route.hop {
            Hop::Gateway => To::AnyGateway,
            Hop::Local => To::Local,
            Hop::Internet => To::Internet,
            Hop::Appliance(address) => To::Appliance(address),
            Hop::None => To::None,
        };
        for prefix in tags::named_prefixes(world, &route.prefix) {
            let user = Some(format!("{}/{}", table.name, route.name));
            routes.push(Effective { prefix, to, user, rank: USER - tag_rank(&route.prefix) });
        }
    }
    routes
}

/// An explicit prefix, then regional tags, top-level ones, AzureCloud's regional ones, AzureCloud.
fn tag_rank(text: &str) -> u8 {
    let lower = text.to_ascii_lowercase();
    match lower.split_once('.') {
        _ if text.parse::<IpNet>().is_ok() || text.parse::<IpAddr>().is_ok() => 0,
        Some(("azurecloud", _)) => 3,
        Some(_) => 1,
        None if lower == "azurecloud" => 4,
        None => 2,
    }
}
