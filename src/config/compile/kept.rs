//! What one compilation leaves to the next: what has not changed is not built again.

use std::hash::BuildHasher;
use std::sync::Arc;

use foldhash::HashMap;
use foldhash::fast::FixedState;

use super::CompileError;
use super::tag_sets::TagSets;
use crate::config::network::ServiceTag;
use crate::table::matcher::Matcher;
use crate::table::ordered_scan::Conditions;
use crate::table::rule_table::SharedSets;

/// Most memory for the table of one rule list. A thousand rules, each with every address prefix and port that Azure allows,
/// take a few megabytes.
const TABLE_BUDGET: usize = 256 << 20;

/// Results that hold as long as what they were made of is the same.
#[derive(Debug, Default)]
pub struct Kept {
    tags: Arc<TagSets>,
    /// By a hash of the conditions; each with whether this compilation needed it.
    matchers: HashMap<u64, Vec<(Arc<Matcher>, bool)>>,
    /// Lists are only scanned, and nothing is kept.
    plain: bool,
}

impl Kept {
    /// Nothing kept, and no tables: for who reads rules and routes and asks about no packet, or about few.
    #[must_use]
    pub fn plain() -> Self {
        Self { plain: true, ..Self::default() }
    }

    /// The long tags, which are the last ones where the tags are equal.
    pub(super) fn tags(&mut self, tags: &[ServiceTag]) -> Arc<TagSets> {
        if !self.tags.are_of(tags) {
            self.tags = Arc::new(TagSets::new(tags));
            // Tables know tags by classes that are gone.
            self.matchers.clear();
        }
        Arc::clone(&self.tags)
    }

    /// What finds rules by these conditions.
    pub(super) fn matcher(&mut self, conditions: Vec<Conditions>) -> Result<Arc<Matcher>, CompileError> {
        if self.plain {
            return Ok(Arc::new(Matcher::scanning(conditions)));
        }
        let tags = Arc::clone(&self.tags);
        let hash = hash(&conditions);
        let known = self.matchers.entry(hash).or_default();
        if let Some((matcher, needed)) = known.iter_mut().find(|(matcher, _)| matcher.all_conditions() == conditions) {
            *needed = true;
            return Ok(Arc::clone(matcher));
        }
        let matcher = Arc::new(index(conditions, &tags)?);
        known.push((Arc::clone(&matcher), true));
        Ok(matcher)
    }

    /// Forgets what was not needed since the last time.
    pub(super) fn settle(&mut self) {
        self.matchers.retain(|_, matchers| {
            matchers.retain_mut(|(_, needed)| std::mem::take(needed));
            !matchers.is_empty()
        });
    }
}

fn index(conditions: Vec<Conditions>, tags: &TagSets) -> Result<Matcher, CompileError> {
    let rules = conditions.len();
    let long = |rule: &Conditions| tags.number(&rule.sources).is_some() || tags.number(&rule.destinations).is_some();
    let classes = conditions.iter().any(long).then(|| &**tags.classes());
    let shared = SharedSets { classes, number: &|set| tags.number(set) };
    Matcher::indexed(conditions, shared, TABLE_BUDGET).map_err(|error| CompileError::TooLarge { rules, budget: error.budget })
}

/// Sets are told apart by what is quickly looked at; those that are not are compared.
fn hash(conditions: &[Conditions]) -> u64 {
    let outlines = conditions.iter().map(|rule| {
        let Conditions { protocols, sources, source_ports, destinations, destination_ports } = rule;
        (protocols, sources.outline(), source_ports, destinations.outline(), destination_ports)
    });
    let state = FixedState::default();
    outlines.fold(0, |sum: u64, outline| sum.rotate_left(5) ^ state.hash_one(outline))
}
