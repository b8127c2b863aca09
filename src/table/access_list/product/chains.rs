//! Lists of rules that have their ends in common.

use super::super::five_tuple::FiveTupleRule;
use super::addresses::Classes;
use super::lists::Numbers;
use super::services::Conditions;

/// Rules one after the other that name the same addresses.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    first: u32,
    behind: u32,
    pub(super) ranges: [u32; 2],
    /// One of them takes whatever these addresses send: nothing comes behind it.
    takes_all: bool,
}

/// A list: a run, and the list of the runs behind it. The first node stands for the empty one.
#[derive(Clone, Copy, Debug)]
struct Node {
    /// The run's number.
    run: u32,
    others: u32,
}

/// Lists of runs.
#[derive(Debug)]
pub(super) struct Chains {
    runs: Vec<Run>,
    nodes: Vec<Node>,
    /// What each list became when a run was put before it the last time.
    changed: Vec<u32>,
    /// How many lists there were before this run.
    begun: u32,
    /// The run that is put before lists, and what it leaves of none of them.
    run: u32,
    takes_all: bool,
}

impl Chains {
    const EMPTY: u32 = 0;

    /// Of these runs; none but the empty one.
    pub(super) fn new(runs: Vec<Run>) -> Self {
        let nothing = Node { run: u32::MAX, others: Self::EMPTY };
        Self { runs, nodes: vec![nothing], changed: vec![Self::EMPTY], begun: 1, run: u32::MAX, takes_all: false }
    }

    /// How many lists there are, or were.
    pub(super) fn count(&self) -> usize {
        self.nodes.len()
    }

    /// From now on it is this run that is put before lists.
    pub(super) fn begin(&mut self, run: u32) {
        (self.begun, self.run) = (self.nodes.len() as u32, run);
        self.takes_all = self.runs.get(run as usize).is_some_and(|run| run.takes_all);
    }

    /// The list that has the run before this one. What was one list stays one: those made since the run was begun are
    /// numbered from `begun` on.
    #[inline]
    pub(super) fn before(&mut self, list: u32) -> u32 {
        let others = if self.takes_all { Self::EMPTY } else { list };
        let Some(changed) = self.changed.get_mut(others as usize) else { return list };
        if *changed >= self.begun {
            return *changed;
        }
        let new = self.nodes.len() as u32;
        *changed = new;
        self.nodes.push(Node { run: self.run, others });
        self.changed.push(Self::EMPTY);
        new
    }

    /// For each list that there is, or was while cells were filled, the number of its shape. Lists of the same shape have
    /// the same conditions in the same order.
    pub(super) fn shapes(&self, conditions: &Conditions) -> Vec<u32> {
        let mut of_runs: Numbers<&[u16]> = Numbers::new();
        let mut of_lists: Numbers<(u32, u32)> = Numbers::new();
        let mut shapes: Vec<u32> = Vec::with_capacity(self.nodes.len());
        let mut last = (u32::MAX, of_runs.of(&[]));
        for Node { run, others } in &self.nodes {
            if last.0 != *run {
                let rules = self.runs.get(*run as usize).and_then(|run| conditions.of_rules.get(run.first as usize..run.behind as usize));
                last = (*run, of_runs.of(rules.unwrap_or_default()));
            }
            // the list behind was made before
            let behind = shapes.get(*others as usize).copied().unwrap_or(u32::MAX);
            shapes.push(of_lists.of((last.1, behind)));
        }
        shapes
    }

    /// The rules of a list, ascending.
    pub(super) fn rules(&self, list: u32) -> impl Iterator<Item = u32> {
        self.runs(list).flat_map(|run| run.first..run.behind)
    }

    /// Adds the rules that have these places in a list, ascending.
    pub(super) fn at_places(&self, list: u32, places: &[u32], rules: &mut Vec<u32>) {
        let mut places = places.iter().peekable();
        let mut before = 0;
        for run in self.runs(list) {
            let length = run.behind - run.first;
            while let Some(place) = places.next_if(|place| **place < before + length) {
                rules.push(run.first + place - before);
            }
            if places.peek().is_none() {
                return;
            }
            before += length;
        }
    }

    fn runs(&self, list: u32) -> impl Iterator<Item = &Run> {
        let node = |list: u32| (list != Self::EMPTY).then(|| self.nodes.get(list as usize)).flatten();
        std::iter::successors(node(list), move |before| node(before.others)).filter_map(|node| self.runs.get(node.run as usize))
    }
}

/// The runs of rules, first to be tried first.
pub(super) fn runs(rules: &[FiveTupleRule], [sources, destinations]: [&Classes; 2]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for (number, (rule, ranges)) in (0..).zip(rules.iter().zip(sources.of_rules.iter().zip(&destinations.of_rules))) {
        if rule.is_empty() {
            continue;
        }
        let ranges = [*ranges.0, *ranges.1];
        let takes_all = rule.source_ports == (0..=u16::MAX) && rule.destination_ports == (0..=u16::MAX) && rule.protocol.mask == 0;
        match runs.last_mut() {
            Some(run) if run.ranges == ranges && run.behind == number => {
                run.behind += 1;
                run.takes_all |= takes_all;
            }
            _ => runs.push(Run { first: number, behind: number + 1, ranges, takes_all }),
        }
    }
    runs
}
