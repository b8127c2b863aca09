//! What a second worker brings: `cargo bench --bench workers -- --json`.
//!
//! | case | what a packet does |
//! |---|---|
//! | `own-flows` | a 60-byte UDP frame of a known flow comes in at its worker's queue: two workers over one |
//! | `handed-over` | every packet comes in at the other worker's queue: what the exceptions cost, if all were exceptions |
//!
//! Workers run as they do between devices, on threads of their own, busy polling, over ports whose queues are filled
//! beforehand: receiving copies a frame into a buffer of the pool, sending gives the buffer back. One worker and two take
//! turns, a round each; figures are the median of the rounds. `ratio` is by the clock on the wall: it needs two idle cores.
//! `cpuRatio` counts only the time that the workers had on their cores: what is left where other programs take theirs.

#[path = "support/datagrams.rs"]
mod datagrams;
#[path = "support/network.rs"]
mod network;

use std::io::{self, Write as _};
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use causeway::config::{compile, load};
use causeway::counters::Reader;
use causeway::packet::{Frame, FramePool, Reason};
use causeway::pipeline::{Capacity, Pipeline, Secrets};
use causeway::policy::ids::{Ids, PortId};
use causeway::port::{Port, PortState};
use causeway::worker::{Dataplane, Options};
use crossbeam::utils::CachePadded;
use datagrams::{Shuffle, arp, udp};

type Failure = Box<dyn std::error::Error>;

const SERVER: [u8; 4] = [10, 2, 0, 4];
const FLOWS: u32 = 10_000;
const ROUNDS: usize = 9;
/// How long a round is measured.
const ROUND: Duration = Duration::from_millis(400);
/// Longest that anything is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

fn main() -> Result<(), Failure> {
    let json = std::env::args().any(|argument| argument == "--json");
    for (case, crossed) in [("own-flows", false), ("handed-over", true)] {
        let mut rounds = Vec::new();
        for _ in 0..ROUNDS {
            rounds.push((round(1, false)?, round(2, crossed)?));
        }
        report(json, case, &rounds)?;
    }
    Ok(())
}

/// Packets a second by the wall, and by the time that workers had on a core, added up over them.
#[derive(Clone, Copy)]
struct Rate {
    wall: f64,
    cpu: f64,
}

