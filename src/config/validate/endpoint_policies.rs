//! Service endpoint policies: allow-lists of storage accounts (Azure:
//! virtual-network-service-endpoint-policies-overview).
//!
//! A policy lists accounts by the name of a service of the file, by resource scope, or by the alias of the platform
//! service that manages them. Scopes are compared with a service's `id`. Of a service without one the account's name
//! alone is known: that settles scopes of accounts; whether a subscription or resource group holds it is not settled.

use std::collections::HashSet;

use super::service_types::{self, ServiceType};
use super::{Scope, limit, named};
use crate::config::finding::{Code, Findings, Span};
use crate::config::model::endpoint_policies::{PolicyEntry, ServiceEndpointPolicy as PolicyModel};
use crate::config::model::network_objects::{Subnet as SubnetModel, VirtualNetwork as NetworkModel};
use crate::config::model::services::Service as ServiceModel;
use crate::config::model::values::short;
use crate::config::model::{ListField, NetworkFile, Spanned, each};
use crate::config::nearest::did_you_mean;
use crate::config::network::{Network, PolicyIndex, ServiceEndpointPolicy, ServiceIndex, Subnet};

/// Platform services that an alias can name.
const ALIASES: [&str; 6] = [
    "/services/Azure",
    "/services/Azure/Batch",
    "/services/Azure/DataFactory",
    "/services/Azure/MachineLearning",
    "/services/Azure/ManagedInstance",
    "/services/Azure/WebPI",
];
/// Storage accounts of the classic deployment model, which no policy lets through.
const CLASSIC: &str = "Microsoft.ClassicStorage/storageAccounts";
/// The one managed service whose subnet may have policies.
const MANAGED_INSTANCES: &str = "Microsoft.Sql/managedInstances";
const MOST_RESOURCES: usize = 200;
const MOST_ON_SUBNET: usize = 100;
const MOST_ON_NETWORK: usize = 100;
const MOST_POLICIES: usize = 500;

/// What an entry of a policy lists.
enum Listed {
    /// A service of the file.
    Service(usize),
    /// A resource scope, lower case: subscription, resource group, account.
    Resource(Vec<String>),
    /// What a platform service manages.
    Alias(String),
}

/// Whether a policy lets an account through.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Holds {
    No,
    Unsettled,
    Yes,
}

/// All endpoint policies of the file.
pub(super) fn resolve(file: &NetworkFile, scope: &mut Scope<'_>) -> Vec<ServiceEndpointPolicy> {
    let policies = each(&file.service_endpoint_policies);
    if let Some(list) = &file.service_endpoint_policies {
        limit(policies.len(), MOST_POLICIES, "endpoint policies", list.span, scope.findings);
    }
    policies.iter().map(|policy| resolve_policy(policy, file, scope)).collect()
}

fn resolve_policy(model: &Spanned<PolicyModel>, file: &NetworkFile, scope: &mut Scope<'_>) -> ServiceEndpointPolicy {
    let mut listed = definition(&model.services, None, model.span, file, scope);
    for part in each(&model.definitions) {
        listed.extend(definition(&part.services, part.service.as_ref(), part.span, file, scope));
    }
    if let Some(alias) = &model.service_alias {
        listed.extend(entry(alias, file, scope));
    }
    if model.services.is_none() && model.definitions.is_none() && model.service_alias.is_none() {
        let place = Span { start: model.span.start, end: model.span.start };
        scope.findings.report(Code::MissingProperty, place, "a service endpoint policy lacks `services`");
    }
    let (mut services, mut unsettled) = (Vec::new(), Vec::new());
    for (index, account) in each(&file.services).iter().enumerate().filter(|(_, service)| is_storage(service)) {
        match listed.iter().map(|entry| holds(entry, index, account)).max().unwrap_or(Holds::No) {
            Holds::Yes => services.push(ServiceIndex(index)),
            Holds::Unsettled => unsettled.push(ServiceIndex(index)),
            Holds::No => {}
        }
    }
    ServiceEndpointPolicy { named: named(&model.name, model.span), services, unsettled }
}

/// The entries of one definition: accounts or aliases, not both.
fn definition(
    entries: &ListField<PolicyEntry>,
    service: Option<&Spanned<String>>,
    span: Span,
    file: &NetworkFile,
    scope: &mut Scope<'_>,
) -> Vec<Listed> {
    limit(each(entries).len(), MOST_RESOURCES, "services in the policy", span, scope.findings);
    let aliases = service.and_then(|service| holds_aliases(service, scope.findings));
    let first = each(entries).first().map(|first| first.0.to_ascii_lowercase().starts_with("/services/"));
    for written in each(entries) {
        let alias = written.0.to_ascii_lowercase().starts_with("/services/");
        let message = match (aliases, first) {
            (Some(true), _) if !alias => "a definition with `service: Global` lists aliases only",
            (Some(false), _) if alias => "an alias belongs to a definition with `service: Global`",
            (None, Some(first)) if first != alias => "one definition lists accounts or aliases, not both",
            _ => continue,
        };
        scope.findings.report(Code::PolicyService, written.span, message).hint("put aliases into a definition of their own");
    }
    each(entries).iter().filter_map(|written| entry(written, file, scope)).collect()
}

