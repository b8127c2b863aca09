//! Lists that mean to make a table large or slow.

use super::*;

/// Rules of which no two begin or end at the same address, wide on both sides.
fn all_different(count: u32) -> Vec<FiveTupleRule> {
    let rule =
        |at: u32| FiveTupleRule { sources: at * 1_009..=u32::MAX - at * 1_013, destinations: at * 2_003..=u32::MAX - at * 2_011, ..ANY };
    (0..count).map(|at| FiveTupleRule { destination_ports: at as u16..=at as u16, ..rule(at) }).collect()
}

/// Each inside the one behind it.
fn nested_prefixes(count: u32) -> Vec<FiveTupleRule> {
    let range = |at: u32| (count - at).wrapping_mul(1 << 4)..=u32::MAX - (count - at) * 16;
    (0..count).map(|at| FiveTupleRule { sources: range(count - at - 1), destinations: range(count - at - 1), ..ANY }).collect()
}

/// The same addresses again and again.
fn one_pair(count: u32) -> Vec<FiveTupleRule> {
    (0..count).map(|at| FiveTupleRule { sources: 1..=1, destinations: 2..=2, destination_ports: at as u16..=at as u16, ..ANY }).collect()
}

/// One wide side: every rule covers half of the intervals of the other rules' sources.
fn staircase(count: u32) -> Vec<FiveTupleRule> {
    (0..count).map(|at| FiveTupleRule { sources: at..=at + count / 2, destinations: at * 5..=at * 5 + count, ..ANY }).collect()
}

#[test]
fn hostile_lists_are_answered_or_refused() {
    for list in [all_different, nested_prefixes, one_pair, staircase] {
        let rules = list(3_000);
        let headers = corners(&rules[..100], 3);
        expect_built(&rules, &headers);
        let refused = BuildError::OverBudget { rules: rules.len(), budget: 100_000 };
        assert_eq!(AccessList::build(&rules, 100_000).unwrap_err(), refused);
    }
}
