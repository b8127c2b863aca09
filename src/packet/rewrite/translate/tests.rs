use proptest::prelude::*;

use super::*;
use crate::packet::parse::Transport;
use crate::packet::rewrite::complete_checksum;
use crate::packet::testing::{Kind, Recipe, addresses, assert_checksums, layout, recipe};
use crate::packet::{FramePool, Offload, segments};

const IDENTIFICATION: u16 = 0x1234;
const WHOLE: Manner = Manner { to_be_cut: false, identification: IDENTIFICATION };

/// TCP and UDP, of either family.
fn carried() -> impl Strategy<Value = Recipe> {
    recipe().prop_filter("with ports", |recipe| matches!(recipe.kind, Kind::Tcp | Kind::Udp))
}

/// The same packet in the other family, with these addresses and ports.
fn other(from: &Recipe, source: [u8; 16], destination: [u8; 16], ports: (u16, u16)) -> Recipe {
    Recipe { v6: !from.v6, source, destination, ports, ..from.clone() }
}

fn tuple(of: &Recipe) -> Tuple {
    Tuple { addresses: of.addresses(), source_port: of.ports.0, destination_port: of.ports.1 }
}

/// What etherparse builds, with the identification of a packet that may be cut.
fn expected(to: &Recipe) -> Vec<u8> {
    let mut bytes = to.build();
    if !to.v6 {
        set_u16_at(&mut bytes, 18, IDENTIFICATION);
        set_u16_at(&mut bytes, 20, 0);
        set_u16_at(&mut bytes, 24, 0);
        let checksum = !sum(&bytes[14..34]);
        set_u16_at(&mut bytes, 24, checksum);
    }
    bytes
}

fn sample(kind: Kind, v6: bool) -> Recipe {
    Recipe { v6, kind, source: [9; 16], destination: [8; 16], ports: (4000, 53), payload: vec![1, 2, 3, 4, 5, 6, 7, 8] }
}

/// Translates; checks that the layout is the one that a parser finds.
fn translated(bytes: &[u8], to: &Tuple, manner: Manner) -> Result<Frame, Reason> {
    let mut frame = Frame::from_bytes(bytes);
    let found = packet(&mut frame, &layout(bytes), to, manner)?;
    let parsed = layout(frame.bytes());
    let places = |layout: &Layout| (layout.network, layout.transport, layout.end, layout.addresses, layout.transport_header);
    assert_eq!(places(&found), places(&parsed));
    Ok(frame)
}

/// As a sender with offloads gives it: a transport checksum field that holds the pseudo-header sum.
fn left_to_device(bytes: &[u8], gso: Gso, gso_size: u16) -> Frame {
    let found = layout(bytes);
    let mut frame = Frame::from_bytes(bytes);
    let offset = if found.protocol == protocol::TCP { 16 } else { 6 };
    let length = found.end - found.transport;
    let sum = Sum::pseudo_header(found.addresses.source(), found.addresses.destination(), found.protocol, length);
    set_u16_at(frame.bytes_mut(), found.transport + offset, sum.fold());
    frame.offload = Offload {
        needs_checksum: true,
        checksum_start: found.transport as u16,
        checksum_offset: offset as u16,
        gso,
        gso_size,
        header_length: (found.transport + 20) as u16,
    };
    frame
}

/// Makes an IPv4 packet a fragment: flags and offset as the header holds them.
fn as_fragment(bytes: &mut [u8], id: u16, flags_and_offset: u16) {
    set_u16_at(bytes, 18, id);
    set_u16_at(bytes, 20, flags_and_offset);
    set_u16_at(bytes, 24, 0);
    let checksum = !sum(&bytes[14..34]);
    set_u16_at(bytes, 24, checksum);
}

