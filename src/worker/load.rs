//! Whether more comes in at a port than the worker can take.
//!
//! A first packet costs several times what a packet of a known flow does. Where packets wait, a flood of first packets
//! would take that time from the flows that are known: those of the same port, whose packets the kernel then drops beside
//! the flood's, and those of other ports, whose turns come more seldom. So while a port is overloaded only some of the
//! first packets in a burst are decided; the others end as `queue-full` at once, and the port's queue is emptied sooner.

/// Full bursts in a row from which a port counts as overloaded. With bursts of 64 these are 1,024 frames, twice what a
/// TAP's queue holds: packets have been coming faster than they were taken for longer than any burst of a sender's lasts.
const OVERLOADED: u32 = 16;
/// Of a burst from an overloaded port, one frame in so many may be a first packet that is decided.
const SHARE: usize = 4;

/// What the last bursts of a port were like.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Load {
    full_bursts: u32,
}

impl Load {
    /// Takes note of a burst of `length` frames, of `limit` possible ones, and says how many first packets in it may be
    /// decided. `None`: all.
    #[inline]
    pub(super) fn after_burst(&mut self, length: usize, limit: usize) -> Option<u32> {
        self.full_bursts = if length < limit { 0 } else { self.full_bursts.saturating_add(1) };
        (self.full_bursts > OVERLOADED).then(|| (limit / SHARE).max(1) as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_many_full_bursts_in_a_row_are_overload() {
        let mut load = Load::default();
        for _ in 0..3 {
            assert!((0..OVERLOADED).all(|_| load.after_burst(64, 64).is_none()));
            assert_eq!(load.after_burst(63, 64), None);
        }
    }

    #[test]
    fn overload_lasts_until_a_burst_comes_back_short() {
        let mut load = Load::default();
        assert!((0..OVERLOADED).all(|_| load.after_burst(64, 64).is_none()));
        assert_eq!(
            [load.after_burst(64, 64), load.after_burst(64, 64), load.after_burst(10, 64), load.after_burst(64, 64)],
            [Some(16), Some(16), None, None]
        );
    }

    #[test]
    fn some_first_packet_is_decided_however_small_the_bursts() {
        let mut load = Load { full_bursts: OVERLOADED };
        assert_eq!(load.after_burst(1, 1), Some(1));
    }
}
