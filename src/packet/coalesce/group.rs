//! Super-frames in the making, one for each flow that may go on.

use super::segment::{FLOWS, Segment, Shape};
use crate::packet::segments::MAX_UDP_SEGMENTS;
use crate::packet::{Frame, Offload};
use crate::wire::checksum::Sum;
use crate::wire::{ethernet, ipv4, ipv6, set_u16_at, tcp, u16_at, udp};

/// Longest IP packet that a super-frame may be, in bytes.
const MAX_PACKET: usize = 65_535;

/// Longest payload that is worth appending, in bytes. A longer one, a super-frame already, costs more to copy than a call
/// saves.
pub(super) const MAX_COPY: usize = 4096;

/// The groups of a queue, and those that are open, by the number of their flow.
///
/// A number's entry holds only if the group that it names is of this flow and is not older than the last closing of all:
/// so nothing has to be cleared between two queues.
#[derive(Debug)]
pub(super) struct Groups {
    groups: Vec<Group>,
    by_flow: [u32; FLOWS],
    first_open: usize,
}

/// A frame, and what may be appended to it.
#[derive(Debug)]
pub(super) struct Group {
    flow: usize,
    /// Where its frame is in the queue.
    place: usize,
    shape: Shape,
    /// Payload bytes in each packet.
    size: usize,
    /// Packets so far.
    count: usize,
    /// The sequence number that goes on.
    next_sequence: u32,
    /// The identification that goes on; `None` where nobody reads it.
    next_identification: Option<u16>,
    /// More may be appended.
    is_open: bool,
    /// Something was appended.
    is_joined: bool,
}

impl Default for Groups {
    fn default() -> Self {
        Self { groups: Vec::new(), by_flow: [0; FLOWS], first_open: 0 }
    }
}

impl Groups {
    pub(super) fn with_capacity(frames: usize) -> Self {
        Self { groups: Vec::with_capacity(frames), ..Self::default() }
    }

    /// Forgets all.
    pub(super) fn clear(&mut self) {
        self.groups.clear();
        self.first_open = 0;
    }

    /// Nothing is appended any more to what is there.
    pub(super) fn close_all(&mut self) {
        self.first_open = self.groups.len();
    }

    /// The open group of a flow.
    #[inline]
    pub(super) fn of(&mut self, flow: usize) -> Option<&mut Group> {
        let index = self.by_flow.get(flow).map(|index| *index as usize).filter(|index| *index >= self.first_open)?;
        self.groups.get_mut(index).filter(|group| group.is_open && group.flow == flow)
    }

    /// Nothing is appended any more to the flow's.
    pub(super) fn close(&mut self, flow: usize) {
        if let Some(group) = self.of(flow) {
            group.is_open = false;
        }
    }

    /// Opens a group with a frame that stands at `place`; the flow's former one is closed with it.
    #[inline]
    pub(super) fn open(&mut self, flow: usize, segment: &Segment, place: usize) {
        if let Some(entry) = self.by_flow.get_mut(flow) {
            *entry = self.groups.len() as u32;
            self.groups.push(Group::new(flow, segment, place));
        }
    }

    /// Makes the headers of all joined frames true.
    pub(super) fn seal(&self, frames: &mut [Frame]) {
        for group in self.groups.iter().filter(|group| group.is_joined) {
            if let Some(frame) = frames.get_mut(group.place) {
                group.seal(frame);
            }
        }
    }
}

impl Group {
    fn new(flow: usize, segment: &Segment, place: usize) -> Self {
        let mut group = Self {
            flow,
            place,
            shape: segment.shape,
            size: segment.size,
            count: 0,
            next_sequence: segment.sequence,
            next_identification: segment.identification,
            is_open: true,
            is_joined: false,
        };
        group.advance(segment);
        group
    }

    /// Where its frame is.
    pub(super) const fn place(&self) -> usize {
        self.place
    }

    /// Whether a packet is of the right size and comes next. What else it has to agree in is in the headers.
    #[inline]
    pub(super) fn goes_on_with(&self, segment: &Segment) -> bool {
        let is_of_size = segment.size == self.size || (segment.size < self.size && segment.count == 1);
        let is_worth_it = segment.length <= MAX_COPY;
        let has_room = self.shape.is_tcp || self.count + segment.count <= MAX_UDP_SEGMENTS;
        let comes_next = segment.sequence == self.next_sequence && segment.identification == self.next_identification;
        segment.shape == self.shape && is_of_size && is_worth_it && has_room && comes_next
    }

    /// Appends a packet that goes on with it to `first`, the group's frame; false, and nothing changed, where their
    /// headers differ, either is damaged, or it would be too long.
    pub(super) fn append(&mut self, first: &mut Frame, frame: &Frame, segment: &Segment) -> bool {
        let agree =
            do_headers_agree(self.shape, first.bytes(), frame.bytes()) && first.len() + segment.length <= ethernet::LENGTH + MAX_PACKET;
        // What something was appended to was looked at then.
        let are_sound = agree && is_sound(self.shape, frame) && (self.is_joined || is_sound(self.shape, first));
        let payload = frame.bytes().get(self.shape.payload..).filter(|_| are_sound);
        if !payload.is_some_and(|payload| first.append(payload)) {
            return false;
        }
        if segment.pushes
            && let Some(flags) = first.bytes_mut().get_mut(self.shape.transport + tcp::FLAGS)
        {
            *flags |= tcp::PSH;
        }
        self.is_joined = true;
        self.advance(segment);
        true
    }

