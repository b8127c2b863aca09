//! The flow table: one owner, a fixed number of flows, both directions of a flow in one entry.
//!
//! ```text
//! key ─hash─▶ index (64-byte buckets: tags, slots) ─slot = entry·2 + direction─▶ entry (two keys, deadline, value)
//!                                                     wheel (a list per tick) ─┘
//! ```
//!
//! All memory is taken and touched by [`FlowTable::new`]; nothing grows, rehashes or allocates afterwards, and no new flow
//! waits for the system to find a page. A lookup reads a bucket
//! and an entry; an entry starts a cache line and, with an IPv4 key and a value of 28 bytes, fills it. Refreshing a flow
//! stores its new deadline and nothing else; [`FlowTable::expire`], called between batches with a budget, finds what has
//! run out.
//!
//! Time is counted in **ticks** of 1/8 s ([`TICKS_PER_SECOND`]) from the start of the process; a `u32` lasts 17 years.

mod foresight;
mod hash;
mod index;
mod lookup;
mod places;
mod wheel;

#[cfg(test)]
mod model;
#[cfg(test)]
mod model_batches;

use foresight::Foresight;
pub use hash::Secret;
use index::Index;
pub use lookup::{Hit, STAGE, Trail};
use lookup::{pack, unpack};
pub use places::Places;
use wheel::Wheel;

use crate::packet::FlowKey;
use crate::packet::flow_key::Address;
use crate::table::simd::prefer_large_pages;

/// Ticks in a second, the unit of deadlines.
pub const TICKS_PER_SECOND: u32 = 8;

/// The number of a flow's entry. Good until the flow is removed; the number is given to another flow then, so nobody
/// keeps one beyond the batch. A stale one names nothing, or that other flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FlowId(pub u32);

/// Which way a packet of a flow goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum FlowDirection {
    /// As the flow's first packet.
    Original = 0,
    /// Against it.
    Reply = 1,
}

impl FlowDirection {
    /// The other one.
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Original => Self::Reply,
            Self::Reply => Self::Original,
        }
    }
}

/// Why a flow was not added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InsertError {
    /// As many flows as the table holds are there.
    #[error("the flow table is full")]
    Full,
    /// The original direction's key belongs to a flow already.
    #[error("another flow has the key of the original direction")]
    OriginalTaken,
    /// The reply direction's key belongs to a flow already.
    #[error("another flow has the key of the reply direction")]
    ReplyTaken,
}

/// What a lookup reads at last. A free entry has no keys; the value in it is its last flow's.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
struct Entry<A: Address, V> {
    keys: [A::Packed; 2],
    deadline: u32,
    value: V,
}

impl<A: Address, V> Entry<A, V> {
    /// The last word of a key is never zero.
    #[inline(always)]
    fn is_free(&self) -> bool {
        let [original, _] = &self.keys;
        original.as_ref().last().is_none_or(|&tail| tail == 0)
    }

    /// Whether packets with this key go this way. Where both keys are equal they all count as original, whatever a trail says
    /// that is older than the flow. Without a branch on the direction, which nobody could guess.
    #[inline(always)]
    fn is_way_of(&self, direction: FlowDirection, key: &A::Packed) -> bool {
        let [original, _] = &self.keys;
        let is_key = self.keys.get(direction as usize) == Some(key);
        is_key & !((direction == FlowDirection::Reply) & (original == key))
    }
}

/// Flows by the keys of both their directions.
#[derive(Debug)]
pub struct FlowTable<A: Address, V> {
    secret: Secret,
    index: Index,
    entries: Box<[Entry<A, V>]>,
    /// Entries that have ever been used: the first ones.
    used: usize,
    wheel: Wheel,
    len: usize,
    foresight: Foresight<A>,
}

impl<A: Address, V: Copy + Default> FlowTable<A, V> {
    /// A table for `capacity` flows (at most 2³⁰), its hash keyed by a random seed.
    #[must_use]
    pub fn new(capacity: usize, seed: [u64; 2]) -> Self {
        let capacity = capacity.min(Wheel::MOST);
        let mut entries = Vec::with_capacity(capacity);
        prefer_large_pages(&entries);
        entries.resize(capacity, Entry { keys: [A::Packed::default(); 2], deadline: 0, value: V::default() });
        let (index, wheel) = (Index::new(capacity * 2), Wheel::new(capacity));
        Self { secret: Secret::new(seed), index, entries: entries.into_boxed_slice(), used: 0, wheel, len: 0, foresight: Foresight::new() }
    }
}

