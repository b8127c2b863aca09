//! NAT gateways, VPN and ExpressRoute gateways, and the subnet that the latter live in.

use std::collections::HashMap;

use super::{Scope, flag, named, not_empty};
use crate::config::finding::{Code, Findings, Span};
use crate::config::model::network_objects::{Gateway as GatewayModel, NatGateway as NatModel, Subnet as SubnetModel};
use crate::config::model::{NetworkFile, Spanned, each};
use crate::config::network::connectivity::GATEWAY_SUBNET;
use crate::config::network::{Gateway, GatewayKind, NatGateway, Network, RoutePrefix, VirtualNetworkIndex};

/// All NAT gateways of the file.
pub(super) fn resolve_nat(file: &NetworkFile) -> Vec<NatGateway> {
    let resolve = |model: &Spanned<NatModel>| NatGateway {
        named: named(&model.name, model.span),
        public_addresses: model.public_ip_addresses.iter().flat_map(|list| list.value.0.iter()).map(|address| address.0).collect(),
        idle_timeout_minutes: model.idle_timeout_in_minutes.as_ref().map_or(4, |minutes| minutes.0),
    };
    each(&file.nat_gateways).iter().map(resolve).collect()
}

/// All gateways of the file.
pub(super) fn resolve(file: &NetworkFile, scope: &mut Scope<'_>) -> Vec<Gateway> {
    each(&file.gateways).iter().map(|gateway| resolve_gateway(gateway, scope)).collect()
}

fn resolve_gateway(model: &Spanned<GatewayModel>, scope: &mut Scope<'_>) -> Gateway {
    Gateway {
        named: named(&model.name, model.span),
        kind: model.kind.as_ref().map_or(GatewayKind::Vpn, |kind| kind.value),
        virtual_network: VirtualNetworkIndex(scope.names.virtual_networks.required(&model.virtual_network, scope.findings)),
        address_prefixes: each(&model.address_prefixes).iter().map(|prefix| prefix.0).collect(),
        bgp: flag(&model.bgp, false),
        public_address: model.public_ip_address.as_ref().map(|address| address.0),
    }
}

/// Checks gateways against their networks, and every GatewaySubnet.
pub(super) fn check(file: &NetworkFile, network: &Network, findings: &mut Findings) {
    let mut seen: HashMap<(VirtualNetworkIndex, bool), Span> = HashMap::new();
    for (model, gateway) in each(&file.gateways).iter().zip(&network.gateways) {
        let Some(home) = network.virtual_networks.get(gateway.virtual_network.0) else { continue };
        let place = model.virtual_network.as_ref().map_or(model.span, |name| name.span);
        if !home.subnets.iter().filter_map(|subnet| network.subnets.get(subnet.0)).any(|subnet| is_gateway_subnet(&subnet.named.name)) {
            let message = format!("the network `{}` has no subnet `{GATEWAY_SUBNET}`", home.named.name);
            findings.report(Code::GatewaySubnet, place, message).hint("a gateway lives in a subnet of that name, /27 or larger");
        }
        if let Some(first) = seen.insert((gateway.virtual_network, gateway.kind == GatewayKind::Vpn), place) {
            findings.report(Code::GatewaySubnet, place, "a network has one gateway of a kind").related(first, "the other one");
        }
    }
    for nat in each(&file.nat_gateways) {
        if let Some(list) = &nat.public_ip_addresses {
            not_empty(list.value.0.is_empty(), "a NAT gateway needs a public address", list.span, findings);
        }
    }
    for (model, subnet) in each(&file.virtual_networks).iter().flat_map(|network| each(&network.subnets)).zip(&network.subnets) {
        if is_gateway_subnet(&subnet.named.name) {
            check_gateway_subnet(model, subnet.route_table.and_then(|table| network.route_tables.get(table.0)), findings);
        }
    }
    check_tenants(file, network, findings);
}

/// A GatewaySubnet is its gateways' alone (Azure: virtual-network-for-azure-services, vpn-gateway-about-vpn-gateway-settings).
/// Where the network has a gateway, that one's neighbours are refused with the other injected services'.
fn check_tenants(file: &NetworkFile, network: &Network, findings: &mut Findings) {
    let is_taken = |index: usize| {
        let subnet = network.subnets.get(index).filter(|subnet| is_gateway_subnet(&subnet.named.name));
        subnet.is_some_and(|subnet| !network.gateways.iter().any(|gateway| gateway.virtual_network == subnet.virtual_network))
    };
    let interfaces = each(&file.network_interfaces).iter().zip(&network.network_interfaces);
    let interfaces = interfaces.filter_map(|(model, interface)| Some((model.subnet.as_ref()?, interface.subnet)));
    let services = each(&file.services).iter().zip(&network.services);
    let services = services.filter_map(|(model, service)| Some((model.subnet.as_ref()?, service.subnet?)));
    for (name, _) in interfaces.chain(services).filter(|(_, subnet)| is_taken(subnet.0)) {
        findings
            .report(Code::GatewaySubnet, name.span, format!("a {GATEWAY_SUBNET} takes nothing but gateways"))
            .hint("use another subnet");
    }
}

fn is_gateway_subnet(name: &str) -> bool {
    name.eq_ignore_ascii_case(GATEWAY_SUBNET)
}

fn check_gateway_subnet(model: &SubnetModel, table: Option<&crate::config::network::RouteTable>, findings: &mut Findings) {
    if let Some(nsg) = &model.network_security_group {
        findings.report(Code::GatewaySubnet, nsg.span, "a GatewaySubnet takes no network security group");
    }
    let (Some(table), Some(place)) = (table, &model.route_table) else { return };
    if table.disable_bgp_route_propagation {
        findings.report(Code::GatewaySubnet, place.span, "a GatewaySubnet's route table may not disable propagation");
    }
    let is_default = |prefix: &RoutePrefix| matches!(prefix, RoutePrefix::Prefix(net) if net.prefix_len() == 0);
    if table.routes.iter().any(|route| is_default(&route.prefix)) {
        findings.report(Code::GatewaySubnet, place.span, "a GatewaySubnet's route table may not have a route 0.0.0.0/0");
    }
}
