//! Each condition by itself: two packets that differ in it alone stay two.

use super::*;
use crate::packet::coalesce::group::MAX_COPY;

fn pair() -> [Made; 2] {
    [datagram(5, &[1; 100]), datagram(6, &[2; 100])]
}

fn tcp_pair() -> [Made; 2] {
    [segment(1000, &[1; 100]), segment(1100, &[2; 100])]
}

/// How many frames are left of two, after the second was changed (and its checksums set right again).
fn after(pair: [Made; 2], change: impl FnOnce(&mut Vec<u8>)) -> usize {
    let [first, second] = pair.map(|made| made.bytes());
    let mut second = second;
    change(&mut second);
    finish(&mut second);
    joined(vec![Frame::from_bytes(&first), Frame::from_bytes(&second)]).len()
}

fn v6(pair: [Made; 2]) -> [Made; 2] {
    pair.map(|made| Made { v6: true, ..made })
}

#[test]
fn two_that_follow_each_other_are_one_and_say_how() {
    for (pair, gso, headers) in [
        (pair(), Gso::UdpSegments, 42),
        (v6(pair()), Gso::UdpSegments, 62),
        (tcp_pair(), Gso::Tcp4 { ecn: false }, 66),
        (v6(tcp_pair()), Gso::Tcp6 { ecn: false }, 86),
    ] {
        let expected: Vec<_> = pair.iter().map(Made::bytes).collect();
        let frames = joined(pair.iter().map(Made::frame).collect());
        assert_eq!((frames.len(), frames[0].len()), (1, headers as usize + 200));
        let offload = frames[0].offload;
        assert_eq!((offload.gso, offload.gso_size, offload.header_length, offload.needs_checksum), (gso, 100, headers, true));
        // TCP's identification counts up from the first one's: with "don't fragment" it may.
        let mut got = apart(&frames);
        if matches!(gso, Gso::Tcp4 { .. }) {
            assert_eq!(got[1][18..20], [0, 1]);
            got[1][18..20].fill(0);
            finish(&mut got[1]);
        }
        assert_eq!(got, expected);
    }
}

#[test]
fn a_super_frame_has_true_headers() {
    let frames = joined(pair().iter().map(Made::frame).collect());
    let bytes = frames[0].bytes();
    assert_eq!(crate::wire::checksum::sum(&bytes[14..34]), 0xffff);
    assert_eq!((&bytes[16..18], &bytes[38..40]), (&228_u16.to_be_bytes()[..], &208_u16.to_be_bytes()[..]));
    assert_eq!(bytes[40..42], pseudo(bytes, 34, 17).fold().to_be_bytes());
}

#[test]
fn network_headers_agree() {
    for at in [0, 6, 15, 22] {
        // MACs, type of service, TTL
        assert_eq!(after(pair(), |bytes| bytes[at] ^= 2), 2, "{at}");
    }
    for at in [15, 17, 21] {
        // traffic class, flow label, hop limit
        assert_eq!(after(v6(pair()), |bytes| bytes[at] ^= 4), 2, "{at}");
    }
    assert_eq!(after(pair(), |bytes| bytes[20] ^= 0x40), 2, "don't fragment");
    assert_eq!(after(pair(), |_| ()), 1);
}

#[test]
fn tcp_headers_agree() {
    for (at, what) in [(45, "acknowledgement"), (49, "window"), (53, "urgent pointer"), (60, "timestamp"), (46, "reserved bits")] {
        assert_eq!(after(tcp_pair(), |bytes| bytes[at] ^= 1), 2, "{what}");
    }
    assert_eq!(after(tcp_pair(), |_| ()), 1);
}

#[test]
fn flows_agree() {
    for at in [29, 33, 35, 37] {
        assert_eq!(after(pair(), |bytes| bytes[at] ^= 1), 2, "{at}");
    }
}

#[test]
fn tcp_flags_are_ack_and_on_the_last_push() {
    for flag in [tcp::FIN, tcp::SYN, tcp::RST, tcp::URG, tcp::ECE, tcp::CWR] {
        assert_eq!(after(tcp_pair(), |bytes| bytes[47] |= flag), 2, "{flag:#x}");
    }
    assert_eq!(after(tcp_pair(), |bytes| bytes[47] = 0), 2);
    let made = [(1000, 0), (1100, tcp::PSH), (1200, 0), (1300, 0)]
        .map(|(sequence, flag)| Made { flags: tcp::ACK | flag, ..segment(sequence, &[1; 100]) });
    let frames = joined(made.iter().map(Made::frame).collect());
    assert_eq!(frames.iter().map(|frame| (frame.len(), is_push(frame))).collect::<Vec<_>>(), [(266, true), (266, false)]);
}

