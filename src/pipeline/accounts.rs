//! What ports took and refused. What left is counted a burst at a time: most frames of a burst are of one subnet.

use super::Pipeline;
use super::outbox::Sent;
use crate::counters::PortCell;
use crate::packet::Reason;
use crate::policy::ids::PortId;

impl Pipeline {
    /// Counts frames that a port took.
    pub(super) fn count_sent(&mut self, port: PortId, sent: &[Sent]) {
        let (mut packets, mut bytes) = (0, 0);
        for alike in sent.chunk_by(|one, next| one.forwarded_for == next.forwarded_for) {
            let count: u64 = alike.iter().map(|sent| sent.packets).sum();
            if let Some(Sent { forwarded_for: Some(zone), .. }) = alike.first() {
                self.counters.verdict(usize::from(zone.0), Reason::Forwarded, count);
            }
            packets += count;
            bytes += alike.iter().map(|sent| sent.bytes).sum::<u64>();
        }
        let super_frames = sent.iter().filter(|sent| sent.packets > 1).count();
        self.counters.port(usize::from(port.0), PortCell::PacketsOut, PortCell::BytesOut, packets, bytes);
        self.counters.port_cell(usize::from(port.0), PortCell::SuperFramesOut, super_frames as u64);
    }

    /// Counts packets that a port, or the queue before it, did not take.
    pub(crate) fn count_refusal(&mut self, port: PortId, sent: &Sent, reason: Reason) {
        if let Some(cell) = PortCell::of_refusal(reason) {
            self.counters.port_cell(usize::from(port.0), cell, sent.packets);
        }
    }
}
