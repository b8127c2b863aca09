//! The transport header: which one, and what tracking and rules read of it.

use super::{Addresses, Fragment, Tcp, Transport, icmp};
use crate::packet::Reason;
use crate::wire::{ipv6, protocol, tcp, udp};

/// What an IP header carries.
pub(super) struct Payload<'a> {
    /// The transport header and what follows, without Ethernet padding.
    pub(super) bytes: &'a [u8],
    /// Where they start, bytes from the frame's start.
    pub(super) start: usize,
    /// Which piece of a packet this is.
    pub(super) fragment: Fragment,
    /// Transport protocol.
    pub(super) protocol: u8,
}

/// A transport header and the ports that it tells.
pub(super) struct Found {
    pub(super) header: Transport,
    pub(super) source_port: u16,
    pub(super) destination_port: u16,
}

impl Found {
    pub(super) const fn portless(header: Transport) -> Self {
        Self { header, source_port: 0, destination_port: 0 }
    }
}

/// The transport header over IPv4.
#[inline]
pub(super) fn parse_v4(payload: &Payload<'_>) -> Result<Found, Reason> {
    match (payload.protocol, payload.fragment) {
        (protocol::TCP | protocol::UDP | protocol::ICMP | protocol::ESP | protocol::AH, Fragment::Later { .. }) => {
            Ok(Found::portless(Transport::Unseen))
        }
        (protocol::TCP, _) => parse_tcp(payload),
        (protocol::UDP, _) => parse_udp(payload),
        (protocol::ICMP, _) => icmp::parse_v4(payload),
        (protocol::ESP | protocol::AH, _) => Ok(Found::portless(Transport::Portless)),
        _ => Err(Reason::Unsupported),
    }
}

/// The transport header over IPv6.
#[inline]
pub(super) fn parse_v6(payload: &Payload<'_>, addresses: Addresses, hop_limit: u8, needs_checksum: bool) -> Result<Found, Reason> {
    match (payload.protocol, payload.fragment) {
        (protocol::TCP | protocol::UDP | protocol::ICMPV6 | protocol::ESP | protocol::AH, Fragment::Later { .. }) => {
            Ok(Found::portless(Transport::Unseen))
        }
        (extension, Fragment::Later { .. }) if ipv6::is_fragmentable_extension(extension) => Ok(Found::portless(Transport::Unseen)),
        (protocol::TCP, _) => parse_tcp(payload),
        (protocol::UDP, _) => parse_udp(payload),
        (protocol::ICMPV6, _) => icmp::parse_v6(payload, addresses, hop_limit, needs_checksum),
        (protocol::ESP | protocol::AH, _) => Ok(Found::portless(Transport::Portless)),
        _ => Err(Reason::Unsupported),
    }
}

#[inline]
fn parse_tcp(payload: &Payload<'_>) -> Result<Found, Reason> {
    let header = tcp::Header::of(payload.bytes).ok_or(Reason::MalformedTransport)?;
    let header_length = header.header_length();
    let fits = header_length >= tcp::LENGTH && header_length <= payload.bytes.len();
    if !fits || !tcp::are_flags_legal(header.flags()) {
        return Err(Reason::MalformedTransport);
    }
    let found = Tcp {
        flags: header.flags(),
        sequence: header.sequence(),
        acknowledgement: header.acknowledgement(),
        payload: payload.start + header_length,
    };
    Ok(Found { header: Transport::Tcp(found), source_port: header.source_port(), destination_port: header.destination_port() })
}

/// A first fragment's datagram is longer than the fragment; a super-frame's length field holds the whole or one segment.
#[inline]
fn parse_udp(payload: &Payload<'_>) -> Result<Found, Reason> {
    let header = udp::Header::of(payload.bytes).ok_or(Reason::MalformedTransport)?;
    let whole = matches!(payload.fragment, Fragment::Whole);
    if header.length() < udp::LENGTH || (whole && header.length() > payload.bytes.len()) {
        return Err(Reason::MalformedTransport);
    }
    Ok(Found { header: Transport::Udp, source_port: header.source_port(), destination_port: header.destination_port() })
}
