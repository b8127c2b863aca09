//! The first stages of a packet's own way: answer neighbours, admit.

use std::net::IpAddr;

use super::flows::{Family, Marks, Way};
use super::outbox::{Outbox, Sent};
use super::respond::{GATEWAY_MAC, arp, ndp};
use super::{Packet, Pipeline};
use crate::packet::parse::{self, Arp, Kind, Layout, Neighbour, Transport};
use crate::packet::{Frame, Reason, Zone};
use crate::policy::admission::{self, Admitted};
use crate::policy::ids::PortId;
use crate::policy::snapshot::Snapshot;

impl Pipeline {
    /// Answers ARP and neighbour discovery as the gateway, and learns from both. Passes IP packets on.
    pub(super) fn answer_neighbours(
        &mut self,
        snapshot: &Snapshot,
        packet: &mut Packet,
        kind: &Result<Kind, Reason>,
        layout: &Layout,
        outbox: &mut Outbox,
    ) -> Result<(), Reason> {
        match kind {
            Err(reason) => Err(*reason),
            Ok(Kind::Arp) => Err(self.answer_arp(snapshot, packet, &parse::arp(packet.frame.bytes())?, outbox)),
            Ok(Kind::Ip) => match layout.transport_header {
                Transport::Neighbour(message) => Err(self.answer_discovery(snapshot, packet, layout, message, outbox)),
                _ => Ok(()),
            },
        }
    }

    /// Does the source belong behind the port? Whom does the packet count for? And was it sent to the gateway?
    ///
    /// Whether a source belongs behind a port depends on the snapshot, the port and the source alone. So a known flow
    /// vouches for a packet where it was asked for the same three before.
    ///
    /// A bridge behind a port floods what its hosts say to each other, and an interface in promiscuous mode hears its
    /// whole segment: none of that is the gateway's to forward (RFC 1812, 5.3.4), or it would arrive twice.
    ///
    /// Where the sender was found on the way, it comes back: a first packet is decided by it.
    pub(super) fn admit<A: Family>(
        &mut self,
        snapshot: &Snapshot,
        packet: &mut Packet,
        layout: &Layout,
        known: Option<Way>,
    ) -> Result<Option<Admitted>, Reason> {
        let admitted = if known.is_none() { self.ask_in_full(snapshot, packet.port, layout) } else { None };
        let found = admitted.as_ref().map(|admitted| admitted.zone);
        packet.zone = match found.or_else(|| self.vouched::<A>(known?, packet.port)) {
            Some(zone) => zone,
            None => self.ask_admission::<A>(snapshot, packet.port, layout, known)?,
        };
        if packet.destination_mac() == GATEWAY_MAC { Ok(admitted) } else { Err(Reason::DestinationUnknown) }
    }

    /// Who sends a packet that is likely to open a flow. `None` says only that it may not.
    fn ask_in_full(&self, snapshot: &Snapshot, port: PortId, layout: &Layout) -> Option<Admitted> {
        admission::admit(snapshot, port, layout.addresses.source(), layout.addresses.destination()).ok()
    }

    /// The zone that the flow's packets of this direction enter in, where it is known that they may at this port.
    #[inline]
    fn vouched<A: Family>(&self, way: Way, port: PortId) -> Option<Zone> {
        let table = A::table(&self.flows);
        let flow = table.get(way.flow)?;
        let is_asked = flow.generation == self.generation && flow.marks.has(Marks::admitted(way.direction));
        let enters_here = self.flows.exits.port(flow.exit(way.direction.opposite())) == port;
        if is_asked && enters_here { table.key(way.flow, way.direction).map(|key| key.zone) } else { None }
    }

    /// Asks the policy. The flow remembers a yes for the one port where its other direction leaves. What a flow of an
    /// older generation remembers counts for nothing, and is forgotten when it is brought up to date.
    fn ask_admission<A: Family>(&mut self, snapshot: &Snapshot, port: PortId, layout: &Layout, known: Option<Way>) -> Result<Zone, Reason> {
        let zone = admission::zone(snapshot, port, layout.addresses.source())?;
        if let Some(way) = known
            && let Some(mut flow) = A::table(&self.flows).get(way.flow).copied()
            && self.flows.exits.port(flow.exit(way.direction.opposite())) == port
        {
            flow.marks = flow.marks.with(Marks::admitted(way.direction));
            A::table_mut(&mut self.flows).set(way.flow, flow);
        }
        Ok(zone)
    }

    fn answer_arp(&mut self, snapshot: &Snapshot, packet: &mut Packet, message: &Arp, outbox: &mut Outbox) -> Reason {
        if !message.sender.is_unspecified() {
            match admission::zone(snapshot, packet.port, message.sender.into()) {
                Ok(zone) => packet.zone = zone,
                Err(reason) => return reason,
            }
            self.learn(packet.port, message.sender.into(), message.sender_mac, outbox);
        }
        if message.request && admission::answers_for(snapshot, packet.port, message.target.into()) {
            self.emit(packet, outbox, |frame| arp::reply(message, frame));
        }
        Reason::Answered
    }

    fn answer_discovery(
        &mut self,
        snapshot: &Snapshot,
        packet: &mut Packet,
        layout: &Layout,
        message: Neighbour,
        outbox: &mut Outbox,
    ) -> Reason {
        let sender = layout.addresses.source();
        let known = admission::zone(snapshot, packet.port, sender);
        if let Ok(zone) = known {
            packet.zone = zone;
        }
        match message {
            Neighbour::Solicitation { target, source_mac } => {
                if let (Ok(_), Some(mac)) = (known, source_mac) {
                    self.learn(packet.port, sender, mac, outbox);
                }
                if admission::answers_for(snapshot, packet.port, target.into()) {
                    let solicitor = packet.source_mac();
                    if let IpAddr::V6(sender) = sender {
                        self.emit(packet, outbox, |frame| ndp::advertisement(target, sender, solicitor, frame));
                    }
                }
            }
            Neighbour::Advertisement { target, target_mac: Some(mac) } => {
                if admission::zone(snapshot, packet.port, target.into()).is_ok() {
                    self.learn(packet.port, target.into(), mac, outbox);
                }
            }
            Neighbour::Advertisement { .. } | Neighbour::Other => {}
        }
        Reason::Answered
    }

    /// Sends a frame of our own back through the port that `packet` came from.
    pub(super) fn emit(&mut self, packet: &Packet, outbox: &mut Outbox, build: impl FnOnce(&mut Frame)) {
        self.emit_from(packet, outbox, |_, frame| {
            build(frame);
            true
        });
    }

    /// The same for frames made from the packet's bytes; nothing is sent where `build` says no. Says whether it was.
    pub(super) fn emit_from(&mut self, packet: &Packet, outbox: &mut Outbox, build: impl FnOnce(&Frame, &mut Frame) -> bool) -> bool {
        let mut frame = outbox.pool.take();
        let built = build(packet.frame, &mut frame);
        if built {
            let sent = Sent { forwarded_for: None, packets: 1, bytes: frame.len() as u64 };
            if let Some(frame) = outbox.push(packet.port, frame, sent) {
                outbox.pool.give(frame);
            }
        } else {
            outbox.pool.give(frame);
        }
        built
    }
}
