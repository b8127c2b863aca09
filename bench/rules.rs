//! Lists of rules, and what a new flow costs the policy alone, on one core: `cargo bench --bench rules`.
//!
//! | group | what is done for a packet |
//! |---|---|
//! | `rule list, last rule` | a list of 1 to 4,096 rules is asked, of which the last matches: `table`, and `scan` rule by rule |
//! | `rule list, any rule` | the same; each packet matches a rule that is drawn |
//! | `decide` | the whole decision for a first packet, through security groups of 1,000 rules |
//!
//! `decide` has three cases. `four groups`: the packet passes four security groups. `two groups and firewall`: it passes two of
//! them, a service endpoint and a service's firewall. `deny`: the last of the first group's rules denies it.
#![allow(clippy::panic, reason = "a benchmark that cannot go on fails")]

#[allow(dead_code, unreachable_pub, clippy::unwrap_used, reason = "a module of a test, shared")]
#[path = "../tests/oracle/dice.rs"]
mod dice;
#[path = "rules/lists.rs"]
mod lists;
#[path = "support/network.rs"]
mod network;

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};

use causeway::config::{compile, load};
use causeway::policy::decide::decide;
use causeway::policy::ids::Ids;
use causeway::policy::question::{Outcome, Question, Scope, Sender, Silent};
use causeway::policy::snapshot::Snapshot;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

/// Packets that are decided, again and again.
const PACKETS: usize = 1_024;

const SERVER: Ipv4Addr = Ipv4Addr::new(10, 2, 0, 4);
const SERVICE: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 20);

fn decisions(criterion: &mut Criterion) {
    let snapshot = snapshot();
    let passes = |question: &Question| matches!(decide(&snapshot, question, Scope::FirstPacket, &mut Silent), Outcome::Forward(_));
    let mut group = criterion.benchmark_group("decide");
    group.throughput(Throughput::Elements(PACKETS as u64));
    for (name, to, port, expected) in
        [("four groups", SERVER, 9000, true), ("two groups and firewall", SERVICE, 443, true), ("deny", SERVER, 9999, false)]
    {
        let questions: Vec<Question> = (0..PACKETS).map(|number| question(&snapshot, number, to, port)).collect();
        assert!(questions.iter().all(|question| passes(question) == expected), "{name}: not every packet to {to}:{port}");
        group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
            bencher.iter(|| black_box(&questions).iter().filter(|question| passes(question)).count());
        });
    }
    group.finish();
}

fn snapshot() -> Snapshot {
    let loaded = load::load_text("bench.yaml", &network::text(1_000));
    let network = loaded.network.unwrap_or_else(|| panic!("{}", loaded.findings.render(false)));
    compile::compile(&network, &mut Ids::default(), 1).unwrap_or_else(|error| panic!("{error}"))
}

fn question(snapshot: &Snapshot, number: usize, to: Ipv4Addr, port: u16) -> Question {
    let source = IpAddr::from([10, 1, 0, 4 + (number % 8) as u8]);
    Question {
        sender: Sender::Subnet { subnet: 0, interface: snapshot.interface_at(0, source), forwarded: false },
        source,
        destination: to.into(),
        protocol: 17,
        source_port: 1024 + number as u16,
        destination_port: port,
    }
}

criterion_group!(benches, lists::lists, decisions);
criterion_main!(benches);
