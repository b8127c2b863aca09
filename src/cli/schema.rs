//! `causeway schema`: the JSON Schema of the network file.

use super::{Exit, output};
use crate::config::load::schema;

/// Prints the schema.
#[must_use]
pub fn run() -> Exit {
    match serde_json::to_string_pretty(&schema()) {
        Ok(text) => output::write_out(format!("{text}\n").as_bytes(), Exit::Success),
        Err(error) => {
            output::complain(&format!("cannot write this as JSON: {error}"));
            Exit::Failure
        }
    }
}
