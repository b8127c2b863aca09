//! Virtual networks and their subnets.

use std::collections::HashMap;

use ipnet::IpNet;

use super::{Scope, flag, limit, named, not_empty};
use crate::config::finding::{Code, Findings, Span};
use crate::config::model::network_objects::{
    self as model, Peering as PeeringModel, PeeringState, Subnet as SubnetModel, VirtualNetwork as NetworkModel,
};
use crate::config::model::{NetworkFile, Spanned, each};
use crate::config::network::{
    NatGatewayIndex, Network, NsgIndex, Peering, PolicyIndex, RouteTableIndex, Subnet, SubnetIndex, VirtualNetwork, VirtualNetworkIndex,
};

/// Fills `network.virtual_networks` and `network.subnets`.
pub(super) fn resolve(file: &NetworkFile, network: &mut Network, scope: &mut Scope<'_>) {
    let default = file.location.as_ref().map(|region| region.0.clone());
    for (index, model) in each(&file.virtual_networks).iter().enumerate() {
        let index = VirtualNetworkIndex(index);
        let first = network.subnets.len();
        network.subnets.extend(each(&model.subnets).iter().map(|subnet| resolve_subnet(subnet, index, scope)));
        let subnets = (first..network.subnets.len()).map(SubnetIndex).collect();
        network.virtual_networks.push(resolve_network(model, subnets, default.clone(), scope));
        limit(each(&model.subnets).len(), 3000, "subnets", model.span, scope.findings);
        limit(each(&model.peerings).len(), 500, "peerings", model.span, scope.findings);
        if let Some(options) = &model.dhcp_options {
            limit(each(&options.dns_servers).len(), 20, "DNS servers", options.span, scope.findings);
        }
    }
}

/// How many networks and route tables there may be (azure-virtual-network-limits).
pub(super) fn check_limits(file: &NetworkFile, network: &Network, findings: &mut Findings) {
    let mut by_region: HashMap<Option<&str>, usize> = HashMap::new();
    for (model, resolved) in each(&file.virtual_networks).iter().zip(&network.virtual_networks) {
        let count = by_region.entry(resolved.location.as_deref()).or_default();
        *count += 1;
        if *count == 1001 {
            let region = resolved.location.as_deref().map(|region| format!(" of {region}")).unwrap_or_default();
            over(&format!("virtual networks{region}"), 1000, model.span, findings);
        }
    }
    if let Some(table) = each(&file.route_tables).get(200) {
        over("route tables", 200, table.span, findings);
    }
}

/// Reports, at the first thing that is one too many, that there are more than Azure allows.
fn over(what: &str, maximum: usize, span: Span, findings: &mut Findings) {
    let place = Span { start: span.start, end: span.start };
    findings.report(Code::LimitExceeded, place, format!("more than {maximum} {what}, Azure's limit"));
}

fn resolve_network(
    model: &Spanned<NetworkModel>,
    subnets: Vec<SubnetIndex>,
    default: Option<String>,
    scope: &mut Scope<'_>,
) -> VirtualNetwork {
    if let Some(list) = &model.address_prefixes {
        not_empty(list.value.is_empty(), "a virtual network needs an address prefix", list.span, scope.findings);
    }
    check_name(model, scope.findings);
    VirtualNetwork {
        named: named(&model.name, model.span),
        location: model.location.as_ref().map(|region| region.0.clone()).or(default),
        address_prefixes: each(&model.address_prefixes).iter().map(|prefix| prefix.0).collect(),
        subnets,
        peerings: each(&model.peerings).iter().map(|peering| resolve_peering(peering, scope)).collect(),
        flow_timeout_minutes: model.flow_timeout_in_minutes.as_ref().map(|minutes| minutes.0),
        default_outbound_address: model.default_outbound_address.as_ref().map(|address| address.0),
        tunnel_key: model.tunnel_key.as_ref().and_then(|key| u16::try_from(key.0).ok()),
    }
}

/// Words that `attach` and `--from` give another meaning.
fn check_name(model: &NetworkModel, findings: &mut Findings) {
    const WORDS: [&str; 4] = ["internet", "platform", "service", "gateway"];
    if let Some(name) = model.name.as_ref().filter(|name| WORDS.iter().any(|word| word.eq_ignore_ascii_case(&name.0))) {
        findings.report(Code::BadName, name.span, format!("a virtual network cannot be called `{}`: ports use the word", name.0));
    }
}

