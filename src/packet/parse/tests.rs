//! One test for each rule here; agreement with etherparse in [`oracle`]; fragments, ICMP and neighbours beside it.

mod fragments;
mod icmp;
mod oracle;

use super::*;
use crate::packet::testing::{Kind, Recipe};
use crate::wire::checksum::sum;

/// Where the IP header starts.
const IP: usize = 14;

fn sample(kind: Kind, v6: bool) -> Recipe {
    Recipe { v6, kind, source: [9; 16], destination: [8; 16], ports: (4000, 53), payload: vec![1, 2, 3] }
}

/// Makes the IPv4 header checksum right again.
fn seal(bytes: &mut [u8]) {
    let end = (IP + usize::from(bytes[IP] & 0x0f) * 4).min(bytes.len());
    bytes[IP + 10..IP + 12].fill(0);
    let checksum = !sum(&bytes[IP..end]);
    bytes[IP + 10..IP + 12].copy_from_slice(&checksum.to_be_bytes());
}

/// The sample with `change` made to it and the header checksum set right.
fn changed(kind: Kind, v6: bool, change: impl FnOnce(&mut Vec<u8>)) -> Result<Parsed, Reason> {
    let mut bytes = sample(kind, v6).build();
    change(&mut bytes);
    if !v6 {
        seal(&mut bytes);
    }
    parse(&bytes, false)
}

fn ip(parsed: Result<Parsed, Reason>) -> Layout {
    match parsed {
        Ok(Parsed::Ip(layout)) => layout,
        other => panic!("{other:?}"),
    }
}

#[test]
fn ethernet_must_be_whole_and_from_one_sender() {
    let bytes = sample(Kind::Tcp, false).build();
    for end in 0..14 {
        assert_eq!(parse(&bytes[..end], false), Err(Reason::MalformedEthernet), "{end} bytes");
    }
    assert_eq!(changed(Kind::Tcp, false, |bytes| bytes[6] |= 1), Err(Reason::MalformedEthernet));
}

#[test]
fn other_ethertypes_are_unsupported() {
    for ethertype in [0_u16, 60, 0x05ff, 0x8100, 0x88a8, 0x9100, 0x88cc, 0x8847, 0xffff] {
        let parsed = changed(Kind::Tcp, false, |bytes| bytes[12..14].copy_from_slice(&ethertype.to_be_bytes()));
        assert_eq!(parsed, Err(Reason::Unsupported), "{ethertype:#06x}");
    }
}

#[test]
fn ethernet_padding_is_not_the_packets() {
    let layout = ip(changed(Kind::Udp, false, |bytes| bytes.resize(60, 0xaa)));
    assert_eq!((layout.network, layout.transport, layout.end), (14, 34, 45));
}

#[test]
fn ipv4_lengths_version_and_checksum_are_checked() {
    let wrong: [fn(&mut Vec<u8>); 6] = [
        |bytes| bytes[IP] = 0x65,
        |bytes| bytes[IP] = 0x44,
        |bytes| bytes[IP + 3] = 19,
        |bytes| bytes[IP + 3] += 1,
        |bytes| bytes.truncate(33),
        |bytes| bytes[IP] = 0x4f,
    ];
    for (index, change) in wrong.into_iter().enumerate() {
        assert_eq!(changed(Kind::Udp, false, change), Err(Reason::MalformedIpv4), "change {index}");
    }
    let mut bytes = sample(Kind::Udp, false).build();
    bytes[IP + 8] -= 1;
    assert_eq!(parse(&bytes, false), Err(Reason::MalformedIpv4), "checksum");
}

/// Puts four bytes of options into the header.
fn with_options(options: [u8; 4]) -> impl FnOnce(&mut Vec<u8>) {
    move |bytes| {
        bytes.splice(34..34, options);
        bytes[IP] = 0x46;
        bytes[IP + 3] += 4;
    }
}

