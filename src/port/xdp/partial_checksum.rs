//! Transport checksums that a virtual interface left unfinished, found by what they hold.
//!
//! A host behind a veth leaves checksums to its device, and the veth passes them on as they are: the field holds the folded
//! sum of the pseudo-header. A packet socket is told so; through XDP nothing is said. A frame whose field holds just that sum
//! is therefore taken for unfinished. Once in 65536 that is a finished checksum, c = ~(p + r) with c = p (p the pseudo-header's
//! sum, r the rest's): finishing it again gives ~(c + r) = ~(p + r) = c, the same. So no good frame is harmed; of frames that
//! arrive broken, one in 65536 leaves with a good checksum, as it would of a host that checks it.

use crate::packet::parse::{Fragment, Layout, Parsed, Transport};
use crate::packet::{Offload, parse};
use crate::wire::checksum::Sum;
use crate::wire::{tcp, u16_at, udp};

/// What there is to say of a received frame: nothing, or that its checksum is unfinished.
#[inline]
pub(super) fn offload_of(frame: &[u8]) -> Offload {
    match parse::parse(frame, true) {
        Ok(Parsed::Ip(layout)) if layout.fragment == Fragment::Whole => unfinished(frame, &layout).unwrap_or_default(),
        _ => Offload::default(),
    }
}

fn unfinished(frame: &[u8], layout: &Layout) -> Option<Offload> {
    let field = match layout.transport_header {
        Transport::Tcp(_) => tcp::CHECKSUM,
        Transport::Udp => udp::CHECKSUM,
        _ => return None,
    };
    let length = layout.end - layout.transport;
    let pseudo_header = Sum::pseudo_header(layout.addresses.source(), layout.addresses.destination(), layout.protocol, length);
    (u16_at(frame, layout.transport + field)? == pseudo_header.fold()).then(|| Offload {
        needs_checksum: true,
        checksum_start: layout.transport as u16,
        checksum_offset: field as u16,
        ..Offload::default()
    })
}

#[cfg(test)]
mod tests {
    use etherparse::PacketBuilder;
    use proptest::prelude::*;

    use super::*;
    use crate::packet::{Frame, rewrite::complete_checksum};

    const MACS: ([u8; 6], [u8; 6]) = ([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2]);

    fn builder(v6: bool) -> etherparse::PacketBuilderStep<etherparse::IpHeaders> {
        let ethernet = PacketBuilder::ethernet2(MACS.0, MACS.1);
        if v6 { ethernet.ipv6([0x20; 16], [0x21; 16], 64) } else { ethernet.ipv4([10, 0, 1, 4], [10, 0, 1, 5], 64) }
    }

    fn frame(v6: bool, is_tcp: bool, payload: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        if is_tcp {
            builder(v6).tcp(1234, 80, 7, 1000).ack(1).write(&mut bytes, payload).unwrap();
        } else {
            builder(v6).udp(1234, 53).write(&mut bytes, payload).unwrap();
        }
        bytes
    }

    fn place(v6: bool, is_tcp: bool) -> (usize, usize) {
        (if v6 { 54 } else { 34 }, if is_tcp { 16 } else { 6 })
    }

    /// The frame as a host that leaves the checksum to its device hands it on.
    fn left_unfinished(bytes: &[u8], v6: bool, is_tcp: bool) -> Vec<u8> {
        let (start, field) = place(v6, is_tcp);
        let mut sum = Sum::default();
        sum.add_slice(if v6 { &bytes[22..54] } else { &bytes[26..34] });
        sum.add_word((bytes.len() - start) as u16);
        sum.add_word(if is_tcp { 6 } else { 17 });
        let mut left = bytes.to_vec();
        left[start + field..start + field + 2].copy_from_slice(&sum.fold().to_be_bytes());
        left
    }

    proptest! {
        #[test]
        fn an_unfinished_checksum_is_found_and_finished(v6: bool, is_tcp: bool, payload in prop::collection::vec(any::<u8>(), 0..200)) {
            let whole = frame(v6, is_tcp, &payload);
            let left = left_unfinished(&whole, v6, is_tcp);
            let mut received = Frame::from_bytes(&left);
            received.offload = offload_of(&left);
            prop_assert!(received.offload.needs_checksum);
            complete_checksum(&mut received);
            prop_assert_eq!(received.bytes(), whole.as_slice());
        }

        #[test]
        fn a_finished_checksum_survives_whatever_it_is_taken_for(v6: bool, is_tcp: bool, payload in prop::collection::vec(any::<u8>(), 0..60)) {
            let whole = frame(v6, is_tcp, &payload);
            let mut received = Frame::from_bytes(&whole);
            received.offload = offload_of(&whole);
            complete_checksum(&mut received);
            prop_assert_eq!(received.bytes(), whole.as_slice());
        }
    }

    /// The one finished checksum in 65536 that equals its pseudo-header's sum, made on purpose.
    #[test]
    fn a_finished_checksum_that_looks_unfinished_comes_out_the_same() {
        let (start, field) = place(false, false);
        let sought = (0..=u16::MAX).map(|word| frame(false, false, &word.to_be_bytes())).find(|bytes| {
            left_unfinished(bytes, false, false)[start + field..start + field + 2] == bytes[start + field..start + field + 2]
        });
        let whole = sought.unwrap();
        let mut received = Frame::from_bytes(&whole);
        received.offload = offload_of(&whole);
        assert!(received.offload.needs_checksum);
        complete_checksum(&mut received);
        assert_eq!(received.bytes(), whole.as_slice());
    }

    #[test]
    fn datagrams_without_a_checksum_and_fragments_stay_as_they_are() {
        let mut bytes = frame(false, false, b"x");
        bytes[40..42].fill(0);
        assert_eq!(offload_of(&bytes), Offload::default());
        let mut fragment = left_unfinished(&frame(false, false, &[7; 32]), false, false);
        fragment[20] = 0x20;
        fragment[24..26].fill(0);
        let mut sum = Sum::default();
        sum.add_slice(&fragment[14..34]);
        let checksum = sum.checksum();
        fragment[24..26].copy_from_slice(&checksum.to_be_bytes());
        assert!(matches!(parse::parse(&fragment, true), Ok(Parsed::Ip(_))));
        assert_eq!(offload_of(&fragment), Offload::default());
        assert_eq!(offload_of(&[0; 60]), Offload::default());
    }
}
