use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use proptest::prelude::*;

use super::*;
use crate::table::ordered_scan::{Conditions, OrderedScan};
use crate::table::port_set::PortSet;
use crate::table::prefix_set::PrefixSet;

const BUDGET: usize = 1 << 26;
const PROTOCOLS: [u8; 4] = [6, 17, 1, 50];

/// A rule by the numbers of its sets, so that rules share sets as they do in networks.
type Plain = (Vec<u8>, usize, PortSet, usize, PortSet);

/// Rules, all sets that they may name, and how many of these are shared between tables.
#[derive(Clone, Debug)]
struct List {
    rules: Vec<Conditions>,
    shared: Vec<Arc<PrefixSet>>,
}

impl List {
    fn of(rules: &[Plain], sets: &[Arc<PrefixSet>], shared: usize) -> Self {
        let set = |number: usize| Arc::clone(&sets[number % sets.len()]);
        let conditions = |(protocols, from, source_ports, to, destination_ports): &Plain| Conditions {
            protocols: protocols.clone(),
            sources: set(*from),
            source_ports: source_ports.clone(),
            destinations: set(*to),
            destination_ports: destination_ports.clone(),
        };
        Self { rules: rules.iter().map(conditions).collect(), shared: sets[..shared.min(sets.len())].to_vec() }
    }

    /// What the table answers and what the ordered scan does, which must be one.
    fn check(&self, headers: impl Iterator<Item = Header>) -> Result<(), TestCaseError> {
        let classes = AddressClasses::new(&self.shared.iter().map(|set| (**set).clone()).collect::<Vec<_>>());
        let number = |set: &Arc<PrefixSet>| self.shared.iter().position(|known| Arc::ptr_eq(known, set));
        let shared = SharedSets { classes: Some(&classes), number: &number };
        let table = RuleTable::build(&self.rules, shared, BUDGET).unwrap();
        let alone = RuleTable::build(&self.rules, none_shared(), BUDGET).unwrap();
        let scan = OrderedScan::new(self.rules.clone());
        let unknown = AddressClasses::default();
        for header in headers {
            let expected = scan.first_match(&header);
            prop_assert_eq!(table.first_match(&header, &Classified::new(&classes)), expected, "{:?}", header);
            prop_assert_eq!(alone.first_match(&header, &Classified::new(&unknown)), expected, "{:?} without shared sets", header);
        }
        Ok(())
    }
}

fn v4(bits: u32) -> IpAddr {
    Ipv4Addr::from_bits(bits).into()
}

fn v6(bits: u128) -> IpAddr {
    Ipv6Addr::from_bits(bits).into()
}

