//! Many intervals under a root: the upper 16 bits of an address choose a slot, the lower are compared with its bounds.

use std::hint::select_unpredictable;

use crate::table::simd::{Lanes, prefetch_at};

/// One for each number that the upper 16 bits can be.
const SLOTS: usize = 1 << 16;

/// How many bounds one comparison takes.
const TOGETHER: usize = 32;

/// Which interval holds an address, in steps that a batch takes together: [`Rooted::slot`], [`Rooted::prefetch_bounds`],
/// [`Rooted::within`].
#[derive(Clone, Debug)]
pub(super) struct Rooted {
    /// How many intervals end in the slots before; one more than there are slots.
    root: Box<[u32; SLOTS + 1]>,
    /// Lower halves of the intervals' last addresses, in order, as signed numbers; and enough behind them for a comparison.
    ends: Vec<i16>,
}

/// The intervals that end in a slot.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    first: u32,
    count: u32,
}

impl Slot {
    /// Nothing ends here.
    pub(super) const NONE: Self = Self { first: 0, count: 0 };
}

impl Rooted {
    /// A table of the intervals that begin at `starts`, of which the first is 0.
    pub(super) fn new(starts: &[u32]) -> Self {
        let ends = || starts.iter().skip(1).map(|start| start - 1);
        Self { root: root(ends()), ends: ends().map(signed_half).chain([i16::MAX; TOGETHER + 1]).collect() }
    }

    /// How many intervals there are.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.ends.len() - TOGETHER
    }

    /// The slot of an address.
    #[inline(always)]
    pub(super) fn slot(&self, address: u32) -> Slot {
        let slot = (address >> 16) as usize;
        let first = self.root[slot];
        Slot { first, count: self.root[slot + 1] - first }
    }

    /// Asks for the cache line of a slot's bounds.
    #[inline(always)]
    pub(super) fn prefetch_bounds(&self, slot: Slot) {
        prefetch_at(&self.ends, slot.first);
    }

    /// The number of the interval that holds `address`, whose slot this is.
    #[inline(always)]
    pub(super) fn within(&self, lanes: impl Lanes, slot: Slot, address: u32) -> u32 {
        let low = signed_half(address);
        let Slot { first: mut at, mut count } = slot;
        while count > TOGETHER as u32 {
            let half = count / 2;
            // with a value for an end that is not there the compiler would make branches of both
            let Some(end) = self.ends.get((at + half - 1) as usize) else { break };
            // no branch: nobody could predict it
            at = select_unpredictable(*end < low, at + half, at);
            count -= half;
        }
        let ends = self.ends.get(at as usize..).and_then(<[i16]>::first_chunk);
        at + ends.map_or(0, |ends| lanes.below16(ends, count, low))
    }

    /// All steps for a batch.
    #[inline(always)]
    pub(super) fn find_all<const N: usize>(&self, lanes: impl Lanes, addresses: &[u32; N]) -> [u32; N] {
        let mut slots = [Slot::NONE; N];
        for (slot, address) in slots.iter_mut().zip(addresses) {
            *slot = self.slot(*address);
            self.prefetch_bounds(*slot);
        }
        let mut found = [0; N];
        for ((found, slot), address) in found.iter_mut().zip(slots).zip(addresses) {
            *found = self.within(lanes, slot, *address);
        }
        found
    }

    /// All steps at once.
    #[cfg(test)]
    pub(super) fn find(&self, lanes: impl Lanes, address: u32) -> u32 {
        self.within(lanes, self.slot(address), address)
    }

    /// Bytes of memory.
    pub(super) fn memory(&self) -> usize {
        size_of_val(&*self.root) + size_of_val(&*self.ends)
    }
}

/// How many of the ends lie in the slots before each, and in all.
fn root(ends: impl Iterator<Item = u32>) -> Box<[u32; SLOTS + 1]> {
    let mut root = Box::new([0; SLOTS + 1]);
    for end in ends {
        if let Some(count) = root.get_mut((end >> 16) as usize + 1) {
            *count += 1;
        }
    }
    let mut before = 0;
    for count in root.iter_mut() {
        before += *count;
        *count = before;
    }
    root
}

/// The lower half, in the order of unsigned numbers.
const fn signed_half(address: u32) -> i16 {
    (address as u16 ^ 1 << 15).cast_signed()
}