proptest! {
    #[test]
    fn a_packet_is_the_one_that_would_have_been_built(
        from in carried(), source: [u8; 16], destination: [u8; 16], ports: (u16, u16), padding in 0_usize..20,
    ) {
        let to = other(&from, source, destination, ports);
        let mut bytes = from.build();
        bytes.resize(bytes.len() + padding, 0xee);
        let frame = translated(&bytes, &tuple(&to), WHOLE).unwrap();
        prop_assert_eq!(frame.bytes(), &expected(&to)[..]);
        assert_checksums(frame.bytes());
    }

    #[test]
    fn there_and_back_it_is_the_same(from in carried(), source: [u8; 16], destination: [u8; 16], ports: (u16, u16)) {
        let bytes = expected(&from);
        let there = translated(&bytes, &tuple(&other(&from, source, destination, ports)), WHOLE).unwrap();
        let back = translated(there.bytes(), &tuple(&from), WHOLE).unwrap();
        prop_assert_eq!(back.bytes(), &bytes[..]);
    }

    #[test]
    fn a_checksum_left_to_the_device_completes_to_the_right_one(
        from in carried(), source: [u8; 16], destination: [u8; 16], ports: (u16, u16),
    ) {
        let to = other(&from, source, destination, ports);
        let bytes = from.build();
        let mut frame = left_to_device(&bytes, Gso::None, 0);
        packet(&mut frame, &layout(&bytes), &tuple(&to), WHOLE).unwrap();
        complete_checksum(&mut frame);
        prop_assert_eq!(frame.bytes(), &expected(&to)[..]);
    }

    #[test]
    fn the_segments_of_a_super_frame_are_those_of_the_other_family(
        v6: bool, kind in prop_oneof![Just(Kind::Tcp), Just(Kind::Udp)], size in 8_usize..300, length in 300_usize..2_000,
    ) {
        let from = Recipe { payload: (0..length).map(|index| index as u8).collect(), ..sample(kind, v6) };
        let to = other(&from, [3; 16], [4; 16], (1, 2));
        let bytes = from.build();
        let kind = match (from.kind, v6) {
            (Kind::Udp, _) => Gso::UdpSegments,
            (_, false) => Gso::Tcp4 { ecn: false },
            (_, true) => Gso::Tcp6 { ecn: false },
        };
        let mut frame = left_to_device(&bytes, kind, size as u16);
        let found = packet(&mut frame, &layout(&bytes), &tuple(&to), WHOLE).unwrap();
        prop_assert_eq!(frame.offload.gso == kind, from.kind == Kind::Udp, "the kind names the family");
        prop_assert_eq!(usize::from(frame.offload.gso_size), size);
        prop_assert_eq!(usize::from(frame.offload.checksum_start), found.transport);
        prop_assert_eq!(usize::from(frame.offload.header_length), found.transport + 20);
        let mut segments = Vec::new();
        segments::split(&frame, &found, &mut FramePool::new(0), &mut segments);
        prop_assert_eq!(segments.len(), length.div_ceil(size));
        let mut payload = Vec::new();
        for segment in &segments {
            assert_checksums(segment.bytes());
            let parsed = layout(segment.bytes());
            prop_assert_eq!(parsed.addresses, to.addresses());
            prop_assert_eq!((parsed.source_port, parsed.destination_port), (1, 2));
            let start = if from.kind == Kind::Udp { parsed.transport + 8 } else { parsed.transport + 20 };
            payload.extend_from_slice(&segment.bytes()[start..parsed.end]);
        }
        prop_assert_eq!(payload, from.payload);
    }

    #[test]
    fn errors_are_those_that_would_have_been_built(
        from in recipe(), about: u8, source: [u8; 16], destination: [u8; 16], ports: (u16, u16),
    ) {
        // about TCP and UDP: echoes do not use endpoints
        let from = Recipe { kind: Kind::Error(about & 0x81), ..from };
        let bytes = from.build();
        let found = layout(&bytes);
        let Transport::IcmpError(quoted) = found.transport_header else { panic!("{found:?}") };
        let to = other(&from, source, destination, ports);
        let inner = Tuple { addresses: addresses(to.v6, destination, source), source_port: ports.1, destination_port: ports.0 };
        let mut frame = Frame::from_bytes(&bytes);
        let translated = error(&mut frame, &found, &quoted, to.addresses(), &inner).unwrap();
        prop_assert_eq!(frame.bytes(), &to.build()[..]);
        assert_checksums(frame.bytes());
        prop_assert_eq!((translated.transport, translated.end), (layout(frame.bytes()).transport, frame.len()));
    }

    #[test]
    fn no_layout_of_another_frame_does_harm(from in recipe(), layouts in recipe(), to in recipe(), cut in 0_usize..120) {
        let found = layout(&layouts.build());
        let bytes = from.build();
        let mut frame = Frame::from_bytes(&bytes[..cut.min(bytes.len())]);
        let _ = packet(&mut frame, &found, &tuple(&to), Manner { to_be_cut: true, identification: 1 });
        if let Transport::IcmpError(quoted) = found.transport_header {
            let mut frame = Frame::from_bytes(&bytes[..cut.min(bytes.len())]);
            let _ = error(&mut frame, &found, &quoted, to.addresses(), &tuple(&to));
        }
    }
}

