//! A pipeline between in-memory hosts: a network file, frames in, frames out. Hosts answer ARP and neighbour
//! solicitations by themselves. Conservation is checked whenever a rig is dropped.

#![allow(dead_code, unreachable_pub, unused_imports, reason = "each test crate uses its part of this")]

mod frames;

use std::collections::BTreeMap;
use std::io::Write;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use causeway::config::network::Network;
use causeway::config::{compile, load};
use causeway::counters::{PortCell, Reader, Scalar};
use causeway::packet::parse::{Neighbour, Parsed, Transport};
use causeway::packet::{Frame, FramePool, Reason, parse};
use causeway::pipeline::engine::Engine;
use causeway::pipeline::flows::{Family, Flow};
use causeway::pipeline::hand_over::directory::Directory;
use causeway::pipeline::hand_over::{Parcel, WorkerId};
use causeway::pipeline::outbox::Outbox;
use causeway::pipeline::{Capacity, Pipeline, Secrets};
use causeway::policy::ids::{Ids, PortId};
use causeway::policy::snapshot::Snapshot;
use causeway::table::flow::FlowTable;
use etherparse::PacketBuilder;
pub use frames::{Seen, echo, mac, seen, tcp, udp};
use frames::{arp_reply, build};

/// The dataplane's MAC address.
pub const GATEWAY: [u8; 6] = [0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc];

/// A frame that left, and through which port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Out {
    pub port: String,
    pub bytes: Vec<u8>,
}

pub struct Rig {
    /// One for each worker.
    pub pipelines: Vec<Pipeline>,
    readers: Vec<Reader>,
    pub network: Network,
    pub snapshot: Arc<Snapshot>,
    pub ids: Ids,
    pub now: Instant,
    outboxes: Vec<Outbox>,
    /// Which worker the next frames go to.
    steering: u64,
    ports: BTreeMap<String, PortId>,
    /// Hosts answer for these only, where set.
    pub silent: Vec<IpAddr>,
}

pub fn network(text: &str) -> Network {
    let mut file = tempfile::Builder::new().suffix(".yaml").tempfile().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    let loaded = load::load(file.path());
    loaded.network.unwrap_or_else(|| panic!("the file is wrong: {:?}", loaded.findings))
}

pub fn quickstart() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/configs/quickstart.yaml")).unwrap()
}

impl Rig {
    pub fn new(text: &str) -> Self {
        Self::with(text, Capacity { flows_v4: 4096, flows_v6: 1024, neighbours: 1024, fragments: 256 })
    }

    pub fn with(text: &str, capacity: Capacity) -> Self {
        Self::with_workers(workers(), text, capacity)
    }

    /// Frames go to any of so many workers; what a worker hands over is taken at once.
    pub fn with_workers(workers: u16, text: &str, capacity: Capacity) -> Self {
        let network = network(text);
        let mut ids = Ids::default();
        let snapshot = Arc::new(compile::compile(&network, &mut ids, 1).unwrap());
        let now = Instant::now();
        let secrets = Secrets { flow_hash: [0x1234_5678_9abc_def0, 0x0fed_cba9_8765_4321], source_ports: [3, 5], cookie: [7, 11] };
        let (pipelines, readers) = Pipeline::team(workers, &snapshot, capacity, secrets, now);
        let mut outboxes: Vec<_> = pipelines.iter().map(|_| Outbox::new(FramePool::new(256))).collect();
        outboxes.iter_mut().for_each(|outbox| outbox.grow(ids.ports.names().len()));
        let ports = ports(&snapshot);
        Self { pipelines, readers, network, snapshot, ids, now, outboxes, steering: 1, ports, silent: Vec::new() }
    }

    /// Swaps another network file in.
    pub fn reload(&mut self, text: &str) -> Vec<Out> {
        self.adopt(text);
        self.after(Duration::from_millis(125))
    }

    /// The same without the tick that follows it: flows are looked at again when their next packet comes.
    pub fn adopt(&mut self, text: &str) {
        self.network = network(text);
        let generation = self.snapshot.generation + 1;
        self.snapshot = Arc::new(compile::compile(&self.network, &mut self.ids, generation).unwrap());
        self.ports = ports(&self.snapshot);
        self.outboxes.iter_mut().for_each(|outbox| outbox.grow(self.ids.ports.names().len()));
        self.pipelines.iter_mut().for_each(|pipeline| pipeline.adopt(Arc::clone(&self.snapshot)));
    }

    pub fn port(&self, name: &str) -> PortId {
        self.ports[name]
    }

    /// Sends one frame into a port and returns what leaves, neighbour resolution left out.
    pub fn send(&mut self, port: &str, bytes: &[u8]) -> Vec<Out> {
        self.send_frame(port, Frame::from_bytes(bytes))
    }

