//! Packets of known flows: followed by connection tracking, sent on by the recipe.

use std::net::{IpAddr, Ipv6Addr};

use super::conntrack::Event;
use super::exits::Exit;
use super::flows::{Family, Marks, Way, key_of, leaving};
use super::outbox::Outbox;
use super::{Packet, Pipeline};
use crate::packet::Reason;
use crate::packet::parse::{Addresses, Fragment, Layout, Quoted, Transport};
use crate::packet::rewrite::Tuple;
use crate::policy::snapshot::Snapshot;
use crate::table::flow::{FlowDirection, FlowId};

/// How a packet goes on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Onward {
    /// The way out.
    pub(super) exit: Exit,
    /// How it looks then; of an ICMP error, how a packet of its flow would look that goes the same way.
    pub(super) tuple: Tuple,
    /// It is an ICMP error, and shows this source.
    pub(super) error_from: Option<IpAddr>,
    /// It leaves in the other address family.
    pub(super) translates: bool,
}

impl Onward {
    /// What changes in an ICMP error: where the packet stands that it quotes, the error's own addresses, and the quoted
    /// packet as its sender knows it. `None` for other packets.
    #[inline]
    pub(super) fn error<'a>(&self, layout: &'a Layout) -> Option<(&'a Quoted, Addresses, Tuple)> {
        let (Some(source), Transport::IcmpError(quoted)) = (self.error_from, &layout.transport_header) else { return None };
        let Tuple { addresses, source_port, destination_port } = self.tuple;
        let outer = Addresses::pair(source, addresses.destination())?;
        let sent = Addresses::pair(addresses.destination(), addresses.source())?;
        Some((quoted, outer, Tuple { addresses: sent, source_port: destination_port, destination_port: source_port }))
    }
}

impl Pipeline {
    /// The way of a packet whose flow is known, or of an ICMP error that belongs to one; `None` for a first packet.
    #[inline]
    pub(super) fn proceed<A: Family>(
        &mut self,
        snapshot: &Snapshot,
        packet: &Packet,
        layout: &Layout,
        known: Option<Way>,
        outbox: &mut Outbox,
    ) -> Result<Option<Onward>, Reason> {
        match known {
            Some(way) => self.follow::<A>(snapshot, way, layout, outbox),
            None => self.follow_otherwise::<A>(snapshot, packet, layout, outbox),
        }
    }

    /// The same for what could not be sought by its own key: ICMP errors, later fragments, flows through tunnels.
    fn follow_otherwise<A: Family>(
        &mut self,
        snapshot: &Snapshot,
        packet: &Packet,
        layout: &Layout,
        outbox: &mut Outbox,
    ) -> Result<Option<Onward>, Reason> {
        if let Transport::IcmpError(quoted) = &layout.transport_header {
            return self.relate::<A>(snapshot, packet, layout, quoted, outbox).map(Some);
        }
        let Some(key) = key_of::<A>(packet.zone, layout) else { return Ok(None) };
        if matches!(layout.fragment, Fragment::Later { .. })
            && let Some((flow, direction)) = A::table(&self.flows).lookup(&key)
        {
            return self.follow::<A>(snapshot, Way { flow, direction }, layout, outbox);
        }
        if let Some(way) = self.flows.through_tunnel(&key) {
            return self.follow::<Ipv6Addr>(snapshot, way, layout, outbox);
        }
        match layout.transport_header {
            // The table no longer knows the flow that the first fragment opened.
            Transport::Unseen => Err(Reason::FragmentWithoutFirst),
            _ => Ok(None),
        }
    }

    /// The way of a packet of this flow, in whose table `A` the flow is. `None` where it is a first packet after all.
    #[inline]
    fn follow<A: Family>(&mut self, snapshot: &Snapshot, way: Way, layout: &Layout, outbox: &mut Outbox) -> Result<Option<Onward>, Reason> {
        if !self.bring_up_to_date::<A>(snapshot, way, outbox)? || !self.track::<A>(way, layout) {
            return Ok(None);
        }
        Ok(self.onward::<A>(way))
    }

    /// Whether the flow goes on under the running snapshot; else its packet is a first packet.
    #[inline]
    pub(super) fn bring_up_to_date<A: Family>(&mut self, snapshot: &Snapshot, way: Way, outbox: &mut Outbox) -> Result<bool, Reason> {
        match A::table(&self.flows).get(way.flow) {
            Some(flow) if flow.generation != self.generation => self.revalidate::<A>(snapshot, way, outbox),
            Some(flow) if flow.marks.has(Marks::BLOCKED) => Err(Reason::NsgDeny),
            flow => Ok(flow.is_some()),
        }
    }

    /// Tracks a packet of a flow. False where it opens the flow anew.
    #[inline]
    fn track<A: Family>(&mut self, way: Way, layout: &Layout) -> bool {
        let table = A::table_mut(&mut self.flows);
        let Some(flow) = table.get_mut(way.flow) else { return false };
        let step = flow.tracking.advance(way.direction, &layout.transport_header, layout.payload_length());
        if let Some(timeout) = step.timeout {
            let deadline = self.clock.tick.saturating_add(timeout);
            if step.shortens() { table.hasten(way.flow, deadline) } else { table.set_deadline(way.flow, deadline) }
        }
        match step.event {
            Event::BecameEstablished => self.confirmed::<A>(way.flow),
            Event::Reopen => self.close::<A>(way.flow),
            Event::None | Event::Closing | Event::Closed => {}
        }
        step.event != Event::Reopen
    }

    /// How a packet that travels this way leaves.
    #[inline]
    pub(super) fn onward<A: Family>(&self, way: Way) -> Option<Onward> {
        let flow = A::table(&self.flows).get(way.flow)?;
        let (exit, translates) = (self.flows.exit(flow, way.direction), flow.translates());
        Some(Onward { exit, tuple: self.change::<A>(way)?, error_from: None, translates })
    }

    /// The far end has answered: the flow no longer counts as half-open.
    fn confirmed<A: Family>(&mut self, flow: FlowId) {
        if let Some(original) = A::table(&self.flows).key(flow, FlowDirection::Original) {
            self.half_open.leave(original.zone);
        }
    }

    /// How a packet that travels this way looks when it leaves.
    #[inline]
    pub(super) fn change<A: Family>(&self, way: Way) -> Option<Tuple> {
        let other = A::table(&self.flows).key(way.flow, way.direction.opposite())?;
        Some(leaving(&other))
    }
}
