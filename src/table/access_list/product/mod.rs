//! Lists in which the same addresses are named again and again: every class of sources with every class of destinations
//! is a cell.
//!
//! ```text
//! source      ─▶ class ─┐
//! destination ─▶ class ─┴▶ page ─▶ cell ─▶ list ─▶ shape ─┐
//! ports, protocol ─▶ class ───────────────────────────────┴▶ place in the list ─▶ rule
//! ```
//!
//! A page has the cells of a row in some columns; where sources may send the same there, they share it. Cells with the same
//! rules share a list; lists whose rules have the same conditions on ports and protocol, in the same order, share a shape,
//! which says for every class of services which place in the list is the first to take it. So every header costs the same
//! few reads, whatever the rules.

mod addresses;
mod cells;
mod chains;
mod lists;
mod pages;
mod services;

use super::five_tuple::{FiveTuple, FiveTupleRule};
use super::{AccessList, Batch};
use crate::table::simd::{Lanes, prefetch_at};

use addresses::{Addresses, Classes, Ranges};
use cells::{Cells, Limits};
use lists::Shared;
use pages::{Bound, spread};
use services::Services;

/// Most cells, in all and for each rule, before pages are shared: what there may be page numbers for. Only a build tells
/// how much they share; it has limits of its own.
const MOST_CELLS: usize = 1 << 25;
const CELLS_FOR_EACH_RULE: usize = 256;

/// So many cells are reckoned as one instruction more: the more there are, the fewer of them caches hold.
const CELLS_FOR_AN_INSTRUCTION: usize = 1 << 18;

/// The table.
#[derive(Clone, Debug)]
pub(super) struct Product {
    /// Numbered in rows of cells, and in columns.
    sources: Addresses,
    destinations: Addresses,
    services: Services,
    /// Cells: where their lists begin.
    pages: Bound,
    /// Lists: where the shape begins, then rules.
    lists: Vec<u32>,
    /// Shapes: a place in the list for each class of services.
    shapes: Vec<u8>,
}

impl Product {
    /// The table of `rules`; `None` where lists that take `instructions` more than such a table are expected to be faster,
    /// or where it takes more than `budget` bytes, or more work than it is worth.
    pub(super) fn new(rules: &[FiveTupleRule], instructions: usize, budget: usize) -> Option<Self> {
        let worth = instructions.saturating_mul(CELLS_FOR_AN_INSTRUCTION);
        Self::of_cells(rules, MOST_CELLS.min(CELLS_FOR_EACH_RULE * rules.len()).min(worth), budget)
    }

    /// The same with not more than so many cells.
    pub(super) fn of_cells(rules: &[FiveTupleRule], most: usize, budget: usize) -> Option<Self> {
        let sources = Ranges::new(rules.iter().map(|rule| (*rule.sources.start(), *rule.sources.end())));
        let destinations = Ranges::new(rules.iter().map(|rule| (*rule.destinations.start(), *rule.destinations.end())));
        // nearly every range makes a class of its own: what does not fit is known early
        if sources.count() * destinations.count() > most {
            return None;
        }
        let (sources, destinations) = (Classes::new(sources)?, Classes::new(destinations)?);
        if sources.count * destinations.count > most {
            return None;
        }
        let (services, conditions) = Services::new(rules)?;
        let cells = Cells::new(rules, [&sources, &destinations], Limits::USUAL)?;
        let Shared { pages, lists, shapes } = Shared::new(cells, &conditions, budget)?;
        let rows = sources.count as u32;
        let (sources, destinations) = (sources.addresses(|row| row), destinations.addresses(|column| spread(column, rows)));
        let product = Self { sources, destinations, services, pages, lists, shapes };
        (product.memory() <= budget).then_some(product)
    }

    /// Bytes of memory.
    pub(super) fn memory(&self) -> usize {
        let tables = self.pages.memory() + size_of_val(&*self.lists) + size_of_val(&*self.shapes);
        self.sources.memory() + self.destinations.memory() + self.services.memory() + tables
    }
}

impl Batch for Product {
    /// A step at a time for all headers: each asks the memory for what the next one reads.
    #[inline(always)]
    fn batch<const N: usize>(&self, lanes: impl Lanes, headers: &[FiveTuple; N], matches: &mut [u32; N]) {
        let (mut sources, mut destinations) = ([0; N], [0; N]);
        for ((header, source), destination) in headers.iter().zip(&mut sources).zip(&mut destinations) {
            (*source, *destination) = (header.source, header.destination);
        }
        let (rows, columns) = (self.sources.find(lanes, &sources), self.destinations.find(lanes, &destinations));
        let (mut cells, mut places) = ([0; N], [0; N]);
        for ((cell, row), column) in cells.iter_mut().zip(rows).zip(columns) {
            *cell = self.pages.first_step(row, column);
        }
        for (place, header) in places.iter_mut().zip(headers) {
            *place = self.services.find(header);
        }
        if self.pages.are_shared() {
            for (cell, column) in cells.iter_mut().zip(columns) {
                *cell = self.pages.second_step(*cell, column);
            }
        }
        for cell in &mut cells {
            *cell = self.pages.cells.get(*cell as usize).copied().unwrap_or_default();
            prefetch_at(&self.lists, *cell);
        }
        for (place, list) in places.iter_mut().zip(&cells) {
            *place += self.lists.get(*list as usize).copied().unwrap_or_default();
            prefetch_at(&self.shapes, *place);
        }
        for ((found, list), place) in matches.iter_mut().zip(cells).zip(places) {
            let place = self.shapes.get(place as usize).map_or(0, |place| u32::from(*place));
            *found = self.lists.get((list + place) as usize).copied().unwrap_or(AccessList::NO_MATCH);
        }
    }
}
