//! What Azure refuses in a service's firewall, and what never takes effect there.

use super::service_types;
use super::{firewall_addresses, firewall_limits, restrictions};
use crate::config::finding::{Code, Findings, Span};
use crate::config::model::services::{AccessRestriction, Firewall, Service as ServiceModel, Switch};
use crate::config::model::values::Reference;
use crate::config::model::{NetworkFile, Spanned, each};
use crate::config::network::{Network, Service, SubnetIndex};
use crate::policy::ids::Access;
use crate::policy::service_firewall::kind::{Inside, Kind, List, Unmatched};

/// A service as written, as resolved, and how firewalls of its kind work.
#[derive(Clone, Copy)]
struct Checked<'a> {
    model: &'a ServiceModel,
    firewall: &'a Spanned<Firewall>,
    service: &'a Service,
    kind: &'static Kind,
    network: &'a Network,
}

/// Checks the firewall of every service.
pub(super) fn check(file: &NetworkFile, network: &Network, findings: &mut Findings) {
    for (model, service) in each(&file.services).iter().zip(&network.services) {
        check_scm_addresses(model, service, findings);
        let Some(firewall) = &model.firewall else { continue };
        let checked = Checked { model, firewall, service, kind: Kind::of(&service.kind), network };
        if service.subnet.is_some() && checked.kind.inside == Inside::Absent {
            absent_inside(checked, findings);
            continue;
        }
        check_subnets(checked, findings);
        check_mismatch(checked, findings);
        check_inert(checked, findings);
        check_tier(checked, findings);
        check_resources(checked, findings);
        firewall_limits::check(firewall, checked.kind, findings);
        firewall_addresses::check(firewall, checked.kind, service.subnet.is_some(), findings);
    }
}

fn absent_inside(checked: Checked<'_>, findings: &mut Findings) {
    let message = format!("{} has no firewall of its own in a subnet: this is not enforced", checked.service.kind);
    findings.report(Code::RuleMismatch, start(checked.firewall.span), message).hint("NSGs protect the subnet");
}

fn start(span: Span) -> Span {
    Span { start: span.start, end: span.start }
}

fn check_subnets(checked: Checked<'_>, findings: &mut Findings) {
    let Checked { firewall, service, kind, network, .. } = checked;
    let resolved = service.firewall.as_ref().map_or(&[][..], |firewall| firewall.virtual_network_rules.as_slice());
    for (written, rule) in each(&firewall.virtual_network_rules).iter().zip(resolved) {
        let (Some(subnet), Some(name)) = (rule.subnet, written.0.subnet.as_ref()) else { continue };
        if kind.has(List::VirtualNetworkRules) {
            check_endpoint(checked, name, subnet, rule.ignore_missing_endpoint, findings);
            check_region(checked, name, subnet, findings);
        }
    }
    for written in restrictions_of(firewall) {
        let Some(name) = &written.subnet else { continue };
        if service.subnet.is_some() {
            findings.report(Code::RuleMismatch, name.span, "in an App Service Environment rules about subnets match nothing");
        } else if let Some(subnet) = subnet_named(&name.0, network).filter(|_| kind.has(List::AccessRestrictions)) {
            check_endpoint(checked, name, subnet, super::flag(&written.ignore_missing, false), findings);
        }
    }
}

fn restrictions_of(firewall: &Firewall) -> impl Iterator<Item = &Spanned<AccessRestriction>> {
    each(&firewall.access_restrictions).iter().chain(each(&firewall.scm_ip_security_restrictions))
}

fn subnet_named(text: &str, network: &Network) -> Option<SubnetIndex> {
    let (home, name) = text.split_once('/')?;
    let is_it = |subnet: &crate::config::network::Subnet| {
        let of = network.virtual_networks.get(subnet.virtual_network.0);
        subnet.named.name.eq_ignore_ascii_case(name) && of.is_some_and(|of| of.named.name.eq_ignore_ascii_case(home))
    };
    network.subnets.iter().position(is_it).map(SubnetIndex)
}

