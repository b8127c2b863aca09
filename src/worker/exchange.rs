//! What a worker gives to others and takes from them.
//!
//! Parcels are posted after each batch, all of it before anyone is woken, and taken before the ports' bursts. Frames that
//! came in at one port are processed together. Every buffer that is taken is paid for with an idle one.

use super::event_loop::Worker;
use super::fellows::Envelope;
use crate::packet::Reason;
use crate::pipeline::engine::Engine;
use crate::pipeline::hand_over::Parcel;
use crate::pipeline::outbox::Sent;
use crate::policy::ids::PortId;

/// Batches of parcels in a pass: others hand over what they receive at any port, so they get more than one port does.
const BATCHES: usize = 4;

impl<E: Engine> Worker<E> {
    /// Takes what others have left, within bounds.
    pub(super) fn take_parcels(&mut self) {
        if !self.fellows.has_parcel() {
            return;
        }
        let mut arrived_at = PortId(0);
        for _ in 0..self.batch * BATCHES {
            let Some(Envelope { from, parcel }) = self.fellows.take() else { break };
            match parcel {
                Parcel::Packet { port, frame, .. } => {
                    if port != arrived_at || self.frames.len() >= self.batch {
                        self.process_handed_over(arrived_at);
                    }
                    arrived_at = port;
                    self.frames.push(frame);
                    self.fellows.repay(from, &mut self.outbox.pool);
                }
                Parcel::Frame { port, frame, sent } => {
                    if let Some(frame) = self.outbox.push(port, frame, sent) {
                        self.outbox.pool.give(frame);
                        self.engine.refused(port, &sent, Reason::DestinationUnknown);
                    }
                    self.fellows.repay(from, &mut self.outbox.pool);
                }
                Parcel::Neighbour { port, address, mac } => self.engine.hear_of_neighbour(port, address, mac, &mut self.outbox),
            }
        }
        self.process_handed_over(arrived_at);
        self.flush();
    }

    fn process_handed_over(&mut self, port: PortId) {
        if !self.frames.is_empty() {
            self.engine.process_handed_over(self.now, port, &mut self.frames, &mut self.outbox);
            self.frames.drain(..).for_each(|frame| self.outbox.pool.give(frame));
        }
    }

    /// Leaves the others what the last batch has for them. What does not fit ends here.
    pub(super) fn post_parcels(&mut self) {
        if self.outbox.parcels.is_empty() {
            return;
        }
        let Self { fellows, outbox, engine, .. } = self;
        let mut refuse = |port, frame, sent: &Sent| {
            engine.refused(port, sent, Reason::QueueFull);
            outbox.pool.give(frame);
        };
        for (to, parcel) in outbox.parcels.drain(..) {
            match fellows.post(to, parcel) {
                Err(Parcel::Packet { port, frame, sent } | Parcel::Frame { port, frame, sent }) => refuse(port, frame, &sent),
                // Who waits for a neighbour asks again within a second.
                Ok(()) | Err(Parcel::Neighbour { .. }) => {}
            }
        }
        fellows.wake();
        fellows.collect_buffers(&mut outbox.pool);
    }
}
