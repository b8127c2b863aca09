//! Network security groups.

use std::collections::HashMap;

use super::rule_sides::{AddressSide, ports};
use super::{Scope, flag, limit, named, names};
use crate::config::finding::{Code, Findings, Span};
use crate::config::model::security::{NetworkSecurityGroup as NsgModel, SecurityRule as RuleModel};
use crate::config::model::{NetworkFile, Spanned, each};
use crate::config::network::{NetworkSecurityGroup, RuleAddress, RuleProtocol, SecurityRule};
use crate::policy::ids::{Access, Direction};

/// All NSGs of the file.
pub(super) fn resolve(file: &NetworkFile, scope: &mut Scope<'_>) -> Vec<NetworkSecurityGroup> {
    each(&file.network_security_groups).iter().map(|group| resolve_group(group, scope)).collect()
}

/// Azure's limits of groups (azure-virtual-network-limits).
pub(super) fn check(file: &NetworkFile, findings: &mut Findings) {
    if let Some(groups) = &file.network_security_groups {
        limit(groups.len(), 5000, "network security groups", groups.span, findings);
    }
    if let Some(groups) = &file.application_security_groups {
        limit(groups.len(), 3000, "application security groups", groups.span, findings);
    }
}

fn resolve_group(model: &Spanned<NsgModel>, scope: &mut Scope<'_>) -> NetworkSecurityGroup {
    let rules = each(&model.security_rules);
    limit(rules.len(), 1000, "rules in the group", model.span, scope.findings);
    names::table("rule", rules, |rule| &rule.name, scope.findings);
    check_priorities(rules, scope.findings);
    let group = NetworkSecurityGroup {
        named: named(&model.name, model.span),
        flush_connection: flag(&model.flush_connection, false),
        rules: rules.iter().map(|rule| resolve_rule(rule, scope)).collect(),
    };
    check_limits(&group, model.span, scope.findings);
    group
}

fn check_limits(group: &NetworkSecurityGroup, span: Span, findings: &mut Findings) {
    let count = |side: fn(&SecurityRule) -> &Vec<RuleAddress>, of: fn(&RuleAddress) -> bool| {
        group.rules.iter().map(|rule| side(rule).iter().filter(|address| of(address)).count()).sum::<usize>()
    };
    let is_prefix = |address: &RuleAddress| matches!(address, RuleAddress::Prefix(_));
    limit(count(|rule| &rule.sources, is_prefix), 4000, "source addresses in the group", span, findings);
    limit(count(|rule| &rule.destinations, is_prefix), 4000, "destination addresses in the group", span, findings);
    let mut groups: Vec<&RuleAddress> = group.rules.iter().flat_map(|rule| rule.sources.iter().chain(&rule.destinations)).collect();
    groups.retain(|address| matches!(address, RuleAddress::Asg(_)));
    let distinct: std::collections::HashSet<String> = groups.iter().map(|group| format!("{group:?}")).collect();
    limit(distinct.len(), 100, "application security groups in the group", span, findings);
}

fn check_priorities(rules: &[Spanned<RuleModel>], findings: &mut Findings) {
    let mut seen: HashMap<(Direction, u32), Span> = HashMap::new();
    for rule in rules {
        let (Some(priority), Some(direction)) = (&rule.priority, &rule.direction) else { continue };
        if let Some(first) = seen.insert((direction.value, priority.0), priority.span) {
            let message = format!("priority {} is taken by another {:?} rule of this group", priority.0, direction.value);
            findings.report(Code::DuplicatePriority, priority.span, message).related(first, "taken here");
        }
    }
}

fn resolve_rule(model: &Spanned<RuleModel>, scope: &mut Scope<'_>) -> SecurityRule {
    let source = AddressSide {
        side: "source",
        one: &model.source_address_prefix,
        many: &model.source_address_prefixes,
        groups: &model.source_application_security_groups,
    };
    let destination = AddressSide {
        side: "destination",
        one: &model.destination_address_prefix,
        many: &model.destination_address_prefixes,
        groups: &model.destination_application_security_groups,
    };
    let (sources, destinations) = (source.resolve(model.span, scope), destination.resolve(model.span, scope));
    check_description(model, scope.findings);
    check_name(model, scope.findings);
    let protocol = model.protocol.as_ref().map_or(RuleProtocol::Any, |protocol| protocol.value);
    let place = (model.span, !matches!(protocol, RuleProtocol::Icmp | RuleProtocol::Esp | RuleProtocol::Ah));
    SecurityRule {
        named: named(&model.name, model.span),
        priority: model.priority.as_ref().and_then(|priority| u16::try_from(priority.0).ok()).unwrap_or(u16::MAX),
        direction: model.direction.as_ref().map_or(Direction::Inbound, |direction| direction.value),
        access: model.access.as_ref().map_or(Access::Deny, |access| access.value),
        protocol,
        sources,
        source_ports: ports("source", &model.source_port_range, &model.source_port_ranges, place, scope.findings),
        destinations,
        destination_ports: ports("destination", &model.destination_port_range, &model.destination_port_ranges, place, scope.findings),
    }
}

/// A rule's name ends with a letter, a digit or an underscore.
fn check_name(rule: &RuleModel, findings: &mut Findings) {
    if let Some(name) = rule.name.as_ref().filter(|name| name.0.ends_with(['.', '-'])) {
        findings
            .report(Code::BadName, name.span, format!("`{}` is no name for a rule", name.0))
            .hint("a rule's name ends with a letter, a digit or an underscore");
    }
}

fn check_description(rule: &RuleModel, findings: &mut Findings) {
    if let Some(text) = rule.description.as_ref().filter(|text| text.value.chars().count() > 140) {
        findings.report(Code::LimitExceeded, text.span, "a description has at most 140 characters");
    }
}
