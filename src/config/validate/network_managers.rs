//! Network managers and their security admin rules.

use std::ops::RangeInclusive;

use super::names::{self, NameTable};
use super::rule_sides::{self, looks_like_address};
use super::{Scope, named};
use crate::config::finding::Code;
use crate::config::model::addresses::RulePorts;
use crate::config::model::network_managers::{
    AddressPrefixType, AdminAddress, AdminRule as RuleModel, AdminRuleCollection as CollectionModel, NetworkGroup, NetworkManager,
    SecurityAdminConfiguration,
};
use crate::config::model::values::{Shorthand, short};
use crate::config::model::{ListField, NetworkFile, Spanned, each};
use crate::config::network::{AdminRule, AdminRuleCollection, RuleAddress, RuleProtocol, SecurityRule, VirtualNetworkIndex};
use crate::policy::ids::Direction;
use crate::policy::security_admin::AdminAccess;

/// The rule collections of all managers.
pub(super) fn resolve(file: &NetworkFile, scope: &mut Scope<'_>) -> Vec<AdminRuleCollection> {
    let managers = each(&file.network_managers);
    names::table("network manager", managers, |manager| &manager.name, scope.findings);
    managers.iter().flat_map(|manager| resolve_manager(manager, scope)).collect()
}

fn resolve_manager(model: &Spanned<NetworkManager>, scope: &mut Scope<'_>) -> Vec<AdminRuleCollection> {
    let groups = each(&model.network_groups);
    let table = names::table("network group", groups, |group| &group.name, scope.findings);
    let members: Vec<Vec<VirtualNetworkIndex>> = groups.iter().map(|group| members(group, scope)).collect();
    let configurations = each(&model.security_admin_configurations);
    names::table("security admin configuration", configurations, |configuration| &configuration.name, scope.findings);
    let manager = named(&model.name, model.span).name;
    configurations.iter().flat_map(|configuration| resolve_configuration(configuration, (&manager, &table, &members), scope)).collect()
}

/// A manager's name, its groups' names, and each group's networks.
type Manager<'a> = (&'a str, &'a NameTable, &'a [Vec<VirtualNetworkIndex>]);

fn members(group: &NetworkGroup, scope: &mut Scope<'_>) -> Vec<VirtualNetworkIndex> {
    let Scope { names, findings, .. } = scope;
    each(&group.members).iter().map(|member| VirtualNetworkIndex(names.virtual_networks.refer(member, findings))).collect()
}

fn resolve_configuration(
    model: &Spanned<SecurityAdminConfiguration>,
    manager: Manager<'_>,
    scope: &mut Scope<'_>,
) -> Vec<AdminRuleCollection> {
    let collections = each(&model.rule_collections);
    names::table("rule collection", collections, |collection| &collection.name, scope.findings);
    let configuration = named(&model.name, model.span).name;
    collections.iter().map(|collection| resolve_collection(collection, &configuration, manager, scope)).collect()
}

fn resolve_collection(
    model: &Spanned<CollectionModel>,
    configuration: &str,
    (manager, groups, members): Manager<'_>,
    scope: &mut Scope<'_>,
) -> AdminRuleCollection {
    let rules = each(&model.rules);
    names::table("rule", rules, |rule| &rule.name, scope.findings);
    let applies = each(&model.applies_to_groups).iter().map(|group| groups.refer(group, scope.findings));
    let mut virtual_networks: Vec<VirtualNetworkIndex> = applies.filter_map(|index| members.get(index)).flatten().copied().collect();
    virtual_networks.sort_unstable();
    virtual_networks.dedup();
    AdminRuleCollection {
        named: named(&model.name, model.span),
        manager: manager.to_owned(),
        configuration: configuration.to_owned(),
        virtual_networks,
        rules: rules.iter().map(|rule| resolve_rule(rule, scope)).collect(),
    }
}

fn resolve_rule(model: &Spanned<RuleModel>, scope: &mut Scope<'_>) -> AdminRule {
    let access = model.access.as_ref().map_or(AdminAccess::Deny, |access| access.value);
    AdminRule {
        access,
        rule: SecurityRule {
            named: named(&model.name, model.span),
            priority: model.priority.as_ref().and_then(|priority| u16::try_from(priority.0).ok()).unwrap_or(u16::MAX),
            direction: model.direction.as_ref().map_or(Direction::Inbound, |direction| direction.value),
            access: access.access(),
            protocol: model.protocol.as_ref().map_or(RuleProtocol::Any, |protocol| protocol.0),
            sources: addresses(&model.sources, scope),
            source_ports: ports(&model.source_port_ranges),
            destinations: addresses(&model.destinations, scope),
            destination_ports: ports(&model.destination_port_ranges),
        },
    }
}

/// One side; nothing given is any.
fn addresses(side: &ListField<Shorthand<AdminAddress>>, scope: &mut Scope<'_>) -> Vec<RuleAddress> {
    let side = each(side);
    if side.is_empty() {
        return vec![RuleAddress::Any];
    }
    side.iter().filter_map(|entry| address(&entry.0, scope)).collect()
}

fn address(entry: &AdminAddress, scope: &mut Scope<'_>) -> Option<RuleAddress> {
    let text = entry.address_prefix.as_ref()?;
    let value = text.value.trim();
    let is_address = matches!(value, "*") || value.eq_ignore_ascii_case("any") || looks_like_address(value);
    match entry.address_prefix_type.as_ref().map(|kind| kind.value) {
        Some(AddressPrefixType::IpPrefix) if !is_address => {
            scope.findings.report(Code::BadPrefix, text.span, format!("`{}` is no address prefix, but its type is IPPrefix", short(value)));
            None
        }
        Some(AddressPrefixType::ServiceTag) if is_address => {
            scope.findings.report(Code::BadTag, text.span, format!("`{}` is no service tag, but its type is ServiceTag", short(value)));
            None
        }
        _ => rule_sides::address(text, scope),
    }
}

fn ports(ranges: &ListField<RulePorts>) -> Vec<RangeInclusive<u16>> {
    let ranges: Vec<_> = each(ranges).iter().map(|range| range.0.clone()).filter(|range| !range.is_empty()).collect();
    if ranges.is_empty() { vec![0..=u16::MAX] } else { ranges }
}
