//! A service's firewall: its lists, resolved.

use std::net::Ipv4Addr;
use std::ops::RangeInclusive;

use ipnet::IpNet;

use super::{Scope, flag, named, restrictions};
use crate::config::finding::{Code, Findings, Span};
use crate::config::model::addresses::read_address_or_prefix;
use crate::config::model::services::{
    Database, Firewall, IpRange, IpRule, Service as ServiceModel, Switch, VirtualNetworkRule as RuleModel,
};
use crate::config::model::values::Shorthand;
use crate::config::model::{Field, ListField, Spanned, each};
use crate::config::nearest::did_you_mean;
use crate::config::network::{DatabaseRules, PublicNetworkAccess, ServiceFirewall, SubnetIndex, VirtualNetworkRule};
use crate::policy::position::Position;

/// States of a virtual network rule, over all services.
const STATES: [&str; 11] = [
    "Provisioning",
    "Deprovisioning",
    "Succeeded",
    "Failed",
    "NetworkSourceDeleted",
    "Initializing",
    "InProgress",
    "Ready",
    "Deleting",
    "Deleted",
    "Unknown",
];

/// The firewall of a service; `None` where the file gives none.
pub(super) fn resolve(model: &Spanned<ServiceModel>, scope: &mut Scope<'_>) -> Option<ServiceFirewall> {
    let firewall = model.firewall.as_ref()?;
    let mut resolved = ServiceFirewall {
        position: firewall.span.start,
        default_action: firewall.default_action.as_ref().map(|action| (action.value, action.span.start)),
        trusts_services: trusts_services(firewall, bypass_words(model), scope.findings),
        bypass_resources: each(&firewall.network_acl_bypass_resource_ids).iter().map(|id| id.value.clone()).collect(),
        virtual_network_rules: each(&firewall.virtual_network_rules).iter().map(|rule| resolve_rule(&rule.0, rule.span, scope)).collect(),
        virtual_network_filter: firewall.is_virtual_network_filter_enabled.as_ref().map(|flag| flag.value),
        ip_rules: ip_rules(firewall, scope.findings),
        ipv6_rules: prefixes(&firewall.ipv6_rules, scope.findings),
        ip_ranges: each(&firewall.ip_ranges).iter().filter_map(|range| ip_range(range, scope.findings)).collect(),
        databases: databases(firewall, scope.findings),
        resource_access_rules: resource_rules(firewall),
        firewall_state: firewall.firewall_state.as_ref().map(|state| (state.value == Switch::Enabled, state.span.start)),
        allow_azure_ips: enabled(&firewall.firewall_allow_azure_ips),
        allow_data_lake_analytics: enabled(&firewall.firewall_allow_data_lake_analytics),
        access_restrictions: Vec::new(),
        scm: None,
    };
    restrictions::resolve(firewall, &mut resolved, scope);
    Some(resolved)
}

/// `publicNetworkAccess`: at the service or, as some types have it, in its firewall.
pub(super) fn public_network_access(model: &ServiceModel, findings: &mut Findings) -> Option<(PublicNetworkAccess, Position)> {
    let inner = model.firewall.as_ref().and_then(|firewall| firewall.public_network_access.as_ref());
    if let (Some(outer), Some(inner)) = (&model.public_network_access, inner) {
        findings
            .report(Code::BothForms, inner.span, "`publicNetworkAccess` is given at the service already")
            .related(outer.span, "given here");
    }
    model.public_network_access.as_ref().or(inner).map(|access| (access.value, access.span.start))
}

fn enabled(switch: &Field<Switch>) -> Option<Position> {
    switch.as_ref().filter(|switch| switch.value == Switch::Enabled).map(|switch| switch.span.start)
}

/// What may bypass the service's firewall: reads of logs and metrics are Storage's alone (azure-rest-api-specs).
fn bypass_words(model: &ServiceModel) -> &'static [&'static str] {
    const STORAGE: &str = "Microsoft.Storage/";
    let kind = model.kind.as_ref().map_or("", |kind| kind.0.as_str());
    let is_storage = kind.get(..STORAGE.len()).is_some_and(|start| start.eq_ignore_ascii_case(STORAGE));
    if is_storage { &["AzureServices", "Logging", "Metrics", "None"] } else { &["AzureServices", "None"] }
}

