//! Exit statuses, the same for every command.

use std::process::ExitCode;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Yes, allowed, valid (warnings too), done.
    Success = 0,
    /// No, denied, invalid, failed.
    Failure = 1,
    /// Wrong usage.
    Usage = 2,
    /// Undetermined: the packet meets something that is not modelled.
    Undetermined = 3,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
