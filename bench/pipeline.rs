//! The whole pipeline, from parse to rewritten frame in the outbox, without devices: `cargo bench --bench pipeline -- --json`.
//!
//! | case | what a packet does |
//! |---|---|
//! | `flow-hit` | a 60-byte UDP frame (64 on the wire) of a known flow, over 1, 10,000 and 1,000,000 flows in random order |
//! | `new-flow` | the first packet of a connection: every other one passes four NSGs of 1,000 rules (interface and subnet of both hosts), the others two of them and a service firewall |
//! | `deny` | a packet that the last of 1,000 rules denies |
//!
//! Timed are `process`, a batch of 32 at a time, and the counting of what left: all that the pipeline does. Not timed is
//! what a port does: filling the buffers beforehand, which leaves each frame in the cache as a receiving port does, and
//! taking them back afterwards. The buffers are the pool's few, used again and again, as in a worker; only the flows
//! that the frames belong to, and so what the pipeline itself has to look up, are as many as the case says. Each figure is
//! the median of rounds.

#[path = "support/datagrams.rs"]
mod datagrams;
#[path = "support/network.rs"]
mod network;

use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use causeway::config::{compile, load};
use causeway::packet::{Frame, FramePool, Reason};
use causeway::pipeline::engine::Engine;
use causeway::pipeline::outbox::Outbox;
use causeway::pipeline::{Capacity, Pipeline, Secrets};
use causeway::policy::ids::{Ids, PortId};
use clap::Parser as _;
use datagrams::{Shuffle, arp, udp};

const BATCH: usize = 32;

type Failure = Box<dyn std::error::Error>;

/// What to measure.
#[derive(Debug, clap::Parser)]
#[command(about = "The whole pipeline between in-memory ports")]
struct Options {
    /// JSON, a line for each case
    #[arg(long)]
    json: bool,
    /// Only these cases: flow-hit, new-flow, deny
    #[arg(long, value_name = "NAME,...", value_delimiter = ',', value_parser = CASES)]
    case: Vec<String>,
    /// How many flows flow-hit has
    #[arg(long, value_name = "N,...", value_delimiter = ',', default_values_t = [1, 10_000, 1_000_000], value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    flows: Vec<u32>,
    /// Rounds, of which the median counts
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = clap::value_parser!(u16).range(1..=30))]
    rounds: u16,
    /// Batches of 32 packets in a round of flow-hit; the other cases take a part of it
    #[arg(long, value_name = "N", default_value_t = 40_000, value_parser = clap::value_parser!(u32).range(40..=40_000))]
    batches: u32,
    /// What cargo adds by itself.
    #[arg(long, hide = true)]
    bench: bool,
}

const CASES: [&str; 3] = ["flow-hit", "new-flow", "deny"];

impl Options {
    fn wants(&self, case: &str) -> bool {
        self.case.is_empty() || self.case.iter().any(|wanted| wanted == case)
    }
}

fn main() -> Result<(), Failure> {
    let options = Options::parse();
    if options.wants("flow-hit") {
        for &flows in &options.flows {
            report(options.json, "flow-hit", flows, flow_hit(&options, flows)?)?;
        }
    }
    if options.wants("new-flow") {
        let (flows, nanoseconds) = new_flows(&options)?;
        report(options.json, "new-flow", flows, nanoseconds)?;
    }
    if options.wants("deny") {
        report(options.json, "deny", 0, denials(&options)?)?;
    }
    Ok(())
}

fn report(json: bool, case: &str, flows: u32, nanoseconds: f64) -> Result<(), Failure> {
    let rate = 1e9 / nanoseconds;
    let line = if json {
        format!(r#"{{"case":"{case}","flows":{flows},"packetsPerSecond":{rate:.0},"nanosecondsPerPacket":{nanoseconds:.1}}}"#)
    } else {
        format!("{case:<10} {flows:>9} flows {nanoseconds:>9.1} ns a packet {:>9.3} M packets/s", rate / 1e6)
    };
    Ok(writeln!(std::io::stdout(), "{line}")?)
}

/// A pipeline over a network, and its outbox.
struct Bench {
    pipeline: Pipeline,
    reader: causeway::counters::Reader,
    outbox: Outbox,
    ports: u16,
    now: Instant,
    frames: Vec<Frame>,
}

impl Bench {
    fn new(text: &str) -> Result<Self, Failure> {
        let loaded = load::load_text("bench.yaml", text);
        let network = loaded.network.ok_or_else(|| loaded.findings.render(false))?;
        let mut ids = Ids::default();
        let snapshot = Arc::new(compile::compile(&network, &mut ids, 1)?);
        let now = Instant::now();
        let (mut pipeline, reader) = Pipeline::new(snapshot, Capacity::default(), Secrets::draw()?, now);
        let ports = ids.ports.names().len();
        let mut outbox = Outbox::new(FramePool::new(4 * BATCH));
        outbox.grow(ports);
        // As a worker does eight times a second; the first tick tells at which rate the processor's counter goes.
        std::thread::sleep(Duration::from_millis(2));
        pipeline.tick(Instant::now(), &mut outbox);
        let ports = u16::try_from(ports)?;
        Ok(Self { pipeline, reader, outbox, ports, now, frames: Vec::with_capacity(BATCH) })
    }

    /// Sends a batch into a port; how long `process` took.
    fn batch<'a>(&mut self, port: u16, frames: impl Iterator<Item = &'a [u8]>) -> Duration {
        for bytes in frames {
            let mut frame = self.outbox.pool.take();
            frame.set_bytes(bytes);
            self.frames.push(frame);
        }
        let start = Instant::now();
        self.pipeline.process(self.now, PortId(port), &mut self.frames, &mut self.outbox);
        self.count();
        let took = start.elapsed();
        self.recycle();
        took
    }

    /// Tells the pipeline that all was sent.
    fn count(&mut self) {
        for port in (0..self.ports).map(PortId) {
            if let Some((queue, _)) = self.outbox.queue(port) {
                self.pipeline.sent(port, &queue.sent);
                queue.sent.clear();
            }
        }
    }

    fn recycle(&mut self) {
        for port in (0..self.ports).map(PortId) {
            if let Some((queue, pool)) = self.outbox.queue(port) {
                queue.frames.drain(..).for_each(|frame| pool.give(frame));
            }
        }
    }

    /// Tells the dataplane where a host is.
    fn announce(&mut self, port: u16, address: [u8; 4]) {
        self.batch(port, std::iter::once(arp(address).as_slice()));
    }

    fn expect(&self, reason: Reason, packets: u64) -> Result<(), Failure> {
        let counted = self.reader.total(reason);
        if counted == packets { Ok(()) } else { Err(format!("{counted} packets {reason}, not {packets}").into()) }
    }
}

