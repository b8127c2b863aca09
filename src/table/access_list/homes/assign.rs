//! Which rules live where.

use super::super::five_tuple::FiveTupleRule;
use super::super::intervals::Intervals;
use super::side::Direction;

/// Most rules in one list.
pub(in super::super) const LONGEST: u16 = 2 + 8 * 8;

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

/// Assigns rules to homes. Rules that match nothing are nowhere.
pub(in super::super) fn assign(rules: &[FiveTupleRule]) -> Assignment {
    let [sources, destinations] =
        [Direction::Source, Direction::Destination].map(|direction| Intervals::new(rules.iter().map(|rule| direction.own(rule)), u32::MAX));
    let sizes = [sources.starts.len(), destinations.starts.len()];
    let spans = rules.iter().zip(sources.spans).zip(destinations.spans);
    let spans: Vec<Option<Spans>> = spans.map(|((rule, from), to)| (!rule.is_empty()).then_some([from, to])).collect();
    let trials = LIMITS.into_iter().map(|limit| under_limit(&spans, sizes, limit));
    trials.min_by_key(|assignment| assignment.cost).unwrap_or_default()
}

/// The homes that rules have where none lives in more than `limit` intervals.
fn under_limit(spans: &[Option<Spans>], intervals: [usize; 2], limit: u32) -> Assignment {
    let mut crowds = Crowds(intervals.map(|count| vec![0; count]));
    let mut assignment = Assignment::default();
    for (rule, spans) in (0..).zip(spans) {
        let Some(spans) = spans else { continue };
        match crowds.home(spans, limit) {
            Some(direction) => {
                crowds.add(spans, direction);
                assignment.at_home[direction as usize].push(rule);
            }
            None => assignment.wide.push(rule),
        }
    }
    assignment.cost = crowds.cost() + wide_cost(assignment.wide.len());
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
struct Crowds([Vec<u16>; 2]);

impl Crowds {
    /// Where a rule is to live: on the narrower side; where both are narrow, in the shorter lists.
    fn home(&self, spans: &Spans, limit: u32) -> Option<Direction> {
        let [source, destination] = spans.map(length);
        let narrower = if destination < source { Direction::Destination } else { Direction::Source };
        let both_narrow = source.max(destination) <= NARROW;
        let first = if both_narrow { self.quieter(spans) } else { narrower };
        [first, first.opposite()].into_iter().find(|direction| self.has_room(spans, *direction, limit))
    }

    fn quieter(&self, spans: &Spans) -> Direction {
        let (from, to) = (self.longest(spans, Direction::Source), self.longest(spans, Direction::Destination));
        if to < from { Direction::Destination } else { Direction::Source }
    }

    fn has_room(&self, spans: &Spans, direction: Direction, limit: u32) -> bool {
        length(spans[direction as usize]) <= limit && self.longest(spans, direction) < LONGEST
    }

    fn longest(&self, spans: &Spans, direction: Direction) -> u16 {
        let (first, last) = spans[direction as usize];
        let lists = self.0[direction as usize].get(first as usize..=last as usize);
        lists.and_then(|lists| lists.iter().max()).copied().unwrap_or(LONGEST)
    }

    /// Instructions for a look at a list of either side, each interval as likely as the other: about 50 for a block of
    /// rules behind the first two.
    fn cost(&self) -> usize {
        let blocks = |lists: &Vec<u16>| lists.iter().map(|rules| usize::from(*rules).saturating_sub(2).div_ceil(8)).sum::<usize>();
        self.0.iter().map(|lists| 50 * blocks(lists) / lists.len().max(1)).sum()
    }

    fn add(&mut self, spans: &Spans, direction: Direction) {
        let (first, last) = spans[direction as usize];
        let lists = self.0[direction as usize].get_mut(first as usize..=last as usize);
        lists.into_iter().flatten().for_each(|rules| *rules += 1);
    }
}
