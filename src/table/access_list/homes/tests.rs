//! Where rules live, and which of them are left out.

use proptest::prelude::*;

use super::super::AccessList;
use super::super::five_tuple::{FiveTuple, FiveTupleRule, MaskedProtocol, ordered_scan};
use super::super::tests::random::rule;
use super::super::tests::{ANY, Dice, NO_ADDRESS, NO_PORT};
use super::super::wide::Classes;
use super::anywhere::{Anywhere, Rest, Uncovered};
use super::assign::{self, LONGEST};
use super::home::Home;
use super::listed::Listed;
use super::shadow::Lit;
use super::side::Side;
use crate::table::simd::{Lanes, Work, every_way};

const HOMES: [Home; 3] = [Home::Source, Home::Destination, Home::Port];

/// Whether a rule takes all that another one takes, but for what finds the list.
fn takes_all(one: &FiveTupleRule, other: &FiveTupleRule, home: Home) -> bool {
    let (within, of) = (home.opposite().own(one), home.opposite().own(other));
    let protocols = (0..=u8::MAX).all(|number| !other.protocol.matches(number) || one.protocol.matches(number));
    let ports = [(&one.source_ports, &other.source_ports), (&one.destination_ports, &other.destination_ports)];
    within.0 <= of.0
        && of.1 <= within.1
        && protocols
        && ports.iter().all(|(one, other)| one.start() <= other.start() && other.end() <= one.end())
}

/// Which of the rules are not in the shadow of those before them.
#[derive(Clone, Copy)]
struct LitOf<'a>(&'a [FiveTupleRule], Home);

impl Work for LitOf<'_> {
    type Output = Vec<u32>;

    fn run(self, lanes: impl Lanes) -> Vec<u32> {
        let mut lit = Lit::new(self.0, self.1);
        for number in 0..self.0.len() as u32 {
            if !lit.covers(lanes, number) {
                lit.add(number);
            }
        }
        lit.numbers
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn rules_in_the_shadow_of_earlier_ones_are_left_out(rules in prop::collection::vec(rule(), 0..40)) {
        let rules: Vec<FiveTupleRule> = rules.into_iter().filter(|rule| !rule.is_empty()).collect();
        for home in HOMES {
            let mut expected: Vec<u32> = Vec::new();
            for (number, rule) in (0..).zip(&rules) {
                if !expected.iter().any(|lit| takes_all(&rules[*lit as usize], rule, home)) {
                    expected.push(number);
                }
            }
            for found in every_way(LitOf(&rules, home)) {
                prop_assert_eq!(&found, &expected);
            }
        }
    }

    /// What is listed or left over answers as all rules that live here do.
    #[test]
    fn listed_rules_answer_as_all_do(rules in prop::collection::vec(rule(), 1..60), ports in prop::collection::vec(any::<(u16, u16)>(), 10)) {
        let at_home: Vec<u32> = (0..).zip(&rules).filter(|(_, rule)| !rule.is_empty()).map(|(number, _)| number).collect();
        for home in HOMES {
            let listed = Listed::new(&rules, &at_home, home);
            for (rule, (source_port, destination_port)) in rules.iter().zip(ports.iter().cycle()) {
                let header = FiveTuple {
                    source: *rule.sources.end(),
                    destination: *rule.destinations.start(),
                    source_port: *source_port,
                    destination_port: *destination_port,
                    protocol: rule.protocol.value,
                };
                let own = match home {
                    Home::Source => header.source,
                    Home::Destination => header.destination,
                    Home::Port => header.destination_port.into(),
                };
                let interval = listed.starts.partition_point(|start| *start <= own) - 1;
                let list = listed.list(listed.list_at[interval]);
                let found = list.iter().find(|rule| rules[**rule as usize].matches(&header)).map(|rule| *rule as usize);
                // at home with ports are rules without addresses only
                if home != Home::Port {
                    prop_assert_eq!(found, ordered_scan(&rules, &header));
                }
                let is_here = |rule: &u32| {
                    let (low, high) = home.own(&rules[*rule as usize]);
                    (low..=high).contains(&own)
                };
                prop_assert!(list.iter().all(is_here));
            }
        }
    }
}

/// Rules for one pair of addresses that differ in their source ports.
fn pile(count: u16) -> impl Iterator<Item = FiveTupleRule> {
    (0..count).map(|at| FiveTupleRule { sources: 5..=5, destinations: 9..=9, source_ports: at..=at, ..ANY })
}

#[test]
fn lists_that_are_full_leave_rules_over() {
    let rules: Vec<FiveTupleRule> = pile(LONGEST + 3).chain([ANY]).collect();
    let at_home: Vec<u32> = (0..rules.len() as u32 - 1).collect();
    let listed = Listed::new(&rules, &at_home, Home::Source);
    let longest = listed.lists().map(<[u32]>::len).max();
    assert_eq!(longest, Some(usize::from(LONGEST)));
    assert_eq!(listed.left_over, (u32::from(LONGEST)..u32::from(LONGEST) + 3).collect::<Vec<u32>>());
}

