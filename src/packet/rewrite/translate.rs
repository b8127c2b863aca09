//! From one IP family to the other (RFC 7915): the packets of service tunnels and the ICMP errors about them.
//!
//! Everything in front of the transport header is made anew, before or behind where it began; the payload stays where it
//! is. Extension headers and options are left behind, as the RFC has it. Of the type of service only ECN goes into IPv6 (a
//! tunnel's packets have traffic class 0, but no mark of congestion is lost); into IPv4 all of it goes.
//!
//! What does not fit the other family is refused: a first IPv4 fragment of a datagram without checksum, an IPv6 fragment
//! with extension headers behind its fragment header, ICMP other than errors.

mod errors;
mod head;
#[cfg(test)]
mod tests;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use self::head::{Head, replace};
use super::Tuple;
use super::packet::Place;
use crate::packet::parse::{Addresses, Fragment, Quoted};
use crate::packet::segments::largest_packet;
use crate::packet::{Frame, Gso, Layout, Reason};
use crate::wire::checksum::{Delta, Sum, nonzero, sum};
use crate::wire::ipv6::FragmentHeader;
use crate::wire::{array_at, ethernet, icmp, ipv4, ipv6, protocol, set_u16_at, u16_at, udp};

/// What every IPv6 link takes, and so the longest packet that needs no path MTU discovery (RFC 8200 5).
const LEAST_MTU_V6: usize = 1_280;
/// What every IPv4 host can reassemble: the longest ICMP error (RFC 1812 4.3.2.3).
const LONGEST_ERROR_V4: usize = 576;
/// The two bits of the type of service that are ECN (RFC 3168).
const ECN: u8 = 0x03;

/// What a packet needs besides addresses and ports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Manner {
    /// It will be cut: an IPv6 packet gets a fragment header, though it is whole.
    pub to_be_cut: bool,
    /// Identification of an IPv4 packet that was no fragment before.
    pub identification: u16,
}

/// The size that an IP packet of `size` bytes, which `layout` is of, has in the other family.
#[must_use]
pub fn size_there(size: usize, layout: &Layout) -> usize {
    let fragment = if matches!(layout.fragment, Fragment::Whole) { 0 } else { ipv6::FRAGMENT_LENGTH };
    let headers = if layout.addresses.is_v6() { ipv4::LENGTH } else { ipv6::LENGTH + fragment };
    size.saturating_sub(layout.transport.saturating_sub(layout.network)) + headers
}

/// Whether an IP packet of `size` bytes may be cut once it is translated: as IPv4 allows; of IPv6 what its sender had to
/// cut already, or could not expect to be told about (RFC 7915 5.1).
#[must_use]
pub fn may_be_cut(size: usize, layout: &Layout) -> bool {
    !layout.dont_fragment || (layout.addresses.is_v6() && (size <= LEAST_MTU_V6 || layout.fragment != Fragment::Whole))
}

/// What the sender is told of a way out that takes `mtu` bytes in the other family.
#[must_use]
pub fn mtu_here(mtu: usize, layout: &Layout) -> usize {
    let more = ipv6::LENGTH - ipv4::LENGTH;
    if layout.addresses.is_v6() { (mtu + more).max(LEAST_MTU_V6) } else { mtu.saturating_sub(more) }
}

/// Makes a packet of the other family of a TCP, UDP or ESP packet (or a fragment of one), with the addresses and ports of
/// `to`, which is of that family: headers, checksums, finished or left to the device, and the kind of super-frame. TTL and
/// hop limit are one number. Returns the new layout.
///
/// # Errors
/// [`Reason::TooBig`] where the other family has no such length, [`Reason::Unsupported`] for what it cannot carry (see the
/// [module](self)); the frame is not to be used then.
pub fn packet(frame: &mut Frame, layout: &Layout, to: &Tuple, manner: Manner) -> Result<Layout, Reason> {
    if matches!(layout.protocol, protocol::ICMP | protocol::ICMPV6) || layout.addresses.is_v6() == to.addresses.is_v6() {
        return Err(Reason::Unsupported);
    }
    let head = match to.addresses {
        Addresses::V6 { source, destination } => head_v6(frame, layout, (source, destination), manner)?,
        Addresses::V4 { source, destination } => head_v4(frame, layout, (source, destination), manner)?,
    };
    if !matches!(layout.fragment, Fragment::Later { .. }) {
        carry_transport(frame, layout, to)?;
    }
    replace(frame, &head, (layout.transport, layout.end))?;
    Ok(head::layout(layout, to, &head))
}

