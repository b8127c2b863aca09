//! Lists with many rules that are wide on both sides, and lists that are longer than a home has room for.

use super::super::homes::assign::{Assignment, LONGEST};
use super::*;

/// Rules over nested addresses, that all share the same middle: nothing narrow about any but the innermost.
fn nested(count: u32) -> Vec<FiveTupleRule> {
    let rule = |at: u32| {
        let port = (at * 7 % 60_000) as u16;
        let (low, high) = (at * 11, u32::MAX - at * 13);
        FiveTupleRule { sources: low..=high, destinations: low / 2..=high, destination_ports: port..=port + 99, ..ANY }
    };
    (0..count).map(rule).collect()
}

/// Headers that meet all of them, with the ports of some.
fn inside(rules: &[FiveTupleRule]) -> Vec<FiveTuple> {
    let step = rules.len().div_ceil(60).max(1);
    let port = |rule: &FiveTupleRule| *rule.destination_ports.start();
    let header = |port| FiveTuple { source: 1 << 31, destination: 3 << 30, destination_port: port, ..FiveTuple::default() };
    let headers = rules.iter().step_by(step).map(|rule| header(port(rule)));
    headers.chain([header(u16::MAX)]).collect()
}

fn assigned(rules: &[FiveTupleRule], assignment: Assignment) -> AccessList {
    AccessList { table: Table::Long(Box::new(Homes::new(Plan::assigned(rules, assignment), ENOUGH).unwrap())) }
}

/// All rules wide.
fn all_wide(rules: &[FiveTupleRule]) -> Assignment {
    Assignment { at_home: [Vec::new(), Vec::new()], wide: (0..).take(rules.len()).collect(), cost: 0 }
}

#[test]
fn wide_rules_as_many_as_fill_a_group_and_one_more() {
    for count in [1, 2, 255, 256, 257, 1_023, 1_024, 1_025, 2_049] {
        let rules = nested(count);
        let headers = [inside(&rules), corners(&rules[count as usize - 1..], 30)].concat();
        expect(&assigned(&rules, all_wide(&rules)), &headers, &scan(&rules, &headers));
    }
}

/// More groups than one word of the summary has bits; each group is the first that matches for some header.
#[test]
fn wide_rules_in_more_than_64_groups() {
    let count = 66 * 1_024 + 3;
    let rule = |at: u32| {
        let (group, port) = (at / 1_024, (at % 1_024) as u16);
        let first = group * 1_000;
        // wide, but each group has addresses of its own, and some in common with the next one
        FiveTupleRule { sources: first..=first + 1_500, destinations: first..=u32::MAX, destination_ports: port..=port, ..ANY }
    };
    let rules: Vec<FiveTupleRule> = (0..count).map(rule).collect();
    let header = |group: u32, port: u16| FiveTuple {
        source: group * 1_000 + 999,
        destination: 1 << 31,
        destination_port: port,
        ..FiveTuple::default()
    };
    let headers: Vec<FiveTuple> = (0..67).flat_map(|group| [0, 3, 1_023, 1_024].map(|port| header(group, port))).collect();
    let list = assigned(&rules, all_wide(&rules));
    expect(&list, &headers, &scan(&rules, &headers));
}

/// It does not matter where a rule lives.
#[test]
fn any_assignment_gives_the_same_answers() {
    let mut dice = Dice(4);
    for _ in 0..12 {
        let mut rules: Vec<FiveTupleRule> = (0..60).map(|_| dice.rule()).collect();
        rules.extend(nested(40));
        let mut assignment = Assignment::default();
        for rule in 0..rules.len() as u32 {
            let [from, to] = &mut assignment.at_home;
            [from, to, &mut assignment.wide][dice.below(3) as usize].push(rule);
        }
        let headers = [corners(&rules, 6), inside(&rules)].concat();
        expect(&assigned(&rules, assignment), &headers, &scan(&rules, &headers));
    }
}

/// One pair of addresses with more rules than a list has room for: the first fill both lists, the others are wide.
#[test]
fn lists_for_one_address_pair_up_to_and_beyond_the_longest() {
    let longest = u32::from(LONGEST);
    for count in [1, 2, 3, 9, 10, 11, longest - 1, longest, longest + 1, 2 * longest, 2 * longest + 1, 2 * longest + 300] {
        let port = |at: u32| (at * 3) as u16;
        let rule = |at| FiveTupleRule { sources: 5..=5, destinations: 9..=9, destination_ports: port(at)..=port(at) + 1, ..ANY };
        let rules: Vec<FiveTupleRule> = (0..count).map(rule).collect();
        let header = |port| FiveTuple { source: 5, destination: 9, destination_port: port, ..FiveTuple::default() };
        let headers: Vec<FiveTuple> = (0..3 * count as u16 + 2).map(header).collect();
        let expected = scan(&rules, &headers);
        expect(&AccessList { table: long(&rules) }, &headers, &expected);
    }
}

#[test]
fn rules_that_are_all_equal() {
    for count in [3, 70, 300, 1_100, 3_000] {
        let rules = vec![FiveTupleRule { sources: 7..=9, destination_ports: 3..=5, ..ANY }; count];
        expect_built(&rules, &corners(&rules[..1], 300));
    }
}
