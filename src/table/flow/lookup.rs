//! Lookups, one at a time and in batches whose cache misses overlap.
//!
//! A batch asks for all buckets ([`FlowTable::seek`]), then for all entries ([`FlowTable::approach`],
//! [`FlowTable::approach_again`]), and only then looks ([`FlowTable::hit`], [`FlowTable::find`]), one key after the other.
//! What the first two find out is a hint: a look compares the key with the entry that is there now. So flows may come and
//! go between two looks of a batch, and each look gives what it would give alone.

use super::{Address, Entry, FlowDirection, FlowId, FlowKey, FlowTable};
use crate::table::simd::prefetch;

/// Keys of a batch that are looked up together.
pub const STAGE: usize = 32;

/// No slot is numbered so: entries are fewer than 2³⁰.
const NOWHERE: u32 = u32::MAX;

/// A lookup under way: the key, and where it very likely is.
#[derive(Clone, Copy, Debug)]
pub struct Trail<A: Address> {
    key: A::Packed,
    hash: u64,
    /// The bucket that it should be in.
    bucket: u32,
    /// Where the key very likely is, or [`NOWHERE`].
    slot: u32,
}

impl<A: Address> Default for Trail<A> {
    /// Of no key: leads nowhere.
    fn default() -> Self {
        Self { key: A::Packed::default(), hash: 0, bucket: 0, slot: NOWHERE }
    }
}

impl<A: Address> Trail<A> {
    /// The key that is looked up.
    #[inline(always)]
    #[must_use]
    pub fn key(&self) -> FlowKey<A> {
        A::unpack(&self.key)
    }
}

/// A flow that a lookup ended at, to be read and changed without being looked up again.
#[derive(Debug)]
pub struct Hit<'a, A: Address, V> {
    entry: &'a mut Entry<A, V>,
    /// Which way packets with the key go.
    pub direction: FlowDirection,
}

impl<A: Address, V> Hit<'_, A, V> {
    /// What is kept for the flow.
    #[inline(always)]
    #[must_use]
    pub const fn value(&self) -> &V {
        &self.entry.value
    }

    /// What is kept for the flow, to be changed.
    #[inline(always)]
    pub const fn value_mut(&mut self) -> &mut V {
        &mut self.entry.value
    }

    /// The key of the flow's other direction.
    #[inline(always)]
    #[must_use]
    pub fn other_key(&self) -> FlowKey<A> {
        let [original, reply] = &self.entry.keys;
        A::unpack(match self.direction {
            FlowDirection::Original => reply,
            FlowDirection::Reply => original,
        })
    }

    /// Moves the flow's deadline, as [`FlowTable::set_deadline`] does.
    #[inline(always)]
    pub const fn refresh(&mut self, deadline: u32) {
        self.entry.deadline = deadline;
    }
}

impl<A: Address, V: Copy> FlowTable<A, V> {
    /// The flow that a packet with this key belongs to, and which way it goes.
    #[inline]
    #[must_use]
    pub fn lookup(&self, key: &FlowKey<A>) -> Option<(FlowId, FlowDirection)> {
        let packed = A::pack(key);
        self.lookup_packed(self.hash(&packed), &packed)
    }

    /// Whether a flow has this key, in either direction.
    #[must_use]
    pub fn contains(&self, key: &FlowKey<A>) -> bool {
        self.lookup(key).is_some()
    }

    /// Begins a lookup: hashes the key and asks for its bucket.
    #[inline(always)]
    #[must_use]
    pub fn seek(&self, key: &FlowKey<A>) -> Trail<A> {
        let key = A::pack(key);
        let hash = self.hash(&key);
        let bucket = self.index.prefetch_first(hash);
        Trail { key, hash, bucket, slot: NOWHERE }
    }

    /// Asks for the cache line that a lookup or an insertion of this key begins with.
    #[inline]
    pub fn prefetch_bucket(&self, key: &FlowKey<A>) {
        self.index.prefetch_first(self.hash(&A::pack(key)));
    }

    /// Goes on: reads the bucket and asks for the entry. False: it is not there, and the lookup has to
    /// [approach again](Self::approach_again).
    #[inline(always)]
    pub fn approach(&self, trail: &mut Trail<A>) -> bool {
        match self.index.likely_in(trail.bucket, trail.hash) {
            Some(slot) => {
                self.prefetch_entry(trail, slot);
                true
            }
            None => {
                self.index.prefetch_second(trail.hash);
                false
            }
        }
    }

    /// Goes on, where the first bucket did not have it: reads the second, where it may be there, and asks for the entry; else
    /// it is probably a first packet's, and the bucket is asked for where its replies will probably be entered.
    #[inline(always)]
    pub fn approach_again(&self, trail: &mut Trail<A>) {
        if trail.slot == NOWHERE {
            self.approach_elsewhere(trail);
        }
    }

    #[inline(never)]
    fn approach_elsewhere(&self, trail: &mut Trail<A>) {
        if let Some(slot) = self.index.likely_in_second(trail.hash) {
            self.prefetch_entry(trail, slot);
        } else if let Some(reply) = self.foresight.reply(&trail.key()) {
            self.prefetch_bucket(&reply);
        }
    }

    /// Ends a lookup.
    #[inline]
    #[must_use]
    pub fn find(&self, trail: &Trail<A>) -> Option<(FlowId, FlowDirection)> {
        let (id, direction) = unpack(trail.slot);
        let is_there = self.entries.get(id.0 as usize).is_some_and(|entry| entry.is_way_of(direction, &trail.key));
        if is_there { Some((id, direction)) } else { self.lookup_packed(trail.hash, &trail.key) }
    }

    /// Ends a lookup at the flow itself, where it is where it very likely is; `None` says nothing yet ([`Self::find`] does).
    #[inline(always)]
    #[must_use]
    pub fn hit(&mut self, trail: &Trail<A>) -> Option<Hit<'_, A, V>> {
        let (id, direction) = unpack(trail.slot);
        let entry = self.entries.get_mut(id.0 as usize)?;
        // The slot says which key it is: nothing to guess, where packets of both directions are mixed.
        entry.is_way_of(direction, &trail.key).then_some(Hit { entry, direction })
    }

    #[inline(always)]
    fn prefetch_entry(&self, trail: &mut Trail<A>, slot: u32) {
        trail.slot = slot;
        if let Some(entry) = self.entries.get(unpack(slot).0.0 as usize) {
            prefetch(entry);
        }
    }

    #[inline(always)]
    pub(super) fn hash(&self, packed: &A::Packed) -> u64 {
        self.secret.packed::<A>(packed)
    }

    #[inline(never)]
    pub(super) fn lookup_packed(&self, hash: u64, packed: &A::Packed) -> Option<(FlowId, FlowDirection)> {
        self.index.find(hash, |slot| self.key_of(slot) == Some(packed)).map(unpack)
    }

    #[inline]
    fn key_of(&self, slot: u32) -> Option<&A::Packed> {
        let (id, direction) = unpack(slot);
        self.entries.get(id.0 as usize)?.keys.get(direction as usize)
    }
}

/// An entry and a direction in one number.
#[inline]
pub(super) const fn pack(id: FlowId, direction: FlowDirection) -> u32 {
    id.0 << 1 | direction as u32
}

#[inline]
pub(super) const fn unpack(slot: u32) -> (FlowId, FlowDirection) {
    let direction = if slot & 1 == 0 { FlowDirection::Original } else { FlowDirection::Reply };
    (FlowId(slot >> 1), direction)
}
