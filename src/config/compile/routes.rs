//! Effective routes of a subnet.

use std::net::Ipv4Addr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::{Compiler, service_kinds};
use crate::config::network::{
    Gateway, RoutePrefix, RouteTable, ServiceEndpoint, Subnet, SubnetIndex, UserNextHop, VirtualNetwork, VirtualNetworkIndex,
};
use crate::policy::question::RouteSource;
use crate::policy::route::{Hop, Origin, Route, Routes};
use crate::table::longest_prefix::LongestPrefix;

/// Private space that leads nowhere unless something longer says so (Azure: virtual-networks-udr-overview).
const RESERVED: [Ipv4Net; 4] = [
    Ipv4Net::new_assert(Ipv4Addr::new(10, 0, 0, 0), 8),
    Ipv4Net::new_assert(Ipv4Addr::new(172, 16, 0, 0), 12),
    Ipv4Net::new_assert(Ipv4Addr::new(192, 168, 0, 0), 16),
    Ipv4Net::new_assert(Ipv4Addr::new(100, 64, 0, 0), 10),
];
const DEFAULT_ROUTE: IpNet = IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::UNSPECIFIED, 0));
const DEFAULT_ROUTE_V6: IpNet = IpNet::V6(Ipv6Net::new_assert(std::net::Ipv6Addr::UNSPECIFIED, 0));

impl Compiler<'_> {
    pub(super) fn routes(&self, index: SubnetIndex) -> Routes {
        let Some(subnet) = self.network.subnets.get(index.0) else { return Routes::default() };
        let Some(network) = self.network.virtual_networks.get(subnet.virtual_network.0) else { return Routes::default() };
        let table = subnet.route_table.and_then(|table| self.network.route_tables.get(table.0));
        Routes {
            user: LongestPrefix::new(table.map(|table| self.user_routes(table, subnet.virtual_network)).unwrap_or_default()),
            gateway: LongestPrefix::new(self.gateway_routes(subnet.virtual_network, table)),
            system: LongestPrefix::new(self.system_routes(subnet.virtual_network, network, table)),
            endpoint: LongestPrefix::new(
                subnet.service_endpoints.iter().flat_map(|endpoint| self.endpoint_routes(subnet, network, endpoint)).collect::<Vec<_>>(),
            ),
        }
    }

    /// A prefix written out beats the same prefix out of a tag; of tags a regional one beats one of all regions, and
    /// both beat `AzureCloud`. The first of a prefix stays in the table.
    fn user_routes(&self, table: &RouteTable, network: VirtualNetworkIndex) -> Vec<(IpNet, Route)> {
        let mut routes: Vec<_> = table.routes.iter().collect();
        routes.sort_by_key(|route| precedence(&route.prefix));
        let compile = |route: &&crate::config::network::UserRoute| {
            let hop = self.user_hop(route.next_hop, network);
            let origin = Origin { table: Some(table.named.name.clone()), name: route.named.name.clone(), position: route.named.position };
            let prefixes = match &route.prefix {
                RoutePrefix::Prefix(prefix) => vec![*prefix],
                RoutePrefix::Tag(tag) => self.tags.prefixes(tag),
            };
            let route = Route { hop, source: RouteSource::User, origin: Some(origin) };
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
                self.usable_gateways(network).next().map_or(Hop::NoGateway, |(index, _)| Hop::Gateway(index))
            }
        }
    }

    fn gateway_routes(&self, network: VirtualNetworkIndex, table: Option<&RouteTable>) -> Vec<(IpNet, Route)> {
        if table.is_some_and(|table| table.disable_bgp_route_propagation) {
            return Vec::new();
        }
        let routes = self.usable_gateways(network).flat_map(|(index, gateway)| {
            let route = Route { hop: Hop::Gateway(index), source: RouteSource::VirtualNetworkGateway, origin: None };
            gateway.address_prefixes.iter().map(move |prefix| (*prefix, route.clone()))
        });
        routes.collect()
    }

    /// A network's own gateways, and those of peers that it may use.
    pub(super) fn usable_gateways(&self, network: VirtualNetworkIndex) -> impl Iterator<Item = (usize, &Gateway)> {
        let transit = |ours: &crate::config::network::Peering| {
            let remote = self.network.virtual_networks.get(ours.remote.0)?;
            let theirs = remote.peerings.iter().find(|half| half.remote == network)?;
            (ours.use_remote_gateways && theirs.allow_gateway_transit).then_some(ours.remote)
        };
        let peerings = self.network.virtual_networks.get(network.0).into_iter().flat_map(|network| &network.peerings);
        let homes: Vec<_> = std::iter::once(network).chain(peerings.filter_map(transit)).collect();
        self.network.gateways.iter().enumerate().filter(move |(_, gateway)| homes.contains(&gateway.virtual_network))
    }

    fn system_routes(&self, index: VirtualNetworkIndex, network: &VirtualNetwork, table: Option<&RouteTable>) -> Vec<(IpNet, Route)> {
        let system = |hop| Route { hop, source: RouteSource::Default, origin: None };
        let mut routes: Vec<_> = network.address_prefixes.iter().map(|prefix| (*prefix, system(Hop::VnetLocal))).collect();
        for peering in self.connected_peerings(index) {
            let remote = self.network.virtual_networks.get(peering.remote).into_iter().flat_map(|network| &network.address_prefixes);
            routes.extend(remote.map(|prefix| (*prefix, system(Hop::Peering(peering.remote)))));
        }
        // A default route of the user's takes the reserved ones away, and so does address space that covers them.
        let user_default = table.is_some_and(|table| table.routes.iter().any(|route| route.prefix == RoutePrefix::Prefix(DEFAULT_ROUTE)));
        let covered = |reserved: &Ipv4Net| network.address_prefixes.iter().any(|prefix| prefix.contains(&IpNet::V4(*reserved)));
        let reserved = RESERVED.iter().filter(|reserved| !user_default && !covered(reserved));
        routes.extend(reserved.map(|prefix| (IpNet::V4(*prefix), system(Hop::None))));
        routes.extend([DEFAULT_ROUTE, DEFAULT_ROUTE_V6].map(|prefix| (prefix, system(Hop::Internet))));
        routes
    }

    /// Exactly the prefixes of the service's tag, of the regions that the endpoint covers. IPv4 only.
    fn endpoint_routes(&self, subnet: &Subnet, network: &VirtualNetwork, endpoint: &ServiceEndpoint) -> Vec<(IpNet, Route)> {
        let Some(tag) = service_kinds::routed_tag(&endpoint.service) else { return Vec::new() };
        let origin = Origin { table: None, name: endpoint.service.clone(), position: endpoint.position };
        let route = Route { hop: Hop::Endpoint, source: RouteSource::Default, origin: Some(origin) };
        let prefixes = match covered_regions(subnet, network, endpoint) {
            Some(regions) => regions.iter().flat_map(|region| self.tags.prefixes(&format!("{tag}.{region}"))).collect(),
            None => self.tags.prefixes(tag),
        };
        prefixes.into_iter().filter(|prefix| matches!(prefix, IpNet::V4(_))).map(|prefix| (prefix, route.clone())).collect()
    }
}

