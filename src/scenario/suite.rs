//! Scenario files → cases that can be played.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::established::Established;
use super::expectation::{Expectation, Value};
use super::model::{Change, Scenario, ScenarioFile};
use super::networks::{Compiled, Networks};
use crate::ask::{Part, SOURCE_PORT, Words, understand};
use crate::config::finding::{Code, Findings, Span};
use crate::config::load::read_text;
use crate::config::model::decode::{Decode, Spanned};
use crate::config::nearest::did_you_mean;
use crate::config::text::parse;
use crate::policy::position::Position;

/// A scenario that can be played: every name in it is known.
#[derive(Clone, Debug)]
pub struct Case {
    /// What must come out, as a sentence.
    pub name: String,
    /// The scenario file, as the user gave its path.
    pub file: String,
    /// Where it begins there.
    pub position: Position,
    /// The question.
    pub words: Words,
    /// The source port was given: the question is about this one.
    pub fixed_source_port: bool,
    /// The network that is asked.
    pub compiled: Rc<Compiled>,
    /// What is expected.
    pub expect: Expectation,
    /// Changes, in order.
    pub then: Vec<Next>,
}

/// A change of the network under an open connection.
#[derive(Clone, Debug)]
pub struct Next {
    /// The network that is now in force.
    pub compiled: Rc<Compiled>,
    /// What must become of the connection, and where that is written.
    pub established: Option<(Established, Span)>,
    /// What a new packet must meet.
    pub expect: Option<Expectation>,
}

/// What is wrong with the files that were read.
#[derive(Debug, Default)]
pub struct Wrong {
    /// Findings in scenario files and network files.
    pub findings: Vec<Findings>,
    /// Networks that cannot be compiled.
    pub too_large: Vec<String>,
}

/// Reads scenario files. `network_file` is what scenarios are about that name no other.
///
/// # Errors
/// Everything that is wrong, in scenario files and in the network files that they are about.
pub fn load(network_file: &Path, files: &[PathBuf]) -> Result<Vec<Case>, Wrong> {
    let mut networks = Networks::default();
    networks.get(network_file);
    let (mut cases, mut wrong) = (Vec::new(), Vec::new());
    for path in files {
        let (found, findings) = Reader::new(network_file, path, &mut networks).read();
        cases.extend(found);
        if findings.has_errors() {
            wrong.push(findings);
        }
    }
    wrong.extend(std::mem::take(&mut networks.findings));
    if wrong.is_empty() && networks.too_large.is_empty() {
        Ok(cases)
    } else {
        Err(Wrong { findings: wrong, too_large: networks.too_large })
    }
}

/// The JSON Schema (draft 2020-12) of scenario files, for editors.
#[must_use]
pub fn schema() -> serde_json::Value {
    let settings = schemars::generate::SchemaSettings::draft2020_12();
    let mut schema = settings.into_generator().into_root_schema_for::<ScenarioFile>();
    schema.insert("title".to_owned(), "causeway scenario file".into());
    schema.to_value()
}

/// One file on its way.
struct Reader<'a> {
    network_file: PathBuf,
    path: &'a Path,
    networks: &'a mut Networks,
    findings: Findings,
}

impl<'a> Reader<'a> {
    fn new(network_file: &Path, path: &'a Path, networks: &'a mut Networks) -> Self {
        let findings = Findings::new(path.display().to_string(), "");
        Self { network_file: network_file.to_owned(), path, networks, findings }
    }

    fn read(mut self) -> (Vec<Case>, Findings) {
        let Some(text) = read_text(self.path, &mut self.findings) else { return (Vec::new(), self.findings) };
        self.findings = Findings::new(self.path.display().to_string(), text.as_str());
        let file = parse(&text, &mut self.findings).and_then(|root| ScenarioFile::decode(&root, &mut self.findings));
        let cases = file.map(|file| self.cases(&file)).unwrap_or_default();
        self.findings.sort();
        (cases, self.findings)
    }

    fn cases(&mut self, file: &ScenarioFile) -> Vec<Case> {
        if let Some(network) = &file.network {
            self.network_file = self.beside(network);
        }
        let scenarios = file.scenarios.as_ref().map(|list| list.value.as_slice()).unwrap_or_default();
        scenarios.iter().filter_map(|scenario| self.case(scenario)).collect()
    }

