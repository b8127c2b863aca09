//! Which ranges cover an interval.

/// The rules of each interval, in one piece of memory.
#[derive(Debug)]
pub(super) struct Lists {
    /// Where each list begins; one more than there are lists.
    offsets: Vec<u32>,
    rules: Vec<u32>,
    /// Of each interval, whether it is all that some rule covers: then no other has the same list.
    unlike_others: Vec<bool>,
}

impl Lists {
    /// Of so many intervals; rules and the intervals that they cover go together.
    pub(super) fn new(intervals: usize, rules: &[u32], spans: &[(u32, u32)]) -> Self {
        let mut offsets = vec![0_u32; intervals + 2];
        // counted two places on: after adding up each list's place is one before the next one's, ready to be filled
        for (_, (first, last)) in rules.iter().zip(spans) {
            offsets.get_mut(*first as usize + 2..=*last as usize + 2).into_iter().flatten().for_each(|count| *count += 1);
        }
        let mut before = 0;
        for count in &mut offsets {
            before += *count;
            *count = before;
        }
        let mut all = vec![0; before as usize];
        for (rule, (first, last)) in rules.iter().zip(spans) {
            for offset in offsets.get_mut(*first as usize + 1..=*last as usize + 1).into_iter().flatten() {
                if let Some(place) = all.get_mut(*offset as usize) {
                    *place = *rule;
                }
                *offset += 1;
            }
        }
        let mut unlike_others = vec![false; intervals];
        for (_, (interval, _)) in rules.iter().zip(spans).filter(|(_, (first, last))| first == last) {
            unlike_others.get_mut(*interval as usize).into_iter().for_each(|unlike| *unlike = true);
        }
        Self { offsets, rules: all, unlike_others }
    }

    pub(super) fn is_unlike_others(&self, interval: usize) -> bool {
        self.unlike_others.get(interval).is_some_and(|unlike| *unlike)
    }

    pub(super) fn list(&self, interval: usize) -> &[u32] {
        match self.offsets.get(interval..interval + 2) {
            Some(&[from, to]) => self.rules.get(from as usize..to as usize).unwrap_or_default(),
            _ => &[],
        }
    }
}
