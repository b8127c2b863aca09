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
    /// Pairs a source and a destination.
    fn addresses(source: Self, destination: Self) -> Addresses;
    /// The address, if it is of this family.
    fn of(address: IpAddr) -> Option<Self>;
    /// The family's table.
    fn table(flows: &Flows) -> &FlowTable<Self, Flow>;
    /// The family's table, to be changed.
    fn table_mut(flows: &mut Flows) -> &mut FlowTable<Self, Flow>;
}

/// The flow tables of one worker.
#[derive(Debug)]
pub struct Flows {
    /// IPv4.
    pub v4: FlowTable<Ipv4Addr, Flow>,
    /// IPv6.
    pub v6: FlowTable<Ipv6Addr, Flow>,
}

impl Flows {
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
        Addresses::V6 { source, destination }
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
