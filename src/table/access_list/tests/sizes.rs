//! Lists and batches of all sizes at which something changes.

use super::*;

#[test]
fn no_rules_match_nothing() {
    expect_all(&[], &[FiveTuple::default(), FiveTuple { source: u32::MAX, destination: u32::MAX, ..FiveTuple::default() }]);
}

/// A list of which every rule is the answer for some header: hosts, then networks around them, then all.
fn list(count: usize) -> Vec<FiveTupleRule> {
    let last = (count as u32).saturating_sub(1);
    let rule = |at: u32| match at {
        _ if at == last => ANY,
        _ if at.is_multiple_of(3) => FiveTupleRule { sources: 9 * at..=9 * at + 8, destination_ports: 53..=53, ..ANY },
        _ if at % 3 == 1 => FiveTupleRule { destinations: !at..=!at, protocol: MaskedProtocol::exactly(6), ..ANY },
        _ => FiveTupleRule { sources: at..=at, destinations: 5..=!5, source_ports: 0..=1, ..ANY },
    };
    (0..).take(count).map(rule).collect()
}

#[test]
fn lists_of_every_size_at_which_a_table_changes() {
    for count in [0, 1, 2, 63, 64, 65, 255, 256, 257, 511, 512, 513, 1_023, 1_024, 1_025, 4_095, 4_096, 4_097] {
        let rules = list(count);
        let sample: Vec<FiveTupleRule> =
            rules.iter().enumerate().filter(|(at, _)| *at < 70 || at + 70 > count || at % 97 == 0).map(|(_, rule)| rule.clone()).collect();
        let list = AccessList::build(&rules, ENOUGH).unwrap();
        let sizes = match list.table {
            Table::UpTo256(_) => 0..=256,
            Table::UpTo512(_) => 257..=512,
            Table::UpTo1024(_) => 513..=1_024,
            Table::Product(_) | Table::Long(_) => 1_025..=usize::MAX,
        };
        assert!(sizes.contains(&count), "{count} rules in the table for {sizes:?}");
        let headers = corners(&sample, 5);
        expect(&list, &headers, &scan(&rules, &headers));
    }
}

#[test]
fn batches_of_every_size() {
    for count in [300, 1_500] {
        let rules = list(count);
        let headers = corners(&rules[..150], 1);
        let expected = scan(&rules, &headers);
        let list = AccessList::build(&rules, ENOUGH).unwrap();
        for size in [0, 1, 7, 8, 9, 15, 16, 17, 63, 64, 65, 71, 72, 73, 127, 128, 129, 137] {
            expect(&list, &headers[..size], &expected[..size]);
        }
        for (header, expected) in headers.iter().zip(&expected) {
            assert_eq!(list.first_match(header).unwrap_or(NO_MATCH), *expected);
        }
    }
}

#[test]
fn only_as_much_is_looked_up_as_both_slices_hold() {
    for rules in [list(9), list(1_500)] {
        let list = AccessList::build(&rules, ENOUGH).unwrap();
        let mut found = [7; 20];
        list.first_matches(&[FiveTuple::default(); 13], &mut found);
        assert!(found[..13].iter().all(|rule| *rule != 7) && found[13..] == [7; 7], "{found:?}");
        let mut found = [7; 3];
        list.first_matches(&[FiveTuple::default(); 13], &mut found);
        assert!(found.iter().all(|rule| *rule != 7));
    }
}

#[test]
fn a_table_over_its_budget_is_refused() {
    let one = FiveTupleRule { sources: 1..=2, destination_ports: 80..=80, ..ANY };
    for count in [1, 300, 1_024, 5_000] {
        let rules: Vec<FiveTupleRule> = (0..count).map(|at| FiveTupleRule { destinations: at..=at + 7, ..one.clone() }).collect();
        let memory = AccessList::build(&rules, ENOUGH).unwrap().memory();
        assert!(AccessList::build(&rules, memory).is_ok());
        let refused = BuildError::OverBudget { rules: rules.len(), budget: memory - 1 };
        assert_eq!(AccessList::build(&rules, memory - 1).unwrap_err(), refused);
    }
}
