//! Connections, told packet by packet.

use proptest::prelude::*;

use super::FlowDirection::{Original, Reply};
use super::*;
use crate::packet::Zone;

const CLIENT: u32 = 0xffff_ff00; // wraps within the first data
const SERVER: u32 = 7_000;

fn tcp(flags: u8, sequence: u32, acknowledgement: u32) -> Transport {
    Transport::Tcp(Tcp { flags, sequence, acknowledgement, payload: 54 })
}

fn ticks(seconds: u32) -> Option<u32> {
    Some(seconds * TICKS_PER_SECOND)
}

fn step(seconds: u32, event: Event) -> Step {
    Step { timeout: ticks(seconds), event }
}

fn syn_sent() -> Tracking {
    Tracking::first(TCP, &tcp(SYN, CLIENT, 0), 0, None)
}

/// Open, the client having sent 1,000 bytes and the server 500, all acknowledged.
fn open() -> Tracking {
    let mut tracking = syn_sent();
    assert_eq!(tracking.advance(Reply, &tcp(SYN | ACK, SERVER, CLIENT.wrapping_add(1)), 0), step(30, Event::None));
    assert_eq!(tracking.state(), State::SynReceived);
    let opened = tracking.advance(Original, &tcp(ACK, CLIENT.wrapping_add(1), SERVER + 1), 0);
    assert_eq!(opened, step(240, Event::BecameEstablished));
    assert_eq!(tracking.advance(Original, &tcp(ACK, CLIENT.wrapping_add(1), SERVER + 1), 1_000), step(240, Event::None));
    assert_eq!(tracking.advance(Reply, &tcp(ACK, SERVER + 1, CLIENT.wrapping_add(1_001)), 500), step(240, Event::None));
    assert_eq!(tracking.advance(Original, &tcp(ACK, CLIENT.wrapping_add(1_001), SERVER + 501), 0), step(240, Event::None));
    tracking
}

const CLIENT_NEXT: u32 = CLIENT.wrapping_add(1_001);
const SERVER_NEXT: u32 = SERVER + 501;

#[test]
fn tracking_is_small() {
    assert!(size_of::<Tracking>() <= 24);
}

#[test]
fn a_handshake_opens_and_remembers_both_sides() {
    assert!(syn_sent().is_half_open());
    assert_eq!(Some(syn_sent().timeout()), ticks(30));
    let tracking = open();
    assert!(!tracking.is_half_open());
    assert_eq!((tracking.sequence_for(Original), tracking.sequence_for(Reply)), (Some(CLIENT_NEXT), Some(SERVER_NEXT)));
    assert_eq!((tracking.acknowledged_by(Original), tracking.acknowledged_by(Reply)), (Some(SERVER_NEXT), Some(CLIENT_NEXT)));
}

#[test]
fn the_flow_timeout_is_the_networks_within_azures_bounds() {
    for (minutes, expected) in [(None, 4), (Some(4), 4), (Some(30), 30), (Some(1), 4), (Some(60), 30)] {
        let mut tracking = Tracking::first(TCP, &tcp(SYN, 1, 0), 0, minutes);
        tracking.advance(Reply, &tcp(SYN | ACK, 100, 2), 0);
        assert_eq!(tracking.advance(Original, &tcp(ACK, 2, 101), 0), step(expected * 60, Event::BecameEstablished));
    }
}

#[test]
fn a_wrong_answer_to_the_syn_moves_nothing() {
    let mut tracking = syn_sent();
    for stray in [tcp(SYN | ACK, SERVER, CLIENT), tcp(SYN | ACK, SERVER, 5), tcp(ACK, SERVER, 5), tcp(RST | ACK, 0, 5), tcp(RST, 0, 0)] {
        assert_eq!(tracking.advance(Reply, &stray, 0), Step::IGNORE, "{stray:?}");
        assert_eq!(tracking, syn_sent());
    }
    assert_eq!(tracking.advance(Reply, &tcp(RST | ACK, 0, CLIENT.wrapping_add(1)), 0), step(10, Event::Closed));
    assert!(tracking.is_half_open(), "a refused connection stays in the quota until it is gone");
}

