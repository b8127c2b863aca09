//! A deny rule for `VirtualNetwork` that stops health probes: the tag holds 168.63.129.16 (Azure: service-tags-overview).

use std::sync::Arc;

use ipnet::IpNet;

use super::at;
use super::places::{Place, distinct};
use crate::config::finding::{Code, Findings};
use crate::config::network::{Access, Network, RuleAddress, SecurityRule};
use crate::policy::snapshot::PLATFORM_ADDRESS;
use crate::table::coverage::decided_by;
use crate::table::ordered_scan::Conditions;
use crate::table::port_set::PortSet;
use crate::table::prefix_set::PrefixSet;
use crate::wire::protocol;

pub(super) fn check(places: &[Place<'_>], network: &Network, findings: &mut Findings) {
    let mut reported = Vec::new();
    for place in distinct(places) {
        let Some(group) = network.network_security_groups.get(place.group.0) else { continue };
        let names_tag = |name: &str| {
            let rule = group.rules.iter().find(|rule| rule.named.name == name);
            rule.is_some_and(denies_the_tag)
        };
        let list = &place.compiled.inbound;
        if !list.rules.iter().any(|rule| rule.access == Access::Deny && names_tag(&rule.name)) {
            continue;
        }
        let parts = decided_by(list.table.all_conditions(), &probes()).unwrap_or_default();
        for (rule, part) in list.rules.iter().zip(parts) {
            let Some(position) = rule.position.filter(|position| !reported.contains(position)) else { continue };
            if rule.access == Access::Deny && !part.is_empty() && names_tag(&rule.name) {
                reported.push(position);
                findings
                    .report(Code::ProbesBlocked, at(position), "VirtualNetwork holds 168.63.129.16: this rule also stops health probes")
                    .hint("allow AzureLoadBalancer with a lower priority number, or name the prefixes that you mean");
            }
        }
    }
}

/// A rule for the tag and every port. One for a single port, or for everybody, is seldom a mistake.
fn denies_the_tag(rule: &SecurityRule) -> bool {
    rule.sources.contains(&RuleAddress::Tag("VirtualNetwork".to_owned()))
        && !rule.sources.contains(&RuleAddress::Any)
        && rule.destination_ports.contains(&(0..=u16::MAX))
}

/// TCP from the platform to anything.
fn probes() -> Conditions {
    Conditions {
        protocols: vec![protocol::TCP],
        sources: Arc::new(PrefixSet::from_prefixes([IpNet::from(PLATFORM_ADDRESS)])),
        source_ports: PortSet::all(),
        destinations: Arc::new(PrefixSet::all()),
        destination_ports: PortSet::all(),
    }
}
