//! What one compilation leaves to the next: what has not changed is not built again.

use std::hash::BuildHasher;
use std::sync::Arc;

use foldhash::HashMap;
use foldhash::fast::FixedState;

use super::tag_sets::TagSets;
use super::{CompileError, Surroundings};
use crate::config::network::{Network, NetworkSecurityGroup, NsgIndex, Service};
use crate::policy::nsg::SecurityGroup;
use crate::table::matcher::Matcher;
use crate::table::ordered_scan::Conditions;
use crate::table::prefix_set::PrefixSet;
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
    /// The network that was compiled last, where its owner left it here.
    network: Option<Network>,
    /// The security groups of that network as they work at their places.
    groups: HashMap<(NsgIndex, Surroundings), KeptGroup>,
    /// Lists are only scanned, and nothing is kept.
    plain: bool,
}

/// A security group at a place, and what it was made of besides its rules.
#[derive(Debug)]
struct KeptGroup {
    compiled: Arc<SecurityGroup>,
    needs: Needs,
    needed: bool,
}

/// Sets of addresses that a group's rules name and that depend on the place: `VirtualNetwork`, then the members of each
/// application security group.
pub(super) type Needs = Vec<Arc<PrefixSet>>;

impl Kept {
    /// Nothing kept, and no tables: for who reads rules and routes and asks about no packet, or about few.
    #[must_use]
    pub fn plain() -> Self {
        Self { plain: true, ..Self::default() }
    }

    /// Leaves the network that was compiled last, so that the next one is compared with it.
    pub fn remember(&mut self, network: Network) {
        self.network = Some(network);
    }

    /// A compilation begins: what rules take from the whole network must be as before, or groups are made anew.
    pub(super) fn begin(&mut self, network: &Network) -> Arc<TagSets> {
        if !self.network.as_ref().is_some_and(|former| gives_the_same_tags(former, network)) {
            self.groups.clear();
        }
        if !self.tags.are_of(&network.service_tags) {
            self.tags = Arc::new(TagSets::new(&network.service_tags));
            // Tables know tags by classes that are gone.
            self.matchers.clear();
            self.groups.clear();
        }
        Arc::clone(&self.tags)
    }

    /// The group as it was made at this place, where nothing has changed for it, its place in the file included.
    pub(super) fn group(
        &mut self,
        index: NsgIndex,
        place: Surroundings,
        group: &NetworkSecurityGroup,
        needs: &Needs,
    ) -> Option<Arc<SecurityGroup>> {
        let kept = self.groups.get_mut(&(index, place)).filter(|kept| kept.needs == *needs)?;
        let former = self.network.as_ref()?.network_security_groups.get(index.0)?;
        if former != group {
            return None;
        }
        kept.needed = true;
        Some(Arc::clone(&kept.compiled))
    }

    /// Keeps a group that was made.
    pub(super) fn keep_group(&mut self, index: NsgIndex, place: Surroundings, needs: Needs, compiled: &Arc<SecurityGroup>) {
        if !self.plain {
            self.groups.insert((index, place), KeptGroup { compiled: Arc::clone(compiled), needs, needed: true });
        }
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

    /// The compilation has ended. Forgets what it did not need; after a failure, groups, whose rules have numbers that are
    /// not given out.
    pub(super) fn end(&mut self, succeeded: bool) {
        self.matchers.retain(|_, matchers| {
            matchers.retain_mut(|(_, needed)| std::mem::take(needed));
            !matchers.is_empty()
        });
        self.groups.retain(|_, kept| std::mem::take(&mut kept.needed) && succeeded);
        // Until the owner leaves the new one, nothing is known to be as before.
        self.network = None;
    }
}

/// Whether tags that the file does not give have the same addresses: those of services.
fn gives_the_same_tags(one: &Network, other: &Network) -> bool {
    let own = |service: &Service| (service.kind.clone(), service.location.clone(), service.addresses.clone(), service.subnet);
    one.services.len() == other.services.len() && one.services.iter().zip(&other.services).all(|(one, other)| own(one) == own(other))
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
