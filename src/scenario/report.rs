//! What came of a run of scenarios.

use serde::Serialize;
use serde_json::Value as Json;

use super::compare::{Comparison, Difference};
use super::established::Established;
use super::suite::Case;

/// How scenarios are played.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// As questions to the policy.
    #[default]
    Explain,
    /// With real packets in the lab.
    Packets,
}

/// How a scenario ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Everything was as expected.
    Passed,
    /// Something was not.
    Failed,
    /// The packet met something that is not modelled, which was not expected.
    Undetermined,
    /// It could not be played.
    Skipped,
}

/// A whole run.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// How many were as expected.
    pub passed: usize,
    /// How many were not.
    pub failed: usize,
    /// How many could not be played.
    pub skipped: usize,
    /// How many met something that is not modelled.
    pub undetermined: usize,
    /// All of them, in the order of the files.
    pub scenarios: Vec<Played>,
}

/// A scenario that was played, or why it was not.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Played {
    /// Its name.
    pub name: String,
    /// The scenario file, as the user gave its path.
    pub file: String,
    /// Where it begins there.
    pub line: u32,
    /// How it was played.
    pub mode: Mode,
    /// How it ended.
    pub result: Verdict,
    /// Why it was skipped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What is not as expected.
    pub differences: Vec<Deviation>,
    /// Expected fields that packets do not show.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_shown: Vec<String>,
    /// What came out, in the form of `explain -o json`; null where nothing was asked.
    pub answer: Json,
    /// What came out after each change.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub then: Vec<Aftermath>,
    /// How to ask the same question alone.
    #[serde(skip)]
    pub again: String,
}

/// What came out after a change of the network.
#[derive(Clone, Debug, Serialize)]
pub struct Aftermath {
    /// The network file that came into force.
    pub reload: String,
    /// What became of the open connection; null where nobody wanted to know.
    pub established: Option<Established>,
    /// What a new packet met; null where nothing was expected of it.
    pub answer: Json,
}

/// A difference as it is printed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Deviation {
    /// The field's path.
    pub field: String,
    /// `FILE:LINE:COL` of the expectation.
    pub at: String,
    /// What was expected.
    pub expected: Json,
    /// What came out.
    pub actual: Json,
}

impl Report {
    /// Adds a scenario.
    pub fn add(&mut self, played: Played) {
        *match played.result {
            Verdict::Passed => &mut self.passed,
            Verdict::Failed => &mut self.failed,
            Verdict::Undetermined => &mut self.undetermined,
            Verdict::Skipped => &mut self.skipped,
        } += 1;
        self.scenarios.push(played);
    }
}

impl Played {
    /// A scenario that could not be played.
    #[must_use]
    pub fn skipped(case: &Case, mode: Mode, reason: impl Into<String>) -> Self {
        Self {
            result: Verdict::Skipped,
            reason: Some(reason.into()),
            ..Self::judged(case, mode, Comparison::default(), Json::Null, Vec::new())
        }
    }

    /// A scenario that was played, and how it compares.
    #[must_use]
    pub fn judged(case: &Case, mode: Mode, comparison: Comparison, answer: Json, then: Vec<Aftermath>) -> Self {
        let result = match (comparison.failed, comparison.undetermined) {
            (true, _) => Verdict::Failed,
            (false, true) => Verdict::Undetermined,
            (false, false) => Verdict::Passed,
        };
        Self {
            name: case.name.clone(),
            file: case.file.clone(),
            line: case.position.line,
            mode,
            result,
            reason: None,
            differences: comparison.differences.into_iter().map(|difference| deviation(case, difference)).collect(),
            not_shown: comparison.not_shown,
            answer,
            then,
            again: again(case),
        }
    }
}

fn deviation(case: &Case, difference: Difference) -> Deviation {
    let Difference { field, span, expected, actual } = difference;
    Deviation { field, at: case.at(span.start), expected, actual }
}

fn again(case: &Case) -> String {
    let words = &case.words;
    let mut command =
        format!("causeway explain {} --from {} --to {}", case.compiled.path.display(), quoted(&words.from), quoted(&words.to));
    if let Some(source) = words.source {
        command.push_str(&format!(" --source {source}"));
    }
    if case.fixed_source_port {
        command.push_str(&format!(" --source-port {}", words.source_port));
    }
    command
}

/// For a shell: brackets of IPv6 addresses are patterns there.
fn quoted(word: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "/.:_-".contains(letter);
    if word.chars().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}
