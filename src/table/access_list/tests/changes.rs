//! Changes to a list of which the effect on its answers is known.

use proptest::prelude::*;

use super::random::{header, rule};
use super::*;

/// Every table's answers.
fn answers(rules: &[FiveTupleRule], headers: &[FiveTuple]) -> Vec<u32> {
    let mut answers = tables(rules).into_iter().map(|list| found(&list, headers));
    let first = answers.next().unwrap();
    answers.for_each(|other| assert_eq!(first, other));
    first
}

/// What rule numbers become when one more rule is put in at a place, whose answers count as those of `means`.
fn without(found: &[u32], place: u32, means: u32) -> Vec<u32> {
    let back = |rule: u32| match rule {
        NO_MATCH => rule,
        _ if rule == place => means,
        _ => rule - u32::from(rule > place),
    };
    found.iter().map(|rule| back(*rule)).collect()
}

/// The rule in two halves, cut in one of its fields.
fn halves(rule: &FiveTupleRule, field: usize) -> [FiveTupleRule; 2] {
    let (mut one, mut other) = (rule.clone(), rule.clone());
    let addresses = |range: &std::ops::RangeInclusive<u32>| {
        let middle = range.start() + (range.end().saturating_sub(*range.start())) / 2;
        // of a range of one address, or none, all goes to the first half
        if range.start() >= range.end() { (range.clone(), NO_ADDRESS) } else { (*range.start()..=middle, middle + 1..=*range.end()) }
    };
    let ports = |range: &std::ops::RangeInclusive<u16>| {
        let middle = range.start() + (range.end().saturating_sub(*range.start())) / 2;
        if range.start() >= range.end() { (range.clone(), NO_PORT) } else { (*range.start()..=middle, middle + 1..=*range.end()) }
    };
    match field {
        0 => (one.sources, other.sources) = addresses(&rule.sources),
        1 => (one.destinations, other.destinations) = addresses(&rule.destinations),
        2 => (one.source_ports, other.source_ports) = ports(&rule.source_ports),
        _ => (one.destination_ports, other.destination_ports) = ports(&rule.destination_ports),
    }
    [one, other]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn lists_change_as_expected(
        rules in prop::collection::vec(rule(), 1..40), headers in prop::collection::vec(header(), 64), at: prop::sample::Index, field in 0..4_usize,
    ) {
        let at = at.index(rules.len());
        let before = answers(&rules, &headers);
        let changed = |change: fn(&mut Vec<FiveTupleRule>, usize)| {
            let mut changed = rules.clone();
            change(&mut changed, at);
            answers(&changed, &headers)
        };
        let twice = changed(|rules, at| rules.insert(at, rules[at].clone()));
        prop_assert_eq!(&without(&twice, at as u32 + 1, u32::MAX - 1), &before, "a rule twice");
        let shadowed = changed(|rules, at| {
            let part = rules[at].clone();
            rules.push(FiveTupleRule { protocol: MaskedProtocol { mask: 0xff, ..part.protocol }, ..part });
        });
        prop_assert_eq!(&shadowed, &before, "a part of a rule behind it");
        let nothing = changed(|rules, at| rules.insert(at, FiveTupleRule { sources: NO_ADDRESS, ..ANY }));
        prop_assert_eq!(&without(&nothing, at as u32, u32::MAX - 1), &before, "a rule that takes nothing");
        let mut cut = rules.clone();
        cut.splice(at..=at, halves(&rules[at], field));
        prop_assert_eq!(&without(&answers(&cut, &headers), at as u32 + 1, at as u32), &before, "a rule in halves");
    }

    /// Rules that have no header in common can stand in any order.
    #[test]
    fn disjoint_rules_in_any_order(rules in prop::collection::vec(rule(), 1..8), headers in prop::collection::vec(header(), 64), turn in 0..40_usize) {
        let part = |rule: &FiveTupleRule, port: u16| FiveTupleRule { source_ports: port..=port, ..rule.clone() };
        let ports = [0, 1, 2, 3, 254, 255, 256, u16::MAX];
        let apart: Vec<FiveTupleRule> = rules.iter().zip(ports).map(|(rule, port)| part(rule, port)).collect();
        let mut turned = apart.clone();
        turned.rotate_left(turn % rules.len());
        let back = |rule: u32| if rule == NO_MATCH { rule } else { (rule + (turn % rules.len()) as u32) % rules.len() as u32 };
        let found: Vec<u32> = answers(&turned, &headers).into_iter().map(back).collect();
        prop_assert_eq!(found, answers(&apart, &headers));
    }
}
