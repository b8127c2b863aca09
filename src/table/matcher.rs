//! Ordered rules for two readers: packets, which ask a table, and tools, which read conditions.

use super::ordered_scan::{Conditions, Header, OrderedScan};
use super::rule_table::{Classified, OverBudget, RuleTable, SharedSets};

/// Rules in the order in which they are tried.
#[derive(Clone, Debug, Default)]
pub struct Matcher {
    scan: OrderedScan,
    table: Option<RuleTable>,
}

impl Matcher {
    /// Rules that are looked at one by one: for tools that ask about few packets, or none.
    #[must_use]
    pub fn scanning(rules: Vec<Conditions>) -> Self {
        Self { scan: OrderedScan::new(rules), table: None }
    }

    /// Rules with a table of at most `budget` bytes.
    ///
    /// # Errors
    /// [`OverBudget`].
    pub fn indexed(rules: Vec<Conditions>, shared: SharedSets<'_>, budget: usize) -> Result<Self, OverBudget> {
        let table = Some(RuleTable::build(&rules, shared, budget)?);
        Ok(Self { scan: OrderedScan::new(rules), table })
    }

    /// Index of the first rule whose conditions hold. `classified` must be of the classes that the table was built with.
    #[inline]
    #[must_use]
    pub fn first_match(&self, header: &Header, classified: &Classified<'_>) -> Option<usize> {
        match &self.table {
            Some(table) => table.first_match(header, classified),
            None => self.scan.first_match(header),
        }
    }

    /// The plain twin, which must find the same rules.
    #[must_use]
    pub const fn scan(&self) -> &OrderedScan {
        &self.scan
    }

    /// The rules' conditions, first to be tried first.
    #[must_use]
    pub fn all_conditions(&self) -> &[Conditions] {
        self.scan.all_conditions()
    }

    /// The conditions of the rule at `index`.
    #[must_use]
    pub fn conditions(&self, index: usize) -> Option<&Conditions> {
        self.scan.conditions(index)
    }

    /// Bytes of memory of the table.
    #[must_use]
    pub fn table_memory(&self) -> usize {
        self.table.as_ref().map_or(0, RuleTable::memory)
    }
}
