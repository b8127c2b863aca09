//! What all built frames share: link and network headers, and writing into a frame's buffer.

use std::net::{Ipv4Addr, Ipv6Addr};

use etherparse::err::packet::BuildSliceWriteError;
use etherparse::{IpHeaders, Ipv4Header, Ipv6Header, PacketBuilder, PacketBuilderStep, TcpHeader};

use crate::packet::Frame;
use crate::packet::parse::Addresses;

/// TTL and hop limit of our packets (the assigned default, RFC 1700).
pub(super) const DEFAULT_TTL: u8 = 64;

/// The two MAC addresses of a frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link {
    pub(super) source: [u8; 6],
    pub(super) destination: [u8; 6],
}

impl Link {
    /// From us to this MAC address.
    pub(super) const fn from_gateway(destination: [u8; 6]) -> Self {
        Self { source: super::GATEWAY_MAC, destination }
    }

    /// Back to the sender of `frame`, from the address that it was sent to. `None` where that is a group address (or
    /// there is no Ethernet header): nothing sent to many is answered by one.
    pub(super) fn back(frame: &[u8]) -> Option<Self> {
        let source: [u8; 6] = *frame.first_chunk()?;
        let destination = *frame.get(6..)?.first_chunk()?;
        (source[0] & 1 == 0).then_some(Self { source, destination })
    }

    pub(super) fn step(self) -> PacketBuilderStep<etherparse::Ethernet2Header> {
        PacketBuilder::ethernet2(self.source, self.destination)
    }
}

/// An IPv4 header without options, "don't fragment" set and identification 0 (RFC 6864: atomic).
pub(super) fn ipv4(source: Ipv4Addr, destination: Ipv4Addr) -> Ipv4Header {
    Ipv4Header { time_to_live: DEFAULT_TTL, source: source.octets(), destination: destination.octets(), ..Default::default() }
}

/// An IPv6 header without extensions.
pub(super) fn ipv6(source: Ipv6Addr, destination: Ipv6Addr, hop_limit: u8) -> Ipv6Header {
    Ipv6Header { hop_limit, source: source.octets(), destination: destination.octets(), ..Default::default() }
}

/// An IP header of either family.
fn network(addresses: Addresses) -> IpHeaders {
    match addresses {
        Addresses::V4 { source, destination } => IpHeaders::Ipv4(ipv4(source, destination), Default::default()),
        Addresses::V6 { source, destination } => IpHeaders::Ipv6(ipv6(source, destination, DEFAULT_TTL), Default::default()),
    }
}

/// Source and destination swapped.
pub(super) const fn reversed(addresses: Addresses) -> Addresses {
    match addresses {
        Addresses::V4 { source, destination } => Addresses::V4 { source: destination, destination: source },
        Addresses::V6 { source, destination } => Addresses::V6 { source: destination, destination: source },
    }
}

/// Makes `into` a TCP segment, checksums complete. False, and `into` empty, where it cannot be built (too long).
pub(super) fn tcp_segment(link: Link, addresses: Addresses, header: TcpHeader, payload: &[u8], into: &mut Frame) -> bool {
    let step = link.step().ip(network(addresses)).tcp_header(header);
    write(into, step.size(payload.len()), |buffer| step.write_to_slice(buffer, payload))
}

/// Makes `into` the `size` bytes that `build` writes. False, and `into` empty, where it fails.
pub(super) fn write(into: &mut Frame, size: usize, build: impl FnOnce(&mut [u8]) -> Result<usize, BuildSliceWriteError>) -> bool {
    into.clear();
    into.set_length(size);
    let built = build(into.bytes_mut());
    into.set_length(*built.as_ref().unwrap_or(&0));
    built.is_ok()
}
