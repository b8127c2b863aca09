//! Who sends: does the source belong behind the port, and who is it?

use std::net::IpAddr;

use super::app_service;
use super::delivery;
use super::ids::{PortId, Zone};
use super::question::{Delivery, Sender};
use super::snapshot::{Behind, DUMMY_ADDRESS, GATEWAY_LINK_LOCAL, HostPort, PLATFORM_ADDRESS, Place, Snapshot, SnapshotPort, StandIn};
use super::topology::Subnet;
use crate::packet::Reason;

/// An admitted source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Admitted {
    /// Who sends.
    pub sender: Sender,
    /// The source, private form.
    pub source: IpAddr,
    /// Where the packet enters.
    pub zone: Zone,
}

/// Admits a packet of no known flow. Where it goes decides whether an integrated app sends as a host of its subnet.
///
/// # Errors
/// [`Reason::SourceSpoofed`] where the source does not belong behind the port, [`Reason::DestinationUnknown`] where the
/// configuration has no such port (any more).
pub fn admit(snapshot: &Snapshot, port: PortId, source_on_wire: IpAddr, destination: IpAddr) -> Result<Admitted, Reason> {
    let port = snapshot.port(port).ok_or(Reason::DestinationUnknown)?;
    let admitted = match &port.behind {
        Behind::Address(host) => from_host_port(host, source_on_wire),
        Behind::Subnet { subnet, forwarder } => {
            from_subnet(snapshot, port, *subnet, source_on_wire).or_else(|| forwarded(snapshot, *forwarder, source_on_wire))
        }
        Behind::Network { network, forwarder } => {
            from_network(snapshot, port, *network, source_on_wire).or_else(|| forwarded(snapshot, *forwarder, source_on_wire))
        }
        Behind::Gateway(index) => from_gateway(snapshot, port, *index, source_on_wire),
        Behind::Service(_) | Behind::Internet | Behind::Platform => from_elsewhere(snapshot, port, source_on_wire),
    };
    let Admitted { sender, source, zone } = admitted.ok_or(Reason::SourceSpoofed)?;
    let (sender, source) = app_service::classify(snapshot, sender, source, destination);
    Ok(Admitted { sender, source, zone })
}

/// The zone that a packet enters in: what its flow key holds. Quick: a port that stands for one address compares one.
///
/// A gateway's port takes any source that is nobody else's here: replies to flows that were sent there come from
/// anywhere. [`admit`] refuses what starts a flow with a source outside the gateway's prefixes.
///
/// # Errors
/// As [`admit`].
pub fn zone(snapshot: &Snapshot, port: PortId, source_on_wire: IpAddr) -> Result<Zone, Reason> {
    let port = snapshot.port(port).ok_or(Reason::DestinationUnknown)?;
    let zone = match &port.behind {
        Behind::Address(host) => (source_on_wire == host.wire || (host.forwards && is_unicast(source_on_wire))).then_some(host.zone),
        Behind::Subnet { subnet, forwarder } => subnet_zone(snapshot, port, *subnet, *forwarder, source_on_wire),
        Behind::Network { network, forwarder } => host_of_network(snapshot, port, *network, source_on_wire)
            .map(|(_, subnet, _)| subnet.zone)
            .or_else(|| forwarded(snapshot, *forwarder, source_on_wire).map(|admitted| admitted.zone)),
        Behind::Gateway(_) => is_unicast(source_on_wire).then_some(port.zone),
        Behind::Service(_) | Behind::Internet | Behind::Platform => owns(snapshot, &port.behind, source_on_wire).then_some(port.zone),
    };
    zone.ok_or(Reason::SourceSpoofed)
}

