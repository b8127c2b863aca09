//! App Service's regional integration with a subnet, and what apps send from (Azure: overview-vnet-integration).

use std::net::{IpAddr, Ipv4Addr};

use super::{Scope, flag};
use crate::config::finding::{Code, Findings};
use crate::config::model::addresses::read_address;
use crate::config::model::services::Service as ServiceModel;
use crate::config::model::{NetworkFile, Spanned, each};
use crate::config::network::{Integration, Network, Service, SubnetIndex};

/// What the subnet of an integrated app is delegated to.
const DELEGATION: &str = "Microsoft.Web/serverFarms";
/// What can be integrated.
const SITES: &str = "Microsoft.Web/sites";

/// The integration that the file gives a service.
pub(super) fn resolve(model: &ServiceModel, scope: &mut Scope<'_>) -> Option<Integration> {
    if let (None, Some(flag)) = (&model.virtual_network_subnet_id, &model.vnet_route_all_enabled) {
        scope.findings.report(Code::NoEffect, flag.span, "`vnetRouteAllEnabled` belongs to an app with a `virtualNetworkSubnetId`");
    }
    let subnet = model.virtual_network_subnet_id.as_ref()?;
    Some(Integration {
        subnet: SubnetIndex(scope.names.subnets.refer(subnet, scope.findings)),
        route_all: flag(&model.vnet_route_all_enabled, false),
        address: None,
    })
}

/// `outboundIpAddresses`: ARM writes one text with commas, others a list.
pub(super) fn outbound_addresses(model: &ServiceModel, findings: &mut Findings) -> Vec<Ipv4Addr> {
    let mut addresses = Vec::new();
    for (text, part) in parts(model) {
        match read_address(part, text.span, findings) {
            Some(IpAddr::V4(address)) => addresses.push(address),
            Some(IpAddr::V6(_)) => {
                findings.report(Code::BadAddress, text.span, format!("`{part}` is an IPv6 address; apps send from IPv4 addresses"));
            }
            None => {}
        }
    }
    addresses
}

fn parts(model: &ServiceModel) -> impl Iterator<Item = (&Spanned<String>, &str)> {
    let texts = model.outbound_ip_addresses.iter().flat_map(|list| &list.value.0);
    let parts = texts.flat_map(|text| text.value.split(',').map(move |part| (text, part.trim())));
    parts.filter(|(_, part)| !part.is_empty())
}

/// Checks what is integrated with what.
pub(super) fn check(file: &NetworkFile, network: &Network, findings: &mut Findings) {
    for (model, service) in each(&file.services).iter().zip(&network.services) {
        check_type(model, service, findings);
        if let Some(integration) = &service.integration {
            check_subnet(model, service, integration, network, findings);
        }
    }
}

fn check_type(model: &ServiceModel, service: &Service, findings: &mut Findings) {
    if service.kind.eq_ignore_ascii_case(SITES) && service.subnet.is_none() {
        return;
    }
    let given = [
        (model.virtual_network_subnet_id.as_ref().map(|name| name.span), "virtualNetworkSubnetId"),
        (model.outbound_ip_addresses.as_ref().map(|list| list.span), "outboundIpAddresses"),
    ];
    for (span, property) in given {
        if let Some(span) = span {
            findings.report(Code::IntegrationSubnet, span, format!("`{property}` belongs to {SITES} outside of subnets"));
        }
    }
}

fn check_subnet(model: &ServiceModel, service: &Service, integration: &Integration, network: &Network, findings: &mut Findings) {
    let (Some(subnet), Some(name)) = (network.subnets.get(integration.subnet.0), &model.virtual_network_subnet_id) else { return };
    let delegated = subnet.delegation.as_ref().is_some_and(|to| to.eq_ignore_ascii_case(DELEGATION));
    if !delegated {
        findings
            .report(Code::IntegrationSubnet, name.span, format!("the subnet `{}` is not delegated to {DELEGATION}", name.0))
            .hint(format!("add `delegation: {DELEGATION}` to the subnet"));
    }
    let home = network.virtual_networks.get(subnet.virtual_network.0).and_then(|home| home.location.as_ref());
    if let (Some(theirs), Some(own)) = (home, &service.location)
        && theirs != own
    {
        findings
            .report(Code::IntegrationSubnet, name.span, format!("the network is in {theirs}, the app in {own}"))
            .hint("regional integration joins an app to a network of its own region");
    }
    if integration.address.is_none() && !subnet.address_prefixes.is_empty() {
        findings.report(Code::IntegrationSubnet, name.span, format!("the subnet `{}` has no address left for the app", name.0));
    }
}
