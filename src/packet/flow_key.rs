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
    /// Length of an address of this family in bits: 32 or 128.
    const BITS: u32;

    /// The address as a number (first octet highest), zeros in front of an IPv4 address.
    fn widened(self) -> u128;
}

impl Address for Ipv4Addr {
    const BITS: u32 = Self::BITS;

    fn widened(self) -> u128 {
        u128::from(self.to_bits())
    }
}

impl Address for Ipv6Addr {
    const BITS: u32 = Self::BITS;

    fn widened(self) -> u128 {
        self.to_bits()
    }
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
