//! TCP resets (RFC 9293 3.10.7.1).

use etherparse::TcpHeader;

use super::build::{Link, reversed, tcp_segment};
use crate::packet::Frame;
use crate::packet::parse::{Addresses, Layout, Tcp, Transport};
use crate::wire::tcp::{ACK, FIN, RST, SYN};

/// Makes `into` the reset that answers the segment in `frame`, as a closed port would: from the segment's destination
/// back to its sender, MAC addresses swapped.
///
/// False, and `into` untouched, for a reset (two ends would answer each other for ever), for what is not TCP, and for a
/// frame that was sent to a group.
pub fn reset(layout: &Layout, frame: &[u8], into: &mut Frame) -> bool {
    let Transport::Tcp(tcp) = layout.transport_header else { return false };
    let Some(link) = Link::back(frame) else { return false };
    if tcp.flags & RST != 0 {
        return false;
    }
    let mut header = TcpHeader::new(layout.destination_port, layout.source_port, 0, 0);
    header.rst = true;
    if tcp.flags & ACK != 0 {
        header.sequence_number = tcp.acknowledgement;
    } else {
        header.ack = true;
        header.acknowledgment_number = tcp.sequence.wrapping_add(segment_length(layout, &tcp));
    }
    tcp_segment(link, reversed(layout.addresses), header, &[], into)
}

/// Makes `into` a reset that tears down one end of a connection: it seems to come from the peer.
///
/// `addresses` and ports are as the receiver sees them in a packet of its peer (source: the peer). `sequence` is the
/// next that the receiver expects, else it answers with a challenge (RFC 5961 3.2); `acknowledgement` is for a receiver
/// that has only sent its SYN.
pub fn reset_endpoint(
    addresses: Addresses,
    source_port: u16,
    destination_port: u16,
    sequence: u32,
    acknowledgement: Option<u32>,
    destination_mac: [u8; 6],
    into: &mut Frame,
) {
    let mut header = TcpHeader::new(source_port, destination_port, sequence, 0);
    header.rst = true;
    header.ack = acknowledgement.is_some();
    header.acknowledgment_number = acknowledgement.unwrap_or(0);
    tcp_segment(Link::from_gateway(destination_mac), addresses, header, &[], into);
}

/// Sequence numbers that the segment takes: payload bytes, SYN and FIN (RFC 9293, SEG.LEN).
pub(super) fn segment_length(layout: &Layout, tcp: &Tcp) -> u32 {
    let payload = u32::try_from(layout.end.saturating_sub(tcp.payload)).unwrap_or(0);
    payload + u32::from(tcp.flags & SYN != 0) + u32::from(tcp.flags & FIN != 0)
}

#[cfg(test)]
#[path = "reset_tests.rs"]
mod tests;
