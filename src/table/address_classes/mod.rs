//! Many sets of addresses, looked up at once: an address belongs to a class, a class to sets.

pub(super) mod sweep;

use std::borrow::Borrow;
use std::net::IpAddr;

use super::prefix_set::PrefixSet;
use super::range_table::RangeTable;
use super::range_table::both::AddressTable;
use super::range_table::wide::WideRangeTable;
use sweep::Classes;

/// The classes of addresses that none of many sets tells apart. Immutable.
#[derive(Clone, Debug)]
pub struct AddressClasses {
    table: AddressTable,
    /// How many classes there are.
    classes: usize,
    /// The classes that each set is made of, ascending, one set after the other.
    members: Box<[u32]>,
    /// Where those of each set end.
    ends: Box<[u32]>,
}

impl AddressClasses {
    /// The classes of `sets`, which are numbered as they come.
    #[must_use]
    pub fn new(sets: &[impl Borrow<PrefixSet>]) -> Self {
        let mut classes = Classes::within(usize::MAX);
        let table = table(&stretches(sets, &mut classes));
        let mut of_sets = vec![Vec::new(); sets.len()];
        for (class, holders) in (0_u32..).zip(classes.iter()) {
            for set in holders {
                if let Some(list) = of_sets.get_mut(*set as usize) {
                    list.push(class);
                }
            }
        }
        let mut end = 0;
        let ends = of_sets.iter().map(|list| {
            end += list.len();
            u32::try_from(end).unwrap_or(u32::MAX)
        });
        Self { table, classes: classes.count(), ends: ends.collect(), members: of_sets.concat().into() }
    }

    /// The class of an address. Class 0 is that of addresses in no set.
    #[inline]
    #[must_use]
    pub fn class(&self, address: IpAddr) -> u32 {
        self.table.get(address)
    }

    /// The classes of many IPv4 addresses at once, one for each, in order, as far as both slices reach.
    pub fn classes_v4(&self, addresses: &[u32], classes: &mut [u32]) {
        self.table.v4.get_all(addresses, classes);
    }

    /// How many classes there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.classes
    }

    /// The classes that a set is made of, ascending.
    #[must_use]
    pub fn of_set(&self, set: usize) -> &[u32] {
        let end = |set: usize| self.ends.get(set).map(|end| *end as usize);
        let from = set.checked_sub(1).and_then(end).unwrap_or_default();
        end(set).and_then(|to| self.members.get(from..to)).unwrap_or_default()
    }

    /// IPv4 and IPv6 ranges, of which no two neighbours are of one class.
    #[must_use]
    pub fn ranges(&self) -> (usize, usize) {
        (self.table.v4.ranges(), self.table.v6.ranges())
    }

    /// Bytes of memory.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.table.memory() + size_of_val(&*self.members) + size_of_val(&*self.ends)
    }
}

impl Default for AddressClasses {
    fn default() -> Self {
        Self::new(&[] as &[PrefixSet])
    }
}

/// First addresses of stretches, with a value.
pub(super) type Starts = (Vec<(u32, u32)>, Vec<(u128, u32)>);

/// Sets in one sweep for each family: first addresses of stretches with their classes.
pub(super) fn stretches(sets: &[impl Borrow<PrefixSet>], classes: &mut Classes) -> Starts {
    let v4 = classes.sweep(0, sets.iter().map(|set| set.borrow().v4_ranges()));
    let v6 = classes.sweep(0, sets.iter().map(|set| set.borrow().v6_ranges()));
    (v4, v6)
}

/// The stretches as a table.
pub(super) fn table(starts: &Starts) -> AddressTable {
    AddressTable { v4: RangeTable::from_starts(&starts.0), v6: WideRangeTable::from_starts(&starts.1) }
}

#[cfg(test)]
mod tests;