fn head_v6(frame: &Frame, layout: &Layout, (source, destination): (Ipv6Addr, Ipv6Addr), manner: Manner) -> Result<Head, Reason> {
    let old = header_v4(frame, layout.network)?;
    let cut = manner.to_be_cut || layout.fragment != Fragment::Whole;
    let fragment = cut.then(|| FragmentHeader {
        identification: old.identification().into(),
        offset: old.fragment_offset(),
        more: old.more_fragments(),
    });
    let behind = layout.end.saturating_sub(layout.transport) + if cut { ipv6::FRAGMENT_LENGTH } else { 0 };
    let fields = ipv6::Fields {
        traffic_class: old.type_of_service() & ECN,
        payload_length: u16::try_from(behind).map_err(|_| Reason::TooBig)?,
        next_header: if cut { ipv6::FRAGMENT } else { layout.protocol },
        hop_limit: old.ttl(),
        source,
        destination,
    };
    let mut head = Head::new(frame.bytes(), ethernet::ethertype::IPV6);
    head.push(&fields.to_bytes());
    if let Some(fragment) = fragment {
        head.push(&fragment.to_bytes(layout.protocol));
    }
    Ok(head)
}

fn head_v4(frame: &Frame, layout: &Layout, (source, destination): (Ipv4Addr, Ipv4Addr), manner: Manner) -> Result<Head, Reason> {
    let old = header_v6(frame, layout.network)?;
    let fragment = fragment_v6(frame, layout)?;
    let total = ipv4::LENGTH + layout.end.saturating_sub(layout.transport);
    let fields = ipv4::Fields {
        type_of_service: old.traffic_class(),
        total_length: u16::try_from(total).map_err(|_| Reason::TooBig)?,
        // the low half: what is unique enough for the other family
        identification: fragment.map_or(manner.identification, |fragment| fragment.identification as u16),
        dont_fragment: fragment.is_none() && largest_packet(frame, layout) > LEAST_MTU_V6,
        more_fragments: fragment.is_some_and(|fragment| fragment.more),
        fragment_offset: fragment.map_or(0, |fragment| fragment.offset),
        ttl: old.hop_limit(),
        protocol: layout.protocol,
        source,
        destination,
    };
    let mut head = Head::new(frame.bytes(), ethernet::ethertype::IPV4);
    head.push(&fields.to_bytes());
    Ok(head)
}

fn header_v4(frame: &Frame, at: usize) -> Result<ipv4::Header<'_>, Reason> {
    frame.bytes().get(at..).and_then(ipv4::Header::of).ok_or(Reason::MalformedIpv4)
}

fn header_v6(frame: &Frame, at: usize) -> Result<ipv6::Header<'_>, Reason> {
    frame.bytes().get(at..).and_then(ipv6::Header::of).ok_or(Reason::MalformedIpv6)
}

/// The fragment header of a piece. Extension headers behind it count as payload, which IPv4 has no number for.
fn fragment_v6(frame: &Frame, layout: &Layout) -> Result<Option<FragmentHeader>, Reason> {
    if matches!(layout.fragment, Fragment::Whole) {
        return Ok(None);
    }
    let next = header_v6(frame, layout.network)?.next_header();
    let behind = frame.bytes().get(layout.network + ipv6::LENGTH..layout.end).ok_or(Reason::MalformedIpv6)?;
    let chain = ipv6::walk(next, behind).ok_or(Reason::MalformedIpv6)?;
    if chain.fragmentable != chain.length || chain.protocol != layout.protocol {
        return Err(Reason::Unsupported);
    }
    Ok(chain.fragment)
}

/// Ports and checksum, where they stand now.
fn carry_transport(frame: &mut Frame, layout: &Layout, to: &Tuple) -> Result<(), Reason> {
    let place = Place::outer(frame, layout);
    let ports = place.set_ports(frame.bytes_mut(), to);
    if to.addresses.is_v6() && lacks_checksum(frame, layout) {
        return add_checksum(frame, layout, to.addresses);
    }
    place.update_checksum(frame.bytes_mut(), pseudo_header(layout.addresses, to.addresses), ports);
    Ok(())
}

/// What other addresses change in a pseudo-header; protocol and length stay, and count the same in both families.
fn pseudo_header(from: Addresses, to: Addresses) -> Delta {
    let mut delta = Delta::default();
    for (old, new) in [(from.source(), to.source()), (from.destination(), to.destination())] {
        delta.replace_u16(sum_of(old), sum_of(new));
    }
    delta
}

fn sum_of(address: IpAddr) -> u16 {
    match address {
        IpAddr::V4(address) => sum(&address.octets()),
        IpAddr::V6(address) => sum(&address.octets()),
    }
}

