//! Hash → slot number: 64-byte buckets of tags and slots, two buckets for each key, residents that move over.
//!
//! A key goes to its first bucket while there is room, so that a lookup nearly always ends in one cache line; else to its
//! second; else a resident of a full bucket moves to its other bucket (cuckoo hashing with buckets; Dietzfelbinger and
//! Weidling 2007). At the load that [`Index::new`] allows this practically always ends after a few moves; what
//! finds no place within [`MOVES`] waits in a small overflow. A bucket counts the keys that should be in it first and are
//! elsewhere: where there are none, a lookup that finds nothing ends in one cache line too.

use super::places::Places;
use crate::table::simd::{LANES, TAGS, equal_tags, prefer_large_pages, prefetch};

/// Slots in a bucket: ten of six bytes fill a cache line.
const WIDTH: usize = TAGS;
/// Of the ten slots, how many the largest number of keys fills on average: one key in a hundred is not in its first bucket
/// then (of eight, one in twenty).
const LOAD: usize = 6;
/// Moves of residents before a key goes to the overflow.
const MOVES: usize = 256;
/// Places in the overflow.
const OVERFLOW: usize = 64;
/// Tag of an empty slot.
const EMPTY: u16 = 0;

/// A cache line of slots. The tag, a piece of the hash, spares reading the entry of nearly every wrong slot.
#[derive(Clone, Debug)]
#[repr(C, align(64))]
struct Bucket {
    /// The tags; in the place behind them how many keys are away, those whose first bucket this is and that are in their
    /// second or in the overflow. It is counted in twos: an even number is no tag, so all places are compared at once.
    tags: [u16; LANES],
    slots: [u32; WIDTH],
}

impl Bucket {
    const EMPTY: Self = Self { tags: [EMPTY; LANES], slots: [0; WIDTH] };

    /// A bit for each slot with this tag, which is not [`EMPTY`].
    #[inline(always)]
    fn matches(&self, tag: u16) -> Places {
        // by reference: a copy would be written in pieces and read as a whole, which stalls
        Places::of(equal_tags(&self.tags, tag))
    }

    /// The slots that are free.
    fn free(&self) -> Places {
        Places::of(equal_tags(&self.tags, EMPTY) & ((1 << WIDTH) - 1))
    }

    /// Whether a key that should be here first may be elsewhere.
    #[inline(always)]
    const fn is_anyone_away(&self) -> bool {
        let [.., away, _] = self.tags;
        away != 0
    }

    /// One more is away, or one fewer. So many that the number no longer holds them (a matter of chance that is not met)
    /// are never counted down: too many away costs time, too few would cost flows.
    const fn count_away(&mut self, more: bool) {
        let [.., away, _] = &mut self.tags;
        if more {
            *away = away.saturating_add(2) & !1;
        } else if *away < u16::MAX - 1 {
            *away = away.saturating_sub(2);
        }
    }

    #[inline(always)]
    fn slots_with(&self, tag: u16) -> impl Iterator<Item = (usize, u32)> + '_ {
        self.matches(tag).filter_map(|place| self.slots.get(place).map(|&slot| (place, slot)))
    }

    fn set(&mut self, place: usize, tag: u16, slot: u32) {
        if let (Some(own_tag), Some(own_slot)) = (self.tags.get_mut(place), self.slots.get_mut(place)) {
            *own_tag = tag;
            *own_slot = slot;
        }
    }

    fn place(&mut self, tag: u16, slot: u32) -> bool {
        let free = self.free().next();
        if let Some(place) = free {
            self.set(place, tag, slot);
        }
        free.is_some()
    }

    fn remove(&mut self, tag: u16, slot: u32) -> bool {
        let found = self.slots_with(tag).find(|&(_, own)| own == slot);
        if let Some((place, _)) = found {
            self.set(place, EMPTY, 0);
        }
        found.is_some()
    }
}

/// The index. It holds numbers only: what a slot stands for, and its hash, the owner tells it.
#[derive(Debug)]
pub(super) struct Index {
    buckets: Box<[Bucket]>,
    overflow: Vec<(u64, u32)>,
    turn: usize,
}

impl Index {
    /// An index for `keys` keys; all memory is taken here.
    pub(super) fn new(keys: usize) -> Self {
        let count = keys.div_ceil(LOAD).max(1);
        let mut buckets = Vec::with_capacity(count);
        prefer_large_pages(&buckets);
        buckets.resize(count, Bucket::EMPTY);
        Self { buckets: buckets.into_boxed_slice(), overflow: Vec::with_capacity(OVERFLOW), turn: 0 }
    }

    /// Bytes of memory.
    pub(super) fn memory(&self) -> usize {
        size_of_val(&*self.buckets) + self.overflow.capacity() * size_of::<(u64, u32)>()
    }

    /// Asks for the cache line that a lookup of `hash` starts with, and returns the number of that bucket.
    #[inline(always)]
    pub(super) fn prefetch_first(&self, hash: u64) -> u32 {
        let first = self.first_bucket(hash);
        self.buckets.get(first).inspect(|bucket| prefetch(*bucket));
        // At most 2³¹ keys make fewer buckets.
        first as u32
    }

