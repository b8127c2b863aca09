//! The packet that an ICMP error quotes, as far as its flow is named: the IP header and eight bytes behind it.
//!
//! Routers quote what they saw, changed TTL and stale checksum included, and cut it off: lengths and checksums of a quote
//! are not judged.

use super::ipv6::is_mapped;
use super::{Addresses, Quoted};
use crate::wire::{array_at, icmp, icmpv6, ipv4, ipv6, protocol};

/// Parses the quote of an ICMP error that starts `network` bytes into the frame; `None` where the eight transport bytes
/// are not there, as in a later fragment, about which no error is ever sent (RFC 1122 3.2.2).
pub(super) fn parse_v4(quote: &[u8], network: usize) -> Option<Quoted> {
    let header = ipv4::Header::of(quote)?;
    let header_length = header.header_length();
    if header.version() != 4 || header_length < ipv4::LENGTH || header.fragment_offset() > 0 {
        return None;
    }
    let eight = array_at(quote, header_length)?;
    let (source_port, destination_port) = ports(header.protocol(), eight);
    Some(Quoted {
        network,
        transport: network + header_length,
        addresses: Addresses::V4 { source: header.source(), destination: header.destination() },
        protocol: header.protocol(),
        source_port,
        destination_port,
    })
}

/// The same for ICMPv6.
pub(super) fn parse_v6(quote: &[u8], network: usize) -> Option<Quoted> {
    let header = ipv6::Header::of(quote)?;
    let behind = quote.get(ipv6::LENGTH..)?;
    let chain = ipv6::walk(header.next_header(), behind)?;
    let (source, destination) = (header.source(), header.destination());
    if header.version() != 6 || is_mapped(source) || is_mapped(destination) || chain.fragment.is_some_and(|fragment| fragment.offset > 0) {
        return None;
    }
    let eight = array_at(behind, chain.length)?;
    let (source_port, destination_port) = ports(chain.protocol, eight);
    Some(Quoted {
        network,
        transport: network + ipv6::LENGTH + chain.length,
        addresses: Addresses::V6 { source, destination },
        protocol: chain.protocol,
        source_port,
        destination_port,
    })
}

fn ports(carried: u8, eight: &[u8; 8]) -> (u16, u16) {
    let [a, b, c, d, e, f, ..] = *eight;
    let identifier = u16::from_be_bytes([e, f]);
    match (carried, a) {
        (protocol::TCP | protocol::UDP, _) => (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])),
        (protocol::ICMP, icmp::kind::ECHO_REQUEST | icmp::kind::ECHO_REPLY) => (identifier, identifier),
        (protocol::ICMPV6, icmpv6::kind::ECHO_REQUEST | icmpv6::kind::ECHO_REPLY) => (identifier, identifier),
        _ => (0, 0),
    }
}
