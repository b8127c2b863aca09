//! Super-frames: how many packets one stands for, and taking it apart for ports without offloads.

#[cfg(test)]
mod tests;

use super::parse::{Addresses, Transport};
use super::rewrite::complete_checksum;
use super::{Frame, FramePool, Gso, Layout, Offload};
use crate::wire::checksum::{Sum, nonzero};
use crate::wire::{array_at_mut, ipv4, ipv6, set_u16_at, tcp, u16_at, udp};

/// Datagrams that a super-frame stands for, at most: what every kernel takes (`UDP_MAX_SEGMENTS` of Linux, 128 since 6.9,
/// 64 before).
pub const MAX_UDP_SEGMENTS: usize = 64;

/// The kinds of super-frame that a port takes whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SuperFrames {
    /// TCP, over IPv4 and IPv6.
    pub tcp: bool,
    /// UDP segmentation offload.
    pub udp: bool,
}

impl SuperFrames {
    /// Ordinary frames only.
    pub const NONE: Self = Self { tcp: false, udp: false };
    /// Every kind.
    pub const ALL: Self = Self { tcp: true, udp: true };

    /// Whether it takes frames of this kind; ordinary ones always.
    #[inline]
    #[must_use]
    pub const fn takes(self, gso: Gso) -> bool {
        match gso {
            Gso::None => true,
            Gso::Tcp4 { .. } | Gso::Tcp6 { .. } => self.tcp,
            Gso::UdpSegments => self.udp,
        }
    }
}

/// How many packets a frame stands for and how many bytes they are on a wire, Ethernet headers included. Without a layout
/// (of a frame that did not parse) the kernel's hint of the header length has to do.
#[inline]
#[must_use]
pub fn wire_size(frame: &Frame, layout: Option<&Layout>) -> (u64, u64) {
    let length = frame.len();
    if frame.offload.gso == Gso::None {
        return (1, length as u64);
    }
    let (headers, end) = match layout {
        Some(layout) => (headers_end(layout), layout.end),
        None => (Some(usize::from(frame.offload.header_length)), length),
    };
    let headers = headers.unwrap_or(end).min(end);
    let packets = packets(end - headers, frame.offload.gso_size);
    (packets as u64, (length + (packets - 1) * headers) as u64)
}

/// Length of the largest IP packet that a frame stands for, in bytes: what an MTU is compared with.
#[inline]
#[must_use]
pub fn largest_packet(frame: &Frame, layout: &Layout) -> usize {
    let whole = layout.end.saturating_sub(layout.network);
    match headers_end(layout) {
        Some(headers) if frame.offload.gso != Gso::None && frame.offload.gso_size > 0 => {
            whole.min(headers.saturating_sub(layout.network) + usize::from(frame.offload.gso_size))
        }
        _ => whole,
    }
}

/// Takes a super-frame apart: appends to `out` the ordinary frames that it stands for, with buffers from `pool` and
/// finished checksums. IPv4 identifications count up; CWR stays on the first TCP segment, FIN and PSH on the last. An
/// ordinary frame is copied, its checksum completed.
pub fn split(frame: &Frame, layout: &Layout, pool: &mut FramePool, out: &mut Vec<Frame>) {
    let size = usize::from(frame.offload.gso_size);
    let headers = headers_end(layout).filter(|_| frame.offload.gso != Gso::None && size > 0);
    let parts = headers.and_then(|headers| frame.bytes().get(..layout.end)?.split_at_checked(headers));
    let Some((headers, payload)) = parts.filter(|(_, payload)| !payload.is_empty()) else {
        out.push(copy(frame, pool));
        return;
    };
    let last = packets(payload.len(), frame.offload.gso_size) - 1;
    for (index, part) in payload.chunks(size).enumerate() {
        let mut segment = pool.take();
        join(&mut segment, headers, part);
        let position = Position { index, first_byte: index * size, is_last: index == last };
        finish(segment.bytes_mut(), layout, &position, frame.offload.needs_checksum);
        out.push(segment);
    }
}

/// Where a segment is in its super-frame.
struct Position {
    index: usize,
    first_byte: usize,
    is_last: bool,
}

/// End of all headers of what can be a super-frame, bytes from the frame's start.
#[inline]
const fn headers_end(layout: &Layout) -> Option<usize> {
    match layout.transport_header {
        Transport::Tcp(found) => Some(found.payload),
        Transport::Udp => Some(layout.transport + udp::LENGTH),
        _ => None,
    }
}

#[inline]
fn packets(payload: usize, size: u16) -> usize {
    if size == 0 { 1 } else { payload.div_ceil(usize::from(size)).max(1) }
}