/// ARM writes a text with commas, Terraform a list: both are accepted. Logging and Metrics let in reads of logs and
/// metrics, which packets do not tell apart from others: they do not count here.
fn trusts_services(firewall: &Firewall, entries: &[&'static str], findings: &mut Findings) -> Option<(bool, Position)> {
    let mut trusts = None;
    let mut others = 0;
    let mut none = None;
    for text in firewall.bypass.iter().flat_map(|list| list.value.0.iter()) {
        for word in text.value.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            let (_, place) = *trusts.get_or_insert((false, text.span.start));
            let entry = entries.iter().find(|entry| entry.eq_ignore_ascii_case(word));
            match entry {
                Some(&"AzureServices") => trusts = Some((true, place)),
                Some(&"None") => none = Some(text.span),
                Some(_) => {}
                None => {
                    let hint = did_you_mean(word, entries.iter().copied()).unwrap_or_else(|| format!("one of {}", entries.join(", ")));
                    findings.report(Code::BadValue, text.span, format!("`{word}` cannot bypass this service's firewall")).hint(hint);
                }
            }
            others += usize::from(entry != Some(&"None"));
        }
    }
    if let Some(span) = none.filter(|_| others > 0) {
        findings.report(Code::BadValue, span, "`None` stands alone: nothing bypasses the firewall").hint("remove it, or the others");
    }
    trusts.or(firewall.trusted_service_access_enabled.as_ref().map(|flag| (flag.value, flag.span.start)))
}

fn resolve_rule(model: &RuleModel, span: Span, scope: &mut Scope<'_>) -> VirtualNetworkRule {
    let state = model.state.as_ref().map_or("", |state| checked_state(state, scope.findings));
    let gone = state.eq_ignore_ascii_case("NetworkSourceDeleted");
    let subnet = if gone { None } else { Some(SubnetIndex(scope.names.subnets.required(&model.subnet, scope.findings))) };
    VirtualNetworkRule {
        position: span.start,
        subnet: subnet.filter(|_| !state.eq_ignore_ascii_case("Deleted")),
        ignore_missing_endpoint: flag(&model.ignore_missing, false),
        failed: state.eq_ignore_ascii_case("Failed"),
    }
}

fn checked_state<'a>(state: &'a Spanned<String>, findings: &mut Findings) -> &'a str {
    if !STATES.iter().any(|known| known.eq_ignore_ascii_case(&state.value)) {
        findings.report(Code::BadValue, state.span, "no state of a virtual network rule").maybe_hint(did_you_mean(&state.value, STATES));
    }
    &state.value
}

fn prefixes(list: &ListField<Shorthand<IpRule>>, findings: &mut Findings) -> Vec<(IpNet, Position)> {
    let rules = each(list).iter().filter_map(|rule| rule.0.value.as_ref().map(|text| (text, rule.span.start)));
    rules.filter_map(|(text, place)| Some((read_address_or_prefix(&text.value, text.span, findings)?, place))).collect()
}

fn ip_rules(firewall: &Firewall, findings: &mut Findings) -> Vec<(IpNet, Position)> {
    let mut rules = prefixes(&firewall.ip_rules, findings);
    for (part, span) in ip_range_filter(firewall) {
        rules.extend(read_address_or_prefix(part, span, findings).map(|prefix| (prefix, span.start)));
    }
    rules
}

/// The parts of Cosmos DB's comma text.
pub(super) fn ip_range_filter(firewall: &Firewall) -> impl Iterator<Item = (&str, Span)> {
    let filter = firewall.ip_range_filter.iter();
    filter.flat_map(|text| text.value.split(',').map(str::trim).map(|part| (part, text.span))).filter(|(part, _)| !part.is_empty())
}

fn ip_range(range: &Spanned<IpRange>, findings: &mut Findings) -> Option<(RangeInclusive<Ipv4Addr>, Position)> {
    let (start, end) = (range.start.as_ref()?, range.end.as_ref()?);
    if start.0 > end.0 {
        findings
            .report(Code::BackwardsRange, start.span, format!("the range {} to {} ends before it starts", start.0, end.0))
            .hint("exchange `start` and `end`");
        return None;
    }
    Some((start.0..=end.0, range.span.start))
}

fn databases(firewall: &Firewall, findings: &mut Findings) -> Vec<DatabaseRules> {
    let list = each(&firewall.databases);
    for (index, database) in list.iter().enumerate() {
        let name = |database: &Spanned<Database>| database.name.as_ref().map(|name| name.0.to_ascii_lowercase());
        let (Some(own), Some(text)) = (name(database), &database.name) else { continue };
        if let Some(first) = list.iter().take(index).find(|other| name(other).as_ref() == Some(&own)) {
            findings
                .report(Code::DuplicateName, text.span, format!("there is a database `{}` already", text.0))
                .related(Span { start: first.span.start, end: first.span.start }, "here");
        }
    }
    let resolve = |database: &Spanned<Database>, findings: &mut Findings| DatabaseRules {
        named: named(&database.name, database.span),
        ip_ranges: each(&database.ip_ranges).iter().filter_map(|range| ip_range(range, findings)).collect(),
    };
    list.iter().map(|database| resolve(database, findings)).collect()
}

fn resource_rules(firewall: &Firewall) -> Vec<(String, Position)> {
    let rules = each(&firewall.resource_access_rules).iter();
    rules.filter_map(|rule| rule.0.resource_id.as_ref().map(|id| (id.value.clone(), rule.span.start))).collect()
}
