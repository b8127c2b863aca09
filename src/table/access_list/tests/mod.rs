//! The tables answer as the ordered scan does: the same rule's number, in every table that can hold the list.

mod anywhere;
mod changes;
mod hostile;
mod product;
pub(super) mod random;
mod rooms;
mod sizes;
mod tiny;
mod wide;

use super::five_tuple::{FiveTuple, FiveTupleRule, MaskedProtocol, ordered_scan};
use super::homes::{Homes, Plan};
use super::product::Product;
use super::small::Small;
use super::{AccessList, BuildError, Lookup, Table};
use crate::table::simd::{Lanes, Work, every_way};

const ENOUGH: usize = 1 << 28;
const NO_MATCH: u32 = AccessList::NO_MATCH;

/// Takes every header.
pub(super) const ANY: FiveTupleRule = FiveTupleRule {
    sources: 0..=u32::MAX,
    destinations: 0..=u32::MAX,
    source_ports: 0..=u16::MAX,
    destination_ports: 0..=u16::MAX,
    protocol: MaskedProtocol::ANY,
};

/// Backwards: holds nothing.
pub(super) const NO_ADDRESS: std::ops::RangeInclusive<u32> = std::ops::RangeInclusive::new(9, 8);
pub(super) const NO_PORT: std::ops::RangeInclusive<u16> = std::ops::RangeInclusive::new(9, 8);

/// The table that `build` chooses, and all others that have room for the list.
fn tables(rules: &[FiveTupleRule]) -> Vec<AccessList> {
    let mut tables = vec![AccessList::build(rules, ENOUGH).unwrap().table, long(rules)];
    if rules.len() <= 256 {
        tables.push(Table::UpTo512(Box::new(Small::new(rules))));
    }
    if rules.len() <= 512 {
        tables.push(Table::UpTo1024(Box::new(Small::new(rules))));
    }
    tables.extend(product(rules));
    tables.into_iter().map(|table| AccessList { table }).collect()
}

/// The table for long lists, however short the list is.
fn long(rules: &[FiveTupleRule]) -> Table {
    Table::Long(Box::new(Homes::new(Plan::new(rules), ENOUGH).unwrap()))
}

/// The table of cells, whatever it costs; `None` where even then it has no room for the rules.
fn product(rules: &[FiveTupleRule]) -> Option<Table> {
    Product::of_cells(rules, 1 << 21, ENOUGH).map(|table| Table::Product(Box::new(table)))
}

fn scan(rules: &[FiveTupleRule], headers: &[FiveTuple]) -> Vec<u32> {
    headers.iter().map(|header| ordered_scan(rules, header).map_or(NO_MATCH, |rule| rule as u32)).collect()
}

/// A lookup that owns its answers, so that it can be done in every way.
#[derive(Clone, Copy)]
struct Found<'a>(&'a AccessList, &'a [FiveTuple]);

impl Work for Found<'_> {
    type Output = Vec<u32>;

    fn run(self, lanes: impl Lanes) -> Vec<u32> {
        let Self(list, headers) = self;
        let mut found = vec![7; headers.len()];
        Lookup { table: &list.table, headers, matches: &mut found }.run(lanes);
        found
    }
}

/// What a table finds; every way that this machine has must find the same.
fn found(list: &AccessList, headers: &[FiveTuple]) -> Vec<u32> {
    let mut found = vec![7; headers.len()];
    list.first_matches(headers, &mut found);
    every_way(Found(list, headers)).into_iter().for_each(|other| assert_eq!(found, other));
    found
}

fn expect(list: &AccessList, headers: &[FiveTuple], expected: &[u32]) {
    for ((header, found), expected) in headers.iter().zip(found(list, headers)).zip(expected) {
        assert_eq!(found, *expected, "{header:?}");
    }
}

/// Every table agrees with the scan.
fn expect_all(rules: &[FiveTupleRule], headers: &[FiveTuple]) {
    let expected = scan(rules, headers);
    tables(rules).iter().for_each(|list| expect(list, headers, &expected));
}

/// The one table that `build` chooses agrees with the scan.
fn expect_built(rules: &[FiveTupleRule], headers: &[FiveTuple]) {
    expect(&AccessList::build(rules, ENOUGH).unwrap(), headers, &scan(rules, headers));
}

/// Headers at the bounds of rules: of each rule as many as asked for, every field one before, at, or one behind one of
/// the rule's ends.
fn corners(rules: &[FiveTupleRule], each: usize) -> Vec<FiveTuple> {
    let mut dice = Dice(9);
    let rules = rules.iter().flat_map(|rule| std::iter::repeat_n(rule, each));
    rules.map(|rule| corner(rule, &mut dice)).collect()
}

fn corner(rule: &FiveTupleRule, dice: &mut Dice) -> FiveTuple {
    let mut near = |low: u32, high: u32| {
        let end = if dice.below(2) == 0 { low } else { high };
        [end.wrapping_sub(1), end, end, end, end, end, end.wrapping_add(1)][dice.below(7) as usize]
    };
    let (from, to) = (&rule.source_ports, &rule.destination_ports);
    FiveTuple {
        source: near(*rule.sources.start(), *rule.sources.end()),
        destination: near(*rule.destinations.start(), *rule.destinations.end()),
        source_port: near(u32::from(*from.start()), u32::from(*from.end())) as u16,
        destination_port: near(u32::from(*to.start()), u32::from(*to.end())) as u16,
        protocol: near(u32::from(rule.protocol.value), u32::from(rule.protocol.value)) as u8,
    }
}

/// Numbers that look random and are the same in every run (SplitMix64).
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    pub(super) fn below(&mut self, bound: u32) -> u32 {
        (self.next() % u64::from(bound)) as u32
    }

    fn prefix(&mut self, shortest: u32, longest: u32) -> std::ops::RangeInclusive<u32> {
        let host_bits = 32 - shortest - self.below(longest - shortest + 1);
        let low = (self.next() as u32 >> host_bits) << host_bits;
        low..=low | ((1 << host_bits) - 1)
    }

    fn ports(&mut self) -> std::ops::RangeInclusive<u16> {
        let low = self.below(1 << 16) as u16;
        match self.below(4) {
            0 => low..=low,
            1 => low..=low.saturating_add(self.below(999) as u16),
            _ => 0..=u16::MAX,
        }
    }

    /// A rule such as filter files have, with prefixes of 15 to 32 bits.
    pub(super) fn rule(&mut self) -> FiveTupleRule {
        let protocols =
            [MaskedProtocol::ANY, MaskedProtocol::exactly(6), MaskedProtocol::exactly(17), MaskedProtocol { value: 5, mask: 0x0f }];
        FiveTupleRule {
            sources: self.prefix(15, 32),
            destinations: self.prefix(15, 32),
            source_ports: self.ports(),
            destination_ports: self.ports(),
            protocol: protocols[self.below(4) as usize],
        }
    }
}
