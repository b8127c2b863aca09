//! Ranges cut at each other's ends: intervals in which no range begins or ends.

/// First values of the intervals that `ranges` cut all numbers up to `last` into, ascending, beginning with 0. Backwards
/// ranges cut nothing.
pub(super) fn cut(ranges: impl Iterator<Item = (u32, u32)>, last: u32) -> Vec<u32> {
    let mut starts = vec![0];
    for (low, high) in ranges.filter(|(low, high)| low <= high) {
        starts.push(low);
        if high < last {
            starts.push(high + 1);
        }
    }
    starts.sort_unstable();
    starts.dedup();
    starts
}

/// Number of the interval, of those that begin at `starts`, that holds `value`.
pub(super) fn holding(starts: &[u32], value: u32) -> usize {
    starts.partition_point(|start| *start <= value).saturating_sub(1)
}
