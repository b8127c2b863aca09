//! What a new flow costs the policy alone: `cargo bench --bench rules -- --json`.
//!
//! | case | what is decided |
//! |---|---|
//! | `four-groups` | a packet that passes four security groups of 1,000 rules |
//! | `two-groups-and-firewall` | one that passes two of them, a service endpoint and a service's firewall |
//! | `deny` | one that the last of the first group's rules denies |
//! | `one-list` | one list of 1,000 rules; `one-list-scanned`: the same rule by rule |
//!
//! Each figure is the median of many short rounds.

use std::fmt::Write as _;
use std::hint::black_box;
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Instant;

use causeway::config::{compile, load};
use causeway::policy::decide::decide;
use causeway::policy::ids::Ids;
use causeway::policy::question::{Outcome, Question, Scope, Sender, Silent};
use causeway::policy::snapshot::Snapshot;
use causeway::table::ordered_scan::Header;
use causeway::table::rule_table::Classified;

type Failure = Box<dyn std::error::Error>;

const ROUNDS: usize = 301;
const PACKETS: usize = 1_024;
const SERVER: Ipv4Addr = Ipv4Addr::new(10, 2, 0, 4);
const SERVICE: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 20);

fn main() -> Result<(), Failure> {
    let json = std::env::args().any(|argument| argument == "--json");
    let loaded = load::load_text("bench.yaml", &network(1_000));
    let network = loaded.network.ok_or_else(|| loaded.findings.render(false))?;
    let snapshot = compile::compile(&network, &mut Ids::default(), 1)?;
    for (case, to, port, passes) in
        [("four-groups", SERVER, 9000, true), ("two-groups-and-firewall", SERVICE, 443, true), ("deny", SERVER, 9999, false)]
    {
        report(json, case, decisions(&snapshot, to, port, passes)?)?;
    }
    let (table, scan) = one_list(&snapshot)?;
    report(json, "one-list", table)?;
    report(json, "one-list-scanned", scan)
}

fn report(json: bool, case: &str, nanoseconds: f64) -> Result<(), Failure> {
    let line =
        if json { format!(r#"{{"case":"{case}","nanoseconds":{nanoseconds:.1}}}"#) } else { format!("{case:<26} {nanoseconds:>10.1} ns") };
    Ok(writeln!(std::io::stdout(), "{line}")?)
}

fn decisions(snapshot: &Snapshot, to: Ipv4Addr, port: u16, passes: bool) -> Result<f64, Failure> {
    let questions: Vec<Question> = (0..PACKETS).map(|number| question(snapshot, number, to, port)).collect();
    let asked = |question| matches!(decide(snapshot, question, Scope::FirstPacket, &mut Silent), Outcome::Forward(_));
    if questions.iter().any(|question| asked(question) != passes) {
        return Err(format!("not every packet to {to}:{port} {}", if passes { "passes" } else { "is denied" }).into());
    }
    Ok(median(|| questions.iter().filter(|question| asked(question)).count()))
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

/// The first subnet's outbound rules: by table, and one by one.
fn one_list(snapshot: &Snapshot) -> Result<(f64, f64), Failure> {
    let group = snapshot.subnets.first().and_then(|subnet| subnet.security_group.as_ref()).ok_or("no group")?;
    let headers: Vec<Header> = (0..PACKETS)
        .map(|number| Header {
            source: IpAddr::from([10, 1, 0, number as u8]),
            destination: SERVER.into(),
            protocol: 17,
            ports: Some((1024 + number as u16, 9000)),
        })
        .collect();
    let rules = &group.outbound.table;
    let table = |header| rules.first_match(header, &Classified::new(&snapshot.tag_classes)).unwrap_or_default();
    let scan = |header| rules.scan().first_match(header).unwrap_or_default();
    if headers.iter().any(|header| table(header) != scan(header)) {
        return Err("the table finds other rules than the ordered scan".into());
    }
    Ok((median(|| headers.iter().map(table).sum()), median(|| headers.iter().map(scan).sum())))
}

/// Nanoseconds a packet.
fn median(work: impl Fn() -> usize) -> f64 {
    let mut rounds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            black_box(work());
            start.elapsed().as_nanos() as f64 / PACKETS as f64
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    rounds.get(ROUNDS / 2).copied().unwrap_or(f64::NAN)
}

/// Two hosts' subnets and a service; the rules of every group are halved between its directions, and the last but one
/// lets ports 9000 and 443 pass.
fn network(rules: usize) -> String {
    let mut text = String::from(HEAD);
    for client in 4..12 {
        let _ = writeln!(
            text,
            "  - {{ name: client{client}, subnet: v/client, privateIPAddress: 10.1.0.{client}, networkSecurityGroup: client-nic }}"
        );
    }
    text.push_str("networkSecurityGroups:\n");
    for group in ["client-subnet", "client-nic", "server-subnet", "server-nic"] {
        let _ = writeln!(text, "  - name: {group}\n    securityRules:");
        for direction in ["Outbound", "Inbound"] {
            for rule in 0..rules / 2 - 2 {
                let _ = writeln!(text, "{}", filler(direction, rule));
            }
            let _ = writeln!(text, "{}\n{}", wide(direction, "Allow", 4095, "['9000', '443']"), wide(direction, "Deny", 4096, "['*']"));
        }
    }
    text
}

fn wide(direction: &str, access: &str, priority: u16, ports: &str) -> String {
    format!(
        "      - {{ name: {access}-{direction}, priority: {priority}, direction: {direction}, access: {access}, protocol: '*', sourceAddressPrefix: '*', sourcePortRange: '*', destinationAddressPrefix: '*', destinationPortRanges: {ports} }}"
    )
}

/// A rule that no packet of the benchmark matches.
fn filler(direction: &str, rule: usize) -> String {
    let (access, protocol) = (if rule.is_multiple_of(3) { "Deny" } else { "Allow" }, if rule.is_multiple_of(2) { "Tcp" } else { "Udp" });
    format!(
        "      - {{ name: r{rule}-{direction}, priority: {}, direction: {direction}, access: {access}, protocol: {protocol}, sourceAddressPrefix: 172.{}.{}.0/28, sourcePortRange: 1024-65535, destinationAddressPrefix: 198.51.100.0/24, destinationPortRange: {}-{} }}",
        100 + rule,
        16 + rule / 256,
        rule % 256,
        1000 + rule % 5000,
        1009 + rule % 5000
    )
}

const HEAD: &str = "\
location: westeurope
serviceTags: { Storage.westeurope: [203.0.113.16/28] }
virtualNetworks:
  - name: v
    addressPrefixes: [10.0.0.0/8]
    subnets:
      - { name: client, addressPrefix: 10.1.0.0/16, networkSecurityGroup: client-subnet, serviceEndpoints: [Microsoft.Storage] }
      - { name: server, addressPrefix: 10.2.0.0/24, networkSecurityGroup: server-subnet }
services:
  - { name: store, type: Microsoft.Storage/storageAccounts, addresses: [203.0.113.20], firewall: { defaultAction: Deny, virtualNetworkRules: [v/client] } }
ports:
  - { name: client, attach: v/client }
  - { name: server, attach: v/server/10.2.0.4 }
  - { name: store, attach: service/store }
networkInterfaces:
  - { name: server, subnet: v/server, privateIPAddress: 10.2.0.4, networkSecurityGroup: server-nic }
";
