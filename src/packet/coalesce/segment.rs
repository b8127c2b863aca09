//! What a frame is to the coalescer: which flow it belongs to, and what it would be in a super-frame.

use crate::packet::segments::SuperFrames;
use crate::packet::{Frame, Gso};
use crate::wire::{array_at, ethernet, ipv4, ipv6, protocol, tcp, u16_at, udp};

/// Flows that are told apart, at most. Two flows with one number close each other's groups.
pub(super) const FLOWS: usize = 256;

const FIRST_V4: u8 = 0x45;
const DONT_FRAGMENT: u16 = 0x4000;

/// What a frame is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Found {
    /// A packet that may be joined with others of the flow of this number.
    Segment(usize, Segment),
    /// One of a flow that may not: what follows must not overtake it.
    Flow(usize),
    /// One that does not tell its flow: nothing may overtake it.
    Unknown,
}

/// A packet, or a super-frame of several, that may be joined with others.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    /// Its headers.
    pub(super) shape: Shape,
    /// Bytes of payload in all.
    pub(super) length: usize,
    /// Bytes of payload in each packet; the last may have fewer.
    pub(super) size: usize,
    /// How many packets it is.
    pub(super) count: usize,
    /// IPv4 identification, of the first. `None` where nobody reads it.
    pub(super) identification: Option<u16>,
    /// TCP sequence number, of the first; else 0.
    pub(super) sequence: u32,
    /// PSH is set.
    pub(super) pushes: bool,
}

/// Which headers a packet has, and where. Offsets count from the start of the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) is_v6: bool,
    pub(super) is_tcp: bool,
    /// Where the transport header starts.
    pub(super) transport: usize,
    /// Where the payload starts.
    pub(super) payload: usize,
}

impl Shape {
    /// The kind of super-frame.
    pub(super) const fn gso(self) -> Gso {
        match (self.is_tcp, self.is_v6) {
            (true, false) => Gso::Tcp4 { ecn: false },
            (true, true) => Gso::Tcp6 { ecn: false },
            (false, _) => Gso::UdpSegments,
        }
    }

    /// Where the transport header holds its checksum.
    pub(super) const fn checksum(self) -> usize {
        if self.is_tcp { tcp::CHECKSUM } else { udp::CHECKSUM }
    }

    pub(super) const fn protocol(self) -> u8 {
        if self.is_tcp { protocol::TCP } else { protocol::UDP }
    }
}

/// What the network header tells.
struct Network {
    is_v6: bool,
    protocol: u8,
    transport: usize,
    /// Where the packet ends.
    end: usize,
    identification: Option<u16>,
    /// The addresses, mixed.
    mixed: u64,
}

/// Reads the headers.
#[inline]
pub(super) fn find(frame: &Frame, takes: SuperFrames) -> Found {
    let bytes = frame.bytes();
    let network = match u16_at(bytes, ethernet::ETHERTYPE) {
        Some(ethernet::ethertype::IPV4) => read_v4(bytes),
        Some(ethernet::ethertype::IPV6) => read_v6(bytes),
        _ => None,
    };
    let Some(network) = network else { return Found::Unknown };
    let Some(ports) = array_at::<4>(bytes, network.transport) else { return Found::Unknown };
    let flow = number(&network, *ports);
    let segment = match network.protocol {
        protocol::TCP if takes.tcp => read_tcp(frame, &network),
        protocol::UDP if takes.udp => read_udp(frame, &network),
        protocol::TCP | protocol::UDP => None,
        _ => return Found::Unknown,
    };
    // Padding would be lost.
    match segment.filter(|_| network.end == bytes.len()) {
        Some(segment) => Found::Segment(flow, segment),
        None => Found::Flow(flow),
    }
}

