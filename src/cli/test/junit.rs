//! Results as JUnit's XML: a suite a scenario file, a case a scenario.

use std::borrow::Cow;
use std::io;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use super::text::deviation;
use crate::scenario::report::{Played, Report, Verdict};

/// The whole document.
///
/// # Errors
/// None that memory would have.
pub(super) fn document(report: &Report) -> io::Result<Vec<u8>> {
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let suites: Vec<&[Played]> = report.scenarios.chunk_by(|one, next| one.file == next.file).collect();
    let all = counts(&report.scenarios);
    let attributes = all.iter().map(|(name, count)| (*name, count.as_str()));
    let root = writer.create_element("testsuites").with_attribute(("name", "causeway")).with_attributes(attributes);
    root.write_inner_content(|writer| suites.iter().try_for_each(|suite| write_suite(writer, suite)))?;
    let mut document = writer.into_inner();
    document.push(b'\n');
    Ok(document)
}

fn write_suite(writer: &mut Writer<Vec<u8>>, scenarios: &[Played]) -> io::Result<()> {
    let file = scenarios.first().map(|played| valid(&played.file)).unwrap_or_default();
    let counts = counts(scenarios);
    let attributes = counts.iter().map(|(name, count)| (*name, count.as_str()));
    let suite = writer.create_element("testsuite").with_attribute(("name", &*file)).with_attributes(attributes);
    suite.write_inner_content(|writer| scenarios.iter().try_for_each(|played| write_case(writer, played)))?;
    Ok(())
}

/// What consumers read: an undetermined answer is an error, neither a pass nor a difference.
fn counts(scenarios: &[Played]) -> [(&'static str, String); 4] {
    let count = |wanted: Verdict| scenarios.iter().filter(|played| played.result == wanted).count().to_string();
    [
        ("tests", scenarios.len().to_string()),
        ("failures", count(Verdict::Failed)),
        ("errors", count(Verdict::Undetermined)),
        ("skipped", count(Verdict::Skipped)),
    ]
}

fn write_case(writer: &mut Writer<Vec<u8>>, played: &Played) -> io::Result<()> {
    let (file, name, line) = (valid(&played.file), valid(&played.name), played.line.to_string());
    let case = writer.create_element("testcase").with_attributes([
        ("classname", &*file),
        ("name", &*name),
        ("file", &*file),
        ("line", line.as_str()),
    ]);
    let details: String = played.differences.iter().map(|difference| deviation(difference).trim_start().to_owned()).collect();
    match played.result {
        Verdict::Passed => case.write_empty()?,
        Verdict::Skipped => {
            let reason = valid(played.reason.as_deref().unwrap_or_default());
            case.write_inner_content(|writer| {
                writer.create_element("skipped").with_attribute(("message", &*reason)).write_empty().map(drop)
            })?
        }
        Verdict::Failed => case.write_inner_content(|writer| problem(writer, "failure", "not as expected", &details))?,
        Verdict::Undetermined => {
            let hint = played.answer.get("hint").and_then(serde_json::Value::as_str).unwrap_or("undetermined");
            case.write_inner_content(|writer| problem(writer, "error", hint, &details))?
        }
    };
    Ok(())
}

fn problem(writer: &mut Writer<Vec<u8>>, element: &str, message: &str, details: &str) -> io::Result<()> {
    let (message, details) = (valid(message), valid(details));
    let element = writer.create_element(element).with_attribute(("message", &*message));
    element.write_text_content(BytesText::new(&details)).map(drop)
}

/// Without the characters that XML cannot hold, not even escaped (<https://www.w3.org/TR/xml/#charsets>).
fn valid(text: &str) -> Cow<'_, str> {
    let allowed = |letter: char| matches!(letter, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..);
    if text.chars().all(allowed) { text.into() } else { text.chars().filter(|letter| allowed(*letter)).collect() }
}
