//! What is printed about results, good and bad.

use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::{Value as Json, json};

use super::*;
use crate::scenario::report::{Deviation, Mode, Played, Verdict};

fn played(name: &str, result: Verdict) -> Played {
    let differences = if result == Verdict::Failed {
        vec![Deviation { field: "verdict".into(), at: "s.yaml:5:7".into(), expected: json!("Deny"), actual: json!("Allow") }]
    } else {
        Vec::new()
    };
    Played {
        name: name.to_owned(),
        file: "s.yaml".to_owned(),
        line: 2,
        mode: Mode::Explain,
        result,
        reason: (result == Verdict::Skipped).then(|| "no <host>".to_owned()),
        differences,
        not_shown: Vec::new(),
        answer: json!({ "verdict": "Allow", "hint": "causeway does not model this & that" }),
        then: Vec::new(),
        again: "causeway explain net.yaml --from a --to b".to_owned(),
    }
}

fn report() -> Report {
    let mut report = Report::default();
    report.add(played("all & well", Verdict::Passed));
    report.add(played("a \"wrong\" one\u{1}\u{1b}[31m", Verdict::Failed));
    report.add(played("unknown ]]>", Verdict::Undetermined));
    report.add(played("left out", Verdict::Skipped));
    report
}

/// Elements with their attributes, as a parser reads them.
fn elements(document: &[u8]) -> Vec<(String, Vec<(String, String)>)> {
    let mut reader = Reader::from_reader(document);
    let mut found = Vec::new();
    loop {
        match reader.read_event().unwrap() {
            Event::Start(element) | Event::Empty(element) => {
                let attributes = element.attributes().map(|attribute| {
                    let attribute = attribute.unwrap();
                    (String::from_utf8(attribute.key.0.to_vec()).unwrap(), attribute.unescape_value().unwrap().into_owned())
                });
                found.push((String::from_utf8(element.name().0.to_vec()).unwrap(), attributes.collect()));
            }
            Event::Eof => return found,
            _ => {}
        }
    }
}

#[test]
fn junit_is_well_formed_whatever_the_names_hold() {
    let document = junit::document(&report()).unwrap();
    let elements = elements(&document);
    let of =
        |element: &str| elements.iter().filter(|(name, _)| name == element).map(|(_, attributes)| attributes.clone()).collect::<Vec<_>>();
    let suite = &of("testsuite")[0];
    for (name, value) in [("name", "s.yaml"), ("tests", "4"), ("failures", "1"), ("errors", "1"), ("skipped", "1")] {
        assert!(suite.contains(&(name.to_owned(), value.to_owned())), "{name} in {suite:?}");
    }
    let names: Vec<String> = of("testcase").into_iter().map(|attributes| attributes[1].1.clone()).collect();
    assert_eq!(names, ["all & well", "a \"wrong\" one[31m", "unknown ]]>", "left out"]);
    assert_eq!(of("skipped")[0][0].1, "no <host>");
    assert_eq!(of("error")[0][0].1, "causeway does not model this & that");
    let text = String::from_utf8(document).unwrap();
    assert!(text.contains("s.yaml:5:7: verdict: expected Deny, got Allow"), "{text}");
}

#[test]
fn the_text_has_a_line_a_scenario_and_the_differences_below() {
    let text = text::render(&report(), false);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines,
        [
            "s.yaml",
            "  ✓ all & well",
            "  ✗ a \"wrong\" one\\u{1}\\u{1b}[31m",
            "      s.yaml:5:7: verdict: expected Deny, got Allow",
            "      ask alone: causeway explain net.yaml --from a --to b",
            "  ? unknown ]]>",
            "      undetermined: causeway does not model this & that",
            "      ask alone: causeway explain net.yaml --from a --to b",
            "  - left out (skipped: no <host>)",
            "",
            "1 passed, 1 failed, 1 skipped, 1 undetermined",
        ]
    );
}

#[test]
fn a_failure_outweighs_what_is_undetermined() {
    let mut report = Report::default();
    report.add(played("left out", Verdict::Skipped));
    assert_eq!(exit_of(&report), Exit::Success);
    report.add(played("unknown", Verdict::Undetermined));
    assert_eq!(exit_of(&report), Exit::Undetermined);
    report.add(played("wrong", Verdict::Failed));
    assert_eq!(exit_of(&report), Exit::Failure);
}

#[test]
fn the_json_counts_and_names_everything() {
    let json: Json = serde_json::from_str(&output::versioned(&report()).unwrap()).unwrap();
    assert_eq!((&json["schemaVersion"], &json["passed"], &json["failed"], &json["skipped"]), (&json!(1), &json!(1), &json!(1), &json!(1)));
    assert_eq!(json["scenarios"][1]["result"], "failed");
    assert_eq!(
        json["scenarios"][1]["differences"][0],
        json!({ "field": "verdict", "at": "s.yaml:5:7", "expected": "Deny", "actual": "Allow" })
    );
    assert_eq!(json["scenarios"][3]["reason"], "no <host>");
}