/// The regions that an endpoint covers; `None`: all. Storage: the network's and its pair, unless an endpoint policy
/// widens it; SQL: the network's; others: all.
fn covered_regions(subnet: &Subnet, network: &VirtualNetwork, endpoint: &ServiceEndpoint) -> Option<Vec<String>> {
    let is = |name: &str| endpoint.service.eq_ignore_ascii_case(name);
    if is("Microsoft.Storage.Global") || (is("Microsoft.Storage") && !subnet.service_endpoint_policies.is_empty()) {
        return None;
    }
    if !endpoint.locations.is_empty() {
        return (!endpoint.locations.iter().any(|location| location == "*")).then(|| endpoint.locations.clone());
    }
    let home = network.location.clone()?;
    if is("Microsoft.Storage") {
        let pair = service_kinds::paired_region(&home).map(String::from);
        return Some(std::iter::once(home).chain(pair).collect());
    }
    is("Microsoft.Sql").then(|| vec![home])
}

fn precedence(prefix: &RoutePrefix) -> u8 {
    let RoutePrefix::Tag(tag) = prefix else { return 0 };
    let cloud = tag.to_ascii_lowercase().starts_with("azurecloud");
    match (cloud, tag.contains('.')) {
        (false, true) => 1,
        (false, false) => 2,
        (true, true) => 3,
        (true, false) => 4,
    }
}
