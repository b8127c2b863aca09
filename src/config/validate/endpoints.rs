//! Service endpoints of subnets, endpoint policies, and the keys of service tunnels.

use std::collections::HashMap;

use super::service_types::{self, endpoints};
use super::{Scope, limit, named};
use crate::config::finding::{Code, Findings, Span};
use crate::config::model::network_objects::{Subnet as SubnetModel, VirtualNetwork as NetworkModel};
use crate::config::model::services::ServiceEndpointPolicy as PolicyModel;
use crate::config::model::{NetworkFile, Spanned, each};
use crate::config::nearest::did_you_mean;
use crate::config::network::{Network, Service, ServiceEndpoint, ServiceEndpointPolicy, ServiceIndex, SourceEncoding, Subnet};

const STORAGE: &str = "Microsoft.Storage";
const STORAGE_GLOBAL: &str = "Microsoft.Storage.Global";

/// The endpoints of a subnet, canonical spelling.
pub(super) fn resolve(model: &SubnetModel, findings: &mut Findings) -> Vec<ServiceEndpoint> {
    let mut resolved: Vec<ServiceEndpoint> = Vec::new();
    for entry in each(&model.service_endpoints) {
        let Some(text) = &entry.0.service else { continue };
        let Some(service) = endpoints().find(|known| known.eq_ignore_ascii_case(&text.value)) else {
            let hint =
                did_you_mean(&text.value, endpoints()).unwrap_or_else(|| format!("one of {}", endpoints().collect::<Vec<_>>().join(", ")));
            findings.report(Code::UnknownName, text.span, format!("there is no service endpoint `{}`", text.value)).hint(hint);
            continue;
        };
        check_conflict(service, &resolved, text.span, findings);
        let locations = each(&entry.0.locations).iter().map(|region| region.value.replace(' ', "").to_ascii_lowercase());
        let locations = locations.filter(|region| region != "*").collect();
        resolved.push(ServiceEndpoint { service: service.to_owned(), locations, position: entry.span.start });
    }
    resolved
}

fn check_conflict(service: &str, earlier: &[ServiceEndpoint], span: Span, findings: &mut Findings) {
    let storage = |name: &str| name == STORAGE || name == STORAGE_GLOBAL;
    for other in earlier {
        if other.service == service {
            findings.report(Code::EndpointConflict, span, format!("the subnet has {service} already"));
        } else if storage(service) && storage(&other.service) {
            findings
                .report(Code::EndpointConflict, span, format!("{STORAGE} and {STORAGE_GLOBAL} cannot be on one subnet"))
                .hint(format!("{STORAGE_GLOBAL} covers every region"));
        }
    }
}

/// All endpoint policies of the file.
pub(super) fn resolve_policies(file: &NetworkFile, scope: &mut Scope<'_>) -> Vec<ServiceEndpointPolicy> {
    each(&file.service_endpoint_policies).iter().map(|policy| resolve_policy(policy, file, scope)).collect()
}

fn resolve_policy(model: &Spanned<PolicyModel>, file: &NetworkFile, scope: &mut Scope<'_>) -> ServiceEndpointPolicy {
    let listed = each(&model.services);
    limit(listed.len(), 200, "services in the policy", model.span, scope.findings);
    let mut services = Vec::new();
    for name in listed {
        let index = scope.names.services.refer(name, scope.findings);
        let kind = each(&file.services).get(index).and_then(|service| service.kind.as_ref());
        let is_storage = |kind: &str| service_types::find(kind).is_some_and(|known| known.tag == "Storage");
        if let Some(kind) = kind.filter(|kind| !is_storage(&kind.0)) {
            report_not_storage(name.span, &name.0, &kind.0, scope.findings);
        }
        services.push(ServiceIndex(index));
    }
    ServiceEndpointPolicy { named: named(&model.name, model.span), services }
}

fn report_not_storage(span: Span, name: &str, kind: &str, findings: &mut Findings) {
    findings
        .report(Code::PolicyService, span, format!("`{name}` is no storage account but {kind}"))
        .hint("endpoint policies list storage accounts");
}

/// Checks policies against endpoints, and tunnel keys against the services that need them.
pub(super) fn check(file: &NetworkFile, network: &Network, findings: &mut Findings) {
    let subnets = each(&file.virtual_networks).iter().flat_map(|network| each(&network.subnets));
    for (model, subnet) in subnets.zip(&network.subnets) {
        check_policy_endpoint(model, subnet, findings);
        check_tunnel(model, subnet, network, findings);
    }
    let networks: Vec<&Spanned<NetworkModel>> = each(&file.virtual_networks).iter().collect();
    unique_keys("network", networks.iter().filter_map(|network| network.tunnel_key.as_ref()).map(|key| (key.0, key.span)), findings);
    for network in networks {
        let keys = each(&network.subnets).iter().filter_map(|subnet| subnet.tunnel_key.as_ref());
        unique_keys("subnet of this network", keys.map(|key| (key.0, key.span)), findings);
    }
}

fn unique_keys(what: &str, keys: impl Iterator<Item = (u32, Span)>, findings: &mut Findings) {
    let mut seen: HashMap<u32, Span> = HashMap::new();
    for (key, span) in keys {
        if let Some(first) = seen.insert(key, span) {
            findings.report(Code::TunnelKey, span, format!("another {what} has the tunnelKey {key:#x}")).related(first, "here");
        }
    }
}

fn check_policy_endpoint(model: &SubnetModel, subnet: &Subnet, findings: &mut Findings) {
    limit(
        subnet.service_endpoint_policies.len(),
        100,
        "endpoint policies on the subnet",
        model.service_endpoint_policies.as_ref().map_or_else(Span::default, |list| list.span),
        findings,
    );
    let has_storage = subnet.service_endpoints.iter().any(|endpoint| endpoint.service.starts_with(STORAGE));
    if let (Some(first), false) = (each(&model.service_endpoint_policies).first(), has_storage) {
        findings
            .report(Code::PolicyService, first.span, "an endpoint policy needs a storage endpoint on its subnet")
            .hint(format!("add {STORAGE} to `serviceEndpoints`"));
    }
}

fn check_tunnel(model: &SubnetModel, subnet: &Subnet, network: &Network, findings: &mut Findings) {
    let tunnelled = |service: &&Service| matches!(service.source_encoding, SourceEncoding::ServiceTunnel(_));
    for service in network.services.iter().filter(tunnelled) {
        let Some(known) = service_types::find(&service.kind) else { continue };
        let endpoint = each(&model.service_endpoints).iter().find(|entry| {
            entry.0.service.as_ref().is_some_and(|name| known.endpoints.iter().any(|endpoint| endpoint.eq_ignore_ascii_case(&name.value)))
        });
        let Some(endpoint) = endpoint else { continue };
        let home = network.virtual_networks.get(subnet.virtual_network.0);
        let lacking = match (subnet.tunnel_key, home.and_then(|home| home.tunnel_key)) {
            (Some(_), Some(_)) => continue,
            (None, _) => "the subnet",
            (Some(_), None) => "the subnet's network",
        };
        if model.tunnel_key.is_none() || lacking != "the subnet" {
            let message = format!("`{}` is a ServiceTunnel service, and {lacking} has no `tunnelKey`", service.named.name);
            let place = Span { start: service.named.position, end: service.named.position };
            findings.report(Code::TunnelKey, endpoint.span, message).related(place, "the service");
        }
    }
}
