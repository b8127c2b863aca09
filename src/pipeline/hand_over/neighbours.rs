//! Neighbours answer at one queue of their port; other workers may wait for the same answer.

use std::net::IpAddr;

use super::{Parcel, WorkerId};
use crate::pipeline::Pipeline;
use crate::pipeline::neighbour::Neighbour;
use crate::pipeline::outbox::Outbox;
use crate::policy::ids::PortId;

impl Pipeline {
    /// Notes that this worker asks for a neighbour.
    pub(in crate::pipeline) fn note_question(&self, neighbour: Neighbour) {
        if let Some(member) = &self.member {
            member.shared.questions.ask(neighbour, member.own);
        }
    }

    /// Tells a neighbour's MAC address to the workers that asked for it; to all, where it is not the one that this worker
    /// knows. A host that changes it again and again is not told of each time: the others ask for themselves within a
    /// minute.
    pub(in crate::pipeline) fn share_neighbour(&mut self, port: PortId, address: IpAddr, mac: [u8; 6], outbox: &mut Outbox) {
        let Some(member) = &mut self.member else { return };
        let neighbour = Neighbour::new(port, address);
        let asked = member.shared.questions.answer(&neighbour);
        let changed = self.neighbours.is_known_otherwise(neighbour, mac) && member.changes.allow(self.clock.milliseconds);
        let concerned = if changed { u64::MAX } else { asked };
        if concerned == 0 {
            return;
        }
        let own = member.own;
        for worker in (0..member.shared.workers()).map(WorkerId).filter(|worker| *worker != own && concerned >> worker.0 & 1 == 1) {
            outbox.parcels.push((worker, Parcel::Neighbour { port, address, mac }));
        }
    }
}
