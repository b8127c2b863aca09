//! Processes by number and start time, so that a recycled number is never mistaken for ours.

use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

/// How long processes have to end after SIGTERM before they are killed.
const GRACE: Duration = Duration::from_secs(3);
/// How long killed processes have to go.
const AFTER_KILL: Duration = Duration::from_secs(2);
const STEP: Duration = Duration::from_millis(10);

/// A process, told apart from later ones of the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProcessMark {
    /// Process number.
    pub pid: i32,
    /// When it started, in clock ticks since boot (proc(5), stat field 22).
    pub start_time: u64,
}

impl ProcessMark {
    /// Marks a running process; `None` when there is none of that number.
    pub(super) fn of(pid: i32) -> Option<Self> {
        let (_, start_time) = state_and_start(pid)?;
        Some(Self { pid, start_time })
    }

    /// Marks this process.
    pub(super) fn current() -> Option<Self> {
        Self::of(Pid::this().as_raw())
    }

    /// It runs still. A zombie does not, nor one that was killed and has lost its program on the way there.
    pub(super) fn is_alive(self) -> bool {
        let runs = matches!(state_and_start(self.pid), Some((state, start)) if start == self.start_time && !matches!(state, 'Z' | 'X'));
        runs && fs::read_link(format!("/proc/{}/exe", self.pid)).is_ok()
    }

    /// It runs no more and holds nothing any more. While threads of a killed process are still on their way out, its first
    /// one is a zombie already, and its sockets and devices are open.
    fn is_gone(self) -> bool {
        let threads = || fs::read_dir(format!("/proc/{}/task", self.pid)).map_or(0, Iterator::count);
        match state_and_start(self.pid) {
            Some((state, start)) if start == self.start_time => matches!(state, 'Z' | 'X') && threads() <= 1,
            _ => true,
        }
    }

    fn signal(self, signal: Signal) {
        if self.is_alive() {
            // It may end between the look and the signal: then there is nothing to do.
            let _ = kill(Pid::from_raw(self.pid), signal);
        }
    }
}

/// Asks all to end, kills those that do not, and returns those that are still there.
pub(super) fn end(processes: &[ProcessMark]) -> Vec<ProcessMark> {
    processes.iter().for_each(|process| process.signal(Signal::SIGTERM));
    if wait_until(GRACE, || processes.iter().all(|process| process.is_gone())) {
        return Vec::new();
    }
    processes.iter().for_each(|process| process.signal(Signal::SIGKILL));
    wait_until(AFTER_KILL, || processes.iter().all(|process| process.is_gone()));
    processes.iter().copied().filter(|process| process.is_alive()).collect()
}

/// Looks every few milliseconds until `done` or until `limit` is over; says whether it was done.
pub(super) fn wait_until(limit: Duration, mut done: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    loop {
        if done() {
            return true;
        }
        if start.elapsed() >= limit {
            return false;
        }
        sleep(STEP);
    }
}

/// State letter and start time from `/proc/PID/stat`; the command's name, in parentheses, may hold anything.
fn state_and_start(pid: i32) -> Option<(char, u64)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_ascii_whitespace();
    let state = fields.next()?.chars().next()?;
    Some((state, fields.nth(18)?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_mark_knows_its_process_and_no_later_one() {
        let mark = ProcessMark::current().unwrap();
        assert!(mark.is_alive());
        assert!(!ProcessMark { start_time: mark.start_time + 1, ..mark }.is_alive());
    }

    #[test]
    fn a_recycled_number_is_not_signalled() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let mark = ProcessMark::of(child.id().cast_signed()).unwrap();
        assert!(end(&[ProcessMark { start_time: mark.start_time + 1, ..mark }]).is_empty());
        assert!(mark.is_alive());
        assert!(end(&[mark]).is_empty());
        child.wait().unwrap();
    }

    #[test]
    fn one_that_ignores_the_request_is_killed() {
        let mut child = Command::new("sh").args(["-c", "trap '' TERM; echo; while :; do sleep 1; done"]).spawn().unwrap();
        let mark = ProcessMark::of(child.id().cast_signed()).unwrap();
        assert!(end(&[mark]).is_empty());
        assert!(!child.wait().unwrap().success());
    }
}