/// The only zone that [`zone`] can give for a port; `None` where that depends on the source.
#[must_use]
pub fn only_zone(snapshot: &Snapshot, port: &SnapshotPort) -> Option<Zone> {
    match &port.behind {
        Behind::Address(host) => Some(host.zone),
        Behind::Subnet { subnet, .. } => Some(snapshot.subnet(*subnet)?.zone),
        Behind::Network { .. } => None,
        Behind::Gateway(_) | Behind::Service(_) | Behind::Internet | Behind::Platform => Some(port.zone),
    }
}

fn subnet_zone(snapshot: &Snapshot, port: &SnapshotPort, index: usize, forwarder: Option<usize>, on_wire: IpAddr) -> Option<Zone> {
    let own = host_of_subnet(snapshot, port, index, on_wire).is_some();
    if own || (forwarder.is_some() && is_unicast(on_wire)) { Some(snapshot.subnet(index)?.zone) } else { None }
}

fn from_host_port(host: &HostPort, on_wire: IpAddr) -> Option<Admitted> {
    let HostPort { subnet, zone, interface, .. } = *host;
    if on_wire == host.wire {
        return Some(Admitted { sender: Sender::Subnet { subnet, interface, forwarded: false }, source: host.private, zone });
    }
    let sender = Sender::Subnet { subnet, interface, forwarded: true };
    (host.forwards && is_unicast(on_wire)).then_some(Admitted { sender, source: on_wire, zone })
}

fn from_subnet(snapshot: &Snapshot, port: &SnapshotPort, index: usize, on_wire: IpAddr) -> Option<Admitted> {
    let (subnet, source) = host_of_subnet(snapshot, port, index, on_wire)?;
    Some(host(snapshot, index, subnet, source))
}

fn from_network(snapshot: &Snapshot, port: &SnapshotPort, network: usize, on_wire: IpAddr) -> Option<Admitted> {
    let (index, subnet, source) = host_of_network(snapshot, port, network, on_wire)?;
    Some(host(snapshot, index, subnet, source))
}

/// A host that sends for itself.
fn host(snapshot: &Snapshot, index: usize, subnet: &Subnet, source: IpAddr) -> Admitted {
    let interface = snapshot.interface_at(subnet.network, source);
    Admitted { sender: Sender::Subnet { subnet: index, interface, forwarded: false }, source, zone: subnet.zone }
}

/// The subnet, and the private form of a source, where that is a host of this subnet behind this port.
fn host_of_subnet<'a>(snapshot: &'a Snapshot, port: &SnapshotPort, index: usize, on_wire: IpAddr) -> Option<(&'a Subnet, IpAddr)> {
    let subnet = snapshot.subnet(index)?;
    let private = subnet.private_of(on_wire)?;
    lives_behind(snapshot, port, index, subnet, private).then_some((subnet, private))
}

/// The same for a network, and which subnet it is.
fn host_of_network<'a>(
    snapshot: &'a Snapshot,
    port: &SnapshotPort,
    network: usize,
    on_wire: IpAddr,
) -> Option<(usize, &'a Subnet, IpAddr)> {
    let network = snapshot.networks.get(network)?;
    // Mostly the first subnet that has the address is the one; where it has a port of its own, a later one may be.
    let first = network.places.on_wire.find(on_wire)?;
    network.subnets.iter().skip(first).find_map(|index| {
        let (subnet, private) = host_of_subnet(snapshot, port, *index, on_wire)?;
        Some((*index, subnet, private))
    })
}

/// What the only forwarding interface behind a port sends for others.
fn forwarded(snapshot: &Snapshot, forwarder: Option<usize>, on_wire: IpAddr) -> Option<Admitted> {
    let interface = forwarder.filter(|_| is_unicast(on_wire))?;
    let subnet = snapshot.interfaces.get(interface)?.subnet;
    let zone = snapshot.subnet(subnet)?.zone;
    Some(Admitted { sender: Sender::Subnet { subnet, interface: Some(interface), forwarded: true }, source: on_wire, zone })
}

