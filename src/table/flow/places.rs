//! A few places of a small row, as bits.

/// Some of the places 0 to 31, met in ascending order.
#[derive(Clone, Copy, Debug, Default)]
pub struct Places(u32);

impl Places {
    /// The places of the set bits, the lowest bit's first.
    #[inline(always)]
    pub(super) const fn of(bits: u32) -> Self {
        Self(bits)
    }

    /// Adds a place (below 32) where `is_one` says so, without a branch.
    #[inline(always)]
    pub fn add_if(&mut self, place: usize, is_one: bool) {
        self.0 |= u32::from(is_one) << (place % 32);
    }

    /// The first of them; 32 where there is none.
    #[inline(always)]
    pub(super) const fn first(self) -> usize {
        self.0.trailing_zeros() as usize
    }
}

impl Iterator for Places {
    type Item = usize;

    #[inline(always)]
    fn next(&mut self) -> Option<usize> {
        let place = self.first();
        self.0 &= self.0.wrapping_sub(1);
        (place < 32).then_some(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_come_in_order() {
        let mut places = Places::default();
        for place in [31, 3, 0, 17] {
            places.add_if(place, true);
            places.add_if(place + 1, false);
        }
        assert_eq!(places.collect::<Vec<_>>(), [0, 3, 17, 31]);
        assert_eq!((Places::default().first(), Places::default().next()), (32, None));
    }
}
