//! Flat access lists: the first of up to a hundred thousand five-field rules that matches a header.

pub mod five_tuple;

use five_tuple::{FiveTuple, FiveTupleRule, ordered_scan};

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
    rules: Vec<FiveTupleRule>,
}

impl AccessList {
    /// What [`AccessList::first_matches`] writes where no rule matches.
    pub const NO_MATCH: u32 = u32::MAX;

    /// Builds the table of `rules`, first to be tried first, within `budget` bytes.
    ///
    /// # Errors
    /// [`BuildError::OverBudget`].
    pub fn build(rules: &[FiveTupleRule], budget: usize) -> Result<Self, BuildError> {
        if size_of_val(rules) > budget {
            return Err(BuildError::OverBudget { rules: rules.len(), budget });
        }
        Ok(Self { rules: rules.to_vec() })
    }

    /// Index of the first rule that matches.
    #[must_use]
    pub fn first_match(&self, header: &FiveTuple) -> Option<u32> {
        ordered_scan(&self.rules, header).and_then(|index| u32::try_from(index).ok())
    }

    /// The same for many headers at once, which is faster: one index (or [`AccessList::NO_MATCH`]) for each, in order,
    /// as far as both slices reach.
    pub fn first_matches(&self, headers: &[FiveTuple], matches: &mut [u32]) {
        for (header, found) in headers.iter().zip(matches) {
            *found = self.first_match(header).unwrap_or(Self::NO_MATCH);
        }
    }

    /// Bytes of memory that lookups use.
    #[must_use]
    pub fn memory(&self) -> usize {
        size_of_val(&*self.rules)
    }
}