fn from_gateway(snapshot: &Snapshot, port: &SnapshotPort, index: usize, source: IpAddr) -> Option<Admitted> {
    on_premises(snapshot, index, source).then_some(Admitted { sender: Sender::Gateway(index), source, zone: port.zone })
}

fn from_elsewhere(snapshot: &Snapshot, port: &SnapshotPort, source: IpAddr) -> Option<Admitted> {
    let sender = match port.behind {
        Behind::Service(index) => Sender::Service(index),
        Behind::Platform => Sender::Platform,
        _ => Sender::Internet,
    };
    owns(snapshot, &port.behind, source).then_some(Admitted { sender, source, zone: port.zone })
}

/// Whether an address is one of a place's own: what may start a flow from there. Subnets' in private form.
#[must_use]
pub fn belongs(snapshot: &Snapshot, place: Place, address: IpAddr) -> bool {
    match place {
        Place::Subnet(index) => snapshot.subnet(index).is_some_and(|subnet| {
            let elsewhere = matches!(snapshot.stand_in(subnet.network, address), Some(StandIn::PrivateEndpoint(_)));
            subnet.contains(address) && !subnet.is_reserved(address) && !elsewhere
        }),
        Place::Service(index) => owns(snapshot, &Behind::Service(index), address),
        Place::Gateway(index) => owns(snapshot, &Behind::Gateway(index), address),
        Place::Internet => owns(snapshot, &Behind::Internet, address),
        Place::Platform => owns(snapshot, &Behind::Platform, address),
    }
}

/// Whether an address belongs to what is behind a port that is no subnet's.
fn owns(snapshot: &Snapshot, behind: &Behind, address: IpAddr) -> bool {
    match behind {
        Behind::Service(index) => snapshot.services.get(*index).is_some_and(|service| service.has_address(address)),
        Behind::Gateway(index) => on_premises(snapshot, *index, address),
        Behind::Platform => address == PLATFORM_ADDRESS,
        Behind::Internet => is_unicast(address) && !snapshot.directory.owned.contains(address),
        Behind::Address(_) | Behind::Subnet { .. } | Behind::Network { .. } => false,
    }
}

/// Whether an address is in a gateway's prefixes. A default route from there, halved or whole, holds only what nobody has.
fn on_premises(snapshot: &Snapshot, gateway: usize, address: IpAddr) -> bool {
    let anywhere = || is_unicast(address) && !snapshot.directory.owned.contains(address);
    snapshot
        .gateways
        .get(gateway)
        .is_some_and(|gateway| gateway.prefixes.iter().any(|prefix| prefix.contains(&address) && (prefix.prefix_len() > 1 || anywhere())))
}

/// Whether a private address can be a host's, and this port is the most specific one that stands for it.
fn lives_behind(snapshot: &Snapshot, port: &SnapshotPort, index: usize, subnet: &Subnet, private: IpAddr) -> bool {
    !subnet.is_reserved(private)
        && snapshot.stand_in(subnet.network, private).is_none()
        && snapshot.port_of(index, private).is_some_and(|found| found.id == port.id)
}

/// Whether an address can be a source that routers carry (RFC 1122 3.2.1.3, RFC 4291 2.5): not unspecified, loopback,
/// link-local, multicast, broadcast.
fn is_unicast(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => !(v4.octets()[0] == 0 || v4.is_loopback() || v4.is_link_local() || v4.octets()[0] >= 224),
        IpAddr::V6(v6) => !(v6.is_unspecified() || v6.is_loopback() || v6.is_unicast_link_local() || v6.is_multicast()),
    }
}

