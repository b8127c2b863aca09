//! The upper levels of a search, for many values at once.

use super::Aligned;

/// Which of up to 128 leaves a value belongs to, each leaf with the last of its numbers. Processors differ in what they do
/// well, so the numbers are there twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root {
    /// A binary tree: its root in place 1, below place *i* the places 2*i* and 2*i* + 1. Each level is one piece of memory,
    /// so that registers hold it.
    pub(super) tree: Aligned<[i32; Root::LEAVES]>,
    /// In order, but for the last leaf's: what is behind it belongs to it. Then the largest of all numbers.
    pub(super) last: Aligned<[[i32; 16]; Root::LEAVES / 16]>,
    /// The last number in each sixteen of them.
    pub(super) of_sixteen: Aligned<[i32; Root::LEAVES / 16]>,
}

impl Root {
    /// How many leaves there are at most.
    pub const LEAVES: usize = 128;

    /// Comparisons from the root of the binary tree to a leaf.
    const LEVELS: u32 = Self::LEAVES.ilog2();

    /// Of leaves whose last numbers are these, ascending.
    #[must_use]
    pub fn new(last: &[i32]) -> Self {
        let last_of = |leaf: usize| last.get(leaf).copied().filter(|_| leaf + 1 < last.len()).unwrap_or(i32::MAX);
        let sorted: [[i32; 16]; _] = std::array::from_fn(|part| std::array::from_fn(|at| last_of(part * 16 + at)));
        // from left to right the places of a level are as many steps apart as there are leaves below each
        let tree = std::array::from_fn(|place: usize| {
            let level = place.checked_ilog2()?;
            let below = Self::LEAVES >> level;
            Some(last_of((place - (1 << level)) * below + below / 2 - 1))
        });
        Self {
            tree: Aligned(tree.map(|number| number.unwrap_or(i32::MAX))),
            of_sixteen: Aligned(sorted.map(|[.., last]| last)),
            last: Aligned(sorted),
        }
    }

    /// The leaf of a value: how many leaves but the last end before it.
    #[inline(always)]
    pub(super) fn leaf(&self, value: i32) -> u32 {
        let place = (0..Self::LEVELS).fold(1, |place, _| 2 * place + usize::from(self.tree.0[place % Self::LEAVES] < value));
        (place - Self::LEAVES) as u32
    }
}
