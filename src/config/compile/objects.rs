//! Networks, subnets, interfaces, services and gateways.

use std::sync::Arc;
use std::time::Duration;

use ipnet::{IpNet, Ipv6Net};

use super::{CompileError, Compiler, service_kinds};
use crate::config::catalogue;
use crate::config::network::{self, Denial, NsgIndex, SourceEncoding, SubnetIndex, VirtualNetworkIndex};
use crate::policy::nsg::SecurityGroup;
use crate::policy::question::Shown;
use crate::policy::service_tunnel;
use crate::policy::subnet_places::SubnetPlaces;
use crate::policy::topology::{
    EndpointPolicy, Gateway, Integration, Interface, NatGateway, Peering, Service, Subnet, VirtualNetwork, WirePrefix,
};
use crate::table::port_set::PortSet;

impl Compiler<'_> {
    pub(super) fn virtual_networks(&self) -> Vec<VirtualNetwork> {
        let all = self.network.virtual_networks.iter().enumerate();
        all.map(|(index, network)| VirtualNetwork {
            name: network.named.name.clone(),
            location: network.location.clone(),
            address_prefixes: network.address_prefixes.clone(),
            subnets: network.subnets.iter().map(|subnet| subnet.0).collect(),
            default_outbound_address: network.default_outbound_address,
            tcp_idle: network.flow_timeout_minutes.map(minutes),
            peerings: self.connected_peerings(VirtualNetworkIndex(index)).collect(),
            places: SubnetPlaces::default(),
        })
        .collect()
    }

    /// The peerings that are connected.
    pub(super) fn connected_peerings(&self, network: VirtualNetworkIndex) -> impl Iterator<Item = Peering> {
        self.network.connected(network).map(|(ours, theirs)| Peering {
            remote: ours.remote.0,
            allow_virtual_network_access: ours.allow_virtual_network_access,
            allow_forwarded_traffic: ours.allow_forwarded_traffic,
            shares_gateway: ours.allow_gateway_transit && theirs.use_remote_gateways,
            complete: ours.complete,
            position: ours.position,
        })
    }

    pub(super) fn subnets(&mut self) -> Result<Vec<Subnet>, CompileError> {
        let network = self.network;
        network.subnets.iter().enumerate().map(|(index, subnet)| self.subnet(SubnetIndex(index), subnet)).collect()
    }

    /// Enters which subnet of each network an address is in.
    pub(super) fn places(networks: &mut [VirtualNetwork], subnets: &[Subnet]) {
        for network in networks {
            let own: Vec<&Subnet> = network.subnets.iter().filter_map(|index| subnets.get(*index)).collect();
            network.places = SubnetPlaces::new(&own);
        }
    }

    fn subnet(&mut self, index: SubnetIndex, subnet: &network::Subnet) -> Result<Subnet, CompileError> {
        let zone = self.zone(self.subnet_name(index))?;
        let first_v4 = subnet.address_prefixes.iter().find_map(|prefix| if let IpNet::V4(net) = prefix { Some(*net) } else { None });
        Ok(Subnet {
            name: subnet.named.name.clone(),
            network: subnet.virtual_network.0,
            zone,
            prefixes: subnet.address_prefixes.clone(),
            wire: subnet.wire_prefix.zip(first_v4).map(|(wire, private)| WirePrefix { private, wire }),
            security_group: self.security_group(subnet.network_security_group, index)?,
            security_admin: self.security_admin(index)?,
            license_servers: self.license_servers(index),
            routes: self.shared_routes(subnet),
            endpoint_policies: subnet.service_endpoint_policies.iter().filter_map(|policy| self.endpoint_policy(policy.0)).collect(),
            nat_gateway: subnet.nat_gateway.and_then(|index| self.network.nat_gateways.get(index.0)).map(nat_gateway),
            default_outbound_access: subnet.default_outbound_access,
            tunnel_prefix: self.tunnel_prefix(subnet),
            guards_private_endpoints: subnet.private_endpoint_network_policies.security_groups(),
        })
    }

    fn tunnel_prefix(&self, subnet: &network::Subnet) -> Option<Ipv6Net> {
        let network = self.network.virtual_networks.get(subnet.virtual_network.0)?;
        Some(service_tunnel::source_prefix(network.tunnel_key?, subnet.tunnel_key?))
    }

    /// `VNET/SUBNET`.
    pub(super) fn subnet_name(&self, index: SubnetIndex) -> String {
        let subnet = self.network.subnets.get(index.0);
        let network = subnet.and_then(|subnet| self.network.virtual_networks.get(subnet.virtual_network.0));
        format!("{}/{}", network.map_or("", |network| &network.named.name), subnet.map_or("", |subnet| &subnet.named.name))
    }

    fn security_group(&mut self, group: Option<NsgIndex>, subnet: SubnetIndex) -> Result<Option<Arc<SecurityGroup>>, CompileError> {
        let network = self.network;
        let Some((index, group)) = group.and_then(|index| Some((index, network.network_security_groups.get(index.0)?))) else {
            return Ok(None);
        };
        let Some(place) = self.surroundings(subnet) else { return Ok(None) };
        if let Some(known) = self.groups.get(&(index, place)) {
            return Ok(Some(Arc::clone(known)));
        }
        let needs = self.needs(group, subnet);
        let compiled = match self.kept.group(index, place, group, &needs) {
            Some(kept) => kept,
            None => Arc::new(self.compile_group(group, subnet)?),
        };
        self.kept.keep_group(index, place, needs, &compiled);
        self.groups.insert((index, place), Arc::clone(&compiled));
        Ok(Some(compiled))
    }

    fn endpoint_policy(&self, index: usize) -> Option<EndpointPolicy> {
        let policy = self.network.service_endpoint_policies.get(index)?;
        let services = policy.services.iter().map(|service| service.0).collect();
        let unsettled = policy.unsettled.iter().map(|service| service.0).collect();
        Some(EndpointPolicy { name: policy.named.name.clone(), position: policy.named.position, services, unsettled })
    }

    /// Declared interfaces, then a place for each injected service that no interface was declared for.
    pub(super) fn interfaces(&mut self) -> Result<Vec<Interface>, CompileError> {
        let network = self.network;
        let mut interfaces = Vec::with_capacity(network.network_interfaces.len());
        for interface in &network.network_interfaces {
            interfaces.push(Interface {
                name: interface.named.name.clone(),
                subnet: interface.subnet.0,
                addresses: interface.private_addresses.clone(),
                public_address: interface.public_address,
                security_group: self.security_group(interface.network_security_group, interface.subnet)?,
                enable_ip_forwarding: interface.enable_ip_forwarding,
                service: None,
            });
        }
        for (index, service) in network.services.iter().enumerate() {
            if let Some(subnet) = service.subnet {
                place_injected(&mut interfaces, index, service, subnet);
            }
        }
        Ok(interfaces)
    }

    pub(super) fn services(&mut self) -> Result<Vec<Service>, CompileError> {
        let network = self.network;
        network.services.iter().enumerate().map(|(index, service)| self.service(index, service)).collect()
    }

    fn service(&mut self, index: usize, service: &network::Service) -> Result<Service, CompileError> {
        let zone = service.subnet.map_or_else(|| format!("service/{}", service.named.name), |subnet| self.subnet_name(subnet));
        Ok(Service {
            name: service.named.name.clone(),
            kind: service.kind.clone(),
            endpoint: service_kinds::endpoint_of(&service.kind),
            location: service.location.clone(),
            zone: self.zone(zone)?,
            addresses: service.addresses.clone(),
            ports: if service.ports.is_empty() { PortSet::all() } else { PortSet::from_ranges(service.ports.iter().cloned()) },
            denial: match service.denial {
                Denial::Reset => Shown::Reset,
                Denial::Http403 => Shown::Http403,
                Denial::Drop => Shown::Nothing,
            },
            tunnel_prefix: match service.source_encoding {
                SourceEncoding::ServiceTunnel(prefix) => Some(prefix),
                SourceEncoding::Private => None,
            },
            subnet: service.subnet.map(|subnet| subnet.0),
            firewall: self.firewall(index)?,
            has_private_endpoint: service.has_private_endpoint,
            integration: service.integration.and_then(integration),
            outbound_addresses: service.outbound_addresses.clone(),
            scm_addresses: service.scm_addresses.clone(),
            scm_firewall: self.scm_firewall(index)?,
        })
    }

    pub(super) fn gateways(&mut self) -> Result<Vec<Gateway>, CompileError> {
        let network = self.network;
        let compile = |gateway: &network::Gateway| {
            Ok(Gateway {
                name: gateway.named.name.clone(),
                network: gateway.virtual_network.0,
                subnet: network.gateway_subnet(gateway.virtual_network).map(|subnet| subnet.0),
                zone: self.zone(format!("gateway/{}", gateway.named.name))?,
                prefixes: gateway.address_prefixes.clone(),
                public_address: gateway.public_address,
            })
        };
        network.gateways.iter().map(compile).collect()
    }
}

