//! Which numbers the running configuration has, and what they are called: the bound on every label.

use std::sync::Arc;

use crate::counters::Shape;
use crate::policy::ids::{Ids, PortId, RuleId, RuleName, Zone};

/// The names of the running configuration. Counters outlive a reload, names do not: the series of an object that the
/// configuration no longer has are not shown, and come back with their counts when it returns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Ports, by number: label `port`.
    pub ports: Vec<(PortId, Arc<String>)>,
    /// Zones, by number: label `subnet` (`VNET/SUBNET`, or the attachment of a port without a subnet).
    pub zones: Vec<(Zone, Arc<String>)>,
    /// Counted rules, by number.
    pub rules: Vec<(RuleId, Arc<RuleName>)>,
}

impl Names {
    /// Looks up the names of these numbers. A number without a name is left out.
    pub fn of(
        ids: &Ids,
        ports: impl IntoIterator<Item = PortId>,
        zones: impl IntoIterator<Item = Zone>,
        rules: impl IntoIterator<Item = RuleId>,
    ) -> Self {
        Self {
            ports: named(ports, ids.ports.names(), |id| usize::from(id.0)),
            zones: named(zones, ids.zones.names(), |zone| usize::from(zone.0)),
            rules: named(rules, ids.rules.names(), |id| id.0 as usize),
        }
    }

    /// Every name that `ids` ever gave: what a process that never reloads shows.
    #[must_use]
    pub fn all(ids: &Ids) -> Self {
        let Shape { ports, zones, rules } = shape(ids);
        Self::of(
            ids,
            (0..ports).filter_map(|port| u16::try_from(port).ok().map(PortId)),
            (0..zones).filter_map(|zone| u16::try_from(zone).ok().map(Zone)),
            (0..rules).filter_map(|rule| u32::try_from(rule).ok().map(RuleId)),
        )
    }
}

/// How many cells counters need for every name that `ids` ever gave.
#[must_use]
pub fn shape(ids: &Ids) -> Shape {
    Shape { ports: ids.ports.names().len(), zones: ids.zones.names().len(), rules: ids.rules.names().len() }
}

/// Numbers with their names, in the numbers' order, each once.
fn named<Id: Copy + Ord, N: Clone>(ids: impl IntoIterator<Item = Id>, names: &[N], number: impl Fn(Id) -> usize) -> Vec<(Id, N)> {
    let mut ids: Vec<Id> = ids.into_iter().collect();
    ids.sort_unstable();
    ids.dedup();
    ids.into_iter().filter_map(|id| Some((id, names.get(number(id))?.clone()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_numbers_asked_for_and_unknown_numbers_have_none() {
        let mut ids = Ids::default();
        for name in ["web1", "batch1", "laptop"] {
            ids.ports.intern(name.to_owned());
        }
        let names = Names::of(&ids, [PortId(2), PortId(0), PortId(2), PortId(9)], [], []);
        assert_eq!(names.ports, vec![(PortId(0), Arc::new("web1".to_owned())), (PortId(2), Arc::new("laptop".to_owned()))]);
        assert_eq!(Names::all(&ids).ports.len(), 3);
        assert_eq!(shape(&ids), Shape { ports: 3, zones: 0, rules: 0 });
    }
}
