//! Pictures of results: `cargo bench --bench plot -- bench/results/DATE-acl.json bench/results/DATE-tables.jsonl`.
//!
//! Lookups per second against rules, causeway beside rte_acl where the file has both, a panel for each shape of rule set; and nanoseconds
//! per packet against flows; of scripts/bench, bars of all devices and packets per second against rules and flows. Writes
//! FILE-lookups.svg, FILE-flows.svg, FILE-peers.svg and FILE-sizes.svg, which follow the light or dark theme of whoever looks.

#[path = "plot/bars.rs"]
mod bars;
#[path = "plot/draw.rs"]
mod draw;
#[path = "plot/lab.rs"]
mod lab;
#[path = "plot/results.rs"]
mod results;
#[path = "plot/theme.rs"]
mod theme;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::Parser;

/// Draws results as SVG.
#[derive(Debug, Parser)]
#[command(name = "plot", bin_name = "cargo bench --bench plot --")]
struct Options {
    /// Results: DATE-lab.json of scripts/bench, DATE-acl.json of scripts/bench-acl, DATE-tables.jsonl of scripts/bench-tables, or what a
    /// benchmark printed with --json
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// Where the pictures go [default: beside the results]
    #[arg(long, value_name = "DIRECTORY")]
    output: Option<PathBuf>,

    /// What cargo bench says; means nothing here
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    let options = Options::parse();
    for file in &options.files {
        if let Err(error) = pictures(file, options.output.as_deref()) {
            eprintln!("plot: {error:#}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn pictures(file: &Path, output: Option<&Path>) -> Result<()> {
    let name = || file.display().to_string();
    let text = fs::read_to_string(file).with_context(name)?;
    let results = results::Results::read(&text).with_context(name)?;
    let mut drawn = Vec::new();
    for (what, figure) in [("lookups", results.lookups()), ("flows", results.flows()), ("sizes", results.sizes())] {
        if !figure.panels.is_empty() {
            drawn.push((what, draw::svg(&figure).with_context(name)?));
        }
    }
    let peers = results.peers();
    if !peers.panels.is_empty() {
        drawn.push(("peers", bars::svg(&peers).with_context(name)?));
    }
    if drawn.is_empty() {
        bail!("{}: no lookups of several sizes, no packets of known flows and no devices to draw", name());
    }
    let directory = output.or_else(|| file.parent()).unwrap_or(Path::new("."));
    fs::create_dir_all(directory).with_context(|| directory.display().to_string())?;
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    for (what, picture) in drawn {
        let path = directory.join(format!("{stem}-{what}.svg"));
        fs::write(&path, picture).with_context(|| path.display().to_string())?;
        println!("{}", path.display());
    }
    Ok(())
}
