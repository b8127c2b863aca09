//! Results for people: a line a scenario, and below it what is not as expected.

use serde_json::Value as Json;

use crate::scenario::report::{Deviation, Played, Report, Verdict};

/// The scenarios by file, and how many ended how.
pub(super) fn render(report: &Report, colour: bool) -> String {
    let mut text = String::new();
    let mut file = "";
    for played in &report.scenarios {
        if played.file != file {
            let before = if file.is_empty() { "" } else { "\n" };
            text.push_str(&format!("{before}{}\n", played.file));
            file = &played.file;
        }
        text.push_str(&scenario(played, colour));
    }
    text.push_str(&format!("\n{}\n", summary(report)));
    text
}

fn scenario(played: &Played, colour: bool) -> String {
    let (sign, style) = match played.result {
        Verdict::Passed => ("✓", "32"),
        Verdict::Failed => ("✗", "1;31"),
        Verdict::Undetermined => ("?", "1;33"),
        Verdict::Skipped => ("-", "33"),
    };
    let sign = if colour { format!("\u{1b}[{style}m{sign}\u{1b}[0m") } else { sign.to_owned() };
    let why = played.reason.as_ref().map(|reason| format!(" (skipped: {})", printable(reason))).unwrap_or_default();
    let mut text = format!("  {sign} {}{why}\n", printable(&played.name));
    if let (Verdict::Undetermined, Some(hint)) = (played.result, played.answer.get("hint").and_then(Json::as_str)) {
        text.push_str(&format!("      undetermined: {}\n", printable(hint)));
    }
    played.differences.iter().for_each(|difference| text.push_str(&deviation(difference)));
    if matches!(played.result, Verdict::Failed | Verdict::Undetermined) {
        text.push_str(&format!("      ask alone: {}\n", printable(&played.again)));
    }
    text
}

/// `FILE:LINE:COL: FIELD: expected A, got B`
pub(super) fn deviation(difference: &Deviation) -> String {
    let Deviation { field, at, expected, actual } = difference;
    printable(&format!("      {at}: {field}: expected {}, got {}", value(expected), value(actual))) + "\n"
}

fn value(json: &Json) -> String {
    json.as_str().map_or_else(|| json.to_string(), str::to_owned)
}

/// Control characters, which could steer a terminal, as escapes.
fn printable(text: &str) -> String {
    text.chars().flat_map(|letter| if letter.is_control() { letter.escape_default().collect() } else { vec![letter] }).collect()
}

/// `4 passed, 1 failed, 0 skipped`
pub(super) fn summary(report: &Report) -> String {
    let Report { passed, failed, skipped, undetermined, .. } = report;
    let undetermined = if *undetermined > 0 { format!(", {undetermined} undetermined") } else { String::new() };
    format!("{passed} passed, {failed} failed, {skipped} skipped{undetermined}")
}
