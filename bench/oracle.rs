//! The policy against a second implementation of the whole decision, over random networks and packets:
//! `cargo bench --bench oracle -- --questions 1000000 --seed 1`. Prints one line of JSON; every disagreement goes to standard error
//! with a small network that shows it, and the status is then 1.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a check that cannot go on fails")]
#![allow(missing_docs, unreachable_pub, dead_code, reason = "modules of a test, shared")]

#[path = "../tests/oracle/compare.rs"]
mod compare;
#[path = "../tests/oracle/decide.rs"]
mod decide;
#[path = "../tests/oracle/dice.rs"]
mod dice;
#[path = "../tests/oracle/firewall.rs"]
mod firewall;
#[path = "../tests/oracle/generate.rs"]
mod generate;
#[path = "../tests/oracle/network.rs"]
mod network;
#[path = "../tests/oracle/nsg.rs"]
mod nsg;
#[path = "../tests/oracle/places.rs"]
mod places;
#[path = "../tests/oracle/routes.rs"]
mod routes;
#[path = "../tests/oracle/run.rs"]
mod run;
#[path = "../tests/oracle/services.rs"]
mod services;
#[path = "../tests/oracle/shrink.rs"]
mod shrink;
#[path = "../tests/oracle/tags.rs"]
mod tags;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let after = |name: &str| arguments.iter().skip_while(|argument| *argument != name).nth(1).and_then(|text| text.parse::<u64>().ok());
    let report = run::run(after("--questions").unwrap_or(1_000_000), after("--seed").unwrap_or(1));
    println!("{}", report.summary());
    if report.refused.is_empty() && report.classes.is_empty() {
        return ExitCode::SUCCESS;
    }
    eprintln!("{}\n{}", report.refused.join("\n"), report.story());
    ExitCode::FAILURE
}
