//! Rules that decide nothing, because earlier ones match all that they match: one of them alone, or several together
//! (Azure: network-security-groups-overview, first match by priority).
//!
//! Sound in both directions but one: where a rule falls into too many pieces to tell, nothing is said.

use std::collections::BTreeMap;

use super::at;
use super::places::{Place, distinct, same};
use crate::config::compile::tags::SpecialTag;
use crate::config::finding::{Code, Findings};
use crate::config::network::{Network, NetworkSecurityGroup, NsgIndex, RuleAddress};
use crate::policy::nsg::RuleList;
use crate::table::coverage::{Crossings, Region, is_covered, regions, within_one};

/// Most places of one group, with different meanings, that are looked at; with more, nothing is said.
const MOST_PLACES: usize = 64;

/// Why a rule decides nothing: the earlier rules that match all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Covered {
    by: Vec<usize>,
    same_access: bool,
}

pub(super) fn check(places: &[Place<'_>], network: &Network, findings: &mut Findings) {
    let mut lists: BTreeMap<(NsgIndex, bool), Vec<&RuleList>> = BTreeMap::new();
    for place in distinct(places) {
        for (inbound, list) in [(true, &place.compiled.inbound), (false, &place.compiled.outbound)] {
            let known = lists.entry((place.group, inbound)).or_default();
            if known.len() <= MOST_PLACES && !known.iter().any(|other| same(other, list)) {
                known.push(list);
            }
        }
    }
    for ((group, _), lists) in lists {
        let Some(group) = network.network_security_groups.get(group.0) else { continue };
        if lists.len() <= MOST_PLACES {
            check_group(group, &lists, findings);
        }
    }
}

fn check_group(group: &NetworkSecurityGroup, lists: &[&RuleList], findings: &mut Findings) {
    let Some((first, others)) = lists.split_first() else { return };
    let mut covered = covered_rules(first);
    for list in others {
        if covered.is_empty() {
            return;
        }
        let there = covered_rules(list);
        covered.retain(|index, _| there.contains_key(index));
        for (index, covered) in &mut covered {
            covered.same_access &= there.get(index).is_some_and(|there| there.same_access);
        }
    }
    for (index, covered) in covered {
        if !first.rules.get(index).is_some_and(|rule| names_platform(group, &rule.name)) {
            report(&group.named.name, first, index, &covered, findings);
        }
    }
}

/// Whether a rule names a platform tag: what goes to the platform meets only such rules, and not those before them.
fn names_platform(group: &NetworkSecurityGroup, rule: &str) -> bool {
    let platform =
        |side: &RuleAddress| matches!(side, RuleAddress::Tag(tag) if SpecialTag::named(tag).is_some_and(SpecialTag::is_platform));
    group.rules.iter().filter(|own| own.named.name == rule).any(|own| own.destinations.iter().any(platform))
}

fn report(group: &str, list: &RuleList, index: usize, covered: &Covered, findings: &mut Findings) {
    const SHOWN: usize = 4;
    let Some(rule) = list.rules.get(index) else { return };
    let Some(position) = rule.position else { return };
    let earlier: Vec<_> = covered.by.iter().filter_map(|index| list.rules.get(*index)).collect();
    let mut names = earlier.iter().take(SHOWN).map(|rule| format!("`{}`", rule.name)).collect::<Vec<_>>().join(", ");
    if earlier.len() > SHOWN {
        names.push_str(&format!(" and {} more", earlier.len() - SHOWN));
    }
    let (verb, together) = if earlier.len() == 1 { ("matches", "") } else { ("match", " together") };
    let (code, what, hint) = if covered.same_access {
        (Code::ShadowedRule, "with the same action: it is redundant", "take it out, or the earlier one where this one says it better")
    } else {
        (Code::UnreachableRule, "before it: it never decides", "give it a lower priority number, or narrow the earlier rule")
    };
    let message = format!("in `{group}` {names}{together} {verb} all that `{}` matches, {what}", rule.name);
    let finding = findings.report(code, at(position), message);
    finding.hint(hint);
    if let Some(place) = earlier.iter().find_map(|rule| rule.position) {
        finding.related(at(place), "the earlier rule");
    }
}

/// The user's rules that earlier ones cover. Rules that match nothing at all are none of them.
fn covered_rules(list: &RuleList) -> BTreeMap<usize, Covered> {
    let conditions: Vec<_> = list.table.all_conditions().iter().collect();
    let boxes = regions(&conditions);
    let crossings = Crossings::new(&boxes);
    let users = list.rules.iter().take_while(|rule| rule.position.is_some()).count();
    (1..users).filter_map(|index| Some((index, covered(list, &boxes, &crossings, index)?))).collect()
}

fn covered(list: &RuleList, boxes: &[Vec<Region>], crossings: &Crossings<'_>, index: usize) -> Option<Covered> {
    let wanted = boxes.get(index)?;
    let meeting: Vec<(usize, &[Region])> =
        crossings.before(index).into_iter().filter_map(|earlier| Some((earlier, boxes.get(earlier)?.as_slice()))).collect();
    let by = match meeting.iter().find(|(_, cover)| within_one(wanted, cover)) {
        Some((one, _)) => vec![*one],
        None => {
            let cover: Vec<&[Region]> = meeting.iter().map(|(_, cover)| *cover).collect();
            if cover.len() < 2 || is_covered(wanted, &cover) != Some(true) {
                return None;
            }
            meeting.into_iter().map(|(index, _)| index).collect()
        }
    };
    let access = list.rules.get(index)?.access;
    let same_access = by.iter().filter_map(|index| list.rules.get(*index)).all(|rule| rule.access == access);
    Some(Covered { by, same_access })
}
