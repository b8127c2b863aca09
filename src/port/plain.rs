//! Frames for a device without offloads: super-frames taken apart, checksums finished.

use crate::packet::parse::Parsed;
use crate::packet::rewrite::complete_checksum;
use crate::packet::{Frame, FramePool, Gso, parse, segments};

/// Room to take super-frames apart in.
#[derive(Debug, Default)]
pub(super) struct Plain {
    parts: Vec<Frame>,
}

impl Plain {
    /// Calls `take` with the ordinary frames that `frame` stands for: itself with a finished checksum, or its segments in
    /// buffers from `pool`, which get them back.
    pub(super) fn with<R>(&mut self, frame: &mut Frame, pool: &mut FramePool, take: impl FnOnce(&[Frame]) -> R) -> R {
        if frame.offload.gso == Gso::None {
            complete_checksum(frame);
            return take(std::slice::from_ref(frame));
        }
        // What does not parse is no super-frame to anybody: it goes, or is too long, as it is.
        let Ok(Parsed::Ip(layout)) = parse::parse(frame.bytes(), true) else { return take(std::slice::from_ref(frame)) };
        segments::split(frame, &layout, pool, &mut self.parts);
        let outcome = take(&self.parts);
        self.parts.drain(..).for_each(|part| pool.give(part));
        outcome
    }
}

#[cfg(test)]
mod tests {
    use etherparse::PacketBuilder;

    use super::*;
    use crate::packet::Offload;

    fn tcp(payload: usize) -> Frame {
        let mut bytes = Vec::new();
        let builder = PacketBuilder::ethernet2([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2]).ipv4([10, 0, 1, 4], [10, 0, 1, 5], 64);
        builder.tcp(1234, 80, 7, 1000).ack(1).write(&mut bytes, &vec![7; payload]).unwrap();
        Frame::from_bytes(&bytes)
    }

    #[test]
    fn a_super_frame_becomes_its_segments_and_the_pool_gets_them_back() {
        let mut frame = tcp(3000);
        frame.offload = Offload { gso: Gso::Tcp4 { ecn: false }, gso_size: 1400, header_length: 54, ..Offload::default() };
        let (mut plain, mut pool) = (Plain::default(), FramePool::new(4));
        let lengths = plain.with(&mut frame, &mut pool, |frames| frames.iter().map(Frame::len).collect::<Vec<_>>());
        assert_eq!(lengths, [1454, 1454, 254]);
        assert!(plain.parts.is_empty());
    }

    #[test]
    fn an_ordinary_frame_leaves_with_its_checksum() {
        let whole = tcp(40);
        let mut frame = Frame::from_bytes(whole.bytes());
        frame.offload = Offload { needs_checksum: true, checksum_start: 34, checksum_offset: 16, ..Offload::default() };
        let mut pseudo_header = crate::wire::checksum::Sum::default();
        pseudo_header.add_slice(&[10, 0, 1, 4, 10, 0, 1, 5, 0, 6, 0, 60]);
        frame.bytes_mut()[50..52].copy_from_slice(&pseudo_header.fold().to_be_bytes());
        Plain::default().with(&mut frame, &mut FramePool::new(1), |frames| assert_eq!(frames[0].bytes(), whole.bytes()));
    }
}
