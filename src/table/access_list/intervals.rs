//! Ranges cut at each other's ends: intervals in which no range begins or ends.

/// The intervals that ranges cut all numbers into, and which of them each range covers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Intervals {
    /// First values, ascending, beginning with 0.
    pub(super) starts: Vec<u32>,
    /// The first and the last interval of each range; of a backwards range, which cuts nothing, [`Intervals::NOTHING`].
    pub(super) spans: Vec<(u32, u32)>,
}

impl Intervals {
    /// The span of a backwards range, itself backwards.
    pub(super) const NOTHING: (u32, u32) = (u32::MAX, 0);

    /// Of all numbers up to `last`, which no range goes beyond.
    pub(super) fn new(ranges: impl ExactSizeIterator<Item = (u32, u32)>, last: u32) -> Self {
        let mut spans = vec![Self::NOTHING; ranges.len()];
        let mut cuts = Vec::with_capacity(2 * spans.len());
        for (range, (low, high)) in (0..).zip(ranges).filter(|(_, (low, high))| low <= high) {
            cuts.push(Cut::new(low, range, false));
            // the end of all numbers is no cut
            cuts.extend((high < last).then(|| Cut::new(high.wrapping_add(1), range, true)));
        }
        sort(&mut cuts);
        let mut starts = Vec::with_capacity(cuts.len() + 1);
        starts.push(0);
        for cut in cuts {
            if starts.last() != Some(&cut.at()) {
                starts.push(cut.at());
            }
            let interval = starts.len() as u32 - 1;
            match spans.get_mut(cut.range()) {
                Some((_, last)) if cut.is_behind() => *last = interval - 1,
                // to the end, until its own is met
                Some(span) => *span = (interval, u32::MAX),
                None => {}
            }
        }
        let end = starts.len() as u32 - 1;
        spans.iter_mut().filter(|span| **span != Self::NOTHING).for_each(|(_, last)| *last = end.min(*last));
        Self { starts, spans }
    }
}

/// Where a range begins, or the first number behind it: number, range, which of both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Cut(u64);

impl Cut {
    fn new(at: u32, range: u32, is_behind: bool) -> Self {
        Self(u64::from(at) << 32 | u64::from(range) << 1 | u64::from(is_behind))
    }

    const fn at(self) -> u32 {
        (self.0 >> 32) as u32
    }

    const fn range(self) -> usize {
        (self.0 as u32 >> 1) as usize
    }

    const fn is_behind(self) -> bool {
        self.0 & 1 == 1
    }
}

/// Bits of a number that one pass of the sort looks at.
const DIGIT: u32 = 11;

/// From so many on, passes over digits are faster than comparisons.
const MANY: usize = 2_048;

/// Sorts by where the cuts are.
fn sort(cuts: &mut Vec<Cut>) {
    if cuts.len() < MANY {
        return cuts.sort_unstable();
    }
    let mut sorted = vec![Cut(0); cuts.len()];
    for shift in [0, DIGIT, 2 * DIGIT] {
        let digit = |cut: &Cut| (cut.at() >> shift) as usize & ((1 << DIGIT) - 1);
        let mut places = [0_u32; 1 << DIGIT];
        cuts.iter().for_each(|cut| places[digit(cut)] += 1);
        let mut before = 0;
        for place in &mut places {
            (*place, before) = (before, before + *place);
        }
        for cut in cuts.iter() {
            let place = &mut places[digit(cut)];
            if let Some(free) = sorted.get_mut(*place as usize) {
                *free = *cut;
            }
            *place += 1;
        }
        std::mem::swap(cuts, &mut sorted);
    }
}
