//! All that workers share.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crossbeam::utils::CachePadded;
use foldhash::fast::RandomState;

use super::WorkerId;
use super::directory::Directory;
use crate::pipeline::Capacity;
use crate::pipeline::fragment_table::{FragmentKey, FragmentTable};
use crate::pipeline::neighbour::Neighbour;

/// Locks over the fragmented packets under way.
const FRAGMENT_SHARDS: usize = 16;

/// What the workers of one dataplane share.
#[derive(Debug)]
pub struct Shared {
    workers: u16,
    /// Which worker has which flow.
    pub flows: Directory,
    pub(super) fragments: FragmentOwners,
    pub(super) questions: Questions,
}

impl Shared {
    pub(super) fn new(workers: u16, capacity: Capacity) -> Self {
        Self {
            workers,
            flows: Directory::new(capacity.flows_v4, capacity.flows_v6),
            fragments: FragmentOwners::new(capacity.fragments),
            questions: Questions::new(capacity.neighbours),
        }
    }

    pub(super) const fn workers(&self) -> u16 {
        self.workers
    }
}

/// Which worker has the first fragment of which packet.
#[derive(Debug)]
pub(super) struct FragmentOwners {
    shards: Box<[CachePadded<Mutex<FragmentTable<WorkerId>>>]>,
    hasher: RandomState,
}

impl FragmentOwners {
    fn new(capacity: usize) -> Self {
        let (share, per_source) = (capacity.div_ceil(FRAGMENT_SHARDS), capacity.div_ceil(8));
        let shard = |_| CachePadded::new(Mutex::new(FragmentTable::new(share, per_source)));
        Self { shards: (0..FRAGMENT_SHARDS).map(shard).collect(), hasher: RandomState::default() }
    }

    pub(super) fn insert(&self, key: FragmentKey, owner: WorkerId, now_ms: u64) {
        if let Some(mut shard) = self.shard(&key) {
            shard.insert(key, owner, now_ms);
        }
    }

    pub(super) fn owner(&self, key: &FragmentKey, now_ms: u64) -> Option<WorkerId> {
        self.shard(key)?.get(key, now_ms)
    }

    /// A sender has its places in one shard, and so its share of them only once.
    fn shard(&self, key: &FragmentKey) -> Option<MutexGuard<'_, FragmentTable<WorkerId>>> {
        let place = (self.hasher.hash_one((key.zone, key.source)) >> 32) as usize % FRAGMENT_SHARDS;
        Some(lock(self.shards.get(place)?))
    }
}

/// Which workers have asked for a neighbour that has not answered.
#[derive(Debug)]
pub(super) struct Questions {
    /// A bit for each worker.
    asked: Mutex<HashMap<Neighbour, u64, RandomState>>,
    /// How many neighbours are asked for, so that nobody takes the lock while it is none.
    open: AtomicUsize,
    capacity: usize,
}

impl Questions {
    fn new(capacity: usize) -> Self {
        Self { asked: Mutex::default(), open: AtomicUsize::new(0), capacity: capacity.max(1) }
    }

    /// `worker` is about to ask for the neighbour. Where as many as there is room for did not answer, all are forgotten:
    /// who still waits asks again within a second.
    pub(super) fn ask(&self, neighbour: Neighbour, worker: WorkerId) {
        let mut asked = lock(&self.asked);
        if asked.len() >= self.capacity && !asked.contains_key(&neighbour) {
            asked.clear();
        }
        *asked.entry(neighbour).or_default() |= 1 << worker.0;
        self.open.store(asked.len(), Ordering::Release);
    }

    /// The neighbour has answered: who had asked, a bit for each worker.
    pub(super) fn answer(&self, neighbour: &Neighbour) -> u64 {
        if self.open.load(Ordering::Acquire) == 0 {
            return 0;
        }
        let mut asked = lock(&self.asked);
        let workers = asked.remove(neighbour).unwrap_or(0);
        self.open.store(asked.len(), Ordering::Release);
        workers
    }
}

/// What is behind these locks is whole at any time, even after a panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::ids::PortId;

    fn neighbour(host: u8) -> Neighbour {
        Neighbour::new(PortId(1), std::net::IpAddr::from([10, 0, 0, host]))
    }

    #[test]
    fn an_answer_goes_once_to_each_worker_that_asked() {
        let questions = Questions::new(8);
        [0, 2, 2].into_iter().for_each(|worker| questions.ask(neighbour(1), WorkerId(worker)));
        questions.ask(neighbour(2), WorkerId(1));
        assert_eq!([1, 1, 2, 3].map(|host| questions.answer(&neighbour(host))), [0b101, 0, 0b10, 0]);
    }

    #[test]
    fn questions_that_nobody_answers_do_not_pile_up() {
        let questions = Questions::new(4);
        (0..5).for_each(|host| questions.ask(neighbour(host), WorkerId(0)));
        assert_eq!((questions.open.load(Ordering::Relaxed), questions.answer(&neighbour(4))), (1, 1));
    }
}
