//! Rules as bits: for each of the five fields a row for every kind of value, in which a rule's bit is set where the rule
//! takes that value. A header's rules are what its five rows have in common; the first bit is the answer. Of destination
//! port and protocol there is mostly one row for both (`services`).
//! (Lakshman and Stiliadis, SIGCOMM 1998.)

use std::collections::HashMap;

use super::five_tuple::{FiveTuple, FiveTupleRule, MaskedProtocol};
use super::intervals::Intervals;
use super::ports::Ports;
use super::services::{Service, Services};
use crate::table::simd::{Aligned, Lanes, Row, prefetch};

/// Up to `W` × 256 rules in order.
#[derive(Clone, Debug)]
pub(super) struct BitRows<const W: usize> {
    sources: Rows<W>,
    destinations: Rows<W>,
    /// `None` where every rule takes every source port, as in most lists.
    source_ports: Option<(Ports, Rows<W>)>,
    /// Of destination ports and protocols.
    services: Services<W>,
    /// The rule of each bit.
    rules: Vec<u32>,
}

/// Rows by their numbers.
#[derive(Clone, Debug)]
pub(super) struct Rows<const W: usize>(Vec<Aligned<Row<W>>>);

/// Addresses in intervals, each with the number of its row. Neighbours differ.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct RowNumbers {
    /// First addresses, ascending, beginning with 0.
    pub(super) starts: Vec<u32>,
    /// The rows' numbers.
    pub(super) rows: Vec<u16>,
    /// The first rule of each row, by the rows' numbers; the largest number where a row has none.
    pub(super) first_rules: Vec<u32>,
}

impl<const W: usize> BitRows<W> {
    /// How many rules there is room for.
    pub(super) const ROOM: usize = W * 256;

    /// Rows of those of `all` rules that are numbered in `chosen` (ascending, at most [`Self::ROOM`]); with the numbers of
    /// rows for source and destination addresses, which [`Self::first_match`] is to be called with.
    pub(super) fn new(all: &[FiveTupleRule], chosen: &[u32]) -> (Self, [RowNumbers; 2]) {
        let rules: Vec<&FiveTupleRule> = chosen.iter().filter_map(|rule| all.get(*rule as usize)).collect();
        let of = |range: fn(&FiveTupleRule) -> (u32, u32), last| sweep(rules.iter().map(|rule| range(rule)), last);
        let (mut source_numbers, sources) = of(|rule| (*rule.sources.start(), *rule.sources.end()), u32::MAX);
        let (mut destination_numbers, destinations) = of(|rule| (*rule.destinations.start(), *rule.destinations.end()), u32::MAX);
        source_numbers.first_rules = sources.first_rules(chosen);
        destination_numbers.first_rules = destinations.first_rules(chosen);
        let rows = Self {
            sources,
            destinations,
            source_ports: rules
                .iter()
                .any(|rule| rule.source_ports != EVERY_PORT)
                .then(|| ports(of(|rule| wide(&rule.source_ports), LAST_PORT))),
            services: Services::new(of(|rule| wide(&rule.destination_ports), LAST_PORT), protocol_rows(&rules)),
            rules: chosen.to_vec(),
        };
        (rows, [source_numbers, destination_numbers])
    }

    /// The first rule that matches a header whose addresses have the rows numbered `source` and `destination`.
    #[inline(always)]
    pub(super) fn first_match(&self, lanes: impl Lanes, source: u32, destination: u32, header: &FiveTuple) -> Option<u32> {
        let bit = self.first_bit(lanes, source, destination, header)?;
        self.rules.get(bit as usize).copied()
    }

    /// The same rule's place among those chosen.
    #[inline(always)]
    pub(super) fn first_bit(&self, lanes: impl Lanes, source: u32, destination: u32, header: &FiveTuple) -> Option<u32> {
        let source = self.sources.row(source)?;
        let destination = self.destinations.row(destination)?;
        let service = self.services.find(header)?;
        let Some((ports, rows)) = &self.source_ports else {
            return match service {
                Service::Pair(pair) => lanes.first_common([source, destination, pair]),
                Service::Apart(port, protocol) => lanes.first_common([source, destination, port, protocol]),
            };
        };
        let source_port = rows.row(ports.find(header.source_port))?;
        match service {
            Service::Pair(pair) => lanes.first_common([source, destination, pair, source_port]),
            Service::Apart(port, protocol) => lanes.first_common([source, destination, port, protocol, source_port]),
        }
    }

    /// Asks for the rows of addresses.
    #[inline(always)]
    pub(super) fn prefetch_rows(&self, [source, destination]: [u32; 2]) {
        self.sources.prefetch(source);
        self.destinations.prefetch(destination);
    }

    /// Whether any rule takes addresses of both rows.
    #[inline(always)]
    pub(super) fn takes(&self, lanes: impl Lanes, source: u32, destination: u32) -> bool {
        let rows = self.sources.row(source).zip(self.destinations.row(destination));
        rows.is_some_and(|(source, destination)| lanes.have_common(source, destination))
    }

    /// The first of its rules.
    #[inline(always)]
    pub(super) fn first_rule(&self) -> u32 {
        self.rules.first().copied().unwrap_or(u32::MAX)
    }

    /// Bytes of memory.
    pub(super) fn memory(&self) -> usize {
        let source_ports = self.source_ports.as_ref().map_or(0, |(ports, rows)| ports.memory() + rows.memory());
        self.sources.memory() + self.destinations.memory() + self.services.memory() + source_ports + size_of_val(&*self.rules)
    }
}

impl<const W: usize> Rows<W> {
    const NONE: Row<W> = [[0; 4]; W];

