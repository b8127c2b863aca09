//! Vectors of 512 bits (AVX-512 with its instructions for short vectors, bytes and words): comparisons leave a bit for each
//! number, so that what AVX2 has to pack and to move is there at once.

use std::arch::x86_64::{
    __m512i, _bzhi_u32, _mm_mask_testn_epi8_mask, _mm_set1_epi8, _mm_xor_si128, _mm256_and_si256, _mm256_cmple_epu16_mask,
    _mm256_mask_cmple_epu16_mask, _mm256_set1_epi16, _mm256_test_epi32_mask, _mm512_add_epi32, _mm512_and_si512, _mm512_cmpgt_epi16_mask,
    _mm512_cmpgt_epi32_mask, _mm512_cmple_epu32_mask, _mm512_loadu_si512, _mm512_mask_add_epi32, _mm512_mask_blend_epi32,
    _mm512_mask_cmple_epu32_mask, _mm512_permutex2var_epi32, _mm512_permutexvar_epi32, _mm512_set1_epi16, _mm512_set1_epi32,
    _mm512_storeu_si512, _mm512_test_epi32_mask,
};

use super::{Block, Lanes, PairBounds, Plain, Probe, Root, Row, Work, avx2};

/// That this processor has AVX-512 F, BW, VL and DQ, and all that AVX2 code asks for. Only [`Avx512::detect`] makes one.
#[derive(Clone, Copy, Debug)]
pub struct Avx512(());

impl Avx512 {
    /// Asks the processor; the answer is remembered.
    #[inline]
    #[must_use]
    pub fn detect() -> Option<Self> {
        let has_all = super::Avx2::detect().is_some()
            && is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512dq");
        has_all.then_some(Self(()))
    }

    /// Does work that is compiled for such processors.
    #[inline]
    pub fn run<W: Work>(self, work: W) -> W::Output {
        #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx2,bmi1,bmi2,lzcnt,popcnt")]
        fn compiled<W: Work>(work: W, lanes: Avx512) -> W::Output {
            work.run(lanes)
        }
        // SAFETY: there is an `Avx512` only where the processor has all of it.
        unsafe { compiled(work, self) }
    }
}

impl Lanes for Avx512 {
    #[inline(always)]
    fn below16(self, ends: &[i16; 32], count: u32, value: i16) -> u32 {
        // SAFETY: there is an `Avx512` only where the processor has all of it.
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
        unsafe { leaves(root, values) }
    }

