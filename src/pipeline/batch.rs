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
    pub(super) sought: Sought,
}

/// How far the flow of a packet was sought.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sought {
    /// The zone that the packet enters in if it is admitted. `None` where no flow was sought: later fragments tell no
    /// ports, and what the dataplane answers itself belongs to no flow.
    zone: Option<Zone>,
    trail: Trail,
}

impl Traveller {
    /// The family of the flow that is sought; `None` where none is.
    #[inline]
    fn is_v6(&self) -> Option<bool> {
        match (&self.parsed, self.sought.zone) {
            (Ok(Parsed::Ip(layout)), Some(_)) => Some(layout.addresses.is_v6()),
            _ => None,
        }
    }
}

impl Pipeline {
    /// Takes frames through all stages.
    pub(super) fn process_batches(&mut self, snapshot: &Snapshot, port: PortId, frames: &mut Vec<Frame>, outbox: &mut Outbox) {
        let mut batch = std::mem::take(&mut self.batch);
        while !frames.is_empty() {
            self.read(port, frames, &mut batch);
            self.seek(snapshot, &mut batch);
            self.approach(&mut batch);
            for traveller in &mut batch {
                let ended = self.walk(snapshot, traveller, outbox);
                self.end(&mut traveller.packet, ended, outbox);
            }
            batch.clear();
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
            let packet = Packet { frame, port, zone, packets, bytes };
            batch.push(Traveller { packet, parsed, sought: Sought::default() });
        }
        self.counters.port(usize::from(port.0), PortCell::PacketsIn, PortCell::BytesIn, all_packets, all_bytes);
    }

    /// Hashes the keys and asks for their buckets.
    fn seek(&self, snapshot: &Snapshot, batch: &mut [Traveller]) {
        for Traveller { packet, parsed, sought } in batch {
            let Ok(Parsed::Ip(layout)) = parsed else { continue };
            let Some(zone) = self.zone_to_seek_in(snapshot, packet.port, layout) else { continue };
            sought.zone = Some(zone);
            sought.trail = match layout.addresses {
                Addresses::V4 { .. } => self.seek_in::<Ipv4Addr>(zone, layout),
                Addresses::V6 { .. } => self.seek_in::<Ipv6Addr>(zone, layout),
            };
        }
    }

    #[inline]
    fn seek_in<A: Family>(&self, zone: Zone, layout: &Layout) -> Trail {
        key_of::<A>(zone, layout).map_or_else(Trail::default, |key| A::table(&self.flows).seek(&key))
    }

    #[inline]
    fn zone_to_seek_in(&self, snapshot: &Snapshot, port: PortId, layout: &Layout) -> Option<Zone> {
        let tells_its_key = !matches!(layout.transport_header, Transport::IcmpError(_) | Transport::Neighbour(_))
            && !matches!(layout.fragment, Fragment::Later { .. });
        if !tells_its_key {
            return None;
        }
        self.entrance(port).only_zone.or_else(|| admission::zone(snapshot, port, layout.addresses.source()).ok())
    }

    /// Reads the buckets and asks for the flows; where a bucket did not have one, the same once more with the other.
    fn approach(&self, batch: &mut [Traveller]) {
        for traveller in &mut *batch {
            match traveller.is_v6() {
                Some(true) => self.flows.v6.approach(&mut traveller.sought.trail),
                Some(false) => self.flows.v4.approach(&mut traveller.sought.trail),
                None => {}
            }
        }
        for traveller in batch {
            match traveller.is_v6() {
                Some(true) => self.flows.v6.approach_again(&mut traveller.sought.trail),
                Some(false) => self.flows.v4.approach_again(&mut traveller.sought.trail),
                None => {}
            }
        }
    }

    /// The flow that was sought, as the table has it now.
    #[inline]
    pub(super) fn find<A: Family>(&self, layout: &Layout, sought: &Sought) -> Option<Way> {
        let (flow, direction) = A::table(&self.flows).find(&sought.trail, &key_of(sought.zone?, layout)?)?;
        Some(Way { flow, direction, is_v6: A::IS_V6 })
    }

    /// Counts how a packet ended that did not leave, and takes its buffer back.
    #[inline]
    fn end(&mut self, packet: &mut Packet, ended: Result<(), Reason>, outbox: &mut Outbox) {
        if let Err(reason) = ended {
            self.counters.verdict(usize::from(packet.zone.0), reason, packet.packets);
            outbox.pool.give(packet.frame.take());
        }
    }

    pub(super) fn entrance(&self, port: PortId) -> Entrance {
        self.entrances.get(usize::from(port.0)).copied().unwrap_or_default()
    }
}