#[test]
fn a_syn_again_starts_afresh_while_half_open() {
    let mut tracking = syn_sent();
    assert_eq!(tracking.advance(Original, &tcp(SYN, 50, 0), 0), step(30, Event::None));
    assert_eq!(tracking.advance(Reply, &tcp(SYN | ACK, SERVER, 51), 0), step(30, Event::None));
}

#[test]
fn both_sides_finish_then_time_wait() {
    let mut tracking = open();
    assert_eq!(tracking.advance(Original, &tcp(FIN | ACK, CLIENT_NEXT, SERVER_NEXT), 0), step(120, Event::Closing));
    assert_eq!(tracking.state(), State::HalfClosed);
    let after = CLIENT_NEXT.wrapping_add(1);
    assert_eq!(tracking.advance(Reply, &tcp(ACK, SERVER_NEXT, after), 200), step(120, Event::None), "the other side may go on");
    assert_eq!(tracking.advance(Reply, &tcp(FIN | ACK, SERVER_NEXT + 200, after), 0), step(60, Event::Closing));
    assert_eq!(tracking.advance(Original, &tcp(ACK, after, SERVER_NEXT + 201), 0), step(60, Event::Closed));
    assert_eq!(tracking.state(), State::TimeWait);
    assert_eq!(tracking.advance(Original, &tcp(RST, after, 0), 0), Step::IGNORE, "time-wait is not cut short");
    assert_eq!(tracking.advance(Original, &tcp(SYN, 9, 0), 0), Step { timeout: None, event: Event::Reopen });
    assert_eq!(tracking.state(), State::TimeWait);
}

#[test]
fn a_syn_reopens_what_is_over_and_passes_over_what_is_open() {
    let mut tracking = open();
    for direction in [Original, Reply] {
        assert_eq!(tracking.advance(direction, &tcp(SYN, 9, 0), 0), Step::IGNORE);
        assert_eq!(tracking, open());
    }
    tracking.advance(Reply, &tcp(RST, SERVER_NEXT, 0), 0);
    assert_eq!(tracking.advance(Original, &tcp(SYN, 9, 0), 0).event, Event::Reopen);
    let mut tracking = open();
    tracking.advance(Reply, &tcp(FIN | ACK, SERVER_NEXT, CLIENT_NEXT), 0);
    assert_eq!(tracking.advance(Original, &tcp(SYN, 9, 0), 0).event, Event::Reopen);
}

#[test]
fn a_reset_counts_only_near_what_was_sent() {
    for far in [SERVER_NEXT.wrapping_sub(1), SERVER_NEXT + 65_536, SERVER_NEXT + (1 << 30), 0] {
        let mut tracking = open();
        assert_eq!(tracking.advance(Reply, &tcp(RST, far, 0), 0), Step::IGNORE, "{far}");
        assert_eq!(tracking, open());
    }
    for near in [SERVER_NEXT, SERVER_NEXT + 65_535] {
        assert_eq!(open().advance(Reply, &tcp(RST | ACK, near, CLIENT_NEXT), 0), step(10, Event::Closed), "{near}");
    }
    assert!(open().advance(Reply, &tcp(RST, SERVER_NEXT, 0), 0).shortens());
}

#[test]
fn who_speaks_on_after_a_reset_did_not_send_it() {
    let mut tracking = open();
    tracking.advance(Reply, &tcp(RST, SERVER_NEXT + 5, 0), 0);
    assert_eq!(tracking.advance(Original, &tcp(ACK, CLIENT_NEXT, SERVER_NEXT), 10), Step::IGNORE, "its victim may not know yet");
    assert_eq!(tracking.state(), State::Reset);
    assert_eq!(tracking.advance(Reply, &tcp(ACK, SERVER_NEXT, CLIENT_NEXT), 10), step(240, Event::None));
    assert_eq!(tracking.state(), State::Established);
}

