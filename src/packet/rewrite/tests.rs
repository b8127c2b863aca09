use proptest::prelude::*;

use super::*;
use crate::packet::Offload;
use crate::packet::parse::Transport;
use crate::packet::testing::{Kind, Recipe, addresses, assert_checksums, layout, recipe};
use crate::wire::checksum::Sum;
use crate::wire::u16_at;

/// The frame that etherparse builds with the changed addresses and ports.
fn expected(from: &Recipe, source: [u8; 16], destination: [u8; 16], ports: (u16, u16)) -> Vec<u8> {
    let ports = if from.kind == Kind::Reply { (ports.1, ports.1) } else { ports };
    Recipe { source, destination, ports, ..from.clone() }.build()
}

/// What a sender with offloads gives: a transport checksum field that holds the pseudo-header sum.
fn left_to_device(bytes: &[u8], found: &Layout) -> Frame {
    let mut frame = Frame::from_bytes(bytes);
    let offset = packet::checksum_offset(found.protocol).unwrap();
    let length = found.end - found.transport;
    let sum = Sum::pseudo_header(found.addresses.source(), found.addresses.destination(), found.protocol, length);
    set_u16_at(frame.bytes_mut(), found.transport + offset, sum.fold());
    let (checksum_start, checksum_offset) = (found.transport as u16, offset as u16);
    frame.offload = Offload { needs_checksum: true, checksum_start, checksum_offset, ..Offload::default() };
    frame
}

fn plain() -> impl Strategy<Value = Recipe> {
    recipe().prop_filter("no errors", |recipe| !matches!(recipe.kind, Kind::Error(_)))
}

proptest! {
    #[test]
    fn apply_makes_the_frame_that_would_have_been_built(
        from in plain(), source: [u8; 16], destination: [u8; 16], ports: (u16, u16),
    ) {
        let bytes = from.build();
        let to = Tuple { addresses: addresses(from.v6, source, destination), source_port: ports.0, destination_port: ports.1 };
        let mut frame = Frame::from_bytes(&bytes);
        apply(&mut frame, &layout(&bytes), &to);
        prop_assert_eq!(frame.bytes(), &expected(&from, source, destination, ports)[..]);
    }

    #[test]
    fn apply_twice_under_one_layout_goes_back(from in plain(), source: [u8; 16], destination: [u8; 16], ports: (u16, u16)) {
        let bytes = from.build();
        let found = layout(&bytes);
        let to = Tuple { addresses: addresses(from.v6, source, destination), source_port: ports.0, destination_port: ports.1 };
        let back = Tuple { addresses: found.addresses, source_port: found.source_port, destination_port: found.destination_port };
        let mut frame = Frame::from_bytes(&bytes);
        apply(&mut frame, &found, &to);
        apply(&mut frame, &found, &back);
        prop_assert_eq!(frame.bytes(), &bytes[..]);
    }

    #[test]
    fn a_checksum_left_to_the_device_completes_to_the_right_one(
        from in plain(), source: [u8; 16], destination: [u8; 16], ports: (u16, u16),
    ) {
        prop_assume!(matches!(from.kind, Kind::Tcp | Kind::Udp));
        let bytes = from.build();
        let found = layout(&bytes);
        let mut frame = left_to_device(&bytes, &found);
        let to = Tuple { addresses: addresses(from.v6, source, destination), source_port: ports.0, destination_port: ports.1 };
        apply(&mut frame, &found, &to);
        complete_checksum(&mut frame);
        prop_assert!(!frame.offload.needs_checksum);
        prop_assert_eq!(frame.bytes(), &expected(&from, source, destination, ports)[..]);
    }

    #[test]
    fn errors_are_translated_with_what_they_quote(
        from in recipe(), about: u8, source: [u8; 16], destination: [u8; 16], ports: (u16, u16),
    ) {
        let from = Recipe { kind: Kind::Error(about), ..from };
        let bytes = from.build();
        let found = layout(&bytes);
        let Transport::IcmpError(quoted) = found.transport_header else { panic!("{found:?}") };
        let outer = addresses(from.v6, source, destination);
        let inner = Tuple { addresses: addresses(from.v6, destination, source), source_port: ports.1, destination_port: ports.0 };
        let mut frame = Frame::from_bytes(&bytes);
        apply_quoted(&mut frame, &found, &quoted, outer, &inner);
        // the recipe's quote is the recipe reversed; an echo reply's identifier follows the destination port
        let ports = if from.quoted(about).kind == Kind::Reply { (ports.0, ports.0) } else { ports };
        let expected = Recipe { source, destination, ports, ..from }.build();
        prop_assert_eq!(frame.bytes(), &expected[..]);
        assert_checksums(frame.bytes());
    }

    #[test]
    fn a_wrong_checksum_stays_wrong(from in plain(), source: [u8; 16], destination: [u8; 16], flip in 1_u8..=255) {
        let mut bytes = from.build();
        let found = layout(&bytes);
        let field = found.transport + packet::checksum_offset(found.protocol).unwrap();
        bytes[field] ^= flip;
        prop_assume!(from.kind != Kind::Udp || u16_of(&bytes, field) != 0);
        let to = Tuple { addresses: addresses(from.v6, source, destination), source_port: 1, destination_port: 1 };
        let mut frame = Frame::from_bytes(&bytes);
        apply(&mut frame, &found, &to);
        prop_assert_ne!(frame.bytes(), &expected(&from, source, destination, (1, 1))[..]);
    }

    #[test]
    fn ttl_goes_down_by_one(from in recipe()) {
        let bytes = from.build();
        let mut frame = Frame::from_bytes(&bytes);
        decrement_ttl(&mut frame, &layout(&bytes));
        prop_assert_eq!(layout(frame.bytes()).ttl, 63);
        assert_checksums(frame.bytes());
    }

    #[test]
    fn no_layout_of_another_frame_does_harm(from in recipe(), other in recipe(), cut in 0_usize..120) {
        let found = layout(&other.build());
        let bytes = from.build();
        let to = Tuple { addresses: other.addresses(), source_port: 1, destination_port: 2 };
        let mut frame = Frame::from_bytes(&bytes[..cut.min(bytes.len())]);
        let length = frame.len();
        apply(&mut frame, &found, &to);
        decrement_ttl(&mut frame, &found);
        if let Transport::IcmpError(quoted) = found.transport_header {
            apply_quoted(&mut frame, &found, &quoted, to.addresses, &to);
        }
        frame.offload = Offload { needs_checksum: true, checksum_start: found.end as u16, checksum_offset: 16, ..Offload::default() };
        complete_checksum(&mut frame);
        prop_assert_eq!(frame.len(), length);
    }
}

