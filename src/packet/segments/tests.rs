use proptest::prelude::*;

use super::*;
use crate::packet::parse::Tcp;
use crate::packet::testing::{Kind, Recipe, assert_checksums, layout};

/// A super-frame as a TAP with offloads hands it in: checksum left to the device, all flags that only one segment keeps.
fn super_frame(recipe: &Recipe, size: u16) -> (Frame, Layout) {
    let mut bytes = recipe.build();
    let found = layout(&bytes);
    if recipe.kind == Kind::Tcp {
        bytes[found.transport + tcp::FLAGS] |= tcp::FIN | tcp::CWR;
    }
    let gso = match (recipe.kind, recipe.v6) {
        (Kind::Tcp, false) => Gso::Tcp4 { ecn: true },
        (Kind::Tcp, true) => Gso::Tcp6 { ecn: true },
        _ => Gso::UdpSegments,
    };
    let header_length = headers_end(&found).unwrap() as u16;
    let mut frame = Frame::from_bytes(&bytes);
    frame.offload = Offload { needs_checksum: true, gso, gso_size: size, header_length, ..Offload::default() };
    (frame, found)
}

prop_compose! {
    fn large()(
        v6: bool, tcp: bool, source: [u8; 16], destination: [u8; 16], ports: (u16, u16),
        payload in prop::collection::vec(any::<u8>(), 1..6000),
    ) -> Recipe {
        Recipe { v6, kind: if tcp { Kind::Tcp } else { Kind::Udp }, source, destination, ports, payload }
    }
}

fn tcp_of(bytes: &[u8]) -> Option<Tcp> {
    match layout(bytes).transport_header {
        Transport::Tcp(found) => Some(found),
        _ => None,
    }
}

proptest! {
    #[test]
    fn segments_are_ordinary_packets_that_hold_the_payload(recipe in large(), size in 1_u16..1500) {
        let (frame, found) = super_frame(&recipe, size.max(40));
        let headers = headers_end(&found).unwrap();
        let mut segments = Vec::new();
        split(&frame, &found, &mut FramePool::new(4), &mut segments);

        let mut payload = Vec::new();
        for (index, segment) in segments.iter().enumerate() {
            let bytes = segment.bytes();
            prop_assert_eq!(segment.offload, Offload::default());
            assert_checksums(bytes);
            let own = layout(bytes);
            prop_assert_eq!((own.addresses, own.source_port, own.destination_port), (found.addresses, found.source_port, found.destination_port));
            prop_assert_eq!(own.end, bytes.len());
            if !recipe.v6 {
                let id = u16_at(bytes, 18).unwrap();
                prop_assert_eq!(id, u16_at(frame.bytes(), 18).unwrap().wrapping_add(index as u16));
            }
            if let Some(tcp) = tcp_of(bytes) {
                prop_assert_eq!(tcp.sequence, 7_u32.wrapping_add(payload.len() as u32));
                prop_assert_eq!(tcp.flags & tcp::CWR != 0, index == 0);
                prop_assert_eq!(tcp.flags & (tcp::FIN | tcp::PSH) != 0, index == segments.len() - 1);
            }
            payload.extend_from_slice(&bytes[headers..]);
        }
        prop_assert_eq!(payload, recipe.payload);

        let wire: usize = segments.iter().map(Frame::len).sum();
        prop_assert_eq!(wire_size(&frame, Some(&found)), (segments.len() as u64, wire as u64));
        prop_assert_eq!(wire_size(&frame, None), (segments.len() as u64, wire as u64));
        let largest = segments.iter().map(|segment| segment.len() - 14).max().unwrap();
        prop_assert_eq!(largest_packet(&frame, &found), largest);
    }
}

fn sample(kind: Kind, v6: bool, payload: usize) -> Recipe {
    Recipe { v6, kind, source: [9; 16], destination: [8; 16], ports: (4000, 53), payload: vec![5; payload] }
}

#[test]
fn an_ordinary_frame_is_one_packet() {
    let bytes = sample(Kind::Tcp, false, 100).build();
    let frame = Frame::from_bytes(&bytes);
    assert_eq!(wire_size(&frame, Some(&layout(&bytes))), (1, 154));
    assert_eq!(largest_packet(&frame, &layout(&bytes)), 140);
    let mut out = Vec::new();
    split(&frame, &layout(&bytes), &mut FramePool::new(1), &mut out);
    assert_eq!(out.len(), 1);
    assert_eq!(out[0].bytes(), &bytes[..]);
}

#[test]
fn an_ordinary_frame_leaves_with_a_finished_checksum() {
    let bytes = sample(Kind::Tcp, false, 100).build();
    let mut frame = Frame::from_bytes(&bytes);
    let found = layout(&bytes);
    let sum = Sum::pseudo_header(found.addresses.source(), found.addresses.destination(), 6, 120);
    set_u16_at(frame.bytes_mut(), 50, sum.fold());
    frame.offload = Offload { needs_checksum: true, checksum_start: 34, checksum_offset: 16, ..Offload::default() };
    let mut out = Vec::new();
    split(&frame, &found, &mut FramePool::new(1), &mut out);
    assert_eq!(out[0].bytes(), &bytes[..]);
    assert_eq!(out[0].offload, Offload::default());
}

#[test]
fn datagrams_without_checksum_stay_without() {
    let (mut frame, found) = super_frame(&sample(Kind::Udp, false, 100), 60);
    set_u16_at(frame.bytes_mut(), 40, 0);
    frame.offload.needs_checksum = false;
    let mut out = Vec::new();
    split(&frame, &found, &mut FramePool::new(1), &mut out);
    assert_eq!(out.iter().map(|segment| u16_at(segment.bytes(), 40)).collect::<Vec<_>>(), [Some(0), Some(0)]);
}

#[test]
fn segments_show_addresses_given_since_the_parse() {
    let (mut frame, found) = super_frame(&sample(Kind::Tcp, false, 100), 60);
    let changed = crate::packet::testing::addresses(false, [3; 16], [4; 16]);
    let to = crate::packet::rewrite::Tuple { addresses: changed, source_port: 1, destination_port: 2 };
    crate::packet::rewrite::apply(&mut frame, &found, &to);
    let mut out = Vec::new();
    split(&frame, &found, &mut FramePool::new(1), &mut out);
    assert_eq!(out.len(), 2);
    for segment in &out {
        assert_checksums(segment.bytes());
        assert_eq!(layout(segment.bytes()).addresses, changed);
    }
}

#[test]
fn a_super_frame_of_size_zero_counts_as_one_packet() {
    let (frame, found) = super_frame(&sample(Kind::Tcp, true, 100), 0);
    assert_eq!(wire_size(&frame, Some(&found)).0, 1);
    assert_eq!(largest_packet(&frame, &found), frame.len() - 14);
    let mut out = Vec::new();
    split(&frame, &found, &mut FramePool::new(1), &mut out);
    assert_eq!(out.len(), 1);
}
