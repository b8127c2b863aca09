//! Which worker has which flow: the one table that workers share.
//!
//! A packet finds its flow in its own worker's table and never looks here. What misses there does: first packets, ICMP
//! errors, packets that the device gave to another worker than their flow's. So it holds keys and owners and nothing else,
//! behind locks that are held for a look: a shard each for some of the keys.
//!
//! A flow has both its keys here or none: they are claimed together before the flow is entered into its table, and released
//! after it has left. So no key is ever in two workers' tables.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crossbeam::utils::CachePadded;
use foldhash::fast::RandomState;

use super::WorkerId;
use crate::packet::FlowKey;
use crate::packet::flow_key::Address;
use crate::packet::parse::Addresses;
use crate::pipeline::flows::{Family, key};

/// Shards. Far more than workers, so that two seldom want the same one.
const SHARDS: usize = 256;

/// A key as the directory keeps it. A flow through a service tunnel, whose near end has IPv4-mapped addresses in its
/// table, has the IPv4 key of its packets here: whoever receives one asks by that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Key {
    V4(<Ipv4Addr as Address>::Packed),
    V6(<Ipv6Addr as Address>::Packed),
}

impl Key {
    fn of<A: Family>(flow_key: &FlowKey<A>) -> Self {
        let FlowKey { source, destination, source_port, destination_port, zone, protocol } = *flow_key;
        let ports = (source_port, destination_port);
        match A::addresses(source, destination) {
            Addresses::V4 { source, destination } => Self::V4(Ipv4Addr::pack(&key(zone, source, destination, protocol, ports))),
            Addresses::V6 { source, destination } => Self::V6(Ipv6Addr::pack(&key(zone, source, destination, protocol, ports))),
        }
    }
}

/// Owners by key; a map for each family, so that an IPv4 key takes no more room than it needs.
#[derive(Debug)]
struct Shard {
    v4: HashMap<<Ipv4Addr as Address>::Packed, WorkerId, RandomState>,
    v6: HashMap<<Ipv6Addr as Address>::Packed, WorkerId, RandomState>,
}

impl Shard {
    fn get(&self, key: &Key) -> Option<WorkerId> {
        match key {
            Key::V4(key) => self.v4.get(key).copied(),
            Key::V6(key) => self.v6.get(key).copied(),
        }
    }

    fn insert(&mut self, key: Key, owner: WorkerId) {
        match key {
            Key::V4(key) => self.v4.insert(key, owner),
            Key::V6(key) => self.v6.insert(key, owner),
        };
    }

    fn remove(&mut self, key: &Key) {
        match key {
            Key::V4(key) => self.v4.remove(key),
            Key::V6(key) => self.v6.remove(key),
        };
    }
}

/// Why a flow's keys were not claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// This worker has a flow with the key of the original direction.
    Original(WorkerId),
    /// Some worker has a flow with the key of the reply direction.
    Reply,
}

/// The owners of all flows.
#[derive(Debug)]
pub struct Directory {
    shards: Box<[CachePadded<Mutex<Shard>>]>,
    hasher: RandomState,
}

impl Directory {
    /// An empty directory with room for this many flows of each family in all workers' tables.
    #[must_use]
    pub fn new(flows_v4: usize, flows_v6: usize) -> Self {
        let hasher = RandomState::default();
        // Keys don't spread quite evenly: a little more than two for each flow.
        let room = |flows: usize| (flows * 9 / 4).div_ceil(SHARDS);
        let shard = || Shard {
            v4: HashMap::with_capacity_and_hasher(room(flows_v4), hasher.clone()),
            v6: HashMap::with_capacity_and_hasher(room(flows_v6), hasher.clone()),
        };
        Self { shards: (0..SHARDS).map(|_| CachePadded::new(Mutex::new(shard()))).collect(), hasher }
    }

    /// Who has the flow of a packet with this key.
    #[must_use]
    pub fn owner<A: Family>(&self, flow_key: &FlowKey<A>) -> Option<WorkerId> {
        let key = Key::of(flow_key);
        self.shards.get(self.place(&key)).and_then(|shard| lock(shard).get(&key))
    }

    /// Makes `worker` the owner of both keys, or of none.
    ///
    /// # Errors
    /// A key that has an owner already.
    pub fn claim<A: Family>(&self, original: &FlowKey<A>, reply: &FlowKey<A>, worker: WorkerId) -> Result<(), Taken> {
        let (original, reply) = (Key::of(original), Key::of(reply));
        let places = (self.place(&original), self.place(&reply));
        let mut both = self.lock_both(places).ok_or(Taken::Reply)?;
        if let Some(owner) = both.at(places.0).get(&original) {
            return Err(Taken::Original(owner));
        }
        if both.at(places.1).get(&reply).is_some() {
            return Err(Taken::Reply);
        }
        both.at(places.0).insert(original, worker);
        both.at(places.1).insert(reply, worker);
        Ok(())
    }

    /// Takes out the keys of a flow that has left its owner's table.
    pub fn release<A: Family>(&self, original: &FlowKey<A>, reply: &FlowKey<A>) {
        let (original, reply) = (Key::of(original), Key::of(reply));
        self.remove(&original);
        // Where both are one, it is gone, and may be another's by now.
        if reply != original {
            self.remove(&reply);
        }
    }

    fn remove(&self, key: &Key) {
        if let Some(shard) = self.shards.get(self.place(key)) {
            lock(shard).remove(key);
        }
    }

    /// Keys that have an owner.
    #[must_use]
    pub fn len(&self) -> usize {
        let keys = |shard: &CachePadded<Mutex<Shard>>| {
            let shard = lock(shard);
            shard.v4.len() + shard.v6.len()
        };
        self.shards.iter().map(keys).sum()
    }

    /// Whether no flow has an owner.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn place(&self, key: &Key) -> usize {
        // The maps use the lower bits of the same hash.
        (self.hasher.hash_one(key) >> 32) as usize % SHARDS
    }

    /// Locks both shards, always the lower one first, so that no two workers wait for each other.
    fn lock_both(&self, (one, other): (usize, usize)) -> Option<Both<'_>> {
        let low = one.min(other);
        let first = lock(self.shards.get(low)?);
        let second = if one == other { None } else { Some(lock(self.shards.get(one.max(other))?)) };
        Some(Both { low, first, second })
    }
}

/// One or two locked shards.
struct Both<'a> {
    low: usize,
    first: MutexGuard<'a, Shard>,
    second: Option<MutexGuard<'a, Shard>>,
}

impl Both<'_> {
    fn at(&mut self, place: usize) -> &mut Shard {
        match &mut self.second {
            Some(second) if place != self.low => second,
            _ => &mut self.first,
        }
    }
}

/// What is behind these locks is whole at any time, even after a panic.
fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
#[path = "directory_tests.rs"]
mod tests;
