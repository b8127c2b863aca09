//! A tree over a few intervals: its root chooses one of 128 leaves, for all headers of a batch at once; one comparison of
//! sixteen numbers in the leaf does the rest.

use crate::table::simd::{Aligned, Lanes, Root};

/// Intervals that end in a leaf.
const LEAF: usize = 16;

/// How many leaves a root chooses from.
const LEAVES: usize = Root::LEAVES;

/// Which interval holds an address. Leaves hold the last addresses of intervals, the root those of leaves; as signed
/// numbers, which is what vector instructions compare, and filled up with the largest, which nothing lies behind.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    root: Box<Root>,
    leaves: Vec<Aligned<[i32; LEAF]>>,
}

impl Tree {
    /// Most intervals that a tree has room for.
    pub(super) const ROOM: usize = LEAVES * LEAF + 1;

    /// A tree of the intervals (at most [`Tree::ROOM`]) that begin at `starts`, of which the first is 0.
    pub(super) fn new(starts: &[u32]) -> Self {
        debug_assert!(starts.len() <= Self::ROOM);
        // the last interval goes on to the end of all numbers: nothing is behind it
        let ends: Vec<i32> = starts.iter().skip(1).map(|start| signed(start - 1)).collect();
        let leaf = |ends: &[i32]| Aligned(std::array::from_fn(|at| ends.get(at).copied().unwrap_or(i32::MAX)));
        let leaves: Vec<Aligned<[i32; LEAF]>> = ends.chunks(LEAF).map(leaf).collect();
        let last: Vec<i32> = leaves.iter().map(|Aligned([.., last])| *last).collect();
        Self { root: Box::new(Root::new(&last)), leaves }
    }

    /// The leaves of addresses.
    #[inline(always)]
    pub(super) fn leaves<const N: usize>(&self, lanes: impl Lanes, addresses: &[u32; N]) -> [u32; N] {
        lanes.leaves(&self.root, &addresses.map(signed))
    }

    /// The number of the interval that holds `address`, which belongs to this leaf.
    #[inline(always)]
    pub(super) fn within(&self, lanes: impl Lanes, leaf: u32, address: u32) -> u32 {
        let below = |leaf: &Aligned<_>| lanes.below32(&leaf.0, signed(address));
        leaf * LEAF as u32 + self.leaves.get(leaf as usize).map_or(0, below)
    }

    /// All steps for a batch.
    #[inline(always)]
    pub(super) fn find_all<const N: usize>(&self, lanes: impl Lanes, addresses: &[u32; N]) -> [u32; N] {
        let mut found = self.leaves(lanes, addresses);
        for (found, address) in found.iter_mut().zip(addresses) {
            *found = self.within(lanes, *found, *address);
        }
        found
    }

    /// Bytes of memory.
    pub(super) fn memory(&self) -> usize {
        size_of_val(&*self.leaves) + size_of::<Root>()
    }
}

/// In the order of unsigned numbers.
const fn signed(address: u32) -> i32 {
    (address ^ 1 << 31).cast_signed()
}
