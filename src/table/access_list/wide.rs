//! The rules of a long list that are wide on both sides: rows of bits in groups, and above them a summary that
//! says which groups an address meets at all.

use std::collections::HashMap;

use super::bit_rows::{BitRows, RowNumbers};
use super::five_tuple::{FiveTuple, FiveTupleRule};
use crate::table::simd::Lanes;

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

/// Addresses in intervals, each with its class.
#[derive(Clone, Debug, Default)]
pub(super) struct Classes {
    /// First addresses, ascending, beginning with 0.
    pub(super) starts: Vec<u32>,
    /// The classes' numbers.
    pub(super) classes: Vec<u32>,
}

impl Classes {
    /// All addresses are alike.
    pub(super) fn one() -> Self {
        Self { starts: vec![0], classes: vec![0] }
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

    /// The first rule that matches and is before `bound`, for a header of these classes.
    #[inline(always)]
    pub(super) fn first_match(&self, lanes: impl Lanes, [source, destination]: [u32; 2], header: &FiveTuple, bound: u32) -> Option<u32> {
        let [sources, destinations] = &self.sides;
        let count = self.groups.len();
        for word in 0..count.div_ceil(WORD) {
            let mut both = sources.summary(source, word, count) & destinations.summary(destination, word, count);
            while both != 0 {
                let at = word * WORD + both.trailing_zeros() as usize;
                let group = self.groups.get(at)?;
                if group.first_rule() >= bound {
                    return None;
                }
                let (from, to) = (sources.row(source, at, count), destinations.row(destination, at, count));
                if group.takes(lanes, from, to)
                    && let Some(found) = group.first_match(lanes, from, to, header)
                {
                    return Some(found);
                }
                both &= both - 1;
            }
        }
        None
    }

    /// The first of its rules.
    #[inline(always)]
    pub(super) fn first_rule(&self) -> u32 {
        self.groups.first().map_or(u32::MAX, BitRows::first_rule)
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
    fn summary(&self, class: u32, word: usize, groups: usize) -> u64 {
        self.summaries.get(class as usize * groups.div_ceil(WORD) + word).copied().unwrap_or(0)
    }
}

impl Meanings {
    fn memory(&self) -> usize {
        size_of_val(&*self.rows) + size_of_val(&*self.summaries)
    }

    /// Adds a class of which the groups' rows are these.
    fn add(&mut self, rows: &[u16], groups: &[RowNumbers]) {
        self.rows.extend_from_slice(rows);
        let has_rules: Vec<bool> = rows.iter().zip(groups).map(|(row, group)| Some(*row) != group.empty).collect();
        let word = |groups: &[bool]| groups.iter().rev().fold(0, |word, has_rules| word << 1 | u64::from(*has_rules));
        self.summaries.extend(has_rules.chunks(WORD).map(word));
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
    let mut known: HashMap<Vec<u16>, u32, foldhash::fast::FixedState> = HashMap::default();
    let (mut meanings, mut classes) = (Meanings::default(), Classes::default());
    for start in starts {
        for (row, changes) in rows.iter_mut().zip(&mut changes) {
            if let Some((_, next)) = changes.next_if(|(from, _)| **from == start) {
                *row = *next;
            }
        }
        let class = known.get(&rows).copied().unwrap_or_else(|| {
            let class = known.len() as u32;
            known.insert(rows.clone(), class);
            meanings.add(&rows, groups);
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
