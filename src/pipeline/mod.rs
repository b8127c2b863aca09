//! A packet's way: ingress → fast path → slow path → rewrite → egress, and connection tracking.
//!
//! `Pipeline::walk` is the whole road, one line per stage; each stage is a method in the file of its name:
//!
//! | stage | file | what it may end with |
//! |---|---|---|
//! | parse | `packet::parse` | `malformed-…`, `unsupported` |
//! | neighbours | `ingress` | `answered` |
//! | admission | `ingress` (asks `policy::admission`) | `source-spoofed`, `destination-unknown` (sent to another MAC) |
//! | fragments | `fragments` | `fragment-without-first` |
//! | known flow | `fast_path` | |
//! | first packet | `slow_path` (asks `policy::decide`) | every policy reason, `flow-table-full`, `snat-ports-exhausted` |
//! | refusal shown | `refuse` | `service-firewall-deny`, `answered` |
//! | TTL, size | `egress` | `ttl-exceeded`, `too-big` |
//! | rewrite | `packet::rewrite`, for service tunnels `packet::rewrite::translate` | `unsupported`, `malformed-transport` |
//! | delivery | `egress` | `queue-full`, `destination-unknown` |
//!
//! Nothing here sees a file descriptor or a log line. The clock is read by the worker, once per batch; only `slow_path`
//! reads it too, to measure decisions.

pub mod conntrack;
mod egress;
pub mod engine;
mod fast_path;
pub mod flows;
pub mod fragment_table;
mod fragments;
mod ingress;
pub mod neighbour;
pub mod outbox;
mod refuse;
mod related;
pub mod respond;
mod revalidate;
mod slow_path;
pub mod source_nat;
mod upkeep;

use std::sync::Arc;
use std::time::Instant;

use crate::counters::{PortCell, Reader, Shape, Writer};
use crate::packet::parse::{Addresses, Layout};
use crate::packet::{Frame, Reason, Zone};
use crate::policy::ids::{Ids, PortId};
use crate::policy::snapshot::Snapshot;
use crate::table::flow::FlowTable;

use conntrack::HalfOpenQuota;
use engine::Engine;
use flows::{Family, Flows};
use fragment_table::FragmentTable;
use fragments::Fate;
use neighbour::NeighbourTable;
use outbox::{Outbox, Sent};
use respond::rate_limit::RateLimit;
use source_nat::SourceNat;

pub use crate::table::flow::TICKS_PER_SECOND;

/// What a pipeline reserves at the start. Nothing grows later.
#[derive(Clone, Copy, Debug)]
pub struct Capacity {
    /// IPv4 flows.
    pub flows_v4: usize,
    /// IPv6 flows, and those through service tunnels.
    pub flows_v6: usize,
    /// Neighbours.
    pub neighbours: usize,
    /// Fragmented packets under way.
    pub fragments: usize,
}

impl Default for Capacity {
    /// A million IPv4 flows (twice Azure's 500,000 in each direction), an eighth of that for IPv6.
    fn default() -> Self {
        Self { flows_v4: 1 << 20, flows_v6: 1 << 17, neighbours: 1 << 16, fragments: 4096 }
    }
}

/// Secrets drawn once per process: what crafted packets must not be able to predict.
#[derive(Clone, Copy, Debug)]
pub struct Secrets {
    /// Seeds of the flow hash.
    pub flow_hash: [u64; 2],
    /// Seed of translated source ports.
    pub source_ports: [u64; 2],
    /// Key of the 403 responder's sequence numbers.
    pub cookie: [u64; 2],
}

impl Secrets {
    /// Draws new ones from the system's random source.
    ///
    /// # Errors
    /// The system has none.
    pub fn draw() -> std::io::Result<Self> {
        let mut bytes = [0_u8; 48];
        getrandom::fill(&mut bytes).map_err(std::io::Error::other)?;
        let mut words = bytes.chunks_exact(8).map(|word| word.try_into().map_or(0, u64::from_ne_bytes));
        let mut pair = || [words.next().unwrap_or(0), words.next().unwrap_or(0)];
        Ok(Self { flow_hash: pair(), source_ports: pair(), cookie: pair() })
    }
}

