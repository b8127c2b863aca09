//! Super-frames that are larger, segment by segment, than the way out allows.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]

mod rig;

use causeway::counters::PortCell;
use causeway::packet::{Frame, Gso, Offload, Reason};
use causeway::pipeline::engine::Engine;
use causeway::wire::checksum::sum;
use etherparse::{Ipv4Header, NetSlice, SlicedPacket};
use rig::{Out, Rig, udp};

const NETWORK: &str = "
virtualNetworks:
  - { name: v, addressPrefixes: [10.1.0.0/16], subnets: [{ name: a, addressPrefix: 10.1.1.0/24 }, { name: b, addressPrefix: 10.1.2.0/24 }] }
ports:
  - { name: a, attach: v/a/10.1.1.4 }
  - { name: b, attach: v/b/10.1.2.4 }
";

/// 2,500 bytes in datagrams of 1,000.
fn super_frame(dont_fragment: bool) -> Frame {
    let payload: Vec<u8> = (0..2500_u16).map(|at| at.to_be_bytes()[1] ^ at.to_be_bytes()[0]).collect();
    let mut bytes = udp(("10.1.1.4", 4000), ("10.1.2.4", 53), &payload);
    bytes[20] = if dont_fragment { 0x40 } else { 0 };
    bytes[24..26].fill(0);
    let checksum = !sum(&bytes[14..34]);
    bytes[24..26].copy_from_slice(&checksum.to_be_bytes());
    let mut frame = Frame::from_bytes(&bytes);
    let gso = Gso::UdpSegments;
    frame.offload = Offload { needs_checksum: true, checksum_start: 34, checksum_offset: 6, gso, gso_size: 1000, header_length: 42 };
    frame
}

/// A rig whose port `b` takes 576 bytes.
fn narrow() -> Rig {
    let mut rig = Rig::new(NETWORK);
    let b = rig.port("b");
    rig.pipelines.iter_mut().for_each(|pipeline| pipeline.set_mtu(b, 576));
    rig.send("a", &udp(("10.1.1.4", 4000), ("10.1.2.4", 53), b"first"));
    rig
}

fn header(out: &Out) -> Ipv4Header {
    match SlicedPacket::from_ethernet(&out.bytes).unwrap().net {
        Some(NetSlice::Ipv4(ip)) => ip.header().to_header(),
        _ => panic!("not IPv4: {out:?}"),
    }
}

#[test]
fn each_segment_is_cut_where_it_may_be_and_counts_once() {
    let mut rig = narrow();
    let to = usize::from(rig.port("b").0);
    let (forwarded, sent) = (rig.count(Reason::Forwarded), rig.count_of(|reader| reader.port(to, PortCell::PacketsOut)));
    let out = rig.send_frame("a", super_frame(false));
    let headers: Vec<_> = out.iter().map(header).collect();
    assert!(out.iter().all(|out| out.bytes.len() <= 14 + 576));
    // 1008, 1008 and 508 bytes behind the IP header, 552 in each piece
    let pieces: Vec<_> = headers.iter().map(|header| (header.fragment_offset.value() * 8, header.more_fragments)).collect();
    assert_eq!(pieces, [(0, true), (552, false), (0, true), (552, false), (0, false)]);
    let ids: Vec<_> = headers.iter().map(|header| header.identification.wrapping_sub(headers[0].identification)).collect();
    assert_eq!(ids, [0, 0, 1, 1, 2]);
    let payload: Vec<u8> =
        out.iter().zip(pieces).flat_map(|(out, (offset, _))| out.bytes[if offset == 0 { 42 } else { 34 }..].to_vec()).collect();
    assert_eq!(payload, super_frame(false).bytes()[42..]);
    assert_eq!(rig.count(Reason::Forwarded) - forwarded, 3);
    assert_eq!(rig.count_of(|reader| reader.port(usize::from(rig.port("a").0), PortCell::SuperFramesIn)), 1);
    assert_eq!(rig.count_of(|reader| reader.port(to, PortCell::PacketsOut)) - sent, 5);
}

#[test]
fn with_dont_fragment_the_sender_is_told() {
    let mut rig = narrow();
    let out = rig.send_frame("a", super_frame(true));
    assert_eq!(out.len(), 1);
    assert_eq!((out[0].port.as_str(), &out[0].bytes[34..36], &out[0].bytes[40..42]), ("a", &[3, 4][..], &576_u16.to_be_bytes()[..]));
    assert_eq!(rig.count(Reason::TooBig), 3);
}

#[test]
fn segments_that_fit_leave_whole() {
    let mut rig = narrow();
    let b = rig.port("b");
    rig.pipelines.iter_mut().for_each(|pipeline| pipeline.set_mtu(b, 1028));
    let out = rig.send_frame("a", super_frame(false));
    assert_eq!((out.len(), out[0].bytes.len()), (1, 2542));
    assert_eq!(rig.count_of(|reader| reader.port(usize::from(rig.port("b").0), PortCell::SuperFramesOut)), 1);
}

#[test]
fn what_a_port_does_not_take_is_counted_as_the_ports_with_every_packet() {
    let mut rig = narrow();
    let port = rig.port("b");
    let sent = causeway::pipeline::outbox::Sent { forwarded_for: None, packets: 7, bytes: 700 };
    for (reason, cell) in [
        (Reason::QueueFull, PortCell::QueueFullOut),
        (Reason::DestinationUnknown, PortCell::DownOut),
        (Reason::TooBig, PortCell::TooBigOut),
    ] {
        rig.pipelines[0].refused(port, &sent, reason);
        assert_eq!(rig.count_of(|reader| reader.port(usize::from(port.0), cell)), 7);
    }
}
