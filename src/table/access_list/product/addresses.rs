//! Addresses of one direction in classes: alike are those that the same ranges hold.

use super::super::intervals::Intervals;
use super::super::lists::Lists;
use super::super::rooted::Rooted;
use super::super::tree::Tree;
use super::lists::Numbers;
use crate::table::simd::Lanes;

/// Of how many ranges and intervals that they cover a build keeps track at most.
const MOST_COVERED: u64 = 1 << 19;

/// Address → what stands for its class.
#[derive(Clone, Debug)]
pub(super) struct Addresses {
    search: Search,
    /// Of each interval, its class's number.
    numbers: Vec<u32>,
}

/// Address → interval.
#[derive(Clone, Debug)]
enum Search {
    Few(Tree),
    Many(Rooted),
}

/// The ranges that rules name, each once.
#[derive(Debug)]
pub(super) struct Ranges {
    of_rules: Vec<u32>,
    distinct: Vec<(u32, u32)>,
}

impl Ranges {
    /// Of the rules' ranges.
    pub(super) fn new(ranges: impl Iterator<Item = (u32, u32)>) -> Self {
        let (mut numbers, mut distinct, mut last) = (Numbers::new(), Vec::new(), None);
        // mostly the rule before has the same
        let number = |range| match last {
            Some((before, number)) if before == range => number,
            _ => {
                let number = numbers.of(range);
                if number as usize == distinct.len() {
                    distinct.push(range);
                }
                last = Some((range, number));
                number
            }
        };
        let of_rules = ranges.map(number).collect();
        Self { of_rules, distinct }
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.distinct.len()
    }
}

/// The classes of addresses, and which of them each range holds.
#[derive(Debug)]
pub(super) struct Classes {
    /// The number of each rule's range.
    pub(super) of_rules: Vec<u32>,
    /// The classes of each range, ascending.
    of_ranges: Vec<Vec<u32>>,
    /// How many classes there are.
    pub(super) count: usize,
    starts: Vec<u32>,
    class_at: Vec<u32>,
}

impl Classes {
    /// Of the ranges that rules name; `None` where they cover each other so often that classes would be dear to find.
    pub(super) fn new(Ranges { of_rules, distinct }: Ranges) -> Option<Self> {
        let Intervals { starts, spans } = Intervals::new(distinct.iter().copied(), u32::MAX);
        let proper = || (0..).zip(&spans).filter(|(_, span)| **span != Intervals::NOTHING);
        if proper().map(|(_, (first, last))| u64::from(last - first) + 1).sum::<u64>() > MOST_COVERED {
            return None;
        }
        let (numbers, covered): (Vec<u32>, Vec<(u32, u32)>) = proper().map(|(range, span)| (range, *span)).unzip();
        let lists = Lists::new(starts.len(), &numbers, &covered);
        let mut found: Numbers<&[u32]> = Numbers::new();
        let mut of_ranges = vec![Vec::new(); distinct.len()];
        let mut class_at = Vec::with_capacity(starts.len());
        for interval in 0..starts.len() {
            let (list, next) = (lists.list(interval), found.count() as u32);
            let class = found.of(list);
            class_at.push(class);
            if class == next {
                for range in list {
                    of_ranges.get_mut(*range as usize).into_iter().for_each(|classes: &mut Vec<u32>| classes.push(class));
                }
            }
        }
        let count = found.count();
        Some(Self { of_rules, of_ranges, count, starts, class_at })
    }

    /// The classes that a range holds, ascending.
    pub(super) fn of_range(&self, range: u32) -> &[u32] {
        self.of_ranges.get(range as usize).map_or(&[], Vec::as_slice)
    }

    /// The table in which classes have these numbers, each its own.
    pub(super) fn addresses(&self, number: impl Fn(u32) -> u32) -> Addresses {
        let (mut starts, mut numbers) = (Vec::new(), Vec::new());
        for (start, class) in self.starts.iter().zip(&self.class_at) {
            let number = number(*class);
            if numbers.last() != Some(&number) {
                starts.push(*start);
                numbers.push(number);
            }
        }
        Addresses::new(&starts, numbers)
    }
}

impl Addresses {
    fn new(starts: &[u32], numbers: Vec<u32>) -> Self {
        let few = starts.len() <= Tree::ROOM;
        Self { search: if few { Search::Few(Tree::new(starts)) } else { Search::Many(Rooted::new(starts)) }, numbers }
    }

    /// The numbers of a batch's addresses.
    #[inline(always)]
    pub(super) fn find<const N: usize>(&self, lanes: impl Lanes, addresses: &[u32; N]) -> [u32; N] {
        let intervals = match &self.search {
            Search::Few(tree) => tree.find_all(lanes, addresses),
            Search::Many(rooted) => rooted.find_all(lanes, addresses),
        };
        intervals.map(|interval| self.numbers.get(interval as usize).copied().unwrap_or_default())
    }

    /// Bytes of memory.
    pub(super) fn memory(&self) -> usize {
        let search = match &self.search {
            Search::Few(tree) => tree.memory(),
            Search::Many(rooted) => rooted.memory(),
        };
        search + size_of_val(&*self.numbers)
    }
}
