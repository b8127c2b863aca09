use super::*;

/// A UDP (or TCP) packet over IPv4 with these fragment bits and as many bytes behind the IP header.
fn v4(kind: Kind, word: u16, payload: usize) -> Result<Parsed, Reason> {
    changed(kind, false, |bytes| {
        bytes.resize(34 + payload, 0);
        bytes[IP + 2..IP + 4].copy_from_slice(&(20 + payload as u16).to_be_bytes());
        bytes[IP + 4..IP + 6].copy_from_slice(&[0x12, 0x34]);
        bytes[IP + 6..IP + 8].copy_from_slice(&word.to_be_bytes());
    })
}

/// The same over IPv6, with a fragment header.
fn v6(kind: Kind, word: u16, payload: usize) -> Result<Parsed, Reason> {
    changed(kind, true, |bytes| {
        let [high, low] = word.to_be_bytes();
        bytes.splice(54..54, [bytes[IP + 6], 0, high, low, 0, 0, 0x12, 0x34]);
        bytes[IP + 6] = 44;
        bytes.resize(62 + payload, 0);
        bytes[IP + 4..IP + 6].copy_from_slice(&(8 + payload as u16).to_be_bytes());
    })
}

const MORE: u16 = 0x2000;

#[test]
fn pieces_are_told_apart() {
    assert_eq!(ip(v4(Kind::Udp, 0x4000, 11)).fragment, Fragment::Whole);
    assert!(ip(v4(Kind::Udp, 0x4000, 11)).dont_fragment);
    let first = ip(v4(Kind::Udp, MORE, 16));
    assert_eq!((first.fragment, first.transport_header), (Fragment::First { id: 0x1234 }, Transport::Udp));
    assert_eq!((first.source_port, first.destination_port), (4000, 53));
    for (word, last) in [(MORE | 2, false), (2, true)] {
        let later = ip(v4(Kind::Udp, word, 16));
        assert_eq!((later.fragment, later.transport_header), (Fragment::Later { id: 0x1234, last }, Transport::Unseen));
        assert_eq!((later.source_port, later.destination_port, later.protocol), (0, 0, 17));
    }
}

#[test]
fn ipv6_pieces_are_told_apart() {
    assert_eq!(ip(v6(Kind::Udp, 0, 11)).fragment, Fragment::Whole, "atomic fragment");
    let first = ip(v6(Kind::Udp, 1, 16));
    assert_eq!((first.fragment, first.transport, first.source_port), (Fragment::First { id: 0x1234 }, 62, 4000));
    for (word, last) in [(17, false), (16, true)] {
        let later = ip(v6(Kind::Udp, word, 16));
        assert_eq!((later.fragment, later.transport_header), (Fragment::Later { id: 0x1234, last }, Transport::Unseen));
    }
}

#[test]
fn a_first_piece_holds_the_whole_transport_header() {
    assert_eq!(v4(Kind::Tcp, MORE, 16), Err(Reason::MalformedTransport));
    assert_eq!(v6(Kind::Tcp, 1, 16), Err(Reason::MalformedTransport));
    assert!(v4(Kind::Tcp, MORE, 24).is_ok());
    assert!(v6(Kind::Tcp, 1, 24).is_ok());
}

#[test]
fn tiny_tcp_pieces_are_refused() {
    assert_eq!(v4(Kind::Tcp, MORE | 1, 16), Err(Reason::MalformedTransport));
    assert_eq!(v4(Kind::Tcp, 1, 16), Err(Reason::MalformedTransport));
    assert_eq!(v6(Kind::Tcp, 9, 16), Err(Reason::MalformedTransport));
    assert!(v4(Kind::Udp, MORE | 1, 16).is_ok(), "UDP has no flags to overwrite");
    assert!(v4(Kind::Tcp, 2, 16).is_ok());
}

#[test]
fn pieces_end_within_the_largest_packet() {
    assert!(v4(Kind::Udp, 0x1ffc, 11).is_ok(), "20 + 65504 + 11 = 65535");
    assert_eq!(v4(Kind::Udp, 0x1ffc, 12), Err(Reason::MalformedIpv4));
    assert!(v6(Kind::Udp, 0xfff8, 7).is_ok(), "65528 + 7 = 65535");
    assert_eq!(v6(Kind::Udp, 0xfff8, 8), Err(Reason::MalformedIpv6));
}

#[test]
fn pieces_but_the_last_are_multiples_of_eight_and_none_is_empty() {
    assert_eq!(v4(Kind::Udp, MORE, 17), Err(Reason::MalformedIpv4));
    assert_eq!(v4(Kind::Udp, 2, 0), Err(Reason::MalformedIpv4));
    assert_eq!(v6(Kind::Udp, 1, 17), Err(Reason::MalformedIpv6));
    assert_eq!(v6(Kind::Udp, 16, 0), Err(Reason::MalformedIpv6));
}

#[test]
fn ipv6_extension_headers_are_walked() {
    let behind = |next: u8, header: &[u8]| {
        changed(Kind::Udp, true, |bytes| {
            bytes.splice(54..54, header.iter().copied());
            bytes[IP + 6] = next;
            bytes[IP + 5] += header.len() as u8;
        })
    };
    let layout = ip(behind(0, &[60, 0, 1, 4, 0, 0, 0, 0, 17, 0, 1, 4, 0, 0, 0, 0]));
    assert_eq!((layout.transport, layout.protocol, layout.source_port), (70, 17, 4000));
    assert!(behind(43, &[17, 0, 4, 0, 0, 0, 0, 0]).is_ok(), "a routing header that is done");
    assert_eq!(behind(43, &[17, 0, 4, 1, 0, 0, 0, 0]), Err(Reason::Unsupported), "segments left");
    assert_eq!(behind(60, &[0, 0, 1, 4, 0, 0, 0, 0]), Err(Reason::MalformedIpv6), "hop-by-hop options in second place");
    assert_eq!(behind(60, &[17, 9, 1, 4, 0, 0, 0, 0]), Err(Reason::MalformedIpv6), "cut short");
}