fn set() -> impl Strategy<Value = Arc<PrefixSet>> {
    let narrow = (0u32..4, 30u8..=32).prop_map(|(bits, length)| IpNet::new(v4(bits), length).unwrap().trunc());
    let wide = (0u128..4, 126u8..=128).prop_map(|(bits, length)| IpNet::new(v6(bits), length).unwrap().trunc());
    let ends = prop::sample::select(vec!["0.0.0.0/0", "::/0", "255.255.255.254/31", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127"]);
    let ends = ends.prop_map(|text| text.parse::<IpNet>().unwrap());
    let prefixes = prop::collection::vec(prop_oneof![4 => narrow, 2 => wide, 1 => ends], 0..4);
    prefixes.prop_map(|prefixes| Arc::new(PrefixSet::from_prefixes(prefixes)))
}

fn ports() -> impl Strategy<Value = PortSet> {
    let few = prop::collection::vec((0u16..4, 0u16..4), 0..3);
    prop_oneof![Just(PortSet::all()), few.prop_map(|list| PortSet::from_ranges(list.into_iter().map(|(a, b)| a..=b)))]
}

fn rule() -> impl Strategy<Value = Plain> {
    (prop::sample::subsequence(PROTOCOLS.to_vec(), 0..=2), 0usize..6, ports(), 0usize..6, ports())
}

fn list(rules: std::ops::Range<usize>) -> impl Strategy<Value = List> {
    let sets = prop::collection::vec(set(), 1..6);
    (prop::collection::vec(rule(), rules), sets, 0usize..6).prop_map(|(rules, sets, shared)| List::of(&rules, &sets, shared))
}

/// Every header of a tiny universe, one address beyond its edge, and the ends of the space.
fn universe() -> impl Iterator<Item = Header> {
    let low: Vec<IpAddr> = (0..5).map(v4).chain([v4(u32::MAX)]).collect();
    let high: Vec<IpAddr> = (0..5).map(v6).chain([v6(u128::MAX)]).collect();
    let pairs = [low, high].into_iter().flat_map(|family| {
        let other = family.clone();
        family.into_iter().flat_map(move |source| other.clone().into_iter().map(move |destination| (source, destination)))
    });
    pairs.flat_map(|(source, destination)| {
        let with = [(6u8, (0u16, 0u16)), (6, (1, 3)), (17, (3, 1)), (17, (4, u16::MAX)), (6, (u16::MAX, 4))];
        let with = with.into_iter().map(move |(protocol, ports)| Header { source, destination, protocol, ports: Some(ports) });
        with.chain([1, 50, 255, 6].map(|protocol| Header { source, destination, protocol, ports: None }))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn the_same_rule_as_by_the_ordered_scan_over_every_header(list in list(0..9)) {
        list.check(universe())?;
    }

    #[test]
    fn long_lists_of_rules_that_hold_here_and_there(list in list(60..200)) {
        list.check(universe())?;
    }

    #[test]
    fn what_does_not_change_the_meaning_does_not_change_the_rule(list in list(1..80), at in any::<prop::sample::Index>()) {
        let at = at.index(list.rules.len());
        let plain = RuleTable::build(&list.rules, none_shared(), BUDGET).unwrap();
        let unknown = AddressClasses::default();
        // A copy behind a rule is never reached.
        let mut shadowed = list.rules.clone();
        shadowed.insert(at + 1, shadowed[at].clone());
        let shadowed = RuleTable::build(&shadowed, none_shared(), BUDGET).unwrap();
        // A rule is the same as its two halves, one after the other.
        let (mut low, mut high) = (list.rules[at].clone(), list.rules[at].clone());
        let half = PrefixSet::from_prefixes(["0.0.0.2/31", "::2/127"].map(|text| text.parse::<IpNet>().unwrap()));
        high.sources = Arc::new(high.sources.intersection(&half));
        low.sources = Arc::new(low.sources.difference(&half));
        let mut split = list.rules.clone();
        split.splice(at..=at, [high, low]);
        let split = RuleTable::build(&split, none_shared(), BUDGET).unwrap();
        for header in universe() {
            let classified = Classified::new(&unknown);
            let expected = plain.first_match(&header, &classified);
            let moved = expected.map(|found| if found > at { found + 1 } else { found });
            prop_assert_eq!(shadowed.first_match(&header, &classified), moved, "{:?}", header);
            let found = split.first_match(&header, &classified).map(|found| if found > at { found - 1 } else { found });
            prop_assert_eq!(found, expected, "{:?}", header);
        }
    }

    #[test]
    fn rules_that_no_packet_meets_both_of_may_change_places(list in list(2..80), at in any::<prop::sample::Index>()) {
        let at = at.index(list.rules.len() - 1);
        let mut rules = list.rules;
        let first = PrefixSet::clone(&rules[at].destinations);
        rules[at + 1].destinations = Arc::new(rules[at + 1].destinations.difference(&first));
        let table = RuleTable::build(&rules, none_shared(), BUDGET).unwrap();
        rules.swap(at, at + 1);
        let swapped = RuleTable::build(&rules, none_shared(), BUDGET).unwrap();
        let unknown = AddressClasses::default();
        for header in universe() {
            let classified = Classified::new(&unknown);
            let place = |found| if found == at { at + 1 } else if found == at + 1 { at } else { found };
            prop_assert_eq!(swapped.first_match(&header, &classified), table.first_match(&header, &classified).map(place), "{:?}", header);
        }
    }
}

/// A list of distinct rules: a rule is met by what is in its prefix, goes to its ports, and meets no earlier one.
fn distinct(count: u32) -> Vec<Conditions> {
    let any = Arc::new(PrefixSet::all());
    let rule = |number: u32| Conditions {
        protocols: if number.is_multiple_of(3) { vec![6] } else { Vec::new() },
        sources: if number.is_multiple_of(5) { Arc::clone(&any) } else { prefix(v4(0x0a00_0000 + number * 4), 30) },
        source_ports: PortSet::all(),
        destinations: if number.is_multiple_of(2) {
            prefix(v4(0xc0a8_0000 + number / 7), 32)
        } else {
            prefix(v6(u128::from(number) << 64), 64)
        },
        destination_ports: PortSet::from_ranges([(number % 5000) as u16..=(number % 5000 + 9) as u16]),
    };
    (0..count).map(rule).collect()
}

fn prefix(address: IpAddr, length: u8) -> Arc<PrefixSet> {
    Arc::new(PrefixSet::from_prefixes([IpNet::new(address, length).unwrap()]))
}

#[test]
fn sizes_around_words_and_summaries() {
    for count in [1_u32, 2, 63, 64, 65, 511, 512, 513, 575, 576, 577, 1023, 1024, 1025, 4095, 4096, 4097] {
        let rules = distinct(count);
        let table = RuleTable::build(&rules, none_shared(), BUDGET).unwrap();
        let scan = OrderedScan::new(rules);
        let unknown = AddressClasses::default();
        let (mut random, mut hits) = (0x9e37_79b9_u32, 0);
        for round in 0..600 {
            random = random.wrapping_mul(0x0019_660d).wrapping_add(0x3c6e_f35f);
            // Both ends of the list are always asked about.
            let number = [0, count - 1, count.saturating_sub(2), random % count].get(round % 40).copied().unwrap_or(random % count);
            let edge = u32::from(random.is_multiple_of(7));
            let source = v4((0x0a00_0000 + number * 4 + 4 * edge).wrapping_sub(random >> 29 & 1));
            let to_v4 = number.is_multiple_of(2);
            let destination = if to_v4 { v4(0xc0a8_0000 + number / 7 + edge) } else { v6((u128::from(number) << 64) + u128::from(random)) };
            let ports = Some((random as u16, ((number % 5000) as u16).wrapping_add(random as u16 % 11)));
            let header = Header { source, destination, protocol: if random & 1 == 0 { 6 } else { 17 }, ports };
            let expected = scan.first_match(&header);
            hits += usize::from(expected.is_some());
            assert_eq!(table.first_match(&header, &Classified::new(&unknown)), expected, "{header:?} of {count}");
        }
        assert!(hits > 20, "{hits} hits of {count} rules");
    }
}

#[test]
fn a_table_that_would_take_too_much_memory_is_refused() {
    assert_eq!(RuleTable::build(&distinct(4096), none_shared(), 100_000).unwrap_err(), OverBudget { budget: 100_000 });
    assert!(RuleTable::build(&distinct(4096), none_shared(), BUDGET).unwrap().memory() < BUDGET);
}

#[test]
fn classes_are_looked_up_again_where_the_address_is_another() {
    let sets = [prefix(v4(1), 32), prefix(v4(2), 32)];
    let classes = AddressClasses::new(&sets.clone().map(|set| PrefixSet::clone(&set)));
    let number = |set: &Arc<PrefixSet>| sets.iter().position(|known| Arc::ptr_eq(known, set));
    let any = Arc::new(PrefixSet::all());
    let rule = |sources: &Arc<PrefixSet>| Conditions {
        protocols: Vec::new(),
        sources: Arc::clone(sources),
        source_ports: PortSet::all(),
        destinations: Arc::clone(&any),
        destination_ports: PortSet::all(),
    };
    let table =
        RuleTable::build(&[rule(&sets[0]), rule(&sets[1])], SharedSets { classes: Some(&classes), number: &number }, BUDGET).unwrap();
    let classified = Classified::new(&classes);
    let asked = |source| table.first_match(&Header { source, destination: v4(9), protocol: 1, ports: None }, &classified);
    assert_eq!([asked(v4(1)), asked(v4(2)), asked(v4(1)), asked(v4(3)), asked(v6(1))], [Some(0), Some(1), Some(0), None, None]);
}