#[test]
fn segments_continue_where_the_last_ended() {
    for sequence in [1099, 1101, 1000, 900] {
        let frames = joined(vec![segment(1000, &[1; 100]).frame(), segment(sequence, &[2; 100]).frame()]);
        assert_eq!(frames.len(), 2, "{sequence}");
    }
    let wraps = [segment(u32::MAX - 99, &[1; 100]), segment(0, &[2; 100])];
    assert_eq!(joined(wraps.iter().map(Made::frame).collect()).len(), 1);
    // no payload: an acknowledgement, which nothing may overtake
    let made = [segment(1000, &[1; 100]), segment(1100, &[]), segment(1100, &[2; 100])];
    assert_eq!(joined(made.iter().map(Made::frame).collect()).len(), 3);
}

#[test]
fn identifications_count_up_unless_nobody_reads_them() {
    let with = |second, dont_fragment| {
        let made = [datagram(u16::MAX, &[1; 100]), datagram(second, &[2; 100])].map(|made| Made { dont_fragment, ..made });
        joined(made.iter().map(Made::frame).collect()).len()
    };
    assert_eq!((with(0, false), with(1, false), with(u16::MAX, false)), (1, 2, 2));
    assert_eq!((with(0, true), with(77, true), with(u16::MAX, true)), (1, 1, 1));
}

#[test]
fn all_have_one_size_but_a_shorter_last() {
    let made: Vec<_> = [100, 100, 60, 60, 60, 80, 80].iter().zip(0..).map(|(length, id)| datagram(id, &vec![1; *length])).collect();
    assert_eq!(sizes(&joined(made.iter().map(Made::frame).collect())), [3, 2, 2]);
}

#[test]
fn datagrams_without_checksum_stay_alone() {
    let without = |made: &Made| {
        let mut frame = made.frame();
        set_u16_at(frame.bytes_mut(), 40, 0);
        frame
    };
    assert_eq!(joined(pair().iter().map(without).collect()).len(), 2);
}

#[test]
fn a_pseudo_header_that_adds_up_to_zero_is_no_missing_checksum() {
    for zero in [0, u16::MAX] {
        let partial = |made: &Made| {
            let mut frame = made.partial();
            // The address takes up what is missing to 0xffff.
            let missing = !pseudo(frame.bytes(), 34, 17).fold();
            set_u16_at(frame.bytes_mut(), 28, missing.wrapping_add(1));
            finish_network(frame.bytes_mut());
            assert_eq!(pseudo(frame.bytes(), 34, 17).fold(), 0xffff);
            set_u16_at(frame.bytes_mut(), 40, zero);
            frame
        };
        assert_eq!(joined(pair().iter().map(partial).collect()).len(), 1);
    }
}

#[test]
fn empty_datagrams_and_padded_frames_stay_alone() {
    assert_eq!(joined(vec![datagram(1, &[]).frame(), datagram(2, &[]).frame()]).len(), 2);
    let padded = pair().map(|made| [made.bytes(), vec![0; 4]].concat());
    assert_eq!(joined(padded.iter().map(|bytes| Frame::from_bytes(bytes)).collect()).len(), 2);
    // a datagram that says to be shorter than its packet
    assert_eq!(after(pair(), |bytes| bytes[39] -= 4), 2);
}

#[test]
fn fragments_and_options_are_never_joined_nor_overtaken() {
    let strange: [fn(&mut Vec<u8>); 4] = [
        |bytes| bytes[20] |= 0x20,
        |bytes| bytes[21] = 3,
        |bytes| bytes[23] = 1, // ICMP
        |bytes| {
            bytes.splice(34..34, [1, 1, 1, 0]);
            (bytes[14], bytes[17]) = (0x46, bytes[17] + 4);
        },
    ];
    for change in strange {
        let mut middle = datagram(6, &[2; 100]).bytes();
        change(&mut middle);
        let ends = [datagram(5, &[1; 100]), datagram(6, &[2; 100])];
        let frames = joined(vec![ends[0].frame(), Frame::from_bytes(&middle), ends[1].frame()]);
        assert_eq!(frames.len(), 3);
        assert_eq!(frames[1].bytes(), middle);
    }
}

#[test]
fn a_checksum_left_to_the_device_is_left_in_the_right_place() {
    assert_eq!(joined(pair().iter().map(Made::partial).collect()).len(), 1);
    let wrong: [fn(&mut Offload); 2] = [|offload| offload.checksum_start -= 2, |offload| offload.checksum_offset += 2];
    for change in wrong {
        let mut frames: Vec<_> = pair().iter().map(Made::partial).collect();
        change(&mut frames[1].offload);
        assert_eq!(joined(frames).len(), 2);
    }
}

