use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use proptest::prelude::*;

use super::*;

fn prefix() -> impl Strategy<Value = IpNet> {
    let v4 = (prop_oneof![0u32..16, Just(u32::MAX)], prop_oneof![28u8..=32, Just(0)])
        .prop_map(|(bits, length)| IpNet::new(Ipv4Addr::from_bits(bits).into(), length).unwrap().trunc());
    let v6 = (prop_oneof![0u128..16, Just(u128::MAX)], prop_oneof![124u8..=128, Just(0), Just(64)])
        .prop_map(|(bits, length)| IpNet::new(Ipv6Addr::from_bits(bits).into(), length).unwrap().trunc());
    prop_oneof![v4, v6]
}

fn probes() -> impl Iterator<Item = IpAddr> {
    let v4 = (0..20u32).chain(u32::MAX - 20..=u32::MAX).map(|bits| IpAddr::V4(Ipv4Addr::from_bits(bits)));
    v4.chain((0..20u128).chain(u128::MAX - 20..=u128::MAX).map(|bits| IpAddr::V6(Ipv6Addr::from_bits(bits))))
}

/// The sets that hold an address, by its class.
fn holding(classes: &AddressClasses, sets: usize, address: IpAddr) -> Vec<usize> {
    let class = classes.class(address);
    (0..sets).filter(|set| classes.of_set(*set).contains(&class)).collect()
}

proptest! {
    #[test]
    fn a_class_is_in_the_sets_that_hold_its_addresses(lists in prop::collection::vec(prop::collection::vec(prefix(), 0..5), 0..9)) {
        let sets: Vec<PrefixSet> = lists.into_iter().map(PrefixSet::from_prefixes).collect();
        let classes = AddressClasses::new(&sets);
        for address in probes() {
            let expected: Vec<usize> = (0..sets.len()).filter(|set| sets[*set].contains(address)).collect();
            prop_assert_eq!(&holding(&classes, sets.len(), address), &expected, "{}", address);
            prop_assert_eq!(classes.class(address) == 0, expected.is_empty(), "{}", address);
        }
    }

    #[test]
    fn many_addresses_at_once_are_the_same(list in prop::collection::vec(prefix(), 0..9), addresses in prop::collection::vec(0u32..40, 0..50)) {
        let classes = AddressClasses::new(&list.into_iter().map(|prefix| PrefixSet::from_prefixes([prefix])).collect::<Vec<_>>());
        let mut found = vec![0; addresses.len()];
        classes.classes_v4(&addresses, &mut found);
        for (address, class) in addresses.iter().zip(found) {
            prop_assert_eq!(class, classes.class(IpAddr::V4(Ipv4Addr::from_bits(*address))));
        }
    }
}

#[test]
fn more_classes_than_fit_are_told() {
    let set = |bits: u32| vec![(bits, Some(bits + 1))];
    let mut roomy = Classes::within(1 << 12);
    roomy.sweep(0, (1..100).map(set));
    assert_eq!((roomy.count(), roomy.is_over()), (100, false));
    let mut tight = Classes::within(1 << 8);
    tight.sweep(0, (1..100).map(set));
    assert!(tight.is_over() && tight.count() < 50);
}
