//! The `causeway` command: one file per subcommand.

pub mod arguments;
pub mod check;
pub mod completions;
pub mod daemon;
pub mod dataplane;
pub mod exit;
pub mod explain;
pub mod explain_code;
pub mod lab;
pub mod man;
pub mod output;
pub mod read;
pub mod reload;
pub mod routes;
pub mod rules;
pub mod run;
pub mod schema;
pub mod serve;
pub mod status;
pub mod test;
pub mod trace;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use clap::Parser;

use crate::control::network_file::NetworkFile;
use crate::control::workers::Workers;
use crate::pipeline::{Capacity, Pipeline, Secrets};
use crate::policy::snapshot::Snapshot;
use crate::worker;
use arguments::{Arguments, Command};
pub use exit::Exit;
pub use output::{Format, Output};

/// Parses the command line, runs the command, and says how it ended. Usage errors exit with 2, `--help` with 0.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let output = Output::new(arguments.output);
    let timed = matches!(arguments.command, Command::Run(_));
    if let Command::Run(run) = &arguments.command
        && let Err(error) = run.prepare()
    {
        output::complain(&format!("cannot go into the background: {error}"));
        return Exit::Failure.into();
    }
    trace::to_stderr(arguments.verbose, timed);
    dispatch(arguments.command, output)
}

fn dispatch(command: Command, output: Output) -> ExitCode {
    match command {
        Command::Check(arguments) => check::run(&arguments, output).into(),
        Command::Run(arguments) => run_dataplane(&arguments).into(),
        Command::Explain(arguments) => explain::run(&arguments, output).into(),
        Command::ExplainCode(arguments) => explain_code::run(&arguments, output).into(),
        Command::Routes(arguments) => routes::run(&arguments, output).into(),
        Command::Test(arguments) => test::run(&arguments, output).into(),
        Command::Rules(arguments) => rules::run(&arguments, output).into(),
        Command::Lab(arguments) => lab::run(arguments, output),
        Command::Reload(arguments) => reload::run(&arguments, output).into(),
        Command::Status(arguments) => status::run(&arguments, output).into(),
        Command::Schema(arguments) => schema::run(&arguments).into(),
        Command::Completions(arguments) => completions::run(&arguments, output).into(),
        Command::Man(arguments) => man::run(&arguments, output).into(),
        Command::Serve(arguments) => serve::run(arguments),
    }
}

fn run_dataplane(arguments: &run::Arguments) -> Exit {
    let dataplane::DataplaneOptions { busy_poll, no_coalesce, workers, .. } = arguments.dataplane;
    run::run(arguments, NetworkFile::new(arguments.file.clone()), move |snapshot: Arc<Snapshot>| {
        let (pipelines, readers) = Pipeline::team(workers, &snapshot, Capacity::default(), Secrets::draw()?, Instant::now());
        let options = worker::Options { busy_poll, coalesce: !no_coalesce, ..worker::Options::default() };
        Workers::start(options, pipelines, readers, snapshot)
    })
}