#[test]
fn hop_limit_is_ttl_and_of_the_type_of_service_only_congestion_marks_go() {
    let mut bytes = sample(Kind::Tcp, false).build();
    (bytes[15], bytes[22]) = (0xb8 | 3, 17);
    as_fragment(&mut bytes, 0, 0x4000);
    let frame = translated(&bytes, &tuple(&sample(Kind::Tcp, true)), WHOLE).unwrap();
    assert_eq!(frame.bytes()[14..18], [0x60, 0x30, 0, 0], "version, traffic class with ECN alone, flow label 0");
    assert_eq!((frame.bytes()[18..20].to_vec(), frame.bytes()[21]), (vec![0, 28], 17), "payload length is total length less 20");
    let back = translated(frame.bytes(), &tuple(&sample(Kind::Tcp, false)), WHOLE).unwrap();
    assert_eq!((back.bytes()[15], back.bytes()[22]), (3, 17));
}

#[test]
fn a_datagram_without_checksum_gets_one() {
    let to = sample(Kind::Udp, true);
    let mut bytes = sample(Kind::Udp, false).build();
    set_u16_at(&mut bytes, 40, 0);
    assert_eq!(translated(&bytes, &tuple(&to), WHOLE).unwrap().bytes(), &to.build()[..]);
    as_fragment(&mut bytes, 7, 0x2000);
    assert_eq!(translated(&bytes, &tuple(&to), WHOLE).err(), Some(Reason::Unsupported), "nobody knows the rest of it");
}

#[test]
fn a_super_frame_of_datagrams_without_checksum_is_left_to_the_device() {
    let (from, to) = (sample(Kind::Udp, false), sample(Kind::Udp, true));
    let mut bytes = from.build();
    set_u16_at(&mut bytes, 40, 0);
    let mut frame = Frame::from_bytes(&bytes);
    frame.offload = Offload { gso: Gso::UdpSegments, gso_size: 4, ..Offload::default() };
    let found = packet(&mut frame, &layout(&bytes), &tuple(&to), WHOLE).unwrap();
    let mut segments = Vec::new();
    segments::split(&frame, &found, &mut FramePool::new(0), &mut segments);
    assert_eq!(segments.len(), 2);
    segments.iter().for_each(|segment| assert_checksums(segment.bytes()));
}

#[test]
fn fragments_stay_fragments_both_ways() {
    for (flags_and_offset, offset, more) in [(0x2000, 0, true), (0x2003, 24, true), (0x0003, 24, false)] {
        let mut bytes = sample(Kind::Tcp, false).build();
        bytes.truncate(bytes.len() - 4);
        set_u16_at(&mut bytes, 16, 44);
        as_fragment(&mut bytes, 0xbeef, flags_and_offset);
        let found = layout(&bytes);
        let mut frame = Frame::from_bytes(&bytes);
        let there = packet(&mut frame, &found, &tuple(&sample(Kind::Tcp, true)), WHOLE).unwrap();
        let chain = ipv6::walk(ipv6::FRAGMENT, &frame.bytes()[54..]).unwrap();
        assert_eq!(chain.fragment, Some(FragmentHeader { identification: 0xbeef, offset, more }));
        let behind = layout(frame.bytes());
        assert_eq!((behind.fragment, behind.transport, behind.end), (there.fragment, there.transport, there.end));
        // a later one names its protocol by its first, as the pipeline has it
        let mut again = frame;
        packet(&mut again, &there, &tuple(&sample(Kind::Tcp, false)), WHOLE).unwrap();
        assert_eq!(again.bytes(), &bytes[..], "offset {offset}");
    }
}

#[test]
fn extension_headers_behind_the_fragment_header_have_no_place_in_ipv4() {
    let whole = sample(Kind::Udp, true).build();
    let mut bytes = whole[..54].to_vec();
    bytes[20] = ipv6::FRAGMENT;
    bytes.extend([60, 0, 0, 1, 0, 0, 0, 9, protocol::UDP, 0, 1, 4, 0, 0, 0, 0]);
    bytes.extend_from_slice(&whole[54..]);
    let behind = bytes.len() - 54;
    set_u16_at(&mut bytes, 18, behind as u16);
    assert_eq!(translated(&bytes, &tuple(&sample(Kind::Udp, false)), WHOLE).err(), Some(Reason::Unsupported));
}

#[test]
fn what_will_be_cut_has_a_fragment_header_and_what_is_short_may_be_cut_in_ipv4() {
    let (from, to) = (sample(Kind::Udp, false), sample(Kind::Udp, true));
    let mut bytes = from.build();
    as_fragment(&mut bytes, 77, 0);
    let mut frame = Frame::from_bytes(&bytes);
    packet(&mut frame, &layout(&bytes), &tuple(&to), Manner { to_be_cut: true, identification: 0 }).unwrap();
    let header = ipv6::walk(frame.bytes()[20], &frame.bytes()[54..]).unwrap().fragment;
    assert_eq!(header, Some(FragmentHeader { identification: 77, offset: 0, more: false }));
    for (payload, dont_fragment) in [(1_232, false), (1_233, true)] {
        let long = Recipe { payload: vec![5; payload], ..to.clone() };
        let frame = translated(&long.build(), &tuple(&from), WHOLE).unwrap();
        assert_eq!(layout(frame.bytes()).dont_fragment, dont_fragment, "{payload}");
        assert_eq!(may_be_cut(payload + 48, &layout(&long.build())), !dont_fragment);
    }
}

