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
        let lines: Vec<Vec<Line<'_>>> = self.files().iter().map(|file| file.text.lines().map(Line::new).collect()).collect();
        let mut text = String::new();
        for finding in self.iter() {
            let lines = lines.get(finding.file).map_or(&[][..], Vec::as_slice);
            render_finding(&mut text, self, finding, lines, color);
        }
        text
    }

    /// How to learn more about what was found; nothing where nothing was.
    #[must_use]
    pub fn more(&self) -> Option<String> {
        let first = self.iter().next()?.code;
        let code = if self.iter().all(|finding| finding.code == first) { first.as_str() } else { "CODE" };
        Some(format!("for more about a code: causeway explain-code {code}\n"))
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

fn render_finding(text: &mut String, findings: &Findings, finding: &Finding, lines: &[Line<'_>], color: bool) {
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
fn show(span: Span, severity: Severity, label: Option<&str>, lines: &[Line<'_>], color: bool) -> Option<String> {
    let number = usize::try_from(span.start.line).ok()?;
    let line = lines.get(number.checked_sub(1)?)?;
    let (window, start, end) = cut(*line, span);
    let level = if severity == Severity::Error { Level::ERROR } else { Level::WARNING };
    let annotation = AnnotationKind::Primary.span(start..end).label(label);
    let snippet = Snippet::source(window.as_str()).line_start(number).annotation(annotation);
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    Some(renderer.term_width(SHOWN + 20).render(&[Group::with_level(level).element(snippet)]))
}

/// A line of a file. A file may be one line of 64 MiB with many findings: in ASCII their places are found without
/// counting characters from its start each time.
#[derive(Clone, Copy)]
struct Line<'a> {
    text: &'a str,
    ascii: bool,
}

impl<'a> Line<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, ascii: text.is_ascii() }
    }

    /// Its characters.
    fn len(self) -> usize {
        if self.ascii { self.text.len() } else { self.text.chars().count() }
    }

    /// The characters from `first` up to `last`, blanks for control characters.
    fn window(self, first: usize, last: usize) -> Vec<char> {
        let (text, first, last) = match self.text.get(first..last) {
            Some(window) if self.ascii => (window, 0, last - first),
            _ => (self.text, first, last),
        };
        text.chars().take(last).skip(first).map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
    }
}

/// The part of the line around the place, and the marked bytes in it.
fn cut(line: Line<'_>, span: Span) -> (String, usize, usize) {
    let length = line.len();
    let column = usize::try_from(span.start.column).unwrap_or(usize::MAX).saturating_sub(1).min(length);
    let end =
        if span.end.line == span.start.line { usize::try_from(span.end.column).unwrap_or(usize::MAX).saturating_sub(1) } else { length };
    let end = end.clamp(column, length);
    let first = if length > SHOWN { column.saturating_sub(SHOWN / 2).min(length - SHOWN) } else { 0 };
    let last = (first + SHOWN).min(length);
    let letters = line.window(first, last);
    let mut window: String = letters.iter().collect();
    let bytes = |upto: usize| letters.iter().take(upto.min(last).saturating_sub(first)).map(|letter| letter.len_utf8()).sum::<usize>();
    let (mut start, mut stop) = (bytes(column), bytes(end));
    if first > 0 {
        window.insert(0, '…');
        (start, stop) = (start + '…'.len_utf8(), stop + '…'.len_utf8());
    }
    if last < length {
        window.push('…');
    }
    (window, start, stop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::position::Position;

    fn cut_at(text: &str, from: u32, to: u32) -> (String, String) {
        let place = |column| Position { line: 1, column };
        let (window, start, end) = cut(Line::new(text), Span { start: place(from), end: place(to) });
        let marked = window.get(start..end).unwrap_or_default().to_owned();
        (window, marked)
    }

    #[test]
    fn a_long_line_is_cut_around_the_place_in_ascii_and_beyond() {
        for filler in ["a", "é"] {
            let text = format!("{}HERE{}", filler.repeat(1_000), filler.repeat(1_000));
            let side = filler.repeat(SHOWN / 2);
            let expected = format!("…{side}HERE{}…", filler.repeat(SHOWN / 2 - 4));
            assert_eq!(cut_at(&text, 1_001, 1_005), (expected, "HERE".to_owned()));
        }
    }

    #[test]
    fn a_short_line_is_shown_whole_with_blanks_for_control_characters() {
        assert_eq!(cut_at("a\tb: é!", 3, 4), ("a b: é!".to_owned(), "b".to_owned()));
        assert_eq!(cut_at("a: é!", 4, 9), ("a: é!".to_owned(), "é!".to_owned()));
        assert_eq!(cut_at("", 1, 1), (String::new(), String::new()));
    }
}
