//! The little TCP server that shows a refused client of a plain-HTTP port the 403 page.
//!
//! It keeps no state at all: every answer follows from the segment that asks for it and a secret of the process. There is
//! no table that strangers could fill and nothing to expire, even while a flood of SYNs arrives. The handshake is a SYN cookie
//! (RFC 4987 3.6): our initial sequence number is a keyed hash of the connection's four-tuple, so an acknowledgement of
//! it proves that the client hears us, and only then is anything longer than a SYN-ACK sent.
//!
//! What makes it possible: a byte of ours with a given sequence number is always the same byte. The stream is fixed from
//! the start (one response, short enough for one segment, and FIN), whatever the client asks. So a client that repeats
//! its request, or sends it in pieces, gets the same bytes with the same numbers again, and any TCP sorts that out.
//! Answering the first piece, before the request's headers are complete, is fine for the same reason: no request could
//! change the answer, except HEAD, whose method is in the first bytes.
//!
//! Deliberate weaknesses: nothing is retransmitted but in answer to the client's own retransmission, which a client
//! that got nothing is bound to make; a HEAD whose later pieces arrive before our answer gets the page behind it; and
//! pieces acknowledged out of order are not waited for, as nobody reads them.

use std::hash::Hasher;
use std::net::IpAddr;

use etherparse::{TcpHeader, TcpOptionElement};
use siphasher::sip::SipHasher24;

use super::build::{Link, reversed, tcp_segment};
use super::forbidden_page::{Form, LONGEST, Page};
use super::reset::{reset, segment_length};
use crate::packet::Frame;
use crate::packet::parse::{Fragment, Layout, Tcp, Transport};
use crate::wire::tcp::{ACK, FIN, RST, SYN};

/// Payload that we take in a segment: what Azure's own fragmentation limit of 1,400 bytes leaves with IPv6 headers.
const OUR_MSS: u16 = 1_340;
/// Largest window without scaling.
const WINDOW: u16 = u16::MAX;
/// From this segment size on, the client gets the page and not only the headers.
const ROOMY_MSS: u16 = 1_100;
/// The bit of the cookie that remembers, for later segments, whether the client's segment size is roomy. The highest
/// one: acknowledgements of our short stream never reach from one half of the sequence space into the other.
const ROOMY: u32 = 1 << 31;

/// What becomes of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Send the frame back out of the port that the segment came in by.
    Reply,
    /// Nothing is to be said.
    Silent,
}

/// Answers a segment of a refused client. With [`Answer::Reply`] `into` holds the answer, MAC addresses and tuple
/// turned round; otherwise it holds nothing of use.
///
/// `secret` is drawn once per process. The page names the packet's own source; [`respond_to`] names another address.
pub fn respond(secret: &[u64; 2], layout: &Layout, frame: &[u8], into: &mut Frame) -> Answer {
    respond_to(layout.addresses.source(), secret, layout, frame, into)
}

/// Like [`respond`], where the service's firewall saw the client as `client` (its public address).
pub fn respond_to(client: IpAddr, secret: &[u64; 2], layout: &Layout, frame: &[u8], into: &mut Frame) -> Answer {
    let Transport::Tcp(tcp) = layout.transport_header else { return Answer::Silent };
    let Some(link) = Link::back(frame) else { return Answer::Silent };
    if layout.fragment != Fragment::Whole {
        return Answer::Silent;
    }
    let replied = match judge(cookie(secret, layout), layout, &tcp) {
        Move::Ignore => false,
        Move::Refuse => reset(layout, frame, into),
        Move::Accept => syn_ack(link, secret, layout, &tcp, frame, into),
        Move::Acknowledge => tcp_segment(link, reversed(layout.addresses), next_header(layout, &tcp), &[], into),
        Move::Deliver { roomy } => deliver(link, client, roomy, layout, &tcp, frame, into),
    };
    if replied { Answer::Reply } else { Answer::Silent }
}

/// What a segment calls for.
enum Move {
    Ignore,
    Refuse,
    Accept,
    Acknowledge,
    Deliver { roomy: bool },
}