    /// Asks for the cache line that a lookup of `hash` goes on with, if it does.
    #[inline(always)]
    pub(super) fn prefetch_second(&self, hash: u64) {
        if self.buckets.get(self.first_bucket(hash)).is_some_and(Bucket::is_anyone_away) {
            let [_, second] = self.both_buckets(hash);
            self.buckets.get(second).inspect(|bucket| prefetch(*bucket));
        }
    }

    /// The first slot with the hash's tag in a bucket, its first one: very likely the one, not certainly.
    #[inline(always)]
    pub(super) fn likely_in(&self, bucket: u32, hash: u64) -> Option<u32> {
        let bucket = self.buckets.get(bucket as usize)?;
        bucket.slots.get(bucket.matches(tag(hash)).first()).copied()
    }

    /// The same in its second bucket, where it may be there.
    #[inline(always)]
    pub(super) fn likely_in_second(&self, hash: u64) -> Option<u32> {
        let [first, second] = self.both_buckets(hash);
        self.buckets.get(first).filter(|first| first.is_anyone_away())?;
        self.likely_in(second as u32, hash)
    }

    /// The slot under `hash` that `is_it` accepts.
    #[inline]
    pub(super) fn find(&self, hash: u64, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        let first = self.buckets.get(self.first_bucket(hash))?;
        let found = first.slots_with(tag(hash)).find(|&(_, slot)| is_it(slot));
        match found {
            Some((_, slot)) => Some(slot),
            None if !first.is_anyone_away() => None,
            None => self.find_elsewhere(hash, is_it),
        }
    }

    #[cold]
    fn find_elsewhere(&self, hash: u64, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        let [_, second] = self.both_buckets(hash);
        let found = self.buckets.get(second)?.slots_with(tag(hash)).find(|&(_, slot)| is_it(slot));
        let overflow = || self.overflow.iter().find(|&&(own, slot)| own == hash && is_it(slot)).map(|&(_, slot)| slot);
        found.map(|(_, slot)| slot).or_else(overflow)
    }

    /// Adds a slot under `hash`; `hash_of` tells the hash of slots added before. False, and nothing changed but the places
    /// of residents, where even the overflow is full: a matter of chance that is not met at the allowed load.
    pub(super) fn insert(&mut self, hash: u64, slot: u32, hash_of: impl Fn(u32) -> u64) -> bool {
        if self.overflow.len() >= OVERFLOW {
            return false;
        }
        let mut homeless = (hash, slot);
        for _ in 0..MOVES {
            if self.place(homeless.0, homeless.1) {
                return true;
            }
            homeless = self.displace(homeless, &hash_of);
        }
        self.overflow(homeless);
        true
    }

    /// Removes a slot that was added under `hash`.
    pub(super) fn remove(&mut self, hash: u64, slot: u32) {
        let [first, second] = self.both_buckets(hash);
        let mut remove_from = |number: usize| self.buckets.get_mut(number).is_some_and(|bucket| bucket.remove(tag(hash), slot));
        if !remove_from(first) {
            if !remove_from(second) {
                self.overflow.retain(|&(_, own)| own != slot);
            }
            self.came_home(hash);
        }
        self.drain_overflow();
    }

    /// Room was made: whoever waits may find it.
    fn drain_overflow(&mut self) {
        if let Some((hash, slot)) = self.overflow.pop() {
            self.came_home(hash);
            if !self.place(hash, slot) {
                self.overflow((hash, slot));
            }
        }
    }

    fn overflow(&mut self, homeless: (u64, u32)) {
        self.went_away(homeless.0);
        self.overflow.push(homeless);
    }

    fn place(&mut self, hash: u64, slot: u32) -> bool {
        let [first, second] = self.both_buckets(hash);
        let mut place_in = |number: usize| self.buckets.get_mut(number).is_some_and(|bucket| bucket.place(tag(hash), slot));
        if place_in(first) {
            return true;
        }
        let placed = place_in(second);
        if placed {
            self.went_away(hash);
        }
        placed
    }

    /// Puts `newcomer` in the place of a resident of one of its full buckets; the resident is homeless now.
    fn displace(&mut self, newcomer: (u64, u32), hash_of: impl Fn(u32) -> u64) -> (u64, u32) {
        self.turn = self.turn.wrapping_add(1);
        let (hash, slot) = newcomer;
        // the turn picks bucket and place, so that no walk goes round in a small circle
        let [first, second] = self.both_buckets(hash);
        let number = if self.turn.is_multiple_of(2) { first } else { second };
        let place = self.turn / 2 % WIDTH;
        let Some(bucket) = self.buckets.get_mut(number) else { return newcomer };
        let resident = bucket.slots.get(place).copied().unwrap_or(slot);
        bucket.set(place, tag(hash), slot);
        let homeless = (hash_of(resident), resident);
        if number != first {
            self.went_away(hash);
        }
        if number != self.first_bucket(homeless.0) {
            self.came_home(homeless.0);
        }
        homeless
    }