/// The time, as the worker read it for this batch.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
    /// Milliseconds since the start.
    pub milliseconds: u64,
    /// Ticks since the start ([`TICKS_PER_SECOND`]).
    pub tick: u32,
}

impl Clock {
    fn new(start: Instant) -> Self {
        Self { start, milliseconds: 0, tick: 0 }
    }

    fn advance(&mut self, now: Instant) {
        let elapsed = now.saturating_duration_since(self.start).as_millis();
        self.milliseconds = u64::try_from(elapsed).unwrap_or(u64::MAX);
        self.tick = u32::try_from(elapsed * u128::from(TICKS_PER_SECOND) / 1000).unwrap_or(u32::MAX);
    }
}

/// A frame on its way, and whom it counts for.
#[derive(Debug)]
pub(crate) struct Packet {
    /// The frame; taken out when it is sent or waits.
    frame: Frame,
    /// Where it came in.
    port: PortId,
    /// The zone it counts for: its port's, until admission knows better.
    zone: Zone,
    /// Packets on the wire that it stands for.
    packets: u64,
    /// Bytes on the wire that it stands for.
    bytes: u64,
}

impl Packet {
    /// The MAC address that the frame was sent to.
    fn destination_mac(&self) -> [u8; 6] {
        self.frame.bytes().first_chunk().copied().unwrap_or_default()
    }

    /// The MAC address that the frame came from.
    fn source_mac(&self) -> [u8; 6] {
        self.frame.bytes().get(6..12).and_then(|mac| mac.try_into().ok()).unwrap_or_default()
    }
}

/// One worker's pipeline: everything that packets change.
#[derive(Debug)]
pub struct Pipeline {
    snapshot: Arc<Snapshot>,
    generation: u32,
    secrets: Secrets,
    clock: Clock,
    flows: Flows,
    half_open: HalfOpenQuota,
    source_nat: SourceNat,
    fragments: FragmentTable<Fate>,
    neighbours: NeighbourTable,
    icmp_errors: RateLimit,
    counters: Writer,
    port_zones: Vec<Zone>,
    mtus: Vec<u32>,
    sweep: Option<upkeep::Sweep>,
    /// Of the next IPv4 packet made of an IPv6 one.
    identification: u16,
}

impl Pipeline {
    /// A pipeline over `snapshot`, and the reading end of its counters.
    #[must_use]
    pub fn new(snapshot: Arc<Snapshot>, capacity: Capacity, secrets: Secrets, start: Instant) -> (Self, Reader) {
        let (counters, reader) = Writer::new(shape(&snapshot.ids));
        let mut pipeline = Self {
            generation: 0,
            secrets,
            clock: Clock::new(start),
            flows: Flows {
                v4: FlowTable::new(capacity.flows_v4, secrets.flow_hash),
                v6: FlowTable::new(capacity.flows_v6, secrets.flow_hash),
                tunnelled: 0,
            },
            half_open: HalfOpenQuota::for_capacity(capacity.flows_v4 + capacity.flows_v6),
            source_nat: SourceNat::new(secrets.source_ports),
            fragments: FragmentTable::new(capacity.fragments, capacity.fragments.div_ceil(8).max(1)),
            neighbours: NeighbourTable::new(capacity.neighbours, 64, 1024),
            icmp_errors: RateLimit::new(1000, 100),
            counters,
            port_zones: Vec::new(),
            mtus: Vec::new(),
            sweep: None,
            identification: 0,
            snapshot: Arc::clone(&snapshot),
        };
        pipeline.adopt(snapshot);
        (pipeline, reader)
    }

    /// A packet's way.
    fn walk(&mut self, snapshot: &Snapshot, packet: &mut Packet, outbox: &mut Outbox) -> Result<(), Reason> {
        let parsed = self.parse(packet)?;
        let layout = self.answer_neighbours(snapshot, packet, parsed, outbox)?;
        self.admit(snapshot, packet, &layout)?;
        match layout.addresses {
            Addresses::V4 { source, destination } => self.forward(snapshot, packet, layout, (source, destination), outbox),
            Addresses::V6 { source, destination } => self.forward(snapshot, packet, layout, (source, destination), outbox),
        }
    }

