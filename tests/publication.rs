//! The way of snapshots between threads: the production file over loom's primitives, in every order of its steps.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]

use std::cell::RefCell;

use loom::thread;

mod primitives {
    pub(super) use std::sync::PoisonError;

    pub(super) use loom::sync::atomic::{AtomicU64, Ordering};
    pub(super) use loom::sync::{Arc, Mutex, MutexGuard};
}

#[path = "../src/worker/publication.rs"]
mod publication;

use primitives::Arc;
use publication::{Publication, Seat};

/// A snapshot that must be freed where it was made.
struct Snapshot {
    number: u64,
    home: thread::ThreadId,
}

impl Snapshot {
    fn new(number: u64) -> Arc<Self> {
        FREED.with_borrow_mut(|freed| freed.retain(|&other| other != number));
        Arc::new(Self { number, home: thread::current().id() })
    }
}

thread_local! {
    /// Numbers of the snapshots that this run has freed. Loom runs all its threads on one.
    static FREED: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        assert_eq!(thread::current().id(), self.home, "snapshot {} was freed by a worker", self.number);
        FREED.with_borrow_mut(|freed| freed.push(self.number));
    }
}

fn is_freed(number: u64) -> bool {
    FREED.with_borrow(|freed| freed.contains(&number))
}

/// A worker between batches: looks for a newer snapshot a few times. Gives its last one back, as an engine is given back.
fn work(mut seat: Seat<Snapshot>, mut has: Arc<Snapshot>, looks: usize) -> Arc<Snapshot> {
    for _ in 0..looks {
        let before = has.number;
        seat.take(|new| {
            assert!(new.number > before, "no worker goes back");
            has = new;
        });
        assert!(!is_freed(has.number));
    }
    has
}

/// Publishes `count` snapshots to workers that look as they like, and frees what it may in between.
fn explore(workers: usize, count: u64, looks: usize) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(move || {
        FREED.take();
        let first = Snapshot::new(0);
        let (publication, seats) = Publication::new(Arc::clone(&first), workers);
        let start = |seat| {
            let first = Arc::clone(&first);
            thread::spawn(move || work(seat, first, looks))
        };
        let threads: Vec<_> = seats.into_iter().map(start).collect();
        drop(first);
        for number in 1..=count {
            publication.publish(Snapshot::new(number));
            publication.retire();
        }
        assert_eq!(publication.latest().number, count);
        let held: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        publication.retire();
        let oldest = held.iter().map(|snapshot| snapshot.number).min().unwrap();
        assert!((0..oldest).all(is_freed), "what all have passed is freed: {oldest}");
        assert!((oldest..=count).all(|number| !is_freed(number)), "what somebody has is not");
        drop((held, publication));
        assert!((0..=count).all(is_freed), "nothing is left behind");
    });
}

#[test]
fn a_worker_never_frees_a_snapshot_and_the_control_side_frees_each_in_time() {
    explore(1, 2, 2);
}

#[test]
fn a_snapshot_is_kept_until_the_last_of_two_workers_has_passed_it() {
    explore(2, 1, 1);
}
