//! Changes to a frame in place: addresses, ports, TTL, MACs, with checksums brought along (RFC 1624).
//!
//! Old values are read from the frame, not from its layout, so changes may follow each other under one layout. A layout
//! that does not belong to the frame changes nothing outside of it and never panics.

mod packet;
#[cfg(test)]
mod tests;
pub mod translate;

use self::packet::Place;
use super::parse::{Addresses, Fragment, Quoted};
use super::{Frame, Layout};
use crate::wire::checksum::{Delta, nonzero, sum};
use crate::wire::{array_at_mut, ethernet, ipv4, ipv6, set_u16_at, udp};

/// What a packet is to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tuple {
    /// Source and destination, of the packet's own family.
    pub addresses: Addresses,
    /// Source port; of an echo request, its identifier.
    pub source_port: u16,
    /// Destination port; of an echo reply, its identifier.
    pub destination_port: u16,
}

/// Gives a packet the addresses and ports (echo identifier) of `to`, and the checksums that go with them: the IPv4
/// header's, TCP's, UDP's (none stays none) and ICMPv6's with their pseudo-headers, ICMP's for its identifier. Where the
/// checksum is left to the device only the pseudo-header sum in its place moves. Later fragments have no ports to change.
/// Addresses of another family than the packet's leave it as it is.
#[inline]
pub fn apply(frame: &mut Frame, layout: &Layout, to: &Tuple) {
    let place = Place::outer(frame, layout);
    let bytes = frame.bytes_mut();
    let Some(addresses) = place.set_addresses(bytes, to.addresses) else { return };
    if matches!(layout.fragment, Fragment::Later { .. }) {
        return;
    }
    let ports = place.set_ports(bytes, to);
    place.update_checksum(bytes, addresses.pseudo_header, ports);
}

/// Gives an ICMP error that belongs to a flow the addresses `outer`, and the packet that it quotes the addresses and
/// ports of `inner`, with the quote's checksums as far as they were quoted and the error's own. An error whose checksum
/// was wrong keeps a wrong one.
pub fn apply_quoted(frame: &mut Frame, layout: &Layout, quoted: &Quoted, outer: Addresses, inner: &Tuple) {
    let place = Place::outer(frame, layout);
    let quote = Place::quoted(quoted, layout.end);
    let bytes = frame.bytes_mut();
    let Some(outside) = place.set_addresses(bytes, outer) else { return };
    let mut inside = Delta::default();
    if let Some(addresses) = quote.set_addresses(bytes, inner.addresses) {
        let ports = quote.set_ports(bytes, inner);
        inside.join(addresses.all);
        inside.join(ports);
        inside.join(quote.update_checksum(bytes, addresses.pseudo_header, ports));
    }
    place.update_checksum(bytes, outside.pseudo_header, inside);
}

/// Takes one from the TTL (with the IPv4 header checksum) or hop limit; 0 stays 0.
#[inline(always)]
pub fn decrement_ttl(frame: &mut Frame, layout: &Layout) {
    let bytes = frame.bytes_mut();
    match layout.addresses {
        Addresses::V4 { .. } => {
            let Some(header) = array_at_mut::<{ ipv4::LENGTH }>(bytes, layout.network) else { return };
            let [_, _, _, _, _, _, _, _, ttl, _, c0, c1, ..] = header;
            if *ttl > 0 {
                *ttl -= 1;
                [*c0, *c1] = ipv4::checksum_of_one_hop_less(u16::from_be_bytes([*c0, *c1])).to_be_bytes();
            }
        }
        Addresses::V6 { .. } => {
            if let Some(limit) = bytes.get_mut(layout.network + ipv6::HOP_LIMIT) {
                *limit = limit.saturating_sub(1);
            }
        }
    }
}

/// Sets both MAC addresses.
#[inline]
pub fn set_macs(frame: &mut Frame, destination: [u8; 6], source: [u8; 6]) {
    ethernet::set_macs(frame.bytes_mut(), destination, source);
}

/// Completes a checksum that was left to the device, for a port without offloads: sums from where it starts to the end of
/// the frame, as a device does (virtio 1.2, 5.1.6.2). Frames with a finished checksum and super-frames (see
/// [`segments::split`](super::segments::split)) stay as they are.
pub fn complete_checksum(frame: &mut Frame) {
    let offload = frame.offload;
    if !offload.needs_checksum || offload.gso != super::Gso::None {
        return;
    }
    frame.offload.needs_checksum = false;
    let start = usize::from(offload.checksum_start);
    let field = usize::from(offload.checksum_offset);
    let Some(covered) = frame.bytes_mut().get_mut(start..) else { return };
    let checksum = !sum(covered);
    let is_udp = field == udp::CHECKSUM;
    set_u16_at(covered, field, if is_udp { nonzero(checksum) } else { checksum });
}
