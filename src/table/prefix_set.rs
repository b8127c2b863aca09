//! Sets of addresses, written as prefixes or ranges, that answer "is it in?".

use std::borrow::Borrow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::RangeInclusive;

use ipnet::IpNet;

/// An immutable set of IPv4 and IPv6 addresses. Answers by binary search over disjoint ranges.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PrefixSet {
    v4: Vec<RangeInclusive<u32>>,
    v6: Vec<RangeInclusive<u128>>,
}

impl PrefixSet {
    /// Every address of both families.
    #[must_use]
    pub fn all() -> Self {
        Self { v4: vec![0..=u32::MAX], v6: vec![0..=u128::MAX] }
    }

    /// The addresses that any of `prefixes` covers.
    pub fn from_prefixes(prefixes: impl IntoIterator<Item = IpNet>) -> Self {
        let mut set = Self::default();
        for prefix in prefixes {
            set.push(prefix.network(), prefix.broadcast());
        }
        set.normalise();
        set
    }

    /// The addresses in any of `ranges` of IPv4 addresses; a backwards range is empty.
    pub fn from_ranges(ranges: impl IntoIterator<Item = RangeInclusive<Ipv4Addr>>) -> Self {
        let mut set = Self::default();
        for range in ranges {
            set.push(IpAddr::V4(*range.start()), IpAddr::V4(*range.end()));
        }
        set.normalise();
        set
    }

    /// What is in any of `sets`.
    pub fn union_of(sets: impl IntoIterator<Item = impl Borrow<Self>>) -> Self {
        let mut all = Self::default();
        for set in sets {
            all.v4.extend_from_slice(&set.borrow().v4);
            all.v6.extend_from_slice(&set.borrow().v6);
        }
        all.normalise();
        all
    }

    /// What is in this set and in `other`.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        Self { v4: common(&self.v4, &other.v4), v6: common(&self.v6, &other.v6) }
    }

    /// What is in this set and not in `other`.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        Self {
            v4: subtract(&self.v4, &other.v4, u32::checked_add, u32::checked_sub),
            v6: subtract(&self.v6, &other.v6, u128::checked_add, u128::checked_sub),
        }
    }

    /// Whether `address` is in the set.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(address) => covers(&self.v4, address.to_bits()),
            IpAddr::V6(address) => covers(&self.v6, address.to_bits()),
        }
    }

    /// Whether no address is in the set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.v4.is_empty() && self.v6.is_empty()
    }

    /// First and last address of each of the set's disjoint ranges, IPv4 first, ascending.
    pub fn ranges(&self) -> impl Iterator<Item = (IpAddr, IpAddr)> {
        let v4 = self.v4.iter().map(|range| (Ipv4Addr::from_bits(*range.start()).into(), Ipv4Addr::from_bits(*range.end()).into()));
        let v6 = self.v6.iter().map(|range| (Ipv6Addr::from_bits(*range.start()).into(), Ipv6Addr::from_bits(*range.end()).into()));
        v4.chain(v6)
    }

    /// The IPv4 ranges: first address, and the one behind the last.
    pub(super) fn v4_ranges(&self) -> Vec<(u32, Option<u32>)> {
        self.v4.iter().map(|range| (*range.start(), range.end().checked_add(1))).collect()
    }

    /// The IPv6 ranges: first address, and the one behind the last.
    pub(super) fn v6_ranges(&self) -> Vec<(u128, Option<u128>)> {
        self.v6.iter().map(|range| (*range.start(), range.end().checked_add(1))).collect()
    }

    /// What tells most sets apart at a glance: how many ranges of each family, and where the first and the last ones begin.
    #[must_use]
    pub fn outline(&self) -> impl std::hash::Hash + use<> {
        let v4 = [self.v4.first(), self.v4.last()].map(|range| range.map(|range| *range.start()));
        let v6 = [self.v6.first(), self.v6.last()].map(|range| range.map(|range| *range.start()));
        (self.v4.len(), v4, self.v6.len(), v6)
    }

    /// The smallest prefixes that make up the set, IPv4 first, each family in ascending order.
    #[must_use]
    pub fn prefixes(&self) -> Vec<IpNet> {
        let v4 = self
            .v4
            .iter()
            .flat_map(|range| ipnet::Ipv4Subnets::new(Ipv4Addr::from_bits(*range.start()), Ipv4Addr::from_bits(*range.end()), 0));
        let v6 = self
            .v6
            .iter()
            .flat_map(|range| ipnet::Ipv6Subnets::new(Ipv6Addr::from_bits(*range.start()), Ipv6Addr::from_bits(*range.end()), 0));
        v4.map(IpNet::V4).chain(v6.map(IpNet::V6)).collect()
    }

    fn push(&mut self, first: IpAddr, last: IpAddr) {
        match (first, last) {
            (IpAddr::V4(first), IpAddr::V4(last)) => self.v4.push(first.to_bits()..=last.to_bits()),
            (IpAddr::V6(first), IpAddr::V6(last)) => self.v6.push(first.to_bits()..=last.to_bits()),
            _ => {}
        }
    }

    fn normalise(&mut self) {
        merge(&mut self.v4, |end| end.checked_add(1));
        merge(&mut self.v6, |end| end.checked_add(1));
    }
}