/// A datagram without checksum, which IPv6 does not know (RFC 8200 8.1).
fn lacks_checksum(frame: &Frame, layout: &Layout) -> bool {
    layout.protocol == protocol::UDP && !frame.offload.needs_checksum && u16_at(frame.bytes(), layout.transport + udp::CHECKSUM) == Some(0)
}

/// Sums up a whole datagram. Of a super-frame each segment gets its own: that is left to the device.
fn add_checksum(frame: &mut Frame, layout: &Layout, addresses: Addresses) -> Result<(), Reason> {
    if layout.fragment != Fragment::Whole {
        return Err(Reason::Unsupported);
    }
    let length = layout.end.saturating_sub(layout.transport);
    let (is_super, bytes) = (frame.offload.gso != Gso::None, frame.bytes_mut());
    let told = u16_at(bytes, layout.transport + udp::DATAGRAM_LENGTH).map_or(length, usize::from);
    let covered = if is_super { length } else { told.min(length) };
    let mut sum = Sum::pseudo_header(addresses.source(), addresses.destination(), protocol::UDP, covered);
    if is_super {
        set_u16_at(bytes, layout.transport + udp::CHECKSUM, sum.fold());
        frame.offload.needs_checksum = true;
        frame.offload.checksum_start = u16::try_from(layout.transport).unwrap_or(u16::MAX);
        frame.offload.checksum_offset = udp::CHECKSUM as u16;
    } else {
        sum.add_slice(bytes.get(layout.transport..layout.transport + covered).unwrap_or_default());
        set_u16_at(bytes, layout.transport + udp::CHECKSUM, nonzero(sum.checksum()));
    }
    Ok(())
}

/// Makes an ICMP error of the other family of one that belongs to a flow: with the addresses `outer`, and the packet that
/// it quotes translated to the addresses and ports of `inner`. Sizes that it tells are those of the other family.
/// Returns the new layout.
///
/// # Errors
/// [`Reason::Unsupported`] for a message that the other family does not have, [`Reason::MalformedTransport`] where its
/// checksum is wrong (a new one would hide it); the frame is not to be used then.
pub fn error(frame: &mut Frame, layout: &Layout, quoted: &Quoted, outer: Addresses, inner: &Tuple) -> Result<Layout, Reason> {
    let message = frame.bytes().get(layout.transport..layout.end).ok_or(Reason::MalformedTransport)?;
    let old: [u8; icmp::LENGTH] = *array_at(message, 0).ok_or(Reason::MalformedTransport)?;
    if !is_valid(message, layout.addresses) {
        return Err(Reason::MalformedTransport);
    }
    carry_quoted(frame, layout, quoted, inner);
    let head = match (outer, inner.addresses) {
        (Addresses::V6 { .. }, Addresses::V6 { .. }) => error_v6(frame, layout, quoted, (outer, inner), old)?,
        (Addresses::V4 { .. }, Addresses::V4 { .. }) => error_v4(frame, layout, quoted, (outer, inner), old)?,
        _ => return Err(Reason::Unsupported),
    };
    let longest = if outer.is_v6() { LEAST_MTU_V6 } else { LONGEST_ERROR_V4 };
    let tail = error_tail(layout, quoted, head.length(), longest);
    replace(frame, &head, (quoted.transport, quoted.transport + tail))?;
    finish_error(frame, outer);
    let mut translated = head::layout(layout, &Tuple { addresses: outer, source_port: 0, destination_port: 0 }, &head);
    translated.transport = head::END_OF_MACS_AND_TYPE + if outer.is_v6() { ipv6::LENGTH } else { ipv4::LENGTH };
    translated.end = frame.len();
    Ok(translated)
}

fn is_valid(message: &[u8], addresses: Addresses) -> bool {
    let mut covered = match addresses {
        Addresses::V4 { .. } => Sum::default(),
        Addresses::V6 { source, destination } => Sum::pseudo_header(source.into(), destination.into(), protocol::ICMPV6, message.len()),
    };
    covered.add_slice(message);
    covered.is_valid()
}

/// Ports and checksum of the quoted packet, as far as they were quoted.
fn carry_quoted(frame: &mut Frame, layout: &Layout, quoted: &Quoted, inner: &Tuple) {
    let place = Place::quoted(quoted, layout.end);
    let ports = place.set_ports(frame.bytes_mut(), inner);
    place.update_checksum(frame.bytes_mut(), pseudo_header(quoted.addresses, inner.addresses), ports);
}

/// Bytes of the quote behind its IP header that the error has room for.
fn error_tail(layout: &Layout, quoted: &Quoted, head: usize, longest: usize) -> usize {
    let room = (longest + head::END_OF_MACS_AND_TYPE).saturating_sub(head);
    layout.end.saturating_sub(quoted.transport).min(room)
}