    /// Takes note of a packet that is in it now. A short one, and one that pushes, is the last.
    #[inline]
    fn advance(&mut self, segment: &Segment) {
        self.count += segment.count;
        if self.shape.is_tcp {
            self.next_sequence = segment.sequence.wrapping_add(segment.length as u32);
        }
        self.next_identification = segment.identification.map(|first| first.wrapping_add(segment.count as u16));
        self.is_open = segment.length == segment.count * self.size && !segment.pushes;
    }

    /// Lengths, the IPv4 header's checksum, and in place of the transport checksum the sum of the pseudo-header.
    fn seal(&self, frame: &mut Frame) {
        let Shape { transport, payload, .. } = self.shape;
        let bytes = frame.bytes_mut();
        seal_network(self.shape, bytes);
        if !self.shape.is_tcp {
            let length = (bytes.len() - transport) as u16;
            set_u16_at(bytes, transport + udp::DATAGRAM_LENGTH, length);
        }
        let pseudo_header = pseudo_header(self.shape, bytes).fold();
        set_u16_at(bytes, transport + self.shape.checksum(), pseudo_header);
        frame.offload = Offload {
            needs_checksum: true,
            checksum_start: transport as u16,
            checksum_offset: self.shape.checksum() as u16,
            gso: self.shape.gso(),
            gso_size: self.size as u16,
            header_length: payload as u16,
        };
    }
}

fn seal_network(shape: Shape, bytes: &mut [u8]) {
    let Some(packet) = bytes.get_mut(ethernet::LENGTH..) else { return };
    if shape.is_v6 {
        set_u16_at(packet, ipv6::PAYLOAD_LENGTH, (packet.len() - ipv6::LENGTH) as u16);
        return;
    }
    set_u16_at(packet, ipv4::TOTAL_LENGTH, packet.len() as u16);
    set_u16_at(packet, ipv4::CHECKSUM, 0);
    let mut sum = Sum::default();
    sum.add_slice(packet.get(..ipv4::LENGTH).unwrap_or_default());
    set_u16_at(packet, ipv4::CHECKSUM, sum.checksum());
}

/// Whether two frames have the same headers but for lengths, checksums, identification, sequence number and PSH.
#[inline]
fn do_headers_agree(shape: Shape, one: &[u8], other: &[u8]) -> bool {
    let same = |from: usize, to: usize| one.get(from..to) == other.get(from..to);
    let network = ethernet::LENGTH;
    let is_network_same = if shape.is_v6 {
        same(0, network + ipv6::PAYLOAD_LENGTH) && same(network + ipv6::NEXT_HEADER, shape.transport)
    } else {
        same(0, network + ipv4::TOTAL_LENGTH)
            && same(network + ipv4::FRAGMENT, network + ipv4::CHECKSUM)
            && same(network + ipv4::ADDRESSES, shape.transport)
    };
    let transport = shape.transport;
    let is_transport_same = if shape.is_tcp {
        // The flags were looked at: they differ in PSH at most.
        same(transport, transport + tcp::SEQUENCE)
            && same(transport + tcp::ACKNOWLEDGEMENT, transport + tcp::FLAGS)
            && same(transport + tcp::WINDOW, transport + tcp::CHECKSUM)
            && same(transport + tcp::URGENT, shape.payload)
    } else {
        same(transport, transport + udp::DATAGRAM_LENGTH)
    };
    is_network_same && is_transport_same
}

/// Whether a packet's checksums are right: the IPv4 header's, and the finished one or what is there of it.
#[inline]
fn is_sound(shape: Shape, frame: &Frame) -> bool {
    let bytes = frame.bytes();
    let mut header = Sum::default();
    header.add_slice(bytes.get(ethernet::LENGTH..shape.transport).unwrap_or_default());
    if !shape.is_v6 && !header.is_valid() {
        return false;
    }
    let mut sum = pseudo_header(shape, bytes);
    if frame.offload.needs_checksum {
        // Both 0 and 0xffff are zero.
        let zero = u16::MAX;
        return u16_at(bytes, shape.transport + shape.checksum()).is_some_and(|held| held % zero == sum.fold() % zero);
    }
    sum.add_slice(bytes.get(shape.transport..).unwrap_or_default());
    sum.is_valid()
}

/// The sum of the pseudo-header of the packet that `bytes` hold now.
#[inline]
fn pseudo_header(shape: Shape, bytes: &[u8]) -> Sum {
    let addresses = ethernet::LENGTH + if shape.is_v6 { ipv6::ADDRESSES } else { ipv4::ADDRESSES };
    let mut sum = Sum::default();
    sum.add_slice(bytes.get(addresses..shape.transport).unwrap_or_default());
    sum.add_word(u16::from(shape.protocol()));
    sum.add_word((bytes.len() - shape.transport) as u16);
    sum
}
