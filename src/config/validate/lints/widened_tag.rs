//! A user's default route makes `VirtualNetwork` hold the whole internet (Azure: service-tags-overview).

use std::collections::BTreeSet;

use super::at;
use crate::config::finding::{Code, Findings};
use crate::config::network::{Network, NsgIndex, RoutePrefix, RuleAddress, SecurityRule, SubnetIndex, UserRoute};
use crate::policy::ids::{Access, Direction};

pub(super) fn check(network: &Network, findings: &mut Findings) {
    let mut reported = BTreeSet::new();
    for (index, subnet) in network.subnets.iter().enumerate() {
        let table = subnet.route_table.and_then(|index| network.route_tables.get(index.0));
        let Some(route) = table.and_then(|table| table.routes.iter().find(|route| is_default(route))) else { continue };
        let interfaces = network.network_interfaces.iter().filter(|interface| interface.subnet == SubnetIndex(index));
        let groups: Vec<NsgIndex> =
            subnet.network_security_group.into_iter().chain(interfaces.filter_map(|interface| interface.network_security_group)).collect();
        let groups = groups.iter().filter_map(|index| network.network_security_groups.get(index.0));
        for rule in groups.flat_map(|group| &group.rules).filter(|rule| is_widened(rule)) {
            if reported.insert(rule.named.position) {
                report(rule, route, findings);
            }
        }
    }
}

fn is_default(route: &UserRoute) -> bool {
    matches!(route.prefix, RoutePrefix::Prefix(net) if net.prefix_len() == 0)
}

/// An allow rule whose far side is the tag.
fn is_widened(rule: &SecurityRule) -> bool {
    let far = if rule.direction == Direction::Outbound { &rule.destinations } else { &rule.sources };
    rule.access == Access::Allow && far.contains(&RuleAddress::Tag("VirtualNetwork".to_owned()))
}

fn report(rule: &SecurityRule, route: &UserRoute, findings: &mut Findings) {
    let what = if rule.direction == Direction::Outbound { "every destination" } else { "every source" };
    let message = format!("the route `{}` puts 0.0.0.0/0 into VirtualNetwork: this rule allows {what}", route.named.name);
    findings
        .report(Code::TagWidened, at(rule.named.position), message)
        .hint("name the network's own prefixes instead of the tag")
        .related(at(route.named.position), "the route");
}
