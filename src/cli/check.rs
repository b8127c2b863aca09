//! `causeway check`: every finding of every file.

use std::path::PathBuf;

use serde::Serialize;

use super::output::{colour_on_stdout, write_error};
use super::{Exit, Format, Output};
use crate::config::load::{Loaded, load};
use crate::config::render::FindingJson;

/// What `-o json` prints.
#[derive(Serialize)]
struct Report<'a> {
    files: Vec<FileReport<'a>>,
}

#[derive(Serialize)]
struct FileReport<'a> {
    file: String,
    valid: bool,
    findings: Vec<FindingJson<'a>>,
}

/// Arguments of `causeway check`.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// Network files.
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
}

/// Checks the files and prints what was found: here findings are the data. Succeeds where all files are valid, warnings
/// or not.
#[must_use]
pub fn run(arguments: &Arguments, output: Output) -> Exit {
    let loaded: Vec<(String, Loaded)> = arguments.files.iter().map(|path| (path.display().to_string(), load(path))).collect();
    let wrong = loaded.iter().any(|(_, loaded)| loaded.network.is_none());
    let exit = output.print(&report(&loaded), |_| text(&loaded), if wrong { Exit::Failure } else { Exit::Success });
    if output.format == Format::Text {
        write_error(&more(&loaded));
    }
    exit
}

fn report(loaded: &[(String, Loaded)]) -> Report<'_> {
    let files = loaded.iter().map(|(file, loaded)| FileReport {
        file: file.clone(),
        valid: loaded.network.is_some(),
        findings: loaded.findings.to_json(),
    });
    Report { files: files.collect() }
}

fn text(loaded: &[(String, Loaded)]) -> String {
    let colour = colour_on_stdout();
    loaded.iter().map(|(file, loaded)| format!("{}{file}: {}\n", loaded.findings.render(colour), summary(loaded))).collect()
}

/// How to learn more, once for all files; on stderr, as it is about the data and none itself.
fn more(loaded: &[(String, Loaded)]) -> String {
    let more: Vec<String> = loaded.iter().filter_map(|(_, loaded)| loaded.findings.more()).collect();
    match more.as_slice() {
        [] => String::new(),
        [one, rest @ ..] if rest.iter().all(|other| other == one) => one.clone(),
        _ => "for more about a code: causeway explain-code CODE\n".to_owned(),
    }
}

/// `valid`, `valid, 2 warnings`, `3 errors, 1 warning`.
fn summary(loaded: &Loaded) -> String {
    let count = |number: usize, what: &str| format!("{number} {what}{}", if number == 1 { "" } else { "s" });
    let mut parts = Vec::new();
    match loaded.findings.errors() {
        0 => parts.push("valid".to_owned()),
        errors => parts.push(count(errors, "error")),
    }
    if loaded.findings.warnings() > 0 {
        parts.push(count(loaded.findings.warnings(), "warning"));
    }
    parts.join(", ")
}
