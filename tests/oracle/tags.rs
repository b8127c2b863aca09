//! Service tags and the special ones (service-tags-overview; contract, section 3).

use std::net::IpAddr;

use ipnet::IpNet;

use crate::network::{Service, World};
use crate::places::{Home, METADATA, PLATFORM, same, within};
use crate::services::{self, KINDS};

/// What the `Internet` tag does not hold, though it is unicast.
const NOT_INTERNET: [&str; 7] =
    ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "168.63.129.16/32"];

/// Whether a tag holds an address, in an evaluation for a subnet.
pub fn holds(world: &World, tag: &str, address: IpAddr, view: Home<'_>) -> bool {
    match tag.to_ascii_lowercase().as_str() {
        "virtualnetwork" => in_virtual_network(world, address, view),
        "internet" => in_internet(address),
        "azureloadbalancer" | "azureplatformdns" => address == PLATFORM,
        "azureplatformimds" => address == METADATA,
        _ => within(&prefixes(world, tag), address),
    }
}

/// All unicast IPv4 but what private networks, hosts and the platform use.
pub fn in_internet(address: IpAddr) -> bool {
    let IpAddr::V4(unicast) = address else { return false };
    (1..224).contains(&unicast.octets()[0]) && !NOT_INTERNET.iter().any(|prefix| prefix.parse::<IpNet>().unwrap().contains(&address))
}

/// The network, its connected peers that it may access, prefixes of its gateways, the platform's address, and all prefixes of
/// the subnet's route table.
fn in_virtual_network(world: &World, address: IpAddr, view: Home<'_>) -> bool {
    let network = view.network;
    let peers = world.peers(network).filter(|peer| world.peering(network, peer).is_some_and(|(mine, _)| mine.access));
    within(&network.prefixes, address)
        || peers.into_iter().any(|peer| within(&peer.prefixes, address))
        || world.gateways_of(network).any(|gateway| within(&gateway.prefixes, address))
        || address == PLATFORM
        || table_prefixes(world, view).iter().any(|prefix| prefix.contains(&address))
}

fn table_prefixes(world: &World, view: Home<'_>) -> Vec<IpNet> {
    let table = view.subnet.table.as_ref().and_then(|name| world.tables.iter().find(|table| same(&table.name, name)));
    let routes = table.map_or(&[][..], |table| table.routes.as_slice());
    routes.iter().flat_map(|route| named_prefixes(world, &route.prefix)).collect()
}

/// A prefix, or all prefixes of a tag.
pub fn named_prefixes(world: &World, text: &str) -> Vec<IpNet> {
    let prefix = text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
    prefix.map_or_else(|| prefixes(world, text), |prefix| vec![prefix])
}

/// The prefixes of a service tag: as given; a top-level tag that is not given is the union of its regional ones; where nothing
/// gives a tag, the file's own services of that type and region stand in for it.
pub fn prefixes(world: &World, tag: &str) -> Vec<IpNet> {
    if let Some(given) = world.tags.iter().find(|given| same(&given.name, tag)) {
        return given.prefixes.clone();
    }
    match tag.split_once('.') {
        Some((service, region)) => stand_ins(world, service, Some(region)),
        None => {
            let of_tag = |name: &str| name.split_once('.').filter(|(service, _)| same(service, tag)).map(|(_, region)| region.to_owned());
            let mut regions: Vec<String> = world.tags.iter().filter_map(|given| of_tag(&given.name)).collect();
            let mut union: Vec<IpNet> =
                world.tags.iter().filter(|given| of_tag(&given.name).is_some()).flat_map(|given| given.prefixes.clone()).collect();
            regions.dedup();
            let elsewhere = world.services.iter().filter(|service| {
                service.subnet.is_none() && !regions.iter().any(|region| same(region, world.location(&service.location)))
            });
            union.extend(elsewhere.filter(|service| has_tag(&service.kind, tag)).flat_map(hosts));
            union
        }
    }
}

fn stand_ins(world: &World, tag: &str, region: Option<&str>) -> Vec<IpNet> {
    let there = |location: &Option<String>| region.is_none_or(|region| same(region, world.location(location)));
    let services =
        world.services.iter().filter(|service| service.subnet.is_none() && has_tag(&service.kind, tag) && there(&service.location));
    services.flat_map(hosts).collect()
}

fn has_tag(kind: &str, tag: &str) -> bool {
    KINDS.iter().any(|known| same(known.kind, kind) && same(known.tag, tag))
}

fn hosts(service: &Service) -> Vec<IpNet> {
    service.addresses.iter().chain(&service.scm).map(|address| IpNet::from(IpAddr::V4(*address))).collect()
}

/// The prefixes that an endpoint covers: those of the service's tag (service-tags-overview), in the regions that the endpoint
/// reaches (virtual-network-service-endpoints-overview); `locations` can only make them fewer. A global one has no regions.
pub fn endpoint_prefixes(world: &World, home: Home<'_>, endpoint: &crate::network::Endpoint) -> Vec<IpNet> {
    let tag = services::tag_of(&endpoint.service);
    let own = world.location(&home.network.location);
    let has_policy = !home.subnet.policies.is_empty();
    let is_global = endpoint.service.starts_with("Microsoft.Storage") && (has_policy || endpoint.service.ends_with(".Global"));
    let limits: Vec<String> =
        endpoint.locations.iter().filter(|location| *location != "*").map(|location| location.replace(' ', "").to_lowercase()).collect();
    let regions: Vec<String> = match services::reach(&endpoint.service, has_policy) {
        services::Reach::Nowhere => return Vec::new(),
        services::Reach::Everywhere if is_global || limits.is_empty() => return prefixes(world, tag),
        services::Reach::Everywhere => return limits.iter().flat_map(|region| regional(world, tag, region)).collect(),
        _ if own.is_empty() => return prefixes(world, tag),
        services::Reach::Region => vec![own.to_owned()],
        services::Reach::RegionAndPair => [Some(own), services::paired(own)].into_iter().flatten().map(str::to_owned).collect(),
    };
    let within_limits = |region: &&String| limits.is_empty() || limits.contains(region);
    regions.iter().filter(within_limits).flat_map(|region| regional(world, tag, region)).collect()
}

fn regional(world: &World, tag: &str, region: &str) -> Vec<IpNet> {
    prefixes(world, &format!("{tag}.{region}"))
}
