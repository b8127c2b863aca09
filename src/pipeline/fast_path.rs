//! Packets of known flows: found by key, followed by connection tracking, sent on by the recipe.

use std::net::{IpAddr, Ipv6Addr};

use super::conntrack::Event;
use super::flows::{Exit, Family, Way, leaving};
use super::outbox::Outbox;
use super::{Packet, Pipeline};
use crate::packet::parse::{Addresses, Layout, Quoted, Transport};
use crate::packet::rewrite::Tuple;
use crate::packet::{FlowKey, Reason};
use crate::policy::snapshot::Snapshot;
use crate::table::flow::{FlowDirection, FlowId};

/// How a packet goes on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Onward {
    /// The way out.
    pub(super) exit: Exit,
    /// What changes in it.
    pub(super) change: Change,
    /// It leaves in the other address family.
    pub(super) translates: bool,
}

/// What changes in a packet.
#[derive(Clone, Copy, Debug)]
pub(super) enum Change {
    /// Addresses and ports.
    Tuple(Tuple),
    /// An ICMP error: its own addresses, and those of the packet that it quotes.
    Quoted {
        /// Where the quoted packet stands.
        quoted: Quoted,
        /// The error's own addresses.
        outer: Addresses,
        /// The quoted packet as its sender knows it.
        inner: Tuple,
    },
}

impl Change {
    /// The destination after the change.
    pub(super) const fn destination(&self) -> IpAddr {
        match self {
            Self::Tuple(tuple) => tuple.addresses.destination(),
            Self::Quoted { outer, .. } => outer.destination(),
        }
    }
}

impl Pipeline {
    /// The way of a packet whose flow is known, or of an ICMP error that belongs to one; `None` for a first packet.
    pub(super) fn find<A: Family>(
        &mut self,
        snapshot: &Snapshot,
        packet: &Packet,
        layout: &Layout,
        key: &FlowKey<A>,
        outbox: &mut Outbox,
    ) -> Result<Option<Onward>, Reason> {
        if let Transport::IcmpError(quoted) = &layout.transport_header {
            return self.relate::<A>(snapshot, packet, layout, quoted, outbox).map(Some);
        }
        if let Some((flow, direction)) = A::table(&self.flows).lookup(key) {
            return self.proceed::<A>(snapshot, Way { flow, direction }, layout, outbox);
        }
        if let Some(way) = self.flows.through_tunnel(key) {
            return self.proceed::<Ipv6Addr>(snapshot, way, layout, outbox);
        }
        match layout.transport_header {
            // The table no longer knows the flow that the first fragment opened.
            Transport::Unseen => Err(Reason::FragmentWithoutFirst),
            _ => Ok(None),
        }
    }

    /// The way of a packet of this flow, in whose table `A` the flow is. `None` where it is a first packet after all.
    #[inline]
    fn proceed<A: Family>(
        &mut self,
        snapshot: &Snapshot,
        way: Way,
        layout: &Layout,
        outbox: &mut Outbox,
    ) -> Result<Option<Onward>, Reason> {
        if !self.is_current::<A>(way) && !self.revalidate::<A>(snapshot, way, outbox)? {
            return Ok(None);
        }
        self.follow::<A>(way, layout)
    }

    /// Tracks a packet of a known flow. `None` where it opens the flow anew.
    fn follow<A: Family>(&mut self, way: Way, layout: &Layout) -> Result<Option<Onward>, Reason> {
        let table = A::table_mut(&mut self.flows);
        let Some(flow) = table.get_mut(way.flow) else { return Ok(None) };
        let step = flow.tracking.advance(way.direction, &layout.transport_header, layout.payload_length());
        let (exit, translates) = (flow.exit(way.direction), flow.translates());
        if let Some(timeout) = step.timeout {
            let deadline = self.clock.tick.saturating_add(timeout);
            if step.shortens() { table.hasten(way.flow, deadline) } else { table.set_deadline(way.flow, deadline) }
        }
        match step.event {
            Event::BecameEstablished => self.confirmed::<A>(way.flow),
            Event::Reopen => {
                self.close::<A>(way.flow);
                return Ok(None);
            }
            Event::None | Event::Closing | Event::Closed => {}
        }
        Ok(self.change::<A>(way).map(|tuple| Onward { exit, change: Change::Tuple(tuple), translates }))
    }

    /// The far end has answered: the flow no longer counts as half-open.
    fn confirmed<A: Family>(&mut self, flow: FlowId) {
        if let Some((original, _)) = A::table(&self.flows).keys(flow) {
            self.half_open.leave(original.zone);
        }
    }

    /// How a packet that travels this way leaves.
    pub(super) fn change<A: Family>(&self, way: Way) -> Option<Tuple> {
        let (original, reply) = A::table(&self.flows).keys(way.flow)?;
        Some(match way.direction {
            FlowDirection::Original => leaving(reply),
            FlowDirection::Reply => leaving(original),
        })
    }

    fn is_current<A: Family>(&self, way: Way) -> bool {
        A::table(&self.flows).get(way.flow).is_some_and(|flow| flow.generation == self.generation)
    }
}
