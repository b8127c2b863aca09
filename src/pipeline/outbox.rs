//! What a batch leaves behind: frames to send, sorted by port, each with how it is to be counted once it was taken.

use super::hand_over::{Parcel, WorkerId};
use crate::packet::coalesce::Account;
use crate::packet::{Frame, FramePool, Reason, Zone};
use crate::policy::ids::PortId;

/// How a frame in the outbox is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The zone whose packet this is: it counts as forwarded once the port took it. `None`: the dataplane's own frame
    /// (ARP, ICMP error, reset); only the port's counters move.
    pub forwarded_for: Option<Zone>,
    /// Packets on the wire: segments of a super-frame, else 1.
    pub packets: u64,
    /// Bytes on the wire, headers of all segments included.
    pub bytes: u64,
}

impl Account for Sent {
    fn joined(self, next: Self) -> Option<Self> {
        let is_same = self.forwarded_for == next.forwarded_for;
        is_same.then_some(Self { packets: self.packets + next.packets, bytes: self.bytes + next.bytes, ..self })
    }
}

/// Frames for one port, in order, and their accounts (same length).
#[derive(Debug, Default)]
pub struct Queue {
    /// The frames; `Port::tx_burst` drains them.
    pub frames: Vec<Frame>,
    /// How each is counted.
    pub sent: Vec<Sent>,
}

/// The frames to send after a batch, and the pool that buffers come from and go back to.
#[derive(Debug)]
pub struct Outbox {
    /// Buffers.
    pub pool: FramePool,
    /// What goes to other workers, in order.
    pub parcels: Vec<(WorkerId, Parcel)>,
    queues: Vec<Queue>,
}

impl Outbox {
    /// An empty outbox over `pool`.
    #[must_use]
    pub fn new(pool: FramePool) -> Self {
        Self { pool, parcels: Vec::new(), queues: Vec::new() }
    }

    /// Makes room for ports numbered below `count`.
    pub fn grow(&mut self, count: usize) {
        if self.queues.len() < count {
            self.queues.resize_with(count, Queue::default);
        }
    }

    /// Appends a frame for `port`. Gives it back where the port has no queue.
    #[inline(always)]
    pub fn push(&mut self, port: PortId, frame: Frame, sent: Sent) -> Option<Frame> {
        match self.queues.get_mut(usize::from(port.0)) {
            Some(queue) => {
                queue.frames.push(frame);
                queue.sent.push(sent);
                None
            }
            None => Some(frame),
        }
    }

    /// Appends a frame for `port`. Where the port has no queue its buffer goes back to the pool.
    ///
    /// # Errors
    /// [`Reason::DestinationUnknown`]: the port has no queue.
    #[inline(always)]
    pub fn send(&mut self, port: PortId, frame: Frame, sent: Sent) -> Result<(), Reason> {
        match self.push(port, frame, sent) {
            None => Ok(()),
            Some(frame) => {
                self.pool.give(frame);
                Err(Reason::DestinationUnknown)
            }
        }
    }

    /// Moves what is to be sent through `port` among what goes to another worker, who sends it.
    pub fn send_through(&mut self, port: PortId, worker: WorkerId) {
        let Self { parcels, queues, .. } = self;
        if let Some(Queue { frames, sent }) = queues.get_mut(usize::from(port.0)) {
            parcels.extend(frames.drain(..).zip(sent.drain(..)).map(|(frame, sent)| (worker, Parcel::Frame { port, frame, sent })));
        }
    }

    /// The queue of `port`, to be drained by the worker, with the pool.
    pub fn queue(&mut self, port: PortId) -> Option<(&mut Queue, &mut FramePool)> {
        self.queues.get_mut(usize::from(port.0)).map(|queue| (queue, &mut self.pool))
    }
}
