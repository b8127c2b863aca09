use proptest::prelude::*;

use super::super::testing::{addresses, layout, segment, tcp, udp};
use super::*;

const SECRET: [u64; 2] = [0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210];
const PSH: u8 = 0x08;
const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: func\r\n\r\n";

/// A client's end of a connection, driven by hand.
struct Client {
    source: &'static str,
    destination: &'static str,
    mss: Option<u16>,
    /// Next sequence number to send.
    next: u32,
    /// Next sequence number to receive.
    expected: u32,
}

#[derive(Debug, PartialEq)]
struct Heard {
    flags: u8,
    sequence: u32,
    acknowledgement: u32,
    payload: Vec<u8>,
}

impl Client {
    fn new(mss: Option<u16>) -> Self {
        Self { source: "10.1.2.4", destination: "203.0.113.7", mss, next: u32::MAX - 5, expected: 0 }
    }

    fn connected(mss: Option<u16>) -> Self {
        let mut client = Self::new(mss);
        let heard = client.send(SYN, b"").unwrap();
        client.next = client.next.wrapping_add(1);
        client.expected = heard.sequence.wrapping_add(1);
        assert_eq!(client.send(ACK, b""), None, "the handshake's last step is silent");
        client
    }

    /// Sends a segment from where it stands, without moving on.
    fn send(&self, flags: u8, payload: &[u8]) -> Option<Heard> {
        let mut header = TcpHeader::new(40_000, 80, self.next, 4_096);
        (header.fin, header.syn, header.rst) = (flags & FIN != 0, flags & SYN != 0, flags & RST != 0);
        (header.psh, header.ack) = (flags & PSH != 0, flags & ACK != 0);
        if header.ack {
            header.acknowledgment_number = self.expected;
        }
        if let (Some(mss), true) = (self.mss, header.syn) {
            header.set_options(&[TcpOptionElement::MaximumSegmentSize(mss), TcpOptionElement::SelectiveAcknowledgementPermitted]).unwrap();
        }
        self.exchange(&tcp(addresses(self.source, self.destination), header, payload))
    }

    fn exchange(&self, frame: &[u8]) -> Option<Heard> {
        let mut into = Frame::new();
        if respond(&SECRET, &layout(frame), frame, &mut into) == Answer::Silent {
            return None;
        }
        assert_eq!(into.bytes()[..12], [&frame[6..12], &frame[..6]].concat(), "MAC addresses turned round");
        let (tuple, header, payload) = segment(into.bytes());
        assert_eq!((tuple, header.source_port, header.destination_port), (addresses(self.destination, self.source), 80, 40_000));
        let transport = layout(into.bytes()).transport;
        let flags = into.bytes()[transport + 13];
        assert!(flags & RST != 0 || header.window_size == u16::MAX);
        Some(Heard { flags, sequence: header.sequence_number, acknowledgement: header.acknowledgment_number, payload })
    }

    /// Takes in a response: moves on behind its payload and FIN.
    fn take(&mut self, sent: &[u8], heard: &Heard) {
        self.next = self.next.wrapping_add(sent.len() as u32);
        self.expected = self.expected.wrapping_add(heard.payload.len() as u32 + 1);
    }
}

fn page(heard: &Heard) -> String {
    String::from_utf8(heard.payload.clone()).unwrap()
}

#[test]
fn a_browser_reads_the_page_and_closes() {
    for (source, destination) in [("10.1.2.4", "203.0.113.7"), ("fd00:1::4", "fd00:2::9")] {
        let mut client = Client { source, destination, ..Client::new(Some(1_460)) };
        let start = client.next;
        let greeting = client.send(SYN, b"").unwrap();
        assert_eq!((greeting.flags, greeting.acknowledgement), (SYN | ACK, start.wrapping_add(1)));
        client.next = client.next.wrapping_add(1);
        client.expected = greeting.sequence.wrapping_add(1);
        assert_eq!(client.send(ACK, b""), None);
        let response = client.send(PSH | ACK, REQUEST).unwrap();
        assert_eq!(response.flags, PSH | ACK | FIN);
        assert_eq!(response.sequence, client.expected);
        assert_eq!(response.acknowledgement, client.next.wrapping_add(REQUEST.len() as u32));
        assert!(page(&response).starts_with("HTTP/1.1 403 Ip Forbidden\r\n"));
        assert!(page(&response).contains(&format!("\r\nx-ms-forbidden-ip: {source}\r\n")));
        client.take(REQUEST, &response);
        assert_eq!(client.send(ACK, b""), None);
        let end = client.send(FIN | ACK, b"").unwrap();
        let expected = Heard { flags: ACK, sequence: client.expected, acknowledgement: client.next.wrapping_add(1), payload: vec![] };
        assert_eq!(end, expected);
    }
}