#[test]
fn far_segments_neither_move_numbers_nor_refresh() {
    for far in [CLIENT_NEXT.wrapping_add((1 << 24) + 1), CLIENT_NEXT.wrapping_sub((1 << 30) + 1)] {
        let mut tracking = open();
        assert_eq!(tracking.advance(Original, &tcp(FIN | ACK, far, SERVER_NEXT), 10), Step::IGNORE);
        assert_eq!(tracking, open());
    }
    let mut tracking = open();
    tracking.advance(Original, &tcp(FIN | ACK, CLIENT_NEXT.wrapping_add(70_000), SERVER_NEXT), 0);
    tracking.advance(Original, &tcp(FIN | ACK, CLIENT_NEXT.wrapping_sub(70_000), SERVER_NEXT), 0);
    assert_eq!((tracking.state(), tracking.sequence_for(Original)), (State::Established, Some(CLIENT_NEXT)));
    tracking.advance(Original, &tcp(ACK, CLIENT_NEXT, SERVER_NEXT + 1), 0);
    assert_eq!(tracking.acknowledged_by(Original), Some(SERVER_NEXT), "what was not sent can't be acknowledged");
}

#[test]
fn a_finish_with_something_behind_it_was_not_its_own() {
    let mut tracking = open();
    tracking.advance(Original, &tcp(FIN | ACK, CLIENT_NEXT, SERVER_NEXT), 0);
    assert_eq!(tracking.advance(Original, &tcp(ACK, CLIENT_NEXT, SERVER_NEXT), 100).timeout, ticks(240));
    assert_eq!(tracking.state(), State::Established);
}

#[test]
fn a_connection_found_half_way_opens_with_an_answer() {
    let mut tracking = Tracking::first(TCP, &tcp(ACK, 1_000, 2_000), 100, Some(10));
    assert_eq!((tracking.state(), tracking.is_half_open()), (State::PickedUp, true));
    assert_eq!(tracking.advance(Original, &tcp(ACK, 1_100, 2_000), 100), step(30, Event::None));
    assert_eq!(tracking.advance(Reply, &tcp(ACK, 2_000, 1_200 + (1 << 25)), 0), Step::IGNORE);
    assert_eq!(tracking.advance(Reply, &tcp(ACK, 2_000, 1_100), 50), step(600, Event::BecameEstablished));
    assert_eq!((tracking.sequence_for(Reply), tracking.acknowledged_by(Reply)), (Some(2_050), Some(1_100)));
}

#[test]
fn a_reset_found_half_way_is_short_lived() {
    let tracking = Tracking::first(TCP, &tcp(RST, 1_000, 0), 0, None);
    assert_eq!((tracking.state(), Some(tracking.timeout())), (State::Reset, ticks(10)));
    let mut answered = Tracking::first(TCP, &tcp(ACK, 1_000, 2_000), 100, None);
    assert_eq!(answered.advance(Reply, &tcp(RST, 2_000, 0), 0), step(10, Event::Closed), "the usual answer of a host that knows nothing");
}

#[test]
fn resets_carry_what_the_receiver_expects() {
    let reset = |sequence, acknowledgement| ResetSegment { sequence, acknowledgement };
    let mut tracking = open();
    assert_eq!(tracking.resets_from(Reply).collect::<Vec<_>>(), [reset(SERVER_NEXT, CLIENT_NEXT)]);
    assert_eq!(tracking.resets_from(Original).collect::<Vec<_>>(), [reset(CLIENT_NEXT, SERVER_NEXT)]);
    tracking.advance(Reply, &tcp(ACK, SERVER_NEXT, CLIENT_NEXT), 300);
    let both = [reset(SERVER_NEXT, CLIENT_NEXT), reset(SERVER_NEXT + 300, CLIENT_NEXT)];
    assert_eq!(tracking.resets_from(Reply).collect::<Vec<_>>(), both, "300 bytes may have arrived, or not");
    assert_eq!(syn_sent().resets_from(Reply).count(), 0);
    assert_eq!(Tracking::first(UDP, &Transport::Udp, 0, None).resets_from(Original).count(), 0);
}

