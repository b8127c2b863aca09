//! Many ascending numbers of 32 bits, found by their upper half.

use crate::table::simd::{self, Lane};

/// Numbers that one comparison looks at.
const WIDTH: usize = 16;
/// Bits of a number's lower half.
const LOWER: u32 = 16;

/// Ascending numbers in buckets, most of which one comparison answers: the root says how finely the numbers under an upper
/// half are divided into buckets, by the first bits of their lower halves.
///
/// There are fewer buckets than numbers, so that tables fit a cache; where numbers crowd, a bucket takes several comparisons,
/// at most 32.
#[derive(Clone, Debug)]
pub(super) struct Rooted {
    /// For each upper half: its first bucket, and in the last five bits by how many a lower half is shifted to tell the bucket.
    root: Box<[u32; 1 << LOWER]>,
    /// How many numbers lie before each bucket. Buckets follow one another, so that one ends where the next begins.
    buckets: Box<[u32]>,
    /// The lower halves, and what fills up the last comparison.
    lower: Box<[u16]>,
}

/// Where a search looks: the numbers of a bucket.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bucket {
    from: u32,
    to: u32,
}

impl Rooted {
    /// Most numbers that fit.
    pub(super) const MOST: usize = 1 << 26;

    pub(super) fn new(ascending: &[u32]) -> Self {
        let mut root = Box::new([0; 1 << LOWER]);
        let mut buckets: Vec<u32> = Vec::new();
        let mut before = 0;
        let mut empty = None;
        for (upper, entry) in (0_u32..).zip(root.iter_mut()) {
            let rest = ascending.get(before..).unwrap_or_default();
            let here = rest.get(..rest.iter().take_while(|number| **number >> LOWER == upper).count()).unwrap_or_default();
            let shift = shift(here);
            // Neighbours that have nothing under them share a bucket that has nothing in it.
            let first = if here.is_empty() { *empty.get_or_insert(buckets.len()) } else { buckets.len() };
            if first == buckets.len() {
                divide(here, before, shift, &mut buckets);
            }
            if !here.is_empty() {
                empty = None;
            }
            *entry = number(first << 5 | shift as usize);
            before += here.len();
        }
        buckets.push(number(ascending.len()));
        let lower = ascending.iter().map(|number| lower(*number)).chain([0; WIDTH]).collect();
        Self { root, buckets: buckets.into(), lower }
    }

    /// The bucket of a key.
    #[inline(always)]
    pub(super) fn bucket(&self, key: u32) -> Bucket {
        let entry = self.root[upper(key)];
        let place = (entry >> 5) as usize + usize::from(lower(key)).wrapping_shr(entry & 31);
        let bounds = self.buckets.get(place..).and_then(<[u32]>::first_chunk);
        bounds.map_or_else(Bucket::default, |[from, to]| Bucket { from: *from, to: *to })
    }

    /// Asks for what [`Self::bucket`] reads first.
    #[inline(always)]
    pub(super) fn prefetch_root(&self, key: u32) {
        simd::prefetch(&self.root[upper(key)]);
    }

    /// Asks for a bucket's numbers.
    #[inline(always)]
    pub(super) fn prefetch(&self, bucket: Bucket) {
        if let Some(lower) = self.lower.get(bucket.from as usize) {
            simd::prefetch(lower);
        }
    }

    /// The place of the last number that is at most a key, which is in this bucket; the first place where none is.
    #[inline(always)]
    pub(super) fn last_at_most(&self, bucket: Bucket, key: u32) -> usize {
        let (mut from, to, key) = (bucket.from as usize, bucket.to as usize, lower(key));
        while let Some(numbers) = self.lower.get(from..).and_then(<[u16]>::first_chunk) {
            let found = from + u16::at_most(numbers, key);
            from += WIDTH;
            if found < from || from >= to {
                return found.min(to).saturating_sub(1);
            }
        }
        to.saturating_sub(1)
    }

    /// Bytes of memory.
    pub(super) fn memory(&self) -> usize {
        size_of_val(&*self.root) + size_of_val(&*self.buckets) + size_of_val(&*self.lower)
    }
}

/// By how much a lower half is shifted to tell its bucket, among the numbers under one upper half: as far as no bucket needs
/// more than one comparison, and there are half as many buckets as numbers at most.
fn shift(numbers: &[u32]) -> u32 {
    let finest = LOWER.saturating_sub((numbers.len() / 2).max(1).ilog2());
    let bucket = |number: &u32, shift: u32| u32::from(lower(*number)) >> shift;
    let crowded =
        |shift: u32| numbers.iter().zip(numbers.iter().skip(WIDTH)).any(|(one, other)| bucket(one, shift) == bucket(other, shift));
    (finest..=LOWER).rev().find(|shift| !crowded(*shift)).unwrap_or(finest)
}

/// Appends where the buckets of the numbers under one upper half begin.
fn divide(numbers: &[u32], before: usize, shift: u32, buckets: &mut Vec<u32>) {
    let count = 1_u32 << (LOWER - shift);
    let mut at = 0;
    for bucket in 0..count {
        while numbers.get(at).is_some_and(|number| u32::from(lower(*number)) >> shift < bucket) {
            at += 1;
        }
        buckets.push(number(before + at));
    }
}

fn upper(number: u32) -> usize {
    usize::from((number >> LOWER) as u16)
}

fn lower(number: u32) -> u16 {
    (number & 0xffff) as u16
}

fn number(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}
