//! Frames that came apart leave together: what one burst left for a port, segments of a TCP flow or datagrams of a UDP
//! flow, is joined into super-frames, so that one call to the device carries many.
//!
//! A super-frame stands for exactly the packets that went into it, in their order: whoever takes it apart again
//! ([`segments::split`](super::segments::split), the kernel, a network card) gets them back byte for byte. One field may
//! differ: the IPv4 identification of packets with "don't fragment", which nobody reads (RFC 6864 4.1), counts up from
//! the first one's. Packets without that flag are joined only where their identifications count up by themselves.
//!
//! The rules are those of Linux' generic receive offload. All packets of a super-frame agree in every header field but
//! lengths, checksums, identification and sequence number; each continues where the one before ended; all have equally
//! many payload bytes, the last perhaps fewer. TCP segments have ACK alone, the last perhaps PSH. Datagrams have a
//! checksum. No fragments, no IP options or extension headers, no padding.
//!
//! A checksum is verified before its packet is joined, since the super-frame gets a new one: a packet that was damaged on
//! its way stays alone, and damaged. Where the checksum is left to the device there is only the pseudo-header's to look at.
//!
//! Frames of one flow keep their order. A joined frame moves forward to its flow's, past frames of other flows: it never
//! waits for one that is not there yet.

mod group;
mod segment;
#[cfg(test)]
mod tests;

use self::group::Groups;
use self::segment::{Found, Segment};
use super::segments::SuperFrames;
use super::{Frame, FramePool};

/// What is kept beside each frame, and added up where frames are joined.
pub trait Account: Copy {
    /// What stands beside a frame of both; `None` where they must not become one.
    fn joined(self, next: Self) -> Option<Self>;
}

/// Joins the frames of one queue at a time. Holds nothing between two but room.
#[derive(Debug, Default)]
pub struct Coalescer {
    groups: Groups,
}

impl Coalescer {
    /// One with room for queues of `frames` frames; longer ones make it allocate once.
    #[must_use]
    pub fn with_capacity(frames: usize) -> Self {
        Self { groups: Groups::with_capacity(frames) }
    }

    /// Joins what can be joined into kinds of super-frame that the port takes, and adds up their `accounts` (one for each
    /// frame). Buffers that become free go to `pool`.
    pub fn coalesce<A: Account>(&mut self, frames: &mut Vec<Frame>, accounts: &mut Vec<A>, takes: SuperFrames, pool: &mut FramePool) {
        if frames.len() < 2 || takes == SuperFrames::NONE {
            return;
        }
        self.groups.clear();
        let mut kept = 0;
        for index in 0..frames.len() {
            let (Some((before, [frame, ..])), Some((known, [account, ..]))) =
                (frames.split_at_mut_checked(index), accounts.split_at_mut_checked(index))
            else {
                break;
            };
            if self.joins((before, frame), (known, account), takes, kept) {
                pool.give(frame.take());
                continue;
            }
            if kept < index {
                frames.swap(kept, index);
                accounts.swap(kept, index);
            }
            kept += 1;
        }
        frames.truncate(kept);
        accounts.truncate(kept);
        self.groups.seal(frames);
    }

    /// Appends `frame` to its flow's among those before it; else opens a group for it, which will stand at `place`.
    #[inline]
    fn joins<A: Account>(
        &mut self,
        (before, frame): (&mut [Frame], &Frame),
        (known, account): (&mut [A], &A),
        takes: SuperFrames,
        place: usize,
    ) -> bool {
        match segment::find(frame, takes) {
            Found::Segment(flow, segment) => {
                self.extend(before, known, (frame, account), flow, &segment) || {
                    self.groups.open(flow, &segment, place);
                    false
                }
            }
            Found::Flow(flow) => {
                self.groups.close(flow);
                false
            }
            Found::Unknown => {
                self.groups.close_all();
                false
            }
        }
    }

    #[inline]
    fn extend<A: Account>(
        &mut self,
        before: &mut [Frame],
        known: &mut [A],
        (frame, account): (&Frame, &A),
        flow: usize,
        segment: &Segment,
    ) -> bool {
        let Some(group) = self.groups.of(flow).filter(|group| group.goes_on_with(segment)) else { return false };
        let (Some(first), Some(total)) = (before.get_mut(group.place()), known.get_mut(group.place())) else { return false };
        let Some(both) = total.joined(*account) else { return false };
        let joined = group.append(first, frame, segment);
        if joined {
            *total = both;
        }
        joined
    }
}
