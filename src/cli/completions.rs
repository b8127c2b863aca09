//! `causeway completions SHELL`.

use clap::CommandFactory;
use clap_complete::Shell;

use super::{Exit, Output, output};

const EXAMPLE: &str = "\
Example:
  causeway completions bash > /etc/bash_completion.d/causeway";

/// Arguments of `causeway completions`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLE)]
pub struct Arguments {
    /// The shell.
    #[arg(value_enum)]
    pub shell: Shell,
}

/// Prints the script. It is a script whatever `-o` says.
#[must_use]
pub fn run(arguments: &Arguments, _: Output) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut super::arguments::Arguments::command(), "causeway", &mut script);
    output::write_out(&script, Exit::Success)
}
