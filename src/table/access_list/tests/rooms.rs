//! The rooms one by one, against plain searches.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::super::bit_rows::BitRows;
use super::super::intervals::Intervals;
use super::super::ports::Ports;
use super::super::rooted::Rooted;
use super::super::tree::Tree;
use super::random::{address, rule};
use super::*;
use crate::table::simd::{Lanes, Portable, every_way};

/// The number of the interval that holds a value.
fn holding(starts: &[u32], value: u32) -> usize {
    starts.iter().rposition(|start| *start <= value).unwrap()
}

/// One more than the bounds, the bounds, one less.
fn around(starts: &[u32]) -> Vec<u32> {
    starts.iter().flat_map(|start| [start.wrapping_sub(1), *start, start.wrapping_add(1)]).chain([0, u32::MAX]).collect()
}

#[derive(Clone, Copy)]
struct Search<'a>(&'a Tree, &'a Rooted, u32);

impl Work for Search<'_> {
    /// By the tree, among the many that go down together and left over from them, and by the other table.
    type Output = [u32; 3];
    fn run(self, lanes: impl Lanes) -> [u32; 3] {
        let Self(tree, rooted, value) = self;
        let many: [u32; 21] = std::array::from_fn(|at| if at == 5 || at == 18 { value } else { value.rotate_left(at as u32) });
        let leaves = tree.leaves(lanes, &many);
        [tree.within(lanes, leaves[5], value), tree.within(lanes, leaves[18], value), rooted.find(lanes, value)]
    }
}

fn expect_searches(starts: &[u32]) {
    let (tree, rooted) = (Tree::new(starts), Rooted::new(starts));
    assert_eq!(rooted.len(), starts.len());
    for value in around(starts) {
        for found in every_way(Search(&tree, &rooted, value)) {
            assert_eq!(found, [holding(starts, value) as u32; 3], "{value} in {} intervals", starts.len());
        }
    }
}

#[test]
fn trees_and_roots_of_every_size_at_which_they_change() {
    expect_searches(&[0]);
    for count in [2, 16, 17, 18, 31, 32, 33, 34, 64, 65, 1_023, 1_024, 1_025, 2_032, 2_033, 2_049] {
        // a few, then a crowd whose lines begin in the midst of others
        if count > 5 {
            expect_searches(&[0, 1, 2, 3, 9].into_iter().chain((0..count - 5).map(|at| (7 << 16) + at)).collect::<Vec<u32>>());
        }
        // spread, all in the first slot, all in the last slot, around the middle
        for (first, step) in [(1, u32::MAX / 2_100), (1, 1), (u32::MAX - (count - 2), 1), (0x8000_0000 - count / 2, 1)] {
            let starts: Vec<u32> = [0].into_iter().chain((1..count).map(|at| first.wrapping_add((at - 1) * step))).collect();
            expect_searches(&starts);
        }
    }
}

fn expect_ports(starts: &[u32], numbers: &[u16]) {
    let ports = Ports::new(starts, numbers);
    for port in 0..=u16::MAX {
        assert_eq!(ports.find(port), u32::from(numbers[holding(starts, u32::from(port))]), "port {port} of {starts:?}");
    }
}

#[test]
fn ports_in_pages() {
    expect_ports(&[0], &[7]);
    // a page that begins and ends with the same number, and one that is the same again
    expect_ports(&[0, 80, 81, 600, 601, 848, 849], &[1, 2, 1, 3, 1, 2, 1]);
    expect_ports(&[0, 255, 256, 257, 511, 512, 0xfeff, 0xff00, 0xff01, 0xffff], &[0, 1, 2, 3, 4, 0, 5, 6, 7, 65_535]);
    // every page a number of its own
    let (starts, numbers): (Vec<u32>, Vec<u16>) = (0..256).map(|page| (page * 256, page as u16)).unzip();
    expect_ports(&starts, &numbers);
}

fn expect_intervals(ranges: &[(u32, u32)], last: u32) {
    let proper = || ranges.iter().filter(|(low, high)| low <= high);
    let ends = proper().filter(|(_, high)| *high < last).map(|(_, high)| high + 1);
    let starts: BTreeSet<u32> = proper().map(|(low, _)| *low).chain(ends).chain([0]).collect();
    let starts: Vec<u32> = starts.into_iter().collect();
    let intervals = Intervals::new(ranges.iter().copied(), last);
    assert_eq!(intervals.starts, starts);
    for ((low, high), span) in ranges.iter().zip(intervals.spans) {
        let expected = if low <= high { (holding(&starts, *low) as u32, holding(&starts, *high) as u32) } else { Intervals::NOTHING };
        assert_eq!(span, expected, "{low} to {high}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn intervals_are_where_ranges_begin_and_end(ranges in prop::collection::vec((address(), address()), 0..40)) {
        expect_intervals(&ranges, u32::MAX);
    }

    #[test]
    fn intervals_of_ports(ranges in prop::collection::vec((any::<u16>(), prop_oneof![any::<u16>(), Just(u16::MAX)]), 0..40)) {
        let ranges: Vec<(u32, u32)> = ranges.into_iter().map(|(low, high)| (low.into(), high.into())).collect();
        expect_intervals(&ranges, u16::MAX.into());
    }

    /// The bit of each rule is set where the rule takes the number.
    #[test]
    fn rows_have_a_bit_for_each_rule_that_matches(rules in prop::collection::vec(rule(), 1..40), addresses in prop::collection::vec(address(), 20)) {
        let chosen: Vec<u32> = (0..rules.len() as u32).collect();
        let (rows, [sources, destinations]) = BitRows::<1>::new(&rules, &chosen);
        for (one, other) in addresses.iter().zip(addresses.iter().rev()) {
            let (from, to) = (sources.rows[holding(&sources.starts, *one)], destinations.rows[holding(&destinations.starts, *other)]);
            let takes = |rule: &FiveTupleRule| rule.sources.contains(one) && rule.destinations.contains(other);
            prop_assert_eq!(rows.takes(Portable, from.into(), to.into()), rules.iter().any(takes));
            let first = rules.iter().position(|rule| rule.sources.contains(one)).map_or(u32::MAX, |rule| rule as u32);
            prop_assert_eq!(sources.first_rules[usize::from(from)], first);
            let header = FiveTuple { source: *one, destination: *other, source_port: 255, destination_port: 2, protocol: 6 };
            let expected = ordered_scan(&rules, &header).map(|rule| rule as u32);
            prop_assert_eq!(rows.first_match(Portable, from.into(), to.into(), &header), expected);
        }
    }
}

/// Long enough for the passes over digits, with equal numbers and both ends.
#[test]
fn many_intervals() {
    let mut dice = Dice(2);
    let mut ranges: Vec<(u32, u32)> = (0..3_000).map(|_| (dice.next() as u32, dice.next() as u32 >> 1)).collect();
    ranges.extend((0..500).map(|at| (at * 3, at * 3 + 5)));
    ranges.extend([(0, u32::MAX), (u32::MAX, u32::MAX), (0, 0), (7, u32::MAX), (0, u32::MAX - 1)]);
    expect_intervals(&ranges, u32::MAX);
}