fn copy(frame: &Frame, pool: &mut FramePool) -> Frame {
    let mut copy = pool.take();
    copy.set_bytes(frame.bytes());
    copy.offload = Offload { gso: Gso::None, gso_size: 0, ..frame.offload };
    complete_checksum(&mut copy);
    copy.offload = Offload::default();
    copy
}

fn join(segment: &mut Frame, headers: &[u8], payload: &[u8]) {
    segment.clear();
    segment.set_length(headers.len() + payload.len());
    if let Some((to_headers, to_payload)) = segment.bytes_mut().split_at_mut_checked(headers.len()) {
        to_headers.copy_from_slice(headers);
        to_payload.copy_from_slice(payload);
    }
}

/// Makes the copied headers true for this segment.
fn finish(bytes: &mut [u8], layout: &Layout, position: &Position, needs_checksum: bool) {
    match layout.addresses {
        Addresses::V4 { .. } => finish_v4(bytes, layout, position.index),
        Addresses::V6 { .. } => finish_v6(bytes, layout),
    }
    match layout.transport_header {
        Transport::Tcp(found) => finish_tcp(bytes, layout, found.sequence, position),
        _ => finish_udp(bytes, layout, needs_checksum),
    }
}

fn finish_v4(bytes: &mut [u8], layout: &Layout, index: usize) {
    let Some(packet) = bytes.get_mut(layout.network..) else { return };
    let length = packet.len() as u16;
    set_u16_at(packet, ipv4::TOTAL_LENGTH, length);
    let id = u16_at(packet, ipv4::IDENTIFICATION).unwrap_or(0).wrapping_add(index as u16);
    set_u16_at(packet, ipv4::IDENTIFICATION, id);
    set_u16_at(packet, ipv4::CHECKSUM, 0);
    let mut sum = Sum::default();
    sum.add_slice(packet.get(..layout.transport.saturating_sub(layout.network)).unwrap_or_default());
    set_u16_at(packet, ipv4::CHECKSUM, sum.checksum());
}

fn finish_v6(bytes: &mut [u8], layout: &Layout) {
    let Some(packet) = bytes.get_mut(layout.network..) else { return };
    let length = packet.len().saturating_sub(ipv6::LENGTH) as u16;
    set_u16_at(packet, ipv6::PAYLOAD_LENGTH, length);
}

fn finish_tcp(bytes: &mut [u8], layout: &Layout, first: u32, position: &Position) {
    let Some(header) = array_at_mut::<{ tcp::LENGTH }>(bytes, layout.transport) else { return };
    let sequence = first.wrapping_add(position.first_byte as u32);
    header[tcp::SEQUENCE..tcp::SEQUENCE + 4].copy_from_slice(&sequence.to_be_bytes());
    if position.index > 0 {
        header[tcp::FLAGS] &= !tcp::CWR;
    }
    if !position.is_last {
        header[tcp::FLAGS] &= !(tcp::FIN | tcp::PSH);
    }
    set_checksum(bytes, layout, tcp::CHECKSUM, |checksum| checksum);
}

/// A datagram that came without a checksum leaves without one.
fn finish_udp(bytes: &mut [u8], layout: &Layout, needs_checksum: bool) {
    let length = bytes.len().saturating_sub(layout.transport) as u16;
    set_u16_at(bytes, layout.transport + udp::DATAGRAM_LENGTH, length);
    let has_checksum = u16_at(bytes, layout.transport + udp::CHECKSUM) != Some(0);
    if needs_checksum || has_checksum {
        set_checksum(bytes, layout, udp::CHECKSUM, nonzero);
    }
}

fn set_checksum(bytes: &mut [u8], layout: &Layout, field: usize, finish: fn(u16) -> u16) {
    let Some((addresses, covered)) = addresses_of(bytes, layout).zip(bytes.get_mut(layout.transport..)) else { return };
    set_u16_at(covered, field, 0);
    let mut sum = Sum::pseudo_header(addresses.source(), addresses.destination(), layout.protocol, covered.len());
    sum.add_slice(covered);
    set_u16_at(covered, field, finish(sum.checksum()));
}

/// The addresses in the frame now: a rewrite may have changed them since it was parsed.
fn addresses_of(bytes: &[u8], layout: &Layout) -> Option<Addresses> {
    Some(match layout.addresses {
        Addresses::V4 { .. } => {
            let header = ipv4::Header::of(bytes.get(layout.network..)?)?;
            Addresses::V4 { source: header.source(), destination: header.destination() }
        }
        Addresses::V6 { .. } => {
            let header = ipv6::Header::of(bytes.get(layout.network..)?)?;
            Addresses::V6 { source: header.source(), destination: header.destination() }
        }
    })
}