    /// The rest of the way, in one address family.
    fn forward<A: Family>(
        &mut self,
        snapshot: &Snapshot,
        packet: &mut Packet,
        mut layout: Layout,
        (source, destination): (A, A),
        outbox: &mut Outbox,
    ) -> Result<(), Reason> {
        self.follow_first_fragment(packet.zone, &mut layout)?;
        let key = flows::key(packet.zone, source, destination, layout.protocol, (layout.source_port, layout.destination_port));
        let onward = match self.find(snapshot, packet, &layout, &key, outbox)? {
            Some(onward) => onward,
            None => self.decide(snapshot, packet, &layout, &key, outbox)?,
        };
        self.remember_first_fragment(packet.zone, &layout);
        self.check_ttl(snapshot, packet, &layout, outbox)?;
        let split = self.check_size(snapshot, packet, &layout, &onward, outbox)?;
        self.rewrite(packet, &mut layout, &onward, split)?;
        self.deliver(snapshot, packet, &layout, &onward, split, outbox)
    }

    fn process_one(&mut self, snapshot: &Snapshot, port: PortId, frame: Frame, outbox: &mut Outbox) {
        let zone = self.port_zones.get(usize::from(port.0)).copied().unwrap_or(Zone(u16::MAX));
        let mut packet = Packet { frame, port, zone, packets: 1, bytes: 0 };
        if let Err(reason) = self.walk(snapshot, &mut packet, outbox) {
            self.counters.verdict(usize::from(packet.zone.0), reason, packet.packets);
        }
        outbox.pool.give(packet.frame);
    }
}

impl Engine for Pipeline {
    fn adopt(&mut self, snapshot: Arc<Snapshot>) {
        self.counters.grow(shape(&snapshot.ids));
        self.generation = self.generation.wrapping_add(1);
        let ports = snapshot.ids.ports.names().len();
        self.port_zones.resize(ports, Zone(u16::MAX));
        self.mtus.resize(ports, 1500);
        for port in &snapshot.ports {
            if let Some(zone) = self.port_zones.get_mut(usize::from(port.id.0)) {
                *zone = port.zone;
            }
        }
        self.begin_sweep();
        self.snapshot = snapshot;
    }

    fn set_mtu(&mut self, port: PortId, mtu: u32) {
        if let Some(slot) = self.mtus.get_mut(usize::from(port.0)) {
            *slot = mtu;
        }
    }

    fn process(&mut self, now: Instant, port: PortId, frames: &mut Vec<Frame>, outbox: &mut Outbox) {
        self.clock.advance(now);
        let snapshot = Arc::clone(&self.snapshot);
        for frame in frames.drain(..) {
            self.process_one(&snapshot, port, frame, outbox);
        }
    }

    fn tick(&mut self, now: Instant, outbox: &mut Outbox) {
        self.clock.advance(now);
        let snapshot = Arc::clone(&self.snapshot);
        self.upkeep(&snapshot, outbox);
    }

    fn sent(&mut self, port: PortId, sent: &Sent) {
        self.counters.port(usize::from(port.0), PortCell::PacketsOut, PortCell::BytesOut, sent.packets, sent.bytes);
        if let Some(zone) = sent.forwarded_for {
            self.counters.verdict(usize::from(zone.0), Reason::Forwarded, sent.packets);
        }
    }

    fn refused(&mut self, _port: PortId, sent: &Sent, reason: Reason) {
        if let Some(zone) = sent.forwarded_for {
            self.counters.verdict(usize::from(zone.0), reason, sent.packets);
        }
    }
}

fn shape(ids: &Ids) -> Shape {
    Shape { ports: ids.ports.names().len(), zones: ids.zones.names().len(), rules: ids.rules.names().len() }
}
