//! What is printed of a rule set.

use std::io::{self, Write};

use serde::Serialize;

use crate::latency::Latency;
use crate::measure::Spread;

/// One rule set's figures; its JSON is the line that programs read.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    /// Name of a set that was made here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) set: Option<String>,
    /// Rules as written.
    pub(crate) rules: usize,
    /// The median of the rounds.
    pub(crate) lookups_per_second: u64,
    /// Seconds that a build takes, the median of several.
    pub(crate) build_seconds: f64,
    /// Bytes that lookups use.
    pub(crate) table_bytes: usize,
    /// Answers that differ from those of the ordered scan.
    pub(crate) mismatches: usize,
    /// How long lookups take at worst, where asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) latency: Option<Latency>,
    /// The rounds.
    #[serde(skip)]
    pub(crate) rates: Spread,
    /// Headers that were looked up.
    #[serde(skip)]
    pub(crate) headers: usize,
}

impl Report {
    /// Prints it, for people or as JSON.
    ///
    /// # Errors
    /// The writer's.
    pub(crate) fn print(&self, json: bool, out: &mut impl Write) -> io::Result<()> {
        if json {
            serde_json::to_writer(&mut *out, self)?;
            writeln!(out)?;
        } else {
            self.print_row(out)?;
        }
        out.flush()
    }

    fn print_row(&self, out: &mut impl Write) -> io::Result<()> {
        let name = self.set.as_deref().unwrap_or("-");
        let rate = format!("{} ({} to {})", millions(self.rates.median), millions(self.rates.lowest), millions(self.rates.highest));
        writeln!(
            out,
            "{name:<16}{:>8}{:>9}{rate:>26}{:>12.2}{:>12.2}{:>8}",
            self.rules,
            self.headers,
            self.build_seconds * 1e3,
            self.table_bytes as f64 / 1e6,
            self.mismatches
        )?;
        self.latency.as_ref().map_or(Ok(()), |latency| writeln!(out, "{latency}"))
    }
}

/// The first line of the table.
///
/// # Errors
/// The writer's.
pub(crate) fn print_head(out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{:<16}{:>8}{:>9}{:>26}{:>12}{:>12}{:>8}", "set", "rules", "headers", "M lookups/s", "build ms", "table MB", "wrong")
}

fn millions(rate: f64) -> String {
    let millions = rate / 1e6;
    if millions < 1.0 { format!("{millions:.3}") } else { format!("{millions:.1}") }
}
