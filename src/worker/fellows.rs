//! A worker's way to the others: a bounded queue each, and a bell for those that sleep.

use std::sync::Arc;

use crossbeam::queue::ArrayQueue;
use crossbeam::utils::CachePadded;

use super::doze::Doze;
use super::poller::Bell;
use crate::packet::{Frame, FramePool};
use crate::pipeline::hand_over::{Parcel, WorkerId};

/// Parcels that may wait for a worker: some tenths of a millisecond's work. As many buffers may wait to be taken back, so that
/// none of those under way has to be made anew: that takes longer than all else that is done for a packet.
const PARCELS: usize = 1024;

/// A parcel, and who sent it.
#[derive(Debug)]
pub(super) struct Envelope {
    pub(super) from: WorkerId,
    pub(super) parcel: Parcel,
}

/// What others leave for a worker. The queues keep their two ends on cache lines of their own.
#[derive(Debug)]
struct Mailbox {
    parcels: ArrayQueue<Envelope>,
    /// Empty buffers, for those that left with this worker's parcels.
    buffers: ArrayQueue<Frame>,
    doze: CachePadded<Doze>,
    bell: Bell,
}

/// One worker's view of all.
#[derive(Debug)]
pub(super) struct Fellows {
    own: WorkerId,
    mailboxes: Arc<[Mailbox]>,
    /// Who was left something since the last [`Fellows::wake`], a bit each.
    posted: u64,
}

impl Fellows {
    /// The views of workers with these bells, by number.
    pub(super) fn of(bells: impl IntoIterator<Item = Bell>) -> Vec<Self> {
        let mailbox = |bell| Mailbox {
            parcels: ArrayQueue::new(PARCELS),
            buffers: ArrayQueue::new(PARCELS),
            doze: CachePadded::new(Doze::new()),
            bell,
        };
        let mailboxes: Arc<[Mailbox]> = bells.into_iter().map(mailbox).collect();
        (0..).map(WorkerId).take(mailboxes.len()).map(|own| Self { own, mailboxes: Arc::clone(&mailboxes), posted: 0 }).collect()
    }

    /// Idle buffers that this worker keeps for those that are under way to others or from them.
    pub(super) fn spare_buffers(&self) -> usize {
        if self.mailboxes.len() > 1 { PARCELS } else { 0 }
    }

    /// Leaves a parcel for another worker; to be followed by [`Fellows::wake`].
    ///
    /// # Errors
    /// The parcel, where there is no room.
    #[allow(clippy::result_large_err, reason = "the parcel is what the caller wants back")]
    pub(super) fn post(&mut self, to: WorkerId, parcel: Parcel) -> Result<(), Parcel> {
        let Some(mailbox) = self.mailbox(to) else { return Err(parcel) };
        mailbox.parcels.push(Envelope { from: self.own, parcel }).map_err(|envelope| envelope.parcel)?;
        self.posted |= 1 << to.0;
        Ok(())
    }

    /// Wakes those that sleep and were left something.
    pub(super) fn wake(&mut self) {
        while self.posted != 0 {
            let worker = WorkerId(self.posted.trailing_zeros() as u16);
            self.posted &= self.posted - 1;
            if let Some(mailbox) = self.mailbox(worker).filter(|mailbox| mailbox.doze.must_wake()) {
                mailbox.bell.ring();
            }
        }
    }

    /// The next parcel.
    pub(super) fn take(&self) -> Option<Envelope> {
        self.mailbox(self.own)?.parcels.pop()
    }

    /// Whether a parcel waits.
    pub(super) fn has_parcel(&self) -> bool {
        self.mailbox(self.own).is_some_and(|mailbox| !mailbox.parcels.is_empty())
    }

    /// Gives a worker an idle buffer for one that came from it, so that neither runs out of them.
    pub(super) fn repay(&self, worker: WorkerId, pool: &mut FramePool) {
        if let (Some(mailbox), Some(frame)) = (self.mailbox(worker), pool.take_idle())
            && let Err(frame) = mailbox.buffers.push(frame)
        {
            pool.give(frame);
        }
    }

    /// Takes the buffers that others have given back.
    pub(super) fn collect_buffers(&self, pool: &mut FramePool) {
        if let Some(mailbox) = self.mailbox(self.own) {
            std::iter::from_fn(|| mailbox.buffers.pop()).for_each(|frame| pool.give(frame));
        }
    }

    /// Whether the worker may sleep; whoever leaves it something from now on rings its bell.
    pub(super) fn lie_down(&self) -> bool {
        self.mailbox(self.own).is_none_or(|mailbox| mailbox.doze.lie_down(|| !mailbox.parcels.is_empty()))
    }

    /// The worker is awake.
    pub(super) fn get_up(&self) {
        if let Some(mailbox) = self.mailbox(self.own) {
            mailbox.doze.get_up();
        }
    }

    fn mailbox(&self, worker: WorkerId) -> Option<&Mailbox> {
        self.mailboxes.get(usize::from(worker.0))
    }
}
