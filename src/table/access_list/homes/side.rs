//! Source or destination addresses with their lists.

use std::collections::HashMap;

use super::super::five_tuple::{FiveTuple, FiveTupleRule};
use super::super::intervals::{cut, holding};
use super::super::rooted::Rooted;
use super::super::wide::Classes;
use super::record::Record;
use crate::table::simd::{Block, Portable, Probe};

/// Of the two addresses of a header the one that is looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    /// The source.
    Source = 0,
    /// The destination.
    Destination = 1,
}

impl Direction {
    /// The other one.
    pub(super) const fn opposite(self) -> Self {
        match self {
            Self::Source => Self::Destination,
            Self::Destination => Self::Source,
        }
    }

    /// A rule's addresses of this direction, the first and the last.
    pub(super) const fn own(self, rule: &FiveTupleRule) -> (u32, u32) {
        match self {
            Self::Source => (*rule.sources.start(), *rule.sources.end()),
            Self::Destination => (*rule.destinations.start(), *rule.destinations.end()),
        }
    }

    /// What the rules in lists of this direction are compared with: the header's other address and the rest.
    #[inline(always)]
    pub(super) const fn probe(self, header: &FiveTuple) -> Probe {
        let address = match self {
            Self::Source => header.destination,
            Self::Destination => header.source,
        };
        let FiveTuple { source_port, destination_port, protocol, .. } = *header;
        Probe { address, source_port, destination_port, protocol }
    }
}

/// The lists of one direction.
#[derive(Clone, Debug)]
pub(super) struct Side {
    /// Address → interval.
    pub(super) intervals: Rooted,
    /// Interval → record. Gaps between prefixes share theirs.
    pub(super) numbers: Vec<u32>,
    pub(super) records: Vec<Record>,
    pub(super) blocks: Vec<Block>,
}

impl Side {
    /// The lists of those of `rules` that are numbered in `at_home`, ascending, each with its class among wide rules.
    pub(super) fn new(rules: &[FiveTupleRule], at_home: &[u32], direction: Direction, classes: &Classes) -> Self {
        let ranges: Vec<(u32, u32)> = at_home.iter().filter_map(|rule| rules.get(*rule as usize)).map(|rule| direction.own(rule)).collect();
        let ends_of_classes = classes.starts.iter().map(|start| (*start, u32::MAX));
        let starts = cut(ranges.iter().copied().chain(ends_of_classes), u32::MAX);
        let lists = Lists::new(&starts, at_home, &ranges);
        let mut known: HashMap<(&[u32], u32), u32, foldhash::fast::FixedState> =
            HashMap::with_capacity_and_hasher(starts.len(), foldhash::fast::FixedState::default());
        let (mut records, mut blocks) = (Vec::new(), Vec::new());
        let (mut kept, mut numbers) = (Vec::with_capacity(starts.len()), Vec::with_capacity(starts.len()));
        for (at, start) in starts.iter().enumerate() {
            let list = lists.list(at);
            let class = classes.classes.get(holding(&classes.starts, *start)).copied().unwrap_or_default();
            let number = *known.entry((list, class)).or_insert_with(|| {
                records.push(Record::new(rules, list, direction, class, &mut blocks));
                (records.len() - 1) as u32
            });
            if numbers.last() != Some(&number) {
                kept.push(*start);
                numbers.push(number);
            }
        }
        Self { intervals: Rooted::new(&kept), numbers, records, blocks }
    }

    /// Bytes of memory.
    pub(super) fn memory(&self) -> usize {
        self.intervals.memory() + size_of_val(&*self.numbers) + size_of_val(&*self.records) + size_of_val(&*self.blocks)
    }
}

/// The rules of each interval, in one piece of memory.
struct Lists {
    /// Where each list begins; one more than there are lists.
    offsets: Vec<u32>,
    rules: Vec<u32>,
}

impl Lists {
    /// Of the intervals that begin at `starts`; rules and their ranges go together.
    fn new(starts: &[u32], rules: &[u32], ranges: &[(u32, u32)]) -> Self {
        let intervals = Rooted::new(starts);
        let find = |address| intervals.find(Portable, address) as usize;
        let spans: Vec<(usize, usize)> = ranges.iter().map(|(low, high)| (find(*low), find(*high))).collect();
        let mut offsets = vec![0_u32; starts.len() + 2];
        // counted two places on: after adding up each list's place is one before the next one's, ready to be filled
        for (first, last) in &spans {
            offsets.get_mut(first + 2..=last + 2).into_iter().flatten().for_each(|count| *count += 1);
        }
        let mut before = 0;
        for count in &mut offsets {
            before += *count;
            *count = before;
        }
        let mut all = vec![0; before as usize];
        for (rule, (first, last)) in rules.iter().zip(&spans) {
            for offset in offsets.get_mut(first + 1..=last + 1).into_iter().flatten() {
                if let Some(place) = all.get_mut(*offset as usize) {
                    *place = *rule;
                }
                *offset += 1;
            }
        }
        Self { offsets, rules: all }
    }

    fn list(&self, interval: usize) -> &[u32] {
        match self.offsets.get(interval..interval + 2) {
            Some(&[from, to]) => self.rules.get(from as usize..to as usize).unwrap_or_default(),
            _ => &[],
        }
    }
}