/// Every live rule is in one place.
#[test]
fn rules_are_assigned_once() {
    let mut dice = Dice(3);
    let mut rules: Vec<FiveTupleRule> = (0..300).map(|_| dice.rule()).collect();
    rules.extend(pile(1_500));
    rules.push(FiveTupleRule { sources: 0..=u32::MAX - 1, ..ANY });
    let live: Vec<u32> = (0..rules.len() as u32).collect();
    let assignment = assign::assign(&rules, &live, 0);
    let [from, to] = &assignment.at_home;
    let mut all: Vec<u32> = [&**from, to, &assignment.wide].concat();
    all.sort_unstable();
    assert_eq!(all, live);
    assert!([from, to, &assignment.wide].iter().all(|rules| rules.is_sorted()));
    let piled = |list: &[u32]| list.iter().filter(|rule| (300..1_800).contains(*rule)).count();
    assert_eq!(piled(from) + piled(to) + piled(&assignment.wide), 1_500);
    assert!(piled(&assignment.wide) > 0, "more than may live in one place");
}

#[test]
fn rules_behind_one_for_any_address_are_not_live() {
    let tcp = FiveTupleRule { protocol: MaskedProtocol::exactly(6), ..ANY };
    let server = |rule: &FiveTupleRule| FiveTupleRule { destinations: 7..=8, ..rule.clone() };
    let web = FiveTupleRule { destination_ports: 80..=80, ..tcp.clone() };
    let rules = [
        server(&web),
        web.clone(),
        server(&web),
        server(&tcp),
        FiveTupleRule { destination_ports: 80..=81, ..server(&tcp) },
        FiveTupleRule { protocol: MaskedProtocol::ANY, ..server(&web) },
        FiveTupleRule { source_ports: 1..=9, ..server(&web) },
        FiveTupleRule { source_ports: 1..=9, ..web },
        FiveTupleRule { sources: NO_ADDRESS, ..ANY },
        FiveTupleRule { destination_ports: NO_PORT, ..ANY },
        tcp.clone(),
        server(&tcp),
    ];
    let (anywhere, Rest { live, wide }) = Anywhere::new(&rules);
    assert_eq!(live, [0, 3, 4, 5], "2, 6 and 11 are hidden, 7 as well");
    assert!(wide.is_empty());
    let header = FiveTuple { destination_port: 80, protocol: 6, ..FiveTuple::default() };
    let mut matches = [AccessList::NO_MATCH, AccessList::NO_MATCH, 0];
    let other = FiveTuple { destination_port: 81, ..header };
    crate::table::simd::run(Improve { anywhere: &anywhere, headers: &[header, other, header], matches: &mut matches });
    assert_eq!(matches, [1, 10, 0]);
}

/// Ranges that no other covers, each over half of the ports: some are listed, for the others it would take too long.
#[test]
fn what_ports_have_no_room_for_is_wide() {
    let range = |at: u16| FiveTupleRule { destination_ports: at..=at + 32_000, source_ports: at..=at, ..ANY };
    let rules: Vec<FiveTupleRule> = (0..1_500).map(range).collect();
    let (_, Rest { live, wide }) = Anywhere::new(&rules);
    assert!(live.is_empty());
    // each begins and ends alone: a list would have them all
    assert!((1_500 - 520..1_500).contains(&wide.len()), "{} wide", wide.len());
}

/// All that many rules for one port have in common with one for several is looked at before lists are made.
#[test]
fn rules_for_anywhere_that_one_for_more_ports_covers_are_left_out_early() {
    let several = FiveTupleRule { destination_ports: 80..=81, ..ANY };
    let one = |at: u16| FiveTupleRule { destination_ports: 80..=80, source_ports: at..=at, ..ANY };
    let rules: Vec<FiveTupleRule> = [several].into_iter().chain((0..300).map(one)).collect();
    let numbers = (0..rules.len() as u32).collect();
    assert_eq!(crate::table::simd::run(Uncovered { rules: &rules, numbers }), [0]);
}

#[test]
fn a_side_that_takes_too_much_memory_is_given_up() {
    let rules: Vec<FiveTupleRule> = (0..1_000).map(|at| FiveTupleRule { sources: 2 * at..=2 * at, ..ANY }).collect();
    let listed = Listed::new(&rules, &(0..1_000).collect::<Vec<u32>>(), Home::Source);
    let side = |budget| Side::new(&rules, &listed, Home::Source, &Classes::one(), budget);
    assert!(side(64 * 1_001).is_some());
    assert!(side(64 * 1_000).is_none(), "a record for each rule and one for what is between them");
}

struct Improve<'a> {
    anywhere: &'a Anywhere,
    headers: &'a [FiveTuple; 3],
    matches: &'a mut [u32; 3],
}

impl Work for Improve<'_> {
    type Output = ();

    fn run(self, lanes: impl Lanes) {
        self.anywhere.improve(lanes, self.headers, self.matches);
    }
}