#[test]
fn a_damaged_packet_stays_damaged_and_alone() {
    for place in 0..3 {
        for at in [16, 24, 40, 41, 50, 141] {
            let mut frames: Vec<_> = (0..3).map(|id| datagram(id, &[1; 100]).frame()).collect();
            frames[place].bytes_mut()[at] ^= 0x10;
            let damaged = frames[place].bytes().to_vec();
            let frames = joined(frames);
            assert!(frames.iter().any(|frame| frame.bytes() == damaged && frame.offload == Offload::default()), "{place} {at}");
            assert!(frames.len() >= 2, "{place} {at}");
        }
    }
}

#[test]
fn a_damaged_pseudo_header_sum_is_not_healed() {
    let mut frames: Vec<_> = pair().iter().map(Made::partial).collect();
    frames[1].bytes_mut()[41] ^= 1;
    assert_eq!(joined(frames).len(), 2);
}

#[test]
fn super_frames_grow_while_their_last_is_full() {
    let of = |sequence, length: usize, size| {
        let mut frame = segment(sequence, &vec![1; length]).partial();
        (frame.offload.gso, frame.offload.gso_size) = (Gso::Tcp4 { ecn: false }, size);
        frame
    };
    assert_eq!(
        sizes(&joined(vec![of(1000, 300, 100), segment(1300, &[2; 100]).frame(), of(1400, 150, 100), segment(1550, &[2; 100]).frame()])),
        [6, 1]
    );
    assert_eq!(sizes(&joined(vec![segment(900, &[2; 100]).frame(), of(1000, 300, 100)])), [4]);
    assert_eq!(sizes(&joined(vec![of(1000, 250, 100), segment(1250, &[2; 100]).frame()])), [3, 1]);
    assert_eq!(sizes(&joined(vec![of(1000, 300, 100), of(1300, 300, 150)])), [3, 2]);
    let mut congested = vec![of(1000, 300, 100), of(1300, 300, 100)];
    congested[1].offload.gso = Gso::Tcp4 { ecn: true };
    assert_eq!(joined(congested).len(), 2);
    let mut finished = vec![of(1000, 300, 100), of(1300, 300, 100)];
    finished[1].offload.needs_checksum = false;
    assert_eq!(joined(finished).len(), 2);
}

#[test]
fn long_payloads_are_not_copied() {
    for (length, expected) in [(MAX_COPY, 1), (MAX_COPY + 1, 2)] {
        assert_eq!(
            joined(vec![segment(1000, &vec![1; length]).frame(), segment(1000 + length as u32, &vec![2; length]).frame()]).len(),
            expected
        );
    }
    // but appended to
    assert_eq!(joined(vec![segment(1000, &[1; 5000]).frame(), segment(6000, &[2; 100]).frame()]).len(), 1);
}

#[test]
fn datagrams_are_64_at_most_and_packets_64_kib() {
    let many: Vec<_> = (0..150).map(|id| datagram(id, &[1; 20]).frame()).collect();
    assert_eq!(sizes(&joined(many)), [64, 64, 22]);
    let long: Vec<_> = (0..70).map(|index| segment(index * 1000, &[1; 1000]).frame()).collect();
    let frames = joined(long);
    assert_eq!(sizes(&frames), [65, 5]);
    assert!(frames.iter().all(|frame| frame.len() <= 14 + 65_535));
}

#[test]
fn only_kinds_that_the_port_takes_are_made() {
    let four = || [pair(), tcp_pair()].concat().iter().map(Made::frame).collect::<Vec<_>>();
    for (tcp, udp, expected) in [(true, true, 2), (true, false, 3), (false, true, 3), (false, false, 4)] {
        assert_eq!(joined_for(four(), SuperFrames { tcp, udp }).len(), expected);
    }
}

#[test]
fn flows_that_take_turns_are_joined_each_where_its_first_packet_was() {
    let turns: Vec<_> = (0..64).map(|index: u16| Made { flow: (index % 8) as u8, ..datagram(index / 8, &[index as u8; 30]) }).collect();
    let frames = joined(turns.iter().map(Made::frame).collect());
    assert_eq!(sizes(&frames), [8; 8]);
    let flows: Vec<_> = frames.iter().map(|frame| layout(frame.bytes()).source_port - 4000).collect();
    assert_eq!(flows, (0..8).collect::<Vec<_>>());
}

#[test]
fn accounts_that_do_not_add_up_keep_frames_apart() {
    let mut frames: Vec<_> = (0..3).map(|id| datagram(id, &[1; 100]).frame()).collect();
    let mut counts = vec![Count(1), Count(-1), Count(1)];
    Coalescer::default().coalesce(&mut frames, &mut counts, SuperFrames::ALL, &mut FramePool::new(8));
    assert_eq!((frames.len(), counts), (3, vec![Count(1), Count(-1), Count(1)]));
}
