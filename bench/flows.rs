//! The flow table alone, on one core: `cargo bench --bench flows`.
//!
//! | case | what is done for a key |
//! |---|---|
//! | `lookup` | found in a batch of 32, keys in random order, both directions; the flow's deadline is moved |
//! | `insert` | a flow is added to a table that is filled to this number, and taken out again |

use std::hint::black_box;
use std::net::Ipv4Addr;

use causeway::packet::{FlowKey, Zone};
use causeway::table::flow::{FlowTable, Places, STAGE, Trail};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

/// As many bytes as a flow's recipe has in the pipeline.
type Recipe = [u32; 7];

/// Keys that are looked up, in order and again from the first: so many that of a million flows each is met again when its
/// cache lines are long gone.
const KEYS: usize = 1 << 20;

fn key(flow: u32, reply: bool) -> FlowKey<Ipv4Addr> {
    let (client, server) = (Ipv4Addr::from_bits(0x0a01_0000 + flow % 16_000), Ipv4Addr::new(10, 2, 0, 4));
    let port = 1024 + (flow / 16_000) as u16;
    let there = FlowKey { source: client, destination: server, source_port: port, destination_port: 9000, zone: Zone(1), protocol: 17 };
    let back = FlowKey { source: server, destination: client, source_port: 9000, destination_port: port, zone: Zone(2), protocol: 17 };
    if reply { back } else { there }
}

fn filled(flows: u32) -> FlowTable<Ipv4Addr, Recipe> {
    let mut table = FlowTable::new(flows as usize + 1, [0x1234_5678, 0x9abc_def0]);
    for flow in 0..flows {
        assert!(table.insert(key(flow, false), key(flow, true), [flow; 7], 100).is_ok());
    }
    table
}

/// A small generator (splitmix64).
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Places for a batch, which are used again and again.
type Trails = [Trail<Ipv4Addr>; STAGE];

/// Looks a batch up as the pipeline does, and moves the deadlines of the flows. How many were found.
fn refresh(table: &mut FlowTable<Ipv4Addr, Recipe>, trails: &mut Trails, keys: &[FlowKey<Ipv4Addr>], deadline: u32) -> usize {
    for (trail, key) in trails.iter_mut().zip(keys) {
        *trail = table.seek(key);
    }
    let mut elsewhere = Places::default();
    for (place, trail) in trails.iter_mut().enumerate() {
        elsewhere.add_if(place, !table.approach(trail));
    }
    for place in elsewhere {
        trails.get_mut(place).into_iter().for_each(|trail| table.approach_again(trail));
    }
    let found = trails.iter().filter(|trail| table.hit(trail).map(|mut hit| hit.refresh(deadline)).is_some());
    found.count()
}

fn lookups(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("flow lookup with refresh");
    group.throughput(Throughput::Elements(STAGE as u64));
    for flows in [10_000, 1_000_000] {
        let mut table = filled(flows);
        let (mut state, mut deadline, mut at) = (1, 100, 0);
        let mut trails = Trails::default();
        let mut random = || next(&mut state);
        let keys: Vec<_> = (0..KEYS).map(|_| random()).map(|number| key((number % u64::from(flows)) as u32, number >> 63 == 1)).collect();
        group.bench_function(BenchmarkId::from_parameter(flows), |bencher| {
            bencher.iter(|| {
                if at == KEYS {
                    (at, deadline) = (0, deadline + 1);
                }
                let batch = keys.get(at..at + STAGE).unwrap_or_default();
                at += STAGE;
                black_box(refresh(&mut table, &mut trails, batch, deadline));
            });
        });
    }
    group.finish();
}

fn inserts(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("flow insert and remove");
    for flows in [10_000, 1_000_000] {
        let mut table = filled(flows);
        let mut fresh = flows;
        group.bench_function(BenchmarkId::from_parameter(flows), |bencher| {
            bencher.iter(|| {
                fresh = flows + (fresh + 7_919) % 30_000_000;
                table.insert(key(fresh, false), key(fresh, true), [0; 7], 200).map(|flow| table.remove(flow))
            });
        });
    }
    group.finish();
}

criterion_group!(benches, lookups, inserts);
criterion_main!(benches);
