//! Data on stdout, as text or JSON. A reader who leaves (`causeway status | head`) ends the writing, silently.

use std::io::{self, ErrorKind, IsTerminal, Write};

use serde::Serialize;

use super::exit::Exit;

/// Version of every JSON document that causeway prints.
pub const SCHEMA_VERSION: u32 = 1;

/// How data is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs: one JSON document with `"schemaVersion": 1`.
    Json,
    /// For continuous integration: JUnit's XML. Only `causeway test` has it.
    #[value(skip)]
    Junit,
}

/// Where a command's data goes.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    /// How it is printed.
    pub format: Format,
}

impl Output {
    /// Output to stdout in this format.
    #[must_use]
    pub const fn new(format: Format) -> Self {
        Self { format }
    }

    /// Prints `document`: as JSON, with the schema version before its own fields, or as the text that `text` makes of it.
    /// Gives back `exit`, or [`Exit::Failure`] where stdout takes no more (a full disk; a closed pipe is no failure).
    pub fn print<T: Serialize>(self, document: &T, text: impl FnOnce(&T) -> String, exit: Exit) -> Exit {
        match self.format {
            Format::Text | Format::Junit => write_out(text(document).as_bytes(), exit),
            Format::Json => match versioned(document) {
                Ok(json) => write_out(json.as_bytes(), exit),
                Err(error) => {
                    complain(&format!("cannot write this as JSON: {error}"));
                    Exit::Failure
                }
            },
        }
    }
}

/// Writes data to stdout. A closed pipe is the reader's decision, not an error.
#[must_use]
pub fn write_out(data: &[u8], exit: Exit) -> Exit {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(data).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            complain(&format!("cannot write to stdout: {error}"));
            Exit::Failure
        }
        _ => exit,
    }
}

/// Writes text for people to stderr, as it is. Where stderr takes nothing there is nobody to tell.
pub fn write_error(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// Says on stderr what is wrong, the way that usage errors are said: `error: TEXT`.
pub fn complain(text: &str) {
    write_error(&format!("error: {}\n", text.trim_end()));
}

/// A document with its version in front.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Versioned<'a, T> {
    schema_version: u32,
    #[serde(flatten)]
    document: &'a T,
}

/// `document`, an object, as JSON with `schemaVersion` first and its own fields in their order, ended by a newline.
///
/// # Errors
/// A value that JSON cannot hold, or one that is no object.
pub fn versioned<T: Serialize>(document: &T) -> serde_json::Result<String> {
    Ok(serde_json::to_string_pretty(&Versioned { schema_version: SCHEMA_VERSION, document })? + "\n")
}

/// Whether stdout takes colour: a terminal, and `NO_COLOR` is not set.
#[must_use]
pub fn colour_on_stdout() -> bool {
    io::stdout().is_terminal() && colour_wanted()
}

/// Whether the user lets us use colour at all: `NO_COLOR` unset or empty (<https://no-color.org>).
#[must_use]
pub fn colour_wanted() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Answer {
        verdict: &'static str,
        reason: &'static str,
    }

    #[test]
    fn json_carries_the_schema_version_and_then_the_fields_in_their_order() {
        let json = versioned(&Answer { verdict: "Allow", reason: "forwarded" }).unwrap();
        assert_eq!(json, "{\n  \"schemaVersion\": 1,\n  \"verdict\": \"Allow\",\n  \"reason\": \"forwarded\"\n}\n");
        assert!(versioned(&[1, 2]).is_err());
    }
}
