//! What an ordered list of rules does with whole sets of packets, exactly.
//!
//! Each of the five dimensions (protocol, addresses, ports) is divided into classes that no rule tells apart, so that a
//! rule is a product of five sets of classes: a box. Boxes are subtracted from boxes; nothing is sampled.

mod bits;
mod crossings;

use std::hash::Hash;
use std::net::IpAddr;
use std::sync::Arc;

use foldhash::{HashMap, HashMapExt};

use super::ordered_scan::Conditions;
use super::port_set::PortSet;
use super::prefix_set::PrefixSet;
use crate::wire::protocol;
use bits::{Bits, has, members, put};
pub use crossings::Crossings;

/// Most boxes that an answer may fall into before it is given up.
const MOST_BOXES: usize = 4096;
/// How many packets are tried before a rule is taken to be covered.
const TRIES: usize = 48;
/// Protocols whose packets have ports.
const WITH_PORTS: [u8; 2] = [protocol::TCP, protocol::UDP];

/// A box of packets: those whose every side is in the box's set of classes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    /// Protocol, destination port, source port, destination, source: the cheap ones first.
    sides: [Arc<Bits>; 5],
}

/// The boxes of each condition, over classes common to all of them. A condition has none where it holds for nothing,
/// and two where it holds for packets with ports and without.
#[must_use]
pub fn regions(conditions: &[&Conditions]) -> Vec<Vec<Region>> {
    let mut protocols = Sets::new(protocol_ranges);
    let mut ports = Sets::new(port_ranges);
    let (mut sources, mut destinations) = (Sets::new(address_ranges), Sets::new(address_ranges));
    let everything = PortSet::all();
    let all_ports = ports.number(&everything);
    let halves: Vec<(Vec<u8>, Vec<u8>)> = conditions.iter().map(|condition| split(&condition.protocols)).collect();
    let mut drafts = Vec::with_capacity(conditions.len());
    for (condition, (with, without)) in conditions.iter().zip(&halves) {
        let addresses = (destinations.number(&*condition.destinations), sources.number(&*condition.sources));
        let own = (ports.number(&condition.destination_ports), ports.number(&condition.source_ports));
        let portless = condition.source_ports.is_all() && condition.destination_ports.is_all();
        let mut boxes = Vec::with_capacity(2);
        if !with.is_empty() {
            boxes.push([protocols.number(with), own.0, own.1, addresses.0, addresses.1]);
        }
        if portless && !without.is_empty() {
            boxes.push([protocols.number(without), all_ports, all_ports, addresses.0, addresses.1]);
        }
        drafts.push(boxes);
    }
    let (protocols, ports, sources, destinations) = (protocols.classes(), ports.classes(), sources.classes(), destinations.classes());
    let side = |sets: &[Arc<Bits>], number: usize| sets.get(number).map_or_else(|| Arc::new(Bits::new()), Arc::clone);
    let region = |[protocol, to_port, from_port, to, from]: [usize; 5]| Region {
        sides: [side(&protocols, protocol), side(&ports, to_port), side(&ports, from_port), side(&destinations, to), side(&sources, from)],
    };
    drafts.into_iter().map(|boxes| boxes.into_iter().map(region).filter(|region| !region.is_empty()).collect()).collect()
}

/// The part of `wanted` that each rule of an ordered list decides; `None` where it falls into too many boxes.
#[must_use]
pub fn decided(rules: &[Vec<Region>], wanted: &[Region]) -> Option<Vec<Vec<Region>>> {
    let mut rest = wanted.to_vec();
    let mut parts = Vec::with_capacity(rules.len());
    for rule in rules {
        let own = rest.iter().flat_map(|part| rule.iter().filter_map(|region| part.and(region))).collect();
        rest = without(rest, rule)?;
        parts.push(own);
    }
    Some(parts)
}

/// The same for rules and a set of packets as conditions.
#[must_use]
pub fn decided_by(rules: &[Conditions], wanted: &Conditions) -> Option<Vec<Vec<Region>>> {
    // Of each rule only what can be wanted: address sets of thousands of prefixes are most often cut to nothing.
    let clip = |rule: &Conditions| Conditions {
        sources: Arc::new(rule.sources.intersection(&wanted.sources)),
        destinations: Arc::new(rule.destinations.intersection(&wanted.destinations)),
        ..rule.clone()
    };
    let clipped: Vec<Conditions> = rules.iter().map(clip).collect();
    let boxes = regions(&clipped.iter().chain([wanted]).collect::<Vec<_>>());
    let (wanted, rules) = boxes.split_last()?;
    decided(rules, wanted)
}

