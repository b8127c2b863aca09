//! What only the processor's own instructions do well, and large pages: the one place outside `port/` with unsafe code. Each
//! function is safe to call on any machine; each that computes has a portable twin that its tests compare it with.
//!
//! Code that works on many headers at once is written once, as [`Work`] over [`Lanes`], and compiled for each kind of
//! processor; [`run`] takes the one that this machine has.

#![expect(unsafe_code, reason = "processor instructions and advice on memory; each block says why it is sound")]

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod portable;
mod root;
#[cfg(test)]
mod tests;

#[cfg(target_arch = "x86_64")]
pub use avx2::Avx2;
#[cfg(target_arch = "x86_64")]
pub use avx512::Avx512;
pub use portable::Portable;
pub use root::Root;

/// A row of `W` × 256 bits.
pub type Row<const W: usize> = [[u64; 4]; W];

/// Something at an address where a vector may begin: loads of its parts cross no cache line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(64))]
pub struct Aligned<T>(pub T);

/// Bounds of two rules. A value is within a rule's bounds where it is at least each of them: of an upper bound both the
/// bound and the value are inverted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(32))]
pub struct PairBounds {
    /// Lowest address, inverted highest; of the one rule and of the other.
    pub addresses: [[u32; 2]; 2],
    /// Lowest source port, inverted highest, the same of the destination port; of the one rule and of the other.
    pub ports: [[u16; 4]; 2],
}

/// How many rules a block has.
pub const BLOCK: usize = 16;

/// Bounds of as many rules as a vector has places for, in the same way, and what they are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(64))]
pub struct Block {
    /// Lowest addresses, inverted highest ones.
    pub addresses: [[u32; BLOCK]; 2],
    /// Lowest source ports, inverted highest, the same of destination ports.
    pub ports: [[u16; BLOCK]; 4],
    /// Protocol numbers under the masks.
    pub protocols: [u8; BLOCK],
    /// Protocol masks.
    pub masks: [u8; BLOCK],
    /// The first rule in the list's next block, or the largest number where this is the last one.
    pub next: u32,
    /// The rules' numbers.
    pub rules: [u32; BLOCK],
}

/// What bounds are compared with: a header, or a rule, which is within bounds where all that it takes is. Of each number the
/// lowest, and the inverted highest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe {
    /// Addresses.
    pub address: [u32; 2],
    /// Source ports.
    pub source_port: [u16; 2],
    /// Destination ports.
    pub destination_port: [u16; 2],
    /// Protocol number.
    pub protocol: u8,
}

/// A way to compare many numbers at once. What it answers does not depend on the way.
pub trait Lanes: Copy {
    /// How many of the first `count` (at most 32) ends lie below `value`.
    fn below16(self, ends: &[i16; 32], count: u32, value: i16) -> u32;

    /// How many of 16 ends lie below `value`.
    fn below32(self, ends: &[i32; 16], value: i32) -> u32;

    /// The leaves of many values: of each how many leaves but the last end below it.
    #[inline(always)]
    fn leaves<const N: usize>(self, root: &Root, values: &[i32; N]) -> [u32; N] {
        values.map(|value| root.leaf(value))
    }

    /// Whether addresses and ports are within the bounds of each of four rules: the first address those of the first pair,
    /// the second those of the second.
    fn within_pairs(self, bounds: [&PairBounds; 2], addresses: [u32; 2], ports: [u16; 2]) -> [[bool; 2]; 2];

    /// Which rules of a block the probe is within, its protocol too: a bit for each.
    fn within_block(self, block: &Block, probe: &Probe) -> u32;

    /// Whether any bit is set in both rows.
    fn have_common<const W: usize>(self, one: &Row<W>, other: &Row<W>) -> bool;

    /// Index of the first bit that is set in all rows, of which there is one at least.
    fn first_common<const W: usize, const ROWS: usize>(self, rows: [&Row<W>; ROWS]) -> Option<u32>;
}

/// Numbers that every pattern of bits is one of, without padding: what vectors may be loaded from.
///
/// # Safety
/// All bytes of such a value are initialized.
unsafe trait Plain: Copy {}

// SAFETY: integers have no padding.
unsafe impl Plain for u8 {}
// SAFETY: as above.
unsafe impl Plain for u16 {}
// SAFETY: as above.
unsafe impl Plain for i16 {}
// SAFETY: as above.
unsafe impl Plain for u32 {}
// SAFETY: as above.
unsafe impl Plain for i32 {}
// SAFETY: as above.
unsafe impl Plain for u64 {}
// SAFETY: an array has no padding of its own.
unsafe impl<T: Plain, const N: usize> Plain for [T; N] {}

/// Something to do with lanes. `run` is to be inlined (`#[inline(always)]`, as all that it calls with `lanes`), so that
/// it is compiled for the processor of those lanes.
pub trait Work {
    /// What comes out.
    type Output;

    /// Does it.
    fn run(self, lanes: impl Lanes) -> Self::Output;
}

/// Does the work in the best way that this machine has.
#[inline]
pub fn run<W: Work>(work: W) -> W::Output {
    #[cfg(target_arch = "x86_64")]
    if let Some(lanes) = Avx512::detect() {
        return lanes.run(work);
    }
    #[cfg(target_arch = "x86_64")]
    if let Some(lanes) = Avx2::detect() {
        return lanes.run(work);
    }
    work.run(Portable)
}

/// Does the work in every way that this machine has, the best one first.
#[cfg(test)]
pub(super) fn every_way<W: Work + Copy>(work: W) -> Vec<W::Output> {
    let mut outputs = Vec::new();
    #[cfg(target_arch = "x86_64")]
    {
        outputs.extend(Avx512::detect().map(|lanes| lanes.run(work)));
        outputs.extend(Avx2::detect().map(|lanes| lanes.run(work)));
    }
    outputs.push(work.run(Portable));
    outputs
}

mod at_most;

pub use at_most::Lane;

mod pages;
mod tags;
mod timestamp;

pub use pages::prefer_large_pages;
pub use tags::{LANES, TAGS, equal_tags};
pub use timestamp::timestamp;

/// Asks for the cache line of `place` without waiting for it. Nothing where the processor has no such instruction.
#[inline(always)]
pub fn prefetch<T: ?Sized>(place: &T) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch reads nothing that the program can see and never faults; SSE is part of x86-64.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(place).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = place;
}

/// Asks for the cache line of an element, where there is one.
#[inline(always)]
pub fn prefetch_at<T>(places: &[T], at: u32) {
    if let Some(place) = places.get(at as usize) {
        prefetch(place);
    }
}
