//! `lab down`: takes away what the record says, and nothing else.

use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use super::daemon::device_exists;
use super::error::LabError;
use super::files::{Places, lab_name, remove, same_path};
use super::ip::ip;
use super::process::{ProcessMark, end, wait_until};
use super::record::Record;

/// How long TAPs have to go after their daemon has.
const DEVICES_GO: Duration = Duration::from_secs(2);

/// What `down` did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DownReport {
    /// The lab's name.
    pub name: String,
    /// There was a lab.
    pub was_up: bool,
    /// Its hosts, now gone; empty where nothing was up.
    pub hosts: Vec<String>,
}

/// Stops and removes the lab that was started from `file`, which need not exist any more. Nothing up is no error.
///
/// # Errors
/// [`LabError::OtherFile`] where the lab of that name belongs to another file, [`LabError::LeftBehind`] with
/// everything that could not be removed, [`LabError::Record`], [`LabError::File`].
pub fn down(file: &Path, places: &Places) -> Result<DownReport, LabError> {
    let name = lab_name(file)?;
    let path = places.record(&name);
    let Some(record) = Record::read(&path)? else {
        return Ok(DownReport { name, hosts: Vec::new(), was_up: false });
    };
    if record.file != same_path(file) {
        return Err(LabError::OtherFile { name, file: record.file.display().to_string() });
    }
    take_down(&record, &path, places)?;
    Ok(DownReport { name, hosts: record.hosts.into_iter().map(|host| host.name).collect(), was_up: true })
}

/// Ends the processes, removes namespaces, TAPs and files, and the record last: a `down` that fails can be repeated.
pub(super) fn take_down(record: &Record, path: &Path, places: &Places) -> Result<(), LabError> {
    let mut left = Vec::new();
    end_processes(record, &mut left);
    record.namespaces().for_each(|namespace| remove_namespace(namespace, &mut left));
    remove_devices(record, &mut left);
    for file in &record.files {
        remove(file).unwrap_or_else(|error| left.push(format!("{}: {error}", file.display())));
    }
    if !left.is_empty() {
        return Err(LabError::LeftBehind(left));
    }
    remove(path).map_err(LabError::file(path))?;
    remove(&places.run).map_err(LabError::file(&places.run))
}

/// What runs in the hosts first, whoever started it, then the daemon.
fn end_processes(record: &Record, left: &mut Vec<String>) {
    let mut inside: Vec<ProcessMark> = record.namespaces().flat_map(processes_in).collect();
    inside.extend(&record.processes);
    let daemon: Vec<ProcessMark> =
        record.daemon.into_iter().chain(record.builder.filter(|it| Some(*it) != ProcessMark::current())).collect();
    for process in [end(&inside), end(&daemon)].concat() {
        left.push(format!("process {}", process.pid));
    }
}

fn processes_in(namespace: &str) -> Vec<ProcessMark> {
    // No such namespace: nothing runs there.
    let pids = ip(&["netns", "pids", namespace]).unwrap_or_default();
    pids.split_ascii_whitespace().filter_map(|pid| ProcessMark::of(pid.parse().ok()?)).collect()
}

fn remove_namespace(namespace: &str, left: &mut Vec<String>) {
    if !Path::new("/run/netns").join(namespace).exists() {
        return;
    }
    if let Err(error) = ip(&["netns", "delete", namespace]) {
        left.push(error.to_string());
    }
}

/// A TAP goes with its daemon, or with the namespace that it is in; one that outlived both is deleted.
fn remove_devices(record: &Record, left: &mut Vec<String>) {
    let gone = wait_until(DEVICES_GO, || !record.taps.iter().any(|tap| device_exists(tap)));
    if gone {
        return;
    }
    for tap in record.taps.iter().filter(|tap| device_exists(tap)) {
        if let Err(error) = ip(&["link", "delete", tap]) {
            left.push(error.to_string());
        }
    }
}