fn covers<N: Ord + Copy>(ranges: &[RangeInclusive<N>], value: N) -> bool {
    let behind = ranges.partition_point(|range| *range.start() <= value);
    behind.checked_sub(1).and_then(|at| ranges.get(at)).is_some_and(|range| *range.end() >= value)
}

/// Sorts, and joins what overlaps or touches.
pub(super) fn merge<N: Ord + Copy>(ranges: &mut Vec<RangeInclusive<N>>, after: impl Fn(N) -> Option<N>) {
    ranges.retain(|range| range.start() <= range.end());
    ranges.sort_unstable_by_key(|range| *range.start());
    ranges.dedup_by(|next, kept| {
        let touches = after(*kept.end()).is_none_or(|end| *next.start() <= end);
        if touches {
            *kept = *kept.start()..=(*kept.end()).max(*next.end());
        }
        touches
    });
}

/// What is in both; both are sorted and disjoint. Quick where `few` is short.
fn common<N: Ord + Copy>(many: &[RangeInclusive<N>], few: &[RangeInclusive<N>]) -> Vec<RangeInclusive<N>> {
    let met_by = |range: &RangeInclusive<N>| {
        let (first, last) = (*range.start(), *range.end());
        let from = many.partition_point(|other| *other.end() < first);
        let meets = many.iter().skip(from).take_while(move |other| *other.start() <= last);
        meets.map(move |other| (*other.start()).max(first)..=(*other.end()).min(last)).collect::<Vec<_>>()
    };
    few.iter().flat_map(met_by).collect()
}

/// `from` without `cut`; both are sorted and disjoint.
fn subtract<N: Ord + Copy + From<u8>>(
    from: &[RangeInclusive<N>],
    cut: &[RangeInclusive<N>],
    add: impl Fn(N, N) -> Option<N>,
    sub: impl Fn(N, N) -> Option<N>,
) -> Vec<RangeInclusive<N>> {
    let mut rest = Vec::new();
    for range in from {
        let mut start = Some(*range.start());
        for hole in cut.iter().filter(|hole| hole.end() >= range.start() && hole.start() <= range.end()) {
            if let (Some(first), Some(last)) = (start, sub(*hole.start(), N::from(1)))
                && first <= last
            {
                rest.push(first..=last);
            }
            start = add(*hole.end(), N::from(1));
        }
        if let Some(first) = start
            && first <= *range.end()
        {
            rest.push(first..=*range.end());
        }
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Prefixes in a universe of 16 low addresses and the two ends of the space.
    fn prefix() -> impl Strategy<Value = IpNet> {
        let v4 = (prop_oneof![0u32..16, Just(u32::MAX), Just(u32::MAX - 5)], prop_oneof![28u8..=32, Just(0)])
            .prop_map(|(bits, length)| IpNet::new(Ipv4Addr::from_bits(bits).into(), length).unwrap().trunc());
        let v6 = (0u128..16, 124u8..=128).prop_map(|(bits, length)| IpNet::new(Ipv6Addr::from_bits(bits).into(), length).unwrap().trunc());
        prop_oneof![v4, v6]
    }

    fn probes() -> impl Iterator<Item = IpAddr> {
        let low = (0..20u32).chain(u32::MAX - 20..=u32::MAX).map(|bits| IpAddr::V4(Ipv4Addr::from_bits(bits)));
        low.chain((0..20u128).map(|bits| IpAddr::V6(Ipv6Addr::from_bits(bits))))
    }

    proptest! {
        #[test]
        fn a_set_holds_what_any_prefix_holds(prefixes in prop::collection::vec(prefix(), 0..8)) {
            let set = PrefixSet::from_prefixes(prefixes.iter().copied());
            for address in probes() {
                prop_assert_eq!(set.contains(address), prefixes.iter().any(|prefix| prefix.contains(&address)), "{}", address);
            }
            prop_assert_eq!(PrefixSet::from_prefixes(set.prefixes()), set);
        }

        #[test]
        fn union_intersection_and_difference_are_those_of_sets(a in prop::collection::vec(prefix(), 0..6), b in prop::collection::vec(prefix(), 0..6)) {
            let (a, b) = (PrefixSet::from_prefixes(a), PrefixSet::from_prefixes(b));
            let (union, common, difference) = (PrefixSet::union_of([&a, &b]), a.intersection(&b), a.difference(&b));
            for address in probes() {
                prop_assert_eq!(union.contains(address), a.contains(address) || b.contains(address));
                prop_assert_eq!(common.contains(address), a.contains(address) && b.contains(address));
                prop_assert_eq!(difference.contains(address), a.contains(address) && !b.contains(address));
            }
        }
    }

    #[test]
    fn ranges_are_inclusive_and_backwards_ones_empty() {
        let set = PrefixSet::from_ranges([
            Ipv4Addr::new(10, 0, 0, 3)..=Ipv4Addr::new(10, 0, 0, 5),
            Ipv4Addr::new(9, 0, 0, 9)..=Ipv4Addr::new(9, 0, 0, 1),
        ]);
        let inside: Vec<u8> = (0..10).filter(|last| set.contains(Ipv4Addr::new(10, 0, 0, *last).into())).collect();
        assert_eq!(inside, [3, 4, 5]);
        assert!(!set.contains(Ipv4Addr::new(9, 0, 0, 5).into()));
    }
}
