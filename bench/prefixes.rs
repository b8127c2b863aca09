//! Longest-prefix match over IPv4 prefixes, on one core: `cargo bench --bench prefixes`.
//!
//! `table` finds the prefix in one search, `plain` length by length. Prefixes of /12 to /28 lie all over the space; the addresses
//! lie at the beginning of some of them.

#[allow(dead_code, unreachable_pub, clippy::unwrap_used, reason = "a module of a test, shared")]
#[path = "../tests/oracle/dice.rs"]
mod dice;

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};

use causeway::table::longest_prefix::LongestPrefix;
use causeway::table::prefix_table::PrefixTable;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use dice::Dice;
use ipnet::{IpNet, Ipv4Net};

/// Addresses that are looked up, again and again.
const ADDRESSES: usize = 4_096;

/// With more prefixes only the table is timed.
const MOST_PLAIN: usize = 10_000;

fn prefix(dice: &Dice) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::from_bits(dice.below(1 << 32) as u32), dice.between(12, 28) as u8).trunc()
}

fn value(found: Option<(IpNet, &usize)>) -> usize {
    found.map_or(0, |(_, value)| *value)
}

fn matching(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("longest prefix");
    group.throughput(Throughput::Elements(ADDRESSES as u64));
    for size in [10, 1_000, 10_000, 100_000] {
        let dice = Dice::new(7);
        let prefixes: Vec<Ipv4Net> = (0..size).map(|_| prefix(&dice)).collect();
        let near = |_| Ipv4Addr::from_bits(dice.pick(&prefixes).network().to_bits() + dice.below(16) as u32).into();
        let addresses: Vec<IpAddr> = (0..ADDRESSES).map(near).collect();
        let entries = || prefixes.iter().zip(0..).map(|(prefix, number)| (IpNet::from(*prefix), number));
        let (table, plain) = (PrefixTable::new(entries()), LongestPrefix::new(entries()));
        assert!(addresses.iter().all(|address| table.lookup(*address) == plain.lookup(*address)), "the two ways find different prefixes");
        group.bench_function(BenchmarkId::new("table", size), |bencher| {
            bencher.iter(|| black_box(&addresses).iter().map(|address| value(table.lookup(*address))).sum::<usize>());
        });
        if size <= MOST_PLAIN {
            group.bench_function(BenchmarkId::new("plain", size), |bencher| {
                bencher.iter(|| black_box(&addresses).iter().map(|address| value(plain.lookup(*address))).sum::<usize>());
            });
        }
    }
    group.finish();
}

criterion_group!(benches, matching);
criterion_main!(benches);
