//! Vectors of 256 bits (AVX2, and the bit instructions of the same processors).

use std::arch::x86_64::{
    __m128i, __m256i, _bzhi_u64, _mm_and_si128, _mm_cmpeq_epi8, _mm_loadu_si128, _mm_movemask_epi8, _mm_packs_epi16, _mm_set1_epi8,
    _mm_setzero_si128, _mm_xor_si128, _mm256_and_si256, _mm256_blend_epi32, _mm256_castsi256_ps, _mm256_castsi256_si128,
    _mm256_cmpeq_epi16, _mm256_cmpeq_epi32, _mm256_cmpgt_epi16, _mm256_cmpgt_epi32, _mm256_extracti128_si256, _mm256_loadu_si256,
    _mm256_max_epu16, _mm256_max_epu32, _mm256_movemask_epi8, _mm256_movemask_ps, _mm256_or_si256, _mm256_packs_epi32,
    _mm256_permute4x64_epi64, _mm256_set1_epi16, _mm256_set1_epi32, _mm256_set1_epi64x, _mm256_setzero_si256, _mm256_testz_si256,
};

use super::{BLOCK, Block, Lanes, PairBounds, Plain, Probe, Root, Row, Work};

/// That this processor has AVX2, BMI1, BMI2, LZCNT and POPCNT. Only [`Avx2::detect`] makes one.
#[derive(Clone, Copy, Debug)]
pub struct Avx2(());

impl Avx2 {
    /// Asks the processor; the answer is remembered.
    #[inline]
    #[must_use]
    pub fn detect() -> Option<Self> {
        let has_all = is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("lzcnt")
            && is_x86_feature_detected!("popcnt");
        has_all.then_some(Self(()))
    }

    /// Does work that is compiled for such processors.
    #[inline]
    pub fn run<W: Work>(self, work: W) -> W::Output {
        #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
        fn compiled<W: Work>(work: W, lanes: Avx2) -> W::Output {
            work.run(lanes)
        }
        // SAFETY: there is an `Avx2` only where the processor has all of it.
        unsafe { compiled(work, self) }
    }
}

impl Lanes for Avx2 {
    #[inline(always)]
    fn below16(self, ends: &[i16; 32], count: u32, value: i16) -> u32 {
        // SAFETY: there is an `Avx2` only where the processor has all of it.
        unsafe { below16(ends, count, value) }
    }

    #[inline(always)]
    fn below32(self, ends: &[i32; 16], value: i32) -> u32 {
        // SAFETY: as above.
        unsafe { below32(ends, value) }
    }

    #[inline(always)]
    fn leaves<const N: usize>(self, root: &Root, values: &[i32; N]) -> [u32; N] {
        // SAFETY: as above.
        values.map(|value| unsafe { leaf(root, value) })
    }

    #[inline(always)]
    fn within_pairs(self, bounds: [&PairBounds; 2], addresses: [u32; 2], ports: [u16; 2]) -> [[bool; 2]; 2] {
        // SAFETY: as above.
        unsafe { within_pairs(bounds, addresses, ports) }
    }

    #[inline(always)]
    fn within_block(self, block: &Block, probe: &Probe) -> u32 {
        // SAFETY: as above.
        unsafe { within_block(block, probe) }
    }

    #[inline(always)]
    fn have_common<const W: usize>(self, one: &Row<W>, other: &Row<W>) -> bool {
        // SAFETY: as above.
        unsafe { have_common(one, other) }
    }

