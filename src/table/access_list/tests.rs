//! The tables answer as the ordered scan does.

use proptest::prelude::*;

use super::five_tuple::{FiveTuple, FiveTupleRule, MaskedProtocol, ordered_scan};
use super::{AccessList, BuildError};

const ENOUGH: usize = 1 << 28;

fn expect_all(rules: &[FiveTupleRule], headers: &[FiveTuple]) {
    let list = AccessList::build(rules, ENOUGH).unwrap();
    let mut found = vec![0; headers.len()];
    list.first_matches(headers, &mut found);
    for (header, found) in headers.iter().zip(found) {
        let expected = ordered_scan(rules, header).map_or(AccessList::NO_MATCH, |rule| rule as u32);
        assert_eq!(found, expected, "{} rules, {header:?}", rules.len());
        assert_eq!(list.first_match(header).unwrap_or(AccessList::NO_MATCH), expected);
    }
}

/// Numbers around the ends of a field and of the tables' halves.
fn address() -> impl Strategy<Value = u32> {
    prop_oneof![0..6_u32, u32::MAX - 5..=u32::MAX, 0x0000_fffe..=0x0001_0002_u32, 0x7fff_fffe..=0x8000_0002_u32]
}

fn port() -> impl Strategy<Value = u16> {
    prop_oneof![0..4_u16, u16::MAX - 3..=u16::MAX, 254..=257_u16]
}

fn addresses() -> impl Strategy<Value = std::ops::RangeInclusive<u32>> {
    prop_oneof![1 => Just(0..=u32::MAX), 2 => (address(), address()).prop_map(|(a, b)| a..=b), 3 => address().prop_map(|a| a..=a)]
}

fn ports() -> impl Strategy<Value = std::ops::RangeInclusive<u16>> {
    prop_oneof![3 => Just(0..=u16::MAX), 1 => (port(), port()).prop_map(|(a, b)| a..=b), 1 => port().prop_map(|a| a..=a)]
}

prop_compose! {
    fn rule()(
        sources in addresses(), destinations in addresses(), source_ports in ports(), destination_ports in ports(),
        value in prop_oneof![Just(6_u8), Just(17), Just(1), any::<u8>()], mask in prop_oneof![3 => Just(0_u8), 3 => Just(0xff), 1 => any::<u8>()],
    ) -> FiveTupleRule {
        FiveTupleRule { sources, destinations, source_ports, destination_ports, protocol: MaskedProtocol { value, mask } }
    }
}

prop_compose! {
    fn header()(
        source in address(), destination in address(), source_port in port(), destination_port in port(),
        protocol in prop_oneof![Just(6_u8), Just(17), Just(1), any::<u8>()],
    ) -> FiveTuple {
        FiveTuple { source, destination, source_port, destination_port, protocol }
    }
}

proptest! {
    #[test]
    fn few_rules_in_a_small_universe(rules in prop::collection::vec(rule(), 0..24), headers in prop::collection::vec(header(), 0..150)) {
        expect_all(&rules, &headers);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn many_rules_in_a_small_universe(rules in prop::collection::vec(rule(), 1_025..2_600), headers in prop::collection::vec(header(), 300)) {
        expect_all(&rules, &headers);
    }
}

#[test]
fn no_rules_match_nothing() {
    expect_all(&[], &[FiveTuple::default(), FiveTuple { source: u32::MAX, destination: u32::MAX, ..FiveTuple::default() }]);
}

#[test]
fn a_table_over_its_budget_is_refused() {
    let one = FiveTupleRule {
        sources: 1..=2,
        destinations: 0..=9,
        source_ports: 0..=u16::MAX,
        destination_ports: 80..=80,
        protocol: MaskedProtocol::ANY,
    };
    for count in [1, 300, 1_024, 5_000] {
        let rules: Vec<FiveTupleRule> = (0..count).map(|at| FiveTupleRule { destinations: at..=at + 7, ..one.clone() }).collect();
        let memory = AccessList::build(&rules, ENOUGH).unwrap().memory();
        assert!(AccessList::build(&rules, memory).is_ok());
        let refused = BuildError::OverBudget { rules: rules.len(), budget: memory - 1 };
        assert_eq!(AccessList::build(&rules, memory - 1).unwrap_err(), refused);
    }
}
