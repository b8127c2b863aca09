//! First packets: the policy decides, and an allowed one leaves a flow behind.
//!
//! How long a decision takes is measured here (`stopwatch`); packets of known flows never come this way.

use std::net::IpAddr;

use super::conntrack::Tracking;
use super::exits::{Exit, ExitId};
use super::flows::{Family, Flow, Marks, SeenAs, Way, key_of};
use super::hand_over::{Claim, Unopened};
use super::neighbour::Neighbour;
use super::outbox::Outbox;
use super::source_nat::{PortScope, Want};
use super::{Packet, Pipeline};
use crate::counters::{Scalar, Writer};
use crate::packet::parse::{Layout, Transport};
use crate::packet::{FlowKey, Reason};
use crate::policy::admission::{self, Admitted};
use crate::policy::decide::decide;
use crate::policy::ids::RuleId;
use crate::policy::question::{Forward, Observer, Outcome, Question, Scope, Source, Step};
use crate::policy::snapshot::Snapshot;
use crate::table::flow::{FlowDirection, FlowId, InsertError};
use crate::wire::protocol::{ICMP, ICMPV6};
use crate::wire::tcp::{ACK, FIN, RST, SYN};

/// Counts the rules that decide, and keeps the source that they judged.
pub(super) struct Counting<'a> {
    pub(super) counters: &'a mut Writer,
    pub(super) seen: Option<IpAddr>,
}

impl Observer for Counting<'_> {
    fn rule(&mut self, rule: RuleId) {
        self.counters.rule(rule.0 as usize);
    }

    fn step(&mut self, _: impl FnOnce() -> Step) {}

    fn seen_as(&mut self, source: Source) {
        self.seen = Some(source.address());
    }
}

impl Pipeline {
    /// Decides a packet that belongs to no flow.
    pub(super) fn decide<A: Family>(
        &mut self,
        snapshot: &Snapshot,
        packet: &mut Packet,
        layout: &Layout,
        admitted: Option<Admitted>,
        outbox: &mut Outbox,
    ) -> Result<Way, Reason> {
        self.enter_slow_path(packet)?;
        let key = &key_of::<A>(packet.zone, layout).ok_or(Reason::Unsupported)?;
        let begun = self.stopwatch.begin();
        let admitted = match admitted {
            Some(admitted) => admitted,
            None => admission::admit(snapshot, packet.port, layout.addresses.source(), layout.addresses.destination())?,
        };
        let mut counting = Counting { counters: &mut self.counters, seen: None };
        let outcome = decide(snapshot, &question(&admitted, layout), Scope::FirstPacket, &mut counting);
        let seen = counting.seen;
        self.counters.lookup(self.stopwatch.nanoseconds_since(begun));
        match outcome {
            Outcome::Deny(denial) => Err(self.refuse(snapshot, packet, layout, (denial, seen.unwrap_or(admitted.source)), outbox)),
            Outcome::Undetermined(_) => Err(Reason::Unsupported),
            Outcome::Forward(forward) => {
                may_open(snapshot, layout)?;
                let back = Exit { port: packet.port, appliance: admission::forwarder(snapshot, &admitted) };
                let opened = match forward.source {
                    Source::ServiceTunnel(_) => {
                        let key = A::in_tunnel(key).ok_or(Reason::Unsupported)?;
                        self.open(layout, &key, &forward, back)
                    }
                    _ => self.open(layout, key, &forward, back),
                };
                let way = opened.map_err(|unopened| self.not_opened(unopened, packet, layout, outbox))?;
                let neighbour = back.appliance.unwrap_or(layout.addresses.source());
                if self.neighbours.lookup(Neighbour::new(packet.port, neighbour)) != Some(packet.source_mac()) {
                    self.learn(packet.port, neighbour, packet.source_mac(), outbox);
                }
                Ok(way)
            }
        }
    }

