//! The flows of one worker: what an entry holds, and one table per address family.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::conntrack::Tracking;
use super::exits::{ExitId, Exits};
use crate::packet::parse::{Addresses, Layout};
use crate::packet::rewrite::Tuple;
use crate::packet::{FlowKey, Zone, flow_key::Address};
use crate::table::flow::{FlowDirection, FlowId, FlowTable, Trail};

/// What the far end sees as the flow's source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SeenAs {
    /// The source as it is.
    #[default]
    Unchanged,
    /// A private source over a service endpoint.
    Private,
    /// A public source.
    Public,
    /// An IPv6 source that carries network and subnet, over a service endpoint: the flow is IPv4 on this side and IPv6 on
    /// the far one.
    ServiceTunnel,
}

/// A flow: the finished recipe of its packets, in 28 bytes, so that an IPv4 entry is one cache line. The rewrite itself
/// needs no field: the two keys of the entry say how a packet of either direction enters, and so how one of the other
/// leaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flow {
    /// Connection tracking.
    pub tracking: Tracking,
    /// Where packets of each direction leave.
    pub exits: [ExitId; 2],
    /// Generation of the snapshot that last looked at it. 16 bits are enough: every flow is looked at after a reload, or
    /// falls silent and is gone long before the number comes round.
    pub generation: u16,
    /// What the far end sees.
    pub seen_as: SeenAs,
    /// What else is to be known of it.
    pub marks: Marks,
}

/// Facts about a flow, a bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks(u8);

impl Marks {
    /// It reaches a service.
    pub const TO_SERVICE: Self = Self(1);
    /// Its source port was drawn from the ports of an address, and goes back when the flow ends.
    pub const TRANSLATED: Self = Self(2);
    /// A group with `flushConnection` refuses it under the snapshot of its generation. It stays in the table until it
    /// times out, so that neither end's next packet opens it anew from its own side.
    pub const BLOCKED: Self = Self(4);
    /// Its two keys are each other turned round: its packets leave with the addresses and ports that they came with.
    pub const UNCHANGED: Self = Self(32);
    const ADMITTED: [Self; 2] = [Self(8), Self(16)];

    /// The sources of this direction were found to belong behind the port where they enter, under the snapshot of the
    /// flow's generation.
    #[inline]
    #[must_use]
    pub const fn admitted(direction: FlowDirection) -> Self {
        let [original, reply] = Self::ADMITTED;
        match direction {
            FlowDirection::Original => original,
            FlowDirection::Reply => reply,
        }
    }

    /// Whether all of these are set.
    #[inline]
    #[must_use]
    pub const fn has(self, marks: Self) -> bool {
        self.0 & marks.0 == marks.0
    }

    /// With these set too.
    #[must_use]
    pub const fn with(self, marks: Self) -> Self {
        Self(self.0 | marks.0)
    }

    /// With these as well if `set`.
    #[must_use]
    pub const fn with_if(self, set: bool, marks: Self) -> Self {
        if set { self.with(marks) } else { self }
    }

    /// What outlives a reload: the snapshot's own findings do not.
    #[must_use]
    pub const fn lasting(self) -> Self {
        Self(self.0 & (Self::TO_SERVICE.0 | Self::TRANSLATED.0 | Self::UNCHANGED.0))
    }
}

impl Flow {
    /// Whether a packet of this direction has nothing to wait for: the flow was looked at under this generation, the
    /// packet's source belongs where the flow's packets of this direction enter, nothing blocks it.
    #[inline(always)]
    #[must_use]
    pub const fn is_ready(&self, generation: u16, direction: FlowDirection) -> bool {
        let admitted = Marks::admitted(direction);
        self.generation == generation && self.marks.0 & (admitted.0 | Marks::BLOCKED.0) == admitted.0
    }

    /// Whether its packets change their family on the way.
    #[inline]
    #[must_use]
    pub const fn translates(&self) -> bool {
        matches!(self.seen_as, SeenAs::ServiceTunnel)
    }