    #[inline(always)]
    fn first_common<const W: usize, const ROWS: usize>(self, rows: [&Row<W>; ROWS]) -> Option<u32> {
        // SAFETY: as above.
        unsafe { first_common(rows) }
    }
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
#[inline]
fn below16(ends: &[i16; 32], count: u32, value: i16) -> u32 {
    let (ends, _) = ends.as_chunks::<16>();
    let value = _mm256_set1_epi16(value);
    let below = |at: usize| u64::from(_mm256_movemask_epi8(_mm256_cmpgt_epi16(value, load(&ends[at]))).cast_unsigned());
    // two bits for each lane
    _bzhi_u64(below(0) | below(1) << 32, 2 * count).count_ones() / 2
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
#[inline]
fn below32(ends: &[i32; 16], value: i32) -> u32 {
    let (ends, _) = ends.as_chunks::<8>();
    let value = _mm256_set1_epi32(value);
    let below = |at: usize| _mm256_cmpgt_epi32(value, load(&ends[at]));
    // the lanes' order is mixed by now, their number is not; two bits for each
    _mm256_movemask_epi8(_mm256_packs_epi32(below(0), below(1))).count_ones() / 2
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
#[inline]
fn leaf(root: &Root, value: i32) -> u32 {
    let below = _mm256_cmpgt_epi32(_mm256_set1_epi32(value), load(&root.of_sixteen.0));
    let sixteen = _mm256_movemask_ps(_mm256_castsi256_ps(below)).count_ones();
    // of the last one the largest of all numbers, which nothing is above
    let last = &root.last.0[sixteen as usize % root.last.0.len()];
    sixteen * 16 + below32(last, value)
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
#[inline]
pub(super) fn within_pairs(bounds: [&PairBounds; 2], addresses: [u32; 2], [source, destination]: [u16; 2]) -> [[bool; 2]; 2] {
    let ports = with_inverses(u64::from(destination) << 32 | u64::from(source));
    let ports = _mm256_set1_epi64x(ports.cast_signed());
    [within_pair(bounds[0], addresses[0], ports), within_pair(bounds[1], addresses[1], ports)]
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
#[inline]
fn within_pair(bounds: &PairBounds, address: u32, ports: __m256i) -> [bool; 2] {
    const { assert!(size_of::<PairBounds>() == 32) };
    // SAFETY: `PairBounds` is 32 bytes of plain numbers; the load asks for no alignment.
    let bounds = unsafe { _mm256_loadu_si256(std::ptr::from_ref(bounds).cast()) };
    let address = u64::from(!address) << 32 | u64::from(address);
    let value = _mm256_blend_epi32::<0xf0>(_mm256_set1_epi64x(address.cast_signed()), ports);
    // a bound is at most the value where the larger of both is the value
    let larger = _mm256_blend_epi32::<0xf0>(_mm256_max_epu32(bounds, value), _mm256_max_epu16(bounds, value));
    let within = _mm256_movemask_ps(_mm256_castsi256_ps(_mm256_cmpeq_epi32(larger, value))).cast_unsigned();
    // two lanes for the addresses of the one rule, two for those of the other; the same for ports
    [within & 0x33 == 0x33, within & 0xcc == 0xcc]
}

/// Two numbers of 16 bits, each in the lower part of 32: puts their inverses above them.
const fn with_inverses(ports: u64) -> u64 {
    (ports ^ 0xffff_0000_ffff) << 16 | ports
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
#[inline]
fn within_block(block: &Block, probe: &Probe) -> u32 {
    let [low, high] = block.addresses.each_ref().map(|bounds| bounds.as_chunks::<8>().0);
    let half = |half: usize| _mm256_and_si256(at_most(&low[half], probe.address[0]), at_most(&high[half], probe.address[1]));
    // packed, the quarters lie in the order 0, 2, 1, 3
    let address = _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_packs_epi32(half(0), half(1)));
    let [source_low, source_high, destination_low, destination_high] = &block.ports;
    let source = _mm256_and_si256(ports_at_most(source_low, probe.source_port[0]), ports_at_most(source_high, probe.source_port[1]));
    let destination = _mm256_and_si256(
        ports_at_most(destination_low, probe.destination_port[0]),
        ports_at_most(destination_high, probe.destination_port[1]),
    );
    let open = _mm256_and_si256(_mm256_and_si256(source, destination), address);
    let open = _mm_packs_epi16(_mm256_castsi256_si128(open), _mm256_extracti128_si256::<1>(open));
    let differ = _mm_xor_si128(load_short(&block.protocols), _mm_set1_epi8(probe.protocol.cast_signed()));
    let protocol = _mm_cmpeq_epi8(_mm_and_si128(differ, load_short(&block.masks)), _mm_setzero_si128());
    _mm_movemask_epi8(_mm_and_si128(open, protocol)).cast_unsigned()
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
#[inline]
fn at_most(bounds: &[u32; 8], value: u32) -> __m256i {
    let value = _mm256_set1_epi32(value.cast_signed());
    _mm256_cmpeq_epi32(_mm256_max_epu32(load(bounds), value), value)
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
#[inline]
fn ports_at_most(bounds: &[u16; BLOCK], value: u16) -> __m256i {
    let value = _mm256_set1_epi16(value.cast_signed());
    _mm256_cmpeq_epi16(_mm256_max_epu16(load(bounds), value), value)
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
#[inline]
pub(super) fn load_short<T: Plain, const N: usize>(numbers: &[T; N]) -> __m128i {
    const { assert!(size_of::<[T; N]>() == 16) };
    // SAFETY: the 16 bytes that are read are the array's, plain numbers; the load asks for no alignment.
    unsafe { _mm_loadu_si128(numbers.as_ptr().cast()) }
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
#[inline]
pub(super) fn load<T: Plain, const N: usize>(numbers: &[T; N]) -> __m256i {
    const { assert!(size_of::<[T; N]>() == 32) };
    // SAFETY: the 32 bytes that are read are the array's, plain numbers; the load asks for no alignment.
    unsafe { _mm256_loadu_si256(numbers.as_ptr().cast()) }
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
#[inline]
fn have_common<const W: usize>(one: &Row<W>, other: &Row<W>) -> bool {
    let mut common = _mm256_setzero_si256();
    for (one, other) in one.iter().zip(other) {
        common = _mm256_or_si256(common, _mm256_and_si256(load(one), load(other)));
    }
    _mm256_testz_si256(common, common) == 0
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
#[inline]
fn first_common<const W: usize, const ROWS: usize>(rows: [&Row<W>; ROWS]) -> Option<u32> {
    // eight quads at a time: a bit of `empty` for each 32 bits that have nothing in common
    for first in (0..W).step_by(8) {
        let quads = W.min(first + 8) - first;
        let mut empty = u64::MAX << (8 * quads - 1) << 1;
        for quad in 0..quads {
            let [one, others @ ..] = rows.as_slice() else { return None };
            let all = others.iter().fold(load(&one[first + quad]), |all, row| _mm256_and_si256(all, load(&row[first + quad])));
            let none = _mm256_movemask_ps(_mm256_castsi256_ps(_mm256_cmpeq_epi32(all, _mm256_setzero_si256())));
            empty |= u64::from(none.cast_unsigned()) << (8 * quad);
        }
        if empty != u64::MAX {
            let at = first * 4 + (!empty).trailing_zeros() as usize / 2;
            let word = |row: &Row<W>| row.as_flattened().get(at).copied().unwrap_or(0);
            let common = rows.iter().fold(u64::MAX, |common, row| common & word(row));
            return Some(at as u32 * u64::BITS + common.trailing_zeros());
        }
    }
    None
}