    /// A row by its number; of a number that none has, nothing.
    #[inline(always)]
    pub(super) fn row(&self, number: u32) -> Option<&Row<W>> {
        self.0.get(number as usize).map(|row| &row.0)
    }

    /// Asks for a row's cache lines.
    #[inline(always)]
    fn prefetch(&self, number: u32) {
        let quads = self.row(number).map(<[_; W]>::as_slice).unwrap_or_default();
        // two in a cache line
        quads.iter().step_by(2).for_each(prefetch);
    }

    /// All of them in order.
    pub(super) fn all(&self) -> impl Iterator<Item = &Row<W>> {
        self.0.iter().map(|row| &row.0)
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    /// Of each, the first of the rules that its bits stand for.
    fn first_rules(&self, rules: &[u32]) -> Vec<u32> {
        let first_bit = |row: &Row<W>| {
            let words = row.as_flattened();
            let at = words.iter().position(|word| *word != 0)?;
            Some(at * u64::BITS as usize + words.get(at)?.trailing_zeros() as usize)
        };
        self.all().map(|row| first_bit(row).and_then(|bit| rules.get(bit)).copied().unwrap_or(u32::MAX)).collect()
    }

    /// Of each of these rows with each of the others what both have in common, in order.
    pub(super) fn with_each(&self, others: &Self) -> Self {
        let common =
            |one: &Row<W>, other: &Row<W>| std::array::from_fn(|quad| std::array::from_fn(|word| one[quad][word] & other[quad][word]));
        Self(self.0.iter().flat_map(|one| others.0.iter().map(move |other| Aligned(common(&one.0, &other.0)))).collect())
    }

    /// Bytes of memory.
    pub(super) fn memory(&self) -> usize {
        size_of_val(&*self.0)
    }
}

pub(super) const LAST_PORT: u32 = u16::MAX as u32;
const EVERY_PORT: std::ops::RangeInclusive<u16> = 0..=u16::MAX;

fn ports<const W: usize>((numbers, rows): (RowNumbers, Rows<W>)) -> (Ports, Rows<W>) {
    (Ports::new(&numbers.starts, &numbers.rows), rows)
}

pub(super) fn wide(ports: &std::ops::RangeInclusive<u16>) -> (u32, u32) {
    (u32::from(*ports.start()), u32::from(*ports.end()))
}

/// Gives equal rows one number.
#[derive(Default)]
pub(super) struct Numbering<const W: usize> {
    known: HashMap<Row<W>, u16, foldhash::fast::FixedState>,
    rows: Vec<Aligned<Row<W>>>,
}

impl<const W: usize> Numbering<W> {
    pub(super) fn number(&mut self, row: &Row<W>) -> u16 {
        *self.known.entry(*row).or_insert_with(|| {
            self.rows.push(Aligned(*row));
            // of ROOM rules there are at most twice as many rows and one
            (self.rows.len() - 1) as u16
        })
    }

    pub(super) fn finish(self) -> Rows<W> {
        Rows(self.rows)
    }
}

/// Goes over all numbers up to `last`; where a range begins or has ended, its bit changes.
pub(super) fn sweep<const W: usize>(ranges: impl ExactSizeIterator<Item = (u32, u32)>, last: u32) -> (RowNumbers, Rows<W>) {
    let Intervals { starts, spans } = Intervals::new(ranges, last);
    let mut changes: Vec<(u32, u32)> = Vec::with_capacity(spans.len() * 2);
    for (rule, (first, last)) in (0..).zip(spans).filter(|(_, span)| *span != Intervals::NOTHING) {
        changes.extend([(first, rule), (last + 1, rule)]);
    }
    changes.sort_unstable();
    let mut changes = changes.into_iter().peekable();
    let (mut numbers, mut numbering, mut row) = (RowNumbers::default(), Numbering::<W>::default(), Rows::<W>::NONE);
    for (interval, start) in (0..).zip(starts) {
        while let Some((_, rule)) = changes.next_if(|(at, _)| *at == interval) {
            flip(&mut row, rule as usize);
        }
        let number = numbering.number(&row);
        if numbers.rows.last() != Some(&number) {
            numbers.starts.push(start);
            numbers.rows.push(number);
        }
    }
    (numbers, numbering.finish())
}

fn flip<const W: usize>(row: &mut Row<W>, rule: usize) {
    if let Some(word) = row.as_flattened_mut().get_mut(rule / 64) {
        *word ^= 1 << (rule % 64);
    }
}

/// A row for each protocol: what all the conditions that it meets have in theirs.
pub(super) fn protocol_rows<const W: usize>(rules: &[&FiveTupleRule]) -> ([u8; 256], Rows<W>) {
    let mut conditions: HashMap<MaskedProtocol, Row<W>, foldhash::fast::FixedState> = HashMap::default();
    for (at, rule) in rules.iter().enumerate() {
        let MaskedProtocol { value, mask } = rule.protocol;
        flip(conditions.entry(MaskedProtocol { value: value & mask, mask }).or_insert(Rows::<W>::NONE), at);
    }
    let mut numbering = Numbering::<W>::default();
    let numbers = std::array::from_fn(|protocol| {
        let mut row = Rows::<W>::NONE;
        for (_, rules) in conditions.iter().filter(|(condition, _)| condition.matches(protocol as u8)) {
            row.as_flattened_mut().iter_mut().zip(rules.as_flattened()).for_each(|(word, more)| *word |= more);
        }
        // 256 protocols have at most as many rows
        numbering.number(&row) as u8
    });
    (numbers, numbering.finish())
}
