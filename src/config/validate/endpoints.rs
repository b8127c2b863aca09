//! Service endpoints of subnets, and the keys of service tunnels.

use std::collections::HashMap;

use super::service_types::{self, endpoints};
use crate::config::compile::service_kinds;
use crate::config::finding::{Code, Findings, Span};
use crate::config::model::network_objects::{ServiceEndpoint as EndpointModel, Subnet as SubnetModel, VirtualNetwork as NetworkModel};
use crate::config::model::values::short;
use crate::config::model::{NetworkFile, Spanned, each};
use crate::config::nearest::did_you_mean;
use crate::config::network::{Network, Service, ServiceEndpoint, SourceEncoding, Subnet};

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
        resolved.push(ServiceEndpoint {
            service: service.to_owned(),
            locations: locations(&entry.0, findings),
            position: entry.span.start,
        });
    }
    resolved
}

/// The regions that an endpoint is limited to; `*` among them takes the limit away.
fn locations(model: &EndpointModel, findings: &mut Findings) -> Vec<String> {
    let mut regions = Vec::new();
    for written in each(&model.locations) {
        let region = written.value.replace(' ', "").to_ascii_lowercase();
        if region != "*" && (region.is_empty() || !region.chars().all(|letter| letter.is_ascii_alphanumeric())) {
            findings
                .report(Code::BadValue, written.span, format!("`{}` is no region", short(&written.value)))
                .hint("such as westeurope, or *");
        }
        regions.push(region);
    }
    if regions.iter().any(|region| region == "*") { Vec::new() } else { regions }
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

/// Checks tunnel keys against the services that need them.
pub(super) fn check(file: &NetworkFile, network: &Network, findings: &mut Findings) {
    let subnets = each(&file.virtual_networks).iter().flat_map(|network| each(&network.subnets));
    for (model, subnet) in subnets.zip(&network.subnets) {
        check_tunnel(model, subnet, network, findings);
        check_locations(model, subnet, network, findings);
    }
    let networks: Vec<&Spanned<NetworkModel>> = each(&file.virtual_networks).iter().collect();
    unique_keys("network", networks.iter().filter_map(|network| network.tunnel_key.as_ref()).map(|key| (key.0, key.span)), findings);
    for network in networks {
        let keys = each(&network.subnets).iter().filter_map(|subnet| subnet.tunnel_key.as_ref());
        unique_keys("subnet of this network", keys.map(|key| (key.0, key.span)), findings);
    }
}

/// `locations` narrows the service's own rule and never widens it.
fn check_locations(model: &SubnetModel, subnet: &Subnet, network: &Network, findings: &mut Findings) {
    let home = network.virtual_networks.get(subnet.virtual_network.0).and_then(|home| home.location.as_deref());
    for written in each(&model.service_endpoints) {
        let name = written.0.service.as_ref().map_or("", |service| service.value.as_str());
        let Some(covered) = service_kinds::covered_regions(name, home, !subnet.service_endpoint_policies.is_empty()) else { continue };
        for location in each(&written.0.locations) {
            let region = location.value.replace(' ', "").to_ascii_lowercase();
            if region != "*" && !covered.contains(&region) {
                findings
                    .report(Code::EndpointRegion, location.span, format!("{name} does not reach {region} from here"))
                    .hint(format!("it covers {}", covered.join(" and ")));
            }
        }
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
