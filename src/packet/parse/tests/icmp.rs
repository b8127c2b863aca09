use super::*;
use crate::wire::checksum::Sum;

#[test]
fn echo_identifiers_stand_in_for_ports() {
    for v6 in [false, true] {
        for (kind, reply) in [(Kind::Request, false), (Kind::Reply, true)] {
            let layout = ip(changed(kind, v6, |_| {}));
            assert_eq!(layout.transport_header, Transport::Echo { reply });
            assert_eq!((layout.source_port, layout.destination_port), (4000, 4000));
        }
    }
}

#[test]
fn other_messages_are_portless() {
    for kind in [4, 5, 13] {
        let layout = ip(changed(Kind::Request, false, |bytes| bytes[34] = kind));
        assert_eq!((layout.transport_header, layout.source_port), (Transport::OtherIcmp, 0), "type {kind}");
    }
    assert_eq!(ip(changed(Kind::Request, true, |bytes| bytes[54] = 139)).transport_header, Transport::OtherIcmp);
    assert_eq!(changed(Kind::Request, false, |bytes| bytes[IP + 3] = 27), Err(Reason::MalformedTransport));
}

fn quoted(about: u8, v6: bool) -> Quoted {
    match ip(changed(Kind::Error(about), v6, |_| {})).transport_header {
        Transport::IcmpError(quoted) => quoted,
        other => panic!("{other:?}"),
    }
}

#[test]
fn errors_tell_the_flow_that_they_are_about() {
    for v6 in [false, true] {
        let recipe = sample(Kind::Tcp, v6);
        let sent = recipe.quoted(0).addresses();
        let protocols = if v6 { [6, 17, 58, 58] } else { [6, 17, 1, 1] };
        for (about, protocol) in (0..).zip(protocols) {
            let found = quoted(about, v6);
            let ports = if about < 2 { (53, 4000) } else { (53, 53) };
            assert_eq!((found.addresses, found.protocol), (sent, protocol));
            assert_eq!((found.source_port, found.destination_port), ports);
            assert_eq!((found.network, found.transport), if v6 { (62, 102) } else { (42, 62) });
        }
    }
}

#[test]
fn a_quote_without_eight_transport_bytes_is_malformed() {
    let cut = |v6: bool, by: u8| {
        changed(Kind::Error(1), v6, |bytes| {
            let length = if v6 { IP + 5 } else { IP + 3 };
            bytes[length] -= by;
        })
    };
    for v6 in [false, true] {
        assert!(cut(v6, 0).is_ok());
        assert_eq!(cut(v6, 1), Err(Reason::MalformedTransport));
    }
}

#[test]
fn quotes_of_the_other_family_or_of_later_pieces_are_malformed() {
    assert_eq!(changed(Kind::Error(1), false, |bytes| bytes[42] = 0x65), Err(Reason::MalformedTransport));
    assert_eq!(changed(Kind::Error(1), false, |bytes| bytes[42] = 0x44), Err(Reason::MalformedTransport));
    assert_eq!(changed(Kind::Error(1), false, |bytes| bytes[49] = 1), Err(Reason::MalformedTransport));
    assert_eq!(changed(Kind::Error(1), true, |bytes| bytes[62] = 0x45), Err(Reason::MalformedTransport));
}

/// A message of neighbour discovery with a good checksum, as `change` leaves it.
fn neighbour(source: &str, destination: &str, message: &[u8], hop_limit: u8) -> Vec<u8> {
    let address = |text: &str| text.parse::<Ipv6Addr>().unwrap();
    let mut bytes = sample(Kind::Request, true).build();
    bytes.truncate(54);
    bytes[IP + 4..IP + 6].copy_from_slice(&(message.len() as u16).to_be_bytes());
    bytes[IP + 7] = hop_limit;
    bytes[IP + 8..IP + 24].copy_from_slice(&address(source).octets());
    bytes[IP + 24..IP + 40].copy_from_slice(&address(destination).octets());
    bytes.extend_from_slice(message);
    let mut sum = Sum::pseudo_header(address(source).into(), address(destination).into(), 58, message.len());
    sum.add_slice(message);
    bytes[56..58].copy_from_slice(&sum.checksum().to_be_bytes());
    bytes
}

