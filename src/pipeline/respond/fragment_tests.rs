use etherparse::IpNumber;
use proptest::prelude::*;

use super::super::testing::{ETHERNET, addresses, layout};
use super::*;

/// Record route: stays in the first piece. Strict source route: goes into all.
const RECORD_ROUTE: [u8; 7] = [7, 7, 4, 0, 0, 0, 0];
const SOURCE_ROUTE: [u8; 7] = [0x89, 7, 4, 192, 0, 2, 9];

fn packet(header: impl FnOnce(&mut Ipv4Header), payload: &[u8]) -> Frame {
    let length = u16::try_from(payload.len()).unwrap();
    let mut ip = Ipv4Header::new(length, 63, IpNumber::UDP, [10, 1, 1, 4], [192, 0, 2, 1]).unwrap();
    ip.dont_fragment = false;
    ip.identification = 77;
    header(&mut ip);
    ip.set_payload_len(payload.len()).unwrap();
    ip.header_checksum = ip.calc_header_checksum();
    let ethernet = [0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 2, 0, 0, 0, 0, 4, 8, 0];
    Frame::from_bytes(&[&ethernet[..], &ip.to_bytes(), payload].concat())
}

fn layout_of(frame: &Frame) -> Layout {
    let Ok((header, _)) = Ipv4Header::from_slice(&frame.bytes()[ETHERNET..]) else { panic!("no header") };
    // The helper wants a UDP header, which a piece need not hold.
    let stand_in = super::super::testing::udp(addresses("10.1.1.4", "192.0.2.1"), b"");
    Layout {
        transport: ETHERNET + header.header_len(),
        end: ETHERNET + usize::from(header.total_len),
        dont_fragment: header.dont_fragment,
        ..layout(&stand_in)
    }
}

fn cut_up(frame: &Frame, mtu: usize) -> Option<Vec<(Ipv4Header, Vec<u8>)>> {
    let mut out = Vec::new();
    let done = fragment_ipv4(frame, &layout_of(frame), mtu, &mut FramePool::new(4), &mut out);
    assert!(done || out.is_empty());
    done.then(|| out.iter().map(|piece| dissect(frame, piece, mtu)).collect())
}

fn dissect(whole: &Frame, piece: &Frame, mtu: usize) -> (Ipv4Header, Vec<u8>) {
    assert_eq!(piece.bytes()[..ETHERNET], whole.bytes()[..ETHERNET]);
    let (header, payload) = Ipv4Header::from_slice(&piece.bytes()[ETHERNET..]).unwrap();
    assert!(piece.len() - ETHERNET <= mtu);
    assert_eq!(usize::from(header.total_len), piece.len() - ETHERNET);
    assert_eq!(header.header_checksum, header.calc_header_checksum());
    assert_eq!((header.identification, header.protocol, header.time_to_live), (77, IpNumber::UDP, 63));
    (header, payload.to_vec())
}

/// The plain reference: bytes by absolute offset.
fn reassemble(pieces: &[(Ipv4Header, Vec<u8>)]) -> (usize, bool, Vec<u8>) {
    let start = usize::from(pieces[0].0.fragment_offset.byte_offset());
    let mut bytes = Vec::new();
    for (index, (header, payload)) in pieces.iter().enumerate() {
        assert_eq!(usize::from(header.fragment_offset.byte_offset()), start + bytes.len(), "no gap, no overlap");
        assert!(index + 1 == pieces.len() || header.more_fragments, "more follow");
        bytes.extend_from_slice(payload);
    }
    (start, pieces[pieces.len() - 1].0.more_fragments, bytes)
}

#[test]
fn a_packet_is_cut_at_units_of_eight() {
    let frame = packet(|_| {}, &[7; 100]);
    let sizes: Vec<_> = cut_up(&frame, 63).unwrap().iter().map(|(_, payload)| payload.len()).collect();
    assert_eq!(sizes, [40, 40, 20]);
}

#[test]
fn a_packet_that_fits_is_one_piece() {
    let frame = packet(|_| {}, &[7; 101]);
    let pieces = cut_up(&frame, 121).unwrap();
    assert_eq!(pieces.len(), 1);
    assert!(!pieces[0].0.more_fragments);
}

#[test]
fn only_options_with_the_copied_flag_go_into_later_pieces() {
    let options = [&[NO_OPERATION][..], &RECORD_ROUTE, &SOURCE_ROUTE, &[END_OF_OPTIONS]].concat();
    let frame = packet(|header| header.options = options.as_slice().try_into().unwrap(), &[7; 64]);
    let pieces = cut_up(&frame, 68).unwrap();
    assert_eq!(&pieces[0].0.options[..], options);
    for (header, _) in &pieces[1..] {
        assert_eq!(&header.options[..], [&SOURCE_ROUTE[..], &[END_OF_OPTIONS]].concat());
    }
    assert_eq!(reassemble(&pieces).2, [7; 64]);
}

#[test]
fn options_that_lie_about_their_length_end_the_list() {
    for bad in [[0x89, 0, 1, 1], [0x89, 200, 1, 1], [1, 1, 1, 0x89]] {
        let frame = packet(|header| header.options = bad.into(), &[7; 64]);
        assert!(cut_up(&frame, 48).unwrap()[1..].iter().all(|(header, _)| header.options.is_empty()), "{bad:?}");
    }
}

