//! Ascending numbers, searched sixteen at a time.

use crate::table::simd::Lane;

/// Numbers that one comparison looks at.
const WIDTH: usize = 16;

/// Ascending numbers. Above the list of all of them stands a list of every sixteenth, above that one of every sixteenth of
/// its own, up to one that a single comparison looks at: a search takes one comparison a list.
#[derive(Clone, Debug)]
pub(in crate::table) struct Sorted<N> {
    /// The highest list, filled up with the largest number.
    top: [N; WIDTH],
    /// The lists below, shortest first, each filled up to whole comparisons in the same way.
    below: Box<[N]>,
    /// Where each list below begins.
    lists: Box<[u32]>,
    /// How many numbers there are.
    count: usize,
}

impl<N: Lane> Sorted<N> {
    pub(in crate::table) fn new(ascending: &[N]) -> Self {
        let mut step = 1;
        while ascending.len().div_ceil(step) > WIDTH {
            step *= WIDTH;
        }
        let mut top = [N::MAX; WIDTH];
        top.iter_mut().zip(ascending.iter().step_by(step)).for_each(|(place, number)| *place = *number);
        let (mut below, mut lists) = (Vec::new(), Vec::new());
        while step > 1 {
            step /= WIDTH;
            lists.push(u32::try_from(below.len()).unwrap_or(u32::MAX));
            below.extend(ascending.iter().step_by(step).copied());
            below.resize(below.len().next_multiple_of(WIDTH), N::MAX);
        }
        Self { top, below: below.into(), lists: lists.into(), count: ascending.len() }
    }

    /// The place of the last number that is at most `key`; the first place where none is.
    #[inline]
    pub(in crate::table) fn last_at_most(&self, key: N) -> usize {
        if key == N::MAX {
            // Else the numbers that only fill up would be at most the key.
            return self.count.saturating_sub(1);
        }
        let place = N::at_most(&self.top, key).saturating_sub(1);
        self.lists.iter().fold(place, |place, list| {
            let numbers = self.below.get(*list as usize + WIDTH * place..).and_then(<[N]>::first_chunk);
            WIDTH * place + numbers.map_or(0, |numbers| N::at_most(numbers, key).saturating_sub(1))
        })
    }

    /// The number at a place.
    #[inline]
    pub(in crate::table) fn get(&self, place: usize) -> Option<N> {
        match self.lists.last() {
            Some(list) => self.below.get(*list as usize + place).copied(),
            None => self.top.get(place).copied(),
        }
    }

    /// Bytes of memory.
    pub(in crate::table) fn memory(&self) -> usize {
        size_of_val(&*self.below) + size_of_val(&*self.lists)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check<N: Lane + std::fmt::Debug>(numbers: &[N], keys: impl Iterator<Item = N>) {
        let sorted = Sorted::new(numbers);
        for key in keys {
            let expected = numbers.partition_point(|number| *number <= key).saturating_sub(1);
            assert_eq!(sorted.last_at_most(key), expected, "{key:?} in {} numbers", numbers.len());
        }
    }

    proptest! {
        #[test]
        fn the_last_number_is_found_as_by_binary_search(mut numbers in prop::collection::vec(0u16..600, 0..600), top: bool) {
            numbers.extend(top.then_some(u16::MAX));
            numbers.sort_unstable();
            check(&numbers, (0..610).chain([u16::MAX - 1, u16::MAX]));
        }
    }

    #[test]
    fn lists_of_lists_are_right_at_their_edges() {
        for count in [0_u32, 1, 2, 15, 16, 17, 255, 256, 257, 4095, 4096, 4097, 70_000] {
            let numbers: Vec<u32> = (0..count).map(|number| number * 3 + 1).collect();
            let wide: Vec<u64> = numbers.iter().map(|number| u64::from(*number) << 30).collect();
            let keys = [0, 1, 2, 3, 4, count / 2 * 3, count / 2 * 3 + 1, (3 * count).saturating_sub(3), 3 * count, u32::MAX - 1, u32::MAX];
            check(&numbers, keys.into_iter());
            check(&wide, keys.into_iter().map(|key| u64::from(key) << 30).chain([u64::MAX]));
        }
    }
}