fn u16_of(bytes: &[u8], at: usize) -> u16 {
    u16_at(bytes, at).unwrap()
}

fn sample(kind: Kind, v6: bool) -> Recipe {
    Recipe { v6, kind, source: [9; 16], destination: [8; 16], ports: (4000, 53), payload: vec![1, 2, 3] }
}

fn away(from: &Recipe) -> Tuple {
    Tuple { addresses: addresses(from.v6, [77; 16], [66; 16]), source_port: 1, destination_port: 2 }
}

#[test]
fn udp_without_checksum_stays_without() {
    let from = sample(Kind::Udp, false);
    let mut bytes = from.build();
    set_u16_at(&mut bytes, 40, 0);
    let mut frame = Frame::from_bytes(&bytes);
    apply(&mut frame, &layout(&bytes), &away(&from));
    assert_eq!(u16_at(frame.bytes(), 40), Some(0));
    assert_eq!(layout(frame.bytes()).source_port, 1);
}

#[test]
fn udp_whose_checksum_becomes_zero_is_sent_as_ones() {
    let from = sample(Kind::Udp, false);
    let bytes = from.build();
    let zeroing = (0..=u16::MAX).find(|port| {
        let mut frame = Frame::from_bytes(&bytes);
        apply(&mut frame, &layout(&bytes), &Tuple { addresses: from.addresses(), source_port: *port, destination_port: 53 });
        u16_at(frame.bytes(), 40) == Some(0xffff)
    });
    let port = zeroing.expect("one of all ports makes the sum 0");
    assert_checksums(&Recipe { ports: (port, 53), ..from }.build());
}

#[test]
fn later_fragments_keep_their_payload() {
    let from = sample(Kind::Udp, false);
    let mut bytes = from.build();
    set_u16_at(&mut bytes, 20, 0x0005);
    set_u16_at(&mut bytes, 24, 0);
    let checksum = !sum(&bytes[14..34]);
    set_u16_at(&mut bytes, 24, checksum);
    let found = layout(&bytes);
    assert_eq!(found.transport_header, Transport::Unseen);
    let mut frame = Frame::from_bytes(&bytes);
    apply(&mut frame, &found, &away(&from));
    assert_eq!(frame.bytes()[34..], bytes[34..]);
    assert_eq!(layout(frame.bytes()).addresses, away(&from).addresses);
}

#[test]
fn addresses_of_the_other_family_change_nothing() {
    for v6 in [false, true] {
        let bytes = sample(Kind::Tcp, v6).build();
        let mut frame = Frame::from_bytes(&bytes);
        apply(&mut frame, &layout(&bytes), &away(&sample(Kind::Tcp, !v6)));
        assert_eq!(frame.bytes(), &bytes[..]);
    }
}

#[test]
fn a_checksum_that_starts_elsewhere_is_not_the_transports() {
    let from = sample(Kind::Tcp, false);
    let bytes = from.build();
    let mut frame = Frame::from_bytes(&bytes);
    frame.offload = Offload { needs_checksum: true, checksum_start: 36, checksum_offset: 14, ..Offload::default() };
    apply(&mut frame, &layout(&bytes), &away(&from));
    assert_checksums(frame.bytes());
}

#[test]
fn macs_are_set() {
    let mut frame = Frame::from_bytes(&sample(Kind::Tcp, false).build());
    set_macs(&mut frame, [1; 6], [4; 6]);
    assert_eq!(frame.bytes()[..12], [1, 1, 1, 1, 1, 1, 4, 4, 4, 4, 4, 4]);
}

#[test]
fn a_ttl_of_zero_stays() {
    let mut bytes = sample(Kind::Tcp, true).build();
    let found = layout(&bytes);
    bytes[14 + ipv6::HOP_LIMIT] = 0;
    let mut frame = Frame::from_bytes(&bytes);
    decrement_ttl(&mut frame, &found);
    assert_eq!(frame.bytes(), &bytes[..]);
}
