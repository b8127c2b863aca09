//! What identifies one direction of a flow: where it came in, and the five-tuple.

use std::hash::Hash;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Where a packet comes from, as far as identity goes: a subnet of a network, or what a port is attached to
/// (`internet`, `service/orders`, `gateway/hq`, `platform`). Two networks with one address space are told apart by it.
/// A number stands for the same name as long as the process lives, across reloads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Zone(pub u16);

/// An address of one family, as flow keys hold it.
pub trait Address: Copy + Eq + Hash + std::fmt::Debug + Into<IpAddr> {
    /// A key of this family in as few words as hold it: what tables keep, compare and hash. The last word holds all but
    /// the addresses. The last word of a key is never zero, so that a place in a table can be empty.
    type Packed: Copy + Eq + Default + std::fmt::Debug + AsRef<[u64]>;

    /// Packs a key.
    fn pack(key: &FlowKey<Self>) -> Self::Packed;

    /// The key that was packed.
    fn unpack(packed: &Self::Packed) -> FlowKey<Self>;
}

/// In the last word of a packed key: there is a key.
const PRESENT: u64 = 1 << 56;

impl<A: PartialEq> FlowKey<A> {
    /// Whether the ends of the one are those of the other, turned round: what has the one key needs no rewrite to be
    /// answered with the other.
    #[must_use]
    pub fn is_turned_round(&self, other: &Self) -> bool {
        self.source == other.destination
            && self.destination == other.source
            && self.source_port == other.destination_port
            && self.destination_port == other.source_port
            && self.protocol == other.protocol
    }
}

impl<A> FlowKey<A> {
    /// All but the addresses in one word. The ports are put together first: they lie side by side and are read at once.
    #[inline]
    fn tail(&self) -> u64 {
        let ports = u32::from(self.source_port) | u32::from(self.destination_port) << 16;
        u64::from(ports) | u64::from(self.zone.0) << 32 | u64::from(self.protocol) << 48 | PRESENT
    }

    #[inline(always)]
    const fn with_tail(source: A, destination: A, tail: u64) -> Self {
        let [s0, s1, d0, d1, z0, z1, protocol, _] = tail.to_le_bytes();
        let (source_port, destination_port) = (u16::from_le_bytes([s0, s1]), u16::from_le_bytes([d0, d1]));
        Self { source, destination, source_port, destination_port, zone: Zone(u16::from_le_bytes([z0, z1])), protocol }
    }
}

impl Address for Ipv4Addr {
    type Packed = [u64; 2];

    #[inline]
    fn pack(key: &FlowKey<Self>) -> [u64; 2] {
        let ([s0, s1, s2, s3], [d0, d1, d2, d3]) = (key.source.octets(), key.destination.octets());
        // As they lie in memory.
        [u64::from_le_bytes([s0, s1, s2, s3, d0, d1, d2, d3]), key.tail()]
    }

    #[inline(always)]
    fn unpack(&[addresses, tail]: &[u64; 2]) -> FlowKey<Self> {
        let [s0, s1, s2, s3, d0, d1, d2, d3] = addresses.to_le_bytes();
        FlowKey::with_tail(Self::new(s0, s1, s2, s3), Self::new(d0, d1, d2, d3), tail)
    }
}

impl Address for Ipv6Addr {
    type Packed = [u64; 5];

    #[inline]
    fn pack(key: &FlowKey<Self>) -> [u64; 5] {
        let (source, destination) = (halves(key.source), halves(key.destination));
        [source.0, source.1, destination.0, destination.1, key.tail()]
    }

    #[inline]
    fn unpack(&[source_high, source_low, destination_high, destination_low, tail]: &[u64; 5]) -> FlowKey<Self> {
        let join = |high: u64, low: u64| Self::from_bits(u128::from(high) << 64 | u128::from(low));
        FlowKey::with_tail(join(source_high, source_low), join(destination_high, destination_low), tail)
    }
}

/// The upper and the lower 64 bits.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "each half is what is asked for")]
const fn halves(address: Ipv6Addr) -> (u64, u64) {
    let bits = address.to_bits();
    ((bits >> 64) as u64, bits as u64)
}

/// One direction of a flow, as its packets look when they enter the dataplane (before any rewrite).
///
/// For ICMP echo both ports hold the identifier; for protocols without ports both are 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FlowKey<A> {
    /// Source address in the packet.
    pub source: A,
    /// Destination address in the packet.
    pub destination: A,
    /// Source port, or the ICMP echo identifier, or 0.
    pub source_port: u16,
    /// Destination port, or the ICMP echo identifier, or 0.
    pub destination_port: u16,
    /// Where the packet enters.
    pub zone: Zone,
    /// IP protocol number (for ICMPv6 58).
    pub protocol: u8,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check<A: Address>(source: A, destination: A, (source_port, destination_port, zone, protocol): (u16, u16, u16, u8)) {
        let key = FlowKey { source, destination, source_port, destination_port, zone: Zone(zone), protocol };
        assert_eq!(A::unpack(&A::pack(&key)), key);
        assert_ne!(A::pack(&key).as_ref().last(), Some(&0));
    }

    proptest! {
        #[test]
        fn a_packed_key_is_the_key_and_never_nothing(source: u128, destination: u128, rest: (u16, u16, u16, u8)) {
            check(Ipv4Addr::from_bits(source as u32), Ipv4Addr::from_bits(destination as u32), rest);
            check(Ipv6Addr::from_bits(source), Ipv6Addr::from_bits(destination), rest);
        }
    }

    #[test]
    fn a_key_turned_round_differs_in_no_field() {
        let (source, destination) = (Ipv4Addr::LOCALHOST, Ipv4Addr::BROADCAST);
        let key = FlowKey { source, destination, source_port: 1, destination_port: 2, zone: Zone(1), protocol: 17 };
        let other = FlowKey { source: destination, destination: source, source_port: 2, destination_port: 1, zone: Zone(2), ..key };
        assert!(key.is_turned_round(&other) && other.is_turned_round(&key) && !key.is_turned_round(&key));
        let changed = [
            FlowKey { source, ..other },
            FlowKey { destination, ..other },
            FlowKey { source_port: 1, ..other },
            FlowKey { destination_port: 2, ..other },
            FlowKey { protocol: 6, ..other },
        ];
        assert!(!changed.iter().any(|changed| key.is_turned_round(changed)));
    }

    #[test]
    fn not_even_the_key_of_zeros_is_nothing() {
        check(Ipv4Addr::UNSPECIFIED, Ipv4Addr::UNSPECIFIED, (0, 0, 0, 0));
        check(Ipv6Addr::UNSPECIFIED, Ipv6Addr::UNSPECIFIED, (0, 0, 0, 0));
    }
}
