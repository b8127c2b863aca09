//! A packet's way: ingress → fast path → slow path → rewrite → egress, and connection tracking.
//!
//! Packets come in batches. What can be done for all of them at once is done in `batch`, a loop per stage, so that cache
//! misses overlap; none of it changes anything. Then each packet goes its way, in the order of the batch, and finds what
//! those before it left behind: a batch does what its packets would do one by one.
//!
//! | stage, for a whole batch | file |
//! |---|---|
//! | read the headers | `batch` (`packet::parse`) |
//! | hash the flow keys, fetch their buckets, then the flows | `batch` (`table::flow`) |
//!
//! `Pipeline::walk` is the rest of the road, one line per stage; each stage is a method in the file of its name:
//!
//! | stage, packet by packet | file | what it may end with |
//! |---|---|---|
//! | a known flow's recipe, if nothing is unusual | `recipe` | |
//! | parse, as it was read | `packet::parse` | `malformed-…`, `unsupported` |
//! | neighbours | `ingress` | `answered` |
//! | known flow | `fast_path` | |
//! | admission | `ingress` (a known flow vouches, else `policy::admission` is asked) | `source-spoofed`, `destination-unknown` (sent to another MAC) |
//! | fragments | `fragments` | `fragment-without-first` |
//! | another worker's | `hand_over` (misses only) | its way starts anew there |
//! | tracking, or first packet | `fast_path`, or `slow_path` (asks `policy::decide`) | every policy reason, `flow-table-full`, `snat-ports-exhausted`, `queue-full` (`limit`) |
//! | refusal shown | `refuse` | `service-firewall-deny`, `answered` |
//! | TTL, size | `egress` | `ttl-exceeded`, `too-big` |
//! | rewrite | `packet::rewrite`, for service tunnels `packet::rewrite::translate` | `unsupported`, `malformed-transport` |
//! | delivery | `egress` | `queue-full`, `destination-unknown` |
//!
//! Nothing here sees a file descriptor or a log line. The clock is read by the worker, once per batch; how long decisions
//! take is told by the processor's counter (`stopwatch`).

mod accounts;
mod batch;
pub mod conntrack;
mod egress;
pub mod engine;
pub mod exits;
mod fast_path;
pub mod flows;
pub mod fragment_table;
mod fragments;
pub mod hand_over;
mod ingress;
mod limit;
pub mod neighbour;
pub mod outbox;
mod recipe;
mod refuse;
mod related;
pub mod respond;
mod revalidate;
mod slow_path;
pub mod source_nat;
mod stopwatch;
mod upkeep;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Instant;

use crate::counters::{Reader, Shape, Writer};
use crate::packet::parse::{Addresses, Layout};
use crate::packet::{Frame, Reason, Zone};
use crate::policy::admission;
use crate::policy::ids::{Ids, PortId};
use crate::policy::snapshot::Snapshot;

use batch::Traveller;
use conntrack::HalfOpenQuota;
use engine::Engine;
use flows::{Family, Flows, Sought};
use fragment_table::FragmentTable;
use fragments::Fate;
use hand_over::Member;
use neighbour::NeighbourTable;
use outbox::{Outbox, Sent};
use respond::rate_limit::RateLimit;
use source_nat::SourceNat;
use stopwatch::Stopwatch;

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
pub(crate) struct Packet<'a> {
    /// The frame where it came in; taken out when it is sent or waits.
    frame: &'a mut Frame,
    /// Where it came in.
    port: PortId,
    /// The zone it counts for: its port's, until admission knows better.
    zone: Zone,
    /// Packets on the wire that it stands for.
    packets: u64,
    /// Bytes on the wire that it stands for.
    bytes: u64,
}

