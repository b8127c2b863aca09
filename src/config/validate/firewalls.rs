//! What Azure refuses in a service's firewall, and what never takes effect there.

use std::net::Ipv4Addr;

use ipnet::{IpNet, Ipv4Net};

use super::service_types::{self, RuleRegion, ServiceType};
use crate::config::finding::{Code, Findings, Span};
use crate::config::model::services::{Firewall, Service as ServiceModel};
use crate::config::model::values::Reference;
use crate::config::model::{NetworkFile, Spanned, each};
use crate::config::network::{Network, Service, SubnetIndex};
use crate::policy::ids::Access;

const PRIVATE: [(Ipv4Addr, u8); 3] =
    [(Ipv4Addr::new(10, 0, 0, 0), 8), (Ipv4Addr::new(172, 16, 0, 0), 12), (Ipv4Addr::new(192, 168, 0, 0), 16)];

/// Checks every firewall of a service whose type is known.
pub(super) fn check(file: &NetworkFile, network: &Network, findings: &mut Findings) {
    for (model, service) in each(&file.services).iter().zip(&network.services) {
        let (Some(firewall), Some(known)) = (&model.firewall, service_types::find(&service.kind)) else { continue };
        check_rules(model, service, known, network, findings);
        check_mismatch(firewall, known, findings);
        check_inert(firewall, known, findings);
        if matches!(known.tag, "Storage" | "AzureKeyVault") {
            check_ip_rules(firewall, known.tag == "Storage", findings);
        }
    }
}

fn check_rules(model: &ServiceModel, service: &Service, known: &ServiceType, network: &Network, findings: &mut Findings) {
    let Some(firewall) = &model.firewall else { return };
    let resolved = service.firewall.as_ref();
    let rules = resolved.map_or(&[][..], |firewall| firewall.virtual_network_rules.as_slice());
    for (written, rule) in each(&firewall.virtual_network_rules).iter().zip(rules) {
        let (Some(subnet), Some(name)) = (rule.subnet, written.0.subnet.as_ref()) else { continue };
        check_endpoint(name, subnet, rule.ignore_missing_endpoint, known, network, findings);
        check_region(name, subnet, service, known, network, findings);
    }
    for written in each(&firewall.access_restrictions) {
        let Some(name) = &written.subnet else { continue };
        let Some(subnet) = subnet_named(&name.0, network) else { continue };
        check_endpoint(name, subnet, super::flag(&written.ignore_missing, false), known, network, findings);
    }
}

fn subnet_named(text: &str, network: &Network) -> Option<SubnetIndex> {
    let (home, name) = text.split_once('/')?;
    let is_it = |subnet: &crate::config::network::Subnet| {
        let of = network.virtual_networks.get(subnet.virtual_network.0);
        subnet.named.name.eq_ignore_ascii_case(name) && of.is_some_and(|of| of.named.name.eq_ignore_ascii_case(home))
    };
    network.subnets.iter().position(is_it).map(SubnetIndex)
}

fn check_endpoint(
    name: &Spanned<Reference>,
    subnet: SubnetIndex,
    ignore: bool,
    known: &ServiceType,
    network: &Network,
    findings: &mut Findings,
) {
    let Some(resolved) = network.subnets.get(subnet.0) else { return };
    let has = resolved.service_endpoints.iter().any(|endpoint| known.endpoints.contains(&endpoint.service.as_str()));
    if has || (ignore && known.ignores_missing_endpoint) {
        return;
    }
    let endpoint = known.endpoints.first().copied().unwrap_or_default();
    let finding = findings.report(Code::EndpointMissing, name.span, format!("the subnet `{}` has no service endpoint {endpoint}", name.0));
    let place = Span { start: resolved.named.position, end: resolved.named.position };
    finding.related(place, "the subnet");
    if known.ignores_missing_endpoint {
        finding.hint(format!("add `serviceEndpoints: [{endpoint}]` to the subnet, or ignoreMissingVnetServiceEndpoint to the rule"));
    } else {
        finding.hint(format!("add `serviceEndpoints: [{endpoint}]` to the subnet"));
    }
}

