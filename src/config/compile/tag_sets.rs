//! The addresses of long tags, swept once for all rule lists, and again only when the tags are others.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use super::tags::key;
use crate::config::network::ServiceTag;
use crate::table::address_classes::AddressClasses;
use crate::table::prefix_set::PrefixSet;

/// Tags of fewer prefixes are swept with the lists that name them.
const LONG: usize = 16;

/// The long tags of a network.
#[derive(Debug, Default)]
pub(super) struct TagSets {
    given: Vec<ServiceTag>,
    /// Lower-case name → number.
    numbers: HashMap<String, usize>,
    sets: Vec<Arc<PrefixSet>>,
    /// Where a set is in memory → number.
    by_place: HashMap<usize, usize>,
    /// Made when a list first names a long tag.
    classes: OnceLock<Arc<AddressClasses>>,
}

impl TagSets {
    /// The long ones of `tags`.
    #[must_use]
    pub(super) fn new(tags: &[ServiceTag]) -> Self {
        let mut sets = Self { given: tags.to_vec(), ..Self::default() };
        for tag in tags {
            // Of two tags with one name the later counts, as in `Tags`.
            sets.numbers.remove(&key(&tag.name));
            if tag.prefixes.len() < LONG {
                continue;
            }
            let set = Arc::new(PrefixSet::from_prefixes(tag.prefixes.iter().copied()));
            sets.by_place.insert(Arc::as_ptr(&set).addr(), sets.sets.len());
            sets.numbers.insert(key(&tag.name), sets.sets.len());
            sets.sets.push(set);
        }
        sets
    }

    /// Whether these are the sets of `tags`.
    #[must_use]
    pub(super) fn are_of(&self, tags: &[ServiceTag]) -> bool {
        self.given == tags
    }

    /// The addresses of a tag, where it is long.
    #[must_use]
    pub(super) fn get(&self, key: &str) -> Option<&Arc<PrefixSet>> {
        self.sets.get(*self.numbers.get(key)?)
    }

    /// The number of a set that [`Self::get`] gave.
    #[must_use]
    pub(super) fn number(&self, set: &Arc<PrefixSet>) -> Option<usize> {
        self.by_place.get(&Arc::as_ptr(set).addr()).copied()
    }

    /// Whether some list asked for the classes.
    #[must_use]
    pub(super) fn are_used(&self) -> bool {
        self.classes.get().is_some()
    }

    /// The sets' classes.
    #[must_use]
    pub(super) fn classes(&self) -> &Arc<AddressClasses> {
        self.classes.get_or_init(|| Arc::new(AddressClasses::new(&self.sets)))
    }
}
