//! Longest-prefix match: which is the most specific prefix that covers an address?

use std::net::IpAddr;

use ipnet::IpNet;

/// An immutable table from prefixes of both families to values.
#[derive(Clone, Debug)]
pub struct LongestPrefix<T> {
    v4: Vec<Length<u32, T>>,
    v6: Vec<Length<u128, T>>,
}

/// All prefixes of one length, in ascending order.
#[derive(Clone, Debug)]
struct Length<N, T> {
    length: u8,
    mask: N,
    entries: Vec<(N, IpNet, T)>,
}

impl<N: Ord + Copy, T> Length<N, T> {
    /// Puts the entries in order. The sort is stable: of equal prefixes the first stays first, and alone.
    fn settle(&mut self) {
        self.entries.sort_by_key(|entry| entry.0);
        self.entries.dedup_by_key(|entry| entry.0);
    }
}

impl<T> Default for LongestPrefix<T> {
    fn default() -> Self {
        Self { v4: Vec::new(), v6: Vec::new() }
    }
}

impl<T> LongestPrefix<T> {
    /// A table of `entries`; of two with the same prefix the first stays.
    pub fn new(entries: impl IntoIterator<Item = (IpNet, T)>) -> Self {
        let mut table = Self::default();
        for (prefix, value) in entries {
            let prefix = prefix.trunc();
            match prefix {
                IpNet::V4(net) => push(&mut table.v4, net.network().to_bits(), net.netmask().to_bits(), prefix, value),
                IpNet::V6(net) => push(&mut table.v6, net.network().to_bits(), net.netmask().to_bits(), prefix, value),
            }
        }
        table.v4.iter_mut().for_each(Length::settle);
        table.v6.iter_mut().for_each(Length::settle);
        table
    }

    /// The longest prefix that covers `address`, and its value.
    #[must_use]
    pub fn lookup(&self, address: IpAddr) -> Option<(IpNet, &T)> {
        match address {
            IpAddr::V4(address) => lookup(&self.v4, address.to_bits()),
            IpAddr::V6(address) => lookup(&self.v6, address.to_bits()),
        }
    }

    /// The longest prefix that covers all of `prefix` (itself, where it is there), and its value.
    #[must_use]
    pub fn covering(&self, prefix: IpNet) -> Option<(IpNet, &T)> {
        match prefix {
            IpNet::V4(net) => lookup(at_most(&self.v4, net.prefix_len()), net.network().to_bits()),
            IpNet::V6(net) => lookup(at_most(&self.v6, net.prefix_len()), net.network().to_bits()),
        }
    }

    /// The value of exactly this prefix.
    #[must_use]
    pub fn get(&self, prefix: IpNet) -> Option<&T> {
        self.covering(prefix).filter(|(found, _)| *found == prefix.trunc()).map(|(_, value)| value)
    }

    /// All entries, IPv4 before IPv6, longest prefixes first.
    pub fn iter(&self) -> impl Iterator<Item = (IpNet, &T)> {
        let v4 = self.v4.iter().flat_map(|length| length.entries.iter().map(|(_, prefix, value)| (*prefix, value)));
        let v6 = self.v6.iter().flat_map(|length| length.entries.iter().map(|(_, prefix, value)| (*prefix, value)));
        v4.chain(v6)
    }
}

/// Adds an entry, in no order among those of its length.
fn push<N: Ord + Copy, T>(lengths: &mut Vec<Length<N, T>>, network: N, mask: N, prefix: IpNet, value: T) {
    let length = prefix.prefix_len();
    let at = match lengths.binary_search_by(|probe| length.cmp(&probe.length)) {
        Ok(at) => at,
        Err(at) => {
            lengths.insert(at, Length { length, mask, entries: Vec::new() });
            at
        }
    };
    if let Some(found) = lengths.get_mut(at) {
        found.entries.push((network, prefix, value));
    }
}

/// The lists of prefixes that are not longer than this; longest first, as all are.
fn at_most<N, T>(lengths: &[Length<N, T>], length: u8) -> &[Length<N, T>] {
    let longer = lengths.partition_point(|list| list.length > length);
    lengths.get(longer..).unwrap_or_default()
}

fn lookup<N: Ord + Copy + std::ops::BitAnd<Output = N>, T>(lengths: &[Length<N, T>], address: N) -> Option<(IpNet, &T)> {
    lengths.iter().find_map(|length| {
        let at = length.entries.binary_search_by_key(&(address & length.mask), |entry| entry.0).ok()?;
        length.entries.get(at).map(|(_, prefix, value)| (*prefix, value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::net::{Ipv4Addr, Ipv6Addr};

    fn prefix() -> impl Strategy<Value = IpNet> {
        let v4 = (0u32..32, prop_oneof![26u8..=32, Just(0)])
            .prop_map(|(bits, length)| IpNet::new(Ipv4Addr::from_bits(bits).into(), length).unwrap());
        let v6 = (0u128..32, prop_oneof![122u8..=128, Just(0)])
            .prop_map(|(bits, length)| IpNet::new(Ipv6Addr::from_bits(bits).into(), length).unwrap());
        prop_oneof![v4, v6]
    }

    /// The plain way: look at all of them.
    fn reference(entries: &[(IpNet, usize)], address: IpAddr) -> Option<(IpNet, usize)> {
        let mut best: Option<(IpNet, usize)> = None;
        for (prefix, value) in entries {
            if prefix.contains(&address) && best.is_none_or(|(found, _)| prefix.prefix_len() > found.prefix_len()) {
                best = Some((prefix.trunc(), *value));
            }
        }
        best
    }

    proptest! {
        #[test]
        fn a_prefix_is_covered_by_the_longest_that_holds_all_of_it(prefixes in prop::collection::vec(prefix(), 0..12), asked in prefix()) {
            let entries: Vec<(IpNet, usize)> = prefixes.into_iter().enumerate().map(|(value, prefix)| (prefix, value)).collect();
            let table = LongestPrefix::new(entries.clone());
            let holding: Vec<_> = entries.iter().copied().filter(|(prefix, _)| prefix.trunc().contains(&asked.trunc())).collect();
            let expected = reference(&holding, asked.trunc().network());
            prop_assert_eq!(table.covering(asked).map(|(prefix, value)| (prefix, *value)), expected);
            prop_assert_eq!(table.get(asked).copied(), expected.filter(|(prefix, _)| *prefix == asked.trunc()).map(|(_, value)| value));
        }

        #[test]
        fn the_longest_covering_prefix_wins(prefixes in prop::collection::vec(prefix(), 0..12)) {
            let entries: Vec<(IpNet, usize)> = prefixes.into_iter().enumerate().map(|(value, prefix)| (prefix, value)).collect();
            let table = LongestPrefix::new(entries.clone());
            for bits in 0..40u32 {
                for address in [IpAddr::V4(Ipv4Addr::from_bits(bits)), IpAddr::V6(Ipv6Addr::from_bits(bits.into()))] {
                    prop_assert_eq!(table.lookup(address).map(|(prefix, value)| (prefix, *value)), reference(&entries, address));
                }
            }
        }
    }
}
