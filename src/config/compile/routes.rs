//! Effective routes of a subnet.

use std::net::Ipv4Addr;
use std::sync::Arc;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::Compiler;
use super::endpoint_routes::{Extent, endpoint_route, extent};
use crate::config::network::{
    EndpointRouteOverUserRoute, GatewayKind, GlobalPeeringHopType, RoutePrefix, RouteTable, Subnet, SystemNoneRoutes,
    UserDefaultRouteRemoves, UserDefaultRouteToInternet, UserNextHop, UserRoute, VirtualNetwork, VirtualNetworkIndex,
};
use crate::policy::effective_routes::{Candidates, CommonRoutes, Reserved};
use crate::policy::question::RouteSource;
use crate::policy::route::{Hop, Origin, Route, Routes};

/// Private space that leads nowhere unless something longer says so (Azure: virtual-networks-udr-overview).
const RESERVED: [Ipv4Net; 4] = [
    Ipv4Net::new_assert(Ipv4Addr::new(10, 0, 0, 0), 8),
    Ipv4Net::new_assert(Ipv4Addr::new(172, 16, 0, 0), 12),
    Ipv4Net::new_assert(Ipv4Addr::new(192, 168, 0, 0), 16),
    Ipv4Net::new_assert(Ipv4Addr::new(100, 64, 0, 0), 10),
];
/// The reserved prefix that the page's example of a user's default route leaves out.
const UNNAMED: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(172, 16, 0, 0), 12);
/// What effective routes have been seen to list besides, to None; not documented.
const OBSERVED: [Ipv4Net; 14] = [
    Ipv4Net::new_assert(Ipv4Addr::new(127, 0, 0, 0), 8),
    Ipv4Net::new_assert(Ipv4Addr::new(25, 4, 0, 0), 14),
    Ipv4Net::new_assert(Ipv4Addr::new(25, 30, 0, 0), 15),
    Ipv4Net::new_assert(Ipv4Addr::new(25, 33, 0, 0), 16),
    Ipv4Net::new_assert(Ipv4Addr::new(25, 41, 0, 0), 20),
    Ipv4Net::new_assert(Ipv4Addr::new(25, 48, 0, 0), 12),
    Ipv4Net::new_assert(Ipv4Addr::new(198, 18, 0, 0), 15),
    Ipv4Net::new_assert(Ipv4Addr::new(157, 59, 0, 0), 16),
    Ipv4Net::new_assert(Ipv4Addr::new(40, 108, 0, 0), 17),
    Ipv4Net::new_assert(Ipv4Addr::new(40, 109, 0, 0), 16),
    Ipv4Net::new_assert(Ipv4Addr::new(104, 146, 0, 0), 17),
    Ipv4Net::new_assert(Ipv4Addr::new(104, 147, 0, 0), 16),
    Ipv4Net::new_assert(Ipv4Addr::new(23, 103, 0, 0), 18),
    Ipv4Net::new_assert(Ipv4Addr::new(20, 35, 252, 0), 22),
];
/// What follows the dot of a tag's name and is no region.
const PARTS: [&str; 5] = ["ServiceEndpoint", "Backend", "FirstParty", "Frontend", "Core"];
const DEFAULT_ROUTE: IpNet = IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::UNSPECIFIED, 0));
const DEFAULT_ROUTE_V6: IpNet = IpNet::V6(Ipv6Net::new_assert(std::net::Ipv6Addr::UNSPECIFIED, 0));

