//! Disjoint ranges of IPv4 addresses that cover all of them, each with a value: the value at an address.
//!
//! Small tables are searched sixteen first addresses at a time. In larger ones the upper 16 bits of an address lead to a bucket
//! of the few ranges that begin close by, whose lower 16 bits are compared at once.

pub mod both;
mod buckets;
mod clustered;
pub mod ports;
mod rooted;
pub(super) mod sorted;
pub mod wide;

use buckets::Bucket;
use clustered::Clustered;
use rooted::Rooted;
use sorted::Sorted;

use super::simd;

/// More ranges than this have a root, which takes 128 KiB and more.
const ROOT_FROM: usize = 4096;
/// As many ranges are found by one comparison.
const FEW: usize = 16;
/// Addresses that a batched lookup has under way at once.
const STAGE: usize = 16;

/// An immutable table of address ranges.
#[derive(Clone, Debug)]
pub struct RangeTable {
    firsts: Firsts,
    values: Values,
}

/// The ranges' values, in two bytes each where all fit.
#[derive(Clone, Debug)]
enum Values {
    Short(Box<[u16]>),
    Long(Box<[u32]>),
}

/// The ranges' first addresses.
#[derive(Clone, Debug)]
enum Firsts {
    Few(Sorted<u32>),
    Clustered(Clustered),
    Many(Rooted),
}

impl Firsts {
    fn new(firsts: &[u32]) -> Self {
        let clustered = if firsts.len() > FEW { Clustered::new(firsts) } else { None };
        match clustered {
            Some(clustered) => Self::Clustered(clustered),
            None if firsts.len() > ROOT_FROM => Self::Many(Rooted::new(firsts)),
            None => Self::Few(Sorted::new(firsts)),
        }
    }
}

impl RangeTable {
    /// Most ranges that a table has; those behind are left out.
    pub const MOST: usize = Rooted::MOST;

    /// A table of ranges by their first addresses, ascending, each with the value of its addresses up to the next one's.
    /// Of two with the same first address the later counts; what lies before the first has the value 0.
    #[must_use]
    pub fn from_starts(starts: &[(u32, u32)]) -> Self {
        let before = starts.first().is_none_or(|(first, _)| *first != 0).then_some((0, 0));
        let all = || before.iter().chain(starts).take(Self::MOST);
        let values = Values::new(all().map(|(_, value)| *value).collect());
        let firsts: Vec<u32> = all().map(|(start, _)| *start).collect();
        Self { firsts: Firsts::new(&firsts), values }
    }

    /// The value at an address.
    #[inline(never)]
    #[must_use]
    pub fn get(&self, address: u32) -> u32 {
        self.values.get(self.range(address))
    }

    /// The number of the range that holds an address; they are numbered in ascending order, from 0 at the first address.
    #[inline(always)]
    #[must_use]
    pub fn range(&self, address: u32) -> usize {
        match &self.firsts {
            Firsts::Few(firsts) => firsts.last_at_most(address),
            Firsts::Clustered(firsts) => firsts.last_at_most(address),
            Firsts::Many(firsts) => firsts.last_at_most(firsts.bucket(address), address),
        }
    }

    /// The values at many addresses at once, which is faster: one for each, in order, as far as both slices reach.
    #[inline]
    pub fn get_all(&self, addresses: &[u32], values: &mut [u32]) {
        for (addresses, values) in addresses.chunks(STAGE).zip(values.chunks_mut(STAGE)) {
            let mut ranges = [0; STAGE];
            match &self.firsts {
                Firsts::Many(firsts) => ranges_of(firsts, addresses, &mut ranges),
                _ => ranges.iter_mut().zip(addresses).for_each(|(range, address)| *range = self.range(*address)),
            }
            ranges.iter().for_each(|range| self.values.prefetch(*range));
            for ((value, range), _) in values.iter_mut().zip(&ranges).zip(addresses) {
                *value = self.values.get(*range);
            }
        }
    }

    /// How many ranges the table has.
    #[must_use]
    pub fn ranges(&self) -> usize {
        match &self.values {
            Values::Short(values) => values.len(),
            Values::Long(values) => values.len(),
        }
    }

    /// Bytes of memory.
    #[must_use]
    pub fn memory(&self) -> usize {
        let firsts = match &self.firsts {
            Firsts::Few(firsts) => firsts.memory(),
            Firsts::Clustered(firsts) => firsts.memory(),
            Firsts::Many(firsts) => firsts.memory(),
        };
        self.values.memory() + firsts
    }
}

impl Values {
    fn new(values: Vec<u32>) -> Self {
        let short: Option<Box<[u16]>> = values.iter().map(|value| u16::try_from(*value).ok()).collect();
        short.map_or_else(|| Self::Long(values.into()), Self::Short)
    }

    #[inline]
    fn get(&self, range: usize) -> u32 {
        match self {
            Self::Short(values) => values.get(range).copied().map_or(0, u32::from),
            Self::Long(values) => values.get(range).copied().unwrap_or_default(),
        }
    }

    #[inline]
    fn prefetch(&self, range: usize) {
        match self {
            Self::Short(values) => values.get(range).map_or((), simd::prefetch),
            Self::Long(values) => values.get(range).map_or((), simd::prefetch),
        }
    }

    fn memory(&self) -> usize {
        match self {
            Self::Short(values) => size_of_val(&**values),
            Self::Long(values) => size_of_val(&**values),
        }
    }
}

/// The ranges of up to [`STAGE`] addresses, each step for all of them before the next one's reads are waited for.
fn ranges_of(firsts: &Rooted, addresses: &[u32], ranges: &mut [usize; STAGE]) {
    let mut buckets = [Bucket::default(); STAGE];
    for address in addresses {
        firsts.prefetch_root(*address);
    }
    for (bucket, address) in buckets.iter_mut().zip(addresses) {
        *bucket = firsts.bucket(*address);
        firsts.prefetch(*bucket);
    }
    for ((range, bucket), address) in ranges.iter_mut().zip(&buckets).zip(addresses) {
        *range = firsts.last_at_most(*bucket, *address);
    }
}

/// The upper and the lower half of an address.
fn halves(address: u32) -> (u16, u16) {
    ((address >> 16) as u16, (address & 0xffff) as u16)
}

#[cfg(test)]
mod tests;