fn flow_hit(options: &Options, flows: u32) -> Result<f64, Failure> {
    let mut bench = Bench::new(&network::text(1))?;
    bench.announce(1, SERVER);
    let frames: Vec<[u8; 60]> = (0..flows).map(|flow| udp(host(flow), SERVER, source_port(flow), 9000)).collect();
    let replies: Vec<[u8; 60]> = (0..flows).map(|flow| udp(SERVER, host(flow), 9000, source_port(flow))).collect();
    for (there, back) in frames.chunks(BATCH).zip(replies.chunks(BATCH)) {
        bench.batch(0, there.iter().map(|frame| frame.as_slice()));
        bench.batch(1, back.iter().map(|frame| frame.as_slice()));
    }
    bench.expect(Reason::Forwarded, u64::from(flows) * 2)?;
    let mut order = Shuffle(0x9e37_79b9_7f4a_7c15);
    let batches = options.batches as usize;
    let mut rounds = Vec::new();
    for _ in 0..options.rounds {
        let mut took = Duration::ZERO;
        for _ in 0..batches {
            let picked: [usize; BATCH] = std::array::from_fn(|_| order.below(flows));
            took += bench.batch(0, picked.iter().filter_map(|&flow| frames.get(flow)).map(|frame| frame.as_slice()));
        }
        rounds.push(per_packet(took, batches * BATCH));
    }
    bench.expect(Reason::Forwarded, u64::from(flows) * 2 + (usize::from(options.rounds) * batches * BATCH) as u64)?;
    Ok(median(rounds))
}

/// How many flows were opened, and what each took.
fn new_flows(options: &Options) -> Result<(u32, f64), Failure> {
    let mut bench = Bench::new(&network::text(1_000))?;
    bench.announce(1, SERVER);
    bench.announce(2, SERVICE);
    let mut rounds = Vec::new();
    let (mut flow, per_round) = (0_u32, options.batches as usize / 40);
    for _ in 0..options.rounds {
        let mut took = Duration::ZERO;
        for _ in 0..per_round {
            let frames: Vec<[u8; 60]> = (0..BATCH as u32)
                .map(|index| {
                    let (to, port) = if index % 2 == 0 { (SERVER, 9000) } else { (SERVICE, 443) };
                    udp(client(flow + index), to, client_port(flow + index), port)
                })
                .collect();
            took += bench.batch(0, frames.iter().map(|frame| frame.as_slice()));
            flow += BATCH as u32;
        }
        rounds.push(per_packet(took, per_round * BATCH));
    }
    bench.expect(Reason::Forwarded, u64::from(flow))?;
    Ok((flow, median(rounds)))
}

fn denials(options: &Options) -> Result<f64, Failure> {
    let mut bench = Bench::new(&network::text(1_000))?;
    let batches = options.batches as usize / 20;
    let frames: Vec<[u8; 60]> = (0..BATCH as u32).map(|index| udp(client(index), SERVER, client_port(index), 9999)).collect();
    let mut rounds = Vec::new();
    for _ in 0..options.rounds {
        let took = (0..batches).map(|_| bench.batch(0, frames.iter().map(|frame| frame.as_slice()))).sum();
        rounds.push(per_packet(took, batches * BATCH));
    }
    bench.expect(Reason::NsgDeny, (usize::from(options.rounds) * batches * BATCH) as u64)?;
    Ok(median(rounds))
}

const SERVER: [u8; 4] = [10, 2, 0, 4];
const SERVICE: [u8; 4] = [203, 0, 113, 20];

/// How many hosts of the client subnet have a network interface with an NSG of its own.
const CLIENTS: u32 = 8;

/// One of them.
fn client(flow: u32) -> [u8; 4] {
    [10, 1, 0, 4 + (flow % CLIENTS) as u8]
}

fn client_port(flow: u32) -> u16 {
    u16::try_from(1024 + flow / CLIENTS).unwrap_or(u16::MAX)
}

/// How many hosts of the client subnet send in `flow-hit`.
const HOSTS: u32 = 16_000;

/// One of them.
fn host(flow: u32) -> [u8; 4] {
    let host = 4 + flow % HOSTS;
    [10, 1, (host >> 8) as u8, host as u8]
}

fn source_port(flow: u32) -> u16 {
    u16::try_from(1024 + flow / HOSTS).unwrap_or(u16::MAX)
}

fn per_packet(took: Duration, packets: usize) -> f64 {
    took.as_nanos() as f64 / packets as f64
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