fn place_injected(interfaces: &mut Vec<Interface>, index: usize, service: &network::Service, subnet: SubnetIndex) {
    let declared = interfaces
        .iter_mut()
        .find(|interface| interface.subnet == subnet.0 && interface.addresses.iter().any(|own| service.addresses.contains(own)));
    match declared {
        Some(interface) => {
            interface.service = Some(index);
            interface.public_address = interface.public_address.or(service.public_address);
        }
        None => interfaces.push(Interface {
            name: service.named.name.clone(),
            subnet: subnet.0,
            addresses: service.addresses.clone(),
            public_address: service.public_address,
            security_group: None,
            enable_ip_forwarding: catalogue::injected(&service.kind, None).is_some_and(catalogue::Entry::is_forwarder),
            service: Some(index),
        }),
    }
}

/// An integration without an address never leaves `validate`.
fn integration(of: network::Integration) -> Option<Integration> {
    Some(Integration { subnet: of.subnet.0, address: of.address?, route_all: of.route_all })
}

fn nat_gateway(gateway: &network::NatGateway) -> NatGateway {
    NatGateway { public_addresses: gateway.public_addresses.clone(), tcp_idle: minutes(gateway.idle_timeout_minutes) }
}

fn minutes(count: u32) -> Duration {
    Duration::from_secs(u64::from(count) * 60)
}
