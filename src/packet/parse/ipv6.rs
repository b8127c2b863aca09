//! IPv6: the fixed header, the extension headers, and which piece of a packet this is.

use std::net::Ipv6Addr;

use super::transport::{self, Payload};
use super::{Addresses, Fragment, Layout, Transport};
use crate::packet::Reason;
use crate::wire::ipv6::{Chain, FragmentHeader};
use crate::wire::{ethernet, ipv6, protocol};

const LONGEST_PAYLOAD: usize = 65_535;

/// Parses what follows the Ethernet header.
#[inline(never)]
pub(super) fn parse(layout: &mut Layout, bytes: &[u8], needs_checksum: bool) -> Result<(), Reason> {
    let header = ipv6::Header::of(bytes).ok_or(Reason::MalformedIpv6)?;
    let end = ipv6::LENGTH + header.payload_length();
    let behind = bytes.get(ipv6::LENGTH..end).ok_or(Reason::MalformedIpv6)?;
    if header.version() != 6 {
        return Err(Reason::MalformedIpv6);
    }
    let (source, destination) = (header.source(), header.destination());
    check_addresses(source, destination)?;
    let chain = ipv6::walk(header.next_header(), behind).ok_or(Reason::MalformedIpv6)?;
    if chain.source_routed {
        return Err(Reason::Unsupported);
    }
    let fragment = fragment(&chain, behind.len())?;
    let payload = behind.get(chain.length..).ok_or(Reason::MalformedIpv6)?;
    let start = ethernet::LENGTH + ipv6::LENGTH + chain.length;
    let place = Payload { bytes: payload, start, fragment, protocol: chain.protocol };
    *layout = Layout {
        network: ethernet::LENGTH,
        transport: start,
        end: ethernet::LENGTH + end,
        addresses: Addresses::V6 { source, destination },
        protocol: chain.protocol,
        ttl: header.hop_limit(),
        dont_fragment: true,
        fragment,
        ..Layout::default()
    };
    transport::parse_v6(layout, &place, needs_checksum)?;
    if destination.is_multicast() && !matches!(layout.transport_header, Transport::Neighbour(_)) {
        return Err(Reason::Unsupported);
    }
    Ok(())
}

/// RFC 4291 2.5.2, 2.5.3 and 2.7: addresses that are never on a wire as source or destination. A host without an address
/// yet (duplicate address detection, MLD) speaks as ::, and to groups only.
#[inline]
fn check_addresses(source: Ipv6Addr, destination: Ipv6Addr) -> Result<(), Reason> {
    if is_mapped(source) || is_mapped(destination) {
        return Err(Reason::MalformedIpv6);
    }
    let wrong_source = source.is_multicast() || source.is_loopback() || (source.is_unspecified() && !destination.is_multicast());
    if wrong_source || destination.is_loopback() || destination.is_unspecified() {
        return Err(Reason::MalformedIpv6);
    }
    Ok(())
}

/// IPv4-mapped addresses stand for IPv4 nodes, in flow keys too: on a wire nobody has one (RFC 4291 2.5.5.2), and so in
/// no quote either.
#[inline]
pub(super) fn is_mapped(address: Ipv6Addr) -> bool {
    address.to_ipv4_mapped().is_some()
}

#[inline]
fn fragment(chain: &Chain, behind: usize) -> Result<Fragment, Reason> {
    match chain.fragment {
        None => Ok(Fragment::Whole),
        Some(header) => piece(header, chain, behind),
    }
}

/// RFC 8200 4.5; one that is first and last at once is a whole packet (RFC 6946).
fn piece(header: FragmentHeader, chain: &Chain, behind: usize) -> Result<Fragment, Reason> {
    let id = header.identification;
    if header.offset == 0 && !header.more {
        return Ok(Fragment::Whole);
    }
    let length = behind.saturating_sub(chain.fragmentable);
    let ragged = header.more && !length.is_multiple_of(8);
    if ragged || length == 0 || chain.fragmentable - 8 + header.offset + length > LONGEST_PAYLOAD {
        return Err(Reason::MalformedIpv6);
    }
    if header.offset == 8 && chain.protocol == protocol::TCP {
        return Err(Reason::MalformedTransport); // RFC 3128
    }
    Ok(if header.offset == 0 { Fragment::First { id } } else { Fragment::Later { id, last: !header.more } })
}
