//! Joined and taken apart again: the same packets.

mod conditions;
mod properties;

use super::*;
use crate::packet::parse::Transport;
use crate::packet::testing::layout;
use crate::packet::{Gso, Offload, segments};
use crate::wire::checksum::{Sum, nonzero};
use crate::wire::{ipv4, set_u16_at, tcp, udp};

/// The account of a test: how many frames went in. A negative one stays alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Count(i32);

impl Account for Count {
    fn joined(self, next: Self) -> Option<Self> {
        (self.0 > 0 && next.0 > 0).then_some(Self(self.0 + next.0))
    }
}

/// What a packet is made of.
#[derive(Clone, Debug)]
struct Made {
    v6: bool,
    tcp: bool,
    flow: u8,
    identification: u16,
    dont_fragment: bool,
    sequence: u32,
    flags: u8,
    payload: Vec<u8>,
}

fn datagram(identification: u16, payload: &[u8]) -> Made {
    let payload = payload.to_vec();
    Made { v6: false, tcp: false, flow: 1, identification, dont_fragment: false, sequence: 0, flags: 0, payload }
}

fn segment(sequence: u32, payload: &[u8]) -> Made {
    Made { tcp: true, sequence, flags: tcp::ACK, dont_fragment: true, ..datagram(0, payload) }
}

impl Made {
    /// With finished checksums. TCP has a timestamp option.
    fn bytes(&self) -> Vec<u8> {
        let step = etherparse::PacketBuilder::ethernet2([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2]);
        let step = if self.v6 {
            let (mut source, mut destination) = ([0x20; 16], [0x21; 16]);
            (source[15], destination[7]) = (self.flow, self.flow);
            step.ipv6(source, destination, 61)
        } else {
            let mut header = etherparse::Ipv4Header::new(0, 61, etherparse::IpNumber::UDP, [10, 0, 0, self.flow], [10, 1, 0, 1]).unwrap();
            (header.identification, header.dont_fragment) = (self.identification, self.dont_fragment);
            step.ip(etherparse::IpHeaders::Ipv4(header, etherparse::Ipv4Extensions::default()))
        };
        let mut bytes = Vec::new();
        if !self.tcp {
            step.udp(4000 + u16::from(self.flow), 53).write(&mut bytes, &self.payload).unwrap();
            return bytes;
        }
        let mut header = etherparse::TcpHeader::new(4000 + u16::from(self.flow), 80, self.sequence, 512);
        header.acknowledgment_number = 99;
        header.set_options(&[etherparse::TcpOptionElement::Timestamp(7, 8)]).unwrap();
        step.tcp_header(header).write(&mut bytes, &self.payload).unwrap();
        let transport = if self.v6 { 54 } else { 34 };
        bytes[transport + tcp::FLAGS] = self.flags;
        finish(&mut bytes);
        bytes
    }

    fn frame(&self) -> Frame {
        Frame::from_bytes(&self.bytes())
    }

    /// As it comes over a virtual wire: the checksum left to the device.
    fn partial(&self) -> Frame {
        let mut frame = self.frame();
        leave_checksum(&mut frame);
        frame
    }
}

/// Sets the checksums right after a change.
fn finish(bytes: &mut [u8]) {
    finish_network(bytes);
    let (transport, protocol) = if bytes[12] == 0x08 { (34, bytes[23]) } else { (54, bytes[20]) };
    let field = transport + if protocol == 6 { tcp::CHECKSUM } else { udp::CHECKSUM };
    set_u16_at(bytes, field, 0);
    let mut sum = pseudo(bytes, transport, protocol);
    sum.add_slice(&bytes[transport..]);
    set_u16_at(bytes, field, nonzero(sum.checksum()));
}

fn finish_network(bytes: &mut [u8]) {
    if bytes[12] == 0x08 {
        set_u16_at(&mut bytes[14..], ipv4::CHECKSUM, 0);
        let sum = crate::wire::checksum::sum(&bytes[14..34]);
        set_u16_at(&mut bytes[14..], ipv4::CHECKSUM, !sum);
    }
}

fn pseudo(bytes: &[u8], transport: usize, protocol: u8) -> Sum {
    let mut sum = Sum::default();
    sum.add_slice(&bytes[if transport == 34 { 26 } else { 22 }..transport]);
    sum.add_word(u16::from(protocol));
    sum.add_word((bytes.len() - transport) as u16);
    sum
}

fn leave_checksum(frame: &mut Frame) {
    let found = layout(frame.bytes());
    let offset = if found.protocol == 6 { tcp::CHECKSUM } else { udp::CHECKSUM };
    let sum = pseudo(frame.bytes(), found.transport, found.protocol).fold();
    set_u16_at(frame.bytes_mut(), found.transport + offset, sum);
    let (checksum_start, checksum_offset) = (found.transport as u16, offset as u16);
    frame.offload = Offload { needs_checksum: true, checksum_start, checksum_offset, ..frame.offload };
}

/// Joins frames, each with an account of one.
fn joined(frames: Vec<Frame>) -> Vec<Frame> {
    joined_for(frames, SuperFrames::ALL)
}

fn joined_for(mut frames: Vec<Frame>, takes: SuperFrames) -> Vec<Frame> {
    let before = frames.len();
    let mut counts = vec![Count(1); before];
    Coalescer::default().coalesce(&mut frames, &mut counts, takes, &mut FramePool::new(8));
    assert_eq!(counts.len(), frames.len());
    assert_eq!(counts.iter().map(|count| count.0 as usize).sum::<usize>(), before);
    frames
}

/// How many packets each frame is.
fn sizes(frames: &[Frame]) -> Vec<u64> {
    frames.iter().map(|frame| segments::wire_size(frame, Some(&layout(frame.bytes()))).0).collect()
}

/// The ordinary packets that frames stand for, with finished checksums.
fn apart(frames: &[Frame]) -> Vec<Vec<u8>> {
    let mut pieces = Vec::new();
    frames.iter().for_each(|frame| segments::split(frame, &layout(frame.bytes()), &mut FramePool::new(8), &mut pieces));
    pieces.iter().map(|frame| frame.bytes().to_vec()).collect()
}

/// What tells flows apart: addresses and ports.
fn flow_of(bytes: &[u8]) -> (crate::packet::parse::Addresses, u16, u16) {
    let found = layout(bytes);
    (found.addresses, found.source_port, found.destination_port)
}

fn is_push(frame: &Frame) -> bool {
    matches!(layout(frame.bytes()).transport_header, Transport::Tcp(found) if found.flags & tcp::PSH != 0)
}
