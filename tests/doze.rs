//! Sleeping and being woken: the production file over loom's primitives, in every order of its steps.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]

use loom::thread;

mod primitives {
    pub(super) use loom::sync::Arc;
    pub(super) use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering, fence};
}

#[path = "../src/worker/doze.rs"]
mod doze;

use doze::Doze;
use primitives::{Arc, AtomicUsize, Ordering};

/// A mailbox that counts what is in it, and how often the bell was rung.
struct Mailbox {
    left: AtomicUsize,
    rings: AtomicUsize,
    doze: Doze,
}

impl Mailbox {
    fn leave(&self) {
        self.left.fetch_add(1, Ordering::Relaxed);
        if self.doze.must_wake() {
            self.rings.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// A worker that sleeps while something waits, and whose bell nobody rings, would sleep for ever.
fn explore(senders: usize) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(move || {
        let mailbox = Arc::new(Mailbox { left: AtomicUsize::new(0), rings: AtomicUsize::new(0), doze: Doze::new() });
        let threads: Vec<_> = (0..senders)
            .map(|_| {
                let mailbox = Arc::clone(&mailbox);
                thread::spawn(move || mailbox.leave())
            })
            .collect();
        let sleeps = mailbox.doze.lie_down(|| mailbox.left.load(Ordering::Relaxed) > 0);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        let rings = mailbox.rings.load(Ordering::Relaxed);
        assert!(rings <= 1, "of several one is told to ring");
        assert!(!sleeps || rings == 1, "it sleeps, and nobody rings");
        mailbox.doze.get_up();
        mailbox.leave();
        assert_eq!(mailbox.rings.load(Ordering::Relaxed), rings, "who is awake needs no bell");
    });
}

#[test]
fn whatever_is_left_is_seen_or_the_bell_is_rung() {
    explore(1);
}

#[test]
fn of_two_who_leave_something_one_rings() {
    explore(2);
}