    /// Enters the flow into the table and returns the way of its first packet.
    fn open<A: Family>(&mut self, layout: &Layout, key: &FlowKey<A>, forward: &Forward, back: Exit) -> Result<Way, Unopened> {
        let mut reply = reply_key(key, forward).ok_or(Reason::Unsupported)?;
        A::table(&self.flows).prefetch_bucket(&reply);
        if !self.half_open.enter(key.zone) {
            return Err(Reason::FlowTableFull.into());
        }
        let entered = self.enter(layout, key, &mut reply, forward, back);
        match &entered {
            Ok((_, flow)) => self.count_opened(flow, key),
            Err(_) => self.half_open.leave(key.zone),
        }
        entered.map(|(flow, _)| Way { flow, direction: FlowDirection::Original, is_v6: A::IS_V6 })
    }

    /// Chooses the port and inserts the entry; on an error nothing is left behind.
    fn enter<A: Family>(
        &mut self,
        layout: &Layout,
        key: &FlowKey<A>,
        reply: &mut FlowKey<A>,
        forward: &Forward,
        back: Exit,
    ) -> Result<(FlowId, Flow), Unopened> {
        let exits = [self.exit_id(exit(forward))?, self.exit_id(back)?];
        let translated = self.translate(key, reply, forward)?;
        let minutes = forward.tcp_idle.map(|idle| u32::try_from(idle.as_secs() / 60).unwrap_or(u32::MAX));
        let tracking = Tracking::first(layout.protocol, &layout.transport_header, layout.payload_length(), minutes);
        let marks = Marks::default().with_if(forward.service.is_some(), Marks::TO_SERVICE).with_if(translated, Marks::TRANSLATED);
        // Its first packet was admitted; through a tunnel, with another key.
        let is_tunnel = matches!(forward.source, Source::ServiceTunnel(_));
        let marks =
            marks.with_if(!is_tunnel, Marks::admitted(FlowDirection::Original)).with_if(key.is_turned_round(reply), Marks::UNCHANGED);
        let flow = Flow { tracking, exits, generation: self.generation, seen_as: seen_as(forward.source), marks };
        let deadline = self.clock.tick.saturating_add(tracking.timeout());
        A::table_mut(&mut self.flows).insert(*key, *reply, flow, deadline).map(|id| (id, flow)).map_err(|error| {
            self.give_back(&flow, key, reply);
            Unopened::Refused(match error {
                InsertError::Full => Reason::FlowTableFull,
                InsertError::OriginalTaken | InsertError::ReplyTaken => Reason::SnatPortsExhausted,
            })
        })
    }

    /// Chooses the port that replies come back to, so that no two flows look the same to the far end, and claims both keys
    /// for this worker. Says whether the port was drawn from a pool.
    fn translate<A: Family>(&mut self, key: &FlowKey<A>, reply: &mut FlowKey<A>, forward: &Forward) -> Result<bool, Unopened> {
        let claim = Claim::new(self.member.as_ref(), key);
        if matches!(forward.source, Source::Unchanged(_)) {
            let lost = claim.is_lost(reply);
            return if lost { Err(Reason::SnatPortsExhausted.into()) } else { claim.outcome().map(|()| false) };
        }
        let (scope, _) = PortScope::of_reply(reply);
        let want =
            Want { scope, source_port: key.source_port, sole: matches!(forward.source, Source::Private(_) | Source::ServiceTunnel(_)) };
        let table = A::table(&self.flows);
        let template = *reply;
        let is_taken = |port| table.contains(&with_port(template, port)) || claim.is_lost(&with_port(template, port));
        let port = self.source_nat.allocate(&want, is_taken).map_err(|_| Reason::SnatPortsExhausted)?;
        *reply = with_port(template, port);
        claim.outcome().inspect_err(|_| self.source_nat.release(&scope, port)).map(|()| true)
    }

    fn count_opened<A: Family>(&mut self, flow: &Flow, key: &FlowKey<A>) {
        if !flow.tracking.is_half_open() {
            self.half_open.leave(key.zone);
        }
        let rewrite = match flow.seen_as {
            SeenAs::Unchanged => None,
            SeenAs::Private => Some(Scalar::RewritesPrivate),
            SeenAs::Public => Some(Scalar::RewritesPublic),
            SeenAs::ServiceTunnel => Some(Scalar::RewritesServiceTunnel),
        };
        self.flows.tunnelled += usize::from(flow.translates());
        if let Some(scalar) = rewrite {
            self.counters.scalar(scalar, 1);
        }
        self.counters.scalar(Scalar::FlowsCreated, 1);
        self.counters.set(Scalar::Flows, self.flows.len() as u64);
    }

