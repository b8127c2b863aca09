//! `causeway explain-code`: the page of a code.

use std::fmt::Write as _;

use serde::Serialize;

use super::{Exit, Output, output};
use crate::config::code::Code;
use crate::config::nearest::did_you_mean;

const EXAMPLE: &str = "\
Examples:
  causeway explain-code no-se-on-subnet
  causeway explain-code -o json | jq '.codes[].code'";

/// Arguments of `causeway explain-code`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_long_help = EXAMPLE)]
pub struct Arguments {
    /// The code, as findings and hints print it; case and hyphens do not matter. Without it, all codes are listed.
    #[arg(value_name = "CODE")]
    pub code: Option<String>,
}

/// A code, as `-o json` prints it.
#[derive(Serialize)]
struct Entry {
    code: &'static str,
    severity: &'static str,
    explanation: &'static str,
}

/// A code with its page.
#[derive(Serialize)]
struct Page {
    #[serde(flatten)]
    entry: Entry,
    /// Markdown.
    page: &'static str,
}

#[derive(Serialize)]
struct List {
    codes: Vec<Entry>,
}

/// Prints a page, or the list of all codes.
#[must_use]
pub fn run(arguments: &Arguments, output: Output) -> Exit {
    let Some(wanted) = &arguments.code else {
        let codes = Code::ALL.iter().map(|code| entry(*code)).collect();
        return output.print(&List { codes }, |list| text(&list.codes), Exit::Success);
    };
    let Some(code) = find(wanted) else {
        output::complain(&format!("there is no code `{wanted}`: {}", nearest(&spelled(wanted))));
        return Exit::Usage;
    };
    output.print(&Page { entry: entry(code), page: code.page() }, |page| format!("{}\n", page.page.trim_end()), Exit::Success)
}

fn entry(code: Code) -> Entry {
    Entry { code: code.as_str(), severity: code.severity().as_str(), explanation: code.explanation() }
}

/// A code as it could be meant: `error[no-se-on-subnet]` too.
fn spelled(text: &str) -> String {
    let inner = text.split_once('[').map_or(text, |(_, rest)| rest.trim_end_matches(']'));
    inner.trim().to_ascii_uppercase().replace(['-', ' '], "_")
}

fn find(text: &str) -> Option<Code> {
    let spelled = spelled(text);
    Code::ALL.iter().copied().find(|code| code.as_str() == spelled)
}

/// A slip of the pen, or the part of a code that somebody remembers.
fn nearest(spelled: &str) -> String {
    let codes = || Code::ALL.iter().map(|code| code.as_str());
    let part = || codes().find(|code| !spelled.is_empty() && code.contains(spelled)).map(|code| format!("did you mean `{code}`?"));
    did_you_mean(spelled, codes()).or_else(part).unwrap_or_else(|| "`causeway explain-code` lists them".to_owned())
}

fn text(codes: &[Entry]) -> String {
    let width = codes.iter().map(|entry| entry.code.len()).max().unwrap_or_default();
    let mut text = String::new();
    for entry in codes {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{:width$}  {:7}  {}", entry.code, entry.severity, entry.explanation);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_hyphens_and_brackets_do_not_matter() {
        for text in ["NO_SE_ON_SUBNET", "no-se-on-subnet", "No_Se-On_Subnet", "warning[NO_SE_ON_SUBNET]"] {
            assert_eq!(find(text).map(Code::as_str), Some("NO_SE_ON_SUBNET"), "{text}");
        }
        assert_eq!(find("NO_SE"), None);
        assert_eq!(nearest("NO_SE"), "did you mean `NO_SE_ON_SUBNET`?");
    }
}
