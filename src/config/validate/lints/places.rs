//! Where security groups work: the same group means something else in another subnet, whose `VirtualNetwork` is another.

use std::collections::HashSet;

use crate::config::network::{Network, NsgIndex, SubnetIndex};
use crate::policy::nsg::{RuleList, SecurityGroup};
use crate::policy::snapshot::Snapshot;
use crate::table::ordered_scan::Conditions;

/// A group, compiled for a place where it works.
pub(super) struct Place<'s> {
    pub(super) group: NsgIndex,
    pub(super) compiled: &'s SecurityGroup,
    /// The subnet, where the group is the subnet's.
    pub(super) subnet: Option<SubnetIndex>,
}

/// Every attachment of a group, to subnets and to interfaces.
pub(super) fn all<'s>(network: &Network, snapshot: &'s Snapshot) -> Vec<Place<'s>> {
    let subnets = network.subnets.iter().zip(&snapshot.subnets).enumerate().filter_map(|(index, (subnet, compiled))| {
        let subnet_index = Some(SubnetIndex(index));
        Some(Place { group: subnet.network_security_group?, compiled: compiled.security_group.as_ref()?, subnet: subnet_index })
    });
    let interfaces = network.network_interfaces.iter().zip(&snapshot.interfaces).filter_map(|(interface, compiled)| {
        Some(Place { group: interface.network_security_group?, compiled: compiled.security_group.as_ref()?, subnet: None })
    });
    subnets.chain(interfaces).collect()
}

/// One place of each compiled group: places with the same surroundings share theirs.
pub(super) fn distinct<'p, 's>(places: &'p [Place<'s>]) -> impl Iterator<Item = &'p Place<'s>> {
    let mut seen = HashSet::new();
    places.iter().filter(move |place| seen.insert(std::ptr::from_ref(place.compiled)))
}

/// Whether two lists hold for the same packets, rule by rule.
pub(super) fn same(one: &RuleList, other: &RuleList) -> bool {
    let (one, other) = (one.table.all_conditions(), other.table.all_conditions());
    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same_conditions(one, other))
}

fn same_conditions(one: &Conditions, other: &Conditions) -> bool {
    one.protocols == other.protocols
        && one.source_ports == other.source_ports
        && one.destination_ports == other.destination_ports
        && one.sources == other.sources
        && one.destinations == other.destinations
}
