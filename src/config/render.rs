//! Findings as text for people and as JSON for programs.

use std::fmt::Write as _;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde::Serialize;

use super::finding::{Finding, Findings, Severity, Span};

/// Most characters of a line that are shown; longer lines are cut around the place.
const SHOWN: usize = 120;

/// A finding as `-o json` prints it.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
pub struct FindingJson<'a> {
    /// Path as the user gave it.
    pub file: &'a str,
    /// From 1; 0 where the whole file is meant.
    pub line: u32,
    /// From 1, in characters; 0 where the whole file is meant.
    pub column: u32,
    /// `error` or `warning`.
    pub severity: &'static str,
    /// Stable code.
    pub code: &'static str,
    /// One sentence.
    pub message: &'a str,
    /// What to do about it.
    pub hint: Option<&'a str>,
}

impl Findings {
    /// All findings for people: `file:line:col: error[CODE]: text`, the line with a marker, and a hint.
    #[must_use]
    pub fn render(&self, color: bool) -> String {
        let lines: Vec<Vec<&str>> = self.files().iter().map(|file| file.text.lines().collect()).collect();
        let mut text = String::new();
        for finding in self.iter() {
            let lines = lines.get(finding.file).map_or(&[][..], Vec::as_slice);
            render_finding(&mut text, self, finding, lines, color);
        }
        text
    }

    /// All findings for programs.
    #[must_use]
    pub fn to_json(&self) -> Vec<FindingJson<'_>> {
        self.iter().map(|finding| json(self, finding)).collect()
    }
}

fn json<'a>(findings: &'a Findings, finding: &'a Finding) -> FindingJson<'a> {
    let (file, place) = findings.place(finding);
    FindingJson {
        file,
        line: place.line,
        column: place.column,
        severity: finding.severity().as_str(),
        code: finding.code.as_str(),
        message: &finding.message,
        hint: finding.hint.as_deref(),
    }
}

fn render_finding(text: &mut String, findings: &Findings, finding: &Finding, lines: &[&str], color: bool) {
    let (file, place) = findings.place(finding);
    let at = if place.line == 0 { file.to_owned() } else { format!("{file}:{}:{}", place.line, place.column) };
    let severity = paint(finding.severity(), &format!("{}[{}]", finding.severity().as_str(), finding.code.as_str()), color);
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{at}: {severity}: {}", printable(&finding.message));
    if let Some(shown) = show(finding.span, finding.severity(), None, lines, color) {
        let _ = writeln!(text, "{shown}");
    }
    if let Some((span, what)) = &finding.related {
        let _ = writeln!(text, "{file}:{}:{}: note: {what}", span.start.line, span.start.column);
    }
    if let Some(hint) = &finding.hint {
        let _ = writeln!(text, "hint: {}", printable(hint));
    }
}

fn paint(severity: Severity, text: &str, color: bool) -> String {
    match (color, severity) {
        (false, _) => text.to_owned(),
        (true, Severity::Error) => format!("\u{1b}[1;31m{text}\u{1b}[0m"),
        (true, Severity::Warning) => format!("\u{1b}[1;33m{text}\u{1b}[0m"),
    }
}

/// Control characters, which could steer a terminal, as escapes.
fn printable(text: &str) -> String {
    text.chars().flat_map(|letter| if letter.is_control() { letter.escape_default().collect() } else { vec![letter] }).collect()
}

/// The line with a marker under the place.
fn show(span: Span, severity: Severity, label: Option<&str>, lines: &[&str], color: bool) -> Option<String> {
    let number = usize::try_from(span.start.line).ok()?;
    let line = lines.get(number.checked_sub(1)?)?;
    let (window, start, end) = cut(line, span);
    let level = if severity == Severity::Error { Level::ERROR } else { Level::WARNING };
    let annotation = AnnotationKind::Primary.span(start..end).label(label);
    let snippet = Snippet::source(window.as_str()).line_start(number).annotation(annotation);
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    Some(renderer.term_width(SHOWN + 20).render(&[Group::with_level(level).element(snippet)]))
}

/// The part of the line around the place, and the marked bytes in it.
fn cut(line: &str, span: Span) -> (String, usize, usize) {
    let letters: Vec<char> = line.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    let column = usize::try_from(span.start.column).unwrap_or(usize::MAX).saturating_sub(1).min(letters.len());
    let end = if span.end.line == span.start.line {
        usize::try_from(span.end.column).unwrap_or(usize::MAX).saturating_sub(1)
    } else {
        letters.len()
    };
    let end = end.clamp(column, letters.len());
    let first = if letters.len() > SHOWN { column.saturating_sub(SHOWN / 2).min(letters.len() - SHOWN) } else { 0 };
    let last = (first + SHOWN).min(letters.len());
    let mut window: String = letters.iter().take(last).skip(first).collect();
    let bytes = |upto: usize| letters.iter().take(upto.min(last)).skip(first).map(|letter| letter.len_utf8()).sum::<usize>();
    let (mut start, mut stop) = (bytes(column), bytes(end));
    if first > 0 {
        window.insert(0, '…');
        (start, stop) = (start + '…'.len_utf8(), stop + '…'.len_utf8());
    }
    if last < letters.len() {
        window.push('…');
    }
    (window, start, stop)
}
