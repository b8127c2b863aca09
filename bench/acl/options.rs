//! What can be asked of the benchmark.

use std::path::PathBuf;

use clap::Parser;

use crate::support::generate::{MOST, Shape};

/// Sizes of the rule sets that are made where none are named.
pub(crate) const SIZES: [usize; 3] = [1_000, 10_000, 100_000];

/// Lookups per second in a flat access list, on one core, after every answer was compared with a plain ordered scan.
///
/// Without --rules, rule sets are made: every shape in every size, or those that --generate and --size name.
#[derive(Debug, Parser)]
#[command(name = "acl", bin_name = "cargo bench --bench acl --")]
pub(crate) struct Options {
    /// Filter file in the format of ClassBench; without --trace, headers are made from its rules
    #[arg(long, value_name = "FILE")]
    pub(crate) rules: Option<PathBuf>,

    /// Trace file in the format of ClassBench
    #[arg(long, value_name = "FILE", requires = "rules")]
    pub(crate) trace: Option<PathBuf>,

    /// Make rule sets of these shapes
    #[arg(long, value_enum, value_name = "SHAPE", value_delimiter = ',', conflicts_with = "rules")]
    pub(crate) generate: Vec<Shape>,

    /// Make rule sets of these sizes, 1 to 200000 [default: 1000,10000,100000]
    #[arg(long, value_name = "RULES", value_delimiter = ',', conflicts_with = "rules", value_parser = parse_size)]
    pub(crate) size: Vec<usize>,

    /// Seed of everything that is made or shuffled
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    pub(crate) seed: u64,

    /// How many headers to make [default: three for each rule, at least 50000]
    #[arg(long, value_name = "HEADERS", value_parser = parse_headers)]
    pub(crate) headers: Option<usize>,

    /// Look up the headers in random order
    #[arg(long)]
    pub(crate) shuffled: bool,

    /// Instead of a trace, headers at the bounds of rules, one before and one behind
    #[arg(long, conflicts_with = "trace")]
    pub(crate) corners: bool,

    /// Instead of a trace, random headers (with --corners: half and half)
    #[arg(long, conflicts_with = "trace")]
    pub(crate) random: bool,

    /// Rounds to take the median of
    #[arg(long, value_name = "ROUNDS", default_value_t = 9, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(crate) rounds: u32,

    /// Headers in a call
    #[arg(long, value_name = "HEADERS", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) batch: u32,

    /// Bytes that a table may take
    #[arg(long, value_name = "BYTES", default_value_t = 1 << 30)]
    pub(crate) budget: usize,

    /// Measure how long lookups take at worst, too
    #[arg(long)]
    pub(crate) latency: bool,

    /// Write the index of the winning rule (the first is 0), or none, a line per header
    #[arg(long, value_name = "FILE")]
    pub(crate) results: Option<PathBuf>,

    /// Measure nothing; write SHAPE_SIZE.rules and SHAPE_SIZE.trace for other programs to read
    #[arg(long, value_name = "DIRECTORY", conflicts_with_all = ["rules", "results"])]
    pub(crate) write: Option<PathBuf>,

    /// One line of JSON for each rule set
    #[arg(long)]
    pub(crate) json: bool,

    /// What cargo bench says; means nothing here
    #[arg(long, hide = true)]
    bench: bool,
}

fn parse_size(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(size) if (1..=MOST).contains(&size) => Ok(size),
        _ => Err(format!("a number from 1 to {MOST} is needed")),
    }
}

fn parse_headers(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(headers) if headers <= 10_000_000 => Ok(headers),
        _ => Err("a number up to 10000000 is needed".to_owned()),
    }
}
