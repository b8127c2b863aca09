//! Sets of small numbers, a bit for each.

/// A set of small numbers.
pub(super) type Bits = Vec<u64>;

/// The members of a set, ascending.
pub(super) fn members(set: &Bits) -> impl Iterator<Item = usize> + '_ {
    set.iter().enumerate().flat_map(|(index, word)| {
        let mut left = *word;
        std::iter::from_fn(move || {
            let bit = left.trailing_zeros() as usize;
            left &= left.checked_sub(1)?;
            Some(index * 64 + bit)
        })
    })
}

/// How many members a set has.
pub(super) fn count(set: &Bits) -> u32 {
    set.iter().map(|word| word.count_ones()).sum()
}

/// Adds all of another set.
pub(super) fn add(set: &mut Bits, other: &Bits) {
    set.iter_mut().zip(other).for_each(|(word, other)| *word |= other);
}

/// Adds a member.
pub(super) fn put(set: &mut Bits, member: usize) {
    if let Some(word) = set.get_mut(member / 64) {
        *word |= 1 << (member % 64);
    }
}

/// Whether a set has a member.
pub(super) fn has(set: &Bits, member: usize) -> bool {
    set.get(member / 64).is_some_and(|word| word >> (member % 64) & 1 == 1)
}
