//! How many frames a port is asked for at once.
//!
//! A burst ends when the port has nothing more, which costs a TAP another system call, and what was received leaves after that.
//! Where packets come one at a time, as in a round trip, that call only keeps them waiting. So a port whose last packet came
//! alone is asked for one, which leaves at once, and then for more: of several that wait, one goes ahead of the others.

/// What the last bursts of a port say of the next.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Appetite {
    /// The last packet came alone.
    is_for_one: bool,
}

impl Appetite {
    /// The most frames of the next burst; `batch`: of any.
    #[inline]
    pub(super) fn limit(self, batch: usize) -> usize {
        if self.is_for_one { 1 } else { batch }
    }

    /// Takes note of a burst of `length` frames.
    #[inline]
    pub(super) fn after_burst(&mut self, length: usize) {
        self.is_for_one = if self.is_for_one { length == 0 } else { length <= 1 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The limits that a port is asked with, of which so many frames come at once.
    fn limits<const N: usize>(lengths: [usize; N]) -> [usize; N] {
        let mut appetite = Appetite::default();
        lengths.map(|length| {
            let limit = appetite.limit(64);
            appetite.after_burst(length);
            limit
        })
    }

    #[test]
    fn a_port_is_asked_for_one_while_packets_come_alone() {
        assert_eq!(limits([0, 0, 1, 0, 1, 0, 0]), [64, 1, 1, 64, 1, 64, 1]);
    }

    #[test]
    fn a_stream_is_taken_in_whole_bursts_but_for_its_first_packet() {
        assert_eq!(limits([0, 1, 64, 64, 3, 2, 1, 0]), [64, 1, 64, 64, 64, 64, 64, 1]);
    }
}