#[test]
fn ipv4_options_are_read() {
    let layout = ip(changed(Kind::Udp, false, with_options([1, 1, 1, 0])));
    assert_eq!((layout.transport, layout.source_port), (38, 4000));
    assert_eq!(changed(Kind::Udp, false, with_options([131, 4, 4, 0])), Err(Reason::Unsupported));
    assert_eq!(changed(Kind::Udp, false, with_options([7, 9, 0, 0])), Err(Reason::MalformedIpv4));
}

#[test]
fn ipv6_length_and_version_are_checked() {
    assert_eq!(changed(Kind::Udp, true, |bytes| bytes[IP] = 0x45), Err(Reason::MalformedIpv6));
    assert_eq!(changed(Kind::Udp, true, |bytes| bytes[IP + 5] += 1), Err(Reason::MalformedIpv6));
    assert_eq!(changed(Kind::Udp, true, |bytes| bytes.truncate(53)), Err(Reason::MalformedIpv6));
}

fn between_v4(source: [u8; 4], destination: [u8; 4]) -> Option<Reason> {
    changed(Kind::Udp, false, |bytes| bytes[IP + 12..IP + 20].copy_from_slice(&[source, destination].concat())).err()
}

#[test]
fn ipv4_addresses_that_are_never_on_a_wire() {
    let (host, other) = ([10, 1, 1, 4], [10, 1, 1, 5]);
    assert_eq!(between_v4(host, other), None);
    for source in [[0, 0, 0, 0], [127, 0, 0, 1], [224, 0, 0, 1], [239, 1, 1, 1], [255, 255, 255, 255]] {
        assert_eq!(between_v4(source, other), Some(Reason::MalformedIpv4), "from {source:?}");
    }
    for destination in [[127, 0, 0, 1], [0, 0, 0, 0]] {
        assert_eq!(between_v4(host, destination), Some(Reason::MalformedIpv4), "to {destination:?}");
    }
    for destination in [[224, 0, 0, 251], [255, 255, 255, 255]] {
        assert_eq!(between_v4(host, destination), Some(Reason::Unsupported), "to {destination:?}");
        assert_eq!(between_v4([0; 4], destination), Some(Reason::Unsupported), "without address to {destination:?}");
    }
}

fn between_v6(source: &str, destination: &str) -> Option<Reason> {
    let octets = |text: &str| text.parse::<Ipv6Addr>().unwrap().octets();
    changed(Kind::Udp, true, |bytes| bytes[IP + 8..IP + 40].copy_from_slice(&[octets(source), octets(destination)].concat())).err()
}

#[test]
fn ipv6_addresses_that_are_never_on_a_wire() {
    assert_eq!(between_v6("fd00::4", "fd00::5"), None);
    for source in ["::", "::1", "ff02::1"] {
        assert_eq!(between_v6(source, "fd00::5"), Some(Reason::MalformedIpv6), "from {source}");
    }
    assert_eq!(between_v6("fd00::4", "::1"), Some(Reason::MalformedIpv6));
    assert_eq!(between_v6("fd00::4", "::"), Some(Reason::MalformedIpv6));
    assert_eq!(between_v6("fe80::4", "ff02::fb"), Some(Reason::Unsupported));
    assert_eq!(between_v6("::", "ff02::16"), Some(Reason::Unsupported));
}

#[test]
fn protocols_that_are_not_carried_are_unsupported() {
    for protocol in [0, 2, 4, 41, 47, 58, 132, 255] {
        assert_eq!(changed(Kind::Udp, false, |bytes| bytes[IP + 9] = protocol), Err(Reason::Unsupported), "IPv4 {protocol}");
    }
    for protocol in [1, 2, 4, 41, 47, 59, 132, 135, 255] {
        assert_eq!(changed(Kind::Udp, true, |bytes| bytes[IP + 6] = protocol), Err(Reason::Unsupported), "IPv6 {protocol}");
    }
}