    pub fn send_frame(&mut self, port: &str, frame: Frame) -> Vec<Out> {
        self.send_batch(port, std::iter::once(frame))
    }

    /// Sends frames into a port as one batch.
    pub fn send_batch(&mut self, port: &str, frames: impl Iterator<Item = Frame>) -> Vec<Out> {
        let worker = self.steer();
        self.receive(worker, self.port(port), frames.collect());
        self.collect()
    }

    /// Sends frames into a port, each as a batch of its own. Nobody answers in between.
    pub fn send_each(&mut self, port: &str, frames: impl Iterator<Item = Frame>) -> Vec<Out> {
        let worker = self.steer();
        for frame in frames {
            self.receive(worker, self.port(port), vec![frame]);
        }
        self.collect()
    }

    /// A worker, as if at random.
    fn steer(&mut self) -> usize {
        self.steering = self.steering.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.steering >> 33) as usize % self.pipelines.len()
    }

    fn receive(&mut self, worker: usize, port: PortId, mut frames: Vec<Frame>) {
        self.pipelines[worker].process(self.now, port, &mut frames, &mut self.outboxes[worker]);
    }

    /// Gives each worker what the others have for it, until there is nothing.
    fn exchange(&mut self) {
        while let Some(from) = self.outboxes.iter().position(|outbox| !outbox.parcels.is_empty()) {
            let parcels: Vec<_> = self.outboxes[from].parcels.drain(..).collect();
            for (to, parcel) in parcels {
                assert_ne!(from, usize::from(to.0), "nobody hands over to itself");
                let (pipeline, outbox) = (&mut self.pipelines[usize::from(to.0)], &mut self.outboxes[usize::from(to.0)]);
                match parcel {
                    Parcel::Packet { port, frame, .. } => pipeline.process_handed_over(self.now, port, &mut vec![frame], outbox),
                    Parcel::Neighbour { port, address, mac } => pipeline.hear_of_neighbour(port, address, mac, outbox),
                    Parcel::Frame { .. } => panic!("every worker has a queue of every port"),
                }
            }
        }
    }

    /// The MTU of a port, for all workers.
    pub fn set_mtu(&mut self, port: PortId, mtu: u32) {
        self.pipelines.iter_mut().for_each(|pipeline| pipeline.set_mtu(port, mtu));
    }

    /// Every counter but how long decisions took.
    pub fn all_counters(&self) -> Vec<(String, u64)> {
        let cells = [PortCell::PacketsIn, PortCell::BytesIn, PortCell::PacketsOut, PortCell::BytesOut];
        let ports = (0..self.ids.ports.names().len()).flat_map(|port| cells.map(|cell| (port, cell)));
        let zones = (0..self.ids.zones.names().len()).flat_map(|zone| Reason::ALL.iter().map(move |&reason| (zone, reason)));
        let scalars = [
            Scalar::Flows,
            Scalar::FlowsCreated,
            Scalar::FlowsExpired,
            Scalar::RewritesPrivate,
            Scalar::RewritesPublic,
            Scalar::RewritesServiceTunnel,
        ];
        let mut all: Vec<_> =
            ports.map(|(port, cell)| (format!("{port} {cell:?}"), self.count_of(|reader| reader.port(port, cell)))).collect();
        all.extend(zones.map(|(zone, reason)| (format!("{zone} {reason}"), self.count_of(|reader| reader.verdict(zone, reason)))));
        all.extend((0..self.ids.rules.names().len()).map(|rule| (format!("rule {rule}"), self.count_of(|reader| reader.rule(rule)))));
        all.extend(scalars.map(|scalar| (format!("{scalar:?}"), self.scalar(scalar))));
        all.push(("decisions".to_owned(), self.count_of(|reader| reader.lookups().iter().sum())));
        all
    }

    /// Lets time pass, a tick at a time.
    pub fn after(&mut self, time: Duration) -> Vec<Out> {
        let end = self.now + time;
        let mut all = Vec::new();
        while self.now < end {
            self.now += Duration::from_millis(125);
            for (pipeline, outbox) in self.pipelines.iter_mut().zip(&mut self.outboxes) {
                pipeline.tick(self.now, outbox);
            }
            all.extend(self.collect());
        }
        all
    }

    /// Drains the outbox; ARP requests and solicitations of the dataplane are answered and left out.
    fn collect(&mut self) -> Vec<Out> {
        let mut all = Vec::new();
        loop {
            let mut round = Vec::new();
            let names: Vec<_> = self.ports.iter().map(|(name, id)| (name.clone(), *id)).collect();
            self.exchange();
            for (name, id) in names {
                for (pipeline, outbox) in self.pipelines.iter_mut().zip(&mut self.outboxes) {
                    let Some((queue, pool)) = outbox.queue(id) else { continue };
                    for (frame, sent) in queue.frames.drain(..).zip(queue.sent.drain(..)) {
                        round.push(Out { port: name.clone(), bytes: frame.bytes().to_vec() });
                        pool.give(frame);
                        pipeline.sent(id, &[sent]);
                    }
                }
            }
            if round.is_empty() {
                return all;
            }
            for out in round {
                match self.answer(&out) {
                    Some(None) => {}
                    Some(Some(answer)) => {
                        let worker = self.steer();
                        self.receive(worker, self.port(&out.port), vec![Frame::from_bytes(&answer)]);
                    }
                    None => all.push(out),
                }
            }
        }
    }

    /// What a host says to a question for its MAC address: `None` where the frame is no such question.
    fn answer(&self, out: &Out) -> Option<Option<Vec<u8>>> {
        match parse::parse(&out.bytes, false) {
            Ok(Parsed::Arp(arp)) if arp.request => {
                if self.silent.contains(&IpAddr::V4(arp.target)) {
                    return Some(None);
                }
                Some(Some(arp_reply(arp.target, arp.sender)))
            }
            Ok(Parsed::Ip(layout)) => match layout.transport_header {
                Transport::Neighbour(Neighbour::Solicitation { target, .. }) => {
                    let advertisement = etherparse::Icmpv6Type::NeighborAdvertisement(etherparse::icmpv6::NeighborAdvertisementHeader {
                        router: false,
                        solicited: true,
                        r#override: true,
                    });
                    let IpAddr::V6(asker) = layout.addresses.source() else { return None };
                    let mut payload = target.octets().to_vec();
                    payload.extend([2, 1]);
                    payload.extend(mac(target.into()));
                    let builder = PacketBuilder::ethernet2(mac(target.into()), GATEWAY)
                        .ipv6(target.octets(), asker.octets(), 255)
                        .icmpv6(advertisement);
                    Some(Some(build(builder.size(payload.len()), |bytes| builder.write(bytes, &payload).unwrap())))
                }
                _ => None,
            },
            _ => None,
        }
    }

    pub fn count(&self, reason: Reason) -> u64 {
        self.count_of(|reader| reader.total(reason))
    }

    pub fn flows(&self) -> u64 {
        self.scalar(Scalar::Flows)
    }

    pub fn scalar(&self, scalar: Scalar) -> u64 {
        self.count_of(|reader| reader.scalar(scalar))
    }

    /// What all workers have counted.
    pub fn count_of(&self, count: impl Fn(&Reader) -> u64) -> u64 {
        self.readers.iter().map(count).sum()
    }

    /// Each flow is in one worker's table, and both its keys are that worker's; no key is anyone's that has no flow.
    fn assert_owned(&self) {
        let mut keys = 0;
        for (worker, pipeline) in (0..).map(WorkerId).zip(&self.pipelines) {
            let Some(shared) = pipeline.shared() else { return };
            keys += owned(&pipeline.flows().v4, &shared.flows, worker) + owned(&pipeline.flows().v6, &shared.flows, worker);
        }
        assert!(self.pipelines.iter().filter_map(Pipeline::shared).all(|shared| shared.flows.len() == keys));
    }

    /// Packets in, and packets that ended.
    pub fn balance(&self) -> (u64, u64) {
        let packets =
            self.ids.ports.names().iter().enumerate().map(|(port, _)| self.count_of(|reader| reader.port(port, PortCell::PacketsIn))).sum();
        (packets, Reason::ALL.iter().map(|reason| self.count(*reason)).sum())
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.assert_owned();
            self.after(Duration::from_secs(6));
            self.assert_owned();
            let (came, ended) = self.balance();
            assert_eq!(came, ended, "packets in are not forwarded + answered + dropped");
        }
    }
}

/// How many keys a worker's flows of one family have, all of them its own.
fn owned<A: Family>(table: &FlowTable<A, Flow>, directory: &Directory, worker: WorkerId) -> usize {
    let flows = table.scan(0, usize::MAX).1.map(|flow| table.keys(flow).unwrap());
    let keys = flows.map(|(original, reply)| {
        assert_eq!((directory.owner(&original), directory.owner(&reply)), (Some(worker), Some(worker)), "{original:?} {reply:?}");
        if original == reply { 1 } else { 2 }
    });
    keys.sum()
}

/// How many workers the tests run with: `CAUSEWAY_TEST_WORKERS`, or one.
pub fn workers() -> u16 {
    std::env::var("CAUSEWAY_TEST_WORKERS").map_or(1, |number| number.parse().unwrap())
}

fn ports(snapshot: &Snapshot) -> BTreeMap<String, PortId> {
    snapshot.ports.iter().map(|port| (port.name.clone(), port.id)).collect()
}
