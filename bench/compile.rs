//! From a network's text to what workers run: `cargo bench --bench compile -- --json [--tags ServiceTags_Public.json]`.
//!
//! | case | what is timed |
//! |---|---|
//! | `load` | text to validated network: parsing, validation, lints |
//! | `compile` | validated network to snapshot, with nothing kept |
//! | `reload` | the same after one rule of one security group changed, with what the compilation before it kept |
//! | `unchanged` | the same after nothing changed |
//!
//! Networks: `groups`, four security groups of 1,000 rules; `limits`, 3,000 subnets and 60 groups of 1,000 rules. With
//! `--tags`, every tenth rule names a tag of that file. Each figure is the median of rounds.

use std::fmt::Write as _;
use std::io::Write as _;
use std::time::Instant;

use causeway::config::compile::{self, Kept};
use causeway::config::load;
use causeway::config::network::{Access, Network};
use causeway::policy::ids::Ids;

type Failure = Box<dyn std::error::Error>;

/// Tags that every file of Microsoft has.
const TAGS: [&str; 6] = ["Storage.WestEurope", "Sql", "AzureCloud", "AzureMonitor", "Storage", "AzureCloud.westeurope"];

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().collect();
    let json = arguments.iter().any(|argument| argument == "--json");
    let tags = arguments.iter().position(|argument| argument == "--tags").and_then(|at| arguments.get(at + 1));
    for (name, subnets, groups, rounds) in [("groups", 4, 4, 15), ("limits", 3_000, 60, 3)] {
        let shape = Shape { name, subnets, groups, rounds, json };
        shape.run(&shape.text(tags.map(String::as_str)))?;
    }
    Ok(())
}

/// A network to be measured.
struct Shape {
    name: &'static str,
    subnets: usize,
    groups: usize,
    rounds: usize,
    json: bool,
}

impl Shape {
    fn run(&self, text: &str) -> Result<(), Failure> {
        let mut loaded = Vec::new();
        let load = self.median(|| {
            loaded.push(load::load_text("bench.yaml", text));
            Ok(())
        })?;
        let loaded = loaded.pop().ok_or("nothing was loaded")?;
        let network = loaded.network.ok_or_else(|| loaded.findings.render(false))?;
        self.report("load", load)?;
        let compile = self.median(|| {
            compile::compile(&network, &mut Ids::default(), 1)?;
            Ok(())
        })?;
        self.report("compile", compile)?;
        self.report("unchanged", self.reload(&network, |_| {})?)?;
        self.report("reload", self.reload(&network, turn_a_rule)?)
    }

    /// Compilations one after the other, before each of which the network changes. Only compiling is timed.
    fn reload(&self, network: &Network, change: impl Fn(&mut Network)) -> Result<f64, Failure> {
        let (mut ids, mut kept, mut network) = (Ids::default(), Kept::default(), network.clone());
        drop(compile::recompile(&network, &mut ids, 1, &mut kept)?);
        let mut took = Vec::new();
        for generation in 2..=self.rounds as u64 + 1 {
            kept.remember(network.clone());
            change(&mut network);
            let start = Instant::now();
            let snapshot = compile::recompile(&network, &mut ids, generation, &mut kept)?;
            took.push(start.elapsed().as_secs_f64());
            drop(snapshot);
        }
        Ok(median(took))
    }

    fn median(&self, mut work: impl FnMut() -> Result<(), Failure>) -> Result<f64, Failure> {
        let mut took = Vec::new();
        for _ in 0..self.rounds {
            let start = Instant::now();
            work()?;
            took.push(start.elapsed().as_secs_f64());
        }
        Ok(median(took))
    }

    fn report(&self, case: &str, seconds: f64) -> Result<(), Failure> {
        let Self { name, subnets, groups, .. } = self;
        let (rules, milliseconds) = (groups * 1_000, seconds * 1e3);
        let line = if self.json {
            format!(r#"{{"case":"{case}","network":"{name}","subnets":{subnets},"rules":{rules},"milliseconds":{milliseconds:.3}}}"#)
        } else {
            format!("{case:<10} {name:<8} {subnets:>5} subnets {rules:>6} rules {milliseconds:>10.3} ms")
        };
        Ok(writeln!(std::io::stdout(), "{line}")?)
    }

    fn text(&self, tags: Option<&str>) -> String {
        let mut text = String::from("location: westeurope\n");
        if let Some(tags) = tags {
            let _ = writeln!(text, "serviceTagsFile: {tags}");
        }
        text.push_str("virtualNetworks:\n  - name: v\n    addressPrefixes: [10.0.0.0/8]\n    subnets:\n");
        for subnet in 0..self.subnets {
            let (high, low, group) = (subnet / 256, subnet % 256, subnet % self.groups);
            let _ = writeln!(
                text,
                "      - {{ name: s{subnet}, addressPrefix: 10.{high}.{low}.0/24, networkSecurityGroup: g{group}, serviceEndpoints: [Microsoft.Storage] }}"
            );
        }
        text.push_str("networkSecurityGroups:\n");
        for group in 0..self.groups {
            let _ = writeln!(text, "  - name: g{group}\n    securityRules:");
            for rule in 0..1_000 {
                let _ = writeln!(text, "{}", rule_of(group, rule, tags.is_some()));
            }
        }
        text
    }
}

fn rule_of(group: usize, rule: usize, tags: bool) -> String {
    let (direction, number) = if rule < 500 { ("Outbound", rule) } else { ("Inbound", rule - 500) };
    let (access, protocol) = (["Deny", "Allow"][usize::from(!rule.is_multiple_of(3))], ["Tcp", "Udp"][rule % 2]);
    let far = match TAGS.get(rule / 10 % TAGS.len()).filter(|_| tags && rule.is_multiple_of(10)) {
        Some(tag) => (*tag).to_owned(),
        None => format!("172.{}.{}.0/28", 16 + group % 16, number % 256),
    };
    let near = format!("10.{}.{}.0/24", number / 256, number % 256);
    let (from, to) = if direction == "Outbound" { (near, far) } else { (far, near) };
    let (priority, port) = (100 + number, 1000 + number * 7);
    format!(
        "      - {{ name: r{rule}, priority: {priority}, direction: {direction}, access: {access}, protocol: {protocol}, sourceAddressPrefix: {from}, sourcePortRange: '*', destinationAddressPrefix: {to}, destinationPortRange: {port}-{} }}",
        port + 9
    )
}

/// The first rule of the first group, turned over.
fn turn_a_rule(network: &mut Network) {
    if let Some(rule) = network.network_security_groups.first_mut().and_then(|group| group.rules.first_mut()) {
        rule.access = if rule.access == Access::Allow { Access::Deny } else { Access::Allow };
        rule.destination_ports = if rule.access == Access::Allow { vec![80..=80] } else { vec![81..=81] };
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
