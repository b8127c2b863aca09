//! ICMP and ICMPv6: echo, errors, neighbour discovery, the rest.

use super::transport::{Found, Payload};
use super::{Addresses, Fragment, Transport, neighbour, quoted};
use crate::packet::Reason;
use crate::wire::{icmp, icmpv6};

/// An ICMP message.
pub(super) fn parse_v4(payload: &Payload<'_>) -> Result<Found, Reason> {
    let header = icmp::Header::of(payload.bytes).ok_or(Reason::MalformedTransport)?;
    match header.kind() {
        icmp::kind::ECHO_REQUEST => Ok(echo(header, false)),
        icmp::kind::ECHO_REPLY => Ok(echo(header, true)),
        kind if icmp::is_error(kind) => error(payload, quoted::parse_v4),
        _ => Ok(Found::portless(Transport::OtherIcmp)),
    }
}

/// An ICMPv6 message.
pub(super) fn parse_v6(payload: &Payload<'_>, addresses: Addresses, hop_limit: u8, needs_checksum: bool) -> Result<Found, Reason> {
    let header = icmp::Header::of(payload.bytes).ok_or(Reason::MalformedTransport)?;
    match header.kind() {
        icmpv6::kind::ECHO_REQUEST => Ok(echo(header, false)),
        icmpv6::kind::ECHO_REPLY => Ok(echo(header, true)),
        kind if icmpv6::is_error(kind) => error(payload, quoted::parse_v6),
        kind if icmpv6::is_neighbour_discovery(kind) => {
            neighbour::parse(payload, addresses, hop_limit, needs_checksum).map(|found| Found::portless(Transport::Neighbour(found)))
        }
        _ => Ok(Found::portless(Transport::OtherIcmp)),
    }
}

const fn echo(header: icmp::Header<'_>, reply: bool) -> Found {
    let identifier = header.identifier();
    Found { header: Transport::Echo { reply }, source_port: identifier, destination_port: identifier }
}

/// Errors are short, so one in pieces is no honest one (RFC 1122 3.2.2, RFC 4443 2.4).
fn error(payload: &Payload<'_>, parse: fn(&[u8], usize) -> Option<super::Quoted>) -> Result<Found, Reason> {
    let quote = payload.bytes.get(icmp::LENGTH..).filter(|_| matches!(payload.fragment, Fragment::Whole));
    let quoted = quote.and_then(|quote| parse(quote, payload.start + icmp::LENGTH)).ok_or(Reason::MalformedTransport)?;
    Ok(Found::portless(Transport::IcmpError(quoted)))
}