    /// The exit of packets that travel in `direction`. It is also where packets of the other direction enter.
    #[inline]
    #[must_use]
    pub const fn exit(&self, direction: FlowDirection) -> ExitId {
        let [original, reply] = self.exits;
        match direction {
            FlowDirection::Original => original,
            FlowDirection::Reply => reply,
        }
    }
}

/// How far the flow of a packet was sought.
#[derive(Clone, Copy, Debug, Default)]
pub enum Sought {
    /// Not at all: later fragments tell no ports, and what the dataplane answers itself belongs to no flow.
    #[default]
    Nowhere,
    /// In the IPv4 table.
    V4(Trail<Ipv4Addr>),
    /// In the IPv6 table.
    V6(Trail<Ipv6Addr>),
}

/// An address family with a flow table of its own.
pub trait Family: Address {
    /// Whether it is IPv6.
    const IS_V6: bool;

    /// Pairs a source and a destination, as they are on a wire: IPv4-mapped addresses are IPv4 ones.
    fn addresses(source: Self, destination: Self) -> Addresses;
    /// The key that a packet with this key has where it belongs to a tunnelled flow; `None` where it cannot.
    fn in_tunnel(key: &FlowKey<Self>) -> Option<FlowKey<Ipv6Addr>>;
    /// The source and the destination of a packet, if they are of this family.
    fn pair(addresses: &Addresses) -> Option<(Self, Self)>;
    /// The address, if it is of this family.
    fn of(address: IpAddr) -> Option<Self>;
    /// The lookup of a packet's flow that was begun in this family's table.
    fn trail(sought: &Sought) -> Option<&Trail<Self>>;
    /// The same, to be kept with the packet.
    fn sought(trail: Trail<Self>) -> Sought;
    /// The family's table.
    fn table(flows: &Flows) -> &FlowTable<Self, Flow>;
    /// The family's table, to be changed, beside the ways out that its flows take.
    fn table_and_exits(flows: &mut Flows) -> (&mut FlowTable<Self, Flow>, &Exits);
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
    /// The ways out that they take.
    pub(super) exits: Exits,
}

impl Flows {
    /// Empty tables of these capacities, their hashes keyed by a random seed.
    #[must_use]
    pub fn new(capacity_v4: usize, capacity_v6: usize, seed: [u64; 2]) -> Self {
        Self { v4: FlowTable::new(capacity_v4, seed), v6: FlowTable::new(capacity_v6, seed), tunnelled: 0, exits: Exits::default() }
    }

    /// The tunnelled flow that an IPv4 packet with this key belongs to.
    #[must_use]
    pub fn through_tunnel<A: Family>(&self, key: &FlowKey<A>) -> Option<Way> {
        if self.tunnelled == 0 {
            return None;
        }
        let (flow, direction) = self.v6.lookup(&A::in_tunnel(key)?)?;
        Some(Way { flow, direction, is_v6: true })
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
    const IS_V6: bool = false;

    #[inline]
    fn addresses(source: Self, destination: Self) -> Addresses {
        Addresses::V4 { source, destination }
    }

    fn in_tunnel(key: &FlowKey<Self>) -> Option<FlowKey<Ipv6Addr>> {
        let FlowKey { source, destination, source_port, destination_port, zone, protocol } = *key;
        let (source, destination) = (source.to_ipv6_mapped(), destination.to_ipv6_mapped());
        Some(FlowKey { source, destination, source_port, destination_port, zone, protocol })
    }

    #[inline]
    fn pair(addresses: &Addresses) -> Option<(Self, Self)> {
        match *addresses {
            Addresses::V4 { source, destination } => Some((source, destination)),
            Addresses::V6 { .. } => None,
        }
    }

    fn of(address: IpAddr) -> Option<Self> {
        match address {
            IpAddr::V4(address) => Some(address),
            IpAddr::V6(_) => None,
        }
    }

    #[inline(always)]
    fn trail(sought: &Sought) -> Option<&Trail<Self>> {
        match sought {
            Sought::V4(trail) => Some(trail),
            Sought::Nowhere | Sought::V6(_) => None,
        }
    }

    #[inline(always)]
    fn sought(trail: Trail<Self>) -> Sought {
        Sought::V4(trail)
    }

    #[inline]
    fn table(flows: &Flows) -> &FlowTable<Self, Flow> {
        &flows.v4
    }

    #[inline(always)]
    fn table_and_exits(flows: &mut Flows) -> (&mut FlowTable<Self, Flow>, &Exits) {
        (&mut flows.v4, &flows.exits)
    }

    #[inline]
    fn table_mut(flows: &mut Flows) -> &mut FlowTable<Self, Flow> {
        &mut flows.v4
    }
}

impl Family for Ipv6Addr {
    const IS_V6: bool = true;

