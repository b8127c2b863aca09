//! Source or destination addresses with their lists.

use std::collections::HashMap;

use super::super::five_tuple::FiveTupleRule;
use super::super::rooted::Rooted;
use super::super::wide::{Class, Classes};
use super::home::Home;
use super::listed::Listed;
use super::records::Records;

/// The lists of source or of destination addresses.
#[derive(Clone, Debug)]
pub(super) struct Side {
    /// Address → interval.
    pub(super) intervals: Rooted,
    /// Interval → record. Gaps between prefixes share theirs.
    pub(super) numbers: Vec<u32>,
    pub(super) lists: Records,
}

impl Side {
    /// Of these lists, each with its class among wide rules. `None` as soon as they take more than `budget` bytes.
    pub(super) fn new(rules: &[FiveTupleRule], listed: &Listed, home: Home, classes: &Classes, budget: usize) -> Option<Self> {
        let (mut kept, mut numbers) = (Vec::with_capacity(listed.starts.len()), Vec::with_capacity(listed.starts.len()));
        let mut lists = Records::for_lists(listed.lists());
        let mut known: HashMap<(u32, u32), u32, foldhash::fast::FixedState> =
            HashMap::with_capacity_and_hasher(listed.count(), Default::default());
        let mut last = None;
        for (start, list, class) in laid_over(listed, classes) {
            if last.replace((list, class)) == Some((list, class)) {
                continue;
            }
            let number = *known.entry((list, class.number)).or_insert_with(|| lists.add(rules, listed.list(list), home, class));
            kept.push(start);
            numbers.push(number);
            if lists.memory() > budget {
                return None;
            }
        }
        Some(Self { intervals: Rooted::new(&kept), numbers, lists })
    }

    /// Bytes of memory.
    pub(super) fn memory(&self) -> usize {
        self.intervals.memory() + size_of_val(&*self.numbers) + self.lists.memory()
    }
}

/// The intervals that lists and classes cut addresses into: first address, list, class.
fn laid_over(listed: &Listed, classes: &Classes) -> impl Iterator<Item = (u32, u32, Class)> {
    let mut lists = listed.starts.iter().zip(&listed.list_at).peekable();
    let mut classes = classes.starts.iter().zip(&classes.classes).peekable();
    let (mut list, mut class) = (0, Class::NONE);
    std::iter::from_fn(move || {
        let start = match (lists.peek(), classes.peek()) {
            (Some((one, _)), Some((other, _))) => **one.min(other),
            (Some((start, _)), None) | (None, Some((start, _))) => **start,
            (None, None) => return None,
        };
        lists.next_if(|(from, _)| **from == start).into_iter().for_each(|(_, next)| list = *next);
        classes.next_if(|(from, _)| **from == start).into_iter().for_each(|(_, next)| class = *next);
        Some((start, list, class))
    })
}
