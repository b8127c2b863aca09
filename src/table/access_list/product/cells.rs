//! Every class of sources with every class of destinations: a cell, and the rules that take both.

use std::ops::Range;

use super::super::five_tuple::FiveTupleRule;
use super::addresses::Classes;
use super::lists::Numbers;
use super::services::Conditions;

/// How many cells a build fills at most; one that is filled again counts again.
const MOST_FILLED: usize = 1 << 23;

/// How many lists it makes at most, with those that others have taken the place of in the end.
const MOST_LISTS: usize = 1 << 20;

/// Rules one after the other that name the same addresses.
#[derive(Clone, Copy, Debug)]
struct Run {
    first: u32,
    behind: u32,
    ranges: [u32; 2],
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

/// The lists of all cells.
#[derive(Debug)]
pub(super) struct Cells {
    /// Row after row, a row for each class of sources.
    pub(super) lists: Vec<u32>,
    runs: Vec<Run>,
    nodes: Vec<Node>,
    /// What each list became when a run was put before it the last time.
    changed: Vec<u32>,
}

impl Cells {
    const EMPTY: u32 = 0;

    /// Of these rules. `None` where there is more to fill than is worth it.
    pub(super) fn new(rules: &[FiveTupleRule], [sources, destinations]: [&Classes; 2]) -> Option<Self> {
        let runs = runs(rules, [sources, destinations]);
        let boxes = || runs.iter().map(|run| [sources.of_range(run.ranges[0]), destinations.of_range(run.ranges[1])]);
        if boxes().map(|[rows, columns]| rows.len() * columns.len()).sum::<usize>() > MOST_FILLED {
            return None;
        }
        let nothing = Node { run: u32::MAX, others: Self::EMPTY };
        let count = sources.count * destinations.count;
        let mut cells = Self { lists: vec![Self::EMPTY; count], runs: Vec::new(), nodes: vec![nothing], changed: vec![Self::EMPTY] };
        // from the last to the first: each stands before what is there
        for (number, (run, [rows, columns])) in runs.iter().zip(boxes()).enumerate().rev() {
            let begun = cells.nodes.len() as u32;
            for row in rows {
                let row = *row as usize * destinations.count..(*row as usize + 1) * destinations.count;
                cells.put_before(number as u32, run.takes_all, row, columns, begun);
            }
            if cells.nodes.len() > MOST_LISTS {
                return None;
            }
        }
        Some(Self { runs, ..cells })
    }

    /// Puts a run before the lists of these columns in a row of cells. What was one list stays one: those made since this
    /// run was begun are numbered from `begun` on.
    #[inline]
    fn put_before(&mut self, run: u32, takes_all: bool, row: Range<usize>, columns: &[u32], begun: u32) {
        let Some(row) = self.lists.get_mut(row) else { return };
        for column in columns {
            let Some(list) = row.get_mut(*column as usize) else { continue };
            let others = if takes_all { Self::EMPTY } else { *list };
            let Some(changed) = self.changed.get_mut(others as usize) else { continue };
            if *changed < begun {
                *changed = self.nodes.len() as u32;
                *list = *changed;
                self.nodes.push(Node { run, others });
                self.changed.push(Self::EMPTY);
            } else {
                *list = *changed;
            }
        }
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

fn runs(rules: &[FiveTupleRule], [sources, destinations]: [&Classes; 2]) -> Vec<Run> {
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
