use etherparse::{NetSlice, SlicedPacket, TransportSlice};
use proptest::prelude::*;

use super::super::testing::{CLIENT_MAC, addresses, layout, udp};
use super::super::{GATEWAY_MAC, testing};
use super::*;
use crate::packet::parse::{Neighbour, Quoted};

const GATEWAY_V4: &str = "10.1.1.1";
const GATEWAY_V6: &str = "fd00:1::1";

fn v4() -> Addresses {
    addresses("10.1.1.4", "198.51.100.20")
}

fn v6() -> Addresses {
    addresses("fd00:1::4", "fd00:2::9")
}

fn ask(frame: &[u8], layout: &Layout, error: Error, from: &str) -> Option<Frame> {
    let mut into = Frame::new();
    icmp_error(frame, layout, error, from.parse().unwrap(), &mut into).then_some(into)
}

/// Type, code, bytes 5 to 8 and quote of an error to the client, checksums verified.
fn dissect(frame: &Frame) -> (u8, u8, [u8; 4], Vec<u8>) {
    assert_eq!(frame.bytes()[..12], [CLIENT_MAC, GATEWAY_MAC].concat());
    let packet = SlicedPacket::from_ethernet(frame.bytes()).unwrap();
    let (message, expected_source) = match (packet.net.unwrap(), packet.transport.unwrap()) {
        (NetSlice::Ipv4(ip), TransportSlice::Icmpv4(icmp)) => {
            assert!(frame.len() <= 14 + 576);
            let header = ip.header();
            assert_eq!(header.header_checksum(), header.to_header().calc_header_checksum());
            assert_eq!(header.destination_addr().to_string(), "10.1.1.4");
            let message = icmp.slice().to_vec();
            assert_eq!(etherparse::checksum::Sum16BitWords::new().add_slice(&message).ones_complement(), 0);
            (message, header.source_addr().to_string() == GATEWAY_V4)
        }
        (NetSlice::Ipv6(ip), TransportSlice::Icmpv6(icmp)) => {
            assert!(frame.len() <= 14 + 1_280);
            let header = ip.header();
            assert!(icmp.is_checksum_valid(header.source(), header.destination()));
            assert_eq!(header.destination_addr().to_string(), "fd00:1::4");
            (icmp.slice().to_vec(), header.source_addr().to_string() == GATEWAY_V6)
        }
        other => panic!("not ICMP: {other:?}"),
    };
    assert!(expected_source);
    (message[0], message[1], *message[4..].first_chunk().unwrap(), message[8..].to_vec())
}

#[test]
fn each_error_has_its_type_and_code_in_both_families() {
    let cases = [
        (Error::TimeExceeded, (11, 0, [0; 4]), (3, 0, [0; 4])),
        (Error::FragmentationNeeded { mtu: 1_400 }, (3, 4, [0, 0, 5, 120]), (2, 0, [0, 0, 5, 120])),
        (Error::PortUnreachable, (3, 3, [0; 4]), (1, 4, [0; 4])),
        (Error::AdministrativelyProhibited, (3, 13, [0; 4]), (1, 1, [0; 4])),
    ];
    for (error, in_v4, in_v6) in cases {
        for (addresses, from, expected) in [(v4(), GATEWAY_V4, in_v4), (v6(), GATEWAY_V6, in_v6)] {
            let frame = udp(addresses, b"question");
            let (kind, code, rest, quote) = dissect(&ask(&frame, &layout(&frame), error, from).unwrap());
            assert_eq!((kind, code, rest), expected, "{error:?}");
            assert_eq!(quote, frame[14..], "a small packet is quoted whole, as it was sent");
        }
    }
}

#[test]
fn ethernet_padding_is_not_quoted() {
    let mut frame = udp(v4(), b"x");
    let whole = frame.len();
    frame.resize(60, 0xee);
    let error = ask(&frame, &layout(&frame), Error::TimeExceeded, GATEWAY_V4).unwrap();
    assert_eq!(dissect(&error).3, frame[14..whole]);
}

