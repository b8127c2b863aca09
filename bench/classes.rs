//! Addresses to classes and to routes: `cargo bench --bench classes -- --json --tags ServiceTags_Public.json`.
//!
//! | case | what is timed |
//! |---|---|
//! | `build` | the classes of all tags, both families (milliseconds; with their bytes) |
//! | `batched`, `single` | IPv4 address → class, for addresses all over the space and for addresses near the tags' prefixes |
//! | `single-v6` | the same for IPv6 addresses near prefixes |
//! | `route`, `route-plain` | the longest of 10,000 prefixes, in one search and length by length |
//!
//! Each figure is the median of short rounds. Without `--tags` only routes are timed.

use std::hint::black_box;
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Instant;

use causeway::config::load;
use causeway::table::address_classes::AddressClasses;
use causeway::table::longest_prefix::LongestPrefix;
use causeway::table::prefix_set::PrefixSet;
use causeway::table::prefix_table::PrefixTable;
use ipnet::{IpNet, Ipv4Net};

type Failure = Box<dyn std::error::Error>;

const ROUNDS: usize = 301;
const ADDRESSES: usize = 4_096;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().collect();
    let json = arguments.iter().any(|argument| argument == "--json");
    if let Some(path) = arguments.iter().position(|argument| argument == "--tags").and_then(|at| arguments.get(at + 1)) {
        tags(json, path)?;
    }
    routes(json)
}

fn report(json: bool, case: &str, value: f64, unit: &str) -> Result<(), Failure> {
    let line = if json { format!(r#"{{"case":"{case}","{unit}":{value:.2}}}"#) } else { format!("{case:<18} {value:>12.2} {unit}") };
    Ok(writeln!(std::io::stdout(), "{line}")?)
}

fn tags(json: bool, path: &str) -> Result<(), Failure> {
    let loaded = load::load_text("bench.yaml", &format!("serviceTagsFile: {path}\n"));
    let network = loaded.network.ok_or_else(|| loaded.findings.render(false))?;
    let prefixes: Vec<IpNet> = network.service_tags.iter().flat_map(|tag| tag.prefixes.iter().copied()).collect();
    let sets: Vec<PrefixSet> = network.service_tags.iter().map(|tag| PrefixSet::from_prefixes(tag.prefixes.iter().copied())).collect();
    report(json, "build", median(15, || AddressClasses::new(&sets).count()) / 1e6, "milliseconds")?;
    let classes = AddressClasses::new(&sets);
    report(json, "build", classes.memory() as f64, "bytes")?;
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let v4: Vec<u32> =
        prefixes.iter().filter_map(|prefix| if let IpNet::V4(net) = prefix { Some(net.network().to_bits()) } else { None }).collect();
    let v6: Vec<u128> =
        prefixes.iter().filter_map(|prefix| if let IpNet::V6(net) = prefix { Some(net.network().to_bits()) } else { None }).collect();
    let anywhere: Vec<u32> = (0..ADDRESSES).map(|_| random.next() as u32).collect();
    let near: Vec<u32> = (0..ADDRESSES).map(|_| random.pick(&v4).wrapping_add(random.next() as u32 % 5)).collect();
    for (name, addresses) in [("anywhere", &anywhere), ("near", &near)] {
        let mut found = vec![0; ADDRESSES];
        let batched = median(ROUNDS, || {
            classes.classes_v4(addresses, black_box(&mut found));
            0
        });
        report(json, &format!("batched-{name}"), batched / ADDRESSES as f64, "nanoseconds")?;
        let of = |address: &u32| classes.class(IpAddr::V4(Ipv4Addr::from_bits(*address))) as usize;
        report(json, &format!("single-{name}"), median(ROUNDS, || addresses.iter().map(of).sum()) / ADDRESSES as f64, "nanoseconds")?;
    }
    let near: Vec<IpAddr> =
        (0..ADDRESSES).map(|_| Ipv6Addr::from_bits(random.pick(&v6).wrapping_add(u128::from(random.next() % 5))).into()).collect();
    let single = median(ROUNDS, || near.iter().map(|address| classes.class(*address) as usize).sum());
    report(json, "single-v6", single / ADDRESSES as f64, "nanoseconds")
}

fn routes(json: bool) -> Result<(), Failure> {
    let mut random = Random(7);
    let mut prefixes: Vec<(IpNet, usize)> = Vec::new();
    for number in 0..10_000 {
        let length = 12 + (random.next() % 17) as u8;
        prefixes.push((IpNet::V4(Ipv4Net::new(Ipv4Addr::from_bits(random.next() as u32), length)?.trunc()), number));
    }
    let addresses: Vec<IpAddr> = (0..ADDRESSES)
        .map(|_| match random.pick(&prefixes).0 {
            IpNet::V4(net) => Ipv4Addr::from_bits(net.network().to_bits() + random.next() as u32 % 16).into(),
            IpNet::V6(net) => net.network().into(),
        })
        .collect();
    let (table, plain) = (PrefixTable::new(prefixes.clone()), LongestPrefix::new(prefixes));
    if addresses.iter().any(|address| table.lookup(*address) != plain.lookup(*address)) {
        return Err("the table finds other routes than the plain way".into());
    }
    let value = |found: Option<(IpNet, &usize)>| found.map_or(0, |(_, value)| *value);
    let fast = median(ROUNDS, || addresses.iter().map(|address| value(table.lookup(*address))).sum());
    let slow = median(ROUNDS, || addresses.iter().map(|address| value(plain.lookup(*address))).sum());
    report(json, "route", fast / ADDRESSES as f64, "nanoseconds")?;
    report(json, "route-plain", slow / ADDRESSES as f64, "nanoseconds")
}

/// Nanoseconds a round.
fn median(rounds: usize, mut work: impl FnMut() -> usize) -> f64 {
    let mut took: Vec<f64> = (0..rounds)
        .map(|_| {
            let start = Instant::now();
            black_box(work());
            start.elapsed().as_nanos() as f64
        })
        .collect();
    took.sort_by(f64::total_cmp);
    took.get(rounds / 2).copied().unwrap_or(f64::NAN)
}

/// A small generator (splitmix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// One of a list that is not empty.
    fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[(self.next() % list.len() as u64) as usize]
    }
}
