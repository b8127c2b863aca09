//! `causeway schema`: the JSON Schema of the network file, and of scenario files.

use super::{Exit, output};
use crate::config::load;
use crate::scenario::suite;

/// Arguments of `causeway schema`.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Arguments {
    /// The schema of scenario files, which `causeway test` takes.
    #[arg(long)]
    pub scenarios: bool,
}

/// Prints the schema.
#[must_use]
pub fn run(arguments: &Arguments) -> Exit {
    let schema = if arguments.scenarios { suite::schema() } else { load::schema() };
    match serde_json::to_string_pretty(&schema) {
        Ok(text) => output::write_out(format!("{text}\n").as_bytes(), Exit::Success),
        Err(error) => {
            output::complain(&format!("cannot write this as JSON: {error}"));
            Exit::Failure
        }
    }
}
