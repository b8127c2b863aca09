//! Neighbour discovery, judged as RFC 4861 section 7.1 tells its receivers to.

use std::net::{IpAddr, Ipv6Addr};

use super::transport::Payload;
use super::{Addresses, Fragment, Neighbour};
use crate::packet::Reason;
use crate::wire::checksum::Sum;
use crate::wire::{icmp, icmpv6, ndp, protocol};

/// Parses a message of neighbour discovery, from its ICMPv6 header on.
pub(super) fn parse(payload: &Payload<'_>, addresses: Addresses, hop_limit: u8, needs_checksum: bool) -> Result<Neighbour, Reason> {
    let header = icmp::Header::of(payload.bytes).ok_or(Reason::MalformedTransport)?;
    // RFC 6980 forbids fragments here.
    let whole = matches!(payload.fragment, Fragment::Whole);
    let (source, destination) = (addresses.source(), addresses.destination());
    let mut sum = Sum::pseudo_header(source, destination, protocol::ICMPV6, payload.bytes.len());
    sum.add_slice(payload.bytes);
    if !whole || hop_limit != ndp::HOP_LIMIT || header.code() != 0 || !(needs_checksum || sum.is_valid()) {
        return Err(Reason::MalformedTransport);
    }
    let found = match header.kind() {
        icmpv6::kind::NEIGHBOUR_SOLICITATION => solicitation(payload.bytes, source, destination),
        icmpv6::kind::NEIGHBOUR_ADVERTISEMENT => advertisement(payload.bytes, destination),
        _ => Some(Neighbour::Other),
    };
    found.ok_or(Reason::MalformedTransport)
}

/// Who asks without an address (duplicate address detection) asks the group and gives no link-layer address.
fn solicitation(bytes: &[u8], source: IpAddr, destination: IpAddr) -> Option<Neighbour> {
    let message = ndp::Message::of(bytes)?;
    let (target, source_mac) = (message.target(), message.link_layer_address(ndp::SOURCE_LINK_LAYER_ADDRESS));
    let nameless = source.is_unspecified() && (source_mac.is_some() || destination != solicited_node(target));
    (!target.is_multicast() && !nameless).then_some(Neighbour::Solicitation { target, source_mac })
}

fn advertisement(bytes: &[u8], destination: IpAddr) -> Option<Neighbour> {
    let message = ndp::Message::of(bytes)?;
    let target = message.target();
    let answer_to_all = destination.is_multicast() && message.is_solicited();
    let target_mac = message.link_layer_address(ndp::TARGET_LINK_LAYER_ADDRESS);
    (!target.is_multicast() && !answer_to_all).then_some(Neighbour::Advertisement { target, target_mac })
}

/// The group in which an address is asked for (RFC 4291 2.7.1).
fn solicited_node(address: Ipv6Addr) -> IpAddr {
    let [.., high, low] = address.segments();
    Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff00 | (high & 0xff), low).into()
}
