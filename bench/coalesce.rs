//! Joining the frames of a burst, on one core: `cargo bench --bench coalesce`. What a burst costs in all; the frames are set
//! up anew for each, outside of the time that counts.

use causeway::packet::coalesce::{Account, Coalescer};
use causeway::packet::segments::SuperFrames;
use causeway::packet::{Frame, FramePool};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use etherparse::PacketBuilder;

/// Frames in a burst.
const BURST: u16 = 64;

#[derive(Clone, Copy)]
struct Packets(u64);

impl Account for Packets {
    fn joined(self, next: Self) -> Option<Self> {
        Some(Self(self.0 + next.0))
    }
}

/// A datagram of a flow, with a finished checksum.
fn datagram(flow: u16, payload: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let step = PacketBuilder::ethernet2([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2]).ipv4([10, 1, 0, 4], [10, 2, 0, 4], 64);
    assert!(step.udp(20_000 + flow, 9000).write(&mut bytes, &vec![0; payload]).is_ok());
    bytes
}

/// Sets a burst of `frames` up from `flows` in turn.
fn fill(pool: &mut FramePool, frames: &mut Vec<Frame>, burst: &[Vec<u8>]) {
    frames.drain(..).for_each(|frame| pool.give(frame));
    for bytes in burst {
        let mut frame = pool.take();
        frame.set_bytes(bytes);
        frames.push(frame);
    }
}

fn coalescing(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("coalesce");
    for (frames, flows, payload) in [(1, 1, 18), (2, 2, 18), (BURST, BURST, 18), (BURST, 1, 18), (BURST, 8, 18), (BURST, 1, 1400)] {
        let burst: Vec<_> = (0..frames).map(|index| datagram(index % flows, payload)).collect();
        let (mut pool, mut coalescer) = (FramePool::new(256), Coalescer::with_capacity(usize::from(BURST)));
        let (mut queue, mut accounts) = (Vec::new(), Vec::new());
        group.throughput(Throughput::Elements(u64::from(frames)));
        let name = format!("{frames} frames of {payload} bytes in {flows} flows");
        group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
            bencher.iter_custom(|rounds| {
                let mut spent = std::time::Duration::ZERO;
                for _ in 0..rounds {
                    fill(&mut pool, &mut queue, &burst);
                    accounts.clear();
                    accounts.resize(burst.len(), Packets(1));
                    let start = std::time::Instant::now();
                    coalescer.coalesce(&mut queue, &mut accounts, SuperFrames::ALL, &mut pool);
                    spent += start.elapsed();
                }
                spent
            });
        });
    }
    group.finish();
}

criterion_group!(benches, coalescing);
criterion_main!(benches);