    #[inline]
    fn addresses(source: Self, destination: Self) -> Addresses {
        match (source.to_ipv4_mapped(), destination.to_ipv4_mapped()) {
            (Some(source), Some(destination)) => Addresses::V4 { source, destination },
            _ => Addresses::V6 { source, destination },
        }
    }

    fn in_tunnel(_: &FlowKey<Self>) -> Option<FlowKey<Ipv6Addr>> {
        None
    }

    #[inline]
    fn pair(addresses: &Addresses) -> Option<(Self, Self)> {
        match *addresses {
            Addresses::V6 { source, destination } => Some((source, destination)),
            Addresses::V4 { .. } => None,
        }
    }

    fn of(address: IpAddr) -> Option<Self> {
        match address {
            IpAddr::V6(address) => Some(address),
            IpAddr::V4(_) => None,
        }
    }

    #[inline(always)]
    fn trail(sought: &Sought) -> Option<&Trail<Self>> {
        match sought {
            Sought::V6(trail) => Some(trail),
            Sought::Nowhere | Sought::V4(_) => None,
        }
    }

    #[inline(always)]
    fn sought(trail: Trail<Self>) -> Sought {
        Sought::V6(trail)
    }

    #[inline]
    fn table(flows: &Flows) -> &FlowTable<Self, Flow> {
        &flows.v6
    }

    #[inline(always)]
    fn table_and_exits(flows: &mut Flows) -> (&mut FlowTable<Self, Flow>, &Exits) {
        (&mut flows.v6, &flows.exits)
    }

    #[inline]
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
    /// It is in the IPv6 table: so are IPv4 packets' flows through service tunnels.
    pub is_v6: bool,
}

/// How a packet with key `ahead` looks when it leaves, given the key of its flow's other direction: each direction
/// leaves as the other one enters, turned round.
#[inline]
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

/// The key of a packet that enters in `zone`; `None` where it is of the other family.
#[inline]
#[must_use]
pub fn key_of<A: Family>(zone: Zone, layout: &Layout) -> Option<FlowKey<A>> {
    let (source, destination) = A::pair(&layout.addresses)?;
    Some(key(zone, source, destination, layout.protocol, (layout.source_port, layout.destination_port)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The figure to keep is 128; what is reserved for a flow is an entry, its two places in the index at most three fifths
    /// full, and its place in the wheel.
    #[test]
    fn an_ipv4_flow_takes_94_bytes_all_included() {
        assert_eq!(size_of::<Flow>(), 28);
        let flows = Flows::new(1 << 20, 1 << 10, [1, 2]);
        let per_flow = flows.v4.memory() as f64 / flows.v4.capacity() as f64;
        assert!(per_flow < 93.5, "{per_flow} bytes");
    }

    #[test]
    fn a_reload_forgets_what_was_found_under_the_snapshot_before() {
        let [original, reply] = [FlowDirection::Original, FlowDirection::Reply].map(Marks::admitted);
        let own = Marks::default().with(Marks::TO_SERVICE).with_if(true, Marks::TRANSLATED).with_if(false, Marks::BLOCKED);
        let all = own.with(original).with(reply).with(Marks::BLOCKED);
        assert_eq!(all.lasting(), own);
        assert!(all.has(original) && all.has(Marks::BLOCKED) && !own.has(reply) && !own.with(original).has(reply));
    }
}
