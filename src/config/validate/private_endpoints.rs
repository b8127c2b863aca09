//! Private endpoints: where they are, and what they lead to (Azure: private-endpoint-overview).

use std::net::Ipv4Addr;

use super::{Scope, named};
use crate::config::finding::{Code, Findings};
use crate::config::model::private_endpoints::PrivateEndpoint as EndpointModel;
use crate::config::model::{NetworkFile, Spanned, each};
use crate::config::network::{Attachment, Network, PrivateEndpoint, ServiceIndex, SubnetIndex};

/// All private endpoints of the file.
pub(super) fn resolve(file: &NetworkFile, scope: &mut Scope<'_>) -> Vec<PrivateEndpoint> {
    each(&file.private_endpoints).iter().map(|endpoint| resolve_endpoint(endpoint, scope)).collect()
}

fn resolve_endpoint(model: &Spanned<EndpointModel>, scope: &mut Scope<'_>) -> PrivateEndpoint {
    let Scope { names, findings, .. } = scope;
    PrivateEndpoint {
        named: named(&model.name, model.span),
        subnet: SubnetIndex(names.subnets.required(&model.subnet, findings)),
        address: model.private_ip_address.as_ref().map_or(Ipv4Addr::UNSPECIFIED, |address| address.0),
        service: ServiceIndex(names.services.required(&model.service, findings)),
    }
}

/// Checks subnets, regions, services and ports; `addresses` checks the address itself.
pub(super) fn check(file: &NetworkFile, network: &Network, findings: &mut Findings) {
    for (model, endpoint) in each(&file.private_endpoints).iter().zip(&network.private_endpoints) {
        check_subnet(model, endpoint, network, findings);
        check_service(model, endpoint, network, findings);
    }
    check_ports(file, network, findings);
}

/// A delegated subnet takes none (Azure: subnet-delegation-overview), and a network takes those of its region.
fn check_subnet(model: &EndpointModel, endpoint: &PrivateEndpoint, network: &Network, findings: &mut Findings) {
    let (Some(subnet), Some(place)) = (network.subnets.get(endpoint.subnet.0), &model.subnet) else { return };
    if let Some(service) = &subnet.delegation {
        findings.report(Code::DelegatedSubnet, place.span, format!("the subnet is delegated to {service}: it takes no private endpoints"));
    }
    let home = network.virtual_networks.get(subnet.virtual_network.0).and_then(|home| home.location.as_deref());
    if let (Some(own), Some(theirs)) = (&model.location, home)
        && own.0 != theirs
    {
        findings.report(Code::PrivateEndpoint, own.span, format!("the network is in {theirs}: its private endpoints are too"));
    }
}

fn check_service(model: &EndpointModel, endpoint: &PrivateEndpoint, network: &Network, findings: &mut Findings) {
    let (Some(service), Some(name)) = (network.services.get(endpoint.service.0), &model.service) else { return };
    if service.subnet.is_some() {
        findings
            .report(Code::PrivateEndpoint, name.span, format!("`{}` lives in a subnet: it has a private address already", name.0))
            .hint("reach it at its own address, from peered networks too");
    } else if !service.addresses.is_empty() && !service.addresses.iter().any(std::net::IpAddr::is_ipv4) {
        findings.report(Code::PrivateEndpoint, name.span, format!("`{}` has no IPv4 address for the endpoint to lead to", name.0));
    }
}

/// Behind an endpoint's address is the service, and no port's host.
fn check_ports(file: &NetworkFile, network: &Network, findings: &mut Findings) {
    for (model, port) in each(&file.ports).iter().zip(&network.ports) {
        let (Attachment::Address(subnet, address), Some(text)) = (port.attachment, &model.attach) else { continue };
        let here = |endpoint: &&PrivateEndpoint| endpoint.subnet == subnet && address == endpoint.address;
        if let Some(endpoint) = network.private_endpoints.iter().find(here) {
            findings.report(
                Code::AddressClash,
                text.span,
                format!("{address} is the address of the private endpoint `{}`", endpoint.named.name),
            );
        }
    }
}