/// Whether every packet of `inner` is in one of the boxes of `outer`, each box of it within one.
#[must_use]
pub fn within_one(inner: &[Region], outer: &[Region]) -> bool {
    inner.iter().all(|region| outer.iter().any(|other| region.is_within(other)))
}

/// Whether two sets of boxes have a packet in common.
#[must_use]
pub fn meet(one: &[Region], other: &[Region]) -> bool {
    one.iter().any(|region| other.iter().any(|another| region.intersects(another)))
}

/// What is in `from` and in no box of `cut`; `None` where that falls into too many boxes.
#[must_use]
pub fn without(mut from: Vec<Region>, cut: &[Region]) -> Option<Vec<Region>> {
    for region in cut {
        if from.iter().any(|part| part.intersects(region)) {
            from = from.iter().flat_map(|part| part.minus(region)).collect();
        }
        if from.len() > MOST_BOXES {
            return None;
        }
    }
    Some(from)
}

/// Whether every packet of `wanted` is in one of the boxes of `cover`. `None` where that cannot be told with few boxes.
///
/// A packet that is in none is mostly found by trying some; only where none is found is everything subtracted.
#[must_use]
pub fn is_covered(wanted: &[Region], cover: &[&[Region]]) -> Option<bool> {
    let held = |point: &[usize; 5]| cover.iter().any(|boxes| boxes.iter().any(|region| region.holds(point)));
    if wanted.iter().any(|region| region.points(TRIES).iter().any(|point| !held(point))) {
        return Some(false);
    }
    let mut rest = wanted.to_vec();
    for boxes in cover {
        rest = without(rest, boxes)?;
    }
    Some(rest.is_empty())
}

impl Region {
    /// Some of the box's points, a class of each side.
    fn points(&self, count: usize) -> Vec<[usize; 5]> {
        let sides: Vec<Vec<usize>> = self.sides.iter().map(|side| members(side).collect()).collect();
        let pick = |number: usize, side: usize| {
            let draw = usize::try_from(mark(number * 5 + side) & 0xffff_ffff).unwrap_or_default();
            sides.get(side).filter(|list| !list.is_empty()).and_then(|list| list.get(draw % list.len())).copied().unwrap_or_default()
        };
        (0..count).map(|number| std::array::from_fn(|side| pick(number, side))).collect()
    }

    fn holds(&self, point: &[usize; 5]) -> bool {
        self.sides.iter().zip(point).all(|(side, class)| has(side, *class))
    }

    fn is_empty(&self) -> bool {
        self.sides.iter().any(|side| side.iter().all(|word| *word == 0))
    }

    /// Whether a packet is in both.
    #[must_use]
    pub fn intersects(&self, other: &Self) -> bool {
        let common = |one: &Bits, two: &Bits| one.iter().zip(two).any(|(a, b)| a & b != 0);
        self.sides.iter().zip(&other.sides).all(|(one, two)| common(one, two))
    }

    /// Whether every packet of this box is in `other`.
    #[must_use]
    pub fn is_within(&self, other: &Self) -> bool {
        let subset = |one: &Bits, two: &Bits| one.iter().zip(two).all(|(a, b)| a & !b == 0);
        self.sides.iter().zip(&other.sides).all(|(one, two)| Arc::ptr_eq(one, two) || subset(one, two))
    }

    /// What is in both.
    #[must_use]
    pub fn and(&self, other: &Self) -> Option<Self> {
        if !self.intersects(other) {
            return None;
        }
        let mut common = self.clone();
        for (side, cut) in common.sides.iter_mut().zip(&other.sides) {
            *side = Arc::new(side.iter().zip(cut.iter()).map(|(a, b)| a & b).collect());
        }
        Some(common)
    }

    /// What is in this box and not in `other`: one box at most for each side.
    fn minus(&self, other: &Self) -> Vec<Self> {
        if !self.intersects(other) {
            return vec![self.clone()];
        }
        let mut inner = self.clone();
        let mut rest = Vec::new();
        for (index, cut) in other.sides.iter().enumerate() {
            let Some(side) = inner.sides.get(index).map(Arc::clone) else { continue };
            let outside: Bits = side.iter().zip(cut.iter()).map(|(a, b)| a & !b).collect();
            let common: Bits = side.iter().zip(cut.iter()).map(|(a, b)| a & b).collect();
            if outside.iter().any(|word| *word != 0) {
                let mut part = inner.clone();
                if let Some(place) = part.sides.get_mut(index) {
                    *place = Arc::new(outside);
                }
                rest.push(part);
            }
            if let Some(place) = inner.sides.get_mut(index) {
                *place = Arc::new(common);
            }
        }
        rest
    }
}