/// Whether a definition's `service` takes aliases; `None` where it is wrong.
fn holds_aliases(service: &Spanned<String>, findings: &mut Findings) -> Option<bool> {
    match service.value.to_ascii_lowercase().as_str() {
        "global" => Some(true),
        "microsoft.storage" => Some(false),
        _ => {
            findings
                .report(Code::PolicyService, service.span, format!("there are no endpoint policies for `{}`", short(&service.value)))
                .hint("Microsoft.Storage, or Global for aliases");
            None
        }
    }
}

fn entry(written: &Spanned<PolicyEntry>, file: &NetworkFile, scope: &mut Scope<'_>) -> Option<Listed> {
    let text = written.0.as_str();
    if let Some(alias) = ALIASES.iter().find(|alias| alias.eq_ignore_ascii_case(text.trim_end_matches('/'))) {
        return Some(Listed::Alias(alias.to_ascii_lowercase()));
    }
    if text.to_ascii_lowercase().starts_with("/services/") {
        let hint = did_you_mean(text, ALIASES).unwrap_or_else(|| format!("one of {}", ALIASES.join(", ")));
        scope.findings.report(Code::UnknownName, written.span, format!("there is no alias `{}`", short(text))).hint(hint);
        return None;
    }
    if text.starts_with('/') {
        return resource(text, written.span, scope.findings).map(Listed::Resource);
    }
    let index = scope.names.services.find(text, written.span, scope.findings);
    let model = each(&file.services).get(index)?;
    check_account(text, model, written.span, scope.findings);
    Some(Listed::Service(index))
}

fn check_account(name: &str, model: &ServiceModel, span: Span, findings: &mut Findings) {
    let Some(kind) = &model.kind else { return };
    if !is_storage(model) {
        findings
            .report(Code::PolicyService, span, format!("`{name}` is no storage account but {}", kind.0))
            .hint("endpoint policies list storage accounts");
    } else if is_classic(model) || model.managed_by.is_some() {
        let what = if is_classic(model) { "classic" } else { "managed" };
        findings.report(Code::PolicyAccount, span, format!("`{name}` is a {what} account: endpoint policies never let it through by name"));
    }
}

/// The parts of a resource scope: subscription, and perhaps resource group, and perhaps account.
fn resource(text: &str, span: Span, findings: &mut Findings) -> Option<Vec<String>> {
    let lower = text.trim_end_matches('/').to_ascii_lowercase();
    let parts: Vec<&str> = lower.split('/').skip(1).collect();
    let names: &[&str] = match parts.as_slice() {
        ["subscriptions", subscription] => &[subscription],
        ["subscriptions", subscription, "resourcegroups", group] => &[subscription, group],
        ["subscriptions", subscription, "resourcegroups", group, "providers", "microsoft.storage", "storageaccounts", account] => {
            &[subscription, group, account]
        }
        ["subscriptions", _, "resourcegroups", _, "providers", namespace, kind, ..] => {
            let message = format!("`{namespace}/{kind}` is no type of storage account");
            findings.report(Code::PolicyService, span, message).hint("endpoint policies list storage accounts");
            return None;
        }
        _ => &[],
    };
    if names.is_empty() || names.iter().any(|name| name.is_empty()) {
        findings
            .report(Code::BadValue, span, format!("`{}` is no resource scope", short(text)))
            .hint("/subscriptions/S[/resourceGroups/R[/providers/Microsoft.Storage/storageAccounts/A]]");
        return None;
    }
    Some(names.iter().map(|name| (*name).to_owned()).collect())
}

/// Whether an entry lets an account through. Classic accounts never pass, managed ones only by their manager's alias.
fn holds(listed: &Listed, index: usize, account: &ServiceModel) -> Holds {
    if is_classic(account) {
        return Holds::No;
    }
    match (listed, &account.managed_by) {
        (Listed::Alias(alias), Some(manager)) => managed_by(alias, &manager.value),
        (Listed::Alias(_), None) | (_, Some(_)) => Holds::No,
        (Listed::Service(listed), None) => if_so(*listed == index),
        (Listed::Resource(scope), None) => in_scope(scope, account),
    }
}

fn if_so(is_so: bool) -> Holds {
    if is_so { Holds::Yes } else { Holds::No }
}

fn managed_by(alias: &str, manager: &str) -> Holds {
    let manager = manager.trim_end_matches('/').to_ascii_lowercase();
    if !manager.starts_with("/services/") {
        return Holds::Unsettled;
    }
    if_so(manager == alias || manager.strip_prefix(alias).is_some_and(|rest| rest.starts_with('/')))
}

