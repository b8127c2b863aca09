//! Sequence numbers of one side of a TCP connection: enough to tell its packets from a guesser's.
//!
//! Windows and their scale are not looked at (a connection may be found half-way), so the limits here are wider than an
//! end host's and far narrower than what a guess needs.

use super::{ACK, FIN, SYN};
use crate::packet::parse::Tcp;

/// How far a segment may lie behind what was seen: any honest repetition does.
const BEHIND: i32 = 1 << 30;
/// How far a segment may lie ahead: what a burst lost before it came here may hold (16 MiB).
const AHEAD: i32 = 1 << 24;
/// How far ahead a finish or a reset counts: a few lost packets, or one lost super-frame.
const NEAR: i32 = 65_535;

const SEEN: u8 = 1;
const ACKNOWLEDGED: u8 = 2;
const FINISHED: u8 = 4;

/// What is known of a side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Side {
    /// The sequence number behind all that it has sent.
    pub(super) next: u32,
    /// Its last acknowledgement; the number of its first segment until it has sent one.
    pub(super) acknowledged: u32,
    pub(super) marks: u8,
}

/// Whether a segment goes on with what its sender sent before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    /// Nothing was seen before.
    Unknown,
    /// It does.
    Inside,
    /// Too far away to be the sender's.
    Outside,
}

impl Side {
    /// A side known by its first segment.
    pub(super) const fn started_by(tcp: &Tcp, payload_length: u32) -> Self {
        let mut marks = SEEN;
        if tcp.flags & ACK != 0 {
            marks |= ACKNOWLEDGED;
        }
        if tcp.flags & FIN != 0 {
            marks |= FINISHED;
        }
        let acknowledged = if tcp.flags & ACK != 0 { tcp.acknowledgement } else { tcp.sequence };
        Self { next: end(tcp, payload_length), acknowledged, marks }
    }

    pub(super) const fn is_seen(&self) -> bool {
        self.marks & SEEN != 0
    }

    pub(super) const fn has_acknowledged(&self) -> bool {
        self.marks & ACKNOWLEDGED != 0
    }

    pub(super) const fn has_finished(&self) -> bool {
        self.marks & FINISHED != 0
    }

    /// Whether it has acknowledged all that its peer sent.
    pub(super) const fn knows_all_of(&self, peer: &Self) -> bool {
        self.has_acknowledged() && self.acknowledged == peer.next
    }

    /// Whether a packet from the other side acknowledges this side's SYN, with or without the data that it carried.
    pub(super) const fn is_answered_by(&self, tcp: &Tcp) -> bool {
        let missing = distance(tcp.acknowledgement, self.next);
        let is_behind_syn = self.has_acknowledged() || distance(self.acknowledged, tcp.acknowledgement) > 0;
        self.is_seen() && is_behind_syn && missing >= 0 && missing <= NEAR
    }

    /// Whether a packet from the other side may belong to a connection found half-way: it acknowledges something near.
    pub(super) const fn is_spoken_to_by(&self, tcp: &Tcp) -> bool {
        let missing = distance(tcp.acknowledgement, self.next);
        self.is_seen() && missing >= -AHEAD && missing <= AHEAD
    }

    pub(super) const fn fit(&self, tcp: &Tcp) -> Fit {
        let ahead = distance(self.next, tcp.sequence);
        match self.is_seen() {
            false => Fit::Unknown,
            true if ahead >= -BEHIND && ahead <= AHEAD => Fit::Inside,
            true => Fit::Outside,
        }
    }

    /// Moves on to the end of a segment that fits. A finish is the last thing that a side sends: it counts where nothing
    /// was seen behind it, and no longer once something is (then it was somebody else's).
    pub(super) const fn extend(&mut self, tcp: &Tcp, payload_length: u32) {
        let end = end(tcp, payload_length);
        let grows = distance(self.next, end);
        if tcp.flags & FIN != 0 {
            if grows < 0 || distance(self.next, tcp.sequence) > NEAR {
                return;
            }
            self.marks |= FINISHED;
        } else if grows > 0 {
            self.marks &= !FINISHED;
        }
        if grows > 0 {
            self.next = end;
        }
    }

    /// Keeps an acknowledgement that says something new of what the peer has sent (RFC 5961, 5).
    pub(super) const fn acknowledge(&mut self, tcp: &Tcp, peer: &Self) {
        let is_sent = !peer.is_seen() || distance(tcp.acknowledgement, peer.next) >= 0;
        let is_new = !self.has_acknowledged() || distance(self.acknowledged, tcp.acknowledgement) > 0;
        if tcp.flags & ACK != 0 && is_sent && is_new {
            self.acknowledged = tcp.acknowledgement;
            self.marks |= ACKNOWLEDGED;
        }
    }
}

/// Whether a reset may be its sender's: it lies between what the peer has acknowledged and a little beyond what was sent.
pub(super) const fn reset_fits(own: &Side, peer: &Side, tcp: &Tcp) -> bool {
    let (low, high) = match (peer.has_acknowledged(), own.is_seen()) {
        (true, true) => (peer.acknowledged, own.next),
        (true, false) => (peer.acknowledged, peer.acknowledged),
        (false, true) => (own.next.wrapping_sub(NEAR.unsigned_abs()), own.next),
        (false, false) => return false,
    };
    distance(low, tcp.sequence) >= 0 && distance(high, tcp.sequence) <= NEAR
}

/// The sequence number behind a segment; SYN and FIN take one each.
const fn end(tcp: &Tcp, payload_length: u32) -> u32 {
    let flags = (tcp.flags & SYN != 0) as u32 + (tcp.flags & FIN != 0) as u32;
    tcp.sequence.wrapping_add(payload_length).wrapping_add(flags)
}

/// From one sequence number to another, forward positive, on the circle of 2³² (RFC 9293, 3.4).
const fn distance(from: u32, to: u32) -> i32 {
    to.wrapping_sub(from).cast_signed()
}