impl<A: Address, V: Copy> FlowTable<A, V> {
    /// Flows in the table.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Flows it holds at most.
    #[must_use]
    pub const fn capacity(&self) -> usize {
        self.entries.len()
    }

    /// Bytes reserved, whatever the table holds; without the few of what it foresees.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.index.memory() + self.wheel.memory() + size_of_val(&*self.entries)
    }

    /// Adds a flow, to be expired at `deadline` (a tick). Where both keys are equal, its packets all count as original.
    ///
    /// # Errors
    /// A key that another flow has already, or [`InsertError::Full`]; nothing is changed then.
    pub fn insert(&mut self, original: FlowKey<A>, reply: FlowKey<A>, value: V, deadline: u32) -> Result<FlowId, InsertError> {
        let keys = [A::pack(&original), A::pack(&reply)];
        let hashes = [self.hash(&keys[0]), self.hash(&keys[1])];
        if self.lookup_packed(hashes[0], &keys[0]).is_some() {
            return Err(InsertError::OriginalTaken);
        }
        if self.lookup_packed(hashes[1], &keys[1]).is_some() {
            return Err(InsertError::ReplyTaken);
        }
        let id = self.fill_entry(Entry { keys, deadline, value }).ok_or(InsertError::Full)?;
        if !self.index_keys(id, hashes, keys[0] == keys[1]) {
            self.free_entry(id);
            return Err(InsertError::Full);
        }
        self.len += 1;
        self.foresight.note(original, reply);
        Ok(id)
    }

    /// The keys of a flow: original, reply.
    #[must_use]
    #[inline]
    pub fn keys(&self, id: FlowId) -> Option<(FlowKey<A>, FlowKey<A>)> {
        self.entry(id).map(|Entry { keys: [original, reply], .. }| (A::unpack(original), A::unpack(reply)))
    }

    /// One direction's key of a flow.
    #[inline(always)]
    #[must_use]
    pub fn key(&self, id: FlowId, direction: FlowDirection) -> Option<FlowKey<A>> {
        self.entry(id)?.keys.get(direction as usize).map(A::unpack)
    }

    /// What is kept for a flow.
    #[inline(always)]
    #[must_use]
    pub fn get(&self, id: FlowId) -> Option<&V> {
        self.entry(id).map(|entry| &entry.value)
    }

    /// What is kept for a flow, to be changed.
    #[inline(always)]
    pub fn get_mut(&mut self, id: FlowId) -> Option<&mut V> {
        self.entry_mut(id).map(|entry| &mut entry.value)
    }

    /// Replaces what is kept for a flow.
    pub fn set(&mut self, id: FlowId, value: V) {
        if let Some(kept) = self.get_mut(id) {
            *kept = value;
        }
    }

    /// Removes a flow.
    pub fn remove(&mut self, id: FlowId) -> Option<V> {
        self.take(id).map(|entry| entry.value)
    }

    /// The tick that a flow expires at.
    #[must_use]
    pub fn deadline(&self, id: FlowId) -> Option<u32> {
        self.entry(id).map(|entry| entry.deadline)
    }

    /// Moves a flow's deadline: one store. For later deadlines; of an earlier one the table takes notice when the former
    /// deadline comes (or after 512 s, whichever is first): use [`Self::hasten`] for those.
    #[inline]
    pub fn set_deadline(&mut self, id: FlowId, tick: u32) {
        if let Some(entry) = self.entry_mut(id) {
            entry.deadline = tick;
        }
    }

    /// Moves a flow's deadline and sees to it that it is kept to the tick, however early it is.
    pub fn hasten(&mut self, id: FlowId, tick: u32) {
        if let Some(entry) = self.entry_mut(id) {
            entry.deadline = tick;
            self.wheel.queue(id.0, tick);
        }
    }

    /// Removes flows whose deadline is `now_tick` or before, and gives them to `on_expired` (number, original key, reply
    /// key, value). Looks at no more than `budget` entries and at 512 s worth of ticks; what is left comes with the next
    /// call. Returns how many were removed.
    pub fn expire(&mut self, now_tick: u32, budget: usize, mut on_expired: impl FnMut(FlowId, &FlowKey<A>, &FlowKey<A>, V)) -> usize {
        if self.is_empty() {
            self.wheel.skip_to(now_tick);
            return 0;
        }
        let before = self.len;
        let until = self.wheel.horizon(now_tick);
        for _ in 0..budget {
            let Some(number) = self.wheel.pop_until(until) else { break };
            let id = FlowId(number);
            match self.deadline(id) {
                Some(deadline) if deadline > now_tick => self.wheel.queue(number, deadline),
                _ => {
                    if let Some(Entry { keys: [original, reply], value, .. }) = self.take(id) {
                        on_expired(id, &A::unpack(&original), &A::unpack(&reply), value);
                    }
                }
            }
        }
        before - self.len
    }

    /// The flows in `budget` entries from number `from` on, and where to go on (`None`: that was the end). Begin with 0.
    /// Flows that come and go between two steps may be missed or met; one that stays is met exactly once.
    pub fn scan(&self, from: u32, budget: usize) -> (Option<u32>, impl Iterator<Item = FlowId> + '_) {
        let start = (from as usize).min(self.used);
        let end = start.saturating_add(budget).min(self.used);
        let numbers = (from..).zip(self.entries.get(start..end).unwrap_or_default());
        let next = (end < self.used).then(|| u32::try_from(end).ok()).flatten();
        (next, numbers.filter(|(_, entry)| !entry.is_free()).map(|(number, _)| FlowId(number)))
    }

    #[inline(always)]
    fn entry(&self, id: FlowId) -> Option<&Entry<A, V>> {
        self.entries.get(id.0 as usize).filter(|entry| !entry.is_free())
    }

    #[inline(always)]
    fn entry_mut(&mut self, id: FlowId) -> Option<&mut Entry<A, V>> {
        self.entries.get_mut(id.0 as usize).filter(|entry| !entry.is_free())
    }

    /// Puts a flow into a free entry, or one never used so far, and queues it for its deadline.
    fn fill_entry(&mut self, entry: Entry<A, V>) -> Option<FlowId> {
        let number = match self.wheel.take_free() {
            Some(number) => number,
            None => u32::try_from(self.used).ok()?,
        };
        *self.entries.get_mut(number as usize)? = entry;
        self.used = self.used.max(number as usize + 1);
        self.wheel.queue(number, entry.deadline);
        Some(FlowId(number))
    }

    fn free_entry(&mut self, id: FlowId) -> Option<Entry<A, V>> {
        let place = self.entry_mut(id)?;
        let entry = *place;
        place.keys = [A::Packed::default(); 2];
        self.wheel.set_free(id.0);
        Some(entry)
    }

    /// Puts a new flow's keys into the index: both or none.
    fn index_keys(&mut self, id: FlowId, hashes: [u64; 2], equal: bool) -> bool {
        let (secret, entries) = (self.secret, &self.entries);
        let hash_of = |slot: u32| {
            let (id, direction) = unpack(slot);
            let entry = entries.get(id.0 as usize);
            entry.and_then(|entry| entry.keys.get(direction as usize)).map_or(0, |key| secret.packed::<A>(key))
        };
        let [original, reply] = hashes;
        if !self.index.insert(original, pack(id, FlowDirection::Original), hash_of) {
            return false;
        }
        if equal || self.index.insert(reply, pack(id, FlowDirection::Reply), hash_of) {
            return true;
        }
        self.index.remove(original, pack(id, FlowDirection::Original));
        false
    }

    fn take(&mut self, id: FlowId) -> Option<Entry<A, V>> {
        let entry = self.free_entry(id)?;
        let [original, reply] = entry.keys;
        self.index.remove(self.hash(&original), pack(id, FlowDirection::Original));
        if original != reply {
            self.index.remove(self.hash(&reply), pack(id, FlowDirection::Reply));
        }
        self.len -= 1;
        Some(entry)
    }
}
