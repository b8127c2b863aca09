//! After a reload: a flow of an older snapshot is looked at again before its next packet goes on.
//!
//! It keeps the NSG and firewall verdict and the source that it was admitted with; routes, ports and removed objects
//! take effect. Where a service endpoint was switched on or off under it, both ends are reset.

use super::Pipeline;
use super::conntrack::ResetSegment;
use super::exits::Exit;
use super::flows::{Family, Flow, Marks, SeenAs, Way};
use super::neighbour::Neighbour;
use super::outbox::{Outbox, Sent};
use super::respond::reset::reset_endpoint;
use super::slow_path::{Counting, exit, seen_as};
use crate::packet::{FlowKey, Reason};
use crate::policy::established::{Fate, fate};
use crate::policy::question::{Forward, Observer, Question};
use crate::policy::snapshot::Snapshot;
use crate::policy::{admission, app_service};
use crate::table::flow::{FlowDirection, FlowId};
use crate::wire::protocol::{TCP, UDP};

/// What becomes of a flow under a new snapshot.
enum Renewal {
    /// It goes on, perhaps elsewhere.
    Keep { onward: Exit, back: Exit },
    /// Its endpoint was switched: both ends are reset.
    Switched,
    /// It cannot go on as it is; its next packet is a first packet.
    Again,
    /// Its rules were changed, and those of a group with `flushConnection` refuse it now ([`Marks::BLOCKED`]).
    Blocked,
    /// It ends, for this reason.
    End(Reason),
}

impl Pipeline {
    /// Brings a flow up to the running snapshot. True: it goes on. False: it is gone, the packet is a first packet.
    pub(super) fn revalidate<A: Family>(&mut self, snapshot: &Snapshot, way: Way, outbox: &mut Outbox) -> Result<bool, Reason> {
        let table = A::table(&self.flows);
        let (Some(&flow), Some((original, reply))) = (table.get(way.flow), table.keys(way.flow)) else { return Ok(false) };
        let mut counting = Counting { counters: &mut self.counters, seen: None };
        match renew(snapshot, &flow, &original, &reply, &mut counting) {
            Renewal::Keep { onward, back } => {
                let exits = [self.exit_id(onward)?, self.exit_id(back)?];
                let renewed = Flow { exits, generation: self.generation, marks: flow.marks.lasting(), ..flow };
                A::table_mut(&mut self.flows).set(way.flow, renewed);
                Ok(true)
            }
            Renewal::Switched => {
                self.reset_both_ends::<A>(snapshot, way.flow, outbox);
                self.close::<A>(way.flow);
                Err(Reason::Answered)
            }
            Renewal::Again => {
                self.close::<A>(way.flow);
                Ok(false)
            }
            Renewal::Blocked => {
                let blocked = Flow { generation: self.generation, marks: flow.marks.lasting().with(Marks::BLOCKED), ..flow };
                A::table_mut(&mut self.flows).set(way.flow, blocked);
                Err(Reason::NsgDeny)
            }
            Renewal::End(reason) => {
                self.close::<A>(way.flow);
                Err(reason)
            }
        }
    }

    fn reset_both_ends<A: Family>(&mut self, snapshot: &Snapshot, flow: FlowId, outbox: &mut Outbox) {
        for direction in [FlowDirection::Original, FlowDirection::Reply] {
            self.reset_end::<A>(snapshot, Way { flow, direction, is_v6: A::IS_V6 }, outbox);
        }
    }

    /// Sends resets the way that the flow's packets of this direction travel, with the numbers that the end expects. An
    /// end that has long been silent is asked for its MAC address first.
    fn reset_end<A: Family>(&mut self, snapshot: &Snapshot, way: Way, outbox: &mut Outbox) {
        let (Some(entry), Some(tuple)) = (A::table(&self.flows).get(way.flow).copied(), self.change(way)) else { return };
        let exit = entry.exit(way.direction);
        let address = self.flows.exits.appliance(exit).unwrap_or_else(|| tuple.addresses.destination());
        let neighbour = Neighbour::new(self.flows.exits.port(exit), address);
        for ResetSegment { sequence, acknowledgement } in entry.tracking.resets_from(way.direction) {
            let mut frame = outbox.pool.take();
            let (source_port, destination_port) = (tuple.source_port, tuple.destination_port);
            reset_endpoint(tuple.addresses, source_port, destination_port, sequence, Some(acknowledgement), [0; 6], &mut frame);
            let sent = Sent { forwarded_for: None, packets: 1, bytes: frame.len() as u64 };
            // It counts for nobody, so nobody is told where it cannot be sent.
            let _ = self.hand_over(snapshot, neighbour, frame, sent, outbox);
        }
    }
}

fn renew<A: Family>(snapshot: &Snapshot, flow: &Flow, original: &FlowKey<A>, reply: &FlowKey<A>, observer: &mut impl Observer) -> Renewal {
    let Some((admitted, back)) = admission::locate(snapshot, original.zone, original.source.into().to_canonical()) else {
        return Renewal::End(Reason::DestinationUnknown);
    };
    let portless = !matches!(original.protocol, TCP | UDP);
    let question = Question {
        sender: admitted.sender,
        source: admitted.source,
        destination: original.destination.into().to_canonical(),
        protocol: original.protocol,
        source_port: if portless { 0 } else { original.source_port },
        destination_port: if portless { 0 } else { original.destination_port },
    };
    let question = app_service::classified(snapshot, &question);
    let source_stays = |forward: &Forward| seen_as(forward.source) == flow.seen_as || !flow.marks.has(Marks::TO_SERVICE);
    let over_endpoint = matches!(flow.seen_as, SeenAs::Private | SeenAs::ServiceTunnel);
    match fate(snapshot, &question, over_endpoint, |forward| source_stays(forward) && !moved(reply, forward), observer) {
        Fate::Switched => Renewal::Switched,
        Fate::Again => Renewal::Again,
        Fate::Ends(Reason::NsgDeny) => Renewal::Blocked,
        Fate::Ends(reason) => Renewal::End(reason),
        Fate::Undetermined => Renewal::End(Reason::Unsupported),
        Fate::GoesOn(forward) => {
            let appliance = (back.neighbour != back.wire_destination).then_some(back.neighbour);
            Renewal::Keep { onward: exit(&forward), back: Exit { port: back.port, appliance } }
        }
    }
}

/// Whether packets would now reach another host, or replies come from another zone.
fn moved<A: Family>(reply: &FlowKey<A>, forward: &Forward) -> bool {
    forward.delivery.zone != reply.zone || A::of(forward.delivery.wire_destination) != Some(reply.source)
}
