//! Ten 16-bit tags compared at once.

/// Tags that are compared.
pub const TAGS: usize = 10;

/// A bit for each tag that is `tag`, the first one's lowest.
#[inline(always)]
#[must_use]
pub fn equal_tags(tags: &[u16; TAGS], tag: u16) -> u32 {
    #[cfg(target_arch = "x86_64")]
    {
        sse2(tags, tag)
    }
    #[cfg(not(target_arch = "x86_64"))]
    portable(tags, tag)
}

/// SSE2 is part of x86-64: nothing to ask for at run time. The first eight tags and the last eight, each half a mask.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn sse2(tags: &[u16; TAGS], tag: u16) -> u32 {
    use std::arch::x86_64::{_mm_cmpeq_epi16, _mm_loadu_si128, _mm_movemask_epi8, _mm_packs_epi16, _mm_set1_epi16};
    let both = |wanted: u16| {
        let [_, _, last_eight @ ..] = tags;
        // SAFETY: the processor has SSE2, as above. Each load reads 16 bytes: those of the first eight of ten tags, and those
        // of the array of the last eight; an unaligned load may begin anywhere.
        unsafe {
            let wanted = _mm_set1_epi16(wanted.cast_signed());
            let first = _mm_cmpeq_epi16(_mm_loadu_si128(tags.as_ptr().cast()), wanted);
            let last = _mm_cmpeq_epi16(_mm_loadu_si128(last_eight.as_ptr().cast()), wanted);
            _mm_movemask_epi8(_mm_packs_epi16(first, last)).cast_unsigned()
        }
    };
    let mask = both(tag);
    // of the last eight only the last two are new
    mask & 0xff | mask >> 6 & 0x300
}

/// The same, one after the other.
#[cfg(any(test, not(target_arch = "x86_64")))]
fn portable(tags: &[u16; TAGS], tag: u16) -> u32 {
    (0..).zip(tags).fold(0, |bits, (place, &own)| bits | u32::from(own == tag) << place)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn ten_at_once_are_one_after_the_other(tags: [u16; TAGS], few in prop::array::uniform10(0..3_u16), tag: u16) {
            prop_assert_eq!(equal_tags(&tags, tag), portable(&tags, tag));
            for place in 0..TAGS {
                prop_assert_eq!(equal_tags(&tags, tags[place]), portable(&tags, tags[place]));
            }
            for tag in 0..3 {
                prop_assert_eq!(equal_tags(&few, tag), portable(&few, tag));
            }
        }
    }
}
