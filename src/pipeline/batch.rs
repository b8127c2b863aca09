//! What is done for all packets of a batch before the first of them goes its way. Nothing here changes what a packet can
//! see: headers are read, counted, and cache lines fetched.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::flows::{Family, Way, key_of};
use super::outbox::Outbox;
use super::{Entrance, Packet, Pipeline};
use crate::counters::PortCell;
use crate::packet::parse::{Addresses, Fragment, Layout, Parsed, Transport, parse};
use crate::packet::{Frame, Reason, Zone, segments};
use crate::policy::admission;
use crate::policy::ids::PortId;
use crate::policy::snapshot::Snapshot;
use crate::table::flow::{STAGE, Trail};

/// Packets whose stages are done together.
pub(super) const SIZE: usize = STAGE;

/// A packet of a batch, and what was found out about it so far.
#[derive(Debug)]
pub(super) struct Traveller {
    pub(super) packet: Packet,
    /// Its headers.
    pub(super) parsed: Result<Parsed, Reason>,
    /// How far its flow was sought.
    pub(super) sight: Sight,
}

/// How far the flow of a packet was sought.
#[derive(Clone, Copy, Debug)]
pub(super) enum Sight {
    /// Not at all: a later fragment, which tells no ports, or what belongs to no flow of its own.
    Nothing,
    /// By the key that the packet has if it is admitted to this zone.
    Key(Zone, Trail),
}

impl Pipeline {
    /// Takes frames through all stages.
    pub(super) fn process_batches(&mut self, snapshot: &Snapshot, port: PortId, frames: &mut Vec<Frame>, outbox: &mut Outbox) {
        let mut batch = std::mem::take(&mut self.batch);
        while !frames.is_empty() {
            self.read(port, frames, &mut batch);
            self.seek(snapshot, &mut batch);
            self.approach(&mut batch);
            for mut traveller in batch.drain(..) {
                let ended = self.walk(snapshot, &mut traveller, outbox);
                self.end(traveller.packet, ended, outbox);
            }
        }
        self.batch = batch;
    }

    /// Reads the headers, and counts the packets in.
    fn read(&mut self, port: PortId, frames: &mut Vec<Frame>, batch: &mut Vec<Traveller>) {
        let zone = self.entrance(port).counts_for;
        let (mut all_packets, mut all_bytes) = (0, 0);
        for frame in frames.drain(..SIZE.min(frames.len())) {
            let parsed = parse(frame.bytes(), frame.offload.needs_checksum);
            let layout = match &parsed {
                Ok(Parsed::Ip(layout)) => Some(layout),
                _ => None,
            };
            let (packets, bytes) = segments::wire_size(&frame, layout);
            (all_packets, all_bytes) = (all_packets + packets, all_bytes + bytes);
            batch.push(Traveller { packet: Packet { frame, port, zone, packets, bytes }, parsed, sight: Sight::Nothing });
        }
        self.counters.port(usize::from(port.0), PortCell::PacketsIn, PortCell::BytesIn, all_packets, all_bytes);
    }

    /// Hashes the keys and asks for their buckets.
    fn seek(&self, snapshot: &Snapshot, batch: &mut [Traveller]) {
        for traveller in batch {
            let Ok(Parsed::Ip(layout)) = &traveller.parsed else { continue };
            traveller.sight = self.sight(snapshot, traveller.packet.port, layout).unwrap_or(Sight::Nothing);
        }
    }

    fn sight(&self, snapshot: &Snapshot, port: PortId, layout: &Layout) -> Option<Sight> {
        let tells_its_key = !matches!(layout.transport_header, Transport::IcmpError(_) | Transport::Neighbour(_))
            && !matches!(layout.fragment, Fragment::Later { .. });
        if !tells_its_key {
            return None;
        }
        let zone = match self.entrance(port).only_zone {
            Some(zone) => zone,
            None => admission::zone(snapshot, port, layout.addresses.source()).ok()?,
        };
        let trail = match layout.addresses {
            Addresses::V4 { .. } => self.flows.v4.seek(&key_of::<Ipv4Addr>(zone, layout)?),
            Addresses::V6 { .. } => self.flows.v6.seek(&key_of::<Ipv6Addr>(zone, layout)?),
        };
        Some(Sight::Key(zone, trail))
    }

    /// Reads the buckets and asks for the flows; where a bucket did not have one, the same once more with the other.
    fn approach(&self, batch: &mut [Traveller]) {
        for traveller in &mut *batch {
            match (&mut traveller.sight, &traveller.parsed) {
                (Sight::Key(_, trail), Ok(Parsed::Ip(layout))) if layout.addresses.is_v6() => self.flows.v6.approach(trail),
                (Sight::Key(_, trail), _) => self.flows.v4.approach(trail),
                _ => {}
            }
        }
        for traveller in batch {
            match (&mut traveller.sight, &traveller.parsed) {
                (Sight::Key(_, trail), Ok(Parsed::Ip(layout))) if layout.addresses.is_v6() => self.flows.v6.approach_again(trail),
                (Sight::Key(_, trail), _) => self.flows.v4.approach_again(trail),
                _ => {}
            }
        }
    }

    /// The flow that was sought, as the table has it now.
    #[inline]
    pub(super) fn find<A: Family>(&self, layout: &Layout, sight: &Sight) -> Option<Way> {
        let Sight::Key(zone, trail) = sight else { return None };
        let (flow, direction) = A::table(&self.flows).find(trail, &key_of(*zone, layout)?)?;
        Some(Way { flow, direction })
    }

    /// Counts how a packet ended that did not leave, and takes its buffer back.
    fn end(&mut self, packet: Packet, ended: Result<(), Reason>, outbox: &mut Outbox) {
        if let Err(reason) = ended {
            self.counters.verdict(usize::from(packet.zone.0), reason, packet.packets);
        }
        outbox.pool.give(packet.frame);
    }

    pub(super) fn entrance(&self, port: PortId) -> Entrance {
        self.entrances.get(usize::from(port.0)).copied().unwrap_or_default()
    }
}