impl Compiler<'_> {
    /// The routes of a subnet. Where network and route table are the same, all but the endpoints' are common; where the
    /// endpoints are equal too, only what names their place is a subnet's own.
    pub(super) fn shared_routes(&mut self, subnet: &Subnet) -> Arc<Routes> {
        let Some(network) = self.network.virtual_networks.get(subnet.virtual_network.0) else { return Arc::default() };
        let extents: Vec<Extent> = subnet.service_endpoints.iter().map(|endpoint| extent(subnet, network, endpoint)).collect();
        let place = ((subnet.virtual_network, subnet.route_table), extents);
        let endpoints = || subnet.service_endpoints.iter().map(endpoint_route);
        if let Some(known) = self.routes.get(&place) {
            return if place.1.is_empty() { Arc::clone(known) } else { Arc::new(known.with_endpoints(endpoints().collect())) };
        }
        let common = self.common_routes(subnet, network);
        let prefixes = place.1.iter().map(|extent| self.endpoint_prefixes(extent));
        let routes = Arc::new(Routes::over(common, endpoints().zip(prefixes).collect()));
        self.routes.insert(place, Arc::clone(&routes));
        routes
    }

    fn common_routes(&mut self, subnet: &Subnet, network: &VirtualNetwork) -> Arc<CommonRoutes> {
        let place = (subnet.virtual_network, subnet.route_table);
        if let Some(known) = self.common_routes.get(&place) {
            return Arc::clone(known);
        }
        let table = subnet.route_table.and_then(|table| self.network.route_tables.get(table.0));
        let reserved = self.reserved(network, table);
        let candidates = Candidates {
            private: self.private_endpoint_routes(subnet.virtual_network),
            endpoint: Vec::new(),
            user: table.map(|table| self.user_routes(table, subnet.virtual_network)).unwrap_or_default(),
            gateway: self.gateway_routes(subnet.virtual_network, table),
            system: self.system_routes(subnet.virtual_network, network, &reserved),
            reserved: if default_route(table).is_some() { reserved } else { Vec::new() },
            disable_bgp_route_propagation: table.is_some_and(|table| table.disable_bgp_route_propagation),
        };
        let by_length = self.network.options.endpoint_route_over_user_route == EndpointRouteOverUserRoute::LongestPrefix;
        let common = Arc::new(CommonRoutes::resolve(candidates, by_length));
        self.common_routes.insert(place, Arc::clone(&common));
        common
    }

    /// A prefix written out beats the same prefix out of a tag; of tags a regional one beats one of all regions, and
    /// both beat `AzureCloud`. The first of a prefix stays in the table.
    fn user_routes(&self, table: &RouteTable, network: VirtualNetworkIndex) -> Vec<(IpNet, Route)> {
        let mut routes: Vec<_> = table.routes.iter().collect();
        routes.sort_by_key(|route| precedence(&route.prefix));
        let compile = |route: &&UserRoute| {
            let hop = self.user_hop(route.next_hop, network);
            let origin = Origin { table: Some(table.named.name.clone()), name: route.named.name.clone(), position: route.named.position };
            let prefixes = match &route.prefix {
                RoutePrefix::Prefix(prefix) => vec![*prefix],
                // A tag holds both families, an appliance takes the one of its address.
                RoutePrefix::Tag(tag) => self.tags.prefixes(tag).into_iter().filter(|prefix| suits(hop, *prefix)).collect(),
            };
            let route = Route { hop, source: RouteSource::User, origin: Some(Arc::new(origin)) };
            prefixes.into_iter().map(|prefix| (prefix, route.clone())).collect::<Vec<_>>()
        };
        routes.iter().flat_map(compile).collect()
    }

    fn user_hop(&self, hop: UserNextHop, network: VirtualNetworkIndex) -> Hop {
        match hop {
            UserNextHop::VnetLocal => Hop::VnetLocal,
            UserNextHop::Internet => Hop::Internet,
            UserNextHop::None => Hop::None,
            UserNextHop::VirtualAppliance(address) => Hop::Appliance(address),
            UserNextHop::VirtualNetworkGateway => {
                let gateways = self.network.usable_gateways(network);
                let vpn = gateways.iter().find(|(_, gateway)| gateway.kind == GatewayKind::Vpn);
                vpn.map_or(Hop::NoGateway, |(index, _)| Hop::Gateway(*index))
            }
        }
    }

    fn gateway_routes(&self, network: VirtualNetworkIndex, table: Option<&RouteTable>) -> Vec<(IpNet, Route)> {
        if table.is_some_and(|table| table.disable_bgp_route_propagation) {
            return Vec::new();
        }
        let routes = self.network.usable_gateways(network).into_iter().flat_map(|(index, gateway)| {
            let route = Route { hop: Hop::Gateway(index), source: RouteSource::VirtualNetworkGateway, origin: None };
            gateway.address_prefixes.iter().map(move |prefix| (*prefix, route.clone()))
        });
        routes.collect()
    }

    /// One route for each range of the network and of its connected peers, the reserved ones that are left, and the
    /// internet.
    fn system_routes(&self, index: VirtualNetworkIndex, network: &VirtualNetwork, reserved: &[Reserved]) -> Vec<(IpNet, Route)> {
        let system = |hop| Route { hop, source: RouteSource::Default, origin: None };
        let mut routes: Vec<_> = network.address_prefixes.iter().map(|prefix| (*prefix, system(Hop::VnetLocal))).collect();
        for (ours, _) in self.network.connected(index) {
            let Some(remote) = self.network.virtual_networks.get(ours.remote.0) else { continue };
            let route = system(self.peering_hop(network, remote, ours.remote));
            routes.extend(remote.address_prefixes.iter().map(|prefix| (*prefix, route.clone())));
        }
        let kept = reserved.iter().filter(|reserved| !reserved.removed);
        routes.extend(kept.map(|reserved| (reserved.prefix, system(Hop::None))));
        if self.network.options.system_none_routes == SystemNoneRoutes::Observed {
            routes.extend(OBSERVED.iter().map(|prefix| (IpNet::V4(*prefix), system(Hop::None))));
        }
        routes.push((DEFAULT_ROUTE, system(Hop::Internet)));
        if network.address_prefixes.iter().any(|prefix| matches!(prefix, IpNet::V6(_))) {
            routes.push((DEFAULT_ROUTE_V6, system(Hop::Internet)));
        }
        routes
    }

    fn peering_hop(&self, network: &VirtualNetwork, remote: &VirtualNetwork, index: VirtualNetworkIndex) -> Hop {
        let named = self.network.options.global_peering_hop_type == GlobalPeeringHopType::VNetGlobalPeering;
        if named && network.location != remote.location { Hop::GlobalPeering(index.0) } else { Hop::Peering(index.0) }
    }

    /// The reserved prefixes, and whether a user's default route takes each away. Address space that equals one or holds
    /// it has taken it away before: those are not here.
    fn reserved(&self, network: &VirtualNetwork, table: Option<&RouteTable>) -> Vec<Reserved> {
        let default = default_route(table);
        let to_internet = default.is_some_and(|route| route.next_hop == UserNextHop::Internet);
        let covered = |reserved: &Ipv4Net| network.address_prefixes.iter().any(|prefix| prefix.contains(&IpNet::V4(*reserved)));
        let reserved = RESERVED.iter().filter(|reserved| !covered(reserved)).map(|prefix| {
            let (removed, option) = self.removes(to_internet, *prefix == UNNAMED);
            Reserved { prefix: IpNet::V4(*prefix), removed: default.is_some() && removed, option }
        });
        reserved.collect()
    }

    /// Whether a user's default route takes a reserved prefix away, and the option that says so.
    fn removes(&self, to_internet: bool, unnamed: bool) -> (bool, Option<&'static str>) {
        let options = self.network.options;
        match (options.user_default_route_to_internet, options.user_default_route_removes) {
            (UserDefaultRouteToInternet::Keeps, _) if to_internet => (false, Some("userDefaultRouteToInternet: keeps")),
            (_, UserDefaultRouteRemoves::Named) if unnamed => (false, Some("userDefaultRouteRemoves: named")),
            _ if unnamed => (true, Some("userDefaultRouteRemoves: all")),
            _ if to_internet => (true, Some("userDefaultRouteToInternet: removes")),
            _ => (true, None),
        }
    }
}

/// The table's route 0.0.0.0/0.
fn default_route(table: Option<&RouteTable>) -> Option<&UserRoute> {
    table?.routes.iter().find(|route| route.prefix == RoutePrefix::Prefix(DEFAULT_ROUTE))
}

fn suits(hop: Hop, prefix: IpNet) -> bool {
    !matches!(hop, Hop::Appliance(address) if address.is_ipv4() != prefix.addr().is_ipv4())
}

/// Of equal prefixes: one written out, a regional tag's, a tag's of all regions, `AzureCloud.REGION`'s, `AzureCloud`'s.
fn precedence(prefix: &RoutePrefix) -> u8 {
    let RoutePrefix::Tag(tag) = prefix else { return 0 };
    let (base, part) = tag.split_once('.').map_or((tag.as_str(), None), |(base, part)| (base, Some(part)));
    let regional = part.is_some_and(|part| !PARTS.iter().any(|known| known.eq_ignore_ascii_case(part)));
    match (base.eq_ignore_ascii_case("AzureCloud"), regional) {
        (false, true) => 1,
        (false, false) => 2,
        (true, true) => 3,
        (true, false) => 4,
    }
}
