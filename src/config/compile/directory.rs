//! Where things are found by address.

use std::net::{IpAddr, Ipv4Addr};

use foldhash::{HashMap, HashMapExt};
use ipnet::IpNet;

use super::{CompileError, Compiler, tags};
use crate::config::network::{Service, SubnetIndex};
use crate::policy::host_key::HostKey;
use crate::policy::snapshot::{Directory, METADATA_ADDRESS, PLATFORM_ADDRESS, StandIn};
use crate::policy::topology::Interface;
use crate::table::prefix_set::PrefixSet;

impl Compiler<'_> {
    /// The directory without its ports, which `ports` enters.
    pub(super) fn directory(&mut self, interfaces: &[Interface]) -> Result<Directory, CompileError> {
        Ok(Directory {
            ports: Vec::new(),
            zones: Vec::new(),
            interfaces: self.private_addresses(interfaces),
            stand_ins: self.stand_ins(),
            public_interfaces: interfaces
                .iter()
                .enumerate()
                .filter_map(|(index, interface)| Some((interface.public_address?, index)))
                .collect(),
            services: self.service_addresses(),
            address_ports: HashMap::new(),
            subnet_ports: HashMap::new(),
            network_ports: HashMap::new(),
            home_ports: Vec::new(),
            service_ports: HashMap::new(),
            gateway_ports: HashMap::new(),
            internet_port: None,
            platform_port: None,
            owned: self.owned(),
            internet: tags::internet(),
            internet_zone: self.zone("internet".into())?,
            platform_zone: self.zone("platform".into())?,
        })
    }

    fn private_addresses(&self, interfaces: &[Interface]) -> HashMap<HostKey, usize> {
        let addresses = interfaces.iter().enumerate().flat_map(|(index, interface)| {
            let network = self.network.subnets.get(interface.subnet).map_or(usize::MAX, |subnet| subnet.virtual_network.0);
            interface.addresses.iter().map(move |address| (HostKey::new(network, *address), index))
        });
        addresses.collect()
    }

    /// Private addresses that are no host's: private endpoints', and those that apps send from.
    fn stand_ins(&self) -> HashMap<HostKey, StandIn> {
        let network_of = |subnet: SubnetIndex| self.network.subnets.get(subnet.0).map_or(usize::MAX, |subnet| subnet.virtual_network.0);
        let endpoints = self.network.private_endpoints.iter().enumerate();
        let endpoints = endpoints
            .map(|(index, endpoint)| (HostKey::new(network_of(endpoint.subnet), endpoint.address.into()), StandIn::PrivateEndpoint(index)));
        let apps = self.network.services.iter().enumerate().filter_map(|(index, service)| {
            let integration = service.integration?;
            Some((HostKey::new(network_of(integration.subnet), integration.address?.into()), StandIn::App(index)))
        });
        endpoints.chain(apps).collect()
    }

    fn service_addresses(&self) -> HashMap<IpAddr, usize> {
        let outside = self.network.services.iter().enumerate().filter(|(_, service)| service.subnet.is_none());
        outside.flat_map(|(index, service)| service.addresses.iter().map(move |address| (*address, index))).collect()
    }

    /// What is not the internet's: address space, public addresses, services, on-premises, the platform.
    fn owned(&self) -> PrefixSet {
        let network = self.network;
        let host = |address: &Ipv4Addr| IpNet::from(IpAddr::V4(*address));
        let mut prefixes = vec![IpNet::from(PLATFORM_ADDRESS), IpNet::from(METADATA_ADDRESS)];
        prefixes.extend(network.virtual_networks.iter().flat_map(|network| &network.address_prefixes));
        // A default route from on-premises, halved or whole, leads to the internet too: it owns nothing.
        prefixes.extend(network.gateways.iter().flat_map(|gateway| &gateway.address_prefixes).filter(|prefix| prefix.prefix_len() > 1));
        prefixes.extend(network.services.iter().flat_map(|service| &service.addresses).map(|address| IpNet::from(*address)));
        prefixes.extend(network.services.iter().flat_map(Service::tunnel_addresses).map(|address| IpNet::from(IpAddr::V6(address))));
        prefixes.extend(network.virtual_networks.iter().filter_map(|network| network.default_outbound_address.as_ref()).map(host));
        prefixes.extend(network.network_interfaces.iter().filter_map(|interface| interface.public_address.as_ref()).map(host));
        prefixes.extend(network.nat_gateways.iter().flat_map(|gateway| &gateway.public_addresses).map(host));
        prefixes.extend(network.gateways.iter().filter_map(|gateway| gateway.public_address.as_ref()).map(host));
        prefixes.extend(network.services.iter().filter_map(|service| service.public_address.as_ref()).map(host));
        prefixes.extend(network.services.iter().flat_map(|service| &service.outbound_addresses).map(host));
        PrefixSet::from_prefixes(prefixes)
    }
}