    /// A key under `hash` is now somewhere else than in its first bucket.
    fn went_away(&mut self, hash: u64) {
        let first = self.first_bucket(hash);
        if let Some(bucket) = self.buckets.get_mut(first) {
            bucket.count_away(true);
        }
    }

    /// A key under `hash` that was elsewhere is there no longer.
    fn came_home(&mut self, hash: u64) {
        let first = self.first_bucket(hash);
        if let Some(bucket) = self.buckets.get_mut(first) {
            bucket.count_away(false);
        }
    }

    #[inline]
    fn first_bucket(&self, hash: u64) -> usize {
        scale(hash >> 32, self.buckets.len())
    }

    /// Two different buckets; the same twice where there is only one.
    #[inline]
    fn both_buckets(&self, hash: u64) -> [usize; 2] {
        let count = self.buckets.len();
        let first = self.first_bucket(hash);
        let second = first + 1 + scale(hash & 0xffff_ffff, count - 1);
        [first, if second < count { second } else { second - count }]
    }
}

/// Takes a 32-bit number to `0..count` in proportion (0 for a count of 0), without a division.
#[inline]
const fn scale(number: u64, count: usize) -> usize {
    ((number * count as u64) >> 32) as usize
}

/// The piece of a hash that slots carry: its lowest bits, which choose no bucket but in very large tables; odd, as
/// [`EMPTY`] is not.
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "a piece is what is asked for")]
const fn tag(hash: u64) -> u16 {
    hash as u16 | 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_a_cache_line() {
        assert_eq!((size_of::<Bucket>(), align_of::<Bucket>()), (64, 64));
    }

    #[test]
    fn two_buckets_differ() {
        let index = Index::new(3 * LOAD);
        for number in 0..1_000_u64 {
            let [first, second] = index.both_buckets(number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            assert!(first < 3 && second < 3 && first != second);
        }
    }

    /// Equal hashes can't be spread over buckets: they fill both, then the overflow, and all are found and removed again.
    #[test]
    fn more_equal_hashes_than_two_buckets_hold() {
        let hash = 0x1234_5678_9abc_def0;
        let mut index = Index::new(100);
        let most = u32::try_from(2 * WIDTH + OVERFLOW).unwrap();
        for slot in 0..most {
            assert!(index.insert(hash, slot, |_| hash));
        }
        assert!(!index.insert(hash, most, |_| hash));
        for slot in 0..most {
            assert_eq!(index.find(hash, |found| found == slot), Some(slot));
        }
        for slot in 0..most {
            index.remove(hash, slot);
            assert_eq!(index.find(hash, |found| found == slot), None);
            assert!((slot + 1..most).all(|other| index.find(hash, |found| found == other) == Some(other)));
        }
        assert!(index.overflow.is_empty());
    }

    #[test]
    fn what_is_too_much_to_count_stays_counted() {
        let mut bucket = Bucket::EMPTY;
        (0..40_000).for_each(|_| bucket.count_away(true));
        (0..40_000).for_each(|_| bucket.count_away(false));
        assert!(bucket.is_anyone_away());
        assert_eq!((bucket.matches(u16::MAX).next(), bucket.free().count()), (None, WIDTH));
    }

    /// Of each bucket how many keys are elsewhere, counted anew.
    fn away_by_counting(index: &Index, hashes: &[u64], held: &[bool]) -> Vec<u32> {
        let mut away = vec![0; index.buckets.len()];
        for (slot, hash) in (0_u32..).zip(hashes).filter(|(slot, _)| held[*slot as usize]) {
            let first = index.first_bucket(*hash);
            away[first] += u32::from(!index.buckets[first].slots_with(tag(*hash)).any(|(_, own)| own == slot));
        }
        away
    }

    /// Full to the last place and beyond, with keys that come and go: buckets know who is away, and nobody is lost.
    #[test]
    fn buckets_count_who_is_elsewhere() {
        let mut index = Index::new(8 * LOAD);
        let mut random = 0x9e37_79b9_7f4a_7c15_u64;
        let mut draw = || {
            random = random.wrapping_mul(0xd120_2ef3_1be5_55a5).wrapping_add(0x9e37_79b9);
            random ^ random.rotate_left(29)
        };
        let hashes: Vec<u64> = (0..16 * WIDTH).map(|_| draw()).collect();
        let mut held = vec![false; hashes.len()];
        let mut most_away = 0;
        for _ in 0..4_000 {
            let at = draw() as usize % hashes.len();
            let slot = u32::try_from(at).unwrap();
            if held[at] {
                index.remove(hashes[at], slot);
            } else {
                assert!(index.insert(hashes[at], slot, |slot| hashes[slot as usize]));
            }
            held[at] = !held[at];
            let away: Vec<u32> = index.buckets.iter().map(|bucket| u32::from(bucket.tags[WIDTH] / 2)).collect();
            assert_eq!(away, away_by_counting(&index, &hashes, &held));
            most_away = most_away.max(away.iter().sum());
            for (slot, hash) in (0_u32..).zip(&hashes) {
                assert_eq!(index.find(*hash, |found| found == slot).is_some(), held[slot as usize]);
            }
        }
        assert!(most_away > 16, "{most_away}");
    }
}