/// The protocols of a condition that have ports, and those that have none.
fn split(protocols: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let mut named: Vec<u8> = if protocols.is_empty() { (0..=u8::MAX).collect() } else { protocols.to_vec() };
    named.sort_unstable();
    named.dedup();
    named.into_iter().partition(|protocol| WITH_PORTS.contains(protocol))
}

/// A value of any dimension, by family (0: a number, 4, 6), so that one order holds for all.
type Key = (u8, u128);

/// Distinct sets of one dimension, as half-open ranges.
struct Sets<'a, T: Hash + Eq + ?Sized> {
    ranges: fn(&T) -> Vec<(Key, Key)>,
    numbers: HashMap<&'a T, usize>,
    sets: Vec<Vec<(Key, Key)>>,
}

impl<'a, T: Hash + Eq + ?Sized> Sets<'a, T> {
    fn new(ranges: fn(&T) -> Vec<(Key, Key)>) -> Self {
        Self { ranges, numbers: HashMap::new(), sets: Vec::new() }
    }

    fn number(&mut self, set: &'a T) -> usize {
        let (sets, ranges) = (&mut self.sets, self.ranges);
        *self.numbers.entry(set).or_insert_with(|| {
            sets.push(ranges(set));
            sets.len() - 1
        })
    }

    /// Each set as the classes of values that no set tells apart.
    fn classes(&self) -> Vec<Arc<Bits>> {
        let mut bounds: Vec<Key> = self.sets.iter().flatten().flat_map(|(start, end)| [*start, *end]).collect();
        bounds.sort_unstable();
        bounds.dedup();
        let at = |key: &Key| bounds.partition_point(|bound| bound < key);
        // Which sets hold the stretch from a bound to the next, as a sum that differs where the sets do.
        let mut marks = vec![0u128; bounds.len() + 1];
        for (number, set) in self.sets.iter().enumerate() {
            let mark = mark(number);
            for (start, end) in set {
                for bound in [at(start), at(end)] {
                    if let Some(place) = marks.get_mut(bound) {
                        *place ^= mark;
                    }
                }
            }
        }
        let mut classes: HashMap<u128, usize> = HashMap::new();
        let mut sum = 0;
        let class_of: Vec<usize> = marks
            .iter()
            .map(|mark| {
                sum ^= mark;
                let next = classes.len();
                *classes.entry(sum).or_insert(next)
            })
            .collect();
        let words = classes.len().div_ceil(64);
        let bits = |set: &Vec<(Key, Key)>| {
            let mut bits = vec![0u64; words];
            for (start, end) in set {
                class_of.get(at(start)..at(end)).unwrap_or_default().iter().for_each(|class| put(&mut bits, *class));
            }
            Arc::new(bits)
        };
        self.sets.iter().map(bits).collect()
    }
}

/// 128 bits that look random, for a number (the finaliser of SplitMix64, twice).
fn mark(number: usize) -> u128 {
    let mix = |seed: u64| {
        let mut word = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    };
    let number = number as u64;
    (u128::from(mix(number.wrapping_mul(2))) << 64) | u128::from(mix(number.wrapping_mul(2).wrapping_add(1)))
}

fn protocol_ranges(protocols: &[u8]) -> Vec<(Key, Key)> {
    protocols.iter().map(|protocol| ((0, u128::from(*protocol)), (0, u128::from(*protocol) + 1))).collect()
}

fn port_ranges(ports: &PortSet) -> Vec<(Key, Key)> {
    ports.ranges().iter().map(|range| ((0, u128::from(*range.start())), (0, u128::from(*range.end()) + 1))).collect()
}

