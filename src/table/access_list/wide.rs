//! The rules of a long list that are wide on both sides: rows of bits in groups, and above them a summary that
//! says which groups an address meets at all.

use std::collections::HashMap;

use super::bit_rows::{BitRows, RowNumbers};
use super::five_tuple::{FiveTuple, FiveTupleRule};
use crate::table::simd::{Lanes, prefetch_at};

/// Groups in one word of the summary.
const WORD: usize = u64::BITS as usize;

/// Wide rules in order, in groups of `W` × 256.
#[derive(Clone, Debug)]
pub(super) struct Wide<const W: usize> {
    groups: Vec<BitRows<W>>,
    /// For source and destination addresses: what a class of them means to each group.
    sides: [Meanings; 2],
}

/// What classes of addresses mean.
#[derive(Clone, Debug, Default)]
struct Meanings {
    /// Row numbers, as many for each class as there are groups.
    rows: Vec<u16>,
    /// Summaries: a bit for each group that has rules for the class, `summary_words` words a class.
    summaries: Vec<u64>,
}

/// Where a header is in its way through the groups.
#[derive(Clone, Copy, Debug)]
pub(super) struct Search {
    /// Of its source and destination.
    classes: [u32; 2],
    /// How many words of the summaries were begun.
    words: usize,
    /// The groups of the last one that are still to be tried.
    left: u64,
    group: usize,
    /// The classes' rows in this group.
    rows: [u32; 2],
}

impl Search {
    /// Of no header.
    pub(super) const NONE: Self = Self { classes: [0; 2], words: 0, left: 0, group: 0, rows: [0; 2] };

    /// At the beginning, for addresses of these classes.
    #[inline(always)]
    pub(super) const fn of(classes: [u32; 2]) -> Self {
        Self { classes, ..Self::NONE }
    }
}

/// Addresses in intervals, each with its class.
#[derive(Clone, Debug, Default)]
pub(super) struct Classes {
    /// First addresses, ascending, beginning with 0.
    pub(super) starts: Vec<u32>,
    /// Their classes.
    pub(super) classes: Vec<Class>,
}

/// Addresses that mean the same to all groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Class {
    /// Its number.
    pub(super) number: u32,
    /// The first rule that takes such addresses; the largest number where none does.
    pub(super) first_rule: u32,
}

impl Class {
    /// Of all addresses where there are no rules.
    pub(super) const NONE: Self = Self { number: 0, first_rule: u32::MAX };
}

impl Classes {
    /// All addresses are alike.
    pub(super) fn one() -> Self {
        Self { starts: vec![0], classes: vec![Class::NONE] }
    }
}

impl<const W: usize> Wide<W> {
    /// Of those of `all` rules that are numbered in `chosen`, ascending; with the classes of source and destination
    /// addresses. `None` where it takes more than `budget` bytes.
    pub(super) fn new(all: &[FiveTupleRule], chosen: &[u32], budget: usize) -> Option<(Self, [Classes; 2])> {
        let mut groups = Vec::new();
        let mut numbers = [Vec::new(), Vec::new()];
        let mut memory = 0;
        for rules in chosen.chunks(BitRows::<W>::ROOM) {
            let (rows, [sources, destinations]) = BitRows::new(all, rules);
            memory += rows.memory();
            if memory > budget {
                return None;
            }
            groups.push(rows);
            numbers[0].push(sources);
            numbers[1].push(destinations);
        }
        let [sources, destinations] = numbers.map(|numbers| join(&numbers, budget));
        let ((sources, from), (destinations, to)) = (sources?, destinations?);
        let wide = Self { groups, sides: [sources, destinations] };
        (wide.memory() <= budget).then_some((wide, [from, to]))
    }

    /// Asks for what the first [`Wide::next_group`] of a search reads.
    #[inline(always)]
    pub(super) fn prefetch_groups(&self, search: &Search) {
        for (side, class) in self.sides.iter().zip(search.classes) {
            side.prefetch(class, self.groups.len());
        }
    }

