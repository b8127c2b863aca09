//! The headers in front of what stays, and putting them there.

use crate::packet::parse::{Fragment, Transport};
use crate::packet::rewrite::Tuple;
use crate::packet::{Frame, Gso, Layout, Reason};
use crate::wire::{ethernet, icmp, ipv6};

/// Where the IP header starts.
pub(super) const END_OF_MACS_AND_TYPE: usize = ethernet::LENGTH;
/// An ICMPv6 error with the header of the packet that it quotes.
const LONGEST: usize = ethernet::LENGTH + ipv6::LENGTH + icmp::LENGTH + ipv6::LENGTH;

/// New headers, Ethernet's first.
pub(super) struct Head {
    bytes: [u8; LONGEST],
    length: usize,
}

impl Head {
    /// The frame's MAC addresses and another ethertype.
    pub(super) fn new(frame: &[u8], ethertype: u16) -> Self {
        let mut head = Self { bytes: [0; LONGEST], length: 0 };
        head.push(frame.get(..ethernet::LENGTH - 2).unwrap_or(&[0; ethernet::LENGTH - 2]));
        head.push(&ethertype.to_be_bytes());
        head
    }

    /// Appends a header; beyond the longest that there can be nothing.
    pub(super) fn push(&mut self, header: &[u8]) {
        if let Some(place) = self.bytes.get_mut(self.length..self.length + header.len()) {
            place.copy_from_slice(header);
            self.length += header.len();
        }
    }

    pub(super) const fn length(&self) -> usize {
        self.length
    }
}

/// Replaces what stands before `kept.0` by the head, and cuts the frame at `kept.1`. Offsets that the device is told go
/// along, and so does the kind of super-frame.
pub(super) fn replace(frame: &mut Frame, head: &Head, kept: (usize, usize)) -> Result<(), Reason> {
    let (Ok(old), Ok(new)) = (isize::try_from(kept.0), isize::try_from(head.length)) else { return Err(Reason::Unsupported) };
    frame.set_length(kept.1);
    if !frame.move_start(old - new) {
        return Err(Reason::Unsupported);
    }
    let (Some(place), Some(head)) = (frame.bytes_mut().get_mut(..head.length), head.bytes.get(..head.length)) else {
        return Err(Reason::Unsupported);
    };
    place.copy_from_slice(head);
    let moved = |at: u16| u16::try_from((usize::from(at) + head.len()).saturating_sub(kept.0)).unwrap_or(u16::MAX);
    let offload = &mut frame.offload;
    offload.checksum_start = moved(offload.checksum_start);
    offload.header_length = moved(offload.header_length);
    offload.gso = match offload.gso {
        Gso::Tcp4 { ecn } => Gso::Tcp6 { ecn },
        Gso::Tcp6 { ecn } => Gso::Tcp4 { ecn },
        other => other,
    };
    Ok(())
}

/// The layout of a translated packet.
pub(super) fn layout(old: &Layout, to: &Tuple, head: &Head) -> Layout {
    let moved = |at: usize| (at + head.length).saturating_sub(old.transport);
    let transport_header = match old.transport_header {
        Transport::Tcp(mut tcp) => {
            tcp.payload = moved(tcp.payload);
            Transport::Tcp(tcp)
        }
        other => other,
    };
    let ports = if matches!(old.fragment, Fragment::Later { .. }) {
        (old.source_port, old.destination_port)
    } else {
        (to.source_port, to.destination_port)
    };
    Layout {
        network: END_OF_MACS_AND_TYPE,
        transport: head.length,
        end: moved(old.end),
        addresses: to.addresses,
        source_port: ports.0,
        destination_port: ports.1,
        transport_header,
        ..*old
    }
}
