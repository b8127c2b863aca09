//! Whether a worker sleeps: who leaves it something wakes it then, and spares the system call while it is awake.
//!
//! `tests/doze.rs` compiles this file over loom's primitives and tries every order of its steps.

use super::primitives::{AtomicBool, Ordering, fence};

/// A worker's sleep, as others see it.
#[derive(Debug)]
pub(super) struct Doze {
    asleep: AtomicBool,
}

impl Doze {
    /// Awake.
    pub(super) fn new() -> Self {
        Self { asleep: AtomicBool::new(false) }
    }

    /// The worker is about to sleep; `something_waits` looks once more. False: it must not.
    pub(super) fn lie_down(&self, something_waits: impl FnOnce() -> bool) -> bool {
        self.asleep.store(true, Ordering::Relaxed);
        // With the fence of `must_wake`: either this look finds what was left, or who left it finds the worker asleep.
        fence(Ordering::SeqCst);
        let may_sleep = !something_waits();
        if !may_sleep {
            self.get_up();
        }
        may_sleep
    }

    /// The worker is awake, and looks at what waits before it sleeps again.
    pub(super) fn get_up(&self) {
        self.asleep.store(false, Ordering::Relaxed);
    }

    /// Who has left something asks whether to wake the worker; of several one is told to.
    pub(super) fn must_wake(&self) -> bool {
        fence(Ordering::SeqCst);
        self.asleep.load(Ordering::Relaxed) && self.asleep.swap(false, Ordering::AcqRel)
    }
}
