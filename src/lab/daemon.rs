//! The dataplane in the background.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::net::if_::if_nametoindex;

use super::error::LabError;
use super::process::wait_until;
use super::record::Record;
use super::up::Stop;

/// How long the daemon has to make its TAPs and answer on its socket.
const START: Duration = Duration::from_secs(20);
/// How many lines of a failed daemon's log an error quotes.
const QUOTED_LINES: usize = 8;

/// How to start the dataplane.
#[derive(Clone, Debug)]
pub struct DaemonCommand {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
}

impl DaemonCommand {
    /// `causeway run FILE --daemon --log LOG OPTIONS…` with this very executable.
    ///
    /// # Errors
    /// [`LabError::File`] where the executable's path is not to be had.
    pub fn run(file: &Path, log: &Path, options: &[OsString]) -> Result<Self, LabError> {
        let program = std::env::current_exe().map_err(LabError::file("/proc/self/exe"))?;
        let fixed = ["run".into(), file.as_os_str().to_owned(), "--daemon".into(), "--log".into(), log.as_os_str().to_owned()];
        Ok(Self { program, arguments: fixed.into_iter().chain(options.iter().cloned()).collect() })
    }

    /// Starts it in a session of its own, with the log as its output.
    ///
    /// # Errors
    /// [`LabError::Command`], [`LabError::File`].
    pub(super) fn start(&self, log: &Path) -> Result<Child, LabError> {
        let output = open_log(log)?;
        let errors = output.try_clone().map_err(LabError::file(log))?;
        let mut command = in_background(&self.program);
        command.args(&self.arguments).stdout(output).stderr(errors);
        spawn(&mut command)
    }
}

/// A command that gets a session of its own (setsid(1)): no terminal, and the process number that `spawn` returns.
pub(super) fn in_background(program: &Path) -> Command {
    let mut command = Command::new("setsid");
    command.arg(program).stdin(Stdio::null());
    command
}

/// Starts `command`.
///
/// # Errors
/// [`LabError::Command`] with the command line.
pub(super) fn spawn(command: &mut Command) -> Result<Child, LabError> {
    command.spawn().map_err(|error| LabError::Command { command: format!("{command:?}"), reason: error.to_string() })
}

/// A log to append to.
///
/// # Errors
/// [`LabError::File`].
pub(super) fn open_log(path: &Path) -> Result<File, LabError> {
    OpenOptions::new().create(true).append(true).open(path).map_err(LabError::file(path))
}

/// Waits until the daemon's socket answers and its TAPs are there.
///
/// # Errors
/// [`LabError::Daemon`] with the log's end where it ended, [`LabError::Late`], [`LabError::Interrupted`].
pub(super) fn wait_ready(child: &mut Child, record: &Record, stop: &Stop) -> Result<(), LabError> {
    let mut ended = None;
    let ready = wait_until(START, || {
        ended = child.try_wait().ok().flatten();
        ended.is_some() || stop.is_set() || is_ready(record)
    });
    stop.check()?;
    match ended {
        Some(status) => Err(LabError::Daemon(format!("{status}\n{}", log_end(&record.log)))),
        None if ready => Ok(()),
        None => {
            Err(LabError::Late { what: format!("the dataplane did not answer on {}", record.socket.display()), seconds: START.as_secs() })
        }
    }
}

fn is_ready(record: &Record) -> bool {
    record.taps.iter().all(|tap| device_exists(tap)) && UnixStream::connect(&record.socket).is_ok()
}

/// A network device of this name is in the caller's namespace.
pub(super) fn device_exists(name: &str) -> bool {
    if_nametoindex(name).is_ok()
}

fn log_end(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines.get(lines.len().saturating_sub(QUOTED_LINES)..).unwrap_or_default().join("\n")
}
