//! While a port is overloaded, first packets make room for those of known flows.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]

mod rig;

use causeway::counters::PortCell;
use causeway::packet::{Frame, Reason};
use causeway::pipeline::engine::Engine;
use rig::{Rig, quickstart, tcp};

const WEB: &str = "10.1.1.4";
const ORDERS: &str = "203.0.113.20";

/// A rig with a flow from port 40000 that was answered and goes on.
fn established() -> Rig {
    // One worker: the limit is of a burst that one takes.
    let mut rig = Rig::with_workers(1, &quickstart(), causeway::pipeline::Capacity::default());
    rig.send("web1", &tcp((WEB, 40_000), (ORDERS, 80), "S", 1, 0, b""));
    rig.send("orders", &tcp((ORDERS, 80), (WEB, 40_000), "SA", 9, 2, b""));
    rig.send("web1", &tcp((WEB, 40_000), (ORDERS, 80), "A", 2, 10, b""));
    rig.send("web1", &tcp((WEB, 40_000), (ORDERS, 80), "AP", 2, 10, b"x"));
    rig
}

/// 30 first packets, a packet of the known flow behind each, then 10 first packets that the policy denies.
fn flood() -> impl Iterator<Item = Frame> {
    let first = |port: u16, to: u16| Frame::from_bytes(&tcp((WEB, port), (ORDERS, to), "S", 1, 0, b""));
    let known = || Frame::from_bytes(&tcp((WEB, 40_000), (ORDERS, 80), "A", 2, 10, b"x"));
    let mixed = (0..30).flat_map(move |number| [first(1000 + number, 80), known()]);
    mixed.chain((0..10).map(move |number| first(2000 + number, 81)))
}

#[test]
fn only_so_many_first_packets_are_decided_and_known_flows_lose_nothing() {
    let mut rig = established();
    let (forwarded, flows, denied) = (rig.count(Reason::Forwarded), rig.flows(), rig.count(Reason::NsgDeny));
    rig.pipelines.iter_mut().for_each(|pipeline| pipeline.limit_first_packets(Some(4)));
    let out = rig.send_batch("web1", flood());
    assert_eq!((out.len(), rig.flows() - flows), (34, 4));
    assert_eq!(rig.count(Reason::Forwarded) - forwarded, 34);
    assert_eq!((rig.count(Reason::QueueFull), rig.count(Reason::NsgDeny) - denied), (36, 0));
    let port = usize::from(rig.port("web1").0);
    assert_eq!(rig.count_of(|reader| reader.port(port, PortCell::ShedIn)), 36);
}

#[test]
fn without_a_limit_every_first_packet_is_decided() {
    let mut rig = established();
    rig.pipelines.iter_mut().for_each(|pipeline| pipeline.limit_first_packets(Some(0)));
    rig.pipelines.iter_mut().for_each(|pipeline| pipeline.limit_first_packets(None));
    let denied = rig.count(Reason::NsgDeny);
    assert_eq!(rig.send_batch("web1", flood()).len(), 60);
    assert_eq!((rig.count(Reason::QueueFull), rig.count(Reason::NsgDeny) - denied), (0, 10));
}

#[test]
fn where_no_known_flow_is_in_need_of_room_every_first_packet_is_decided() {
    let mut rig = established();
    let only_first = || flood().step_by(2).take(30);
    let limit = |rig: &mut Rig| rig.pipelines.iter_mut().for_each(|pipeline| pipeline.limit_first_packets(Some(4)));
    limit(&mut rig);
    assert_eq!(rig.send_batch("web1", only_first()).len(), 4, "the burst before had packets of a known flow");
    limit(&mut rig);
    assert_eq!(rig.send_batch("web1", only_first()).len(), 30);
    assert_eq!(rig.count(Reason::QueueFull), 26);
}
