//! Choices from a seed: the same seed, the same network and questions.

use std::cell::Cell;

/// A small generator of choices (splitmix64).
pub struct Dice(Cell<u64>);

impl Dice {
    pub const fn new(seed: u64) -> Self {
        Self(Cell::new(seed))
    }

    fn next(&self) -> u64 {
        let mut word = self.0.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.0.set(word);
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    /// A number below `bound`.
    pub fn below(&self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap()
    }

    /// A number from `first` to `last`.
    pub fn between(&self, first: usize, last: usize) -> usize {
        first + self.below(last - first + 1)
    }

    /// True this often in a hundred.
    pub fn percent(&self, often: usize) -> bool {
        self.below(100) < often
    }

    /// One of these.
    pub fn pick<'a, T>(&self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    /// Some of these, up to `most`, each once, in order.
    pub fn some<T: Clone>(&self, of: &[T], most: usize) -> Vec<T> {
        let mut chosen: Vec<usize> = (0..self.below(most + 1)).map(|_| self.below(of.len().max(1))).collect();
        chosen.sort_unstable();
        chosen.dedup();
        chosen.into_iter().filter_map(|index| of.get(index).cloned()).collect()
    }

    /// `value` this often in a hundred.
    pub fn maybe<T>(&self, often: usize, value: T) -> Option<T> {
        self.percent(often).then_some(value)
    }
}
