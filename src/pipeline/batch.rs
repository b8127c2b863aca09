//! What is done for all packets of a batch before the first of them goes its way. Nothing here changes what a packet can
//! see: headers are read, counted, and cache lines fetched.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::flows::{Family, Sought, Way, key_of};
use super::outbox::Outbox;
use super::{Entrance, Packet, Pipeline};
use crate::packet::parse::{Addresses, Fragment, Kind, Layout, Transport, parse_into};
use crate::packet::{Frame, Reason, Zone, segments};
use crate::policy::admission;
use crate::policy::ids::PortId;
use crate::policy::snapshot::Snapshot;
use crate::table::flow::{Places, STAGE};

/// Packets whose stages are done together.
pub(super) const SIZE: usize = STAGE;

/// What was found out about a packet of a batch so far; its frame stays where it came in. The places of a batch are used
/// again and again, each filled where it is: a layout is too large to be handed on.
#[derive(Debug)]
pub(super) struct Traveller {
    /// Packets and bytes on the wire that its frame stands for.
    pub(super) wire_size: (u64, u64),
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
        Self { wire_size: (0, 0), kind: Err(Reason::MalformedEthernet), layout: Layout::default(), sought: Sought::Nowhere }
    }
}

impl Pipeline {
    /// Takes frames through all stages.
    pub(super) fn process_batches(&mut self, snapshot: &Snapshot, port: PortId, frames: &mut Vec<Frame>, outbox: &mut Outbox) {
        let mut batch = std::mem::take(&mut self.batch);
        for frames in frames.chunks_mut(SIZE) {
            let (travellers, _) = batch.split_at_mut(frames.len());
            self.read(port, frames, travellers);
            self.seek(snapshot, port, travellers);
            self.approach(travellers);
            let (recipes, mut ran) = (self.recipes, false);
            for (frame, traveller) in frames.iter_mut().zip(travellers) {
                if recipes && self.run_recipe(port, frame, traveller, outbox) {
                    ran = true;
                } else {
                    self.take_long_way(snapshot, port, frame, traveller, outbox);
                }
            }
            self.first_packets.note(ran);
        }
        frames.clear();
        self.batch = batch;
    }

    /// The way of a packet that no recipe tells of. Counts how it ended where it did not leave, and takes its buffer back.
    #[inline(never)]
    fn take_long_way(&mut self, snapshot: &Snapshot, port: PortId, frame: &mut Frame, traveller: &mut Traveller, outbox: &mut Outbox) {
        let (packets, bytes) = traveller.wire_size;
        let mut packet = Packet { frame, port, zone: self.entrance(port).counts_for, packets, bytes };
        if let Err(reason) = self.walk(snapshot, &mut packet, traveller, outbox) {
            self.counters.verdict(usize::from(packet.zone.0), reason, packet.packets);
            outbox.pool.give(packet.frame.take());
        }
    }

    /// Reads the headers, and counts the packets in.
    #[inline(never)]
    fn read(&mut self, port: PortId, frames: &[Frame], batch: &mut [Traveller]) {
        let (mut all_packets, mut all_bytes, mut super_frames) = (0, 0, 0);
        for (frame, Traveller { wire_size, kind, layout, .. }) in frames.iter().zip(batch) {
            *kind = parse_into(layout, frame.bytes(), frame.offload.needs_checksum);
            *wire_size = segments::wire_size(frame, kind.is_ok_and(|kind| kind == Kind::Ip).then_some(layout));
            all_packets += wire_size.0;
            all_bytes += wire_size.1;
            super_frames += u64::from(wire_size.0 > 1);
        }
        self.count_received(port, all_packets, all_bytes, super_frames);
    }

    /// Hashes the keys and asks for their buckets.
    #[inline(never)]
    fn seek(&self, snapshot: &Snapshot, port: PortId, batch: &mut [Traveller]) {
        for Traveller { kind, layout, sought, .. } in batch {
            *sought = match kind {
                Ok(Kind::Ip) => self.begin_to_seek(snapshot, port, layout),
                _ => Sought::Nowhere,
            };
        }
    }

    #[inline(always)]
    fn begin_to_seek(&self, snapshot: &Snapshot, port: PortId, layout: &Layout) -> Sought {
        match (self.zone_to_seek_in(snapshot, port, layout), layout.addresses) {
            (Some(zone), Addresses::V4 { .. }) => self.seek_in::<Ipv4Addr>(zone, layout),
            (Some(zone), Addresses::V6 { .. }) => self.seek_in::<Ipv6Addr>(zone, layout),
            (None, _) => Sought::Nowhere,
        }
    }

    #[inline(always)]
    fn seek_in<A: Family>(&self, zone: Zone, layout: &Layout) -> Sought {
        key_of::<A>(zone, layout).map_or(Sought::Nowhere, |key| A::sought(A::table(&self.flows).seek(&key)))
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
    #[inline(never)]
    fn approach(&self, batch: &mut [Traveller]) {
        let mut elsewhere = Places::default();
        for (place, Traveller { sought, .. }) in batch.iter_mut().enumerate() {
            let is_there = match sought {
                Sought::V4(trail) => self.flows.v4.approach(trail),
                Sought::V6(trail) => self.flows.v6.approach(trail),
                Sought::Nowhere => true,
            };
            elsewhere.add_if(place, !is_there);
        }
        for place in elsewhere {
            let Some(Traveller { sought, .. }) = batch.get_mut(place) else { continue };
            match sought {
                Sought::V4(trail) => self.flows.v4.approach_again(trail),
                Sought::V6(trail) => self.flows.v6.approach_again(trail),
                Sought::Nowhere => {}
            }
        }
    }

    /// The flow that was sought, as the table has it now.
    #[inline]
    pub(super) fn find<A: Family>(&self, sought: &Sought) -> Option<Way> {
        let (flow, direction) = A::table(&self.flows).find(A::trail(sought)?)?;
        Some(Way { flow, direction, is_v6: A::IS_V6 })
    }

    pub(super) fn entrance(&self, port: PortId) -> Entrance {
        self.entrances.get(usize::from(port.0)).copied().unwrap_or_default()
    }
}