    #[inline(always)]
    fn within_pairs(self, bounds: [&PairBounds; 2], addresses: [u32; 2], ports: [u16; 2]) -> [[bool; 2]; 2] {
        // SAFETY: as above.
        unsafe { avx2::within_pairs(bounds, addresses, ports) }
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

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,bmi1,bmi2,lzcnt,popcnt")]
#[inline]
fn below16(ends: &[i16; 32], count: u32, value: i16) -> u32 {
    _bzhi_u32(_mm512_cmpgt_epi16_mask(_mm512_set1_epi16(value), load(ends)), count).count_ones()
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,bmi1,bmi2,lzcnt,popcnt")]
#[inline]
fn below32(ends: &[i32; 16], value: i32) -> u32 {
    _mm512_cmpgt_epi32_mask(_mm512_set1_epi32(value), load(ends)).count_ones()
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,bmi1,bmi2,lzcnt,popcnt")]
#[inline]
fn leaves<const N: usize>(root: &Root, values: &[i32; N]) -> [u32; N] {
    let mut leaves = [0; N];
    let (values, other_values) = values.as_chunks::<LANES>();
    let (found, other_found) = leaves.as_chunks_mut::<LANES>();
    for (values, found) in values.iter().zip(found) {
        *found = sixteen_leaves(root, values);
    }
    for (value, found) in other_values.iter().zip(other_found) {
        *found = root.leaf(*value);
    }
    leaves
}

/// Sixteen values go down the tree side by side. Permutations look at as many bits of a place as they have numbers, which
/// are those that tell the places of a level apart.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,bmi1,bmi2,lzcnt,popcnt")]
#[inline]
fn sixteen_leaves(root: &Root, values: &[i32; LANES]) -> [u32; LANES] {
    let (levels, _) = root.tree.0.as_chunks::<LANES>();
    let (upper, fifth) = (load(&levels[0]), load(&levels[1]));
    let (sixth, seventh) = ([2, 3].map(|part| load(&levels[part])), [4, 5, 6, 7].map(|part| load(&levels[part])));
    let values = load(values);
    // known to nobody but us, or the masked addition becomes three other steps
    let one = _mm512_set1_epi32(std::hint::black_box(1));
    let down = |places, numbers| {
        let next = _mm512_add_epi32(places, places);
        _mm512_mask_add_epi32(next, _mm512_cmpgt_epi32_mask(values, numbers), next, one)
    };
    let places = (0..4).fold(one, |places, _| down(places, _mm512_permutexvar_epi32(places, upper)));
    let places = down(places, _mm512_permutexvar_epi32(places, fifth));
    let places = down(places, _mm512_permutex2var_epi32(sixth[0], places, sixth[1]));
    let is_right = _mm512_test_epi32_mask(places, _mm512_set1_epi32(1 << 5));
    let left = _mm512_permutex2var_epi32(seventh[0], places, seventh[1]);
    let right = _mm512_permutex2var_epi32(seventh[2], places, seventh[3]);
    let places = down(places, _mm512_mask_blend_epi32(is_right, left, right));
    store(_mm512_and_si512(places, _mm512_set1_epi32(Root::LEAVES as i32 - 1)))
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,bmi1,bmi2,lzcnt,popcnt")]
#[inline]
fn store(numbers: __m512i) -> [u32; LANES] {
    let mut stored = [0; LANES];
    // SAFETY: the 64 bytes that are written are the array's; the store asks for no alignment.
    unsafe { _mm512_storeu_si512(stored.as_mut_ptr().cast(), numbers) };
    stored
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,bmi1,bmi2,lzcnt,popcnt")]
#[inline]
fn within_block(block: &Block, probe: &Probe) -> u32 {
    let [low, high] = block.addresses.each_ref().map(|bounds| load(bounds));
    let address = _mm512_cmple_epu32_mask(low, _mm512_set1_epi32(probe.address[0].cast_signed()));
    let address = _mm512_mask_cmple_epu32_mask(address, high, _mm512_set1_epi32(probe.address[1].cast_signed()));
    let [source_low, source_high, destination_low, destination_high] = block.ports.each_ref().map(|bounds| avx2::load(bounds));
    let set = |port: u16| _mm256_set1_epi16(port.cast_signed());
    let source = _mm256_cmple_epu16_mask(source_low, set(probe.source_port[0]));
    let source = _mm256_mask_cmple_epu16_mask(source, source_high, set(probe.source_port[1]));
    let destination = _mm256_mask_cmple_epu16_mask(address, destination_low, set(probe.destination_port[0]));
    let destination = _mm256_mask_cmple_epu16_mask(destination, destination_high, set(probe.destination_port[1]));
    let differ = _mm_xor_si128(avx2::load_short(&block.protocols), _mm_set1_epi8(probe.protocol.cast_signed()));
    let protocol = _mm_mask_testn_epi8_mask(source, differ, avx2::load_short(&block.masks));
    u32::from(destination & protocol)
}

/// The array's bytes.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,bmi1,bmi2,lzcnt,popcnt")]
#[inline]
fn load<T: Plain, const N: usize>(numbers: &[T; N]) -> __m512i {
    const { assert!(size_of::<[T; N]>() == 64) };
    // SAFETY: the 64 bytes that are read are the array's, plain numbers; the load asks for no alignment.
    unsafe { _mm512_loadu_si512(numbers.as_ptr().cast()) }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,bmi1,bmi2,lzcnt,popcnt")]
#[inline]
fn have_common<const W: usize>(one: &Row<W>, other: &Row<W>) -> bool {
    let ((pairs, last), (other_pairs, other_last)) = (one.as_chunks::<2>(), other.as_chunks::<2>());
    let mut common = 0;
    for (one, other) in pairs.iter().zip(other_pairs) {
        common |= _mm512_test_epi32_mask(load(one), load(other));
    }
    for (one, other) in last.iter().zip(other_last) {
        common |= u16::from(_mm256_test_epi32_mask(avx2::load(one), avx2::load(other)));
    }
    common != 0
}

/// Numbers of 32 bits in 512.
const LANES: usize = 16;

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,bmi1,bmi2,lzcnt,popcnt")]
#[inline]
fn first_common<const W: usize, const ROWS: usize>(rows: [&Row<W>; ROWS]) -> Option<u32> {
    let [one, others @ ..] = rows.as_slice() else { return None };
    // eight quads at a time: a bit for each 32 bits that have something in common
    for first in (0..W).step_by(8) {
        let mut common = 0;
        let quads = W.min(first + 8) - first;
        for pair in 0..quads / 2 {
            common |= u64::from(common_in_pair(one, others, first + 2 * pair)) << (LANES * pair);
        }
        if quads % 2 == 1 {
            let quad = first + quads - 1;
            let all = others.iter().fold(avx2::load(&one[quad]), |all, row| _mm256_and_si256(all, avx2::load(&row[quad])));
            common |= u64::from(_mm256_test_epi32_mask(all, all)) << (8 * (quads - 1));
        }
        if common != 0 {
            let at = (first * 4 + common.trailing_zeros() as usize / 2) % (4 * W);
            let word = rows.iter().fold(u64::MAX, |common, row| common & row.as_flattened()[at]);
            return Some(at as u32 * u64::BITS + word.trailing_zeros());
        }
    }
    None
}

/// Which 32 bits of two quads the rows have something in common in.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,bmi1,bmi2,lzcnt,popcnt")]
#[inline]
fn common_in_pair<const W: usize>(one: &Row<W>, others: &[&Row<W>], quad: usize) -> u16 {
    let pair = |row: &Row<W>| load(&[row[quad], row[quad + 1]]);
    let all = others.iter().fold(pair(one), |all, row| _mm512_and_si512(all, pair(row)));
    _mm512_test_epi32_mask(all, all)
}