#[inline]
fn read_v4(bytes: &[u8]) -> Option<Network> {
    let header = array_at::<{ ipv4::LENGTH }>(bytes, ethernet::LENGTH)?;
    let [first, _, l0, l1, i0, i1, f0, f1, _, protocol, _, _, addresses @ ..] = header;
    let fragment = u16::from_be_bytes([*f0, *f1]);
    if *first != FIRST_V4 || fragment & !DONT_FRAGMENT != 0 {
        return None;
    }
    Some(Network {
        is_v6: false,
        protocol: *protocol,
        transport: ethernet::LENGTH + ipv4::LENGTH,
        end: ethernet::LENGTH + usize::from(u16::from_be_bytes([*l0, *l1])),
        identification: (fragment == 0).then_some(u16::from_be_bytes([*i0, *i1])),
        mixed: u64::from_ne_bytes(*addresses),
    })
}

#[inline]
fn read_v6(bytes: &[u8]) -> Option<Network> {
    let header = array_at::<{ ipv6::LENGTH }>(bytes, ethernet::LENGTH)?;
    let [first, _, _, _, l0, l1, protocol, _, addresses @ ..] = header;
    if first >> 4 != 6 {
        return None;
    }
    let (words, _) = addresses.as_chunks::<8>();
    Some(Network {
        is_v6: true,
        protocol: *protocol,
        transport: ethernet::LENGTH + ipv6::LENGTH,
        end: ethernet::LENGTH + ipv6::LENGTH + usize::from(u16::from_be_bytes([*l0, *l1])),
        identification: None,
        mixed: words.iter().fold(0, |mixed, word| mixed.rotate_left(13) ^ u64::from_ne_bytes(*word)),
    })
}

/// The number of a flow: one and the same for all its packets, most often another for other flows'. Whoever makes flows
/// that meet loses no more than their being joined.
#[inline]
fn number(network: &Network, ports: [u8; 4]) -> usize {
    /// 2^64 over the golden ratio: spreads what differs in few bits over the high ones.
    const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
    let ports = u64::from(u32::from_ne_bytes(ports)) << 8 | u64::from(network.protocol);
    let mixed = (network.mixed.wrapping_mul(SPREAD) ^ ports).wrapping_mul(SPREAD);
    (mixed >> (u64::BITS - FLOWS.trailing_zeros())) as usize
}

#[inline]
fn read_tcp(frame: &Frame, network: &Network) -> Option<Segment> {
    let header = tcp::Header::of(frame.bytes().get(network.transport..)?)?;
    let length = header.header_length();
    let pushes = header.flags() & tcp::PSH != 0;
    if length < tcp::LENGTH || header.flags() & !tcp::PSH != tcp::ACK {
        return None;
    }
    let shape = Shape { is_v6: network.is_v6, is_tcp: true, transport: network.transport, payload: network.transport + length };
    segment(frame, network, shape, header.sequence(), pushes)
}

#[inline]
fn read_udp(frame: &Frame, network: &Network) -> Option<Segment> {
    let header = udp::Header::of(frame.bytes().get(network.transport..)?)?;
    let has_checksum = frame.offload.needs_checksum || header.checksum() != 0;
    if network.transport + header.length() != network.end || !has_checksum {
        return None;
    }
    let shape = Shape { is_v6: network.is_v6, is_tcp: false, transport: network.transport, payload: network.transport + udp::LENGTH };
    segment(frame, network, shape, 0, false)
}

/// What both have in common: some payload, and a checksum that is finished or left to the device in the right place.
#[inline]
fn segment(frame: &Frame, network: &Network, shape: Shape, sequence: u32, pushes: bool) -> Option<Segment> {
    let offload = &frame.offload;
    let length = network.end.checked_sub(shape.payload).filter(|length| *length > 0)?;
    let left_here = usize::from(offload.checksum_start) == shape.transport && usize::from(offload.checksum_offset) == shape.checksum();
    if offload.needs_checksum && !left_here {
        return None;
    }
    let (size, count) = match offload.gso {
        Gso::None => (length, 1),
        gso if gso == shape.gso() && offload.needs_checksum && offload.gso_size > 0 => {
            let size = usize::from(offload.gso_size);
            (size, length.div_ceil(size))
        }
        _ => return None,
    };
    Some(Segment { shape, length, size: size.min(length), count, identification: network.identification, sequence, pushes })
}