const GROUP: &str = "ff02::1:ff00:4";

/// About fd00::4, with a link-layer address option of this kind.
fn message(kind: u8, flags: u8, option: Option<u8>) -> Vec<u8> {
    let mut bytes = vec![kind, 0, 0, 0, flags, 0, 0, 0];
    bytes.extend("fd00::4".parse::<Ipv6Addr>().unwrap().octets());
    if let Some(option) = option {
        bytes.extend([option, 1, 2, 3, 4, 5, 6, 7]);
    }
    bytes
}

fn found(bytes: &[u8]) -> Neighbour {
    match ip(parse(bytes, false)).transport_header {
        Transport::Neighbour(neighbour) => neighbour,
        other => panic!("{other:?}"),
    }
}

#[test]
fn neighbours_are_read() {
    let target = "fd00::4".parse().unwrap();
    let mac = Some([2, 3, 4, 5, 6, 7]);
    let asked = found(&neighbour("fd00::1", GROUP, &message(135, 0, Some(1)), 255));
    assert_eq!(asked, Neighbour::Solicitation { target, source_mac: mac });
    let probe = found(&neighbour("::", GROUP, &message(135, 0, None), 255));
    assert_eq!(probe, Neighbour::Solicitation { target, source_mac: None });
    let told = found(&neighbour("fd00::4", "fd00::1", &message(136, 0x60, Some(2)), 255));
    assert_eq!(told, Neighbour::Advertisement { target, target_mac: mac });
    let unasked = found(&neighbour("fd00::4", "ff02::1", &message(136, 0x20, Some(2)), 255));
    assert_eq!(unasked, Neighbour::Advertisement { target, target_mac: mac });
    assert_eq!(found(&neighbour("fe80::4", "ff02::2", &[133, 0, 0, 0, 0, 0, 0, 0], 255)), Neighbour::Other);
}

#[test]
fn neighbours_that_break_rfc_4861_are_malformed() {
    let ask = message(135, 0, None);
    let wrong = [
        neighbour("fd00::1", GROUP, &ask, 254),
        neighbour("fd00::1", GROUP, &ask[..20], 255),
        neighbour("fd00::1", GROUP, &[&ask[..], &[1, 0, 0, 0, 0, 0, 0, 0]].concat(), 255),
        neighbour("::", GROUP, &message(135, 0, Some(1)), 255),
        neighbour("::", "ff02::1:ff00:5", &ask, 255),
        neighbour("fd00::4", "ff02::1", &message(136, 0x40, Some(2)), 255),
        neighbour("fd00::1", GROUP, &[&[135, 1], &ask[2..]].concat(), 255),
    ];
    for (index, bytes) in wrong.iter().enumerate() {
        assert_eq!(parse(bytes, false), Err(Reason::MalformedTransport), "{index}");
    }
    let mut broken = neighbour("fd00::1", GROUP, &ask, 255);
    broken[56] ^= 1;
    assert_eq!(parse(&broken, false), Err(Reason::MalformedTransport), "checksum");
    assert!(parse(&broken, true).is_ok(), "checksum left to the device");
}

#[test]
fn icmpv6_to_a_group_is_unsupported_but_for_neighbours() {
    assert_eq!(parse(&neighbour("fd00::1", "ff02::1", &[128, 0, 0, 0, 0, 1, 0, 1], 255), false), Err(Reason::Unsupported));
    assert_eq!(parse(&neighbour("fe80::1", "ff02::16", &[143, 0, 0, 0, 0, 0, 0, 0], 1), false), Err(Reason::Unsupported));
}
