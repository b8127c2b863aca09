//! The first rule that matches, without looking at the rules: [`OrderedScan`](super::ordered_scan::OrderedScan)'s fast twin.
//!
//! For each condition the table knows classes of values that no rule tells apart, and for each class a row with a bit for
//! every rule whose condition holds. A lookup finds five rows (addresses, ports, protocol), and the first bit that all of
//! them have is the rule. A row of up to 64 rules is a word, one of up to 512 a cache line. A longer one has a summary, a bit
//! for each line that is not empty, by which most lines are passed over.
//!
//! Sets of addresses that several tables have in common (service tags) are not swept again for each: an address's class
//! among them ([`AddressClasses`]) leads to a row of its own, and the address's row is both together. Who looks up several
//! lists for a packet hands the same [`Classified`] to each, and the classes are looked up once at most.

mod build;
mod class_rows;
mod rows;

use std::cell::Cell;
use std::net::IpAddr;
use std::sync::Arc;

pub use build::{OverBudget, SharedSets};
use class_rows::ClassRows;
use rows::Rows;

use super::address_classes::AddressClasses;
use super::ordered_scan::Header;
use super::range_table::both::AddressTable;
use super::range_table::ports::PortTable;

/// An immutable list of rules.
#[derive(Clone, Debug)]
pub struct RuleTable {
    rows: Rows,
    sources: Side,
    destinations: Side,
    /// The row of each protocol.
    protocols: Box<[u32; 256]>,
    /// The rows of ports.
    source_ports: PortTable,
    destination_ports: PortTable,
    /// The row of headers without ports: rules that take every port.
    portless: u32,
}

/// The rows of addresses.
#[derive(Clone, Debug)]
struct Side {
    /// Rows by the list's own sets.
    own: AddressTable,
    /// Rows by the class among the shared sets, where the list has any.
    shared: Option<ClassRows>,
}

/// The classes of a packet's addresses among shared sets: looked up when first asked for, and kept.
#[derive(Debug)]
pub struct Classified<'a> {
    classes: &'a AddressClasses,
    source: Cell<Option<(IpAddr, u32)>>,
    destination: Cell<Option<(IpAddr, u32)>>,
}

impl<'a> Classified<'a> {
    /// Nothing looked up yet.
    #[must_use]
    pub const fn new(classes: &'a AddressClasses) -> Self {
        Self { classes, source: Cell::new(None), destination: Cell::new(None) }
    }

    fn class(&self, known: &Cell<Option<(IpAddr, u32)>>, address: IpAddr) -> u32 {
        if let Some((_, class)) = known.get().filter(|(of, _)| *of == address) {
            return class;
        }
        let class = self.classes.class(address);
        known.set(Some((address, class)));
        class
    }
}

impl RuleTable {
    /// Index of the first rule whose conditions hold. `classified` must be of the classes that the table was built with.
    #[must_use]
    pub fn first_match(&self, header: &Header, classified: &Classified<'_>) -> Option<usize> {
        let source = self.sources.row(header.source, |address| classified.class(&classified.source, address));
        let destination = self.destinations.row(header.destination, |address| classified.class(&classified.destination, address));
        let (from, to) = match header.ports {
            Some((source, destination)) => (self.source_ports.get(source), self.destination_ports.get(destination)),
            None => (self.portless, self.portless),
        };
        let protocol = self.protocols[usize::from(header.protocol)];
        self.rows.first_common([source, destination], [protocol, from, to])
    }

    /// Bytes of memory.
    #[must_use]
    pub fn memory(&self) -> usize {
        let side = |side: &Side| side.own.memory() + side.shared.as_ref().map_or(0, ClassRows::memory);
        size_of_val(&*self.protocols)
            + self.rows.memory()
            + side(&self.sources)
            + side(&self.destinations)
            + self.source_ports.memory()
            + self.destination_ports.memory()
    }
}

impl Side {
    /// The rows that together are an address's.
    #[inline]
    fn row(&self, address: IpAddr, class: impl FnOnce(IpAddr) -> u32) -> [u32; 2] {
        [self.own.get(address), self.shared.as_ref().map_or(Rows::EMPTY, |shared| shared.row(class(address)))]
    }
}

/// No shared sets.
#[must_use]
pub fn none_shared() -> SharedSets<'static> {
    SharedSets { classes: None, number: &|_: &Arc<_>| None }
}

#[cfg(test)]
mod tests;
