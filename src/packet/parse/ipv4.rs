//! IPv4: the header, its options, and which piece of a packet this is.

use std::net::Ipv4Addr;

use super::transport::{self, Payload};
use super::{Addresses, Fragment, Layout};
use crate::packet::Reason;
use crate::wire::checksum::sum;
use crate::wire::{ethernet, ipv4, protocol};

const LONGEST_PACKET: usize = 65_535;

/// Parses what follows the Ethernet header.
#[inline]
pub(super) fn parse(layout: &mut Layout, bytes: &[u8]) -> Result<(), Reason> {
    let header = ipv4::Header::of(bytes).ok_or(Reason::MalformedIpv4)?;
    let (header_length, total_length) = (header.header_length(), header.total_length());
    if header.version() != 4 || header_length < ipv4::LENGTH || total_length < header_length {
        return Err(Reason::MalformedIpv4);
    }
    let packet = bytes.get(..total_length).ok_or(Reason::MalformedIpv4)?;
    let (header_bytes, payload) = packet.split_at_checked(header_length).ok_or(Reason::MalformedIpv4)?;
    if header_length > ipv4::LENGTH {
        check_with_options(header_bytes)?;
    } else if header.sum() != 0xffff {
        return Err(Reason::MalformedIpv4);
    }
    check_addresses(header.source(), header.destination())?;
    let fragment = fragment(header, header_length, payload.len())?;
    let network = ethernet::LENGTH;
    let place = Payload { bytes: payload, start: network + header_length, fragment, protocol: header.protocol() };
    *layout = Layout {
        network,
        transport: place.start,
        end: network + total_length,
        addresses: Addresses::V4 { source: header.source(), destination: header.destination() },
        protocol: header.protocol(),
        ttl: header.ttl(),
        dont_fragment: header.dont_fragment(),
        fragment,
        ..Layout::default()
    };
    transport::parse_v4(layout, &place)
}

/// A source route hides where the packet goes, so nothing could be decided by its destination (RFC 7126 4.3).
#[cold]
fn check_with_options(header: &[u8]) -> Result<(), Reason> {
    if sum(header) != 0xffff {
        return Err(Reason::MalformedIpv4);
    }
    match ipv4::options(header.get(ipv4::LENGTH..).unwrap_or_default()) {
        ipv4::Options::Plain => Ok(()),
        ipv4::Options::SourceRouted => Err(Reason::Unsupported),
        ipv4::Options::Malformed => Err(Reason::MalformedIpv4),
    }
}

/// RFC 1122 3.2.1.3 and RFC 1812 5.3.7: addresses that are never on a wire as source or destination. A host without an
/// address yet (DHCP, IGMP) speaks as 0.0.0.0, and to groups only.
#[inline]
fn check_addresses(source: Ipv4Addr, destination: Ipv4Addr) -> Result<(), Reason> {
    if is_ordinary(source) && is_ordinary(destination) { Ok(()) } else { check_unusual_addresses(source, destination) }
}

/// What nearly all addresses are, told by their first octet: below the groups, above 0/8, not loopback.
#[inline]
const fn is_ordinary(address: Ipv4Addr) -> bool {
    matches!(address.octets(), [1..=126 | 128..=223, ..])
}

#[cold]
#[inline(never)]
fn check_unusual_addresses(source: Ipv4Addr, destination: Ipv4Addr) -> Result<(), Reason> {
    let to_group = destination.is_multicast() || destination.is_broadcast();
    let wrong_source = source.is_loopback() || source.is_multicast() || source.is_broadcast();
    if wrong_source || (source.is_unspecified() && !to_group) || destination.is_loopback() || destination.is_unspecified() {
        return Err(Reason::MalformedIpv4);
    }
    if to_group {
        return Err(Reason::Unsupported);
    }
    Ok(())
}

#[inline]
fn fragment(header: ipv4::Header<'_>, header_length: usize, payload_length: usize) -> Result<Fragment, Reason> {
    if header.is_whole() { Ok(Fragment::Whole) } else { piece(header, header_length, payload_length) }
}

#[cold]
#[inline(never)]
fn piece(header: ipv4::Header<'_>, header_length: usize, payload_length: usize) -> Result<Fragment, Reason> {
    let (offset, more) = (header.fragment_offset(), header.more_fragments());
    let ragged = more && !payload_length.is_multiple_of(8);
    if ragged || payload_length == 0 || header_length + offset + payload_length > LONGEST_PACKET {
        return Err(Reason::MalformedIpv4);
    }
    if offset == 8 && header.protocol() == protocol::TCP {
        // RFC 3128: would overwrite the flags that the first fragment was judged by.
        return Err(Reason::MalformedTransport);
    }
    let id = u32::from(header.identification());
    Ok(if offset == 0 { Fragment::First { id } } else { Fragment::Later { id, last: !more } })
}
