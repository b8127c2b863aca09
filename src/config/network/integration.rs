//! The private addresses that stand for apps in the subnets that they are integrated with.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;

use super::{Attachment, Network, Subnet, SubnetIndex, VirtualNetworkIndex};

/// Addresses at the start of a subnet that Azure keeps.
const KEPT: u32 = 4;

impl Network {
    /// Gives each integrated app the first address of its subnet that nothing else in the file has.
    pub(crate) fn place_apps(&mut self) {
        let mut taken = self.private_addresses();
        for index in 0..self.services.len() {
            let Some(subnet) = self.services.get(index).and_then(|service| service.integration).map(|integration| integration.subnet)
            else {
                continue;
            };
            let Some(place) = self.subnets.get(subnet.0) else { continue };
            let network = place.virtual_network;
            let address = usable(place).find(|address| !taken.contains(&(network, IpAddr::V4(*address))));
            taken.extend(address.map(|address| (network, IpAddr::V4(address))));
            if let Some(integration) = self.services.get_mut(index).and_then(|service| service.integration.as_mut()) {
                integration.address = address;
            }
        }
    }

    /// Every private address that the file gives to something, and its network. Lab hosts' are on the wire.
    fn private_addresses(&self) -> HashSet<(VirtualNetworkIndex, IpAddr)> {
        let network_of = |subnet: SubnetIndex| self.subnets.get(subnet.0).map(|subnet| subnet.virtual_network);
        let mut taken = HashSet::new();
        let mut take = |subnet: SubnetIndex, address: IpAddr| taken.extend(network_of(subnet).map(|network| (network, address)));
        for interface in &self.network_interfaces {
            interface.private_addresses.iter().for_each(|address| take(interface.subnet, *address));
        }
        for (subnet, service) in self.services.iter().filter_map(|service| Some((service.subnet?, service))) {
            service.addresses.iter().for_each(|address| take(subnet, *address));
        }
        for endpoint in &self.private_endpoints {
            take(endpoint.subnet, endpoint.address.into());
        }
        for port in &self.ports {
            if let Attachment::Address(subnet, address) = port.attachment {
                take(subnet, address);
            }
        }
        for host in &self.hosts {
            let behind = self.ports.get(host.port.0).map(|port| port.attachment);
            let here = self.subnets.iter().enumerate().filter(|(index, subnet)| match behind {
                Some(Attachment::Subnet(at)) => at.0 == *index,
                Some(Attachment::VirtualNetwork(at)) => at == subnet.virtual_network,
                _ => false,
            });
            for (index, subnet) in here {
                host.addresses.iter().for_each(|address| take(SubnetIndex(index), private_of(subnet, *address)));
            }
        }
        taken
    }
}

/// The IPv4 addresses of a subnet that hosts can have, in order.
fn usable(subnet: &Subnet) -> impl Iterator<Item = Ipv4Addr> {
    let prefix = subnet.address_prefixes.iter().find_map(|prefix| if let IpNet::V4(net) = prefix { Some(*net) } else { None });
    let ends = prefix.map_or((1, 0), |net| (u32::from(net.network()).saturating_add(KEPT), u32::from(net.broadcast()).saturating_sub(1)));
    (ends.0..=ends.1).map(Ipv4Addr::from)
}

/// The private form of an address on the wire.
fn private_of(subnet: &Subnet, on_wire: IpAddr) -> IpAddr {
    let first = subnet.address_prefixes.iter().find_map(|prefix| if let IpNet::V4(net) = prefix { Some(*net) } else { None });
    match (on_wire, subnet.wire_prefix, first) {
        (IpAddr::V4(address), Some(wire), Some(private)) if wire.contains(&address) => {
            Ipv4Addr::from(u32::from(private.network()) | (u32::from(address) & u32::from(private.hostmask()))).into()
        }
        _ => on_wire,
    }
}
