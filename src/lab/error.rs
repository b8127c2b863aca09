//! What can go wrong with a lab.

use std::io;
use std::path::PathBuf;

/// Why a lab could not be built, entered or removed.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// The caller may not make namespaces.
    #[error("a lab needs root: it makes network namespaces and TAPs")]
    NotRoot,
    /// The kernel gives no TAPs here.
    #[error("a lab needs /dev/net/tun, which this machine does not have")]
    NoTun,
    /// The file has no `lab.hosts`.
    #[error("{0} has no lab hosts: add a `lab.hosts` section")]
    NoHosts(String),
    /// A host's port is an interface, which cannot be moved into a namespace.
    #[error("host {host}: port {port} attaches to an existing interface; a lab host needs a TAP")]
    NotATap {
        /// The host.
        host: String,
        /// Its port.
        port: String,
    },
    /// A host's address lies in no subnet behind its port.
    #[error("host {host}: {address} is in no subnet behind port {port}")]
    NoSubnet {
        /// The host.
        host: String,
        /// Its port.
        port: String,
        /// The address.
        address: std::net::IpAddr,
    },
    /// The path has no stem to name the lab by.
    #[error("{0}: a lab takes its name from the file's name, and this has none")]
    NoName(PathBuf),
    /// This lab is up.
    #[error("lab {name} is up already ({file}): `causeway lab down {file}` stops it")]
    AlreadyUp {
        /// The lab's name.
        name: String,
        /// The file that it was started from.
        file: String,
    },
    /// The record is that of a lab started from another file of the same name.
    #[error("lab {name} belongs to {file}: take it down from there")]
    OtherFile {
        /// The lab's name.
        name: String,
        /// The file that it was started from.
        file: String,
    },
    /// A namespace, TAP, file or socket that the lab did not make is in its way.
    #[error("{what} {name} exists already, and this lab did not make it")]
    Foreign {
        /// Kind of thing.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// Nothing is up.
    #[error("lab {name} is not up: `causeway lab up {file}` starts it")]
    NotUp {
        /// The lab's name.
        name: String,
        /// The file as the user gave it.
        file: String,
    },
    /// No host of that name.
    #[error("lab {lab} has no host {host}{hint}")]
    UnknownHost {
        /// The lab's name.
        lab: String,
        /// The name that was asked for.
        host: String,
        /// `; did you mean …?`, or the list of hosts.
        hint: String,
    },
    /// A command that the lab needs failed.
    #[error("`{command}` failed: {reason}")]
    Command {
        /// The command line.
        command: String,
        /// What it wrote to its standard error, or why it did not start.
        reason: String,
    },
    /// The daemon ended instead of starting.
    #[error("the dataplane did not start: {0}")]
    Daemon(String),
    /// Something did not happen in time.
    #[error("{what} within {seconds} s")]
    Late {
        /// What did not happen.
        what: String,
        /// How long the lab waited.
        seconds: u64,
    },
    /// A listener did not start.
    #[error("host {host}: listeners did not start: {reason}")]
    Listeners {
        /// The host.
        host: String,
        /// What the listener process said.
        reason: String,
    },
    /// The user stopped `lab up`.
    #[error("interrupted")]
    Interrupted,
    /// A record that cannot be read.
    #[error("{path}: not a lab record: {reason}")]
    Record {
        /// The record's path.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A file could not be read, written or removed.
    #[error("{path}: {source}")]
    File {
        /// The path.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// Something could not be removed.
    #[error("left behind: {}", .0.join("; "))]
    LeftBehind(Vec<String>),
}

impl LabError {
    /// For `map_err` on a file operation.
    pub(super) fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }

    /// The exit status that stands for this error: 2 for wrong usage, else 1.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        if matches!(self, Self::UnknownHost { .. }) { 2 } else { 1 }
    }
}
