//! From a path to a validated network.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::finding::{Code, Findings, Span};
use super::model::{Decode, NetworkFile};
use super::network::{Network, ServiceTag};
use super::{tags, text, validate};
use crate::policy::position::Position;

/// Most bytes of a network file or tags file.
pub const MAXIMUM_BYTES: u64 = 64 * 1024 * 1024;

/// What became of a file.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The network; `None` where `findings` has an error.
    pub network: Option<Network>,
    /// Everything found, sorted by place.
    pub findings: Findings,
}

/// Reads and validates the network file at `path`, and the tags file that it names.
#[must_use]
pub fn load(path: &Path) -> Loaded {
    let name = path.display().to_string();
    let mut findings = Findings::new(&name, "");
    match read_text(path, &mut findings) {
        Some(source) => load_text(&name, &source),
        None => Loaded { network: None, findings },
    }
}

/// Validates a text as if it were the file `name`; a tags file is looked for beside `name`.
#[must_use]
pub fn load_text(name: &str, source: &str) -> Loaded {
    let source = without_mark(source);
    let mut findings = Findings::new(name, source);
    let network = load_into(name, source, &mut findings);
    findings.sort();
    Loaded { network, findings }
}

/// The JSON Schema (draft 2020-12) of the network file, for editors.
#[must_use]
pub fn schema() -> serde_json::Value {
    let settings = schemars::generate::SchemaSettings::draft2020_12();
    let mut schema = settings.into_generator().into_root_schema_for::<NetworkFile>();
    schema.insert("title".to_owned(), "causeway network file".into());
    schema.to_value()
}

/// The text of a network file, such that it means the same from anywhere: the tags file that it names is named by its
/// absolute path.
///
/// # Errors
/// The file cannot be read.
pub fn portable_text(path: &Path) -> io::Result<String> {
    let text = std::fs::read_to_string(path)?;
    let source = without_mark(&text);
    let mut findings = Findings::new(path.display().to_string(), "");
    let file = text::parse(source, &mut findings).and_then(|root| NetworkFile::decode(&root, &mut findings));
    let Some(tags) = file.and_then(|file| file.service_tags_file) else { return Ok(source.to_owned()) };
    let absolute = std::path::absolute(path.parent().unwrap_or(Path::new("")).join(&tags.value))?;
    // A JSON string is a YAML string, too.
    let quoted = serde_json::to_string(&absolute.display().to_string())?;
    let start = offset(source, tags.span.start);
    // The span of a quoted text reaches up to the next one: its line's end is as far as it can go.
    let line_end = source.get(start..).and_then(|rest| rest.find('\n')).map_or(source.len(), |length| start + length);
    let end = offset(source, tags.span.end).min(line_end);
    Ok([source.get(..start).unwrap_or_default(), &quoted, source.get(end..).unwrap_or_default()].concat())
}

/// Where a position lies in a text, in bytes.
fn offset(text: &str, position: Position) -> usize {
    let before = |number: u32| usize::try_from(number.saturating_sub(1)).unwrap_or(usize::MAX);
    let lines: usize = text.split_inclusive('\n').take(before(position.line)).map(str::len).sum();
    let line = text.get(lines..).unwrap_or_default();
    lines + line.chars().take(before(position.column)).map(char::len_utf8).sum::<usize>()
}

fn load_into(name: &str, source: &str, findings: &mut Findings) -> Option<Network> {
    let root = text::parse(source, findings)?;
    let file = NetworkFile::decode(&root, findings)?;
    let folder = Path::new(name).parent().unwrap_or(Path::new(""));
    let tags = read_tags(folder, &file, findings);
    validate::validate(name, &file, tags, findings)
}

/// The tags of `serviceTagsFile`; what is wrong with that file is placed in it.
fn read_tags(folder: &Path, file: &NetworkFile, findings: &mut Findings) -> Vec<ServiceTag> {
    let Some(relative) = &file.service_tags_file else { return Vec::new() };
    let path = folder.join(&relative.value);
    let name = path.display().to_string();
    let mut inner = Findings::new(&name, "");
    let Some(source) = read_text(&path, &mut inner) else {
        let reason = inner.iter().next().map_or_else(String::new, |finding| finding.message.clone());
        findings.report(Code::FileUnreadable, relative.span, format!("{name}: {reason}"));
        return Vec::new();
    };
    let mut inner = Findings::new(&name, source.clone());
    let tags = tags::read(&source, &mut inner);
    if inner.has_errors() {
        findings.append(inner);
    }
    tags
}

/// The file's text without a byte order mark; `None` where `findings` says why it cannot be had.
pub fn read_text(path: &Path, findings: &mut Findings) -> Option<String> {
    let mut bytes = Vec::new();
    let result = File::open(path).and_then(|file| file.take(MAXIMUM_BYTES + 1).read_to_end(&mut bytes));
    if let Err(error) = result {
        findings.report(Code::FileUnreadable, Span::default(), error.to_string());
        return None;
    }
    if bytes.len() as u64 > MAXIMUM_BYTES {
        findings.report(Code::FileTooLarge, Span::default(), "the file is larger than 64 MiB");
        return None;
    }
    match String::from_utf8(bytes) {
        Ok(text) => Some(without_mark(&text).to_owned()),
        Err(error) => {
            let valid = error.utf8_error().valid_up_to();
            report_encoding(error.as_bytes(), valid, findings);
            None
        }
    }
}

fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

fn report_encoding(bytes: &[u8], valid: usize, findings: &mut Findings) {
    let before = String::from_utf8_lossy(bytes.get(..valid).unwrap_or_default());
    let before = without_mark(&before);
    let number = |count: usize| u32::try_from(count.saturating_add(1)).unwrap_or(u32::MAX);
    let line = number(before.matches('\n').count());
    let column = number(before.rsplit('\n').next().map_or(0, |line| line.chars().count()));
    let start = Position { line, column };
    let finding = findings.report(Code::Encoding, Span { start, end: start }, "this byte is not UTF-8");
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        finding.hint("the file is UTF-16: save it as UTF-8");
    }
}
