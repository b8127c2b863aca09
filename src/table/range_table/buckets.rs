//! Ascending numbers of 16 bits in buckets that one comparison mostly answers.

use crate::table::simd::{self, Lane};

/// Numbers that one comparison looks at.
const WIDTH: usize = 16;
/// Bits of a number.
const BITS: u32 = 16;

/// Blocks of ascending numbers, one block after the other. A block is divided into buckets by the first bits of its
/// numbers, as finely as it needs: where numbers crowd, a bucket takes several comparisons, at most 32, since there are
/// half as many buckets as numbers at most.
#[derive(Clone, Debug, Default)]
pub(super) struct Buckets {
    /// How many numbers lie before each bucket. Buckets follow one another, so that one ends where the next begins.
    before: Box<[u32]>,
    /// The numbers, and what fills up the last comparison.
    numbers: Box<[u16]>,
}

/// A block: its first bucket, and in the last five bits by how many a number is shifted to tell the bucket.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Block(u32);

/// Where a search looks: the numbers of a bucket.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bucket {
    from: u32,
    to: u32,
}

impl Buckets {
    /// The bucket of a block that a key is in.
    #[inline(always)]
    pub(super) fn bucket(&self, block: Block, key: u16) -> Bucket {
        let place = (block.0 >> 5) as usize + u32::from(key).wrapping_shr(block.0 & 31) as usize;
        let ends = self.before.get(place..).and_then(<[u32]>::first_chunk);
        ends.map_or_else(Bucket::default, |[from, to]| Bucket { from: *from, to: *to })
    }

    /// Asks for a bucket's numbers.
    #[inline(always)]
    pub(super) fn prefetch(&self, bucket: Bucket) {
        if let Some(number) = self.numbers.get(bucket.from as usize) {
            simd::prefetch(number);
        }
    }

    /// The place of the last number, of this block or those before, that is at most a key of this bucket; the first place
    /// where none is.
    #[inline(always)]
    pub(super) fn last_at_most(&self, bucket: Bucket, key: u16) -> usize {
        let (mut from, to) = (bucket.from as usize, bucket.to as usize);
        while let Some(numbers) = self.numbers.get(from..).and_then(<[u16]>::first_chunk) {
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
        size_of_val(&*self.before) + size_of_val(&*self.numbers)
    }
}

/// Buckets in the making.
#[derive(Default)]
pub(super) struct Builder {
    before: Vec<u32>,
    numbers: Vec<u16>,
}

impl Builder {
    /// Adds a block of ascending numbers.
    pub(super) fn block(&mut self, numbers: &[u16]) -> Block {
        let shift = shift(numbers);
        let block = Block(count(self.before.len()) << 5 | shift);
        let mut at = 0;
        for bucket in 0..1_u32 << (BITS - shift) {
            at += numbers.iter().skip(at).take_while(|number| u32::from(**number) >> shift < bucket).count();
            self.before.push(count(self.numbers.len() + at));
        }
        self.numbers.extend_from_slice(numbers);
        block
    }

    pub(super) fn finish(mut self) -> Buckets {
        self.before.push(count(self.numbers.len()));
        self.numbers.extend([0; WIDTH]);
        Buckets { before: self.before.into(), numbers: self.numbers.into() }
    }
}

/// By how much a number is shifted to tell its bucket: as far as no bucket needs more than one comparison, and there are
/// half as many buckets as numbers at most.
fn shift(numbers: &[u16]) -> u32 {
    let finest = BITS.saturating_sub((numbers.len() / 2).max(1).ilog2());
    let bucket = |number: &u16, shift: u32| u32::from(*number) >> shift;
    let crowded =
        |shift: u32| numbers.iter().zip(numbers.iter().skip(WIDTH)).any(|(one, other)| bucket(one, shift) == bucket(other, shift));
    (finest..=BITS).rev().find(|shift| !crowded(*shift)).unwrap_or(finest)
}

fn count(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}
