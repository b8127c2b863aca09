//! Source or destination addresses with their lists.

use std::collections::HashMap;

use super::super::five_tuple::{FiveTuple, FiveTupleRule};
use super::super::intervals::Intervals;
use super::super::lists::Lists;
use super::super::rooted::Rooted;
use super::super::wide::Classes;
use super::record::Record;
use crate::table::simd::{Block, Probe};

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
    /// `None` as soon as they take more than `budget` bytes.
    pub(super) fn new(rules: &[FiveTupleRule], at_home: &[u32], direction: Direction, classes: &Classes, budget: usize) -> Option<Self> {
        let ranges = at_home.iter().filter_map(|rule| rules.get(*rule as usize)).map(|rule| direction.own(rule));
        let ends_of_classes = classes.starts.iter().map(|start| (*start, u32::MAX));
        let ranges: Vec<(u32, u32)> = ranges.chain(ends_of_classes).collect();
        let Intervals { starts, spans } = Intervals::new(ranges.into_iter(), u32::MAX);
        let lists = Lists::new(starts.len(), at_home, &spans);
        let mut class_at = classes.starts.iter().zip(&classes.classes).peekable();
        let mut class = 0;
        let mut records = Records { rules, direction, known: HashMap::default(), records: Vec::new(), blocks: Vec::new() };
        let (mut kept, mut numbers) = (Vec::with_capacity(starts.len()), Vec::with_capacity(starts.len()));
        for (at, start) in starts.iter().enumerate() {
            if let Some((_, next)) = class_at.next_if(|(from, _)| *from == start) {
                class = *next;
            }
            let number =
                if lists.is_unlike_others(at) { records.add(lists.list(at), class) } else { records.number(lists.list(at), class) };
            if numbers.last() != Some(&number) {
                kept.push(*start);
                numbers.push(number);
            }
            if records.memory() > budget {
                return None;
            }
        }
        let Records { records, blocks, .. } = records;
        Some(Self { intervals: Rooted::new(&kept), numbers, records, blocks })
    }

    /// Bytes of memory.
    pub(super) fn memory(&self) -> usize {
        self.intervals.memory() + size_of_val(&*self.numbers) + size_of_val(&*self.records) + size_of_val(&*self.blocks)
    }
}

/// Records as they are made.
struct Records<'a> {
    rules: &'a [FiveTupleRule],
    direction: Direction,
    /// The number of each list with its class, of those that could come again.
    known: HashMap<(&'a [u32], u32), u32, foldhash::fast::FixedState>,
    records: Vec<Record>,
    blocks: Vec<Block>,
}

impl<'a> Records<'a> {
    /// The number of a list's record: equal lists of a class have the same.
    fn number(&mut self, list: &'a [u32], class: u32) -> u32 {
        if let Some(number) = self.known.get(&(list, class)) {
            return *number;
        }
        let number = self.add(list, class);
        self.known.insert((list, class), number);
        number
    }

    fn add(&mut self, list: &[u32], class: u32) -> u32 {
        self.records.push(Record::new(self.rules, list, self.direction, class, &mut self.blocks));
        (self.records.len() - 1) as u32
    }

    fn memory(&self) -> usize {
        size_of_val(&*self.records) + size_of_val(&*self.blocks)
    }
}
