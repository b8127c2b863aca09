//! The short way: a packet with nothing unusual about it runs the finished recipe of its flow, in one look at the entry.
//!
//! It does what the long way does (`Pipeline::forward`), stage by stage, or it changes nothing and leaves the packet to
//! that: tests let the same packets go both ways.

use super::Pipeline;
use super::batch::Traveller;
use super::conntrack::Step;
use super::exits::{ExitId, Exits};
use super::flows::{Family, Flow, Marks, Sought, leaving};
use super::neighbour::Neighbour;
use super::outbox::{Outbox, Sent};
use super::respond::GATEWAY_MAC;
use crate::packet::parse::{Fragment, Layout};
use crate::packet::{FlowKey, Frame, rewrite, segments};
use crate::policy::ids::PortId;
use crate::table::flow::{Hit, Trail};

impl Pipeline {
    /// Sends a packet on by the recipe of its flow. False: it takes the long way.
    #[inline(always)]
    pub(super) fn run_recipe(&mut self, port: PortId, frame: &mut Frame, traveller: &Traveller, outbox: &mut Outbox) -> bool {
        match &traveller.sought {
            Sought::V4(trail) => self.run_recipe_of(trail, port, frame, traveller, outbox),
            Sought::V6(trail) => self.run_recipe_of(trail, port, frame, traveller, outbox),
            Sought::Nowhere => None,
        }
        .is_some()
    }

    /// The same for a flow at the end of the trail.
    #[inline(always)]
    fn run_recipe_of<A: Family>(
        &mut self,
        trail: &Trail<A>,
        port: PortId,
        frame: &mut Frame,
        Traveller { layout, wire_size, .. }: &Traveller,
        outbox: &mut Outbox,
    ) -> Option<()> {
        if !is_plain(frame, layout) {
            return None;
        }
        let (table, exits) = A::table_and_exits(&mut self.flows);
        let mut hit = table.hit(trail)?;
        let exit = usual_exit(&hit, port, self.generation, exits)?;
        let (onward, other) = (exits.port(exit), hit.other_key());
        let mac = self.neighbours.lookup(next_hop(exits, exit, &other))?;
        let mtu = self.mtus.get(usize::from(onward.0)).copied()?;
        if segments::largest_packet(frame, layout) > mtu as usize || !track(&mut hit, layout, self.clock.tick) {
            return None;
        }
        if !hit.value().marks.has(Marks::UNCHANGED) {
            rewrite::apply(frame, layout, &leaving(&other));
        }
        rewrite::decrement_ttl(frame, layout);
        rewrite::set_macs(frame, mac, GATEWAY_MAC);
        let (zone, (packets, bytes)) = (trail.key().zone, *wire_size);
        if let Err(reason) = outbox.send(onward, frame.take(), Sent { forwarded_for: Some(zone), packets, bytes }) {
            self.counters.verdict(usize::from(zone.0), reason, packets);
        }
        Some(())
    }
}

/// Whole, meant for the gateway, and with hops left.
#[inline(always)]
fn is_plain(frame: &Frame, layout: &Layout) -> bool {
    layout.fragment == Fragment::Whole && layout.ttl > 1 && frame.bytes().first_chunk() == Some(&GATEWAY_MAC)
}

/// Where the packet leaves, if it entered where its flow's packets do and nothing is to be asked about the flow first.
#[inline(always)]
fn usual_exit<A: Family>(hit: &Hit<'_, A, Flow>, port: PortId, generation: u16, exits: &Exits) -> Option<ExitId> {
    let (flow, direction) = (hit.value(), hit.direction);
    let enters_here = exits.port(flow.exit(direction.opposite())) == port;
    (enters_here && flow.is_ready(generation, direction) && !flow.translates()).then(|| flow.exit(direction))
}

/// Whose MAC address the packet is sent to.
#[inline(always)]
fn next_hop<A: Family>(exits: &Exits, exit: ExitId, other: &FlowKey<A>) -> Neighbour {
    Neighbour::new(exits.port(exit), exits.appliance(exit).unwrap_or_else(|| other.source.into()))
}

/// Takes note of a packet that goes on with its flow. False, and nothing is noted, where others have to hear of it.
#[inline(always)]
fn track<A: Family>(hit: &mut Hit<'_, A, Flow>, layout: &Layout, now: u32) -> bool {
    let mut tracking = hit.value().tracking;
    let step @ Step { timeout, .. } = tracking.advance(hit.direction, &layout.transport_header, layout.payload_length());
    if !step.is_quiet() {
        return false;
    }
    hit.value_mut().tracking = tracking;
    if let Some(timeout) = timeout {
        hit.refresh(now.saturating_add(timeout));
    }
    true
}
