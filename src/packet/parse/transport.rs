//! The transport header: which one, and what tracking and rules read of it.

use super::{Fragment, Layout, Tcp, Transport, icmp};
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

impl Layout {
    /// Takes note of a transport header without ports.
    #[inline]
    pub(super) const fn found(&mut self, header: Transport) -> Result<(), Reason> {
        self.found_with_ports(header, 0, 0)
    }

    /// Takes note of a transport header and the ports that it tells.
    #[inline]
    pub(super) const fn found_with_ports(&mut self, header: Transport, source_port: u16, destination_port: u16) -> Result<(), Reason> {
        self.transport_header = header;
        (self.source_port, self.destination_port) = (source_port, destination_port);
        Ok(())
    }
}

/// The transport header over IPv4.
#[inline]
pub(super) fn parse_v4(layout: &mut Layout, payload: &Payload<'_>) -> Result<(), Reason> {
    match (payload.protocol, payload.fragment) {
        (protocol::TCP | protocol::UDP | protocol::ICMP | protocol::ESP | protocol::AH, Fragment::Later { .. }) => {
            layout.found(Transport::Unseen)
        }
        (protocol::TCP, _) => parse_tcp(layout, payload),
        (protocol::UDP, _) => parse_udp(layout, payload),
        (protocol::ICMP, _) => icmp::parse_v4(layout, payload),
        (protocol::ESP | protocol::AH, _) => layout.found(Transport::Portless),
        _ => Err(Reason::Unsupported),
    }
}

/// The transport header over IPv6.
#[inline]
pub(super) fn parse_v6(layout: &mut Layout, payload: &Payload<'_>, needs_checksum: bool) -> Result<(), Reason> {
    match (payload.protocol, payload.fragment) {
        (protocol::TCP | protocol::UDP | protocol::ICMPV6 | protocol::ESP | protocol::AH, Fragment::Later { .. }) => {
            layout.found(Transport::Unseen)
        }
        (extension, Fragment::Later { .. }) if ipv6::is_fragmentable_extension(extension) => layout.found(Transport::Unseen),
        (protocol::TCP, _) => parse_tcp(layout, payload),
        (protocol::UDP, _) => parse_udp(layout, payload),
        (protocol::ICMPV6, _) => icmp::parse_v6(layout, payload, needs_checksum),
        (protocol::ESP | protocol::AH, _) => layout.found(Transport::Portless),
        _ => Err(Reason::Unsupported),
    }
}

#[inline]
fn parse_tcp(layout: &mut Layout, payload: &Payload<'_>) -> Result<(), Reason> {
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
    layout.found_with_ports(Transport::Tcp(found), header.source_port(), header.destination_port())
}

/// A first fragment's datagram is longer than the fragment; a super-frame's length field holds the whole or one segment.
#[inline]
fn parse_udp(layout: &mut Layout, payload: &Payload<'_>) -> Result<(), Reason> {
    let header = udp::Header::of(payload.bytes).ok_or(Reason::MalformedTransport)?;
    let whole = matches!(payload.fragment, Fragment::Whole);
    if header.length() < udp::LENGTH || (whole && header.length() > payload.bytes.len()) {
        return Err(Reason::MalformedTransport);
    }
    layout.found_with_ports(Transport::Udp, header.source_port(), header.destination_port())
}
