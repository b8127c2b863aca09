//! Many intervals under a root: the upper 16 bits of an address choose a slot, the lower are compared with its bounds.

use std::hint::select_unpredictable;

use crate::table::simd::{Lanes, prefetch_at};

/// One for each number that the upper 16 bits can be.
const SLOTS: usize = 1 << 16;

/// How many ends one comparison takes.
const TOGETHER: usize = 32;

/// A slot with more ends is crowded.
const CROWD: u32 = 2 * TOGETHER as u32;

/// Which interval holds an address, in steps that a batch takes together: [`Rooted::slots`], [`Rooted::within`].
#[derive(Clone, Debug)]
pub(super) struct Rooted {
    /// How many intervals end in the slots before; one more than there are slots.
    root: Box<[u32; SLOTS + 1]>,
    /// Lower halves of the intervals' last addresses, in order, as signed numbers; and enough behind them for a comparison.
    ends: Vec<i16>,
    /// Every 32nd of them, which caches hold, where most intervals are in crowded slots; and enough behind them for a comparison.
    marks: Option<Vec<i16>>,
}

/// The intervals that end in a slot, or those of them that come into question.
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
        let padding = [i16::MAX; TOGETHER + 1];
        let root = root(ends());
        let marks = is_crowded(&root).then(|| {
            let every = ends().map(signed_half).skip(TOGETHER - 1).step_by(TOGETHER);
            every.chain(padding).collect()
        });
        Self { root, ends: ends().map(signed_half).chain(padding).collect(), marks }
    }

    /// How many intervals there are.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.root[SLOTS] as usize + 1
    }

    /// The slots of addresses; asks for the cache lines of their bounds.
    #[inline(always)]
    pub(super) fn slots(&self, lanes: impl Lanes, addresses: impl Iterator<Item = u32>, slots: &mut [Slot]) {
        let places = slots.iter_mut().zip(addresses);
        match &self.marks {
            None => places.for_each(|(place, address)| {
                let [first, behind] = self.slot(address);
                *place = Slot { first, count: behind - first };
                prefetch_at(&self.ends, first);
            }),
            Some(marks) => places.for_each(|(place, address)| {
                *place = narrowed(lanes, marks, self.slot(address), signed_half(address));
                prefetch_at(&self.ends, place.first);
            }),
        }
    }

    /// The first interval that ends in an address's slot, and the first behind it.
    #[inline(always)]
    fn slot(&self, address: u32) -> [u32; 2] {
        let slot = (address >> 16) as usize;
        [self.root[slot], self.root[slot + 1]]
    }

    /// The number of the interval that holds `address`, whose slot this is.
    #[inline(always)]
    pub(super) fn within(&self, lanes: impl Lanes, slot: Slot, address: u32) -> u32 {
        let low = signed_half(address);
        let Slot { first, count } = halved(&self.ends, slot, low);
        let ends = self.ends.get(first as usize..).and_then(<[i16]>::first_chunk);
        first + ends.map_or(0, |ends| lanes.below16(ends, count, low))
    }

    /// All steps for a batch.
    #[inline(always)]
    pub(super) fn find_all<const N: usize>(&self, lanes: impl Lanes, addresses: &[u32; N]) -> [u32; N] {
        let mut slots = [Slot::NONE; N];
        self.slots(lanes, addresses.iter().copied(), &mut slots);
        let mut found = [0; N];
        for ((found, slot), address) in found.iter_mut().zip(slots).zip(addresses) {
            *found = self.within(lanes, slot, *address);
        }
        found
    }

    /// All steps at once.
    #[cfg(test)]
    pub(super) fn find(&self, lanes: impl Lanes, address: u32) -> u32 {
        let [found] = self.find_all(lanes, &[address]);
        found
    }

    /// Bytes of memory.
    pub(super) fn memory(&self) -> usize {
        size_of_val(&*self.root) + size_of_val(&*self.ends) + self.marks.as_ref().map_or(0, |marks| size_of_val(&**marks))
    }
}

/// Halves what comes into question until one comparison takes it.
#[inline(always)]
fn halved(ends: &[i16], Slot { mut first, mut count }: Slot, low: i16) -> Slot {
    while count > TOGETHER as u32 {
        let half = count / 2;
        // with a value for an end that is not there the compiler would make branches of both
        let Some(end) = ends.get((first + half - 1) as usize) else { break };
        // no branch: nobody could predict it
        first = select_unpredictable(*end < low, first + half, first);
        count -= half;
    }
    Slot { first, count }
}

/// What of a slot comes into question by the marks that lie in it: no more than one comparison takes.
#[inline(always)]
fn narrowed(lanes: impl Lanes, marks: &[i16], [first, behind]: [u32; 2], low: i16) -> Slot {
    let mark = first / TOGETHER as u32;
    let Slot { first: mark, count } = halved(marks, Slot { first: mark, count: behind / TOGETHER as u32 - mark }, low);
    let marks = marks.get(mark as usize..).and_then(<[i16]>::first_chunk);
    let line = (mark + marks.map_or(0, |marks| lanes.below16(marks, count, low))) * TOGETHER as u32;
    let first = first.max(line);
    Slot { first, count: (line + TOGETHER as u32).min(behind) - first }
}

/// Whether most ends are in crowded slots.
fn is_crowded(root: &[u32; SLOTS + 1]) -> bool {
    let sizes = || root.windows(2).filter_map(|slot| Some(slot.last()? - slot.first()?));
    let crowded: u32 = sizes().filter(|size| *size > CROWD).sum();
    crowded > root[SLOTS] / 2
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
