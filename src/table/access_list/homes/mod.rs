//! Long lists. A rule is at home with the addresses that few rules share: in the lists of its sources, or in those of its
//! destinations, whichever are fewer and shorter; a rule for any two addresses with its destination ports. A lookup reads the
//! list of the header's source and that of its destination, nearly always one cache line each; the few rules that are wide
//! on both sides are rows of bits.
//!
//! ```text
//! source      ─▶ interval ─▶ record: two rules in one line ─▶ blocks of sixteen ─┐
//! destination ─▶ interval ─▶ record: two rules in one line ─▶ blocks of sixteen ─┤
//!                               └─ class ──▶ wide rules ────────────────────────┤─▶ the first
//! port        ────────────▶ record: two rules in one line ─▶ blocks of sixteen ──┘
//! ```
//!
//! A rule that takes nothing but what an earlier one of its list takes is left out of the list (`shadow`). Lists have a
//! bound ([`assign::LONGEST`]), and what does not fit is wide: no header meets more than that.

mod anywhere;
pub(super) mod assign;
mod home;
mod listed;
mod lookup;
mod record;
mod records;
mod shadow;
mod side;
#[cfg(test)]
mod tests;

use super::five_tuple::FiveTupleRule;
use super::wide::{Classes, Wide};

use anywhere::{Anywhere, Rest};
use assign::Assignment;
use home::Home;
use listed::Listed;
use side::Side;

/// The table of a long list.
#[derive(Clone, Debug)]
pub(super) struct Homes {
    sources: Side,
    destinations: Side,
    anywhere: Anywhere,
    wide: WideRules,
}

/// Rules that are wide on both sides, in rows as long as their number asks for.
#[derive(Clone, Debug)]
enum WideRules {
    None,
    Few(Wide<1>),
    Many(Wide<4>),
}

/// Which rules are to live where.
#[derive(Debug)]
pub(super) struct Plan<'a> {
    rules: &'a [FiveTupleRule],
    anywhere: Anywhere,
    wide_anywhere: Vec<u32>,
    assignment: Assignment,
}

impl<'a> Plan<'a> {
    /// For these rules.
    pub(super) fn new(rules: &'a [FiveTupleRule]) -> Self {
        let (anywhere, Rest { live, wide }) = Anywhere::new(rules);
        Self { rules, anywhere, assignment: assign::assign(rules, &live, wide.len()), wide_anywhere: wide }
    }

    /// With all rules assigned.
    #[cfg(test)]
    pub(super) fn assigned(rules: &'a [FiveTupleRule], assignment: Assignment) -> Self {
        Self { rules, anywhere: Anywhere::new(&[]).0, wide_anywhere: Vec::new(), assignment }
    }

    /// Instructions that a lookup is expected to take behind the lists' first rules.
    pub(super) const fn cost(&self) -> usize {
        self.assignment.cost
    }
}

impl Homes {
    /// The table that is planned; `None` where it takes more than `budget` bytes.
    pub(super) fn new(plan: Plan<'_>, budget: usize) -> Option<Self> {
        let Plan { rules, anywhere, wide_anywhere, assignment: Assignment { at_home: [from, to], wide, .. } } = plan;
        let (from, to) = (Listed::new(rules, &from, Home::Source), Listed::new(rules, &to, Home::Destination));
        let mut wide = [wide, wide_anywhere, from.left_over.clone(), to.left_over.clone()].concat();
        wide.sort_unstable();
        wide.dedup();
        let (wide, [source_classes, destination_classes]) = WideRules::new(rules, &wide, budget)?;
        let sources = Side::new(rules, &from, Home::Source, &source_classes, budget)?;
        let destinations = Side::new(rules, &to, Home::Destination, &destination_classes, budget)?;
        let homes = Self { sources, destinations, anywhere, wide };
        (homes.memory() <= budget).then_some(homes)
    }

    /// Bytes of memory.
    pub(super) fn memory(&self) -> usize {
        self.sources.memory() + self.destinations.memory() + self.anywhere.memory() + self.wide.memory()
    }
}

impl WideRules {
    fn new(rules: &[FiveTupleRule], wide: &[u32], budget: usize) -> Option<(Self, [Classes; 2])> {
        match wide.len() {
            0 => Some((Self::None, [Classes::one(), Classes::one()])),
            1..=256 => Wide::new(rules, wide, budget).map(|(wide, classes)| (Self::Few(wide), classes)),
            _ => Wide::new(rules, wide, budget).map(|(wide, classes)| (Self::Many(wide), classes)),
        }
    }

    fn memory(&self) -> usize {
        match self {
            Self::None => 0,
            Self::Few(wide) => wide.memory(),
            Self::Many(wide) => wide.memory(),
        }
    }
}
