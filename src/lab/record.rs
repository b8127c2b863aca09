//! What a lab has made, written down before it is made: `/run/causeway/NAME.lab.json`.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::LabError;
use super::plan::Plan;
use super::process::ProcessMark;

/// A lab's record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// Format, 1.
    pub schema_version: u32,
    /// The file's stem.
    pub name: String,
    /// The file that it was started from, absolute.
    pub file: PathBuf,
    /// The `lab up` that builds it; `None` once traffic can flow.
    pub builder: Option<ProcessMark>,
    /// The dataplane.
    pub daemon: Option<ProcessMark>,
    /// Listeners and the user's commands.
    pub processes: Vec<ProcessMark>,
    /// The daemon's socket.
    pub socket: PathBuf,
    /// The daemon's log.
    pub log: PathBuf,
    /// Every TAP that the daemon makes.
    pub taps: Vec<String>,
    /// The hosts whose namespaces were made.
    pub hosts: Vec<HostRecord>,
    /// Files and directories to remove, in this order; directories only when empty.
    pub files: Vec<PathBuf>,
}

/// A host in a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HostRecord {
    /// Its name.
    pub name: String,
    /// Its network namespace.
    pub namespace: String,
    /// Its addresses on the wire.
    pub addresses: Vec<IpAddr>,
}

impl Record {
    /// A record of a lab of which nothing is made yet.
    pub(super) fn new(plan: &Plan, socket: PathBuf, log: PathBuf) -> Self {
        Self {
            schema_version: 1,
            name: plan.name.clone(),
            file: plan.file.clone(),
            builder: ProcessMark::current(),
            daemon: None,
            processes: Vec::new(),
            files: vec![log.clone(), socket.clone()],
            socket,
            log,
            taps: plan.taps.clone(),
            hosts: Vec::new(),
        }
    }

    /// The lab is up, or another `lab up` is building it.
    #[must_use]
    pub fn is_up(&self) -> bool {
        [self.builder, self.daemon].into_iter().flatten().any(ProcessMark::is_alive)
    }

    /// The lab's namespaces.
    pub(super) fn namespaces(&self) -> impl Iterator<Item = &str> {
        self.hosts.iter().map(|host| host.namespace.as_str())
    }

    /// Reads a record; `None` where there is none.
    ///
    /// # Errors
    /// [`LabError::File`] where it cannot be read, [`LabError::Record`] where it is not one.
    pub(super) fn read(path: &Path) -> Result<Option<Self>, LabError> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(LabError::file(path)(error)),
        };
        serde_json::from_str(&text).map(Some).map_err(|error| LabError::Record { path: path.to_owned(), reason: error.to_string() })
    }

    /// Writes a record that must not exist yet: of two who build the same lab at once, one is refused.
    ///
    /// # Errors
    /// [`LabError::File`]; its kind is [`io::ErrorKind::AlreadyExists`] for the one who came second.
    pub(super) fn create(&self, path: &Path) -> Result<(), LabError> {
        let temporary = path.with_extension(format!("json.{}", std::process::id()));
        self.write(&temporary)?;
        let linked = fs::hard_link(&temporary, path).map_err(LabError::file(path));
        fs::remove_file(&temporary).map_err(LabError::file(&temporary))?;
        linked
    }

    /// Puts this in the place of the record at `path`; a reader sees the old one or this, never half of it.
    ///
    /// # Errors
    /// [`LabError::File`].
    pub(super) fn replace(&self, path: &Path) -> Result<(), LabError> {
        let temporary = path.with_extension(format!("json.{}", std::process::id()));
        self.write(&temporary)?;
        fs::rename(&temporary, path).map_err(LabError::file(path))
    }

    fn write(&self, path: &Path) -> Result<(), LabError> {
        let text = serde_json::to_string_pretty(self).map_err(|error| LabError::file(path)(error.into()))?;
        let mut options = OpenOptions::new();
        let file = options.write(true).create(true).truncate(true).mode(0o600).open(path);
        file.and_then(|mut file| file.write_all(text.as_bytes())).map_err(LabError::file(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        let plan = Plan { name: "shop".into(), file: "/x/shop.yaml".into(), taps: vec!["cw-web1".into()], hosts: vec![], names: vec![] };
        Record::new(&plan, "/x/shop.sock".into(), "/x/shop.log".into())
    }

    #[test]
    fn a_record_reads_as_it_was_written() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("shop.lab.json");
        assert_eq!(Record::read(&path).unwrap(), None);
        let mut record = record();
        record.create(&path).unwrap();
        record.hosts.push(HostRecord { name: "web1".into(), namespace: "cw-web1".into(), addresses: vec!["10.1.1.4".parse().unwrap()] });
        record.replace(&path).unwrap();
        assert_eq!(Record::read(&path).unwrap(), Some(record));
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "no temporary file stays");
    }

    #[test]
    fn the_second_to_create_it_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("shop.lab.json");
        record().create(&path).unwrap();
        let refused = record().create(&path);
        assert!(matches!(refused, Err(LabError::File { source, .. }) if source.kind() == io::ErrorKind::AlreadyExists));
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_lab_is_up_while_its_daemon_or_its_builder_lives() {
        let mut record = record();
        assert!(record.is_up(), "this process builds it");
        record.builder = None;
        assert!(!record.is_up());
        record.daemon = ProcessMark::current();
        assert!(record.is_up());
        record.daemon = record.daemon.map(|mark| ProcessMark { start_time: mark.start_time + 1, ..mark });
        assert!(!record.is_up(), "another process has the number now");
    }

    #[test]
    fn a_broken_record_is_an_error_that_names_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("shop.lab.json");
        fs::write(&path, "{").unwrap();
        assert!(Record::read(&path).unwrap_err().to_string().contains("shop.lab.json: not a lab record"));
    }
}
