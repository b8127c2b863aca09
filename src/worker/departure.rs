//! A queue of the outbox is made ready for its port: what the port does not take whole is taken apart, what may leave
//! together is joined.

use crate::packet::coalesce::Coalescer;
use crate::packet::parse::{Parsed, parse};
use crate::packet::segments::{self, SuperFrames};
use crate::packet::{Frame, FramePool};
use crate::pipeline::outbox::{Queue, Sent};

/// From so many frames on, a queue in which nothing could be joined says something of the next.
const TELLING: usize = 16;
/// Queues of a port that are sent without a look, at most, before one is looked through again.
const LONGEST_PAUSE: u8 = 15;

/// Whether a port's queues are worth looking through. Where packets of very many flows leave, nothing is joined, and
/// looking costs some 30 ns a frame: then only every second queue is looked through, every fourth, and so on, until
/// something is joined again.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Attention {
    /// Queues that are passed over after one without success.
    pause: u8,
    /// How many of them are left.
    left: u8,
}

impl Attention {
    /// Whether the next queue is to be looked through.
    fn is_due(&mut self) -> bool {
        let is_due = self.left == 0;
        self.left = self.left.saturating_sub(1);
        is_due
    }

    /// A queue was looked through: it had `before` frames, and has `after`.
    fn learn(&mut self, before: usize, after: usize) {
        if after < before {
            self.pause = 0;
        } else if before >= TELLING {
            self.pause = (self.pause * 2 + 1).min(LONGEST_PAUSE);
            self.left = self.pause;
        }
    }
}

/// What it takes to make queues ready.
#[derive(Debug)]
pub(super) struct Departure {
    /// `None`: nothing is joined.
    coalescer: Option<Coalescer>,
    /// Room for a queue that is taken apart.
    pieces: Queue,
}

impl Departure {
    /// `frames`: how many a queue will mostly hold.
    pub(super) fn new(coalesce: bool, frames: usize) -> Self {
        Self { coalescer: coalesce.then(|| Coalescer::with_capacity(frames)), pieces: Queue::default() }
    }

    /// Makes `queue` ready for a port that takes these kinds of super-frame; `attention` is the port's. Each frame keeps an account: every packet and
    /// byte stays counted once.
    #[inline]
    pub(super) fn prepare(&mut self, queue: &mut Queue, takes: SuperFrames, attention: &mut Attention, pool: &mut FramePool) {
        if takes != SuperFrames::ALL && queue.frames.iter().any(|frame| !takes.takes(frame.offload.gso)) {
            self.take_apart(queue, takes, pool);
        }
        if let Some(coalescer) = &mut self.coalescer
            && queue.frames.len() > 1
            && attention.is_due()
        {
            let before = queue.frames.len();
            coalescer.coalesce(&mut queue.frames, &mut queue.sent, takes, pool);
            attention.learn(before, queue.frames.len());
        }
    }

    #[cold]
    fn take_apart(&mut self, queue: &mut Queue, takes: SuperFrames, pool: &mut FramePool) {
        let Queue { frames, sent } = &mut self.pieces;
        for (frame, account) in queue.frames.drain(..).zip(queue.sent.drain(..)) {
            match parse(frame.bytes(), frame.offload.needs_checksum) {
                Ok(Parsed::Ip(layout)) if !takes.takes(frame.offload.gso) => {
                    let before = frames.len();
                    segments::split(&frame, &layout, pool, frames);
                    sent.extend(frames.iter().skip(before).map(|piece| of_piece(piece, account)));
                    pool.give(frame);
                }
                _ => {
                    frames.push(frame);
                    sent.push(account);
                }
            }
        }
        std::mem::swap(queue, &mut self.pieces);
    }
}

