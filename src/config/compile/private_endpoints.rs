//! Private endpoints and their routes.

use std::sync::Arc;

use ipnet::IpNet;

use super::Compiler;
use crate::config::network::{self, VirtualNetworkIndex};
use crate::policy::question::RouteSource;
use crate::policy::route::{Hop, Origin, Route};
use crate::policy::topology::PrivateEndpoint;

impl Compiler<'_> {
    pub(super) fn private_endpoints(&self) -> Vec<PrivateEndpoint> {
        let compile = |endpoint: &network::PrivateEndpoint| PrivateEndpoint {
            name: endpoint.named.name.clone(),
            position: endpoint.named.position,
            subnet: endpoint.subnet.0,
            address: endpoint.address.into(),
            service: endpoint.service.0,
        };
        self.network.private_endpoints.iter().map(compile).collect()
    }

    /// A route to each private endpoint of a network and of its connected peers, in every subnet.
    pub(super) fn private_endpoint_routes(&self, index: VirtualNetworkIndex) -> Vec<(IpNet, Route)> {
        let networks: Vec<usize> = std::iter::once(index.0).chain(self.connected_peerings(index).map(|peering| peering.remote)).collect();
        self.network.private_endpoints.iter().filter_map(|endpoint| self.private_endpoint_route(endpoint, &networks)).collect()
    }

    fn private_endpoint_route(&self, endpoint: &network::PrivateEndpoint, networks: &[usize]) -> Option<(IpNet, Route)> {
        let subnet = self.network.subnets.get(endpoint.subnet.0)?;
        let home = subnet.virtual_network.0;
        if !networks.contains(&home) {
            return None;
        }
        let address = std::net::IpAddr::V4(endpoint.address);
        let space = self.network.virtual_networks.get(home)?.address_prefixes.iter().find(|prefix| prefix.contains(&address));
        let yields_to = space.map(IpNet::prefix_len).filter(|_| subnet.private_endpoint_network_policies.route_tables());
        let origin = Origin { table: None, name: endpoint.named.name.clone(), position: endpoint.named.position };
        let hop = Hop::PrivateEndpoint { network: home, yields_to };
        Some((IpNet::from(address), Route { hop, source: RouteSource::Default, origin: Some(Arc::new(origin)) }))
    }
}