#[test]
fn other_protocols_know_one_way_and_both_ways() {
    let echo = Transport::Echo { reply: false };
    let cases = [(UDP, Transport::Udp, 30, 240), (ICMP, echo, 30, 30), (ICMPV6, echo, 30, 30), (50, Transport::Portless, 600, 600)];
    for (protocol, transport, one_way, both_ways) in cases {
        let mut tracking = Tracking::first(protocol, &transport, 0, Some(30));
        assert_eq!(tracking.advance(Original, &transport, 0), step(one_way, Event::None));
        assert!(tracking.is_half_open());
        assert_eq!(tracking.advance(Reply, &transport, 0), step(both_ways, Event::BecameEstablished));
        assert_eq!(tracking.advance(Original, &Transport::Unseen, 0), step(both_ways, Event::None));
        assert!(!tracking.is_half_open());
    }
    assert_eq!(open().advance(Original, &Transport::Unseen, 0), Step::IGNORE, "a later fragment says nothing of TCP");
}

#[test]
fn the_quota_is_kept_in_all_and_per_zone() {
    let mut quota = HalfOpenQuota::new(3, 2);
    assert_eq!([1, 1, 1, 9, 9].map(|zone| quota.enter(Zone(zone))), [true, true, false, true, false]);
    assert_eq!(quota.used(), 3);
    quota.leave(Zone(5));
    assert_eq!(quota.used(), 3);
    quota.leave(Zone(1));
    assert!(quota.enter(Zone(9)));
    for _ in 0..5 {
        quota.leave(Zone(9));
    }
    assert_eq!(quota.used(), 1);
    assert!(HalfOpenQuota::for_capacity(0).enter(Zone(0)));
}

proptest! {
    /// A guesser that is not near changes nothing that matters: state, numbers and deadline stay.
    #[test]
    fn guesses_from_afar_change_nothing(flags in 0..64_u8, sequence: u32, acknowledgement: u32, length in 0..1_500_u32, from_server: bool) {
        let (direction, next) = if from_server { (Reply, SERVER_NEXT) } else { (Original, CLIENT_NEXT) };
        let ahead = sequence.wrapping_sub(next).cast_signed();
        prop_assume!(!(-(1 << 30)..=1 << 24).contains(&ahead));
        let mut tracking = open();
        prop_assert_eq!(tracking.advance(direction, &tcp(flags, sequence, acknowledgement), length), Step::IGNORE);
        prop_assert_eq!(tracking, open());
    }

    /// Whatever comes: a flow that was answered for never becomes half-open again, and all timeouts are known ones.
    #[test]
    fn any_packets_keep_the_promises(packets in prop::collection::vec((any::<bool>(), 0..64_u8, -3..3_i32, -3..3_i32, 0..3_u32), 0..40)) {
        let mut tracking = syn_sent();
        for (from_server, flags, sequence, acknowledgement, length) in packets {
            let direction = if from_server { Reply } else { Original };
            let sequence = tracking.sequence_for(direction).unwrap_or(SERVER).wrapping_add_signed(sequence);
            let acknowledgement = tracking.sequence_for(direction.opposite()).unwrap_or(SERVER).wrapping_add_signed(acknowledgement);
            let before = tracking;
            let step = tracking.advance(direction, &tcp(flags, sequence, acknowledgement), length);
            prop_assert_eq!(step.event == Event::BecameEstablished, before.is_half_open() && !tracking.is_half_open());
            prop_assert!(before.is_half_open() || !tracking.is_half_open());
            prop_assert_eq!(step.timeout, step.timeout.map(|_| tracking.timeout()));
            prop_assert!(tracking.timeout() >= before.timeout() || step.shortens());
            if step.timeout.is_none() {
                prop_assert_eq!(tracking, before);
            }
        }
    }
}