/// Whether the dataplane answers ARP or neighbour solicitations for `target` on a port: for everything that is not
/// behind the port, and always for the gateway's own addresses. Of IPv6 link-local addresses only the gateway's.
#[must_use]
pub fn answers_for(snapshot: &Snapshot, port: PortId, target: IpAddr) -> bool {
    if target == GATEWAY_LINK_LOCAL || target == DUMMY_ADDRESS {
        return true;
    }
    let hears = match target {
        IpAddr::V4(target) => !(target.is_unspecified() || target.is_multicast() || target.is_broadcast() || target.is_loopback()),
        IpAddr::V6(_) => is_unicast(target),
    };
    let Some(port) = snapshot.port(port).filter(|_| hears) else { return false };
    match &port.behind {
        Behind::Address(host) => target != host.wire,
        Behind::Subnet { subnet, .. } => from_subnet(snapshot, port, *subnet, target).is_none(),
        Behind::Network { network, .. } => from_network(snapshot, port, *network, target).is_none(),
        behind => !owns(snapshot, behind, target),
    }
}

/// For a flow already known: who its sender is now (after a reload), and the way back to it. `None` where the
/// configuration has neither the zone nor a port for the address any more.
#[must_use]
pub fn locate(snapshot: &Snapshot, zone: Zone, source_on_wire: IpAddr) -> Option<(Admitted, Delivery)> {
    let place = snapshot.place(zone)?;
    let sender = match place {
        Place::Subnet(subnet) => return locate_host(snapshot, subnet, zone, source_on_wire),
        Place::Service(service) => Sender::Service(service),
        Place::Gateway(gateway) => Sender::Gateway(gateway),
        Place::Internet => Sender::Internet,
        Place::Platform => Sender::Platform,
    };
    let delivery = delivery::to_place(snapshot, place, source_on_wire)?;
    Some((Admitted { sender, source: source_on_wire, zone }, delivery))
}

fn locate_host(snapshot: &Snapshot, index: usize, zone: Zone, on_wire: IpAddr) -> Option<(Admitted, Delivery)> {
    let subnet = snapshot.subnet(index)?;
    let own = subnet.private_of(on_wire).filter(|private| !subnet.is_reserved(*private));
    if let Some((private, port)) = own.and_then(|private| Some((private, snapshot.port_of(index, private)?))) {
        let sender = Sender::Subnet { subnet: index, interface: snapshot.interface_at(subnet.network, private), forwarded: false };
        let delivery = Delivery { port: port.id, zone, wire_destination: on_wire, neighbour: on_wire };
        return Some((Admitted { sender, source: private, zone }, delivery));
    }
    locate_forwarder(snapshot, index, zone, on_wire)
}

/// A source that is not the subnet's came from its forwarding interface: where there is only one, it is that.
fn locate_forwarder(snapshot: &Snapshot, index: usize, zone: Zone, on_wire: IpAddr) -> Option<(Admitted, Delivery)> {
    let mut forwarders =
        snapshot.interfaces.iter().enumerate().filter(|(_, interface)| interface.subnet == index && interface.enable_ip_forwarding);
    let (Some((number, interface)), None) = (forwarders.next(), forwarders.next()) else { return None };
    let own = interface.addresses.iter().copied().find(|address| address.is_ipv4() == on_wire.is_ipv4())?;
    let port = snapshot.port_of(index, own)?;
    let sender = Sender::Subnet { subnet: index, interface: Some(number), forwarded: true };
    let admitted = Admitted { sender, source: on_wire, zone };
    let delivery = Delivery { port: port.id, zone, wire_destination: on_wire, neighbour: forwarder(snapshot, &admitted)? };
    Some((admitted, delivery))
}

/// Who hands in what an admitted sender forwards for others: its interface's own address on the wire, to which replies
/// go. `None` for a packet with the sender's own source.
#[must_use]
pub fn forwarder(snapshot: &Snapshot, admitted: &Admitted) -> Option<IpAddr> {
    let Sender::Subnet { subnet, interface: Some(interface), forwarded: true } = admitted.sender else { return None };
    let addresses = &snapshot.interfaces.get(interface)?.addresses;
    let own = addresses.iter().copied().find(|address| address.is_ipv4() == admitted.source.is_ipv4())?;
    Some(snapshot.subnet(subnet)?.wire_of(own))
}
