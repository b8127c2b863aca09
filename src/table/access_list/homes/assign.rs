//! Which rules live where.

use super::super::five_tuple::FiveTupleRule;
use super::super::intervals::Intervals;
use super::home::Home;
use super::record::FIRST;
use crate::table::simd::BLOCK;

/// Most rules in one list.
pub(in super::super) const LONGEST: u16 = (FIRST + 8 * BLOCK) as u16;

/// Most rules in one list before those are left out that others keep from matching.
const MOST_MET: u16 = 4 * LONGEST;

/// How many intervals rules cover at most, all together: what a build has the time to look at.
const MOST_COVERED: usize = 1 << 17;
/// And so many more for each rule.
const COVERED_FOR_EACH_RULE: usize = 24;

/// How many intervals a rule may at most live in; rules that cover more on both sides are wide. The cheapest is taken.
const LIMITS: [u32; 3] = [16, 128, 1_024];

/// A rule that covers no more than this on both sides may live on either.
const NARROW: u32 = 4;

/// Rules by where they live, each list ascending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Assignment {
    /// With their sources, with their destinations.
    pub(in super::super) at_home: [Vec<u32>; 2],
    /// Wide on both sides.
    pub(in super::super) wide: Vec<u32>,
    /// Instructions that a lookup is expected to take behind the lists' first rules.
    pub(in super::super) cost: usize,
}

/// First and last interval that a rule covers, of sources and of destinations.
type Spans = [(u32, u32); 2];

const fn length((first, last): (u32, u32)) -> u32 {
    last - first + 1
}

/// Assigns those of the rules that are `live` to homes. So many `others` are wide already.
pub(super) fn assign(rules: &[FiveTupleRule], live: &[u32], others: usize) -> Assignment {
    let ranges =
        |home: Home| -> Vec<(u32, u32)> { live.iter().filter_map(|rule| rules.get(*rule as usize)).map(|rule| home.own(rule)).collect() };
    let [sources, destinations] = [Home::Source, Home::Destination].map(|home| Intervals::new(ranges(home).into_iter(), home.last()));
    let sizes = [sources.starts.len(), destinations.starts.len()];
    let spans: Vec<(u32, Spans)> =
        live.iter().zip(sources.spans.into_iter().zip(destinations.spans)).map(|(rule, (from, to))| (*rule, [from, to])).collect();
    let trials = LIMITS.into_iter().map(|limit| under_limit(&spans, sizes, limit, others));
    trials.min_by_key(|assignment| assignment.cost).unwrap_or_default()
}

/// The homes that rules have where none lives in more than `limit` intervals.
fn under_limit(spans: &[(u32, Spans)], intervals: [usize; 2], limit: u32, others: usize) -> Assignment {
    let mut crowds = Crowds { lists: intervals.map(|count| vec![0; count]), left: [MOST_COVERED + COVERED_FOR_EACH_RULE * spans.len(); 2] };
    let mut assignment = Assignment::default();
    for (rule, spans) in spans {
        match crowds.home(spans, limit) {
            Some(home) => {
                crowds.add(spans, home);
                assignment.at_home[home as usize].push(*rule);
            }
            None => assignment.wide.push(*rule),
        }
    }
    assignment.cost = crowds.cost() + wide_cost(assignment.wide.len() + others);
    assignment
}

/// Instructions for a look at so many wide rules, as counted.
const fn wide_cost(rules: usize) -> usize {
    match rules {
        0 => 0,
        1..=256 => 80,
        _ => 140 * rules.div_ceil(1_024),
    }
}

/// How many rules each interval's list has.
struct Crowds {
    lists: [Vec<u16>; 2],
    /// How many intervals more may be covered.
    left: [usize; 2],
}

impl Crowds {
    /// Where a rule is to live: on the narrower side; where both are narrow, in the shorter lists.
    fn home(&self, spans: &Spans, limit: u32) -> Option<Home> {
        let [source, destination] = spans.map(length);
        let narrower = if destination < source { Home::Destination } else { Home::Source };
        let both_narrow = source.max(destination) <= NARROW;
        let first = if both_narrow { self.quieter(spans) } else { narrower };
        [first, first.opposite()].into_iter().find(|home| self.has_room(spans, *home, limit))
    }

    fn quieter(&self, spans: &Spans) -> Home {
        let (from, to) = (self.longest(spans, Home::Source), self.longest(spans, Home::Destination));
        if to < from { Home::Destination } else { Home::Source }
    }

    fn has_room(&self, spans: &Spans, home: Home, limit: u32) -> bool {
        length(spans[home as usize]) <= limit
            && self.longest(spans, home) < MOST_MET
            && length(spans[home as usize]) as usize <= self.left[home as usize]
    }

    fn longest(&self, spans: &Spans, home: Home) -> u16 {
        let (first, last) = spans[home as usize];
        let lists = self.lists[home as usize].get(first as usize..=last as usize);
        lists.and_then(|lists| lists.iter().max()).copied().unwrap_or(MOST_MET)
    }

    /// Instructions for a look at a list of either side, each interval as likely as the other: about 50 for a block of
    /// rules behind the first two.
    fn cost(&self) -> usize {
        let blocks = |lists: &Vec<u16>| lists.iter().map(|rules| usize::from(*rules).saturating_sub(FIRST).div_ceil(BLOCK)).sum::<usize>();
        self.lists.iter().map(|lists| 50 * blocks(lists) / lists.len().max(1)).sum()
    }

    fn add(&mut self, spans: &Spans, home: Home) {
        let (first, last) = spans[home as usize];
        self.left[home as usize] -= length((first, last)) as usize;
        let lists = self.lists[home as usize].get_mut(first as usize..=last as usize);
        lists.into_iter().flatten().for_each(|rules| *rules += 1);
    }
}
