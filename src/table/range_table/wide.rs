//! The same for IPv6.

use super::sorted::Sorted;

/// An immutable table of IPv6 address ranges.
///
/// Ranges that begin under the same upper 64 bits of an address stand together: the upper halves are searched first, and
/// only under the very half that was asked for the lower ones, which are few.
#[derive(Clone, Debug)]
pub struct WideRangeTable {
    /// The distinct upper halves of the ranges' first addresses.
    uppers: Sorted<u64>,
    /// How many ranges begin before each of them, and before the end.
    before: Box<[u32]>,
    /// The lower halves of all first addresses.
    lowers: Box<[u64]>,
    values: Box<[u32]>,
}

impl WideRangeTable {
    /// A table of ranges, as [`super::RangeTable::from_starts`] makes one.
    #[must_use]
    pub fn from_starts(starts: &[(u128, u32)]) -> Self {
        let first = starts.first().is_none_or(|(first, _)| *first != 0).then_some((0, 0));
        let (mut uppers, mut before, mut lowers, mut values) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (start, value) in first.iter().chain(starts).take(super::RangeTable::MOST) {
            let (upper, lower) = halves(*start);
            if uppers.last() != Some(&upper) {
                uppers.push(upper);
                before.push(count(lowers.len()));
            }
            lowers.push(lower);
            values.push(*value);
        }
        before.push(count(lowers.len()));
        Self { uppers: Sorted::new(&uppers), before: before.into(), lowers: lowers.into(), values: values.into() }
    }

    /// The value at an address.
    #[inline]
    #[must_use]
    pub fn get(&self, address: u128) -> u32 {
        self.values.get(self.range(address)).copied().unwrap_or_default()
    }

    /// The number of the range that holds an address.
    #[inline]
    #[must_use]
    pub fn range(&self, address: u128) -> usize {
        let (upper, lower) = halves(address);
        let place = self.uppers.last_at_most(upper);
        let Some([from, to]) = self.before.get(place..).and_then(<[u32]>::first_chunk).map(|ends| ends.map(|end| end as usize)) else {
            return 0;
        };
        if self.uppers.get(place) != Some(upper) {
            return to.saturating_sub(1);
        }
        let here = self.lowers.get(from..to).unwrap_or_default();
        (from + here.partition_point(|start| *start <= lower)).saturating_sub(1)
    }

    /// How many ranges the table has.
    #[must_use]
    pub fn ranges(&self) -> usize {
        self.values.len()
    }

    /// Bytes of memory.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.uppers.memory() + size_of_val(&*self.before) + size_of_val(&*self.lowers) + size_of_val(&*self.values)
    }
}

fn halves(address: u128) -> (u64, u64) {
    ((address >> 64) as u64, address as u64)
}

fn count(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn address() -> impl Strategy<Value = u128> {
        let half = || prop_oneof![0u64..4, Just(u64::MAX), Just(u64::MAX - 1), any::<u64>()];
        (half(), half()).prop_map(|(upper, lower)| u128::from(upper) << 64 | u128::from(lower))
    }

    proptest! {
        #[test]
        fn a_table_answers_like_the_plain_way(mut starts in prop::collection::vec((address(), 0u32..99), 0..60), asked in address()) {
            starts.sort_by_key(|(start, _)| *start);
            let table = WideRangeTable::from_starts(&starts);
            let near = starts.iter().flat_map(|(start, _)| [start.wrapping_sub(1), *start, start.wrapping_add(1)]);
            for address in near.chain([asked, 0, u128::MAX]) {
                let plain = starts.iter().rev().find(|(start, _)| *start <= address).map_or(0, |(_, value)| *value);
                prop_assert_eq!(table.get(address), plain, "{:x}", address);
            }
        }
    }

    #[test]
    fn sizes_around_the_steps_of_the_search() {
        for count in [0_u32, 1, 15, 16, 17, 256, 257, 4097] {
            let starts: Vec<(u128, u32)> = (0..count).map(|number| (((u128::from(number) * 7) << 63) | 5, number + 1)).collect();
            let table = WideRangeTable::from_starts(&starts);
            for (start, value) in &starts {
                assert_eq!((table.get(start - 1), table.get(*start)), (value - 1, *value), "{start:x} of {count}");
            }
        }
    }
}
