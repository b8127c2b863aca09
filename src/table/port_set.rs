//! Sets of transport ports.

use std::ops::RangeInclusive;

use super::prefix_set::merge;

/// An immutable set of port numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PortSet {
    ranges: Vec<RangeInclusive<u16>>,
}

impl PortSet {
    /// Every port.
    #[must_use]
    pub fn all() -> Self {
        Self { ranges: vec![0..=u16::MAX] }
    }

    /// The ports in any of `ranges`.
    pub fn from_ranges(ranges: impl IntoIterator<Item = RangeInclusive<u16>>) -> Self {
        let mut ranges: Vec<_> = ranges.into_iter().collect();
        merge(&mut ranges, |end| end.checked_add(1));
        Self { ranges }
    }

    /// The set as disjoint ranges, ascending.
    #[must_use]
    pub fn ranges(&self) -> &[RangeInclusive<u16>] {
        &self.ranges
    }

    /// Whether `port` is in the set.
    #[must_use]
    pub fn contains(&self, port: u16) -> bool {
        self.ranges.iter().any(|range| range.contains(&port))
    }

    /// Whether every port is in the set.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.ranges.first() == Some(&(0..=u16::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn port() -> impl Strategy<Value = u16> {
        prop_oneof![0u16..6, 65530u16..=65535]
    }

    proptest! {
        #[test]
        fn a_set_holds_what_any_range_holds(ranges in prop::collection::vec((port(), port()), 0..6)) {
            let ranges: Vec<_> = ranges.into_iter().map(|(a, b)| a..=b).collect();
            let set = PortSet::from_ranges(ranges.clone());
            for port in (0..10).chain(65520..=65535) {
                prop_assert_eq!(set.contains(port), ranges.iter().any(|range| range.contains(&port)));
            }
            prop_assert_eq!(set.is_all(), (0..=u16::MAX).all(|port| ranges.iter().any(|range| range.contains(&port))));
        }
    }
}
