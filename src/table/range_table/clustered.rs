//! Ascending numbers of 32 bits with few upper halves: networks use few of all addresses.

use super::buckets::{Block, Buckets, Builder};
use super::halves;
use super::sorted::Sorted;

/// Ascending numbers under at most sixteen upper halves: one comparison finds the half, mostly one more the number.
#[derive(Clone, Debug)]
pub(super) struct Clustered {
    /// The distinct upper halves, ascending.
    uppers: Sorted<u16>,
    /// Of each its block, and how many numbers lie under it and those before.
    blocks: Box<[(Block, u32)]>,
    lower: Buckets,
}

impl Clustered {
    /// `None` where the numbers have more upper halves.
    pub(super) fn new(ascending: &[u32]) -> Option<Self> {
        let clusters = || ascending.chunk_by(|one, other| one >> 16 == other >> 16);
        if clusters().nth(16).is_some() {
            return None;
        }
        let (mut uppers, mut blocks, mut lower, mut behind) = (Vec::new(), Vec::new(), Builder::default(), 0);
        for cluster in clusters() {
            let lowers: Vec<u16> = cluster.iter().map(|number| halves(*number).1).collect();
            uppers.extend(cluster.first().map(|number| halves(*number).0));
            behind += lowers.len();
            blocks.push((lower.block(&lowers), u32::try_from(behind).unwrap_or(u32::MAX)));
        }
        Some(Self { uppers: Sorted::new(&uppers), blocks: blocks.into(), lower: lower.finish() })
    }

    /// The place of the last number that is at most `key`; the first place where none is.
    #[inline]
    pub(super) fn last_at_most(&self, key: u32) -> usize {
        let (upper, lower) = halves(key);
        let place = self.uppers.last_at_most(upper);
        let Some((block, behind)) = self.blocks.get(place) else { return 0 };
        if self.uppers.get(place) != Some(upper) {
            return (*behind as usize).saturating_sub(1);
        }
        self.lower.last_at_most(self.lower.bucket(*block, lower), lower)
    }

    /// Bytes of memory.
    pub(super) fn memory(&self) -> usize {
        self.uppers.memory() + size_of_val(&*self.blocks) + self.lower.memory()
    }
}
