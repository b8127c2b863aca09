//! YAML text → a tree of nodes that know their place.
//!
//! Scalars keep their raw text: what `80`, `"80"`, `0x50` or `yes` mean is decided by the type of the property that they
//! are given for (`model`), by YAML 1.2's core schema. The format is bounded: no aliases, depth 64.

use std::collections::HashSet;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError};

use super::finding::{Code, Findings};
use crate::policy::position::Position;

/// How deep lists and mappings may be nested.
pub const MAXIMUM_DEPTH: usize = 64;

/// From the first character to behind the last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// First character.
    pub start: Position,
    /// Behind the last character.
    pub end: Position,
}

/// A value and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Place.
    pub span: Span,
    /// Value.
    pub content: Content,
}

/// The three kinds of YAML value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Text of a scalar.
    Scalar {
        /// Its text without quotes and escapes.
        text: String,
        /// Written without quotes: may be a null.
        plain: bool,
    },
    /// A list.
    Sequence(Vec<Node>),
    /// A mapping, in file order.
    Mapping(Vec<Entry>),
}

/// A property of a mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The key's text.
    pub key: String,
    /// The key's place.
    pub key_span: Span,
    /// The value.
    pub value: Node,
}

impl Node {
    /// A scalar's text; `None` for nulls, lists and mappings.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match &self.content {
            Content::Scalar { text, .. } if !self.is_null() => Some(text),
            _ => None,
        }
    }

    /// Whether this is a null of the core schema: nothing, `~` or `null`.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(&self.content, Content::Scalar { text, plain: true } if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }

    /// What kind of value it is, for messages.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match &self.content {
            Content::Scalar { .. } if self.is_null() => "nothing",
            Content::Scalar { .. } => "a single value",
            Content::Sequence(_) => "a list",
            Content::Mapping(_) => "a mapping",
        }
    }
}

/// Text that is being read: a container and, in a mapping, the key that waits for its value.
enum Open {
    Sequence(Span, Vec<Node>),
    Mapping { span: Span, entries: Vec<Entry>, keys: HashSet<String>, pending: Option<(String, Span)> },
}

/// Reads one document.
///
/// `None` where the text cannot be read to its end or holds nothing; the reason is in `findings`. Duplicate keys are
/// reported and the first one is kept.
pub fn parse(text: &str, findings: &mut Findings) -> Option<Node> {
    let mut parser = Parser::new_from_str(text);
    let mut builder = Builder::default();
    while let Some(event) = parser.next_event() {
        let (event, span) = match event {
            Ok((event, span)) => (event, Span { start: position(&span.start), end: position(&span.end) }),
            Err(error) => {
                report_syntax(&error, findings);
                return None;
            }
        };
        builder.event(event, span, findings)?;
    }
    match builder.root {
        Some(root) if !root.is_null() => Some(root),
        _ => {
            findings
                .report(Code::FileEmpty, Span::default(), "the file is empty")
                .hint("a network file begins with `virtualNetworks:`, a scenario file with `scenarios:`");
            None
        }
    }
}

fn position(marker: &Marker) -> Position {
    let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
    Position { line: number(marker.line().max(1)), column: number(marker.col().saturating_add(1)) }
}

fn report_syntax(error: &ScanError, findings: &mut Findings) {
    let start = position(error.marker());
    let finding = findings.report(Code::Syntax, Span { start, end: start }, error.info());
    if error.info().contains("tab") {
        finding.hint("YAML indents with spaces");
    }
}

#[derive(Default)]
struct Builder {
    stack: Vec<Open>,
    root: Option<Node>,
    documents: usize,
}

impl Builder {
    fn event(&mut self, event: Event<'_>, span: Span, findings: &mut Findings) -> Option<()> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                plain_yaml(anchor, tag.is_some(), span, findings)?;
                self.scalar(text.into_owned(), style == ScalarStyle::Plain, span, findings)
            }
            Event::SequenceStart(anchor, tag) => {
                plain_yaml(anchor, tag.is_some(), span, findings)?;
                self.open(Open::Sequence(span, Vec::new()), span, findings)
            }
            Event::MappingStart(anchor, tag) => {
                plain_yaml(anchor, tag.is_some(), span, findings)?;
                self.open(Open::Mapping { span, entries: Vec::new(), keys: HashSet::new(), pending: None }, span, findings)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(span, findings),
            Event::Alias(_) => feature(span, "an alias", findings),
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 { feature(span, "a second document", findings) } else { Some(()) }
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Some(()),
        }
    }

    fn scalar(&mut self, text: String, plain: bool, span: Span, findings: &mut Findings) -> Option<()> {
        if let Some(Open::Mapping { pending: pending @ None, .. }) = self.stack.last_mut() {
            *pending = Some((text, span));
            return Some(());
        }
        self.value(Node { span, content: Content::Scalar { text, plain } }, findings)
    }

    fn open(&mut self, container: Open, span: Span, findings: &mut Findings) -> Option<()> {
        if matches!(self.stack.last(), Some(Open::Mapping { pending: None, .. })) {
            return feature(span, "a key that is a list or mapping", findings);
        }
        if self.stack.len() >= MAXIMUM_DEPTH {
            findings.report(Code::TooDeep, span, format!("nested more than {MAXIMUM_DEPTH} deep"));
            return None;
        }
        self.stack.push(container);
        Some(())
    }

    fn close(&mut self, end: Span, findings: &mut Findings) -> Option<()> {
        let (span, content) = match self.stack.pop()? {
            Open::Sequence(span, items) => (span, Content::Sequence(items)),
            Open::Mapping { span, entries, .. } => (span, Content::Mapping(entries)),
        };
        self.value(Node { span: Span { start: span.start, end: end.end.max(span.end) }, content }, findings)
    }

    fn value(&mut self, node: Node, findings: &mut Findings) -> Option<()> {
        match self.stack.last_mut() {
            None => self.root = Some(node),
            Some(Open::Sequence(_, items)) => items.push(node),
            Some(Open::Mapping { entries, keys, pending, .. }) => {
                let (key, key_span) = pending.take()?;
                if keys.insert(key.to_ascii_lowercase()) {
                    entries.push(Entry { key, key_span, value: node });
                } else {
                    report_duplicate(&key, key_span, entries, findings);
                }
            }
        }
        Some(())
    }
}

fn report_duplicate(key: &str, span: Span, entries: &[Entry], findings: &mut Findings) {
    let finding = findings.report(Code::DuplicateProperty, span, format!("`{key}` is given twice"));
    if let Some(first) = entries.iter().find(|entry| entry.key.eq_ignore_ascii_case(key)) {
        finding.related(first.key_span, "first given here");
    }
}

fn plain_yaml(anchor: usize, tag: bool, span: Span, findings: &mut Findings) -> Option<()> {
    match (anchor, tag) {
        (0, false) => Some(()),
        (0, true) => feature(span, "an explicit type", findings),
        _ => feature(span, "an anchor", findings),
    }
}

fn feature(span: Span, what: &str, findings: &mut Findings) -> Option<()> {
    findings.report(Code::YamlFeature, span, format!("{what} is not part of the network file's format"));
    None
}
