//! Packets of known flows: followed by connection tracking, sent on by the recipe.

use std::net::Ipv6Addr;

use super::conntrack::Event;
use super::exits::ExitId;
use super::flows::{Family, Marks, Way, key_of, leaving};
use super::neighbour::Neighbour;
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
    /// Its flow, and which way it goes there.
    pub(super) way: Way,
    /// The way out.
    pub(super) exit: ExitId,
    /// It leaves in the other address family.
    pub(super) translates: bool,
    /// It leaves with the addresses and ports that it came with.
    pub(super) unchanged: bool,
}

impl Pipeline {
    /// The way of a packet whose flow is known, or of an ICMP error that belongs to one; `None` for a first packet.
    #[inline(always)]
    pub(super) fn proceed<A: Family>(
        &mut self,
        snapshot: &Snapshot,
        packet: &mut Packet,
        layout: &Layout,
        known: Option<Way>,
        outbox: &mut Outbox,
    ) -> Result<Option<Way>, Reason> {
        match known {
            Some(way) => self.follow::<A>(snapshot, way, layout, outbox),
            None => self.follow_otherwise::<A>(snapshot, packet, layout, outbox),
        }
    }

    /// The same for what could not be sought by its own key: ICMP errors, later fragments, flows through tunnels.
    #[inline(never)]
    fn follow_otherwise<A: Family>(
        &mut self,
        snapshot: &Snapshot,
        packet: &mut Packet,
        layout: &Layout,
        outbox: &mut Outbox,
    ) -> Result<Option<Way>, Reason> {
        if let Transport::IcmpError(quoted) = &layout.transport_header {
            return self.relate::<A>(snapshot, packet, layout, quoted, outbox).map(Some);
        }
        let Some(key) = key_of::<A>(packet.zone, layout) else { return Ok(None) };
        if matches!(layout.fragment, Fragment::Later { .. })
            && let Some((flow, direction)) = A::table(&self.flows).lookup(&key)
        {
            return self.follow::<A>(snapshot, Way { flow, direction, is_v6: A::IS_V6 }, layout, outbox);
        }
        if let Some(way) = self.flows.through_tunnel(&key) {
            return self.follow::<Ipv6Addr>(snapshot, way, layout, outbox);
        }
        match layout.transport_header {
            // The table no longer knows the flow that the first fragment opened.
            Transport::Unseen => Err(Reason::FragmentWithoutFirst),
            _ => self.stay_or_hand_over(packet, layout, &key, outbox).map(|()| None),
        }
    }

    /// The way of a packet of this flow, in whose table `A` the flow is. `None` where it is a first packet after all.
    #[inline(always)]
    fn follow<A: Family>(&mut self, snapshot: &Snapshot, way: Way, layout: &Layout, outbox: &mut Outbox) -> Result<Option<Way>, Reason> {
        let goes_on = self.bring_up_to_date::<A>(snapshot, way, outbox)? && self.track::<A>(way, layout);
        Ok(goes_on.then_some(way))
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
    #[inline(always)]
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
    #[inline(always)]
    pub(super) fn onward(&self, way: Way) -> Result<Onward, Reason> {
        let flow = if way.is_v6 { self.flows.v6.get(way.flow) } else { self.flows.v4.get(way.flow) };
        let flow = flow.ok_or(Reason::DestinationUnknown)?;
        Ok(Onward { way, exit: flow.exit(way.direction), translates: flow.translates(), unchanged: flow.marks.has(Marks::UNCHANGED) })
    }

    /// The far end has answered: the flow no longer counts as half-open.
    fn confirmed<A: Family>(&mut self, flow: FlowId) {
        if let Some(original) = A::table(&self.flows).key(flow, FlowDirection::Original) {
            self.half_open.leave(original.zone);
        }
    }

    /// How a packet that travels this way looks when it leaves.
    #[inline(always)]
    pub(super) fn change(&self, way: Way) -> Option<Tuple> {
        let other = way.direction.opposite();
        if way.is_v6 {
            self.flows.v6.key(way.flow, other).map(|key| leaving(&key))
        } else {
            self.flows.v4.key(way.flow, other).map(|key| leaving(&key))
        }
    }

    /// Whose MAC address a packet is sent to: the appliance's on its way, or its destination's as it leaves.
    #[inline(always)]
    pub(super) fn neighbour(&self, Onward { way, exit, .. }: &Onward) -> Option<Neighbour> {
        let (port, other) = (self.flows.exits.port(*exit), way.direction.opposite());
        if let Some(appliance) = self.flows.exits.appliance(*exit) {
            return Some(Neighbour::new(port, appliance));
        }
        if way.is_v6 {
            return self.flows.v6.key(way.flow, other).map(|key| Neighbour::new(port, key.source.to_canonical()));
        }
        self.flows.v4.key(way.flow, other).map(|key| Neighbour::new(port, key.source.into()))
    }
}

/// What changes in an ICMP error: its own addresses, and the packet that it quotes as its sender knows it. `ahead` is how a
/// packet of the flow looks that goes the same way.
///
/// The far end is shown as the flow shows it. So is a router on its side of a tunnel: it has no address on the other.
pub(super) fn error_change(layout: &Layout, quoted: &Quoted, ahead: &Tuple, translates: bool) -> Option<(Addresses, Tuple)> {
    let Tuple { addresses, source_port, destination_port } = *ahead;
    let is_far_end = layout.addresses.source() == quoted.addresses.destination();
    let source = if is_far_end || translates { addresses.source() } else { layout.addresses.source() };
    let outer = Addresses::pair(source, addresses.destination())?;
    let sent = Addresses::pair(addresses.destination(), addresses.source())?;
    Some((outer, Tuple { addresses: sent, source_port: destination_port, destination_port: source_port }))
}