    /// Goes on to the next group that has rules for both classes, and asks for their rows. `false` where none is left that
    /// has a rule before `bound`.
    #[inline(always)]
    pub(super) fn next_group(&self, search: &mut Search, bound: u32) -> bool {
        let [sources, destinations] = &self.sides;
        let ([source, destination], count) = (search.classes, self.groups.len());
        while search.left == 0 {
            if search.words == count.div_ceil(WORD) {
                return false;
            }
            search.left = sources.summary(source, search.words, count) & destinations.summary(destination, search.words, count);
            search.words += 1;
        }
        search.group = (search.words - 1) * WORD + search.left.trailing_zeros() as usize;
        search.left &= search.left - 1;
        let Some(group) = self.groups.get(search.group) else { return false };
        search.rows = [sources.row(source, search.group, count), destinations.row(destination, search.group, count)];
        group.prefetch_rows(search.rows);
        group.first_rule() < bound
    }

    /// The first of its rules.
    #[inline(always)]
    pub(super) fn first_rule(&self) -> u32 {
        self.groups.first().map_or(u32::MAX, BitRows::first_rule)
    }

    /// The first rule of the group that a search is at.
    #[inline(always)]
    pub(super) fn first_match(&self, lanes: impl Lanes, search: &Search, header: &FiveTuple) -> Option<u32> {
        let (group, [source, destination]) = (self.groups.get(search.group)?, search.rows);
        group.takes(lanes, source, destination).then(|| group.first_match(lanes, source, destination, header)).flatten()
    }

    /// Bytes of memory.
    pub(super) fn memory(&self) -> usize {
        self.sides.iter().map(Meanings::memory).sum::<usize>() + self.groups.iter().map(BitRows::memory).sum::<usize>()
    }
}

impl Meanings {
    #[inline(always)]
    fn row(&self, class: u32, group: usize, groups: usize) -> u32 {
        self.rows.get(class as usize * groups + group).map_or(0, |row| u32::from(*row))
    }

    #[inline(always)]
    fn prefetch(&self, class: u32, groups: usize) {
        prefetch_at(&self.rows, class * groups as u32);
        prefetch_at(&self.summaries, class * groups.div_ceil(WORD) as u32);
    }

    #[inline(always)]
    fn summary(&self, class: u32, word: usize, groups: usize) -> u64 {
        self.summaries.get(class as usize * groups.div_ceil(WORD) + word).copied().unwrap_or(0)
    }

    fn memory(&self) -> usize {
        size_of_val(&*self.rows) + size_of_val(&*self.summaries)
    }

    /// Adds a class of which the groups' rows are these; the first rule that it has.
    fn add(&mut self, rows: &[u16], groups: &[RowNumbers]) -> u32 {
        self.rows.extend_from_slice(rows);
        let first_rule = |(row, group): (&u16, &RowNumbers)| group.first_rules.get(usize::from(*row)).copied().unwrap_or(u32::MAX);
        let first_rules: Vec<u32> = rows.iter().zip(groups).map(first_rule).collect();
        let word = |rules: &[u32]| rules.iter().rev().fold(0, |word, first| word << 1 | u64::from(*first != u32::MAX));
        self.summaries.extend(first_rules.chunks(WORD).map(word));
        first_rules.into_iter().min().unwrap_or(u32::MAX)
    }
}

/// Lays the groups' intervals over each other. Intervals that mean the same to all groups are one class. `None` as soon
/// as classes take more than `budget` bytes.
fn join(groups: &[RowNumbers], budget: usize) -> Option<(Meanings, Classes)> {
    let mut starts: Vec<u32> = groups.iter().flat_map(|group| &group.starts).copied().collect();
    starts.sort_unstable();
    starts.dedup();
    let mut changes: Vec<_> = groups.iter().map(|group| group.starts.iter().zip(&group.rows).peekable()).collect();
    let mut rows = vec![0; groups.len()];
    let mut known: HashMap<Vec<u16>, Class, foldhash::fast::FixedState> = HashMap::default();
    let (mut meanings, mut classes) = (Meanings::default(), Classes::default());
    for start in starts {
        for (row, changes) in rows.iter_mut().zip(&mut changes) {
            if let Some((_, next)) = changes.next_if(|(from, _)| **from == start) {
                *row = *next;
            }
        }
        let class = known.get(&rows).copied().unwrap_or_else(|| {
            let class = Class { number: known.len() as u32, first_rule: meanings.add(&rows, groups) };
            known.insert(rows.clone(), class);
            class
        });
        if classes.classes.last() != Some(&class) {
            classes.starts.push(start);
            classes.classes.push(class);
        }
        if meanings.memory() > budget {
            return None;
        }
    }
    Some((meanings, classes))
}
