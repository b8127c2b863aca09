//! Application security groups: whose members, and which of them a rule may name together (Azure:
//! application-security-groups).

use std::collections::HashMap;

use super::limit;
use crate::config::finding::{Code, Findings, Span};
use crate::config::model::security::SecurityRule as RuleModel;
use crate::config::model::{NetworkFile, Spanned, each};
use crate::config::network::{AsgIndex, Network, RuleAddress, SecurityRule, VirtualNetworkIndex};

/// Azure's limit of members.
const MEMBERS: usize = 4000;

/// Checks that a group's members are in one network, that a rule's groups are, and how many there are.
pub(super) fn check(file: &NetworkFile, network: &Network, findings: &mut Findings) {
    let homes = homes(file, network, findings);
    for (group, home) in &homes {
        if let Some(model) = each(&file.application_security_groups).get(group.0) {
            limit(home.members, MEMBERS, "members in the application security group", model.span, findings);
        }
    }
    check_rules(file, network, &homes, findings);
}

/// Where a group's members are.
struct Home {
    virtual_network: VirtualNetworkIndex,
    first: Span,
    members: usize,
}

/// The network of each group's first member. A member elsewhere is reported.
fn homes(file: &NetworkFile, network: &Network, findings: &mut Findings) -> HashMap<AsgIndex, Home> {
    let mut homes: HashMap<AsgIndex, Home> = HashMap::new();
    for (model, interface) in each(&file.network_interfaces).iter().zip(&network.network_interfaces) {
        let Some(subnet) = network.subnets.get(interface.subnet.0) else { continue };
        let named = each(&model.application_security_groups);
        for (named, group) in named.iter().zip(&interface.application_security_groups) {
            let Some(known) = network.application_security_groups.get(group.0) else { continue };
            let home = homes.entry(*group).or_insert(Home { virtual_network: subnet.virtual_network, first: named.span, members: 0 });
            home.members += 1;
            if home.virtual_network != subnet.virtual_network {
                let message = format!("the interfaces of `{}` are in more than one virtual network", known.name);
                findings.report(Code::AsgNetwork, named.span, message).related(home.first, "its first member is in another one");
            }
        }
    }
    homes
}

fn check_rules(file: &NetworkFile, network: &Network, homes: &HashMap<AsgIndex, Home>, findings: &mut Findings) {
    for (model, group) in each(&file.network_security_groups).iter().zip(&network.network_security_groups) {
        for (written, rule) in each(&model.security_rules).iter().zip(&group.rules) {
            if let Some((source, destination)) = apart(rule, homes) {
                let names =
                    [source, destination].map(|group| network.application_security_groups.get(group.0).map_or("", |group| &group.name));
                let message = format!("`{}` and `{}` are groups of different virtual networks", names[0], names[1]);
                findings
                    .report(Code::AsgNetwork, destination_place(written), message)
                    .hint("a rule's source and destination groups are in one network: give the addresses of one side instead");
            }
        }
    }
}

/// A source group and a destination group of different networks.
fn apart(rule: &SecurityRule, homes: &HashMap<AsgIndex, Home>) -> Option<(AsgIndex, AsgIndex)> {
    let of = |side: &[RuleAddress]| -> Vec<(AsgIndex, VirtualNetworkIndex)> {
        let groups = side.iter().filter_map(|entry| if let RuleAddress::Asg(group) = entry { Some(*group) } else { None });
        groups.filter_map(|group| Some((group, homes.get(&group)?.virtual_network))).collect()
    };
    let (sources, destinations) = (of(&rule.sources), of(&rule.destinations));
    let pairs = sources.iter().flat_map(|source| destinations.iter().map(move |destination| (source, destination)));
    pairs.filter(|(source, destination)| source.1 != destination.1).map(|(source, destination)| (source.0, destination.0)).next()
}

fn destination_place(rule: &Spanned<RuleModel>) -> Span {
    rule.destination_application_security_groups.as_ref().map_or(rule.span, |groups| groups.span)
}
