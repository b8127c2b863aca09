//! Into the background: a session of its own, none of the caller's descriptors, output into a log.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::RawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use nix::unistd::{close, dup2_stderr, dup2_stdin, dup2_stdout, setsid};

/// Leaves the caller's session and descriptors. Standard input reads nothing; output is appended to `log`, or goes
/// nowhere. To be called before anything is opened: every descriptor but the standard three is closed.
///
/// # Errors
/// The log cannot be opened.
pub fn leave_caller(log: Option<&Path>) -> io::Result<()> {
    close_inherited()?;
    // Refused to who leads a session already (started by setsid(1)): then there is nothing to leave.
    let _ = setsid();
    let nothing = File::options().read(true).write(true).open("/dev/null")?;
    let output = match log {
        Some(path) => OpenOptions::new().create(true).append(true).mode(0o600).open(path)?,
        None => nothing.try_clone()?,
    };
    dup2_stdin(&nothing)?;
    dup2_stdout(&output)?;
    dup2_stderr(&output)?;
    Ok(())
}

/// Closes every descriptor but the standard three: what is started from here holds none of the caller's.
///
/// # Errors
/// The list of descriptors (/proc/self/fd) cannot be read.
pub fn close_inherited() -> io::Result<()> {
    // Listed first, closed after: the listing has a descriptor of its own, which is gone by then.
    let numbers: Vec<RawFd> = fs::read_dir("/proc/self/fd")?.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect();
    for number in numbers.into_iter().filter(|number| *number > 2) {
        let _ = close(number);
    }
    Ok(())
}
