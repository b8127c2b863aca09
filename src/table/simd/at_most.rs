//! Which of sixteen numbers are at most a key: one step of a search.

/// Numbers that sixteen of can be compared with a key at once.
pub trait Lane: Copy + Ord {
    /// The largest of all numbers.
    const MAX: Self;
    /// Bit *i* is set where number *i* is at most `key`.
    #[must_use]
    fn at_most(numbers: &[Self; 16], key: Self) -> u32;
}

impl Lane for u16 {
    const MAX: Self = Self::MAX;

    #[inline(always)]
    fn at_most(numbers: &[Self; 16], key: Self) -> u32 {
        #[cfg(target_arch = "x86_64")]
        return sse2::of_16_bits(numbers, key);
        #[cfg(not(target_arch = "x86_64"))]
        portable(numbers, key)
    }
}

impl Lane for u32 {
    const MAX: Self = Self::MAX;

    #[inline(always)]
    fn at_most(numbers: &[Self; 16], key: Self) -> u32 {
        #[cfg(target_arch = "x86_64")]
        return sse2::of_32_bits(numbers, key);
        #[cfg(not(target_arch = "x86_64"))]
        portable(numbers, key)
    }
}

impl Lane for u64 {
    const MAX: Self = Self::MAX;

    #[inline(always)]
    fn at_most(numbers: &[Self; 16], key: Self) -> u32 {
        portable(numbers, key)
    }
}

/// The plain way, which every other must agree with.
#[inline(always)]
fn portable<N: Ord + Copy>(numbers: &[N; 16], key: N) -> u32 {
    numbers.iter().rev().fold(0, |mask, number| mask << 1 | u32::from(*number <= key))
}

/// SSE2 is part of x86-64: nothing has to be asked for at run time, and the steps are inlined into the searches.
#[cfg(target_arch = "x86_64")]
mod sse2 {
    use std::arch::x86_64::{
        __m128i, _mm_cmpeq_epi16, _mm_cmpgt_epi32, _mm_loadu_si128, _mm_movemask_epi8, _mm_packs_epi16, _mm_packs_epi32, _mm_set1_epi16,
        _mm_set1_epi32, _mm_setzero_si128, _mm_subs_epu16, _mm_xor_si128,
    };

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
    fn load<N: Copy, const REGISTERS: usize>(numbers: &[N; 16]) -> [__m128i; REGISTERS] {
        const { assert!(size_of::<[N; 16]>() == REGISTERS * 16) };
        let start = numbers.as_ptr().cast::<__m128i>();
        // SAFETY: the array is exactly as long as the registers, checked above, and the load asks for no alignment.
        std::array::from_fn(|register| unsafe { _mm_loadu_si128(start.add(register)) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn sixteen_bits_are_compared_like_the_plain_way(numbers: [u16; 16], key: u16, near in 0usize..16) {
            for key in [key, numbers[near], numbers[near].wrapping_sub(1), numbers[near].wrapping_add(1), 0, u16::MAX] {
                prop_assert_eq!(u16::at_most(&numbers, key), portable(&numbers, key));
            }
        }

        #[test]
        fn thirty_two_bits_are_compared_like_the_plain_way(numbers: [u32; 16], key: u32, near in 0usize..16) {
            for key in [key, numbers[near], numbers[near].wrapping_sub(1), numbers[near].wrapping_add(1), 0, u32::MAX] {
                prop_assert_eq!(u32::at_most(&numbers, key), portable(&numbers, key));
            }
        }

        #[test]
        fn the_plain_way_sets_a_bit_for_each_number_that_is_at_most_the_key(numbers: [u64; 16], key: u64, near in 0usize..16) {
            for key in [key, numbers[near], 0, u64::MAX] {
                let mask = u64::at_most(&numbers, key);
                for (lane, number) in numbers.iter().enumerate() {
                    prop_assert_eq!(mask >> lane & 1 == 1, *number <= key);
                }
                prop_assert_eq!(mask >> 16, 0);
            }
        }
    }
}
