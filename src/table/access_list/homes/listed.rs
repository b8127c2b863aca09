//! The lists of a home: the rules that an interval of numbers meets there, without those that others keep from matching.

use std::collections::HashMap;

use super::super::five_tuple::FiveTupleRule;
use super::super::intervals::Intervals;
use super::super::lists::Lists;
use super::assign::LONGEST;
use super::home::Home;
use super::record::FIRST;
use super::shadow::Lit;
use crate::table::simd::{self, Lanes, Work};

/// Intervals and their lists.
#[derive(Debug)]
pub(super) struct Listed {
    /// First numbers of the intervals, ascending, beginning with 0.
    pub(super) starts: Vec<u32>,
    /// The number of each interval's list.
    pub(super) list_at: Vec<u32>,
    /// Where each list begins; one more than there are lists.
    offsets: Vec<u32>,
    rules: Vec<u32>,
    /// Rules that some list had no room for.
    pub(super) left_over: Vec<u32>,
}

impl Listed {
    /// Of the rules that are at home here, ascending.
    pub(super) fn new(rules: &[FiveTupleRule], at_home: &[u32], home: Home) -> Self {
        let ranges: Vec<(u32, u32)> =
            at_home.iter().map(|rule| rules.get(*rule as usize).map_or(Intervals::NOTHING, |rule| home.own(rule))).collect();
        let Intervals { starts, spans } = Intervals::new(ranges.into_iter(), home.last());
        let lists = Lists::new(starts.len(), at_home, &spans);
        simd::run(Listing { rules, home, starts, lists: &lists })
    }

    /// How many lists there are.
    pub(super) fn count(&self) -> usize {
        self.offsets.len() - 1
    }

    /// All lists in order.
    pub(super) fn lists(&self) -> impl Iterator<Item = &[u32]> {
        (0..self.count() as u32).map(|number| self.list(number))
    }

    /// The rules of a list, ascending.
    pub(super) fn list(&self, number: u32) -> &[u32] {
        match self.offsets.get(number as usize..number as usize + 2) {
            Some(&[from, to]) => self.rules.get(from as usize..to as usize).unwrap_or_default(),
            _ => &[],
        }
    }
}

/// Lists to be looked through.
struct Listing<'a> {
    rules: &'a [FiveTupleRule],
    home: Home,
    starts: Vec<u32>,
    lists: &'a Lists,
}

impl Work for Listing<'_> {
    type Output = Listed;

    #[inline(always)]
    fn run(self, lanes: impl Lanes) -> Listed {
        let Self { rules, home, starts, lists } = self;
        let mut listed =
            Listed { list_at: Vec::with_capacity(starts.len()), starts, offsets: vec![0], rules: Vec::new(), left_over: Vec::new() };
        let mut known: HashMap<&[u32], u32, foldhash::fast::FixedState> = HashMap::default();
        let mut lit = Lit::new(rules, home);
        for interval in 0..listed.starts.len() {
            let list = lists.list(interval);
            let new = listed.count() as u32;
            let number = if lists.is_unlike_others(interval) { new } else { *known.entry(list).or_insert(new) };
            listed.list_at.push(number);
            if number == new {
                listed.add(lanes, list, &mut lit);
            }
        }
        listed.left_over.sort_unstable();
        listed.left_over.dedup();
        listed
    }
}

impl Listed {
    #[inline(always)]
    fn add(&mut self, lanes: impl Lanes, list: &[u32], lit: &mut Lit<'_>) {
        // what a record has room for costs nothing
        if list.len() <= FIRST {
            self.rules.extend_from_slice(list);
        } else {
            lit.clear();
            for rule in list {
                if lit.covers(lanes, *rule) {
                    continue;
                }
                if lit.numbers.len() < usize::from(LONGEST) { lit.add(*rule) } else { self.left_over.push(*rule) }
            }
            self.rules.extend_from_slice(&lit.numbers);
        }
        self.offsets.push(self.rules.len() as u32);
    }
}
