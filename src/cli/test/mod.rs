//! `causeway test`: scenario files, as questions to the policy or with real packets.

mod junit;
mod text;

use std::io::IsTerminal;
use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use super::dataplane::workers;
use super::lab::{announce, stop_on_signals};
use super::{Exit, Format, Output, output};
use crate::control::background::close_inherited;
use crate::lab::{LabError, Places};
use crate::scenario::asked;
use crate::scenario::packets::{self, Director};
use crate::scenario::report::Report;
use crate::scenario::suite::{Case, Wrong, load};

const EXAMPLE: &str = "\
Example:
  causeway test configs/quickstart.yaml configs/quickstart.scenarios.yaml

Exit status:
  0  every scenario came out as expected
  1  something did not, or a file is wrong
  2  wrong usage
  3  nothing failed, but a packet met something that causeway does not model";

/// Arguments of `causeway test`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_long_help = EXAMPLE)]
pub struct Arguments {
    /// The network file that scenarios are about which name no other.
    pub file: PathBuf,
    /// Scenario files, played in this order.
    #[arg(value_name = "SCENARIO", required = true)]
    pub scenarios: Vec<PathBuf>,
    /// How scenarios are played.
    #[arg(long, value_enum, default_value = "explain")]
    pub mode: ModeArgument,
    /// Play only scenarios whose name holds this text, in any case.
    #[arg(long, value_name = "TEXT")]
    pub filter: Option<String>,
    /// With packets: do not start the hosts' `run` commands.
    #[arg(long)]
    pub no_run: bool,
    /// With packets: worker threads of the dataplane, 1 to 64.
    #[arg(long, value_name = "N", default_value = "1", value_parser = workers)]
    pub workers: u16,
    /// Print the results as text, as JSON, or as JUnit's XML.
    // The option that all commands have, with one format more.
    #[arg(id = "output", short, long, value_name = "FORMAT", default_value = "text", value_parser = formats())]
    pub output: Format,
}

/// How scenarios are played.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum ModeArgument {
    /// As questions to the policy.
    Explain,
    /// With real packets, in the lab (as root).
    Packets,
}

fn formats() -> impl TypedValueParser<Value = Format> {
    let value = |name, help| PossibleValue::new(name).help(help);
    let values = [
        value("text", "For people"),
        value("json", "For programs: one JSON document with `\"schemaVersion\": 1`"),
        value("junit", "For continuous integration: JUnit's XML"),
    ];
    PossibleValuesParser::new(values).map(|name| match name.as_str() {
        "json" => Format::Json,
        "junit" => Format::Junit,
        _ => Format::Text,
    })
}

/// Plays the scenarios and prints what came of them.
#[must_use]
pub fn run(arguments: &Arguments, output: Output) -> Exit {
    if arguments.mode == ModeArgument::Packets
        && let Err(error) = close_inherited()
    {
        // Before anything of our own is open: what is started from here holds none of the caller's descriptors.
        output::complain(&format!("/proc/self/fd: {error}"));
        return Exit::Failure;
    }
    let cases = match load(&arguments.file, &arguments.scenarios) {
        Ok(cases) => cases,
        Err(wrong) => return refuse(&wrong),
    };
    let cases: Vec<Case> = cases.into_iter().filter(|case| chosen(case, arguments.filter.as_deref())).collect();
    if let (true, Some(filter)) = (cases.is_empty(), &arguments.filter) {
        output::complain(&format!("no scenario's name holds `{filter}`"));
        return Exit::Usage;
    }
    let report = match arguments.mode {
        ModeArgument::Explain => Ok(in_words(&cases)),
        ModeArgument::Packets => with_packets(&cases, arguments, output),
    };
    match report {
        Ok(report) => print(&report, output),
        Err(error) => {
            output::complain(&error.to_string());
            Exit::Failure
        }
    }
}

fn in_words(cases: &[Case]) -> Report {
    let mut report = Report::default();
    cases.iter().for_each(|case| report.add(asked::play(case)));
    report
}

fn with_packets(cases: &[Case], arguments: &Arguments, output: Output) -> Result<Report, LabError> {
    let places = Places::default();
    let director = Director {
        places: &places,
        start_commands: !arguments.no_run,
        workers: arguments.workers,
        announce: &|host, command| announce(output.format, host, command),
        stop: stop_on_signals()?,
    };
    packets::play(cases, &director)
}

fn print(report: &Report, output: Output) -> Exit {
    let exit = exit_of(report);
    match output.format {
        Format::Junit => match junit::document(report) {
            Ok(document) => output::write_out(&document, exit),
            Err(error) => {
                output::complain(&format!("cannot write this as XML: {error}"));
                Exit::Failure
            }
        },
        Format::Text | Format::Json => output.print(report, |report| text::render(report, output::colour_on_stdout()), exit),
    }
}

const fn exit_of(report: &Report) -> Exit {
    match report {
        Report { failed: 0, undetermined: 0, .. } => Exit::Success,
        Report { failed: 0, .. } => Exit::Undetermined,
        Report { .. } => Exit::Failure,
    }
}

fn chosen(case: &Case, filter: Option<&str>) -> bool {
    filter.is_none_or(|text| case.name.to_lowercase().contains(&text.to_lowercase()))
}

fn refuse(wrong: &Wrong) -> Exit {
    let colour = std::io::stderr().is_terminal() && output::colour_wanted();
    wrong.findings.iter().for_each(|findings| output::write_error(&findings.render(colour)));
    wrong.too_large.iter().for_each(|text| output::complain(text));
    Exit::Failure
}

#[cfg(test)]
mod tests;
