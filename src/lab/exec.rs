//! `lab exec`: a command inside a host.

use std::convert::Infallible;
use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use super::error::LabError;
use super::files::{Places, lab_name};
use super::record::Record;

/// How alike two names must be (Jaro-Winkler, 0 to 1) for one to be suggested for the other.
const ALIKE: f64 = 0.7;

/// Becomes `command` inside the host's namespace: its standard streams, signals and exit status are the caller's.
///
/// # Errors
/// [`LabError::NotUp`], [`LabError::UnknownHost`] with the nearest name, [`LabError::Command`] where `ip` is missing.
/// It does not return otherwise.
pub fn exec(file: &Path, host: &str, command: &[OsString], places: &Places) -> Result<Infallible, LabError> {
    let name = lab_name(file)?;
    let not_up = || LabError::NotUp { name: name.clone(), file: file.display().to_string() };
    let record = Record::read(&places.record(&name))?.ok_or_else(not_up)?;
    let known = record.hosts.iter().find(|known| known.name.eq_ignore_ascii_case(host));
    let known = known.ok_or_else(|| unknown(&record, host))?;
    let error = Command::new("ip").args(["netns", "exec", &known.namespace]).args(command).exec();
    Err(LabError::Command { command: format!("ip netns exec {}", known.namespace), reason: error.to_string() })
}

fn unknown(record: &Record, host: &str) -> LabError {
    let names = || record.hosts.iter().map(|known| known.name.as_str());
    let score = |name: &str| strsim::jaro_winkler(name, host);
    let nearest = names().max_by(|a, b| score(a).total_cmp(&score(b))).filter(|name| score(name) >= ALIKE);
    let hint = match nearest {
        Some(name) => format!("; did you mean {name}?"),
        None => format!("; it has {}", names().collect::<Vec<_>>().join(", ")),
    };
    LabError::UnknownHost { lab: record.name.clone(), host: host.to_owned(), hint }
}
