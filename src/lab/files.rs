//! Where a lab's files are, and the `hosts` and `resolv.conf` of its hosts.

use std::fmt::Write as _;
use std::fs::{self, DirBuilder};
use std::io;
use std::net::IpAddr;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use super::error::LabError;
use super::plan::{HostPlan, Plan};

/// No server: a name that the hosts file does not have is refused by the host's own loopback, at once.
const RESOLV_CONF: &str = "# no name server: every name is in /etc/hosts\n# (without one a lookup asks this host itself, which refuses at once)\noptions timeout:1 attempts:1\n";
/// Another lab may remove an empty directory just as this one wants to use it.
const ATTEMPTS: usize = 5;

/// The directories that a lab writes to.
#[derive(Clone, Debug)]
pub struct Places {
    /// Records, sockets, logs: `/run/causeway`.
    pub run: PathBuf,
    /// Files that `ip netns exec` lays over `/etc`: `/etc/netns`.
    pub netns: PathBuf,
}

impl Default for Places {
    fn default() -> Self {
        Self { run: "/run/causeway".into(), netns: "/etc/netns".into() }
    }
}

impl Places {
    /// The lab's record.
    #[must_use]
    pub fn record(&self, name: &str) -> PathBuf {
        self.run.join(format!("{name}.lab.json"))
    }

    /// The daemon's socket, where the user names no other.
    #[must_use]
    pub fn socket(&self, name: &str) -> PathBuf {
        self.run.join(format!("{name}.sock"))
    }

    /// The daemon's log.
    #[must_use]
    pub fn log(&self, name: &str) -> PathBuf {
        self.run.join(format!("{name}.log"))
    }

    /// What a host's command prints.
    pub(super) fn host_log(&self, name: &str, host: &str) -> PathBuf {
        self.run.join(format!("{name}.{host}.log"))
    }

    /// A host's directory under `/etc/netns`.
    pub(super) fn host_etc(&self, namespace: &str) -> PathBuf {
        self.netns.join(namespace)
    }
}

/// The lab's name: the file's stem.
///
/// # Errors
/// [`LabError::NoName`].
pub(super) fn lab_name(file: &Path) -> Result<String, LabError> {
    let stem = file.file_stem().and_then(|stem| stem.to_str());
    stem.map(str::to_owned).ok_or_else(|| LabError::NoName(file.to_owned()))
}

/// The file's path, the same from wherever it is named, and when the file is gone.
pub(super) fn same_path(file: &Path) -> PathBuf {
    let absolute = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    match (absolute.parent().map(Path::canonicalize), absolute.file_name()) {
        (Some(Ok(parent)), Some(name)) => parent.join(name),
        _ => absolute,
    }
}

/// Makes the run directory (0700) and does `write` in it, again where another lab removed it in between.
///
/// # Errors
/// Those of `write`, or [`LabError::File`].
pub(super) fn in_directory(directory: &Path, mode: u32, mut write: impl FnMut() -> Result<(), LabError>) -> Result<(), LabError> {
    let mut result = Ok(());
    for _ in 0..ATTEMPTS {
        DirBuilder::new().recursive(true).mode(mode).create(directory).map_err(LabError::file(directory))?;
        result = write();
        if !matches!(&result, Err(LabError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound) {
            break;
        }
    }
    result
}

/// Writes the host's `hosts` and `resolv.conf` into `directory`, which must not exist yet.
///
/// # Errors
/// [`LabError::File`], [`LabError::Foreign`] where the directory exists.
pub(super) fn write_host_files(directory: &Path, plan: &Plan, host: &HostPlan) -> Result<(), LabError> {
    fs::create_dir(directory).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => LabError::Foreign { what: "directory", name: directory.display().to_string() },
        _ => LabError::file(directory)(error),
    })?;
    for (name, text) in [("hosts", hosts_file(plan, host)), ("resolv.conf", RESOLV_CONF.to_owned())] {
        let path = directory.join(name);
        fs::write(&path, text).map_err(LabError::file(&path))?;
    }
    Ok(())
}

/// The files of a host, then its directory: the order in which they can be removed.
pub(super) fn host_files(directory: &Path) -> [PathBuf; 3] {
    [directory.join("hosts"), directory.join("resolv.conf"), directory.to_owned()]
}

/// The host itself by its own addresses, everything else as everyone sees it.
fn hosts_file(plan: &Plan, host: &HostPlan) -> String {
    let mut text = String::from("127.0.0.1 localhost\n::1 localhost\n");
    let own: Vec<IpAddr> = host.addresses.iter().map(|own| own.address).collect();
    for address in own.iter().filter(|own| !plan.names.iter().any(|(known, _)| known == *own)) {
        let _ = writeln!(text, "{address} {}", host.name);
    }
    for (address, names) in &plan.names {
        let _ = writeln!(text, "{address} {}", names.join(" "));
    }
    text
}

/// Removes a file, a socket or an empty directory; that it is gone already, not empty, or that something is mounted there, is
/// no error.
///
/// # Errors
/// The system's, otherwise.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    let Ok(metadata) = path.symlink_metadata() else { return Ok(()) };
    let removed = if metadata.is_dir() { fs::remove_dir(path) } else { fs::remove_file(path) };
    match removed {
        Err(error) if !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::ResourceBusy) => {
            Err(error)
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_the_same_from_anywhere_and_after_removal() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("shop.yaml");
        fs::write(&file, "").unwrap();
        let known = same_path(&directory.path().join(".").join("shop.yaml"));
        fs::remove_file(&file).unwrap();
        assert_eq!(same_path(&file), known);
        assert_eq!(lab_name(&file).unwrap(), "shop");
    }

    #[test]
    fn only_what_is_there_and_empty_is_removed() {
        let directory = tempfile::tempdir().unwrap();
        let (inner, file) = (directory.path().join("inner"), directory.path().join("inner/file"));
        fs::create_dir(&inner).unwrap();
        fs::write(&file, "").unwrap();
        remove(&inner).unwrap();
        assert!(inner.exists(), "not empty");
        remove(&file).unwrap();
        remove(&file).unwrap();
        remove(&inner).unwrap();
        assert!(!inner.exists());
    }
}