fn in_scope(scope: &[String], account: &ServiceModel) -> Holds {
    if let Some(id) = &account.id {
        let lower = id.value.to_ascii_lowercase();
        let own: Vec<&str> = lower.split('/').skip(2).step_by(2).enumerate().filter(|(at, _)| *at != 2).map(|(_, name)| name).collect();
        return if_so(own.len() >= scope.len() && own.iter().zip(scope).all(|(own, listed)| own == listed));
    }
    let Some(listed) = scope.get(2) else { return Holds::Unsettled };
    let hosts = each(&account.host_names).iter().filter_map(|host| host.0.split('.').next());
    let names = account.name.iter().map(|name| name.0.as_str()).chain(hosts);
    if_so(names.into_iter().any(|name| name.eq_ignore_ascii_case(listed)))
}

fn known_type(service: &ServiceModel) -> Option<&'static ServiceType> {
    service_types::find(&service.kind.as_ref()?.0)
}

fn is_classic(service: &ServiceModel) -> bool {
    service.kind.as_ref().is_some_and(|kind| kind.0.eq_ignore_ascii_case(CLASSIC))
}

fn is_storage(service: &ServiceModel) -> bool {
    known_type(service).is_some_and(|known| known.tag == "Storage")
}

/// Checks where policies are attached.
pub(super) fn check(file: &NetworkFile, network: &Network, findings: &mut Findings) {
    let mut subnets = network.subnets.iter();
    for model in each(&file.virtual_networks) {
        let here: Vec<(&SubnetModel, &Subnet)> = each(&model.subnets).iter().map(|subnet| &subnet.value).zip(subnets.by_ref()).collect();
        let attached: HashSet<PolicyIndex> = here.iter().flat_map(|(_, subnet)| &subnet.service_endpoint_policies).copied().collect();
        limit(attached.len(), MOST_ON_NETWORK, "endpoint policies in the network", model.span, findings);
        for (written, subnet) in here {
            check_subnet(written, subnet, network, findings);
            check_regions(file, model, written, subnet, network, findings);
        }
    }
    for service in each(&file.services) {
        check_id(service, findings);
    }
}

fn check_subnet(model: &SubnetModel, subnet: &Subnet, network: &Network, findings: &mut Findings) {
    let Some(list) = &model.service_endpoint_policies else { return };
    limit(subnet.service_endpoint_policies.len(), MOST_ON_SUBNET, "endpoint policies on the subnet", list.span, findings);
    let Some(first) = list.value.first() else { return };
    if !subnet.service_endpoints.iter().any(|endpoint| endpoint.service.starts_with("Microsoft.Storage")) {
        findings
            .report(Code::PolicyService, first.span, "an endpoint policy needs a storage endpoint on its subnet")
            .hint("add Microsoft.Storage to `serviceEndpoints`");
    }
    let is_here = |index: usize| network.subnets.get(index).is_some_and(|other| std::ptr::eq(other, subnet));
    let injected = network.services.iter().filter(|service| service.subnet.is_some_and(|place| is_here(place.0)));
    let managed = subnet.delegation.iter().chain(injected.map(|service| &service.kind));
    if let Some(service) = managed.into_iter().find(|kind| !kind.eq_ignore_ascii_case(MANAGED_INSTANCES)) {
        findings
            .report(
                Code::PolicyService,
                first.span,
                format!("the subnet is {service}'s: endpoint policies do not work with managed services"),
            )
            .hint("of those only SQL Managed Instance takes them");
    }
}

/// A policy is in the region of the network.
fn check_regions(
    file: &NetworkFile,
    home: &NetworkModel,
    model: &SubnetModel,
    subnet: &Subnet,
    network: &Network,
    findings: &mut Findings,
) {
    let region = home.location.as_ref().or(file.location.as_ref());
    for (name, policy) in each(&model.service_endpoint_policies).iter().zip(&subnet.service_endpoint_policies) {
        let own = each(&file.service_endpoint_policies).get(policy.0).and_then(|policy| policy.location.as_ref());
        let (Some(own), Some(theirs), Some(policy)) = (own, region, network.service_endpoint_policies.get(policy.0)) else { continue };
        if own.0 != theirs.0 {
            let place = Span { start: policy.named.position, end: policy.named.position };
            findings
                .report(Code::PolicyService, name.span, format!("the policy is in {}, the network in {}", own.0, theirs.0))
                .related(place, "the policy");
        }
    }
}

/// A service's own id says what the resource scopes look for.
fn check_id(service: &ServiceModel, findings: &mut Findings) {
    let Some(id) = &service.id else { return };
    let lower = id.value.to_ascii_lowercase();
    let parts: Vec<&str> = lower.split('/').collect();
    let complete = matches!(parts.as_slice(), ["", "subscriptions", _, "resourcegroups", _, "providers", _, _, _, ..]);
    if !complete || parts.iter().skip(1).any(|part| part.is_empty()) {
        findings
            .report(Code::BadValue, id.span, format!("`{}` is no resource id", short(&id.value)))
            .hint("/subscriptions/S/resourceGroups/R/providers/NAMESPACE/TYPE/NAME");
    }
}
