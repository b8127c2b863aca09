//! What is wrong with a network file: findings with their place, collected over a whole run.

pub use super::code::{Code, Severity};
pub use super::text::Span;
use crate::policy::position::Position;

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What kind it is.
    pub code: Code,
    /// Index into [`Findings::files`].
    pub file: usize,
    /// Place; `0:0` where the whole file is meant.
    pub span: Span,
    /// One sentence without a full stop.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// Another place that the finding is about, and what is there.
    pub related: Option<(Span, String)>,
}

impl Finding {
    /// Error or warning.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.code.severity()
    }

    /// Adds what to do about it.
    pub fn hint(&mut self, hint: impl Into<String>) -> &mut Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds a hint where there is one.
    pub fn maybe_hint(&mut self, hint: Option<String>) -> &mut Self {
        if hint.is_some() {
            self.hint = hint;
        }
        self
    }

    /// Adds another place that the finding is about.
    pub fn related(&mut self, span: Span, text: impl Into<String>) -> &mut Self {
        self.related = Some((span, text.into()));
        self
    }
}

/// A file that findings point into.
#[derive(Clone, Debug, Default)]
pub struct SourceFile {
    /// The path as the user gave it.
    pub name: String,
    /// Its text; empty where it could not be read.
    pub text: String,
}

/// Every finding of a run, and the texts that they point into.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    files: Vec<SourceFile>,
    list: Vec<Finding>,
}

impl Findings {
    /// No findings yet, about the file `name` with this text.
    #[must_use]
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { files: vec![SourceFile { name: name.into(), text: text.into() }], list: Vec::new() }
    }

    /// Collects a finding about the network file.
    pub fn report(&mut self, code: Code, span: Span, message: impl Into<String>) -> &mut Finding {
        let index = self.list.len();
        self.list.push(Finding { code, file: 0, span, message: message.into(), hint: None, related: None });
        // The index is that of the element pushed just now.
        &mut self.list[index]
    }

    /// Takes over what another run found about a file of its own.
    pub(crate) fn append(&mut self, other: Findings) {
        let offset = self.files.len();
        self.files.extend(other.files);
        self.list.extend(other.list.into_iter().map(|finding| Finding { file: finding.file + offset, ..finding }));
    }

    /// The files, the network file first.
    #[must_use]
    pub fn files(&self) -> &[SourceFile] {
        &self.files
    }

    /// Whether any finding refuses the file.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.errors() > 0
    }

    /// Number of errors.
    #[must_use]
    pub fn errors(&self) -> usize {
        self.list.iter().filter(|finding| finding.severity() == Severity::Error).count()
    }

    /// Number of warnings.
    #[must_use]
    pub fn warnings(&self) -> usize {
        self.list.len() - self.errors()
    }

    /// All findings, by file and place.
    pub fn iter(&self) -> impl Iterator<Item = &Finding> {
        self.list.iter()
    }

    /// Whether `code` was already found.
    #[must_use]
    pub fn contains(&self, code: Code) -> bool {
        self.list.iter().any(|finding| finding.code == code)
    }

    /// Whether anything was found inside `span` of the network file.
    pub(crate) fn anything_within(&self, span: Span) -> bool {
        self.list.iter().any(|finding| finding.file == 0 && span.start <= finding.span.start && finding.span.start <= span.end)
    }

    /// Whether one of `codes` was found inside `span` of the first file.
    pub(crate) fn any_within(&self, span: Span, codes: &[Code]) -> bool {
        let within = |place: Position| span.start <= place && place <= span.end;
        self.list.iter().any(|finding| codes.contains(&finding.code) && finding.file == 0 && within(finding.span.start))
    }

    /// Sorts by file and place; same place keeps the order of discovery. Exact repetitions go.
    pub(crate) fn sort(&mut self) {
        self.list.sort_by_key(|finding| (finding.file, finding.span.start, finding.severity()));
        self.list.dedup();
    }

    /// Where a finding stands: path and position.
    #[must_use]
    pub fn place(&self, finding: &Finding) -> (&str, Position) {
        (self.files.get(finding.file).map_or("", |file| file.name.as_str()), finding.span.start)
    }
}
