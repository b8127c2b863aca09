//! A snapshot on its way to the workers, and the former one's way back.
//!
//! The control side publishes; each worker takes the latest between two batches, lets go of the one before, and says so.
//! The control side keeps every former snapshot until all workers have said so, and frees it itself: to free one takes
//! milliseconds, in which a worker's packets would wait.
//!
//! `tests/publication.rs` compiles this file over loom's primitives and tries every order of its steps.

use super::primitives::{Arc, AtomicU64, Mutex, MutexGuard, Ordering, PoisonError};

/// The control side's end.
#[derive(Debug)]
pub(super) struct Publication<T> {
    shared: Arc<Shared<T>>,
    /// Former snapshots that a worker may still have, each with its number.
    retired: Mutex<Vec<(u64, Arc<T>)>>,
}

/// A worker's end.
#[derive(Debug)]
pub(super) struct Seat<T> {
    shared: Arc<Shared<T>>,
    place: usize,
    /// The number of the snapshot that the worker has.
    has: u64,
}

#[derive(Debug)]
struct Shared<T> {
    /// The snapshot that was published last, and its number.
    latest: Mutex<(u64, Arc<T>)>,
    /// The same number, for a look without a lock.
    number: AtomicU64,
    /// For each worker, the number of the oldest snapshot that it may have.
    oldest: Vec<AtomicU64>,
}

impl<T> Publication<T> {
    /// Publishes the first snapshot to `workers` workers, who have it already.
    pub(super) fn new(first: Arc<T>, workers: usize) -> (Self, Vec<Seat<T>>) {
        let oldest = (0..workers).map(|_| AtomicU64::new(0)).collect();
        let shared = Arc::new(Shared { latest: Mutex::new((0, first)), number: AtomicU64::new(0), oldest });
        let seats = (0..workers).map(|place| Seat { shared: Arc::clone(&shared), place, has: 0 }).collect();
        (Self { shared, retired: Mutex::new(Vec::new()) }, seats)
    }

    /// Makes a snapshot the one that workers take from now on.
    pub(super) fn publish(&self, snapshot: Arc<T>) {
        let mut retired = lock(&self.retired);
        let mut latest = lock(&self.shared.latest);
        let (number, _) = *latest;
        retired.push(std::mem::replace(&mut *latest, (number + 1, snapshot)));
        self.shared.number.store(number + 1, Ordering::Release);
    }

    /// Frees the former snapshots that all workers have passed.
    pub(super) fn retire(&self) {
        // Acquire: what a worker did before it said that it has passed, its letting go above all, lies before this.
        let oldest = self.shared.oldest.iter().map(|oldest| oldest.load(Ordering::Acquire)).min();
        lock(&self.retired).retain(|(number, _)| oldest.is_some_and(|oldest| *number >= oldest));
    }

    /// The snapshot that was published last.
    pub(super) fn latest(&self) -> Arc<T> {
        Arc::clone(&lock(&self.shared.latest).1)
    }
}

impl<T> Seat<T> {
    /// Hands a newer snapshot, if there is one, to `adopt`, which has to let go of the former before it returns.
    pub(super) fn take(&mut self, adopt: impl FnOnce(Arc<T>)) {
        if self.shared.number.load(Ordering::Acquire) == self.has {
            return;
        }
        let (number, snapshot) = {
            let latest = lock(&self.shared.latest);
            (latest.0, Arc::clone(&latest.1))
        };
        adopt(snapshot);
        self.has = number;
        if let Some(oldest) = self.shared.oldest.get(self.place) {
            oldest.store(number, Ordering::Release);
        }
    }
}

/// What is behind these locks is whole at any time, even after a panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
