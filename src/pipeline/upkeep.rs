//! Off the packets' way: flows that time out, neighbours to ask again, flows to look at after a reload.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::Pipeline;
use super::flows::{Family, Flow, Way};
use super::neighbour::Action;
use super::outbox::Outbox;
use crate::packet::{FlowKey, Reason};
use crate::policy::snapshot::Snapshot;
use crate::table::flow::FlowDirection;

/// Flows that one tick may end or look at, so that a tick stays short beside the packets.
const BUDGET: usize = 8192;

/// How far the look at older flows has come after a reload.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sweep {
    v4: Option<u32>,
    v6: Option<u32>,
}

impl Pipeline {
    /// Looks at every older flow from now on, some at each tick: one whose endpoint was switched must be reset even
    /// where neither end sends.
    pub(super) fn begin_sweep(&mut self) {
        self.sweep = Some(Sweep { v4: Some(0), v6: Some(0) });
    }

    /// One tick's work.
    pub(super) fn upkeep(&mut self, snapshot: &Snapshot, outbox: &mut Outbox) {
        self.expire::<Ipv4Addr>();
        self.expire::<Ipv6Addr>();
        self.fragments.expire(self.clock.milliseconds);
        self.tend_neighbours(snapshot, outbox);
        if let Some(sweep) = self.sweep.take() {
            let v4 = sweep.v4.and_then(|from| self.sweep_family::<Ipv4Addr>(snapshot, from, outbox));
            let v6 = sweep.v6.and_then(|from| self.sweep_family::<Ipv6Addr>(snapshot, from, outbox));
            self.sweep = (v4.is_some() || v6.is_some()).then_some(Sweep { v4, v6 });
        }
    }

    fn expire<A: Family>(&mut self) {
        let mut ended: Vec<(Flow, FlowKey<A>, FlowKey<A>)> = Vec::new();
        A::table_mut(&mut self.flows).expire(self.clock.tick, BUDGET, |_, original, reply, flow| ended.push((flow, *original, *reply)));
        for (flow, original, reply) in &ended {
            self.closed(flow, original, reply);
        }
    }

    fn tend_neighbours(&mut self, snapshot: &Snapshot, outbox: &mut Outbox) {
        let mut actions = Vec::new();
        self.neighbours.tick(self.clock.milliseconds, &mut actions);
        for action in actions {
            match action {
                Action::Request { port, address } => self.request_neighbour(snapshot, port, address, outbox),
                Action::GiveUp(waiting) => {
                    if let Some(zone) = waiting.sent.forwarded_for {
                        self.counters.verdict(usize::from(zone.0), Reason::DestinationUnknown, waiting.sent.packets);
                    }
                    outbox.pool.give(waiting.frame);
                }
            }
        }
    }

    /// Looks at the next flows of a family; where to go on, if there are more.
    fn sweep_family<A: Family>(&mut self, snapshot: &Snapshot, from: u32, outbox: &mut Outbox) -> Option<u32> {
        let (next, flows) = A::table(&self.flows).scan(from, BUDGET);
        let stale: Vec<_> =
            flows.filter(|flow| A::table(&self.flows).get(*flow).is_some_and(|flow| flow.generation != self.generation)).collect();
        for flow in stale {
            // Whatever becomes of it, there is no packet to end.
            let _ = self.revalidate::<A>(snapshot, Way { flow, direction: FlowDirection::Original, is_v6: A::IS_V6 }, outbox);
        }
        next
    }
}