fn error_v6(frame: &Frame, layout: &Layout, quoted: &Quoted, to: (Addresses, &Tuple), old: [u8; icmp::LENGTH]) -> Result<Head, Reason> {
    let (Addresses::V6 { source, destination }, Addresses::V6 { source: from, destination: about }) = (to.0, to.1.addresses) else {
        return Err(Reason::Unsupported);
    };
    let (header, quote) = (header_v4(frame, layout.network)?, header_v4(frame, quoted.network)?);
    let message = errors::to_v6(old, quote.total_length()).ok_or(Reason::Unsupported)?;
    let carried = quote.total_length().saturating_sub(quote.header_length());
    let quote = ipv6::Fields {
        traffic_class: quote.type_of_service() & ECN,
        payload_length: u16::try_from(carried).unwrap_or(u16::MAX),
        next_header: quoted.protocol,
        hop_limit: quote.ttl(),
        source: from,
        destination: about,
    };
    let tail = error_tail(layout, quoted, head::END_OF_MACS_AND_TYPE + 2 * ipv6::LENGTH + icmp::LENGTH, LEAST_MTU_V6);
    let outside = ipv6::Fields {
        traffic_class: header.type_of_service() & ECN,
        payload_length: u16::try_from(icmp::LENGTH + ipv6::LENGTH + tail).map_err(|_| Reason::TooBig)?,
        next_header: protocol::ICMPV6,
        hop_limit: header.ttl(),
        source,
        destination,
    };
    let mut head = Head::new(frame.bytes(), ethernet::ethertype::IPV6);
    head.push(&outside.to_bytes());
    head.push(&message);
    head.push(&quote.to_bytes());
    Ok(head)
}

fn error_v4(frame: &Frame, layout: &Layout, quoted: &Quoted, to: (Addresses, &Tuple), old: [u8; icmp::LENGTH]) -> Result<Head, Reason> {
    let (Addresses::V4 { source, destination }, Addresses::V4 { source: from, destination: about }) = (to.0, to.1.addresses) else {
        return Err(Reason::Unsupported);
    };
    let (header, quote) = (header_v6(frame, layout.network)?, header_v6(frame, quoted.network)?);
    let message = errors::to_v4(old).ok_or(Reason::Unsupported)?;
    let extensions = quoted.transport.saturating_sub(quoted.network + ipv6::LENGTH);
    let carried = quote.payload_length().saturating_sub(extensions);
    let tail = error_tail(layout, quoted, head::END_OF_MACS_AND_TYPE + 2 * ipv4::LENGTH + icmp::LENGTH, LONGEST_ERROR_V4);
    let quote = ipv4::Fields {
        type_of_service: quote.traffic_class(),
        total_length: u16::try_from(ipv4::LENGTH + carried).unwrap_or(u16::MAX),
        identification: 0,
        dont_fragment: true,
        more_fragments: false,
        fragment_offset: 0,
        ttl: quote.hop_limit(),
        protocol: quoted.protocol,
        source: from,
        destination: about,
    };
    let outside = ipv4::Fields {
        type_of_service: header.traffic_class(),
        total_length: u16::try_from(2 * ipv4::LENGTH + icmp::LENGTH + tail).map_err(|_| Reason::TooBig)?,
        ttl: header.hop_limit(),
        protocol: protocol::ICMP,
        source,
        destination,
        ..quote
    };
    let mut head = Head::new(frame.bytes(), ethernet::ethertype::IPV4);
    head.push(&outside.to_bytes());
    head.push(&message);
    head.push(&quote.to_bytes());
    Ok(head)
}

/// The error's own checksum; errors are never left to a device.
fn finish_error(frame: &mut Frame, outer: Addresses) {
    frame.offload = crate::packet::Offload::default();
    let (start, pseudo) = match outer {
        Addresses::V4 { .. } => (head::END_OF_MACS_AND_TYPE + ipv4::LENGTH, None),
        Addresses::V6 { source, destination } => (head::END_OF_MACS_AND_TYPE + ipv6::LENGTH, Some((source, destination))),
    };
    let Some(message) = frame.bytes_mut().get_mut(start..) else { return };
    set_u16_at(message, icmp::CHECKSUM, 0);
    let mut covered = pseudo.map_or_else(Sum::default, |(source, destination)| {
        Sum::pseudo_header(source.into(), destination.into(), protocol::ICMPV6, message.len())
    });
    covered.add_slice(message);
    set_u16_at(message, icmp::CHECKSUM, covered.checksum());
}