fn check_region(
    name: &Spanned<Reference>,
    subnet: SubnetIndex,
    service: &Service,
    known: &ServiceType,
    network: &Network,
    findings: &mut Findings,
) {
    let home = network.subnets.get(subnet.0).and_then(|subnet| network.virtual_networks.get(subnet.virtual_network.0));
    let (Some(theirs), Some(own)) = (home.and_then(|home| home.location.as_ref()), &service.location) else { return };
    if known.rule_region == RuleRegion::Own && theirs != own {
        findings
            .report(Code::RuleRegion, name.span, format!("`{}` is in {theirs}: only resources in {own} can be listed here", name.0))
            .hint("this service takes virtual network rules for its own region only");
    }
}

fn check_mismatch(firewall: &Firewall, known: &ServiceType, findings: &mut Findings) {
    let is_web = known.tag == "AppService";
    let first = |is_wrong: bool, span: Option<Span>| span.filter(|_| is_wrong);
    let lists = [
        (first(!is_web, each(&firewall.access_restrictions).first().map(|rule| rule.span)), "accessRestrictions"),
        (first(is_web, each(&firewall.virtual_network_rules).first().map(|rule| rule.span)), "virtualNetworkRules"),
        (first(is_web, each(&firewall.ip_rules).first().map(|rule| rule.span)), "ipRules"),
        (first(is_web, each(&firewall.ip_ranges).first().map(|rule| rule.span)), "ipRanges"),
        (first(known.tag != "Storage", each(&firewall.resource_access_rules).first().map(|rule| rule.span)), "resourceAccessRules"),
    ];
    for (span, list) in lists {
        if let Some(span) = span {
            let finding = findings.report(Code::RuleMismatch, span, format!("{} has no {list}: they are not enforced", known.kind));
            if is_web {
                finding.hint("App Service has `accessRestrictions`");
            }
        }
    }
}

/// Storage and its like enforce their rules only with `defaultAction: Deny`.
fn check_inert(firewall: &Firewall, known: &ServiceType, findings: &mut Findings) {
    let enforces = matches!(known.tag, "Sql" | "AzureCosmosDB" | "AppService" | "AzureDataLake");
    let open = firewall.default_action.as_ref().is_none_or(|action| action.value == Access::Allow);
    let vnet_rule = each(&firewall.virtual_network_rules).first().map(|rule| rule.span);
    let rule = vnet_rule.or_else(|| each(&firewall.ip_rules).first().map(|rule| rule.span));
    if let (Some(rule), true) = (rule, open && !enforces) {
        let place = firewall.default_action.as_ref().map_or(rule, |action| action.span);
        findings
            .report(Code::InertRules, place, "the rules are not enforced: everyone passes while defaultAction is Allow, its default")
            .hint("set `defaultAction: Deny`");
    }
}

fn check_ip_rules(firewall: &Firewall, is_storage: bool, findings: &mut Findings) {
    for text in each(&firewall.ip_rules).iter().filter_map(|rule| rule.0.value.as_ref()) {
        let address = text.value.parse::<std::net::IpAddr>().map(IpNet::from);
        let Ok(prefix) = address.clone().or_else(|_| text.value.parse::<IpNet>()) else { continue };
        let IpNet::V4(net) = prefix else {
            findings.report(Code::IpRule, text.span, format!("{} is IPv6; the service's IP rules are IPv4", text.value));
            continue;
        };
        let ranges = PRIVATE.iter().filter_map(|(address, length)| Ipv4Net::new(*address, *length).ok());
        if ranges.into_iter().any(|range| range.contains(&net)) {
            let finding = findings.report(Code::IpRule, text.span, format!("{} is private; IP rules list public addresses", text.value));
            finding.hint("private sources pass by virtualNetworkRules, over a service endpoint");
        } else if is_storage && address.is_err() && net.prefix_len() > 30 {
            let finding = findings.report(Code::IpRule, text.span, format!("{}: Storage takes no prefixes /31 and /32", text.value));
            finding.hint(format!("write the single address: `{}`", net.addr()));
        }
    }
}