#[test]
fn what_may_not_be_cut_is_left() {
    assert!(cut_up(&packet(|header| header.dont_fragment = true, &[7; 100]), 60).is_none());
    assert!(cut_up(&packet(|_| {}, &[7; 100]), 27).is_none(), "no room for a unit");
    let mut frame = packet(|_| {}, &[7; 100]);
    frame.offload.needs_checksum = true;
    assert!(cut_up(&frame, 60).is_none());
    frame.offload = crate::packet::Offload { gso: Gso::UdpSegments, ..Default::default() };
    assert!(cut_up(&frame, 60).is_none());
    let last = packet(|header| header.fragment_offset = IpFragOffset::try_new(8_190).unwrap(), &[7; 100]);
    assert!(cut_up(&last, 60).is_none(), "beyond the longest packet");
}

proptest! {
    #[test]
    fn pieces_make_the_packet_again(
        payload in proptest::collection::vec(any::<u8>(), 0..3_000),
        mtu in 28_usize..1_600,
        offset in 0_u16..100,
        more: bool,
    ) {
        // A piece with more behind it holds whole units.
        let payload = if more { &payload[..payload.len() / 8 * 8] } else { &payload[..] };
        let frame = packet(|header| {
            header.fragment_offset = IpFragOffset::try_new(offset).unwrap();
            header.more_fragments = more;
        }, payload);
        let pieces = cut_up(&frame, mtu).unwrap();
        prop_assert_eq!(reassemble(&pieces), (usize::from(offset) * 8, more, payload.to_vec()));
    }

    #[test]
    fn any_options_are_safe(words in proptest::collection::vec(any::<[u8; 4]>(), 0..=10)) {
        let frame = packet(|header| header.options = words.concat().as_slice().try_into().unwrap(), &[7; 200]);
        let pieces = cut_up(&frame, 100).unwrap();
        prop_assert_eq!(reassemble(&pieces).2, vec![7; 200]);
    }
}

/// A UDP packet made of an IPv4 one, with a fragment header in front of its payload.
fn packet_v6(whole: FragmentHeader, payload: &[u8]) -> Frame {
    let length = u16::try_from(ipv6::FRAGMENT_LENGTH + payload.len()).unwrap();
    let fields = ipv6::Fields {
        traffic_class: 0,
        payload_length: length,
        next_header: ipv6::FRAGMENT,
        hop_limit: 63,
        source: "fd00:108::1".parse().unwrap(),
        destination: "2603::1".parse().unwrap(),
    };
    let ethernet = [0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 2, 0, 0, 0, 0, 4, 0x86, 0xdd];
    Frame::from_bytes(&[&ethernet[..], &fields.to_bytes(), &whole.to_bytes(17), payload].concat())
}

fn layout_v6(frame: &Frame) -> Layout {
    let stand_in = super::super::testing::udp(addresses("fd00:108::1", "2603::1"), b"");
    Layout { end: frame.len(), ..layout(&stand_in) }
}

proptest! {
    #[test]
    fn ipv6_pieces_join_to_what_was_cut(
        payload in prop::collection::vec(any::<u8>(), 1..3_000), mtu in 56_usize..1_600, start in 0_usize..100, more: bool,
    ) {
        let whole = FragmentHeader { identification: 77, offset: start * 8, more };
        let frame = packet_v6(whole, &payload);
        let mut out = Vec::new();
        prop_assert!(fragment_ipv6(&frame, &layout_v6(&frame), mtu, &mut FramePool::new(4), &mut out));
        let mut joined = Vec::new();
        for (index, piece) in out.iter().enumerate() {
            let bytes = piece.bytes();
            prop_assert!(bytes.len() - ETHERNET <= mtu);
            prop_assert_eq!(&bytes[..ETHERNET], &frame.bytes()[..ETHERNET]);
            prop_assert_eq!(usize::from(u16::from_be_bytes([bytes[18], bytes[19]])), bytes.len() - ETHERNET - ipv6::LENGTH);
            prop_assert_eq!(&bytes[20..54], &frame.bytes()[20..54], "what is behind the length stays");
            let own = ipv6::walk(ipv6::FRAGMENT, &bytes[54..]).unwrap().fragment.unwrap();
            let last = index + 1 == out.len();
            prop_assert_eq!((own.identification, own.offset, own.more), (77, start * 8 + joined.len(), more || !last));
            joined.extend_from_slice(&bytes[62..]);
        }
        prop_assert_eq!(joined, payload);
    }
}

#[test]
fn without_a_fragment_header_ipv6_is_not_cut() {
    let mut frame = packet_v6(FragmentHeader { identification: 1, offset: 0, more: false }, &[0; 100]);
    let (layout, mut out) = (layout_v6(&frame), Vec::new());
    assert!(!fragment_ipv6(&frame, &layout, 55, &mut FramePool::new(1), &mut out), "no room for eight bytes");
    frame.bytes_mut()[20] = 17;
    assert!(!fragment_ipv6(&frame, &layout, 80, &mut FramePool::new(1), &mut out));
    assert!(out.is_empty());
}
