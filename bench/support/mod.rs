//! What the benchmarks of access lists and their tests share: files, rule sets and headers made from a seed, and the plain scan.
#![allow(dead_code, reason = "each target that includes this uses a part of it")]

#[allow(unreachable_pub, clippy::unwrap_used, reason = "a module of a test, shared")]
#[path = "../../tests/oracle/dice.rs"]
pub(crate) mod dice;
pub(crate) mod filter_file;
pub(crate) mod generate;
pub(crate) mod headers;
pub(crate) mod scan;
pub(crate) mod trace_file;

/// What is wrong with a line of a file.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub(crate) struct BadLine {
    /// The line, the first being 1.
    pub(crate) line: usize,
    /// What is wrong with it.
    pub(crate) what: String,
}

/// Parses every line that says something; `#` starts a comment.
fn each_line<T>(text: &str, parse: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>, BadLine> {
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    let said = lines.enumerate().filter(|(_, line)| !line.is_empty());
    said.map(|(index, line)| parse(line).map_err(|what| BadLine { line: index + 1, what })).collect()
}
