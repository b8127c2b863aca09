use super::super::testing::{CLIENT_MAC, addresses, layout, segment, tcp, udp};
use super::super::{GATEWAY_MAC, testing};
use super::*;

const FAMILIES: [(&str, &str); 2] = [("10.1.1.4", "203.0.113.7"), ("fd00:1::4", "fd00:2::9")];

fn header(flags: u8, sequence: u32, acknowledgement: u32) -> TcpHeader {
    let mut header = TcpHeader::new(40_000, 443, sequence, 1_000);
    header.acknowledgment_number = acknowledgement;
    (header.fin, header.syn) = (flags & FIN != 0, flags & SYN != 0);
    (header.rst, header.ack) = (flags & RST != 0, flags & ACK != 0);
    header
}

fn answer(flags: u8, sequence: u32, acknowledgement: u32, payload: &[u8]) -> Option<(bool, u32, u32)> {
    let answers = FAMILIES.map(|(client, server)| {
        let frame = tcp(addresses(client, server), header(flags, sequence, acknowledgement), payload);
        let mut into = Frame::new();
        reset(&layout(&frame), &frame, &mut into).then(|| {
            assert_eq!(into.bytes()[..12], [CLIENT_MAC, GATEWAY_MAC].concat());
            let (tuple, header, payload) = segment(into.bytes());
            assert_eq!((tuple, header.source_port, header.destination_port), (addresses(server, client), 443, 40_000));
            assert!(header.rst && !header.syn && !header.fin && payload.is_empty());
            (header.ack, header.sequence_number, header.acknowledgment_number)
        })
    });
    assert_eq!(answers[0], answers[1], "both families alike");
    answers[0]
}

#[test]
fn a_syn_is_reset_with_an_acknowledgement() {
    assert_eq!(answer(SYN, 1_000, 0, b""), Some((true, 0, 1_001)));
}

#[test]
fn without_acknowledgement_payload_and_fin_are_counted() {
    assert_eq!(answer(SYN | FIN, 1_000, 0, b"abc"), Some((true, 0, 1_005)));
    assert_eq!(answer(FIN, u32::MAX, 0, b"abc"), Some((true, 0, 3)), "sequence numbers wrap");
}

#[test]
fn with_acknowledgement_the_reset_takes_its_number() {
    assert_eq!(answer(ACK, 1_000, 77, b"data"), Some((false, 77, 0)));
    assert_eq!(answer(SYN | ACK, 1_000, 77, b""), Some((false, 77, 0)));
    assert_eq!(answer(FIN | ACK, 1_000, 77, b""), Some((false, 77, 0)));
}

#[test]
fn a_reset_is_never_answered() {
    assert_eq!(answer(RST, 1_000, 0, b""), None);
    assert_eq!(answer(RST | ACK, 1_000, 77, b""), None);
}

#[test]
fn neither_groups_nor_other_protocols_are_answered() {
    let mut into = Frame::new();
    let mut frame = tcp(addresses("10.1.1.4", "203.0.113.7"), header(SYN, 1, 0), b"");
    frame[0] |= 1;
    assert!(!reset(&layout(&frame), &frame, &mut into));
    let frame = udp(addresses("10.1.1.4", "203.0.113.7"), b"x");
    assert!(!reset(&layout(&frame), &frame, &mut into));
    assert!(into.is_empty());
}

#[test]
fn an_endpoint_is_reset_in_its_peers_name() {
    for (peer, receiver) in FAMILIES {
        let mut into = Frame::new();
        reset_endpoint(addresses(peer, receiver), 443, 40_000, 5, None, testing::CLIENT_MAC, &mut into);
        let (tuple, header, _) = segment(into.bytes());
        assert_eq!(into.bytes()[..12], [CLIENT_MAC, GATEWAY_MAC].concat());
        assert_eq!((tuple, header.source_port, header.destination_port), (addresses(peer, receiver), 443, 40_000));
        assert_eq!((header.rst, header.ack, header.sequence_number), (true, false, 5));
        reset_endpoint(addresses(peer, receiver), 443, 40_000, 0, Some(9), testing::CLIENT_MAC, &mut into);
        let (_, header, _) = segment(into.bytes());
        assert_eq!((header.rst, header.ack, header.sequence_number, header.acknowledgment_number), (true, true, 0, 9));
    }
}
