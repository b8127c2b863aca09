//! Random lists and headers.

use proptest::prelude::*;

use super::*;

/// Numbers around the ends of a field and of the tables' halves.
pub(super) fn address() -> impl Strategy<Value = u32> {
    prop_oneof![0..6_u32, u32::MAX - 5..=u32::MAX, 0x0000_fffe..=0x0001_0002_u32, 0x7fff_fffe..=0x8000_0002_u32]
}

fn port() -> impl Strategy<Value = u16> {
    prop_oneof![0..4_u16, u16::MAX - 3..=u16::MAX, 254..=257_u16]
}

/// All, some (backwards as often as not), or one.
fn addresses() -> impl Strategy<Value = std::ops::RangeInclusive<u32>> {
    prop_oneof![1 => Just(0..=u32::MAX), 2 => (address(), address()).prop_map(|(a, b)| a..=b), 3 => address().prop_map(|a| a..=a)]
}

fn ports() -> impl Strategy<Value = std::ops::RangeInclusive<u16>> {
    prop_oneof![3 => Just(0..=u16::MAX), 1 => (port(), port()).prop_map(|(a, b)| a..=b), 1 => port().prop_map(|a| a..=a)]
}

fn protocol() -> impl Strategy<Value = u8> {
    prop_oneof![Just(6_u8), Just(17), Just(1), any::<u8>()]
}

prop_compose! {
    pub(in super::super) fn rule()(
        sources in addresses(), destinations in addresses(), source_ports in ports(), destination_ports in ports(),
        value in protocol(), mask in prop_oneof![3 => Just(0_u8), 3 => Just(0xff), 1 => any::<u8>()],
    ) -> FiveTupleRule {
        FiveTupleRule { sources, destinations, source_ports, destination_ports, protocol: MaskedProtocol { value, mask } }
    }
}

prop_compose! {
    pub(super) fn header()(
        source in address(), destination in address(), source_port in port(), destination_port in port(), protocol in protocol(),
    ) -> FiveTuple {
        FiveTuple { source, destination, source_port, destination_port, protocol }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn few_rules_in_a_small_universe(rules in prop::collection::vec(rule(), 0..24), headers in prop::collection::vec(header(), 0..150)) {
        expect_all(&rules, &[headers, corners(&rules, 4)].concat());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]

    #[test]
    fn many_rules_in_a_small_universe(rules in prop::collection::vec(rule(), 1_025..2_600), headers in prop::collection::vec(header(), 300)) {
        expect_built(&rules, &headers);
    }
}

#[test]
fn prefixes_and_ports_as_filter_files_have_them() {
    for count in [200, 900, 5_000] {
        let mut dice = Dice(count);
        let rules: Vec<FiveTupleRule> = (0..count).map(|_| dice.rule()).collect();
        let headers = corners(&rules[..count.min(400) as usize], 3);
        expect_built(&rules, &headers);
    }
}