#[test]
fn the_syn_ack_offers_a_segment_size_and_no_scaling() {
    let frame = tcp(
        addresses("10.1.2.4", "203.0.113.7"),
        {
            let mut syn = TcpHeader::new(40_000, 80, 1, 4_096);
            syn.syn = true;
            syn
        },
        b"",
    );
    let mut into = Frame::new();
    assert_eq!(respond(&SECRET, &layout(&frame), &frame, &mut into), Answer::Reply);
    let (_, header, _) = segment(into.bytes());
    let options: Vec<_> = header.options_iterator().map(Result::unwrap).collect();
    assert_eq!(options, [TcpOptionElement::MaximumSegmentSize(OUR_MSS)]);
}

#[test]
fn a_repeated_syn_gets_the_same_number_and_other_tuples_and_secrets_get_others() {
    let client = Client::new(Some(1_460));
    let first = client.send(SYN, b"").unwrap();
    assert_eq!(client.send(SYN, b"").unwrap(), first);
    let other = Client { source: "10.1.2.5", ..Client::new(Some(1_460)) };
    assert_ne!(other.send(SYN, b"").unwrap().sequence, first.sequence);
    let frame = tcp(addresses("10.1.2.4", "203.0.113.7"), TcpHeader::new(40_000, 80, 1, 1), b"");
    assert_ne!(cookie(&SECRET, &layout(&frame)), cookie(&[1, 2], &layout(&frame)));
}

#[test]
fn a_repeated_request_gets_the_same_bytes_with_the_same_numbers() {
    let client = Client::connected(Some(1_460));
    let first = client.send(PSH | ACK, REQUEST).unwrap();
    assert_eq!(client.send(PSH | ACK, REQUEST).unwrap(), first);
}

#[test]
fn a_request_in_pieces_is_answered_from_the_first_in_any_order() {
    let mut client = Client::connected(Some(1_460));
    let (head, tail) = REQUEST.split_at(9);
    let start = client.next;
    let first = client.send(ACK, head).unwrap();
    client.next = start.wrapping_add(head.len() as u32);
    let second = client.send(PSH | ACK, tail).unwrap();
    assert_eq!((first.sequence, &first.payload), (second.sequence, &second.payload));
    assert_eq!(second.acknowledgement, start.wrapping_add(REQUEST.len() as u32));
}

#[test]
fn data_behind_our_fin_is_acknowledged_only() {
    let mut client = Client::connected(Some(1_460));
    let response = client.send(PSH | ACK, REQUEST).unwrap();
    client.take(REQUEST, &response);
    let more = client.send(PSH | ACK, b"more").unwrap();
    assert_eq!((more.flags, more.sequence, more.payload.len()), (ACK, client.expected, 0));
    assert_eq!(more.acknowledgement, client.next.wrapping_add(4));
}

#[test]
fn a_head_request_gets_no_page() {
    let client = Client::connected(Some(1_460));
    let head = page(&client.send(PSH | ACK, b"HEAD / HTTP/1.1\r\n\r\n").unwrap());
    let whole = page(&client.send(PSH | ACK, REQUEST).unwrap());
    assert!(head.ends_with("\r\n\r\n") && whole.starts_with(&head) && whole.len() > head.len());
}

#[test]
fn a_client_of_small_segments_gets_headers_that_fit_one() {
    for (mss, has_page) in [(Some(536), false), (Some(1_099), false), (None, false), (Some(1_100), true), (Some(9_000), true)] {
        let client = Client::connected(mss);
        let response = client.send(PSH | ACK, REQUEST).unwrap();
        assert_eq!(page(&response).contains("<html"), has_page, "{mss:?}");
        assert!(response.payload.len() <= usize::from(mss.unwrap_or(536)));
        assert_eq!(response.flags & FIN, FIN);
    }
}

#[test]
fn a_super_frame_is_acknowledged_whole() {
    let client = Client::connected(Some(1_460));
    let upload = vec![b'x'; 65_000];
    let response = client.send(PSH | ACK, &upload).unwrap();
    assert_eq!(response.acknowledgement, client.next.wrapping_add(65_000));
    assert!(!response.payload.is_empty());
}