impl Packet<'_> {
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
    generation: u16,
    secrets: Secrets,
    clock: Clock,
    flows: Flows,
    half_open: HalfOpenQuota,
    source_nat: SourceNat,
    fragments: FragmentTable<Fate>,
    neighbours: NeighbourTable,
    icmp_errors: RateLimit,
    counters: Writer,
    entrances: Vec<Entrance>,
    mtus: Vec<u32>,
    /// Room for a batch; what is in it between two means nothing.
    batch: Vec<Traveller>,
    /// Known flows' packets run their recipes.
    recipes: bool,
    sweep: Option<upkeep::Sweep>,
    stopwatch: Stopwatch,
    /// First packets that may still be decided in this burst.
    first_packets: limit::FirstPackets,
    /// Of the next IPv4 packet made of an IPv6 one.
    identification: u16,
    /// Where there are several workers.
    member: Option<Member>,
    /// The frames of this batch were received, and counted, by another worker.
    at_second_hand: bool,
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
            flows: Flows::new(capacity.flows_v4, capacity.flows_v6, secrets.flow_hash),
            half_open: HalfOpenQuota::for_capacity(capacity.flows_v4 + capacity.flows_v6),
            source_nat: SourceNat::new(secrets.source_ports),
            fragments: FragmentTable::new(capacity.fragments, capacity.fragments.div_ceil(8).max(1)),
            neighbours: NeighbourTable::new(capacity.neighbours, 64, 1024),
            icmp_errors: RateLimit::new(1000, 100),
            counters,
            entrances: Vec::new(),
            mtus: Vec::new(),
            batch: (0..batch::SIZE).map(|_| Traveller::nobody()).collect(),
            recipes: true,
            sweep: None,
            stopwatch: Stopwatch::new(),
            first_packets: limit::FirstPackets::default(),
            identification: 0,
            member: None,
            at_second_hand: false,
            snapshot: Arc::clone(&snapshot),
        };
        pipeline.adopt(snapshot);
        (pipeline, reader)
    }

    /// Whether packets of known flows run their recipes, as they do from the start. Without, every packet takes the long
    /// way, to the same end: for tests that compare both.
    pub const fn run_recipes(&mut self, run: bool) {
        self.recipes = run;
    }

    /// The flows that are known.
    #[must_use]
    pub const fn flows(&self) -> &Flows {
        &self.flows
    }

    /// The long way of a packet: a recipe of its flow was not found, or does not say all.
    fn walk(
        &mut self,
        snapshot: &Snapshot,
        packet: &mut Packet,
        Traveller { kind, layout, sought, .. }: &mut Traveller,
        outbox: &mut Outbox,
    ) -> Result<(), Reason> {
        self.answer_neighbours(snapshot, packet, kind, layout, outbox)?;
        match layout.addresses {
            Addresses::V4 { .. } => self.forward::<Ipv4Addr>(snapshot, packet, layout, sought, outbox),
            Addresses::V6 { .. } => self.forward::<Ipv6Addr>(snapshot, packet, layout, sought, outbox),
        }
    }

    /// The rest of the way, in one address family.
    fn forward<A: Family>(
        &mut self,
        snapshot: &Snapshot,
        packet: &mut Packet,
        layout: &mut Layout,
        sought: &Sought,
        outbox: &mut Outbox,
    ) -> Result<(), Reason> {
        let known = self.find::<A>(sought);
        let admitted = self.admit::<A>(snapshot, packet, layout, known)?;
        self.follow_first_fragment(packet, layout, outbox)?;
        let way = match self.proceed::<A>(snapshot, packet, layout, known, outbox)? {
            Some(way) => way,
            None => self.decide::<A>(snapshot, packet, layout, admitted, outbox)?,
        };
        let onward = self.onward(way)?;
        self.remember_first_fragment(packet.zone, layout);
        self.check_ttl(snapshot, packet, layout, outbox)?;
        let split = self.check_size(snapshot, packet, layout, &onward, outbox)?;
        self.rewrite(packet, layout, &onward, split)?;
        self.deliver(snapshot, packet, layout, &onward, split, outbox)
    }
}

/// What is known of a port before a packet's source is looked at.
#[derive(Clone, Copy, Debug)]
struct Entrance {
    /// What packets count for that are not admitted.
    counts_for: Zone,
    /// The only zone that packets can enter in here; `None` where that depends on their source.
    only_zone: Option<Zone>,
}

impl Default for Entrance {
    fn default() -> Self {
        Self { counts_for: Zone(u16::MAX), only_zone: None }
    }
}

impl Engine for Pipeline {
    fn adopt(&mut self, snapshot: Arc<Snapshot>) {
        self.counters.grow(shape(&snapshot.ids));
        self.generation = self.generation.wrapping_add(1);
        let ports = snapshot.ids.ports.names().len();
        self.entrances.resize(ports, Entrance::default());
        self.mtus.resize(ports, 1500);
        for port in &snapshot.ports {
            if let Some(entrance) = self.entrances.get_mut(usize::from(port.id.0)) {
                *entrance = Entrance { counts_for: port.zone, only_zone: admission::only_zone(&snapshot, port) };
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

    fn limit_first_packets(&mut self, limit: Option<u32>) {
        self.first_packets.begin(limit);
    }

    fn process(&mut self, now: Instant, port: PortId, frames: &mut Vec<Frame>, outbox: &mut Outbox) {
        self.clock.advance(now);
        let snapshot = Arc::clone(&self.snapshot);
        self.process_batches(&snapshot, port, frames, outbox);
    }

    fn process_handed_over(&mut self, now: Instant, port: PortId, frames: &mut Vec<Frame>, outbox: &mut Outbox) {
        self.at_second_hand = true;
        self.process(now, port, frames, outbox);
        self.at_second_hand = false;
    }

    fn hear_of_neighbour(&mut self, port: PortId, address: IpAddr, mac: [u8; 6], outbox: &mut Outbox) {
        self.take_note(port, address, mac, outbox);
    }

    fn tick(&mut self, now: Instant, outbox: &mut Outbox) {
        self.clock.advance(now);
        self.stopwatch.calibrate(now);
        let snapshot = Arc::clone(&self.snapshot);
        self.upkeep(&snapshot, outbox);
    }

    fn sent(&mut self, port: PortId, sent: &[Sent]) {
        self.count_sent(port, sent);
    }

    fn refused(&mut self, port: PortId, sent: &Sent, reason: Reason) {
        self.count_refusal(port, sent, reason);
        if let Some(zone) = sent.forwarded_for {
            self.counters.verdict(usize::from(zone.0), reason, sent.packets);
        }
    }
}

fn shape(ids: &Ids) -> Shape {
    Shape { ports: ids.ports.names().len(), zones: ids.zones.names().len(), rules: ids.rules.names().len() }
}