fn judge(cookie: u32, layout: &Layout, tcp: &Tcp) -> Move {
    match tcp.flags & (RST | SYN | ACK | FIN) {
        flags if flags & RST != 0 => return Move::Ignore,
        SYN => return Move::Accept,
        flags if flags & SYN != 0 => return Move::Refuse,
        flags if flags & ACK == 0 => return Move::Ignore,
        _ => {}
    }
    let Some((start, acknowledged)) = find_start(cookie, tcp.acknowledgement) else { return Move::Refuse };
    match (segment_length(layout, tcp), acknowledged) {
        (0, _) => Move::Ignore,
        // Its request; or its FIN while it has nothing of ours yet, which must not find other bytes at this number.
        (_, 1) => Move::Deliver { roomy: start & ROOMY != 0 },
        _ => Move::Acknowledge,
    }
}

/// Which of the two initial sequence numbers that a cookie stands for the acknowledgement belongs to, and how much of
/// our stream it covers (1: the SYN). `None` where it belongs to neither.
fn find_start(cookie: u32, acknowledgement: u32) -> Option<(u32, u32)> {
    const WHOLE_STREAM: u32 = LONGEST as u32 + 2;
    [cookie, cookie | ROOMY]
        .map(|start| (start, acknowledgement.wrapping_sub(start)))
        .into_iter()
        .find(|(_, acknowledged)| (1..=WHOLE_STREAM).contains(acknowledged))
}

/// The keyed hash of the four-tuple, [`ROOMY`] clear.
fn cookie(secret: &[u64; 2], layout: &Layout) -> u32 {
    let mut hasher = SipHasher24::new_with_keys(secret[0], secret[1]);
    for address in [layout.addresses.source(), layout.addresses.destination()] {
        match address {
            IpAddr::V4(address) => hasher.write(&address.octets()),
            IpAddr::V6(address) => hasher.write(&address.octets()),
        }
    }
    hasher.write_u16(layout.source_port);
    hasher.write_u16(layout.destination_port);
    (hasher.finish() as u32) & !ROOMY
}

/// A header back to the client that acknowledges all of its segment and goes on where it acknowledges us.
fn next_header(layout: &Layout, tcp: &Tcp) -> TcpHeader {
    let mut header = TcpHeader::new(layout.destination_port, layout.source_port, tcp.acknowledgement, WINDOW);
    header.ack = true;
    header.acknowledgment_number = tcp.sequence.wrapping_add(segment_length(layout, tcp));
    header
}

/// SYN-ACK. Data in the SYN is left for the client to send again: it is not proven yet that the client hears us.
fn syn_ack(link: Link, secret: &[u64; 2], layout: &Layout, tcp: &Tcp, frame: &[u8], into: &mut Frame) -> bool {
    let roomy = if client_mss(layout, tcp, frame) >= ROOMY_MSS { ROOMY } else { 0 };
    let mut header = TcpHeader::new(layout.destination_port, layout.source_port, cookie(secret, layout) | roomy, WINDOW);
    header.syn = true;
    header.ack = true;
    header.acknowledgment_number = tcp.sequence.wrapping_add(1);
    let with_mss = header.set_options(&[TcpOptionElement::MaximumSegmentSize(OUR_MSS)]).is_ok();
    with_mss && tcp_segment(link, reversed(layout.addresses), header, &[], into)
}

/// What the client takes in a segment: its option, else the default (RFC 9293 3.7.1).
fn client_mss(layout: &Layout, tcp: &Tcp, frame: &[u8]) -> u16 {
    let default = if layout.addresses.source().is_ipv4() { 536 } else { 1_220 };
    let Some(header) = frame.get(layout.transport..tcp.payload) else { return default };
    let Ok(header) = etherparse::TcpHeaderSlice::from_slice(header) else { return default };
    let told = header.options_iterator().find_map(|option| match option {
        Ok(TcpOptionElement::MaximumSegmentSize(mss)) => Some(mss),
        _ => None,
    });
    told.unwrap_or(default)
}

/// The whole response and FIN, in one segment.
fn deliver(link: Link, client: IpAddr, roomy: bool, layout: &Layout, tcp: &Tcp, frame: &[u8], into: &mut Frame) -> bool {
    let head = frame.get(tcp.payload..layout.end).is_some_and(|request| request.starts_with(b"HEAD "));
    let form = match (roomy, head) {
        (false, _) => Form::WithoutBody,
        (true, true) => Form::Head,
        (true, false) => Form::Whole,
    };
    let mut header = next_header(layout, tcp);
    header.psh = true;
    header.fin = true;
    tcp_segment(link, reversed(layout.addresses), header, Page::new(client, form).bytes(), into)
}

#[cfg(test)]
#[path = "forbidden_tests.rs"]
mod tests;