#[test]
fn an_ipv4_error_goes_with_network_control_precedence() {
    let frame = udp(v4(), b"x");
    let error = ask(&frame, &layout(&frame), Error::TimeExceeded, GATEWAY_V4).unwrap();
    assert_eq!(error.bytes()[15], 0xc0);
}

#[test]
fn nothing_that_must_not_be_answered_is() {
    let frame = udp(v4(), b"x");
    let good = layout(&frame);
    let quoted = Quoted { network: 42, transport: 62, addresses: v4(), protocol: 17, source_port: 1, destination_port: 2 };
    let target = "fd00:1::1".parse().unwrap();
    let refused = [
        Layout { transport_header: Transport::IcmpError(quoted), ..good },
        Layout { transport_header: Transport::Neighbour(Neighbour::Solicitation { target, source_mac: None }), ..good },
        Layout { fragment: Fragment::Later { id: 7, last: false }, transport_header: Transport::Unseen, ..good },
        Layout { addresses: addresses("0.0.0.0", "198.51.100.20"), ..good },
        Layout { addresses: addresses("127.0.0.1", "198.51.100.20"), ..good },
        Layout { addresses: addresses("224.0.0.1", "198.51.100.20"), ..good },
        Layout { addresses: addresses("255.255.255.255", "198.51.100.20"), ..good },
        Layout { addresses: addresses("10.1.1.4", "239.1.1.1"), ..good },
        Layout { addresses: addresses("10.1.1.4", "255.255.255.255"), ..good },
        Layout { addresses: addresses("::", "fd00:2::9"), ..good },
        Layout { addresses: addresses("ff02::1", "fd00:2::9"), ..good },
        Layout { addresses: addresses("fd00:1::4", "ff02::1"), ..good },
        Layout { end: frame.len() + 1, ..good },
    ];
    for layout in refused {
        for from in [GATEWAY_V4, GATEWAY_V6] {
            assert!(ask(&frame, &layout, Error::TimeExceeded, from).is_none(), "{layout:?}");
        }
    }
    assert!(ask(&frame, &good, Error::TimeExceeded, GATEWAY_V6).is_none(), "our address is of the other family");
    let mut group = frame.clone();
    group[0] = 0x01;
    assert!(ask(&group, &good, Error::TimeExceeded, GATEWAY_V4).is_none(), "sent to many");
    assert!(ask(&frame[..10], &good, Error::TimeExceeded, GATEWAY_V4).is_none(), "cut short");
    assert!(ask(&frame, &good, Error::TimeExceeded, GATEWAY_V4).is_some());
}

#[test]
fn errors_that_the_parser_could_not_read_are_known_by_their_type() {
    for (kind, answered) in [(3, false), (5, false), (11, false), (12, false), (13, true), (17, true)] {
        let mut frame = udp(v4(), b"x");
        frame[34] = kind;
        let layout = Layout { protocol: 1, transport_header: Transport::OtherIcmp, ..layout(&frame) };
        assert_eq!(ask(&frame, &layout, Error::TimeExceeded, GATEWAY_V4).is_some(), answered, "type {kind}");
    }
    for (kind, answered) in [(1, false), (4, false), (127, false), (137, false), (130, true)] {
        let mut frame = udp(v6(), b"x");
        frame[54] = kind;
        let layout = Layout { protocol: 58, transport_header: Transport::OtherIcmp, ..layout(&frame) };
        assert_eq!(ask(&frame, &layout, Error::TimeExceeded, GATEWAY_V6).is_some(), answered, "type {kind}");
    }
}

proptest! {
    #[test]
    fn a_quote_is_a_prefix_of_the_packet_and_as_long_as_allowed(length in 0_usize..3_000, six: bool) {
        let (addresses, from, longest) = if six { (v6(), GATEWAY_V6, 1_280 - 48) } else { (v4(), GATEWAY_V4, 576 - 28) };
        let frame = testing::udp(addresses, &vec![0x5a; length]);
        let error = ask(&frame, &layout(&frame), Error::FragmentationNeeded { mtu: 1_300 }, from).unwrap();
        let quote = dissect(&error).3;
        prop_assert_eq!(&quote[..], &frame[14..14 + longest.min(frame.len() - 14)]);
    }
}
