//! An expectation beside an answer: what differs, and what the answer does not show.

use serde_json::Value as Json;

use super::expectation::{Expectation, Value, Wanted};
use crate::config::finding::Span;

/// What an answer says where it lacks a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lacking {
    /// There is no such thing: null. The policy's answers are complete.
    IsNull,
    /// Nothing: packets do not show everything.
    IsUnknown,
}

/// A field that is not as expected.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// Its path, such as `seenAs.address`.
    pub field: String,
    /// Where the expectation stands.
    pub span: Span,
    /// What was expected, as it was written.
    pub expected: Json,
    /// What came out.
    pub actual: Json,
}

/// What came of a comparison.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Comparison {
    /// Fields that are not as expected, in the order of the expectation.
    pub differences: Vec<Difference>,
    /// Paths of fields that the answer says nothing about.
    pub not_shown: Vec<String>,
    /// How many fields were as expected.
    pub matched: usize,
    /// An answer that says what it says differs.
    pub failed: bool,
    /// The packet met something that is not modelled, and nobody expected it to.
    pub undetermined: bool,
}

impl Comparison {
    /// Compares `answer`, an object, with what is expected of it; paths begin with `before`.
    #[must_use]
    pub fn of(expectation: &Expectation, answer: &Json, lacking: Lacking, before: &str) -> Self {
        let mut comparison = Self::default();
        comparison.object(expectation, answer, lacking, before);
        let expected = expectation.get("verdict").is_some_and(|verdict| verdict.is("Undetermined"));
        comparison.undetermined = !expected && answer.get("verdict").and_then(Json::as_str) == Some("Undetermined");
        comparison.failed = !comparison.undetermined && !comparison.differences.is_empty();
        comparison
    }

    /// A single field that differs.
    #[must_use]
    pub fn differing(field: String, span: Span, expected: Json, actual: Json) -> Self {
        Self { differences: vec![Difference { field, span, expected, actual }], failed: true, ..Self::default() }
    }

    fn object(&mut self, expectation: &Expectation, answer: &Json, lacking: Lacking, before: &str) {
        for wanted in &expectation.0 {
            let path = format!("{before}{}", wanted.field);
            match (actual(wanted, answer), lacking) {
                (None, Lacking::IsUnknown) => self.not_shown.push(path),
                (None, Lacking::IsNull) => self.field(wanted, &Json::Null, lacking, path),
                (Some(actual), _) => self.field(wanted, &actual, lacking, path),
            }
        }
    }

    fn field(&mut self, wanted: &Wanted, actual: &Json, lacking: Lacking, path: String) {
        match &wanted.value {
            Value::Object(inner) if actual.is_object() => self.object(inner, actual, lacking, &format!("{path}.")),
            Value::Steps(steps) if actual.is_array() => self.steps(steps, actual, &path),
            value if matches(value, actual) => self.matched += 1,
            value => self.differ(path, wanted.span, value.to_json(), actual.clone()),
        }
    }

    /// Each step must occur behind the one before it. Of one that does not, the steps of its stage are shown.
    fn steps(&mut self, wanted: &[(Span, Expectation)], actual: &Json, path: &str) {
        let mut rest = actual.as_array().map_or(&[][..], Vec::as_slice);
        for (index, (span, step)) in wanted.iter().enumerate() {
            if let Some(at) = rest.iter().position(|candidate| holds(step, candidate)) {
                rest = rest.get(at + 1..).unwrap_or_default();
                self.matched += 1;
            } else {
                self.differ(format!("{path}[{index}]"), *span, step.to_json(), candidates(step, rest));
            }
        }
    }

    fn differ(&mut self, field: String, span: Span, expected: Json, actual: Json) {
        self.differences.push(Difference { field, span, expected, actual });
    }

    /// Adds what another comparison found.
    pub fn extend(&mut self, other: Self) {
        self.differences.extend(other.differences);
        self.not_shown.extend(other.not_shown);
        self.matched += other.matched;
        self.failed |= other.failed;
        self.undetermined |= other.undetermined;
    }
}

/// The value of the expected field; `VNET/SUBNET` stands for a subnet with its network.
fn actual(wanted: &Wanted, answer: &Json) -> Option<Json> {
    let own = answer.get(wanted.field)?;
    match (&wanted.value, own.as_str(), answer.get("virtualNetwork").and_then(Json::as_str)) {
        (Value::Subnet(text), Some(subnet), Some(network)) if text.contains('/') => Some(format!("{network}/{subnet}").into()),
        _ => Some(own.clone()),
    }
}

fn holds(step: &Expectation, actual: &Json) -> bool {
    Comparison::of(step, actual, Lacking::IsNull, "").differences.is_empty()
}

/// What may have been meant: the steps of the same stage, or all where no stage is named.
fn candidates(step: &Expectation, actual: &[Json]) -> Json {
    let same_stage = |candidate: &&Json| {
        let stage = candidate.get("stage").and_then(Json::as_str).unwrap_or_default();
        step.get("stage").is_none_or(|wanted| wanted.is(stage))
    };
    actual.iter().filter(same_stage).cloned().collect()
}

fn matches(value: &Value, actual: &Json) -> bool {
    let text = actual.as_str();
    match value {
        Value::Null => actual.is_null(),
        Value::Text(wanted) | Value::Subnet(wanted) => text.is_some_and(|text| text.eq_ignore_ascii_case(wanted)),
        Value::Part(wanted) => text.is_some_and(|text| text.to_lowercase().contains(&wanted.to_lowercase())),
        Value::Address(wanted) => text.and_then(|text| text.parse().ok()) == Some(*wanted),
        Value::Place(wanted) => text.is_some_and(|text| is_place(wanted, text)),
        Value::Object(_) | Value::Steps(_) => false,
    }
}

/// `quickstart.yaml:31`, `quickstart.yaml:31:9` and `configs/quickstart.yaml:31:9` all are `configs/quickstart.yaml:31:9`.
fn is_place(wanted: &str, place: &str) -> bool {
    let without_column = place.rsplit_once(':').map_or(place, |(line, _)| line);
    [place, without_column]
        .into_iter()
        .any(|place| place == wanted || place.strip_suffix(wanted).is_some_and(|folders| folders.ends_with('/')))
}

#[cfg(test)]
#[path = "compare_tests.rs"]
mod tests;