fn address_ranges(addresses: &PrefixSet) -> Vec<(Key, Key)> {
    let key = |address: IpAddr| match address {
        IpAddr::V4(address) => (4, u128::from(address.to_bits())),
        IpAddr::V6(address) => (6, address.to_bits()),
    };
    // Behind the last address of a family the next one begins.
    let after = |(family, value): Key| value.checked_add(1).map_or((family + 1, 0), |value| (family, value));
    addresses.ranges().map(|(first, last)| (key(first), after(key(last)))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::ordered_scan::Header;
    use ipnet::IpNet;
    use proptest::prelude::*;
    use std::net::Ipv4Addr;

    const PROTOCOLS: [u8; 4] = [6, 17, 1, 50];
    /// One that no generated rule names.
    const BEYOND: u8 = 51;

    fn condition() -> impl Strategy<Value = Conditions> {
        let prefixes = || {
            let prefix = (0u32..4, prop_oneof![30u8..=32, Just(0)])
                .prop_map(|(bits, length)| IpNet::new(Ipv4Addr::from_bits(bits).into(), length).unwrap().trunc());
            prop::collection::vec(prefix, 0..3).prop_map(|list| Arc::new(PrefixSet::from_prefixes(list)))
        };
        let ports = || {
            prop_oneof![
                Just(PortSet::all()),
                prop::collection::vec((0u16..4, 0u16..4), 0..3).prop_map(|list| PortSet::from_ranges(list.into_iter().map(|(a, b)| a..=b)))
            ]
        };
        let protocols = prop::sample::subsequence(PROTOCOLS.to_vec(), 0..=2);
        (protocols, prefixes(), ports(), prefixes(), ports()).prop_map(
            |(protocols, sources, source_ports, destinations, destination_ports)| Conditions {
                protocols,
                sources,
                source_ports,
                destinations,
                destination_ports,
            },
        )
    }

    /// Every packet of a tiny universe, and one beyond each of its edges.
    fn universe() -> Vec<Header> {
        let addresses = || (0..5u32).map(|bits| IpAddr::from(Ipv4Addr::from_bits(bits)));
        let mut headers = Vec::new();
        for (source, destination) in addresses().flat_map(|source| addresses().map(move |destination| (source, destination))) {
            for protocol in PROTOCOLS.into_iter().chain([BEYOND]) {
                let ports: Vec<Option<(u16, u16)>> = if WITH_PORTS.contains(&protocol) {
                    (0..5).flat_map(|from| (0..5).map(move |to| Some((from, to)))).collect()
                } else {
                    vec![None]
                };
                headers.extend(ports.into_iter().map(|ports| Header { source, destination, protocol, ports }));
            }
        }
        headers
    }

    /// Whether no packet of the universe that `inner` holds for escapes all of `outer`. Sets in the universe are cut at
    /// its edges, so what holds in it holds everywhere.
    fn covered(inner: &Conditions, outer: &[Conditions]) -> bool {
        universe().iter().filter(|header| inner.hold(header)).all(|header| outer.iter().any(|rule| rule.hold(header)))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn what_is_left_of_a_rule_is_what_brute_force_leaves(rules in prop::collection::vec(condition(), 1..6)) {
            let all: Vec<&Conditions> = rules.iter().collect();
            let boxes = regions(&all);
            let (last, earlier) = rules.split_last().unwrap();
            let (last_boxes, earlier_boxes) = boxes.split_last().unwrap();
            let mut rest = Some(last_boxes.clone());
            for cut in earlier_boxes {
                rest = rest.and_then(|rest| without(rest, cut));
            }
            prop_assert_eq!(rest.unwrap().is_empty(), covered(last, earlier));
            let cover: Vec<&[Region]> = earlier_boxes.iter().map(Vec::as_slice).collect();
            prop_assert_eq!(is_covered(last_boxes, &cover), Some(covered(last, earlier)));
            for (rule, cut) in earlier.iter().zip(earlier_boxes) {
                prop_assert!(!within_one(last_boxes, cut) || covered(last, std::slice::from_ref(rule)));
                let meets = universe().iter().any(|header| rule.hold(header) && last.hold(header));
                prop_assert_eq!(meet(last_boxes, cut), meets);
            }
        }

        #[test]
        fn rules_that_cross_are_those_that_meet_when_each_is_compared_with_each(rules in prop::collection::vec(condition(), 1..90)) {
            let boxes = regions(&rules.iter().collect::<Vec<_>>());
            let crossings = Crossings::new(&boxes);
            for (index, wanted) in boxes.iter().enumerate() {
                let plain: Vec<usize> = (0..index).filter(|earlier| meet(wanted, &boxes[*earlier])).collect();
                prop_assert_eq!(crossings.before(index), plain, "rule {}", index);
            }
        }

        #[test]
        fn a_rule_decides_something_where_it_is_some_packets_first(rules in prop::collection::vec(condition(), 1..6), wanted in condition()) {
            let all: Vec<&Conditions> = rules.iter().chain([&wanted]).collect();
            let boxes = regions(&all);
            let (last, lists) = boxes.split_last().unwrap();
            let parts = decided(lists, last).unwrap();
            for (index, part) in parts.iter().enumerate() {
                let first = |header: &Header| rules.iter().position(|rule| rule.hold(header));
                let brute = universe().iter().any(|header| wanted.hold(header) && first(header) == Some(index));
                prop_assert_eq!(!part.is_empty(), brute, "rule {}", index);
            }
        }
    }
}
