//! A queue of the outbox is made ready for its port: what the port does not take whole is taken apart, what may leave
//! together is joined.

use crate::packet::coalesce::Coalescer;
use crate::packet::parse::{Parsed, parse};
use crate::packet::segments::{self, SuperFrames};
use crate::packet::{Frame, FramePool};
use crate::pipeline::outbox::{Queue, Sent};

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

    /// Makes `queue` ready for a port that takes these kinds of super-frame. Each frame keeps an account: every packet and
    /// byte stays counted once.
    #[inline]
    pub(super) fn prepare(&mut self, queue: &mut Queue, takes: SuperFrames, pool: &mut FramePool) {
        if takes != SuperFrames::ALL && queue.frames.iter().any(|frame| !takes.takes(frame.offload.gso)) {
            self.take_apart(queue, takes, pool);
        }
        if let Some(coalescer) = &mut self.coalescer {
            coalescer.coalesce(&mut queue.frames, &mut queue.sent, takes, pool);
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
        Departure::new(true, 8).prepare(&mut queue, SuperFrames { tcp: true, udp: false }, &mut FramePool::new(8));
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
        Departure::new(true, 8).prepare(&mut queue, SuperFrames::ALL, &mut FramePool::new(8));
        assert_eq!((queue.frames.len(), totals(&queue)), (1, (3, 1126)));
    }

    #[test]
    fn frames_are_joined_with_their_accounts_unless_told_otherwise() {
        for (coalesce, expected) in [(true, vec![(3, 1126)]), (false, vec![(1, 442), (1, 442), (1, 242)])] {
            let mut queue = queue(vec![datagrams(1000, 400)]);
            let mut departure = Departure::new(coalesce, 8);
            departure.prepare(&mut queue, SuperFrames::NONE, &mut FramePool::new(8));
            departure.prepare(&mut queue, SuperFrames::ALL, &mut FramePool::new(8));
            assert_eq!(queue.sent.iter().map(|sent| (sent.packets, sent.bytes)).collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn packets_that_count_for_two_zones_leave_apart() {
        let mut queue = queue(vec![datagrams(1000, 400)]);
        let mut departure = Departure::new(true, 8);
        departure.prepare(&mut queue, SuperFrames::NONE, &mut FramePool::new(8));
        queue.sent[1].forwarded_for = None;
        departure.prepare(&mut queue, SuperFrames::ALL, &mut FramePool::new(8));
        assert_eq!(queue.frames.len(), 3);
    }
}