fn check_endpoint(checked: Checked<'_>, name: &Spanned<Reference>, subnet: SubnetIndex, ignore: bool, findings: &mut Findings) {
    let Some(resolved) = checked.network.subnets.get(subnet.0) else { return };
    let Some(known) = service_types::find(&checked.service.kind) else { return };
    let has = resolved.service_endpoints.iter().any(|endpoint| known.endpoints.contains(&endpoint.service.as_str()));
    let may_lack = checked.kind.subnets.may_lack_endpoint;
    if has || (ignore && may_lack) {
        return;
    }
    let endpoint = known.endpoints.first().copied().unwrap_or_default();
    let finding = findings.report(Code::EndpointMissing, name.span, format!("the subnet `{}` has no service endpoint {endpoint}", name.0));
    finding.related(Span { start: resolved.named.position, end: resolved.named.position }, "the subnet");
    if may_lack {
        finding.hint(format!("add `serviceEndpoints: [{endpoint}]` to the subnet, or ignoreMissingVnetServiceEndpoint to the rule"));
    } else {
        finding.hint(format!("add `serviceEndpoints: [{endpoint}]` to the subnet"));
    }
}

fn check_region(checked: Checked<'_>, name: &Spanned<Reference>, subnet: SubnetIndex, findings: &mut Findings) {
    let network = checked.network;
    let home = network.subnets.get(subnet.0).and_then(|subnet| network.virtual_networks.get(subnet.virtual_network.0));
    let (Some(theirs), Some(own)) = (home.and_then(|home| home.location.as_ref()), &checked.service.location) else { return };
    if checked.kind.subnets.own_region && theirs != own {
        findings
            .report(Code::RuleRegion, name.span, format!("`{}` is in {theirs}: only resources in {own} can be listed here", name.0))
            .hint("this service takes virtual network rules for its own region only");
    }
}

/// Lists that the kind's firewall does not have.
fn check_mismatch(checked: Checked<'_>, findings: &mut Findings) {
    let Checked { firewall, service, kind, .. } = checked;
    let scm = each(&firewall.scm_ip_security_restrictions).first().map(|rule| rule.span);
    let lists = [
        (List::AccessRestrictions, each(&firewall.access_restrictions).first().map(|rule| rule.span).or(scm)),
        (List::VirtualNetworkRules, each(&firewall.virtual_network_rules).first().map(|rule| rule.span)),
        (List::IpRules, each(&firewall.ip_rules).first().map(|rule| rule.span)),
        (List::Ipv6Rules, each(&firewall.ipv6_rules).first().map(|rule| rule.span)),
        (List::IpRanges, each(&firewall.ip_ranges).first().map(|rule| rule.span)),
        (List::ResourceAccessRules, each(&firewall.resource_access_rules).first().map(|rule| rule.span)),
        (List::Databases, each(&firewall.databases).first().map(|rule| rule.span)),
        (List::DataLakeSwitches, firewall.firewall_state.as_ref().map(|state| state.span)),
    ];
    for (list, span) in lists {
        let Some(span) = span.filter(|_| !kind.has(list)) else { continue };
        let message = format!("{} has no {}: they are not enforced", service.kind, list.name());
        let finding = findings.report(Code::RuleMismatch, span, message);
        if kind.has(List::AccessRestrictions) {
            finding.hint("App Service has `accessRestrictions`");
        }
    }
}

fn first_rule(firewall: &Firewall) -> Option<Span> {
    let subnets = each(&firewall.virtual_network_rules).first().map(|rule| rule.span);
    let addresses = each(&firewall.ip_rules).first().map(|rule| rule.span);
    subnets.or(addresses).or_else(|| each(&firewall.ip_ranges).first().map(|rule| rule.span))
}

