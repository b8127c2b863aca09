//! Lookups, one at a time and in batches whose cache misses overlap.
//!
//! A batch asks for all buckets ([`FlowTable::seek`]), then for all entries ([`FlowTable::approach`],
//! [`FlowTable::approach_again`]), and only then looks ([`FlowTable::find`]), one key after the other. What the first two
//! find out is a hint: a look compares the key with the entry that is there now. So flows may come and go between two
//! looks of a batch, and each look gives what it would give alone.

use super::{Address, Entry, FlowDirection, FlowId, FlowKey, FlowTable};
use crate::table::simd::prefetch;

/// Keys of a batch that are looked up together.
pub const STAGE: usize = 32;

/// No slot is numbered so: entries are fewer than 2³⁰.
const NOWHERE: u32 = u32::MAX;

/// What a lookup under way has found out.
#[derive(Clone, Copy, Debug)]
pub struct Trail {
    hash: u64,
    /// Where the key very likely is, or [`NOWHERE`].
    slot: u32,
}

impl Default for Trail {
    fn default() -> Self {
        Self { hash: 0, slot: NOWHERE }
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
    #[inline]
    #[must_use]
    pub fn seek(&self, key: &FlowKey<A>) -> Trail {
        self.seek_packed(&A::pack(key))
    }

    #[inline(always)]
    fn seek_packed(&self, packed: &A::Packed) -> Trail {
        let hash = self.hash(packed);
        self.index.prefetch_first(hash);
        Trail { hash, slot: NOWHERE }
    }

    /// Goes on: reads the bucket and asks for the entry, or for the second bucket.
    #[inline]
    pub fn approach(&self, trail: &mut Trail) {
        match self.index.likely_in_first(trail.hash) {
            Some(slot) => self.prefetch_entry(trail, slot),
            None => self.index.prefetch_second(trail.hash),
        }
    }

    /// Goes on, where the first bucket did not have it: reads the second and asks for the entry.
    #[inline]
    pub fn approach_again(&self, trail: &mut Trail) {
        if trail.slot == NOWHERE
            && let Some(slot) = self.index.likely_in_second(trail.hash)
        {
            self.prefetch_entry(trail, slot);
        }
    }

    /// Ends a lookup that was begun with the same key.
    #[inline]
    #[must_use]
    pub fn find(&self, trail: &Trail, key: &FlowKey<A>) -> Option<(FlowId, FlowDirection)> {
        self.find_packed(trail, &A::pack(key))
    }

    #[inline(always)]
    fn find_packed(&self, trail: &Trail, packed: &A::Packed) -> Option<(FlowId, FlowDirection)> {
        if let Some(entry) = self.entries.get(unpack(trail.slot).0.0 as usize)
            && let Some(direction) = entry.direction_of(packed)
        {
            return Some((unpack(trail.slot).0, direction));
        }
        self.lookup_packed(trail.hash, packed)
    }

    /// Looks up a batch and calls `visit` with the place of each key in `keys` and its flow, in order. `visit` may change
    /// the table.
    pub fn lookup_batch(&mut self, keys: &[FlowKey<A>], mut visit: impl FnMut(&mut Self, usize, Option<(FlowId, FlowDirection)>)) {
        for (number, keys) in keys.chunks(STAGE).enumerate() {
            let mut batch = [(A::Packed::default(), Trail::default()); STAGE];
            let Some(batch) = batch.get_mut(..keys.len()) else { return };
            for ((packed, trail), key) in batch.iter_mut().zip(keys) {
                *packed = A::pack(key);
                *trail = self.seek_packed(packed);
            }
            batch.iter_mut().for_each(|(_, trail)| self.approach(trail));
            batch.iter_mut().for_each(|(_, trail)| self.approach_again(trail));
            for (place, (packed, trail)) in (number * STAGE..).zip(batch) {
                let found = self.find_packed(trail, packed);
                visit(self, place, found);
            }
        }
    }

    #[inline]
    fn prefetch_entry(&self, trail: &mut Trail, slot: u32) {
        trail.slot = slot;
        if let Some(entry) = self.entries.get(unpack(slot).0.0 as usize) {
            prefetch(entry);
        }
    }

    #[inline]
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

impl<A: Address, V> Entry<A, V> {
    /// Which way packets with this key go; `None` where the key is not this flow's.
    #[inline]
    fn direction_of(&self, packed: &A::Packed) -> Option<FlowDirection> {
        let [original, reply] = &self.keys;
        if packed == original {
            return Some(FlowDirection::Original);
        }
        (packed == reply).then_some(FlowDirection::Reply)
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