fn resolve_peering(model: &Spanned<PeeringModel>, scope: &mut Scope<'_>) -> Peering {
    Peering {
        position: model.span.start,
        remote: VirtualNetworkIndex(scope.names.virtual_networks.required(&model.remote_virtual_network, scope.findings)),
        allow_virtual_network_access: flag(&model.allow_virtual_network_access, true),
        allow_forwarded_traffic: flag(&model.allow_forwarded_traffic, false),
        allow_gateway_transit: flag(&model.allow_gateway_transit, false),
        use_remote_gateways: flag(&model.use_remote_gateways, false),
        disconnected: model.peering_state.as_ref().is_some_and(|state| state.value == PeeringState::Disconnected),
        complete: flag(&model.peer_complete_vnets, true),
    }
}

fn resolve_subnet(model: &Spanned<SubnetModel>, virtual_network: VirtualNetworkIndex, scope: &mut Scope<'_>) -> Subnet {
    let Scope { names, findings, .. } = scope;
    let nsg = model.network_security_group.as_ref().map(|name| NsgIndex(names.network_security_groups.refer(name, findings)));
    let table = model.route_table.as_ref().map(|name| RouteTableIndex(names.route_tables.refer(name, findings)));
    let nat = model.nat_gateway.as_ref().map(|name| NatGatewayIndex(names.nat_gateways.refer(name, findings)));
    let policies = each(&model.service_endpoint_policies).iter().map(|name| PolicyIndex(names.policies.refer(name, findings))).collect();
    Subnet {
        named: named(&model.name, model.span),
        virtual_network,
        address_prefixes: prefixes(model, findings),
        wire_prefix: wire_prefix(model, findings),
        network_security_group: nsg,
        route_table: table,
        service_endpoints: super::endpoints::resolve(model, findings),
        service_endpoint_policies: policies,
        delegation: delegation(model, findings),
        nat_gateway: nat,
        default_outbound_access: flag(&model.default_outbound_access, true),
        private_endpoint_network_policies: model.private_endpoint_network_policies.as_ref().map_or_else(Default::default, |of| of.value),
        tunnel_key: model.tunnel_key.as_ref().and_then(|key| u16::try_from(key.0).ok()),
    }
}

fn prefixes(subnet: &Spanned<SubnetModel>, findings: &mut Findings) -> Vec<IpNet> {
    let many = subnet.address_prefixes.as_ref().filter(|list| !list.value.is_empty());
    match (&subnet.address_prefix, many) {
        (Some(one), Some(many)) => {
            findings
                .report(Code::BothForms, many.span, "`addressPrefix` and `addressPrefixes` are both given")
                .related(one.span, "given here");
        }
        (None, None) => missing_prefix(subnet, findings),
        _ => {}
    }
    model::subnet_prefixes(subnet).iter().map(|prefix| prefix.0).collect()
}

fn missing_prefix(subnet: &Spanned<SubnetModel>, findings: &mut Findings) {
    let span = Span { start: subnet.span.start, end: subnet.span.start };
    // A prefix that was given and is wrong has its finding inside the subnet's own lines.
    if !findings.any_within(subnet.span, &[Code::BadPrefix, Code::WrongType]) {
        findings.report(Code::MissingProperty, span, "a subnet lacks `addressPrefix`");
    }
}

fn wire_prefix(subnet: &SubnetModel, findings: &mut Findings) -> Option<ipnet::Ipv4Net> {
    let wire = subnet.wire_prefix.as_ref()?;
    let prefixes = model::subnet_prefixes(subnet);
    let private = prefixes.iter().find_map(|prefix| match prefix.0 {
        IpNet::V4(prefix) => Some(prefix),
        IpNet::V6(_) => None,
    });
    match private {
        Some(private) if private.prefix_len() != wire.0.prefix_len() => {
            let message = format!("a wirePrefix is as long as the address prefix: /{}", private.prefix_len());
            findings.report(Code::WirePrefix, wire.span, message);
        }
        None if !prefixes.is_empty() => {
            findings.report(Code::WirePrefix, wire.span, "a wirePrefix stands for an IPv4 prefix; the subnet has none");
        }
        _ => {}
    }
    Some(wire.0)
}

fn delegation(subnet: &SubnetModel, findings: &mut Findings) -> Option<String> {
    let long = each(&subnet.delegations);
    if let (Some(short), Some(first)) = (&subnet.delegation, long.first()) {
        findings.report(Code::BothForms, first.span, "`delegation` and `delegations` are both given").related(short.span, "given here");
    }
    if let Some(second) = long.get(1) {
        findings.report(Code::LimitExceeded, second.span, "a subnet has one delegation");
    }
    let from_list = || long.first().and_then(|entry| entry.service_name.as_ref()).map(|name| name.value.clone());
    subnet.delegation.as_ref().map(|name| name.value.clone()).or_else(from_list)
}
