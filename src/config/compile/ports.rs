//! Ports, and what is behind them.

use super::{CompileError, Compiler};
use crate::config::network::{Attachment, Port};
use crate::policy::host_key::HostKey;
use crate::policy::ids::{PortId, Zone};
use crate::policy::snapshot::{Behind, Directory, HostPort, Place, Snapshot, SnapshotPort};

impl Compiler<'_> {
    /// Enters ports and zones into the snapshot, whose other parts are there.
    pub(super) fn ports(&mut self, snapshot: &mut Snapshot) -> Result<(), CompileError> {
        let network = self.network;
        for (index, port) in network.ports.iter().enumerate() {
            enter(&mut snapshot.directory, index, port.attachment);
        }
        enter_homes(snapshot);
        for port in &network.ports {
            let port = self.port(snapshot, port)?;
            put(&mut snapshot.directory.ports, usize::from(port.id.0), snapshot.ports.len());
            snapshot.ports.push(port);
        }
        enter_zones(snapshot);
        Ok(())
    }

    fn port(&mut self, snapshot: &Snapshot, port: &Port) -> Result<SnapshotPort, CompileError> {
        let number = self.ids.ports.intern(port.named.name.clone());
        let id =
            u16::try_from(number).map(PortId).map_err(|_| CompileError::TooMany { what: "ports", limit: usize::from(u16::MAX) + 1 })?;
        let attachment = self.attachment_name(port.attachment);
        let zone = self.zone(attachment.clone())?;
        Ok(SnapshotPort { id, name: port.named.name.clone(), attachment, zone, behind: behind(snapshot, port.attachment, zone) })
    }

    /// What is behind a port, as a file writes it.
    fn attachment_name(&self, attachment: Attachment) -> String {
        let network = self.network;
        match attachment {
            Attachment::VirtualNetwork(index) => {
                network.virtual_networks.get(index.0).map(|network| network.named.name.clone()).unwrap_or_default()
            }
            Attachment::Subnet(subnet) => self.subnet_name(subnet),
            Attachment::Address(subnet, address) => format!("{}/{address}", self.subnet_name(subnet)),
            Attachment::Service(index) => format!("service/{}", network.services.get(index.0).map_or("", |service| &service.named.name)),
            Attachment::Gateway(index) => format!("gateway/{}", network.gateways.get(index.0).map_or("", |gateway| &gateway.named.name)),
            Attachment::Internet => "internet".into(),
            Attachment::Platform => "platform".into(),
        }
    }
}

/// Who gets a destination: the most specific port, and of equals the first.
fn enter(directory: &mut Directory, index: usize, attachment: Attachment) {
    match attachment {
        Attachment::VirtualNetwork(network) => directory.network_ports.entry(network.0).or_insert(index),
        Attachment::Subnet(subnet) => directory.subnet_ports.entry(subnet.0).or_insert(index),
        Attachment::Address(subnet, address) => directory.address_ports.entry(HostKey::new(subnet.0, address)).or_insert(index),
        Attachment::Service(service) => directory.service_ports.entry(service.0).or_insert(index),
        Attachment::Gateway(gateway) => directory.gateway_ports.entry(gateway.0).or_insert(index),
        Attachment::Internet => directory.internet_port.get_or_insert(index),
        Attachment::Platform => directory.platform_port.get_or_insert(index),
    };
}

/// Which port stands for the addresses of each subnet that have none of their own.
fn enter_homes(snapshot: &mut Snapshot) {
    let Snapshot { subnets, directory, .. } = snapshot;
    let of_network = |network: usize| directory.network_ports.get(&network);
    let homes = subnets.iter().enumerate().map(|(index, subnet)| directory.subnet_ports.get(&index).or_else(|| of_network(subnet.network)));
    directory.home_ports = homes.map(Option::<&usize>::copied).collect();
}

fn behind(snapshot: &Snapshot, attachment: Attachment, zone: Zone) -> Behind {
    match attachment {
        Attachment::VirtualNetwork(network) => {
            Behind::Network { network: network.0, forwarder: only_forwarder(snapshot, |subnet| of_network(snapshot, subnet, network.0)) }
        }
        Attachment::Subnet(subnet) => Behind::Subnet { subnet: subnet.0, forwarder: only_forwarder(snapshot, |at| at == subnet.0) },
        Attachment::Address(index, private) => {
            let subnet = snapshot.subnet(index.0);
            let interface = subnet.and_then(|subnet| snapshot.interface_at(subnet.network, private));
            Behind::Address(HostPort {
                subnet: index.0,
                zone: subnet.map_or(zone, |subnet| subnet.zone),
                private,
                wire: subnet.map_or(private, |subnet| subnet.wire_of(private)),
                interface,
                forwards: interface
                    .and_then(|index| snapshot.interfaces.get(index))
                    .is_some_and(|interface| interface.enable_ip_forwarding),
            })
        }
        Attachment::Service(index) => Behind::Service(index.0),
        Attachment::Gateway(index) => Behind::Gateway(index.0),
        Attachment::Internet => Behind::Internet,
        Attachment::Platform => Behind::Platform,
    }
}

fn of_network(snapshot: &Snapshot, subnet: usize, network: usize) -> bool {
    snapshot.subnet(subnet).is_some_and(|subnet| subnet.network == network) && !snapshot.directory.subnet_ports.contains_key(&subnet)
}

/// The one forwarding interface in these subnets that has no port of its own. Of several nobody could tell which one
/// sent a foreign source, so then none may.
fn only_forwarder(snapshot: &Snapshot, here: impl Fn(usize) -> bool) -> Option<usize> {
    let own_port = |subnet: usize, addresses: &[std::net::IpAddr]| {
        addresses.iter().any(|address| snapshot.directory.address_ports.contains_key(&HostKey::new(subnet, *address)))
    };
    let all = snapshot.interfaces.iter().enumerate();
    let mut forwarders = all.filter(|(_, interface)| {
        interface.enable_ip_forwarding && here(interface.subnet) && !own_port(interface.subnet, &interface.addresses)
    });
    match (forwarders.next(), forwarders.next()) {
        (Some((index, _)), None) => Some(index),
        _ => None,
    }
}

fn enter_zones(snapshot: &mut Snapshot) {
    let subnets = snapshot.subnets.iter().enumerate().map(|(index, subnet)| (subnet.zone, Place::Subnet(index)));
    let services = snapshot.services.iter().enumerate().filter(|(_, service)| service.subnet.is_none());
    let services = services.map(|(index, service)| (service.zone, Place::Service(index)));
    let gateways = snapshot.gateways.iter().enumerate().map(|(index, gateway)| (gateway.zone, Place::Gateway(index)));
    let others = [(snapshot.directory.internet_zone, Place::Internet), (snapshot.directory.platform_zone, Place::Platform)];
    for (zone, place) in subnets.chain(services).chain(gateways).chain(others) {
        put(&mut snapshot.directory.zones, usize::from(zone.0), place);
    }
}

fn put<T>(list: &mut Vec<Option<T>>, at: usize, value: T) {
    if list.len() <= at {
        list.resize_with(at + 1, || None);
    }
    if let Some(slot) = list.get_mut(at) {
        *slot = Some(value);
    }
}
