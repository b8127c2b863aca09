//! ICMP and ICMPv6: echo, errors, neighbour discovery, the rest.

use super::transport::Payload;
use super::{Fragment, Layout, Transport, neighbour, quoted};
use crate::packet::Reason;
use crate::wire::{icmp, icmpv6};

/// An ICMP message.
#[inline(never)]
pub(super) fn parse_v4(layout: &mut Layout, payload: &Payload<'_>) -> Result<(), Reason> {
    let header = icmp::Header::of(payload.bytes).ok_or(Reason::MalformedTransport)?;
    match header.kind() {
        icmp::kind::ECHO_REQUEST => echo(layout, header, false),
        icmp::kind::ECHO_REPLY => echo(layout, header, true),
        kind if icmp::is_error(kind) => error(layout, payload, quoted::parse_v4),
        _ => layout.found(Transport::OtherIcmp),
    }
}

/// An ICMPv6 message.
#[inline(never)]
pub(super) fn parse_v6(layout: &mut Layout, payload: &Payload<'_>, needs_checksum: bool) -> Result<(), Reason> {
    let header = icmp::Header::of(payload.bytes).ok_or(Reason::MalformedTransport)?;
    match header.kind() {
        icmpv6::kind::ECHO_REQUEST => echo(layout, header, false),
        icmpv6::kind::ECHO_REPLY => echo(layout, header, true),
        kind if icmpv6::is_error(kind) => error(layout, payload, quoted::parse_v6),
        kind if icmpv6::is_neighbour_discovery(kind) => {
            let found = neighbour::parse(payload, layout.addresses, layout.ttl, needs_checksum)?;
            layout.found(Transport::Neighbour(found))
        }
        _ => layout.found(Transport::OtherIcmp),
    }
}

const fn echo(layout: &mut Layout, header: icmp::Header<'_>, reply: bool) -> Result<(), Reason> {
    let identifier = header.identifier();
    layout.found_with_ports(Transport::Echo { reply }, identifier, identifier)
}

/// Errors are short, so one in pieces is no honest one (RFC 1122 3.2.2, RFC 4443 2.4).
fn error(layout: &mut Layout, payload: &Payload<'_>, parse: fn(&[u8], usize) -> Option<super::Quoted>) -> Result<(), Reason> {
    let quote = payload.bytes.get(icmp::LENGTH..).filter(|_| matches!(payload.fragment, Fragment::Whole));
    let quoted = quote.and_then(|quote| parse(quote, payload.start + icmp::LENGTH)).ok_or(Reason::MalformedTransport)?;
    layout.found(Transport::IcmpError(quoted))
}
