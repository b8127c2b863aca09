//! Flat access lists: the first of up to a few hundred thousand five-field rules that matches a header.
//!
//! | rules | table | a lookup reads |
//! |---|---|---|
//! | up to 1,024 | `small`: every rule a bit | two trees, one or two port tables, three to five rows |
//! | more, over few addresses | `product`: a cell for each pair of their classes | two searches, a page, a cell, a list, its shape |
//! | more | `homes`: lists by source, by destination, by port | two roots, two records, seldom more |
//!
//! Tables are built as a whole and never changed: no insertion that a sender could make slow. What a lookup may cost is
//! bounded by the tables, whatever the header.

mod bit_rows;
pub mod five_tuple;
mod homes;
mod intervals;
mod lists;
mod ports;
mod product;
mod rooted;
mod services;
mod small;
#[cfg(test)]
mod tests;
mod tree;
mod wide;

use five_tuple::{FiveTuple, FiveTupleRule};
use homes::{Homes, Plan};
use product::Product;
use small::Small;

use super::simd::{self, Lanes, Work};

/// Why an access list was not built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// The table would take more memory than it may.
    #[error("a table of {rules} rules takes more than the {budget} bytes that it may")]
    OverBudget {
        /// Rules in the list.
        rules: usize,
        /// Bytes it may take.
        budget: usize,
    },
}

/// An immutable access list.
#[derive(Clone, Debug)]
pub struct AccessList {
    table: Table,
}

/// The tables for lists of different sizes.
#[derive(Clone, Debug)]
enum Table {
    UpTo256(Box<Small<1>>),
    UpTo512(Box<Small<2>>),
    UpTo1024(Box<Small<4>>),
    /// Longer ones that name the same addresses again and again.
    Product(Box<Product>),
    /// All others.
    Long(Box<Homes>),
}

impl AccessList {
    /// What [`AccessList::first_matches`] writes where no rule matches.
    pub const NO_MATCH: u32 = u32::MAX;

    /// Builds the table of `rules`, first to be tried first, within `budget` bytes.
    ///
    /// # Errors
    /// [`BuildError::OverBudget`].
    pub fn build(rules: &[FiveTupleRule], budget: usize) -> Result<Self, BuildError> {
        let too_large = BuildError::OverBudget { rules: rules.len(), budget };
        let table = match rules.len() {
            0..=256 => Table::UpTo256(Box::new(Small::new(rules))),
            257..=512 => Table::UpTo512(Box::new(Small::new(rules))),
            513..=1_024 => Table::UpTo1024(Box::new(Small::new(rules))),
            _ => Table::long(rules, budget).ok_or(too_large)?,
        };
        let list = Self { table };
        if list.memory() > budget { Err(too_large) } else { Ok(list) }
    }

    /// Index of the first rule that matches.
    #[must_use]
    pub fn first_match(&self, header: &FiveTuple) -> Option<u32> {
        let mut found = [Self::NO_MATCH];
        self.first_matches(std::slice::from_ref(header), &mut found);
        let [rule] = found;
        (rule != Self::NO_MATCH).then_some(rule)
    }

    /// The same for many headers at once, which is faster: one index (or [`AccessList::NO_MATCH`]) for each, in order,
    /// as far as both slices reach.
    pub fn first_matches(&self, headers: &[FiveTuple], matches: &mut [u32]) {
        let count = headers.len().min(matches.len());
        if let (Some(headers), Some(matches)) = (headers.get(..count), matches.get_mut(..count)) {
            simd::run(Lookup { table: &self.table, headers, matches });
        }
    }

    /// Bytes of memory that lookups use.
    #[must_use]
    pub fn memory(&self) -> usize {
        match &self.table {
            Table::UpTo256(table) => table.memory(),
            Table::UpTo512(table) => table.memory(),
            Table::UpTo1024(table) => table.memory(),
            Table::Product(table) => table.memory(),
            Table::Long(table) => table.memory(),
        }
    }
}

impl Table {
    /// For more rules than rows have bits: cells where so few are enough that they are expected to be faster than lists.
    fn long(rules: &[FiveTupleRule], budget: usize) -> Option<Self> {
        let plan = Plan::new(rules);
        if let Some(product) = Product::new(rules, plan.cost(), budget) {
            return Some(Self::Product(Box::new(product)));
        }
        Homes::new(plan, budget).map(|homes| Self::Long(Box::new(homes)))
    }
}

/// A table that looks up several headers at once.
trait Batch {
    /// The first matching rule of each header.
    fn batch<const N: usize>(&self, lanes: impl Lanes, headers: &[FiveTuple; N], matches: &mut [u32; N]);
}

/// A lookup of as many headers as there are matches.
struct Lookup<'a> {
    table: &'a Table,
    headers: &'a [FiveTuple],
    matches: &'a mut [u32],
}

impl Work for Lookup<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self, lanes: impl Lanes) {
        match self.table {
            Table::UpTo256(table) => in_batches(&**table, lanes, self.headers, self.matches),
            Table::UpTo512(table) => in_batches(&**table, lanes, self.headers, self.matches),
            Table::UpTo1024(table) => in_batches(&**table, lanes, self.headers, self.matches),
            Table::Product(table) => in_batches(&**table, lanes, self.headers, self.matches),
            Table::Long(table) => in_batches(&**table, lanes, self.headers, self.matches),
        }
    }
}

/// Batches of 64, as long as there are as many; then of 8, then one by one.
#[inline(always)]
fn in_batches(table: &impl Batch, lanes: impl Lanes, headers: &[FiveTuple], matches: &mut [u32]) {
    let (headers, matches) = batches_of::<64>(table, lanes, headers, matches);
    let (headers, matches) = batches_of::<8>(table, lanes, headers, matches);
    batches_of::<1>(table, lanes, headers, matches);
}

/// Full batches of `N`, and what they leave.
#[inline(always)]
fn batches_of<'a, const N: usize>(
    table: &impl Batch,
    lanes: impl Lanes,
    headers: &'a [FiveTuple],
    matches: &'a mut [u32],
) -> (&'a [FiveTuple], &'a mut [u32]) {
    let (headers, other_headers) = headers.as_chunks::<N>();
    let (matches, other_matches) = matches.as_chunks_mut::<N>();
    for (headers, matches) in headers.iter().zip(matches) {
        table.batch(lanes, headers, matches);
    }
    (other_headers, other_matches)
}
