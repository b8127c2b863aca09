//! The way out: the most specific port, the address on the wire, and whose MAC address to send to.

use std::net::IpAddr;

use super::decide::{Decision, Stop};
use super::destination::{Host, Target};
use super::ids::{Access, Zone};
use super::private_endpoint;
use super::question::{Delivery, Forward, Observer, Source, Stage, Step};
use super::service_tunnel;
use super::snapshot::{Snapshot, SnapshotPort};
use crate::packet::Reason;

/// Hands the packet to the port of what is at the destination.
pub(super) fn deliver(decision: &mut Decision<'_, impl Observer>, target: &Target, source: Source) -> Result<Forward, Stop> {
    let snapshot = decision.snapshot;
    let service = service_of(snapshot, target);
    check_port(decision, service)?;
    let (destination, delivery) = match *target {
        Target::Host(host) => (host.destination, to_host(snapshot, &host)),
        Target::PrivateEndpoint(index) => match private_endpoint::leads_to(snapshot, index) {
            Some((service, address)) => (address, elsewhere(snapshot, &Target::Service(service), address)),
            None => (decision.question.destination, None),
        },
        _ => (decision.question.destination, elsewhere(snapshot, target, on_wire(decision, target))),
    };
    let Some(delivery) = delivery else {
        let note = if *target == Target::Nobody { "nothing is at this address" } else { "no port stands for this destination" };
        return Err(unknown(decision, note.into()));
    };
    decision
        .observer
        .step(|| Step { note: snapshot.port(delivery.port).map(|port| format!("port {}", port.name)), ..Step::new(Stage::Delivery) });
    let Decision { next_hop_type, tcp_idle, .. } = *decision;
    Ok(Forward { delivery, source, destination, service, next_hop_type, tcp_idle })
}

fn service_of(snapshot: &Snapshot, target: &Target) -> Option<usize> {
    match *target {
        Target::Service(service) => Some(service),
        Target::PrivateEndpoint(index) => private_endpoint::leads_to(snapshot, index).map(|(service, _)| service),
        Target::Host(host) if host.address == host.destination => snapshot.interfaces.get(host.interface?)?.service,
        _ => None,
    }
}

/// A service answers on its own ports only.
fn check_port(decision: &mut Decision<'_, impl Observer>, service: Option<usize>) -> Result<(), Stop> {
    let Some(service) = service.and_then(|index| decision.snapshot.services.get(index)) else { return Ok(()) };
    if !decision.question.has_ports() || service.ports.contains(decision.question.destination_port) {
        return Ok(());
    }
    let note = format!("{} does not answer on port {}", service.name, decision.question.destination_port);
    Err(unknown(decision, note))
}

fn unknown(decision: &mut Decision<'_, impl Observer>, note: String) -> Stop {
    decision.observer.step(|| Step { access: Some(Access::Deny), note: Some(note), ..Step::new(Stage::Delivery) });
    Stop::silent(Reason::DestinationUnknown)
}

fn to_host(snapshot: &Snapshot, host: &Host) -> Option<Delivery> {
    let subnet = snapshot.subnet(host.subnet)?;
    let port = snapshot.port_of(host.subnet, host.address)?;
    let neighbour = subnet.wire_of(host.address);
    // What an appliance is to forward keeps its destination; only the host's own address is translated.
    let wire_destination = if host.address == host.destination { neighbour } else { host.destination };
    Some(Delivery { port: port.id, zone: subnet.zone, wire_destination, neighbour })
}

/// The destination on the wire: over an endpoint a tunnelled service has an IPv6 address.
fn on_wire(decision: &Decision<'_, impl Observer>, target: &Target) -> IpAddr {
    let destination = decision.question.destination;
    let service = if let Target::Service(index) = *target { decision.snapshot.services.get(index) } else { None };
    match (service.and_then(|service| service.tunnel_prefix), destination) {
        (Some(prefix), IpAddr::V4(address)) if decision.over_endpoint => service_tunnel::embed(prefix, address).into(),
        _ => destination,
    }
}

fn elsewhere(snapshot: &Snapshot, target: &Target, destination: IpAddr) -> Option<Delivery> {
    let (port, zone) = way_out(snapshot, target)?;
    Some(Delivery { port: port.id, zone, wire_destination: destination, neighbour: destination })
}

fn way_out<'a>(snapshot: &'a Snapshot, target: &Target) -> Option<(&'a SnapshotPort, Zone)> {
    let directory = &snapshot.directory;
    let (port, zone) = match *target {
        Target::Service(service) => (*directory.service_ports.get(&service)?, snapshot.services.get(service)?.zone),
        Target::Gateway(gateway) => (*directory.gateway_ports.get(&gateway)?, snapshot.gateways.get(gateway)?.zone),
        Target::Internet => (directory.internet_port?, directory.internet_zone),
        Target::Platform => (directory.platform_port?, directory.platform_zone),
        Target::Host(_) | Target::PrivateEndpoint(_) | Target::Nobody => return None,
    };
    Some((snapshot.ports.get(port)?, zone))
}

/// How a known host, service or other place is reached now (after a reload), by an address as it appears on the wire.
#[must_use]
pub(super) fn to_place(snapshot: &Snapshot, place: super::snapshot::Place, on_wire: IpAddr) -> Option<Delivery> {
    use super::snapshot::Place;
    let target = match place {
        Place::Subnet(_) => return None,
        Place::Service(service) => Target::Service(service),
        Place::Gateway(gateway) => Target::Gateway(gateway),
        Place::Internet => Target::Internet,
        Place::Platform => Target::Platform,
    };
    elsewhere(snapshot, &target, on_wire)
}
