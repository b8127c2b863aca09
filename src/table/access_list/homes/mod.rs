//! Long lists. A rule is at home with the addresses that few rules share: in the lists of its sources, or in those of its
//! destinations, whichever are fewer and shorter. A lookup reads the list of the header's source and that of its
//! destination, nearly always one cache line each; the few rules that are wide on both sides are rows of bits.
//!
//! ```text
//! source      ─▶ interval ─▶ record: two rules in one line ─▶ blocks of eight ─┐
//! destination ─▶ interval ─▶ record: two rules in one line ─▶ blocks of eight ─┤─▶ the first
//!                               └─ class ──▶ wide rules ──────────────────────┘
//! ```
//!
//! Lists have a bound ([`assign::LONGEST`]), and what does not fit is wide: no header meets more than that.

pub(super) mod assign;
mod lookup;
mod record;
mod side;

use super::five_tuple::FiveTupleRule;
use super::wide::{Classes, Wide};

use assign::Assignment;
use side::{Direction, Side};

/// The table of a long list.
#[derive(Clone, Debug)]
pub(super) struct Homes {
    sources: Side,
    destinations: Side,
    wide: WideRules,
}

/// Rules that are wide on both sides, in rows as long as their number asks for.
#[derive(Clone, Debug)]
enum WideRules {
    None,
    Few(Wide<1>),
    Many(Wide<4>),
}

impl Homes {
    /// The table of `rules` that live where they are assigned to; `None` where it takes more than `budget` bytes.
    pub(super) fn assigned(rules: &[FiveTupleRule], assignment: &Assignment, budget: usize) -> Option<Self> {
        let Assignment { at_home: [from, to], wide, .. } = assignment;
        let (wide, [source_classes, destination_classes]) = WideRules::new(rules, wide, budget)?;
        let sources = Side::new(rules, from, Direction::Source, &source_classes, budget)?;
        let destinations = Side::new(rules, to, Direction::Destination, &destination_classes, budget)?;
        let homes = Self { sources, destinations, wide };
        (homes.memory() <= budget).then_some(homes)
    }

    /// Bytes of memory.
    pub(super) fn memory(&self) -> usize {
        self.sources.memory() + self.destinations.memory() + self.wide.memory()
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
