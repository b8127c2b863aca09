//! How many of sixteen ascending numbers are at most a key: one step of a search.

/// Numbers that sixteen of can be compared with a key at once.
pub trait Lane: Copy + Ord {
    /// The largest of all numbers.
    const MAX: Self;
    /// How many of sixteen ascending numbers are at most `key`.
    #[must_use]
    fn at_most(numbers: &[Self; 16], key: Self) -> usize;
}

impl Lane for u16 {
    const MAX: Self = Self::MAX;

    #[inline(always)]
    fn at_most(numbers: &[Self; 16], key: Self) -> usize {
        #[cfg(target_arch = "x86_64")]
        return (!sse2::of_16_bits(numbers, key)).trailing_zeros() as usize;
        #[cfg(not(target_arch = "x86_64"))]
        portable(numbers, key)
    }
}

impl Lane for u32 {
    const MAX: Self = Self::MAX;

    #[inline(always)]
    fn at_most(numbers: &[Self; 16], key: Self) -> usize {
        #[cfg(target_arch = "x86_64")]
        return (!sse2::of_32_bits(numbers, key)).trailing_zeros() as usize;
        #[cfg(not(target_arch = "x86_64"))]
        portable(numbers, key)
    }
}

impl Lane for u64 {
    const MAX: Self = Self::MAX;

    #[inline(always)]
    fn at_most(numbers: &[Self; 16], key: Self) -> usize {
        portable(numbers, key)
    }
}

/// The plain way, which every other must agree with.
#[inline(always)]
fn portable<N: Ord + Copy>(numbers: &[N; 16], key: N) -> usize {
    numbers.iter().map(|number| usize::from(*number <= key)).sum()
}

/// SSE2 is part of x86-64: nothing has to be asked for at run time, and the steps are inlined into the searches.
#[cfg(target_arch = "x86_64")]
mod sse2 {
    use std::arch::x86_64::{
        __m128i, _mm_cmpeq_epi16, _mm_cmpgt_epi32, _mm_loadu_si128, _mm_movemask_epi8, _mm_packs_epi16, _mm_packs_epi32, _mm_set1_epi16,
        _mm_set1_epi32, _mm_setzero_si128, _mm_subs_epu16, _mm_xor_si128,
    };

    use super::super::Plain;

    /// Bit *i* is set where number *i* is at most the key.
    #[inline(always)]
    pub(super) fn of_16_bits(numbers: &[u16; 16], key: u16) -> u32 {
        let [low, high] = load(numbers);
        // SAFETY: SSE2 is part of x86-64.
        unsafe {
            let key = _mm_set1_epi16(key.cast_signed());
            let zero = _mm_setzero_si128();
            // What is left of a number after a saturating subtraction of the key is nothing where it is at most the key.
            let low = _mm_cmpeq_epi16(_mm_subs_epu16(low, key), zero);
            let high = _mm_cmpeq_epi16(_mm_subs_epu16(high, key), zero);
            _mm_movemask_epi8(_mm_packs_epi16(low, high)).cast_unsigned()
        }
    }

    /// The same for numbers of 32 bits.
    #[inline(always)]
    pub(super) fn of_32_bits(numbers: &[u32; 16], key: u32) -> u32 {
        let [a, b, c, d] = load(numbers);
        // SAFETY: SSE2 is part of x86-64.
        unsafe {
            // There are signed comparisons only: with the first bit turned over their order is the unsigned one.
            let turn = _mm_set1_epi32(i32::MIN);
            let key = _mm_xor_si128(_mm_set1_epi32(key.cast_signed()), turn);
            let above = |numbers| _mm_cmpgt_epi32(_mm_xor_si128(numbers, turn), key);
            let low = _mm_packs_epi32(above(a), above(b));
            let high = _mm_packs_epi32(above(c), above(d));
            !_mm_movemask_epi8(_mm_packs_epi16(low, high)).cast_unsigned() & 0xffff
        }
    }

    /// The numbers as registers of 16 bytes.
    #[inline(always)]
    fn load<N: Plain, const REGISTERS: usize>(numbers: &[N; 16]) -> [__m128i; REGISTERS] {
        const { assert!(size_of::<[N; 16]>() == REGISTERS * 16) };
        let start = numbers.as_ptr().cast::<__m128i>();
        // SAFETY: the array is of plain numbers and exactly as long as the registers, checked above, and the load asks for no alignment.
        std::array::from_fn(|register| unsafe { _mm_loadu_si128(start.add(register)) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_are_counted_like_the_plain_way(mut numbers: [u32; 16], key: u32, near in 0usize..16, few in 1u32..9) {
            for divisor in [1, few << 27] {
                numbers.iter_mut().for_each(|number| *number /= divisor);
                numbers.sort_unstable();
                let short: [u16; 16] = std::array::from_fn(|lane| (numbers[lane] >> 16) as u16);
                for key in [key, numbers[near], numbers[near].wrapping_sub(1), numbers[near].wrapping_add(1), 0, 1 << 31, u32::MAX] {
                    prop_assert_eq!(u32::at_most(&numbers, key), portable(&numbers, key));
                    prop_assert_eq!(u16::at_most(&short, (key >> 16) as u16), portable(&short, (key >> 16) as u16));
                }
            }
        }
    }
}