    fn case(&mut self, scenario: &Spanned<Scenario>) -> Option<Case> {
        let compiled = self.network_of(scenario.network.as_ref())?;
        let (name, from, to) = (scenario.name.as_ref()?, scenario.from.as_ref()?, scenario.to.as_ref()?);
        let words = Words {
            from: from.value.clone(),
            to: to.value.clone(),
            source: scenario.source.as_ref().map(|source| source.value.0),
            source_port: scenario.source_port.as_ref().map_or(SOURCE_PORT, |port| port.value.0),
        };
        self.check(&words, &compiled, [from.span, to.span]);
        let changes = scenario.then.as_ref().map(|list| list.value.as_slice()).unwrap_or_default();
        let then = changes.iter().filter_map(|change| self.next(change, &words, [from.span, to.span])).collect();
        Some(Case {
            name: name.value.clone(),
            file: self.path.display().to_string(),
            position: scenario.span.start,
            words,
            fixed_source_port: scenario.source_port.is_some(),
            expect: self.by_port(scenario.expect.as_ref()?, &compiled),
            compiled,
            then,
        })
    }

    fn next(&mut self, change: &Spanned<Change>, words: &Words, spans: [Span; 2]) -> Option<Next> {
        let compiled = self.network_of(Some(change.reload.as_ref()?))?;
        if change.expect.is_some() {
            self.check(words, &compiled, spans);
        } else if change.established.is_none() && !self.findings.anything_within(change.span) {
            self.findings
                .report(
                    Code::MissingProperty,
                    Span { start: change.span.start, end: change.span.start },
                    "nothing is expected of this change",
                )
                .hint("`established:` says what becomes of the open connection, `expect:` what a new one meets");
        }
        let established = change.established.as_ref().map(|it| (it.value, it.span));
        let expect = change.expect.as_ref().map(|expect| self.by_port(expect, &compiled));
        Some(Next { compiled, established, expect })
    }

    /// Reports words that mean nothing in this network.
    fn check(&mut self, words: &Words, compiled: &Compiled, [from, to]: [Span; 2]) {
        if let Err(misunderstood) = understand(&compiled.network, &compiled.snapshot, words) {
            let span = if misunderstood.part == Part::From { from } else { to };
            self.findings.report(Code::Question, span, format!("{}: {}", compiled.path.display(), misunderstood.text));
        }
    }

    /// A lab host that `deliveredTo` names stands for its port.
    fn by_port(&mut self, expect: &Expectation, compiled: &Compiled) -> Expectation {
        let mut expect = expect.clone();
        let network = &compiled.network;
        let Some(wanted) = expect.0.iter_mut().find(|wanted| wanted.field == "deliveredTo") else { return expect };
        let Value::Text(name) = &mut wanted.value else { return expect };
        if network.ports.iter().any(|port| port.named.name.eq_ignore_ascii_case(name)) {
            return expect;
        }
        let host = network.hosts.iter().find(|host| host.named.name.eq_ignore_ascii_case(name));
        match host.and_then(|host| network.ports.get(host.port.0)) {
            Some(port) => *name = port.named.name.clone(),
            None => {
                let names = network.ports.iter().map(|port| &port.named.name).chain(network.hosts.iter().map(|host| &host.named.name));
                let message = format!("{}: there is no port or host `{name}`", compiled.path.display());
                self.findings.report(Code::Question, wanted.span, message).maybe_hint(did_you_mean(name, names.map(String::as_str)));
            }
        }
        expect
    }

    fn network_of(&mut self, named: Option<&Spanned<String>>) -> Option<Rc<Compiled>> {
        let Some(named) = named else { return self.networks.get(&self.network_file.clone()) };
        let path = self.beside(named);
        if !path.is_file() {
            self.findings.report(Code::FileUnreadable, named.span, format!("{}: there is no such file", path.display()));
            return None;
        }
        self.networks.get(&path)
    }

    fn beside(&self, name: &str) -> PathBuf {
        self.path.parent().unwrap_or(Path::new("")).join(name)
    }
}

impl Case {
    /// `FILE:LINE:COL` of a place in its file.
    #[must_use]
    pub fn at(&self, position: Position) -> String {
        format!("{}:{}:{}", self.file, position.line, position.column)
    }
}
