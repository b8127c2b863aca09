//! Looking into another network namespace for a moment. `setns` moves one thread: call this from a thread of its own.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use nix::sched::{CloneFlags, setns};
use nix::sys::stat::fstat;

/// The calling thread's own network namespace, to come back to.
#[derive(Debug)]
pub(super) struct Home(File);

impl Home {
    /// Where the thread is now.
    ///
    /// # Errors
    /// `/proc` is not mounted.
    pub(super) fn of_this_thread() -> io::Result<Self> {
        File::open("/proc/thread-self/ns/net").map(Self)
    }

    /// Asks `question` inside `namespace`, and comes back. Holds nothing of it afterwards, so that the namespace can go.
    ///
    /// # Errors
    /// [`Visit::NotEntered`] without `CAP_SYS_ADMIN` over the namespace; [`Visit::NotReturned`] where the thread could
    /// not come back, and must do nothing more.
    pub(super) fn visit<R>(&self, namespace: OwnedFd, question: impl FnOnce() -> R) -> Result<R, Visit> {
        if is_same(&self.0, &namespace) {
            return Ok(question());
        }
        setns(&namespace, CloneFlags::CLONE_NEWNET).map_err(|error| Visit::NotEntered(error.into()))?;
        let answer = question();
        setns(&self.0, CloneFlags::CLONE_NEWNET).map_err(|error| Visit::NotReturned(error.into()))?;
        Ok(answer)
    }
}

/// How a visit failed.
#[derive(Debug)]
pub(super) enum Visit {
    /// The thread is where it was.
    NotEntered(io::Error),
    /// The thread is in the wrong namespace.
    NotReturned(io::Error),
}

fn is_same(one: impl AsFd, other: impl AsFd) -> bool {
    matches!((fstat(one), fstat(other)), (Ok(one), Ok(other)) if (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_namespace_is_visited_without_moving() {
        let home = Home::of_this_thread().unwrap();
        let same = OwnedFd::from(File::open("/proc/thread-self/ns/net").unwrap());
        assert!(matches!(home.visit(same, || 7), Ok(7)));
    }

    #[test]
    fn what_is_no_namespace_is_not_entered() {
        let home = Home::of_this_thread().unwrap();
        let other = OwnedFd::from(File::open("/proc/self/stat").unwrap());
        assert!(matches!(home.visit(other, || 7), Err(Visit::NotEntered(_))));
    }
}