#[test]
fn sizes_of_the_other_family() {
    let (v4, v6) = (layout(&sample(Kind::Udp, false).build()), layout(&sample(Kind::Udp, true).build()));
    assert_eq!((size_there(1480, &v4), size_there(1500, &v6)), (1500, 1480));
    let piece = Layout { fragment: Fragment::First { id: 1 }, ..v4 };
    assert_eq!(size_there(1480, &piece), 1508);
    assert_eq!((mtu_here(1500, &v4), mtu_here(1500, &v6), mtu_here(1000, &v6)), (1480, 1520, 1280));
}

#[test]
fn a_packet_too_long_for_ipv4_is_too_big() {
    let to = sample(Kind::Udp, false);
    let bytes = Recipe { payload: vec![0; 65_520], ..sample(Kind::Udp, true) }.build();
    assert_eq!(translated(&bytes, &tuple(&to), WHOLE).err(), Some(Reason::TooBig));
}

#[test]
fn options_and_extension_headers_are_left_behind() {
    let (v4, v6) = (sample(Kind::Udp, false), sample(Kind::Udp, true));
    let mut options = v4.build();
    options.splice(34..34, [1, 1, 1, 0]);
    options[14] = 0x46;
    set_u16_at(&mut options, 16, 40);
    as_fragment(&mut options, 0, 0x4000);
    set_u16_at(&mut options, 24, 0);
    let checksum = !sum(&options[14..38]);
    set_u16_at(&mut options, 24, checksum);
    assert_eq!(size_there(40, &layout(&options)), 56);
    assert_eq!(translated(&options, &tuple(&v6), WHOLE).unwrap().bytes(), &v6.build()[..]);
    let mut extended = v6.build();
    extended.splice(54..54, [protocol::UDP, 0, 1, 4, 0, 0, 0, 0]);
    extended[20] = 60;
    set_u16_at(&mut extended, 18, 24);
    assert_eq!(size_there(64, &layout(&extended)), 36);
    assert_eq!(translated(&extended, &tuple(&v4), WHOLE).unwrap().bytes(), &expected(&v4)[..]);
}

#[test]
fn what_has_no_ports_keeps_every_byte_behind_the_header() {
    let mut bytes = sample(Kind::Udp, false).build();
    bytes[23] = protocol::ESP;
    as_fragment(&mut bytes, 0, 0x4000);
    let there = translated(&bytes, &tuple(&sample(Kind::Udp, true)), WHOLE).unwrap();
    assert_eq!((there.bytes()[20], &there.bytes()[54..]), (protocol::ESP, &bytes[34..]));
}

#[test]
fn echoes_are_not_carried() {
    let bytes = sample(Kind::Request, false).build();
    assert_eq!(translated(&bytes, &tuple(&sample(Kind::Request, true)), WHOLE).err(), Some(Reason::Unsupported));
}

#[test]
fn an_error_with_a_wrong_checksum_gets_no_right_one() {
    let mut bytes = sample(Kind::Error(0), true).build();
    *bytes.last_mut().unwrap() ^= 1;
    let found = layout(&bytes);
    let Transport::IcmpError(quoted) = found.transport_header else { panic!("{found:?}") };
    let to = sample(Kind::Error(0), false);
    let refused = error(&mut Frame::from_bytes(&bytes), &found, &quoted, to.addresses(), &tuple(&to));
    assert_eq!(refused.err(), Some(Reason::MalformedTransport));
}

#[test]
fn an_error_is_no_longer_than_its_family_has_it() {
    for (v6, longest) in [(false, 1_280), (true, 576)] {
        let from = Recipe { payload: vec![7; 1_300], ..sample(Kind::Error(0x80), v6) };
        let bytes = from.build();
        let found = layout(&bytes);
        let Transport::IcmpError(quoted) = found.transport_header else { panic!("{found:?}") };
        let to = sample(Kind::Error(0), !v6);
        let mut frame = Frame::from_bytes(&bytes);
        error(&mut frame, &found, &quoted, to.addresses(), &tuple(&to)).unwrap();
        assert_eq!(frame.len(), 14 + longest);
        assert_checksums(frame.bytes());
    }
}