/// Rules that a switch beside them puts out of force.
fn check_inert(checked: Checked<'_>, findings: &mut Findings) {
    let Checked { firewall, kind, .. } = checked;
    if let (Some(flag), true) = (&firewall.is_virtual_network_filter_enabled, firewall.virtual_network_rules.is_some())
        && !flag.value
    {
        findings
            .report(Code::InertRules, flag.span, "the virtual network rules are not enforced: their filter is off")
            .hint("set `isVirtualNetworkFilterEnabled: true`");
    }
    let Some(rule) = first_rule(firewall).filter(|_| !kind.has(List::AccessRestrictions) && !kind.lists.is_empty()) else { return };
    let state = firewall.firewall_state.as_ref().filter(|_| kind.has(List::DataLakeSwitches));
    let (open, place, hint) = match (state, &firewall.default_action) {
        (Some(state), _) => (state.value == Switch::Disabled, state.span, "set `firewallState: Enabled`"),
        (None, Some(action)) => (action.value == Access::Allow, action.span, "set `defaultAction: Deny`"),
        (None, None) => (kind.unmatched == Unmatched::Allow, rule, "set `defaultAction: Deny`"),
    };
    if open {
        findings
            .report(Code::InertRules, place, "the rules are not enforced: everyone passes until the firewall is set to deny")
            .hint(hint);
    }
}

/// Tiers that have no firewall (event-hubs-ip-filtering, service-bus-service-endpoints,
/// postgresql/single-server/concepts-data-access-and-security-vnet).
fn check_tier(checked: Checked<'_>, findings: &mut Findings) {
    let Checked { model, firewall, service, .. } = checked;
    let Some(sku) = &model.sku else { return };
    let is = |tier: &str| sku.value.eq_ignore_ascii_case(tier);
    let closes = first_rule(firewall).is_some() || firewall.default_action.as_ref().is_some_and(|action| action.value == Access::Deny);
    let lists_subnets = !each(&firewall.virtual_network_rules).is_empty();
    let message = match service.kind.as_str() {
        "Microsoft.EventHub/namespaces" if is("Basic") && closes => "the tier Basic of Event Hubs has no firewall",
        "Microsoft.ServiceBus/namespaces" if !is("Premium") && closes => "of Service Bus only the tier Premium has a firewall",
        "Microsoft.DBforPostgreSQL/servers" | "Microsoft.DBforMySQL/servers" | "Microsoft.DBforMariaDB/servers"
            if (is("Basic") || sku.value.starts_with("B_")) && lists_subnets =>
        {
            "the tier Basic has no virtual network rules: General Purpose and Memory Optimized do"
        }
        _ => return,
    };
    findings.report(Code::ServiceTier, sku.span, message);
}

/// A resource is named by its id, or by the name that a service has here.
fn check_resources(checked: Checked<'_>, findings: &mut Findings) {
    let ids = each(&checked.firewall.resource_access_rules).iter().filter_map(|rule| rule.0.resource_id.as_ref());
    for id in ids.chain(each(&checked.firewall.network_acl_bypass_resource_ids)) {
        let named = || checked.network.services.iter().any(|service| service.named.name.eq_ignore_ascii_case(&id.value));
        if !id.value.starts_with('/') && !named() {
            findings
                .report(Code::UnknownName, id.span, format!("there is no service `{}`", id.value))
                .hint("write a resource id, which begins with /subscriptions/, or the name of one of the file's services");
        }
    }
}

fn check_scm_addresses(model: &ServiceModel, service: &Service, findings: &mut Findings) {
    let Some(first) = each(&model.scm_addresses).first() else { return };
    if !Kind::of(&service.kind).has(List::AccessRestrictions) || service.subnet.is_some() {
        findings.report(Code::NoEffect, first.span, "only apps outside of subnets have a deployment site with addresses of its own");
    }
}

/// Whether a list has a rule beside the synthetic last one.
pub(super) fn has_scm_rules(firewall: &Firewall) -> bool {
    each(&firewall.scm_ip_security_restrictions).iter().any(|rule| !restrictions::is_synthetic(rule))
}