    /// Ends a flow: out of the table, its port given back, counted.
    pub(super) fn close<A: Family>(&mut self, id: FlowId) {
        let table = A::table_mut(&mut self.flows);
        let keys = table.keys(id);
        if let (Some(flow), Some((original, reply))) = (table.remove(id), keys) {
            self.closed(&flow, &original, &reply);
        }
    }

    /// What follows when a flow has left the table.
    pub(super) fn closed<A: Family>(&mut self, flow: &Flow, original: &FlowKey<A>, reply: &FlowKey<A>) {
        if flow.tracking.is_half_open() {
            self.half_open.leave(original.zone);
        }
        self.give_back(flow, original, reply);
        self.flows.tunnelled -= usize::from(flow.translates());
        self.counters.scalar(Scalar::FlowsExpired, 1);
        self.counters.set(Scalar::Flows, self.flows.len() as u64);
    }

    /// The number that flows keep for an exit.
    pub(super) fn exit_id(&mut self, exit: Exit) -> Result<ExitId, Reason> {
        self.flows.exits.number(exit).ok_or(Reason::FlowTableFull)
    }

    /// Its keys and its port are free again.
    fn give_back<A: Family>(&mut self, flow: &Flow, original: &FlowKey<A>, reply: &FlowKey<A>) {
        self.release_claim(original, reply);
        if flow.marks.has(Marks::TRANSLATED) {
            let (scope, port) = PortScope::of_reply(reply);
            self.source_nat.release(&scope, port);
        }
    }
}

/// The packet as a question to the policy.
fn question(admitted: &Admitted, layout: &Layout) -> Question {
    let echo = matches!(layout.transport_header, Transport::Echo { .. });
    Question {
        sender: admitted.sender,
        source: admitted.source,
        destination: layout.addresses.destination(),
        protocol: layout.protocol,
        source_port: if echo { 0 } else { layout.source_port },
        destination_port: if echo { 0 } else { layout.destination_port },
    }
}

/// Whether the packet may open a flow: a TCP packet that is no SYN only where the option says so, a reset never.
fn may_open(snapshot: &Snapshot, layout: &Layout) -> Result<(), Reason> {
    match layout.transport_header {
        Transport::Tcp(tcp) if tcp.flags & (FIN | SYN | RST | ACK) != SYN => {
            if snapshot.tcp_without_handshake && tcp.flags & RST == 0 {
                Ok(())
            } else {
                Err(Reason::Unsupported)
            }
        }
        _ => Ok(()),
    }
}

/// How replies enter, before any port is translated.
fn reply_key<A: Family>(key: &FlowKey<A>, forward: &Forward) -> Option<FlowKey<A>> {
    let seen = match forward.source {
        Source::Unchanged(address) => A::of(address)?,
        Source::Private(address) | Source::Public(address) => A::of(address.into())?,
        Source::ServiceTunnel(address) => A::of(address.into())?,
    };
    Some(FlowKey {
        source: A::of(forward.delivery.wire_destination)?,
        destination: seen,
        source_port: key.destination_port,
        destination_port: key.source_port,
        zone: forward.delivery.zone,
        protocol: key.protocol,
    })
}

/// A reply key with this translated port; an echo identifier stands on both sides.
fn with_port<A>(mut reply: FlowKey<A>, port: u16) -> FlowKey<A> {
    if matches!(reply.protocol, ICMP | ICMPV6) {
        reply.source_port = port;
    }
    reply.destination_port = port;
    reply
}

/// The way out that the policy chose.
pub(super) fn exit(forward: &Forward) -> Exit {
    let delivery = &forward.delivery;
    Exit { port: delivery.port, appliance: (delivery.neighbour != delivery.wire_destination).then_some(delivery.neighbour) }
}

/// What the far end sees.
pub(super) const fn seen_as(source: Source) -> SeenAs {
    match source {
        Source::Unchanged(_) => SeenAs::Unchanged,
        Source::Private(_) => SeenAs::Private,
        Source::Public(_) => SeenAs::Public,
        Source::ServiceTunnel(_) => SeenAs::ServiceTunnel,
    }
}
