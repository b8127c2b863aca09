//! Longest-prefix match in one search: [`LongestPrefix`](super::longest_prefix::LongestPrefix)'s fast twin.
//!
//! Prefixes are nested or apart. Laid out flat they are ranges, each with the longest prefix that covers it.

use std::net::IpAddr;

use ipnet::IpNet;

use super::range_table::RangeTable;
use super::range_table::both::AddressTable;
use super::range_table::wide::WideRangeTable;

/// An immutable table from prefixes of both families to values.
#[derive(Clone, Debug)]
pub struct PrefixTable<T> {
    /// By family, longest prefixes first, then ascending.
    entries: Box<[(IpNet, T)]>,
    /// The number of the longest prefix that covers an address, and one; 0 where none does.
    ranges: AddressTable,
}

impl<T> Default for PrefixTable<T> {
    fn default() -> Self {
        Self::new(std::iter::empty())
    }
}

impl<T> PrefixTable<T> {
    /// A table of `entries`; of two with the same prefix the first stays.
    pub fn new(entries: impl IntoIterator<Item = (IpNet, T)>) -> Self {
        let mut entries: Vec<(IpNet, T)> = entries.into_iter().map(|(prefix, value)| (prefix.trunc(), value)).collect();
        // The sort is stable: of equal prefixes the first stays first, and alone.
        entries.sort_by_key(|(prefix, _)| (prefix.addr().is_ipv6(), u8::MAX - prefix.prefix_len(), prefix.network()));
        entries.dedup_by_key(|(prefix, _)| *prefix);
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for (number, (prefix, _)) in (1_u32..).zip(&entries) {
            match prefix {
                IpNet::V4(net) => v4.push((net.network().to_bits(), net.broadcast().to_bits(), number)),
                IpNet::V6(net) => v6.push((net.network().to_bits(), net.broadcast().to_bits(), number)),
            }
        }
        let v4 = RangeTable::from_starts(&flat(v4, |last| last.checked_add(1)));
        let v6 = WideRangeTable::from_starts(&flat(v6, |last| last.checked_add(1)));
        Self { entries: entries.into(), ranges: AddressTable { v4, v6 } }
    }

    /// The longest prefix that covers `address`, and its value.
    #[inline]
    #[must_use]
    pub fn lookup(&self, address: IpAddr) -> Option<(IpNet, &T)> {
        let number = self.ranges.get(address).checked_sub(1)?;
        self.entries.get(number as usize).map(|(prefix, value)| (*prefix, value))
    }

    /// All entries, IPv4 before IPv6, longest prefixes first.
    pub fn iter(&self) -> impl Iterator<Item = (IpNet, &T)> {
        self.entries.iter().map(|(prefix, value)| (*prefix, value))
    }

    /// Bytes of memory, without what values point to.
    #[must_use]
    pub fn memory(&self) -> usize {
        size_of_val(&*self.entries) + self.ranges.memory()
    }
}

/// Nested ranges (first and last number, value) as flat ones: where each begins, with the value of the innermost one there.
fn flat<N: Ord + Copy>(mut nested: Vec<(N, N, u32)>, after: impl Fn(N) -> Option<N>) -> Vec<(N, u32)> {
    // Of those that begin together the wider one first.
    nested.sort_by_key(|(first, last, _)| (*first, std::cmp::Reverse(*last)));
    let mut starts: Vec<(N, u32)> = Vec::new();
    let mut open: Vec<(N, u32)> = Vec::new();
    let mut begin = |start: N, value: u32| match starts.last_mut() {
        Some(last) if last.0 == start => last.1 = value,
        Some(last) if last.1 == value => {}
        _ => starts.push((start, value)),
    };
    let close = |open: &mut Vec<(N, u32)>, before: Option<N>, begin: &mut dyn FnMut(N, u32)| {
        while let Some((last, _)) = open.last().copied().filter(|(last, _)| before.is_none_or(|before| *last < before)) {
            open.pop();
            if let Some(start) = after(last) {
                begin(start, open.last().map_or(0, |(_, value)| *value));
            }
        }
    };
    for (first, last, value) in nested {
        close(&mut open, Some(first), &mut begin);
        begin(first, value);
        open.push((last, value));
    }
    close(&mut open, None, &mut begin);
    starts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::longest_prefix::LongestPrefix;
    use proptest::prelude::*;
    use std::net::{Ipv4Addr, Ipv6Addr};

    fn prefix() -> impl Strategy<Value = IpNet> {
        let v4 = (prop_oneof![0u32..32, Just(u32::MAX)], prop_oneof![26u8..=32, Just(0)])
            .prop_map(|(bits, length)| IpNet::new(Ipv4Addr::from_bits(bits).into(), length).unwrap());
        let v6 = (prop_oneof![0u128..32, Just(u128::MAX)], prop_oneof![122u8..=128, Just(0), Just(64)])
            .prop_map(|(bits, length)| IpNet::new(Ipv6Addr::from_bits(bits).into(), length).unwrap());
        prop_oneof![v4, v6]
    }

    proptest! {
        #[test]
        fn the_same_prefix_as_by_the_plain_way(prefixes in prop::collection::vec(prefix(), 0..24)) {
            let entries: Vec<(IpNet, usize)> = prefixes.into_iter().enumerate().map(|(value, prefix)| (prefix, value)).collect();
            let (table, plain) = (PrefixTable::new(entries.clone()), LongestPrefix::new(entries));
            prop_assert!(table.iter().eq(plain.iter()));
            for bits in (0..40u32).chain(u32::MAX - 2..=u32::MAX) {
                let high = if bits < 40 { u128::from(bits) } else { u128::MAX - u128::from(u32::MAX - bits) };
                for address in [IpAddr::V4(Ipv4Addr::from_bits(bits)), IpAddr::V6(Ipv6Addr::from_bits(high))] {
                    prop_assert_eq!(table.lookup(address), plain.lookup(address), "{}", address);
                }
            }
        }
    }

    #[test]
    fn thousands_of_prefixes_within_and_beside_each_other() {
        let within =
            (0..6000_u32).map(|number| IpNet::new(Ipv4Addr::from_bits(0x0a00_0000 + number * 64).into(), 22 + (number % 11) as u8));
        let entries: Vec<(IpNet, u32)> = within.map(Result::unwrap).zip(0..).chain([("10.0.0.0/8".parse().unwrap(), 9999)]).collect();
        let (table, plain) = (PrefixTable::new(entries.clone()), LongestPrefix::new(entries));
        for bits in (0x09ff_fff0..0x0a00_0000 + 6000 * 64 + 99).step_by(7) {
            let address = IpAddr::V4(Ipv4Addr::from_bits(bits));
            assert_eq!(table.lookup(address), plain.lookup(address), "{address}");
        }
    }
}
