//! Many ascending numbers of 32 bits, found by their upper half.

use super::buckets::{Block, Bucket, Buckets, Builder};
use super::halves;
use crate::table::simd;

/// Ascending numbers. The root leads from an upper half to the block of the lower halves under it.
#[derive(Clone, Debug)]
pub(super) struct Rooted {
    /// The block of each upper half. Neighbours under which nothing lies share one.
    root: Box<[u16; 1 << 16]>,
    blocks: Box<[Block]>,
    lower: Buckets,
}

impl Rooted {
    /// Most numbers that fit.
    pub(super) const MOST: usize = 1 << 26;

    pub(super) fn new(ascending: &[u32]) -> Self {
        let mut root = Box::new([0; 1 << 16]);
        let (mut blocks, mut lower) = (Vec::new(), Builder::default());
        let mut rest = ascending;
        let mut was_empty = false;
        for (upper, block) in (0_u32..).zip(root.iter_mut()) {
            let (here, after) = rest.split_at(rest.iter().take_while(|number| **number >> 16 == upper).count());
            rest = after;
            // Neighbours that have nothing under them share a block of one bucket that has nothing in it.
            if !(here.is_empty() && was_empty) {
                blocks.push(lower.block(&here.iter().map(|number| halves(*number).1).collect::<Vec<_>>()));
            }
            was_empty = here.is_empty();
            // There are at most as many blocks as upper halves.
            *block = u16::try_from(blocks.len().saturating_sub(1)).unwrap_or(u16::MAX);
        }
        Self { root, blocks: blocks.into(), lower: lower.finish() }
    }

    /// The bucket of a key.
    #[inline(always)]
    pub(super) fn bucket(&self, key: u32) -> Bucket {
        let (upper, lower) = halves(key);
        let block = self.blocks.get(usize::from(self.root[usize::from(upper)])).copied().unwrap_or_default();
        self.lower.bucket(block, lower)
    }

    /// Asks for what [`Self::bucket`] reads first.
    #[inline(always)]
    pub(super) fn prefetch_root(&self, key: u32) {
        simd::prefetch(&self.root[usize::from(halves(key).0)]);
    }

    /// Asks for a bucket's numbers.
    #[inline(always)]
    pub(super) fn prefetch(&self, bucket: Bucket) {
        self.lower.prefetch(bucket);
    }

    /// The place of the last number that is at most a key, which is in this bucket; the first place where none is.
    #[inline(always)]
    pub(super) fn last_at_most(&self, bucket: Bucket, key: u32) -> usize {
        self.lower.last_at_most(bucket, halves(key).1)
    }

    /// Bytes of memory.
    pub(super) fn memory(&self) -> usize {
        size_of_val(&*self.root) + size_of_val(&*self.blocks) + self.lower.memory()
    }
}
