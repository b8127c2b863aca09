//! Eight 16-bit tags compared at once.

/// A bit for each of eight tags that is `tag`, the first one's lowest.
#[inline(always)]
#[must_use]
pub fn equal_tags(tags: &[u16; 8], tag: u16) -> u32 {
    #[cfg(target_arch = "x86_64")]
    {
        sse2(tags, tag)
    }
    #[cfg(not(target_arch = "x86_64"))]
    portable(tags, tag)
}

/// SSE2 is part of x86-64: nothing to ask for at run time.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn sse2(tags: &[u16; 8], tag: u16) -> u32 {
    use std::arch::x86_64::{_mm_cmpeq_epi16, _mm_loadu_si128, _mm_movemask_epi8, _mm_packs_epi16, _mm_set1_epi16, _mm_setzero_si128};
    // SAFETY: the processor has SSE2, as above; the array is 16 bytes long, and an unaligned load may begin anywhere.
    unsafe {
        let equal = _mm_cmpeq_epi16(_mm_loadu_si128(tags.as_ptr().cast()), _mm_set1_epi16(tag.cast_signed()));
        _mm_movemask_epi8(_mm_packs_epi16(equal, _mm_setzero_si128())).cast_unsigned()
    }
}

/// The same, one after the other.
#[cfg(any(test, not(target_arch = "x86_64")))]
fn portable(tags: &[u16; 8], tag: u16) -> u32 {
    (0..).zip(tags).fold(0, |bits, (place, &own)| bits | u32::from(own == tag) << place)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn eight_at_once_are_one_after_the_other(tags: [u16; 8], few in prop::array::uniform8(0..3_u16), tag: u16) {
            prop_assert_eq!(equal_tags(&tags, tag), portable(&tags, tag));
            prop_assert_eq!(equal_tags(&tags, tags[3]), portable(&tags, tags[3]));
            for tag in 0..3 {
                prop_assert_eq!(equal_tags(&few, tag), portable(&few, tag));
            }
        }
    }
}
