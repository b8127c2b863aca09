//! The flows of one worker: what an entry holds, and one table per address family.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::conntrack::Tracking;
use crate::packet::parse::Addresses;
use crate::packet::rewrite::Tuple;
use crate::packet::{FlowKey, Zone, flow_key::Address};
use crate::policy::ids::PortId;
use crate::table::flow::{FlowDirection, FlowId, FlowTable};

/// Where packets of one direction leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exit {
    /// The port.
    pub port: PortId,
    /// Whose MAC address they are sent to, where that is not their destination (an appliance).
    pub appliance: Option<IpAddr>,
}

/// What the far end sees as the flow's source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeenAs {
    /// The source as it is.
    Unchanged,
    /// A private source over a service endpoint.
    Private,
    /// A public source.
    Public,
    /// An IPv6 source that carries network and subnet, over a service endpoint: the flow is IPv4 on this side and IPv6 on
    /// the far one.
    ServiceTunnel,
}

/// A flow: the finished recipe of its packets. The rewrite itself needs no field: the two keys of the entry say how a
/// packet of either direction enters, and so how one of the other leaves.
#[derive(Clone, Copy, Debug)]
pub struct Flow {
    /// Connection tracking.
    pub tracking: Tracking,
    /// Generation of the snapshot that last looked at it.
    pub generation: u32,
    /// Where packets of the original direction leave.
    pub onward: Exit,
    /// Where replies leave.
    pub back: Exit,
    /// What the far end sees.
    pub seen_as: SeenAs,
    /// The service that it reaches, by index of the snapshot that admitted it; only whether there is one matters later.
    pub to_service: bool,
    /// Its source port was drawn from the ports of a shared address, and goes back when the flow ends.
    pub translated: bool,
}

impl Flow {
    /// Whether its packets change their family on the way.
    #[must_use]
    pub const fn translates(&self) -> bool {
        matches!(self.seen_as, SeenAs::ServiceTunnel)
    }

    /// The exit of packets that travel in `direction`.
    #[must_use]
    pub const fn exit(&self, direction: FlowDirection) -> Exit {
        match direction {
            FlowDirection::Original => self.onward,
            FlowDirection::Reply => self.back,
        }
    }
}

/// An address family with a flow table of its own.
pub trait Family: Address {
    /// Pairs a source and a destination, as they are on a wire: IPv4-mapped addresses are IPv4 ones.
    fn addresses(source: Self, destination: Self) -> Addresses;
    /// The key that a packet with this key has where it belongs to a tunnelled flow; `None` where it cannot.
    fn in_tunnel(key: &FlowKey<Self>) -> Option<FlowKey<Ipv6Addr>>;
    /// The address, if it is of this family.
    fn of(address: IpAddr) -> Option<Self>;
    /// The family's table.
    fn table(flows: &Flows) -> &FlowTable<Self, Flow>;
    /// The family's table, to be changed.
    fn table_mut(flows: &mut Flows) -> &mut FlowTable<Self, Flow>;
}

/// The flow tables of one worker.
///
/// A flow through a service tunnel is an IPv6 one whose near end has IPv4-mapped addresses (RFC 4291 2.5.5.2), which no
/// packet on a wire has: one entry for both directions, found by either key, and IPv4 flows pay nothing for it.
#[derive(Debug)]
pub struct Flows {
    /// IPv4.
    pub v4: FlowTable<Ipv4Addr, Flow>,
    /// IPv6, and those through service tunnels.
    pub v6: FlowTable<Ipv6Addr, Flow>,
    /// How many of them go through service tunnels: without any, no IPv4 packet is looked up twice.
    pub tunnelled: usize,
}

impl Flows {
    /// The tunnelled flow that an IPv4 packet with this key belongs to.
    #[must_use]
    pub fn through_tunnel<A: Family>(&self, key: &FlowKey<A>) -> Option<Way> {
        if self.tunnelled == 0 {
            return None;
        }
        let (flow, direction) = self.v6.lookup(&A::in_tunnel(key)?)?;
        Some(Way { flow, direction })
    }

    /// Flows in both tables.
    #[must_use]
    pub fn len(&self) -> usize {
        self.v4.len() + self.v6.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Family for Ipv4Addr {
    fn addresses(source: Self, destination: Self) -> Addresses {
        Addresses::V4 { source, destination }
    }

    fn in_tunnel(key: &FlowKey<Self>) -> Option<FlowKey<Ipv6Addr>> {
        let FlowKey { source, destination, source_port, destination_port, zone, protocol } = *key;
        let (source, destination) = (source.to_ipv6_mapped(), destination.to_ipv6_mapped());
        Some(FlowKey { source, destination, source_port, destination_port, zone, protocol })
    }

    fn of(address: IpAddr) -> Option<Self> {
        match address {
            IpAddr::V4(address) => Some(address),
            IpAddr::V6(_) => None,
        }
    }

    fn table(flows: &Flows) -> &FlowTable<Self, Flow> {
        &flows.v4
    }

    fn table_mut(flows: &mut Flows) -> &mut FlowTable<Self, Flow> {
        &mut flows.v4
    }
}

impl Family for Ipv6Addr {
    fn addresses(source: Self, destination: Self) -> Addresses {
        match (source.to_ipv4_mapped(), destination.to_ipv4_mapped()) {
            (Some(source), Some(destination)) => Addresses::V4 { source, destination },
            _ => Addresses::V6 { source, destination },
        }
    }

    fn in_tunnel(_: &FlowKey<Self>) -> Option<FlowKey<Ipv6Addr>> {
        None
    }

    fn of(address: IpAddr) -> Option<Self> {
        match address {
            IpAddr::V6(address) => Some(address),
            IpAddr::V4(_) => None,
        }
    }

    fn table(flows: &Flows) -> &FlowTable<Self, Flow> {
        &flows.v6
    }

    fn table_mut(flows: &mut Flows) -> &mut FlowTable<Self, Flow> {
        &mut flows.v6
    }
}

/// A flow's entry in a table, and which way a packet goes through it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Way {
    /// The entry.
    pub flow: FlowId,
    /// The packet's direction.
    pub direction: FlowDirection,
}

/// How a packet with key `ahead` looks when it leaves, given the key of its flow's other direction: each direction
/// leaves as the other one enters, turned round.
#[must_use]
pub fn leaving<A: Family>(other: &FlowKey<A>) -> Tuple {
    Tuple {
        addresses: A::addresses(other.destination, other.source),
        source_port: other.destination_port,
        destination_port: other.source_port,
    }
}

/// The key that a packet with these fields has.
#[must_use]
pub const fn key<A: Family>(zone: Zone, source: A, destination: A, protocol: u8, ports: (u16, u16)) -> FlowKey<A> {
    FlowKey { source, destination, source_port: ports.0, destination_port: ports.1, zone, protocol }
}
