//! Lists of rules, by table and rule by rule.

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use causeway::table::address_classes::AddressClasses;
use causeway::table::matcher::Matcher;
use causeway::table::ordered_scan::{Conditions, Header};
use causeway::table::port_set::PortSet;
use causeway::table::prefix_set::PrefixSet;
use causeway::table::rule_table::{Classified, none_shared};
use criterion::{BenchmarkId, Criterion, Throughput};
use ipnet::{IpNet, Ipv4Net};

use super::PACKETS;
use super::dice::Dice;

const SIZES: [usize; 4] = [1, 60, 1_000, 4_096];

/// Bytes that a table may take.
const BUDGET: usize = 256 << 20;

const TCP: u8 = 6;
const UDP: u8 = 17;

/// Headers that meet the last rule of a list, and headers of which each meets one that is drawn.
pub(crate) fn lists(criterion: &mut Criterion) {
    let dice = Dice::new(1);
    for (name, drawn) in [("rule list, last rule", false), ("rule list, any rule", true)] {
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Elements(PACKETS as u64));
        for size in SIZES {
            let meant: Vec<usize> = (0..PACKETS).map(|_| if drawn { dice.below(size) } else { size - 1 }).collect();
            let headers: Vec<Header> = meant.iter().zip(0..).map(|(rule, number)| header(*rule, size, number)).collect();
            let (rules, classes) = (list(size), AddressClasses::default());
            let table = |header| rules.first_match(header, &Classified::new(&classes)).unwrap_or(size);
            let scan = |header| rules.scan().first_match(header).unwrap_or(size);
            assert!(headers.iter().map(table).eq(meant.iter().copied()), "the table finds other rules than those that were meant");
            assert!(headers.iter().map(scan).eq(meant.iter().copied()), "the scan finds other rules than those that were meant");
            group.bench_function(BenchmarkId::new("table", size), |bencher| {
                bencher.iter(|| black_box(&headers).iter().map(table).sum::<usize>());
            });
            group.bench_function(BenchmarkId::new("scan", size), |bencher| {
                bencher.iter(|| black_box(&headers).iter().map(scan).sum::<usize>());
            });
        }
        group.finish();
    }
}

/// Rules of which no two match the same header, and as the last one that matches every header.
fn list(size: usize) -> Matcher {
    let any = Arc::new(PrefixSet::all());
    let destinations = Arc::new(PrefixSet::from_prefixes([IpNet::from(Ipv4Net::new_assert(Ipv4Addr::new(198, 51, 100, 0), 24))]));
    let narrow = |rule: usize| Conditions {
        protocols: vec![protocol(rule)],
        sources: Arc::new(PrefixSet::from_prefixes([IpNet::from(Ipv4Net::new_assert(source(rule, 0), 28))])),
        source_ports: PortSet::from_ranges([1024..=u16::MAX]),
        destinations: Arc::clone(&destinations),
        destination_ports: PortSet::from_ranges([port(rule)..=port(rule) + 9]),
    };
    let last = Conditions {
        protocols: Vec::new(),
        sources: Arc::clone(&any),
        source_ports: PortSet::all(),
        destinations: Arc::clone(&any),
        destination_ports: PortSet::all(),
    };
    let rules = (0..size - 1).map(narrow).chain([last]).collect();
    Matcher::indexed(rules, none_shared(), BUDGET).unwrap_or_else(|error| panic!("{size} rules: {error}"))
}

/// A header that meets this rule of a list of `size`.
fn header(rule: usize, size: usize, number: u16) -> Header {
    if rule + 1 == size {
        let source = IpAddr::from([10, 1, 0, number as u8]);
        return Header { source, destination: IpAddr::from([10, 2, 0, 4]), protocol: UDP, ports: Some((1024 + number, 9000)) };
    }
    let destination = IpAddr::from([198, 51, 100, number as u8]);
    Header { source: source(rule, 7).into(), destination, protocol: protocol(rule), ports: Some((1024 + number, port(rule) + number % 10)) }
}

fn protocol(rule: usize) -> u8 {
    if rule.is_multiple_of(2) { TCP } else { UDP }
}

/// A host of the rule's sources.
fn source(rule: usize, host: u8) -> Ipv4Addr {
    Ipv4Addr::new(172, 16 + (rule / 256) as u8, rule as u8, host)
}

/// The first of the rule's ten ports.
fn port(rule: usize) -> u16 {
    1000 + rule as u16
}
