//! The first stages: parse, answer neighbours, admit.

use std::net::IpAddr;

use super::outbox::{Outbox, Sent};
use super::respond::{GATEWAY_MAC, arp, ndp};
use super::{Packet, Pipeline};
use crate::counters::PortCell;
use crate::packet::parse::{Arp, Layout, Neighbour, Parsed, Transport, parse};
use crate::packet::{Frame, Reason, segments};
use crate::policy::admission;
use crate::policy::snapshot::Snapshot;

impl Pipeline {
    /// Reads the headers and counts the packet in.
    pub(super) fn parse(&mut self, packet: &mut Packet) -> Result<Parsed, Reason> {
        let parsed = parse(packet.frame.bytes(), packet.frame.offload.needs_checksum);
        let layout = match &parsed {
            Ok(Parsed::Ip(layout)) => Some(layout),
            _ => None,
        };
        (packet.packets, packet.bytes) = segments::wire_size(&packet.frame, layout);
        self.counters.port(usize::from(packet.port.0), PortCell::PacketsIn, PortCell::BytesIn, packet.packets, packet.bytes);
        parsed
    }

    /// Answers ARP and neighbour discovery as the gateway, and learns from both. Passes IP packets on.
    pub(super) fn answer_neighbours(
        &mut self,
        snapshot: &Snapshot,
        packet: &mut Packet,
        parsed: Parsed,
        outbox: &mut Outbox,
    ) -> Result<Layout, Reason> {
        match parsed {
            Parsed::Arp(message) => self.answer_arp(snapshot, packet, &message, outbox),
            Parsed::Ip(layout) => match layout.transport_header {
                Transport::Neighbour(message) => self.answer_discovery(snapshot, packet, &layout, message, outbox),
                _ => Ok(layout),
            },
        }
    }

    /// Does the source belong behind the port? Whom does the packet count for? And was it sent to the gateway?
    ///
    /// A bridge behind a port floods what its hosts say to each other, and an interface in promiscuous mode hears its
    /// whole segment: none of that is the gateway's to forward (RFC 1812, 5.3.4), or it would arrive twice.
    pub(super) fn admit(&mut self, snapshot: &Snapshot, packet: &mut Packet, layout: &Layout) -> Result<(), Reason> {
        packet.zone = admission::zone(snapshot, packet.port, layout.addresses.source())?;
        if packet.destination_mac() == GATEWAY_MAC { Ok(()) } else { Err(Reason::DestinationUnknown) }
    }

    fn answer_arp(&mut self, snapshot: &Snapshot, packet: &mut Packet, message: &Arp, outbox: &mut Outbox) -> Result<Layout, Reason> {
        if !message.sender.is_unspecified() {
            packet.zone = admission::zone(snapshot, packet.port, message.sender.into())?;
            self.learn(packet.port, message.sender.into(), message.sender_mac, outbox);
        }
        if message.request && admission::answers_for(snapshot, packet.port, message.target.into()) {
            self.emit(packet, outbox, |frame| arp::reply(message, frame));
        }
        Err(Reason::Answered)
    }

    fn answer_discovery(
        &mut self,
        snapshot: &Snapshot,
        packet: &mut Packet,
        layout: &Layout,
        message: Neighbour,
        outbox: &mut Outbox,
    ) -> Result<Layout, Reason> {
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
        Err(Reason::Answered)
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
        let built = build(&packet.frame, &mut frame);
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