#[test]
fn a_fin_with_the_request_is_acknowledged_with_it() {
    let client = Client::connected(Some(1_460));
    let response = client.send(FIN | PSH | ACK, REQUEST).unwrap();
    assert_eq!(response.acknowledgement, client.next.wrapping_add(REQUEST.len() as u32 + 1));
    assert_eq!(response.flags & FIN, FIN);
}

#[test]
fn a_fin_before_any_answer_finds_the_same_stream() {
    let client = Client::connected(Some(1_460));
    let answered = client.send(PSH | ACK, REQUEST).unwrap();
    let closing = client.send(FIN | ACK, b"").unwrap();
    assert_eq!(closing.acknowledgement, client.next.wrapping_add(1));
    assert_eq!((closing.flags & FIN, closing.sequence, closing.payload), (FIN, answered.sequence, answered.payload));
}

#[test]
fn strangers_to_the_handshake_are_reset() {
    let mut client = Client::connected(Some(1_460));
    let good = client.expected;
    for wrong in [good.wrapping_sub(1), good.wrapping_add(LONGEST as u32 + 2), good.wrapping_add(0x1234_5678), 0] {
        client.expected = wrong;
        for (flags, payload) in [(ACK, &b""[..]), (PSH | ACK, REQUEST), (FIN | ACK, b""), (SYN | ACK, b"")] {
            let heard = client.send(flags, payload).unwrap();
            assert_eq!((heard.flags, heard.sequence), (RST, wrong), "{flags:#x} {wrong:#x}");
        }
    }
}

#[test]
fn resets_and_segments_without_acknowledgement_are_silent() {
    let client = Client::connected(Some(1_460));
    for flags in [RST, RST | ACK, RST | SYN, 0, FIN, PSH] {
        assert_eq!(client.send(flags, b""), None, "{flags:#x}");
    }
}

#[test]
fn what_is_no_whole_tcp_packet_to_one_host_is_silent() {
    let client = Client::new(None);
    assert_eq!(client.exchange(&udp(addresses("10.1.2.4", "203.0.113.7"), b"x")), None);
    let mut syn = TcpHeader::new(40_000, 80, 1, 4_096);
    syn.syn = true;
    let mut frame = tcp(addresses("10.1.2.4", "203.0.113.7"), syn, b"");
    let piece = Layout { fragment: Fragment::First { id: 1 }, ..layout(&frame) };
    assert_eq!(respond(&SECRET, &piece, &frame, &mut Frame::new()), Answer::Silent);
    frame[0] |= 1;
    assert_eq!(client.exchange(&frame), None);
}

#[test]
fn the_page_may_name_another_address() {
    let client = Client::connected(Some(1_460));
    let mut header = TcpHeader::new(40_000, 80, client.next, 4_096);
    header.ack = true;
    header.acknowledgment_number = client.expected;
    let frame = tcp(addresses(client.source, client.destination), header, REQUEST);
    let mut into = Frame::new();
    assert_eq!(respond_to("192.0.2.10".parse().unwrap(), &SECRET, &layout(&frame), &frame, &mut into), Answer::Reply);
    let (_, _, payload) = segment(into.bytes());
    let text = String::from_utf8(payload).unwrap();
    assert!(text.contains("\r\nx-ms-forbidden-ip: 192.0.2.10\r\n") && !text.contains("10.1.2.4"));
}

proptest! {
    /// Whatever a client sends once connected, our stream's bytes and numbers stay the same, and nothing loops: a
    /// segment that takes no sequence number is never answered but by a reset.
    #[test]
    fn the_stream_is_fixed(flags: u8, ahead in 0_u32..2_000, sequence: u32, length in 0_usize..100) {
        let mut client = Client::connected(Some(1_460));
        let first = client.expected;
        let stream = client.send(PSH | ACK, REQUEST).unwrap().payload;
        client.next = sequence;
        client.expected = first.wrapping_add(ahead);
        let heard = client.send(flags, &vec![b'G'; length]);
        if flags & (RST | SYN | FIN) == 0 && length == 0 {
            prop_assert!(heard.is_none_or(|heard| heard.flags & RST != 0));
        } else if let Some(heard) = heard && heard.flags & (RST | SYN) == 0 {
            prop_assert!(heard.payload.is_empty() || (heard.sequence == first && heard.payload == stream));
        }
    }
}
