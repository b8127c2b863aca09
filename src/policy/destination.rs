//! What is at the destination, once the next hop is known; a public address of an interface becomes its private one.

use std::net::IpAddr;

use super::decide::{Decision, Stop};
use super::ids::Access;
use super::nsg;
use super::peering;
use super::private_endpoint;
use super::question::{Observer, Sender, Stage, Step};
use super::route::NextHop;
use crate::packet::Reason;

/// What is at the destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// A host of a subnet.
    Host(Host),
    /// A service (not an injected one).
    Service(usize),
    /// A private endpoint, and so the service behind it.
    PrivateEndpoint(usize),
    /// On-premises.
    Gateway(usize),
    /// The internet.
    Internet,
    /// The platform.
    Platform,
    /// Nothing.
    Nobody,
}

/// A host of a subnet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Host {
    /// Its subnet.
    pub(super) subnet: usize,
    /// Its interface, where the file declares one.
    pub(super) interface: Option<usize>,
    /// Its private address.
    pub(super) address: IpAddr,
    /// The packet's destination: the host's address, or what an appliance is to forward.
    pub(super) destination: IpAddr,
}

/// Finds what is at the destination.
pub(super) fn find(decision: &mut Decision<'_, impl Observer>, next_hop: NextHop) -> Result<Target, Stop> {
    let destination = decision.question.destination;
    match next_hop {
        NextHop::Network(network) => {
            peering::cross(decision, network)?;
            Ok(host(decision, network, destination, destination))
        }
        NextHop::PrivateEndpoint(index) => private_endpoint::find(decision, index),
        NextHop::Appliance(network, address) => appliance(decision, network, address),
        NextHop::Endpoint => Ok(service_at(decision, destination).unwrap_or(Target::Nobody)),
        NextHop::Public => Ok(public(decision, destination)),
        NextHop::Gateway(gateway) => {
            peering::cross_to_gateway(decision, gateway)?;
            Ok(Target::Gateway(gateway))
        }
        NextHop::Platform => Ok(if destination == super::snapshot::PLATFORM_ADDRESS { Target::Platform } else { Target::Nobody }),
    }
}

fn service_at(decision: &Decision<'_, impl Observer>, address: IpAddr) -> Option<Target> {
    decision.snapshot.directory.services.get(&address).copied().map(Target::Service)
}

fn host(decision: &Decision<'_, impl Observer>, network: usize, address: IpAddr, destination: IpAddr) -> Target {
    let snapshot = decision.snapshot;
    let found = snapshot
        .subnet_at(network, address)
        .filter(|subnet| snapshot.subnet(*subnet).is_some_and(|subnet| !subnet.is_reserved(address)))
        .filter(|_| snapshot.stand_in(network, address).is_none());
    found.map_or(Target::Nobody, |subnet| {
        Target::Host(Host { subnet, interface: snapshot.interface_at(network, address), address, destination })
    })
}

/// The public side: a service, an interface by its public address, or the internet.
fn public(decision: &Decision<'_, impl Observer>, destination: IpAddr) -> Target {
    let directory = &decision.snapshot.directory;
    if let Some(service) = service_at(decision, destination) {
        return service;
    }
    if let Some(target) = by_public_address(decision, destination) {
        return target;
    }
    // What comes from the internet to the internet is behind the port that it came from.
    let local = decision.question.sender == Sender::Internet;
    if !local && directory.internet.contains(destination) && !directory.owned.contains(destination) {
        Target::Internet
    } else {
        Target::Nobody
    }
}

fn by_public_address(decision: &Decision<'_, impl Observer>, destination: IpAddr) -> Option<Target> {
    let IpAddr::V4(address) = destination else { return None };
    let snapshot = decision.snapshot;
    let interface = *snapshot.directory.public_interfaces.get(&address)?;
    let owner = snapshot.interfaces.get(interface)?;
    let private = owner.addresses.iter().copied().find(IpAddr::is_ipv4)?;
    Some(Target::Host(Host { subnet: owner.subnet, interface: Some(interface), address: private, destination: private }))
}

/// A user route's appliance: in the subnet's network or a peer, and willing to forward what is not addressed to it.
fn appliance(decision: &mut Decision<'_, impl Observer>, network: usize, address: IpAddr) -> Result<Target, Stop> {
    let snapshot = decision.snapshot;
    let peers = snapshot.networks.get(network).into_iter().flat_map(|network| &network.peerings).map(|peering| peering.remote);
    let near = std::iter::once(network).chain(peers).find(|network| snapshot.subnet_at(*network, address).is_some());
    let Some(home) = near else {
        decision.observer.step(|| Step {
            access: Some(Access::Deny),
            note: Some(format!("the appliance {address} is in no subnet of the network or of a peer")),
            ..Step::new(Stage::Delivery)
        });
        return Err(Stop::silent(Reason::DestinationUnknown));
    };
    peering::cross(decision, home)?;
    let target = host(decision, home, address, decision.question.destination);
    let forwards = snapshot
        .interface_at(home, address)
        .and_then(|index| snapshot.interfaces.get(index))
        .is_some_and(|interface| interface.enable_ip_forwarding);
    if forwards || address == decision.question.destination {
        return Ok(target);
    }
    decision.observer.step(|| Step {
        access: Some(Access::Deny),
        note: Some(format!("the interface at {address} has enableIPForwarding: false")),
        ..Step::new(Stage::Delivery)
    });
    Err(Stop::silent(Reason::IpForwardingDisabled))
}

/// The packet enters the subnet of a host: its NSGs look at it.
pub(super) fn enter(decision: &mut Decision<'_, impl Observer>, target: &Target) -> Result<(), Stop> {
    if let Target::PrivateEndpoint(index) = *target {
        return private_endpoint::enter(decision, index);
    }
    let Target::Host(host) = target else { return Ok(()) };
    if decision.tcp_idle.is_none() {
        decision.tcp_idle = decision.snapshot.network_of(host.subnet).and_then(|network| network.tcp_idle);
    }
    nsg::inbound(decision, host)
}
