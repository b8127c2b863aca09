//! Lookups in flat access lists: `cargo bench --bench acl -- --help`; docs/benchmarks.md says how to read the figures.
//!
//! One thread; every answer is first compared with a plain ordered scan over the rules as written. Then whole passes over the headers,
//! a few hundred at a time, are timed in rounds of at least a tenth of a second; the figure is the median of the rounds.

#[path = "acl/latency.rs"]
mod latency;
#[path = "acl/measure.rs"]
mod measure;
#[path = "acl/options.rs"]
mod options;
#[path = "acl/report.rs"]
mod report;
#[path = "acl/run.rs"]
mod run;
#[path = "acl/sets.rs"]
mod sets;
mod support;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    match run::run(&options::Options::parse(), &mut std::io::stdout().lock()) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(mismatches) => {
            eprintln!("acl: {mismatches} answers differ from the ordered scan");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("acl: {error:#}");
            ExitCode::FAILURE
        }
    }
}