/// The account of a segment.
fn of_piece(piece: &Frame, whole: Sent) -> Sent {
    Sent { packets: 1, bytes: piece.len() as u64, ..whole }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::testing::{Kind, Recipe};
    use crate::packet::{Gso, Offload, Zone};

    fn datagrams(payload: usize, size: u16) -> Frame {
        let recipe =
            Recipe { v6: false, kind: Kind::Udp, source: [9; 16], destination: [8; 16], ports: (4000, 53), payload: vec![7; payload] };
        let mut frame = Frame::from_bytes(&recipe.build());
        let (checksum_start, checksum_offset) = (34, 6);
        frame.offload =
            Offload { needs_checksum: true, checksum_start, checksum_offset, gso: Gso::UdpSegments, gso_size: size, header_length: 42 };
        frame
    }

    fn queue(frames: Vec<Frame>) -> Queue {
        let sent = |frame: &Frame| {
            let (packets, bytes) = segments::wire_size(frame, None);
            Sent { forwarded_for: Some(Zone(3)), packets, bytes }
        };
        Queue { sent: frames.iter().map(sent).collect(), frames }
    }

    fn totals(queue: &Queue) -> (u64, u64) {
        (queue.sent.iter().map(|sent| sent.packets).sum(), queue.sent.iter().map(|sent| sent.bytes).sum())
    }

    #[test]
    fn a_port_without_super_frames_gets_their_segments_each_with_its_account() {
        let mut queue = queue(vec![Frame::from_bytes(&[1; 60]), datagrams(1000, 400), Frame::from_bytes(&[2; 60])]);
        let before = totals(&queue);
        Departure::new(true, 8).prepare(
            &mut queue,
            SuperFrames { tcp: true, udp: false },
            &mut Attention::default(),
            &mut FramePool::new(8),
        );
        assert_eq!(queue.frames.iter().map(Frame::len).collect::<Vec<_>>(), [60, 442, 442, 242, 60]);
        assert!(queue.frames.iter().all(|frame| frame.offload == Offload::default()));
        assert_eq!(
            queue.sent.iter().map(|sent| (sent.packets, sent.bytes)).collect::<Vec<_>>(),
            [(1, 60), (1, 442), (1, 442), (1, 242), (1, 60)]
        );
        assert!(queue.sent.iter().all(|sent| sent.forwarded_for == Some(Zone(3))));
        assert_eq!(totals(&queue), before);
    }

    #[test]
    fn what_a_port_takes_whole_stays_whole() {
        let mut queue = queue(vec![datagrams(1000, 400)]);
        Departure::new(true, 8).prepare(&mut queue, SuperFrames::ALL, &mut Attention::default(), &mut FramePool::new(8));
        assert_eq!((queue.frames.len(), totals(&queue)), (1, (3, 1126)));
    }

    #[test]
    fn frames_are_joined_with_their_accounts_unless_told_otherwise() {
        for (coalesce, expected) in [(true, vec![(3, 1126)]), (false, vec![(1, 442), (1, 442), (1, 242)])] {
            let mut queue = queue(vec![datagrams(1000, 400)]);
            let mut departure = Departure::new(coalesce, 8);
            departure.prepare(&mut queue, SuperFrames::NONE, &mut Attention::default(), &mut FramePool::new(8));
            departure.prepare(&mut queue, SuperFrames::ALL, &mut Attention::default(), &mut FramePool::new(8));
            assert_eq!(queue.sent.iter().map(|sent| (sent.packets, sent.bytes)).collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn where_nothing_is_joined_fewer_and_fewer_queues_are_looked_through_until_something_is() {
        let mut attention = Attention::default();
        let looked = |attention: &mut Attention, before, after| {
            let mut passed_over = 0;
            while !attention.is_due() {
                passed_over += 1;
            }
            attention.learn(before, after);
            passed_over
        };
        let pauses: Vec<_> = (0..7).map(|_| looked(&mut attention, 64, 64)).collect();
        assert_eq!(pauses, [0, 1, 3, 7, 15, 15, 15]);
        assert_eq!([looked(&mut attention, 64, 63), looked(&mut attention, 64, 64), looked(&mut attention, 64, 64)], [15, 0, 1]);
        // short queues say nothing
        let mut attention = Attention::default();
        assert_eq!([looked(&mut attention, 15, 15), looked(&mut attention, 2, 2)], [0, 0]);
    }

    #[test]
    fn packets_that_count_for_two_zones_leave_apart() {
        let mut queue = queue(vec![datagrams(1000, 400)]);
        let mut departure = Departure::new(true, 8);
        departure.prepare(&mut queue, SuperFrames::NONE, &mut Attention::default(), &mut FramePool::new(8));
        queue.sent[1].forwarded_for = None;
        departure.prepare(&mut queue, SuperFrames::ALL, &mut Attention::default(), &mut FramePool::new(8));
        assert_eq!(queue.frames.len(), 3);
    }
}
