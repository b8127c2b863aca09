//! Lists of up to 1,024 rules: every rule a bit.

use super::bit_rows::{BitRows, RowNumbers};
use super::five_tuple::{FiveTuple, FiveTupleRule};
use super::tree::Tree;
use super::{AccessList, Batch};
use crate::table::simd::Lanes;

/// A list of up to `W` × 256 rules.
#[derive(Clone, Debug)]
pub(super) struct Small<const W: usize> {
    sides: [Side; 2],
    rows: BitRows<W>,
}

/// Address → row number.
#[derive(Clone, Debug)]
struct Side {
    tree: Tree,
    rows: Vec<u16>,
}

impl<const W: usize> Small<W> {
    /// The table of up to `W` × 256 rules.
    pub(super) fn new(rules: &[FiveTupleRule]) -> Self {
        let chosen: Vec<u32> = (0..).take(rules.len()).collect();
        let (rows, numbers) = BitRows::new(rules, &chosen);
        Self { sides: numbers.map(Side::new), rows }
    }

    /// Bytes of memory.
    pub(super) fn memory(&self) -> usize {
        self.rows.memory() + self.sides.iter().map(|side| side.tree.memory() + size_of_val(&*side.rows)).sum::<usize>()
    }
}

impl<const W: usize> Batch for Small<W> {
    /// One field after the other for the whole batch: the steps of one header wait for each other, those of different
    /// headers don't.
    #[inline(always)]
    fn batch<const N: usize>(&self, lanes: impl Lanes, headers: &[FiveTuple; N], matches: &mut [u32; N]) {
        let [sources, destinations] = &self.sides;
        let (mut source, mut destination) = ([0; N], [0; N]);
        for ((header, source), destination) in headers.iter().zip(&mut source).zip(&mut destination) {
            (*source, *destination) = (header.source, header.destination);
        }
        let (source, destination) = (sources.rows(lanes, &source), destinations.rows(lanes, &destination));
        for (((header, found), source), destination) in headers.iter().zip(matches).zip(&source).zip(&destination) {
            // bits are numbered as rules are
            *found = self.rows.first_bit(lanes, *source, *destination, header).unwrap_or(AccessList::NO_MATCH);
        }
    }
}

impl Side {
    fn new(numbers: RowNumbers) -> Self {
        Self { tree: Tree::new(&numbers.starts), rows: numbers.rows }
    }

    /// The row numbers of addresses.
    #[inline(always)]
    fn rows<const N: usize>(&self, lanes: impl Lanes, addresses: &[u32; N]) -> [u32; N] {
        let mut found = self.tree.leaves(lanes, addresses);
        for (found, address) in found.iter_mut().zip(addresses) {
            let interval = self.tree.within(lanes, *found, *address);
            *found = self.rows.get(interval as usize).map_or(0, |row| u32::from(*row));
        }
        found
    }
}
