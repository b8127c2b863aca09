//! Twelve 16-bit numbers compared at once.

/// Tags of a bucket.
pub const TAGS: usize = 10;
/// Numbers that are compared: the tags, and what stands behind them.
pub const LANES: usize = 12;

/// A bit for each number that is `tag`, the first one's lowest.
#[inline(always)]
#[must_use]
pub fn equal_tags(tags: &[u16; LANES], tag: u16) -> u32 {
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
fn sse2(tags: &[u16; LANES], tag: u16) -> u32 {
    use std::arch::x86_64::{_mm_cmpeq_epi16, _mm_loadl_epi64, _mm_loadu_si128, _mm_movemask_epi8, _mm_packs_epi16, _mm_set1_epi16};
    let [_, _, _, _, _, _, _, _, last_four @ ..] = tags;
    // SAFETY: the processor has SSE2, as above. The loads read 16 bytes, those of the first eight of twelve numbers, and 8
    // bytes, those of the array of the last four; both may begin anywhere.
    let mask = unsafe {
        let wanted = _mm_set1_epi16(tag.cast_signed());
        let first = _mm_cmpeq_epi16(_mm_loadu_si128(tags.as_ptr().cast()), wanted);
        let last = _mm_cmpeq_epi16(_mm_loadl_epi64(last_four.as_ptr().cast()), wanted);
        _mm_movemask_epi8(_mm_packs_epi16(first, last)).cast_unsigned()
    };
    // Behind the last four there were zeros.
    mask & 0xfff
}

/// The same, one after the other.
#[cfg(any(test, not(target_arch = "x86_64")))]
fn portable(tags: &[u16; LANES], tag: u16) -> u32 {
    (0..).zip(tags).fold(0, |bits, (place, &own)| bits | u32::from(own == tag) << place)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn all_at_once_are_one_after_the_other(tags: [u16; LANES], few in prop::array::uniform12(0..3_u16), tag: u16) {
            prop_assert_eq!(equal_tags(&tags, tag), portable(&tags, tag));
            for place in 0..LANES {
                prop_assert_eq!(equal_tags(&tags, tags[place]), portable(&tags, tags[place]));
            }
            for tag in 0..3 {
                prop_assert_eq!(equal_tags(&few, tag), portable(&few, tag));
            }
        }
    }
}
