//! Every class of sources with every class of destinations: a cell, and the rules that take both.

use super::super::five_tuple::FiveTupleRule;
use super::addresses::Classes;
use super::chains::{Chains, runs};
use super::pages::{Pages, WIDTH, positions};

/// What a build may take; where it takes more, it is given up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// How many rows are changed, at how many positions; what is changed again counts again.
    steps: usize,
    /// How many pages are made or changed.
    changed: usize,
    /// How many pages there are at a time.
    pages: usize,
    /// How many lists are made, with those that others have taken the place of in the end.
    lists: usize,
}

impl Limits {
    /// About a tenth of a second, and what a table of 20 MB is made in.
    pub(super) const USUAL: Self = Self { steps: 1 << 23, changed: 1 << 20, pages: 1 << 18, lists: 1 << 20 };

    fn allow(&self, cells: &Cells) -> bool {
        cells.chains.count() <= self.lists && cells.pages.work() <= self.changed && cells.pages.count() <= self.pages
    }
}

/// The lists of all cells.
#[derive(Debug)]
pub(super) struct Cells {
    /// The number of each cell's list: a row for each class of sources, a column for each class of destinations.
    pub(super) pages: Pages,
    pub(super) chains: Chains,
}

impl Cells {
    /// Of these rules. `None` where there is more to change than is worth it.
    pub(super) fn new(rules: &[FiveTupleRule], [sources, destinations]: [&Classes; 2], limits: Limits) -> Option<Self> {
        let runs = runs(rules, [sources, destinations]);
        let boxes: Vec<[&[u32]; 2]> =
            runs.iter().map(|run| [sources.of_range(run.ranges[0]), destinations.of_range(run.ranges[1])]).collect();
        if boxes.iter().map(|[rows, columns]| rows.len() * positions_of(columns)).sum::<usize>() > limits.steps {
            return None;
        }
        let mut cells = Self { pages: Pages::new(sources.count, destinations.count), chains: Chains::new(runs) };
        // from the last to the first: each stands before what is there
        for (run, [rows, columns]) in boxes.iter().enumerate().rev() {
            cells.chains.begin(run as u32);
            cells.put_before(rows, columns);
            if !limits.allow(&cells) {
                return None;
            }
        }
        Some(cells)
    }

    /// Puts the run that was begun before the lists of these columns in these rows of cells.
    fn put_before(&mut self, rows: &[u32], columns: &[u32]) {
        for columns in columns.chunk_by(|one, next| *one as usize / WIDTH == *next as usize / WIDTH) {
            let position = columns.first().map_or(0, |column| *column as usize / WIDTH);
            self.pages.change(position, rows, |page| {
                for column in columns {
                    page.get_mut(*column as usize % WIDTH).into_iter().for_each(|list| *list = self.chains.before(*list));
                }
            });
        }
    }
}

/// How many pages of a row have some of these ascending columns; no fewer, at least.
fn positions_of(columns: &[u32]) -> usize {
    match columns {
        [first, .., last] => positions(*last as usize + 1) - *first as usize / WIDTH,
        others => others.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::addresses::Ranges;
    use super::*;
    use crate::table::access_list::five_tuple::MaskedProtocol;

    fn rule(source: u32, destination: u32) -> FiveTupleRule {
        FiveTupleRule {
            sources: 3 * source..=3 * source,
            destinations: 0..=3 * destination,
            source_ports: 0..=9,
            destination_ports: 0..=9,
            protocol: MaskedProtocol::ANY,
        }
    }

    /// What takes more than one of the limits is given up.
    #[test]
    fn builds_keep_to_their_limits() {
        let rules: Vec<FiveTupleRule> = (0..40).map(|at| rule(at % 7, at)).collect();
        let classes = |ranges: &mut dyn Iterator<Item = (u32, u32)>| Classes::new(Ranges::new(ranges)).unwrap();
        let sources = classes(&mut rules.iter().map(|rule| (*rule.sources.start(), *rule.sources.end())));
        let destinations = classes(&mut rules.iter().map(|rule| (*rule.destinations.start(), *rule.destinations.end())));
        let new = |limits| Cells::new(&rules, [&sources, &destinations], limits);
        let built = new(Limits::USUAL).unwrap();
        // each has one row and is alone: as many steps as pages are made
        let steps = built.pages.work();
        let enough = Limits { steps, changed: steps, pages: built.pages.count(), lists: built.chains.count() };
        assert!(new(enough).is_some());
        assert!(new(Limits { steps: enough.steps - 1, ..enough }).is_none());
        assert!(new(Limits { changed: enough.changed - 1, ..enough }).is_none());
        assert!(new(Limits { pages: enough.pages - 1, ..enough }).is_none());
        assert!(new(Limits { lists: enough.lists - 1, ..enough }).is_none());
    }
}