fn report(json: bool, case: &str, rounds: &[(Rate, Rate)]) -> Result<(), Failure> {
    let ratios = sorted(rounds.iter().map(|(one, two)| two.wall / one.wall));
    let cpu = middle(&sorted(rounds.iter().map(|(one, two)| two.cpu / one.cpu)));
    let (one, two) = (middle(&sorted(rounds.iter().map(|(one, _)| one.wall))), middle(&sorted(rounds.iter().map(|(_, two)| two.wall))));
    let (lowest, ratio, best) = (ratios.first().copied().unwrap_or(f64::NAN), middle(&ratios), ratios.last().copied().unwrap_or(f64::NAN));
    let line = if json {
        format!(
            r#"{{"case":"{case}","flows":{FLOWS},"onePacketsPerSecond":{one:.0},"twoPacketsPerSecond":{two:.0},"ratio":{ratio:.3},"lowestRatio":{lowest:.3},"bestRatio":{best:.3},"cpuRatio":{cpu:.3}}}"#
        )
    } else {
        format!(
            "{case:<12} {:>7.3} M packets/s with one worker, {:>7.3} with two: {ratio:.2} ({lowest:.2} to {best:.2}), by time on a core {cpu:.2}",
            one / 1e6,
            two / 1e6
        )
    };
    Ok(writeln!(io::stdout(), "{line}")?)
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

fn middle(values: &[f64]) -> f64 {
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Workers of their own, flows opened, and how fast their packets go. `crossed`: each worker receives what another owns.
fn round(workers: u16, crossed: bool) -> Result<Rate, Failure> {
    let loaded = load::load_text("bench.yaml", &network::text(1));
    let network = loaded.network.ok_or_else(|| loaded.findings.render(false))?;
    let mut ids = Ids::default();
    let snapshot = Arc::new(compile::compile(&network, &mut ids, 1)?);
    let (engines, readers) = Pipeline::team(workers, &snapshot, Capacity::default(), Secrets::draw()?, Instant::now());
    let phase = Arc::new(AtomicU8::new(ANNOUNCE));
    let under_way: Vec<UnderWay> = (0..workers).map(|_| UnderWay::default()).collect();
    let servers = under_way.iter().map(|under_way| server(&phase, under_way)).collect();
    let clients = queues(workers, crossed, &phase, &under_way);
    let options = Options { busy_poll: true, ..Options::default() };
    let dataplane = Dataplane::start(&options, engines, snapshot, vec![(PortId(0), clients), (PortId(1), servers)])?;
    eventually(|| total(&readers, Reason::Answered) == u64::from(workers))?;
    phase.store(OPEN, Ordering::Relaxed);
    eventually(|| total(&readers, Reason::Forwarded) == u64::from(FLOWS))?;
    phase.store(RUN, Ordering::Relaxed);
    std::thread::sleep(ROUND / 8);
    let rate = measure(&dataplane, &readers)?;
    dataplane.stop()?;
    let drops = Reason::ALL.iter().filter(|reason| !matches!(reason, Reason::Forwarded | Reason::Answered));
    let dropped: u64 = drops.map(|reason| total(&readers, *reason)).sum();
    if dropped > 0 { Err(format!("{dropped} packets dropped").into()) } else { Ok(rate) }
}

fn measure(dataplane: &Dataplane<Pipeline>, readers: &[Reader]) -> Result<Rate, Failure> {
    let look = || -> Result<(Instant, Vec<(u64, u64)>), Failure> {
        let each = readers.iter().enumerate();
        let seen = each.map(|(worker, reader)| Ok((dataplane.inspect(worker, |_| on_core())??, reader.total(Reason::Forwarded))));
        Ok((Instant::now(), seen.collect::<Result<_, Failure>>()?))
    };
    let (start, before) = look()?;
    std::thread::sleep(ROUND);
    let (end, after) = look()?;
    let seconds = end.duration_since(start).as_secs_f64();
    let mut rate = Rate { wall: 0.0, cpu: 0.0 };
    for ((cpu_before, packets_before), (cpu_after, packets_after)) in before.iter().zip(&after) {
        let packets = (packets_after - packets_before) as f64;
        rate.wall += packets / seconds;
        rate.cpu += packets * 1e9 / (cpu_after - cpu_before) as f64;
    }
    Ok(rate)
}

/// Nanoseconds that the calling thread has been on a core.
fn on_core() -> io::Result<u64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    text.split(' ').next().and_then(|first| first.parse().ok()).ok_or_else(|| io::Error::other("no schedstat"))
}

fn total(readers: &[Reader], reason: Reason) -> u64 {
    readers.iter().map(|reader| reader.total(reason)).sum()
}

fn eventually(mut happened: impl FnMut() -> bool) -> Result<(), Failure> {
    let end = Instant::now() + PATIENCE;
    while !happened() {
        if Instant::now() > end {
            return Err("the workers stand still".into());
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

/// Packets that may be under way from one queue: fewer than a worker lets wait, so that none is lost while the system gives
/// its core to another program.
const WINDOW: usize = 512;

const ANNOUNCE: u8 = 0;
const OPEN: u8 = 1;
const RUN: u8 = 2;

/// A count that shares no cache line with another.
type UnderWay = Arc<CachePadded<AtomicUsize>>;

/// A queue whose frames are there from the start.
struct Prefilled {
    phase: Arc<AtomicU8>,
    /// Received once, in the phases before the last.
    once: [Vec<[u8; 60]>; 2],
    /// Received again and again in the last.
    run: Vec<[u8; 60]>,
    at: usize,
    /// Of the flows of one worker: received, and not sent yet.
    under_way: UnderWay,
    state: Arc<PortState>,
}

impl Port for Prefilled {
    fn rx_burst(&mut self, pool: &mut FramePool, frames: &mut Vec<Frame>, limit: usize) -> io::Result<usize> {
        let mut fill = |bytes: &[u8; 60]| {
            let mut frame = pool.take();
            frame.set_bytes(bytes);
            frames.push(frame);
        };
        let phase = self.phase.load(Ordering::Relaxed);
        if let Some(once) = self.once.get_mut(usize::from(phase)) {
            let count = once.len().min(limit);
            once.drain(..count).for_each(|bytes| fill(&bytes));
            self.under_way.fetch_add(count, Ordering::Relaxed);
            return Ok(count);
        }
        if self.under_way.load(Ordering::Relaxed) > WINDOW {
            return Ok(0);
        }
        let end = (self.at + limit).min(self.run.len());
        self.under_way.fetch_add(end - self.at, Ordering::Relaxed);
        let burst = self.run.get(self.at..end).unwrap_or_default();
        burst.iter().for_each(&mut fill);
        self.at = if end == self.run.len() { 0 } else { end };
        Ok(burst.len())
    }

    fn tx_burst(&mut self, frames: &mut Vec<Frame>, pool: &mut FramePool, _: &mut Vec<(usize, Reason)>) -> io::Result<()> {
        self.under_way.fetch_sub(frames.len(), Ordering::Relaxed);
        frames.drain(..).for_each(|frame| pool.give(frame));
        Ok(())
    }

    fn poll_fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    fn state(&self) -> Arc<PortState> {
        Arc::clone(&self.state)
    }
}

/// The clients' queues: each opens its share of the flows, and sends them, or those of the next one, in random order.
fn queues(workers: u16, crossed: bool, phase: &Arc<AtomicU8>, under_way: &[UnderWay]) -> Vec<Box<dyn Port>> {
    let state = PortState::new(1500);
    let share = |worker: u16| (0..FLOWS).filter(move |flow| flow % u32::from(workers) == u32::from(worker)).map(datagram);
    let queue = |worker: u16| {
        let sent = if crossed { (worker + 1) % workers } else { worker };
        let flows: Vec<[u8; 60]> = share(sent).collect();
        let count = flows.len() as u32;
        let mut order = Shuffle(u64::from(worker) + 1);
        let run = (0..1 << 16).filter_map(|_| flows.get(order.below(count)).copied()).collect();
        let once = [Vec::new(), share(worker).collect()];
        let under_way = under_way.get(usize::from(sent)).cloned().unwrap_or_default();
        Box::new(Prefilled { phase: Arc::clone(phase), once, run, at: 0, under_way, state: Arc::clone(&state) }) as Box<dyn Port>
    };
    (0..workers).map(queue).collect()
}

/// A queue of the server's port: says where the server is, once.
fn server(phase: &Arc<AtomicU8>, under_way: &UnderWay) -> Box<dyn Port> {
    Box::new(Prefilled {
        phase: Arc::clone(phase),
        once: [vec![arp(SERVER)], Vec::new()],
        run: Vec::new(),
        at: 0,
        under_way: Arc::clone(under_way),
        state: PortState::new(1500),
    })
}

/// The datagram of a flow.
fn datagram(flow: u32) -> [u8; 60] {
    let host = 4 + flow % 1000;
    udp([10, 1, (host >> 8) as u8, host as u8], SERVER, (1024 + flow / 1000) as u16, 9000)
}
