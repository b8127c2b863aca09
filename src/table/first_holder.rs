//! The first of several sets that holds an address.

use std::borrow::Borrow;
use std::net::IpAddr;

use super::address_classes;
use super::address_classes::sweep::Classes;
use super::prefix_set::PrefixSet;
use super::range_table::both::AddressTable;

/// Sets in order, most of which have no address in common. Immutable.
#[derive(Clone, Debug)]
pub struct FirstHolder {
    /// The first set's number, and one; 0 where none holds the address.
    table: AddressTable,
}

impl FirstHolder {
    /// A table of `sets`, numbered as they come.
    #[must_use]
    pub fn new(sets: &[impl Borrow<PrefixSet>]) -> Self {
        let mut classes = Classes::within(usize::MAX);
        let (mut v4, mut v6) = address_classes::stretches(sets, &mut classes);
        let firsts: Vec<u32> = classes.iter().map(|sets| sets.first().map_or(0, |set| set.saturating_add(1))).collect();
        let first = |class: u32| firsts.get(class as usize).copied().unwrap_or_default();
        v4.iter_mut().for_each(|(_, value)| *value = first(*value));
        v6.iter_mut().for_each(|(_, value)| *value = first(*value));
        Self { table: address_classes::table(&(v4, v6)) }
    }

    /// The number of the first set that holds an address.
    #[inline]
    #[must_use]
    pub fn find(&self, address: IpAddr) -> Option<usize> {
        self.table.get(address).checked_sub(1).map(|number| number as usize)
    }
}

impl Default for FirstHolder {
    fn default() -> Self {
        Self::new(&[] as &[PrefixSet])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ipnet::IpNet;
    use proptest::prelude::*;
    use std::net::{Ipv4Addr, Ipv6Addr};

    proptest! {
        #[test]
        fn the_first_set_that_holds_it(lists in prop::collection::vec(prop::collection::vec((0u32..32, 26u8..=32, any::<bool>()), 0..3), 0..9)) {
            let prefix = |(bits, length, v6): (u32, u8, bool)| match v6 {
                true => IpNet::new(Ipv6Addr::from_bits(bits.into()).into(), length + 96).unwrap().trunc(),
                false => IpNet::new(Ipv4Addr::from_bits(bits).into(), length).unwrap().trunc(),
            };
            let sets: Vec<PrefixSet> = lists.into_iter().map(|list| PrefixSet::from_prefixes(list.into_iter().map(prefix))).collect();
            let table = FirstHolder::new(&sets);
            for bits in (0..70u32).chain([u32::MAX]) {
                for address in [IpAddr::V4(Ipv4Addr::from_bits(bits)), IpAddr::V6(Ipv6Addr::from_bits(bits.into()))] {
                    prop_assert_eq!(table.find(address), sets.iter().position(|set| set.contains(address)), "{}", address);
                }
            }
        }
    }
}
