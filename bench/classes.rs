//! Addresses to classes of service tags, on one core: `cargo bench --bench classes`, or `SERVICE_TAGS=FILE cargo bench --bench classes`.
//!
//! | group | case | what is done |
//! |---|---|---|
//! | `classes of all tags` | `build` | from sets in memory to the finished classes of both families, which are then dropped |
//! | `class of IPv4` | `batched` | the classes of all addresses in one call |
//! | | `single` | the same, an address a call |
//! | `class of IPv6` | `single` | an address a call |
//!
//! `anywhere`: addresses all over the space; `near`: addresses at the beginning of the tags' prefixes. Without `SERVICE_TAGS`
//! the tags are made from a seed.
#![allow(clippy::panic, reason = "a benchmark that cannot go on fails")]

#[allow(dead_code, unreachable_pub, clippy::unwrap_used, reason = "a module of a test, shared")]
#[path = "../tests/oracle/dice.rs"]
mod dice;
#[path = "classes/made.rs"]
mod made;
#[path = "classes/tags.rs"]
mod tags;

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use causeway::table::address_classes::AddressClasses;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use dice::Dice;
use tags::Tags;

/// Addresses that are looked up, again and again.
const ADDRESSES: usize = 4_096;

fn tag_classes(criterion: &mut Criterion) {
    let tags = tags::tags();
    let classes = AddressClasses::new(&tags.sets);
    let (ranges_v4, ranges_v6) = classes.ranges();
    eprintln!(
        "{} tags, {} prefixes: {} classes, {ranges_v4} IPv4 and {ranges_v6} IPv6 ranges, {} bytes",
        tags.sets.len(),
        tags.v4.len() + tags.v6.len(),
        classes.count(),
        classes.memory()
    );
    build(criterion, &tags);
    let dice = Dice::new(1);
    v4(criterion, &classes, &tags, &dice);
    v6(criterion, &classes, &tags, &dice);
}

fn build(criterion: &mut Criterion, tags: &Tags) {
    let mut group = criterion.benchmark_group("classes of all tags");
    group.sample_size(20);
    group.bench_function("build", |bencher| bencher.iter(|| AddressClasses::new(black_box(&tags.sets))));
    group.finish();
}

fn v4(criterion: &mut Criterion, classes: &AddressClasses, tags: &Tags, dice: &Dice) {
    let anywhere: Vec<u32> = (0..ADDRESSES).map(|_| dice.below(1 << 32) as u32).collect();
    let near: Vec<u32> = (0..ADDRESSES).map(|_| dice.pick(&tags.v4).wrapping_add(dice.below(5) as u32)).collect();
    let class = |address: &u32| classes.class(IpAddr::V4(Ipv4Addr::from_bits(*address)));
    let mut group = criterion.benchmark_group("class of IPv4");
    group.throughput(Throughput::Elements(ADDRESSES as u64));
    for (name, addresses) in [("anywhere", &anywhere), ("near", &near)] {
        let mut found = vec![0; ADDRESSES];
        classes.classes_v4(addresses, &mut found);
        assert!(addresses.iter().map(class).eq(found.iter().copied()), "a batch finds other classes than single calls");
        group.bench_function(BenchmarkId::new("batched", name), |bencher| {
            bencher.iter(|| classes.classes_v4(black_box(addresses), black_box(&mut found)));
        });
        group.bench_function(BenchmarkId::new("single", name), |bencher| {
            bencher.iter(|| black_box(addresses).iter().map(|address| class(address) as usize).sum::<usize>());
        });
    }
    group.finish();
}

fn v6(criterion: &mut Criterion, classes: &AddressClasses, tags: &Tags, dice: &Dice) {
    let near = |_| Ipv6Addr::from_bits(dice.pick(&tags.v6).wrapping_add(dice.below(5) as u128)).into();
    let near: Vec<IpAddr> = (0..ADDRESSES).map(near).collect();
    let mut group = criterion.benchmark_group("class of IPv6");
    group.throughput(Throughput::Elements(ADDRESSES as u64));
    group.bench_function(BenchmarkId::new("single", "near"), |bencher| {
        bencher.iter(|| black_box(&near).iter().map(|address| classes.class(*address) as usize).sum::<usize>());
    });
    group.finish();
}

criterion_group!(benches, tag_classes);
criterion_main!(benches);