#[test]
fn esp_and_ah_are_portless() {
    for protocol in [50, 51] {
        let layouts = [
            ip(changed(Kind::Udp, false, |bytes| bytes[IP + 9] = protocol)),
            ip(changed(Kind::Udp, true, |bytes| bytes[IP + 6] = protocol)),
        ];
        for layout in layouts {
            assert_eq!((layout.transport_header, layout.protocol), (Transport::Portless, protocol));
            assert_eq!((layout.source_port, layout.destination_port), (0, 0));
        }
    }
}

#[test]
fn tcp_offset_and_flags_are_checked() {
    let set = |at: usize, value: u8| changed(Kind::Tcp, false, |bytes| bytes[34 + at] = value);
    assert_eq!(set(12, 0x40), Err(Reason::MalformedTransport), "offset below 5");
    assert_eq!(set(12, 0x60), Err(Reason::MalformedTransport), "offset behind the end");
    for flags in [0, 1, 3, 6, 0x29, 0xff] {
        assert_eq!(set(13, flags), Err(Reason::MalformedTransport), "flags {flags:#04x}");
    }
    let layout = ip(set(13, 0x12));
    assert_eq!(layout.transport_header, Transport::Tcp(Tcp { flags: 0x12, sequence: 7, acknowledgement: 9, payload: 54 }));
    assert_eq!(changed(Kind::Tcp, false, |bytes| bytes[IP + 3] = 39), Err(Reason::MalformedTransport), "19 bytes");
}

#[test]
fn udp_length_is_checked() {
    let length = |value: u8| changed(Kind::Udp, false, |bytes| bytes[34 + 5] = value).map(|_| ());
    assert_eq!(length(7), Err(Reason::MalformedTransport));
    assert_eq!(length(8), Ok(()), "shorter than the packet, as in a super-frame");
    assert_eq!(length(11), Ok(()));
    assert_eq!(length(12), Err(Reason::MalformedTransport));
    assert_eq!(changed(Kind::Udp, false, |bytes| bytes[IP + 3] = 27), Err(Reason::MalformedTransport), "7 bytes");
}

fn arp(change: impl FnOnce(&mut [u8; 28])) -> Result<Parsed, Reason> {
    let mut body = [0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 10, 1, 1, 4, 0, 0, 0, 0, 0, 0, 10, 1, 1, 1];
    change(&mut body);
    let mut frame = vec![0xff; 6];
    frame.extend([2, 0, 0, 0, 0, 1, 8, 6]);
    frame.extend(body);
    frame.resize(60, 0);
    parse(&frame, false)
}

#[test]
fn arp_is_read() {
    let expected =
        Arp { request: true, sender_mac: [2, 0, 0, 0, 0, 1], sender: Ipv4Addr::new(10, 1, 1, 4), target: Ipv4Addr::new(10, 1, 1, 1) };
    assert_eq!(arp(|_| {}), Ok(Parsed::Arp(expected)));
    assert_eq!(arp(|body| body[7] = 2), Ok(Parsed::Arp(Arp { request: false, ..expected })));
    let probe = Arp { sender: Ipv4Addr::UNSPECIFIED, ..expected };
    assert_eq!(arp(|body| body[14..18].fill(0)), Ok(Parsed::Arp(probe)), "RFC 5227 probe");
}

#[test]
fn arp_for_other_networks_is_unsupported_and_contradictions_are_malformed() {
    for (at, value) in [(1, 6), (2, 0x86), (7, 3), (7, 0)] {
        assert_eq!(arp(|body| body[at] = value), Err(Reason::Unsupported), "byte {at}");
    }
    for (at, value) in [(4, 8), (5, 16), (8, 1), (14, 127), (14, 224)] {
        assert_eq!(arp(|body| body[at] = value), Err(Reason::MalformedIpv4), "byte {at}");
    }
    let mut short = vec![0xff; 6];
    short.extend([2, 0, 0, 0, 0, 1, 8, 6]);
    short.extend([0; 27]);
    assert_eq!(parse(&short, false), Err(Reason::MalformedIpv4));
}
