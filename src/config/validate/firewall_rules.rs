//! A service's firewall: its lists, resolved.

use std::net::Ipv4Addr;
use std::ops::RangeInclusive;

use ipnet::IpNet;

use super::service_types::ServiceType;
use super::{Scope, flag, limit, restrictions};
use crate::config::finding::{Code, Findings, Span};
use crate::config::model::addresses::read_address_or_prefix;
use crate::config::model::services::{Firewall, IpRange, PublicNetworkAccess, Service as ServiceModel, VirtualNetworkRule as RuleModel};
use crate::config::model::{Spanned, each};
use crate::config::nearest::did_you_mean;
use crate::config::network::{ServiceFirewall, SubnetIndex, VirtualNetworkRule};
use crate::policy::position::Position;

/// States of a virtual network rule, over all services.
const STATES: [&str; 10] = [
    "Provisioning",
    "Deprovisioning",
    "Succeeded",
    "Failed",
    "NetworkSourceDeleted",
    "Initializing",
    "InProgress",
    "Ready",
    "Deleting",
    "Unknown",
];

/// The firewall of a service; `None` where the file gives none.
pub(super) fn resolve(model: &Spanned<ServiceModel>, known: Option<&ServiceType>, scope: &mut Scope<'_>) -> Option<ServiceFirewall> {
    let disabled = |access: &Spanned<PublicNetworkAccess>| access.value == PublicNetworkAccess::Disabled;
    let closed = model.public_network_access.as_ref().is_some_and(disabled);
    let Some(firewall) = &model.firewall else {
        let position = model.public_network_access.as_ref().map_or(Position::default(), |access| access.span.start);
        return closed.then(|| ServiceFirewall { position, public_network_access_disabled: true, ..ServiceFirewall::default() });
    };
    check_limits(firewall, known, scope.findings);
    let mut resolved = ServiceFirewall {
        position: firewall.span.start,
        default_action: firewall.default_action.as_ref().map(|action| (action.value, action.span.start)),
        public_network_access_disabled: closed || firewall.public_network_access.as_ref().is_some_and(disabled),
        bypass: bypass(firewall, scope.findings),
        virtual_network_rules: each(&firewall.virtual_network_rules).iter().map(|rule| resolve_rule(&rule.0, rule.span, scope)).collect(),
        ip_rules: ip_rules(firewall, scope.findings),
        ip_ranges: each(&firewall.ip_ranges).iter().filter_map(|range| ip_range(range, scope.findings)).collect(),
        resource_access_rules: resource_rules(firewall),
        access_restrictions: Vec::new(),
    };
    restrictions::resolve(firewall, &mut resolved, scope);
    Some(resolved)
}

fn check_limits(firewall: &Spanned<Firewall>, known: Option<&ServiceType>, findings: &mut Findings) {
    let Some(known) = known else { return };
    limit(each(&firewall.virtual_network_rules).len(), known.virtual_network_rules, "virtual network rules", firewall.span, findings);
    limit(each(&firewall.ip_rules).len() + each(&firewall.ip_ranges).len(), known.ip_rules, "IP rules", firewall.span, findings);
    limit(each(&firewall.access_restrictions).len(), 512, "access restrictions", firewall.span, findings);
}

/// ARM writes a text with commas, Terraform a list: both are accepted.
fn bypass(firewall: &Firewall, findings: &mut Findings) -> Vec<String> {
    const ENTRIES: [&str; 4] = ["AzureServices", "Logging", "Metrics", "None"];
    let mut entries = Vec::new();
    for text in firewall.bypass.iter().flat_map(|list| list.value.0.iter()) {
        for word in text.value.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            match ENTRIES.iter().find(|entry| entry.eq_ignore_ascii_case(word)) {
                Some(entry) => entries.push((*entry).to_owned()),
                None => {
                    let hint = did_you_mean(word, ENTRIES).unwrap_or_else(|| format!("one of {}", ENTRIES.join(", ")));
                    findings.report(Code::BadValue, text.span, format!("`{word}` cannot bypass a firewall")).hint(hint);
                }
            }
        }
    }
    if entries.is_empty() && firewall.trusted_service_access_enabled.as_ref().is_some_and(|flag| flag.value) {
        entries.push("AzureServices".to_owned());
    }
    entries
}

fn resolve_rule(model: &RuleModel, span: Span, scope: &mut Scope<'_>) -> VirtualNetworkRule {
    let deleted = model.state.as_ref().is_some_and(|state| check_state(state, scope.findings));
    let subnet = if deleted { None } else { Some(SubnetIndex(scope.names.subnets.required(&model.subnet, scope.findings))) };
    VirtualNetworkRule { position: span.start, subnet, ignore_missing_endpoint: flag(&model.ignore_missing, false) }
}

/// Whether the state says that the subnet is gone.
fn check_state(state: &Spanned<String>, findings: &mut Findings) -> bool {
    if !STATES.iter().any(|known| known.eq_ignore_ascii_case(&state.value)) {
        findings.report(Code::BadValue, state.span, "no state of a virtual network rule").maybe_hint(did_you_mean(&state.value, STATES));
    }
    state.value.eq_ignore_ascii_case("NetworkSourceDeleted")
}

fn ip_rules(firewall: &Firewall, findings: &mut Findings) -> Vec<(IpNet, Position)> {
    let rules =
        each(&firewall.ip_rules).iter().filter_map(|rule| rule.0.value.as_ref().map(|text| (text.value.as_str(), text.span, rule.span)));
    let filter =
        firewall.ip_range_filter.iter().flat_map(|text| text.value.split(',').map(str::trim).map(|part| (part, text.span, text.span)));
    let filter = filter.filter(|(part, ..)| !part.is_empty());
    rules.chain(filter).filter_map(|(text, span, rule)| Some((read_address_or_prefix(text, span, findings)?, rule.start))).collect()
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

fn resource_rules(firewall: &Firewall) -> Vec<(String, Position)> {
    let rules = each(&firewall.resource_access_rules).iter();
    rules.filter_map(|rule| rule.0.resource_id.as_ref().map(|id| (id.value.clone(), rule.span.start))).collect()
}
