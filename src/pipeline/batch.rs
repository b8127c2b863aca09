//! What is done for all packets of a batch before the first of them goes its way. Nothing here changes what a packet can
//! see: headers are read, counted, and cache lines fetched.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::flows::{Family, Way, key_of};
use super::outbox::Outbox;
use super::{Entrance, Packet, Pipeline};
use crate::packet::parse::{Addresses, Fragment, Kind, Layout, Transport, parse_into};
use crate::packet::{Frame, Reason, Zone, segments};
use crate::policy::admission;
use crate::policy::ids::PortId;
use crate::policy::snapshot::Snapshot;
use crate::table::flow::{STAGE, Trail};

/// Packets whose stages are done together.
pub(super) const SIZE: usize = STAGE;

/// A packet of a batch, and what was found out about it so far. The places of a batch are used again and again, each
/// filled where it is: a layout is too large to be handed on.
#[derive(Debug)]
pub(super) struct Traveller {
    pub(super) packet: Packet,
    /// What its frame is.
    pub(super) kind: Result<Kind, Reason>,
    /// Its headers, if it is an IP packet; else those of whatever was here before.
    pub(super) layout: Layout,
    /// How far its flow was sought.
    pub(super) sought: Sought,
}

impl Traveller {
    /// A place for a packet.
    pub(super) fn nobody() -> Self {
        let packet = Packet { frame: Frame::default(), port: PortId(0), zone: Zone(0), packets: 0, bytes: 0 };
        Self { packet, kind: Err(Reason::MalformedEthernet), layout: Layout::default(), sought: Sought::default() }
    }
}

/// How far the flow of a packet was sought.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sought {
    /// In which family's table. `None` where no flow was sought: later fragments tell no ports, and what the dataplane
    /// answers itself belongs to no flow.
    is_v6: Option<bool>,
    /// The zone that the packet enters in if it is admitted.
    zone: Zone,
    trail: Trail,
}

impl Pipeline {
    /// Takes frames through all stages.
    pub(super) fn process_batches(&mut self, snapshot: &Snapshot, port: PortId, frames: &mut Vec<Frame>, outbox: &mut Outbox) {
        let mut batch = std::mem::take(&mut self.batch);
        while !frames.is_empty() {
            let travellers = self.read(port, frames, &mut batch);
            self.seek(snapshot, travellers);
            self.approach(travellers);
            for traveller in travellers {
                let ended = self.walk(snapshot, traveller, outbox);
                self.end(&mut traveller.packet, ended, outbox);
            }
        }
        self.batch = batch;
    }

    /// Reads the headers, and counts the packets in.
    fn read<'a>(&mut self, port: PortId, frames: &mut Vec<Frame>, batch: &'a mut [Traveller]) -> &'a mut [Traveller] {
        let zone = self.entrance(port).counts_for;
        let count = frames.len().min(batch.len());
        let (travellers, _) = batch.split_at_mut(count);
        let (mut all_packets, mut all_bytes) = (0, 0);
        for (frame, Traveller { packet, kind, layout, sought }) in frames.drain(..count).zip(&mut *travellers) {
            *kind = parse_into(layout, frame.bytes(), frame.offload.needs_checksum);
            let (packets, bytes) = segments::wire_size(&frame, kind.is_ok_and(|kind| kind == Kind::Ip).then_some(layout));
            (all_packets, all_bytes) = (all_packets + packets, all_bytes + bytes);
            *packet = Packet { frame, port, zone, packets, bytes };
            *sought = Sought::default();
        }
        self.count_received(port, all_packets, all_bytes);
        travellers
    }

    /// Hashes the keys and asks for their buckets.
    fn seek(&self, snapshot: &Snapshot, batch: &mut [Traveller]) {
        for Traveller { packet, kind, layout, sought } in batch {
            let Ok(Kind::Ip) = kind else { continue };
            let Some(zone) = self.zone_to_seek_in(snapshot, packet.port, layout) else { continue };
            *sought = match layout.addresses {
                Addresses::V4 { .. } => self.seek_in::<Ipv4Addr>(zone, layout),
                Addresses::V6 { .. } => self.seek_in::<Ipv6Addr>(zone, layout),
            };
        }
    }

    #[inline]
    fn seek_in<A: Family>(&self, zone: Zone, layout: &Layout) -> Sought {
        let trail = key_of::<A>(zone, layout).map_or_else(Trail::default, |key| A::table(&self.flows).seek(&key));
        Sought { is_v6: Some(A::IS_V6), zone, trail }
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
        for Traveller { sought, .. } in &mut *batch {
            match sought.is_v6 {
                Some(true) => self.flows.v6.approach(&mut sought.trail),
                Some(false) => self.flows.v4.approach(&mut sought.trail),
                None => {}
            }
        }
        for Traveller { sought, .. } in batch {
            match sought.is_v6 {
                Some(true) => self.flows.v6.approach_again(&mut sought.trail),
                Some(false) => self.flows.v4.approach_again(&mut sought.trail),
                None => {}
            }
        }
    }

    /// The flow that was sought, as the table has it now.
    #[inline]
    pub(super) fn find<A: Family>(&self, layout: &Layout, sought: &Sought) -> Option<Way> {
        sought.is_v6?;
        let (flow, direction) = A::table(&self.flows).find(&sought.trail, &key_of(sought.zone, layout)?)?;
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
