//! Route tables.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;

use super::rule_sides::looks_like_address;
use super::tag_book::TagUse;
use super::{Scope, flag, limit, named, names};
use crate::config::finding::{Code, Findings, Span};
use crate::config::model::addresses::read_address_or_prefix;
use crate::config::model::network_objects::{NextHopType, Route as RouteModel, RouteTable as TableModel};
use crate::config::model::{NetworkFile, Spanned, each};
use crate::config::network::{
    GatewayKind, Network, Position, RoutePrefix, RouteTable, Subnet, UserNextHop, UserRoute, VirtualNetworkIndex,
};

/// All route tables of the file.
pub(super) fn resolve(file: &NetworkFile, scope: &mut Scope<'_>) -> Vec<RouteTable> {
    each(&file.route_tables).iter().map(|table| resolve_table(table, scope)).collect()
}

fn resolve_table(model: &Spanned<TableModel>, scope: &mut Scope<'_>) -> RouteTable {
    let routes = each(&model.routes);
    limit(routes.len(), 400, "routes in the table", model.span, scope.findings);
    names::table("route", routes, |route| &route.name, scope.findings);
    let table = RouteTable {
        named: named(&model.name, model.span),
        disable_bgp_route_propagation: flag(&model.disable_bgp_route_propagation, false),
        routes: routes.iter().filter_map(|route| resolve_route(route, scope)).collect(),
    };
    let tags = table.routes.iter().filter(|route| matches!(route.prefix, RoutePrefix::Tag(_))).count();
    limit(tags, 25, "routes to tags in the table", model.span, scope.findings);
    check_duplicates(routes, scope.findings);
    table
}

/// Checks each route where its table is used: whether its next hop is there.
pub(super) fn check(file: &NetworkFile, network: &Network, findings: &mut Findings) {
    let written: HashMap<Position, &Spanned<RouteModel>> =
        each(&file.route_tables).iter().flat_map(|table| each(&table.routes)).map(|route| (route.span.start, route)).collect();
    let mut seen: HashSet<(Position, VirtualNetworkIndex)> = HashSet::new();
    for (model, subnet) in each(&file.virtual_networks).iter().flat_map(|network| each(&network.subnets)).zip(&network.subnets) {
        let (Some(table), Some(place)) = (subnet.route_table.and_then(|table| network.route_tables.get(table.0)), &model.route_table)
        else {
            continue;
        };
        for route in &table.routes {
            let Some(written) = written.get(&route.named.position) else { continue };
            let home = subnet.virtual_network;
            if seen.insert((route.named.position, home)) {
                check_gateway_hop(route, written, (network, home), place.span, findings);
                check_appliance(route, written, (network, home), place.span, findings);
            }
            check_loop(route, subnet, written, place.span, findings);
        }
    }
    super::public_routes::check(file, network, findings);
}

/// A route to a gateway needs a VPN gateway that the network may use, and no ExpressRoute gateway beside it.
fn check_gateway_hop(
    route: &UserRoute,
    written: &RouteModel,
    (network, home): (&Network, VirtualNetworkIndex),
    used: Span,
    findings: &mut Findings,
) {
    let (UserNextHop::VirtualNetworkGateway, Some(kind)) = (route.next_hop, &written.next_hop_type) else { return };
    let Some(name) = network.virtual_networks.get(home.0).map(|home| &home.named.name) else { return };
    let gateways = network.usable_gateways(home);
    let express = gateways.iter().find(|(_, gateway)| gateway.kind == GatewayKind::ExpressRoute);
    let message = match express {
        Some((_, express)) => format!(
            "a user route leads to a VPN gateway only, and `{name}` has `{}`, an ExpressRoute gateway: that takes routes by BGP",
            express.named.name
        ),
        None if gateways.is_empty() => format!("`{name}` has no VPN gateway, of its own or of a peer, that this route could lead to"),
        None => return,
    };
    findings.report(Code::BadRoute, kind.span, message).related(used, "used here");
}

/// An appliance is in the network or a peer's; behind a gateway it cannot be reached.
fn check_appliance(
    route: &UserRoute,
    written: &RouteModel,
    (network, home): (&Network, VirtualNetworkIndex),
    used: Span,
    findings: &mut Findings,
) {
    let (UserNextHop::VirtualAppliance(address), Some(span)) = (route.next_hop, hop_span(written)) else { return };
    let Some(here) = network.virtual_networks.get(home.0) else { return };
    let near = here.peerings.iter().map(|half| half.remote).chain(std::iter::once(home));
    let holds = |index: VirtualNetworkIndex| {
        network.virtual_networks.get(index.0).is_some_and(|near| near.address_prefixes.iter().any(|prefix| prefix.contains(&address)))
    };
    if here.address_prefixes.is_empty() || near.into_iter().any(holds) {
        return;
    }
    findings
        .report(Code::BadRoute, span, format!("{address} is neither in `{}` nor in a network peered with it", here.named.name))
        .hint("the next hop has to be reached without a gateway: an appliance of the network or of a direct peer")
        .related(used, "used here");
}

/// An appliance in a subnet that uses the route is sent back what it forwards.
fn check_loop(route: &UserRoute, subnet: &Subnet, written: &RouteModel, used: Span, findings: &mut Findings) {
    let (UserNextHop::VirtualAppliance(address), Some(span)) = (route.next_hop, hop_span(written)) else { return };
    if subnet.address_prefixes.iter().any(|prefix| prefix.contains(&address)) {
        let message = format!("the appliance {address} is in `{}`, which uses this route: what it forwards comes back", subnet.named.name);
        findings
            .report(Code::ApplianceLoop, span, message)
            .hint("put the appliance into a subnet of its own, with other routes")
            .related(used, "used here");
    }
}

/// A second route to a prefix, however it is written.
fn check_duplicates(routes: &[Spanned<RouteModel>], findings: &mut Findings) {
    let mut seen: HashMap<String, Span> = HashMap::new();
    for prefix in routes.iter().filter_map(|route| route.address_prefix.as_ref()) {
        let address = || prefix.value.parse::<IpAddr>().ok().map(IpNet::from);
        let net = prefix.value.parse::<IpNet>().ok().or_else(address);
        let key = net.map_or_else(|| prefix.value.to_lowercase(), |net| net.to_string());
        if let Some(first) = seen.insert(key, prefix.span) {
            findings.report(Code::BadRoute, prefix.span, format!("the table has another route to {}", prefix.value)).related(first, "here");
        }
    }
}

fn resolve_route(model: &Spanned<RouteModel>, scope: &mut Scope<'_>) -> Option<UserRoute> {
    let prefix = model.address_prefix.as_ref().and_then(|text| route_prefix(text, scope));
    let next_hop = next_hop(model, scope.findings);
    if let (Some(RoutePrefix::Prefix(net)), Some(UserNextHop::VirtualAppliance(address)), Some(span)) = (&prefix, next_hop, hop_span(model))
        && net.addr().is_ipv4() != address.is_ipv4()
    {
        scope.findings.report(Code::BadRoute, span, format!("{net} and {address} are of different IP versions"));
    }
    Some(UserRoute { named: named(&model.name, model.span), prefix: prefix?, next_hop: next_hop? })
}

fn hop_span(model: &RouteModel) -> Option<Span> {
    model.next_hop_ip_address.as_ref().map(|address| address.span)
}

fn route_prefix(text: &Spanned<String>, scope: &mut Scope<'_>) -> Option<RoutePrefix> {
    if looks_like_address(&text.value) {
        return read_address_or_prefix(&text.value, text.span, scope.findings).map(RoutePrefix::Prefix);
    }
    scope.tags.resolve(&text.value, TagUse::PrefixesOnly, text.span, scope.findings).map(RoutePrefix::Tag)
}

fn next_hop(model: &Spanned<RouteModel>, findings: &mut Findings) -> Option<UserNextHop> {
    let kind = model.next_hop_type.as_ref()?;
    match (kind.value, &model.next_hop_ip_address) {
        (NextHopType::VirtualAppliance, Some(address)) => Some(UserNextHop::VirtualAppliance(address.0)),
        (NextHopType::VirtualAppliance, None) => {
            if !findings.any_within(model.span, &[Code::BadAddress, Code::WrongType]) {
                findings.report(Code::BadRoute, kind.span, "VirtualAppliance needs `nextHopIpAddress`");
            }
            Some(UserNextHop::VirtualAppliance(IpAddr::V4(Ipv4Addr::UNSPECIFIED)))
        }
        (other, address) => {
            if let Some(address) = address {
                findings.report(Code::BadRoute, address.span, "`nextHopIpAddress` belongs to nextHopType VirtualAppliance only");
            }
            Some(plain_hop(other))
        }
    }
}

fn plain_hop(kind: NextHopType) -> UserNextHop {
    match kind {
        NextHopType::VnetLocal => UserNextHop::VnetLocal,
        NextHopType::Internet => UserNextHop::Internet,
        NextHopType::VirtualNetworkGateway => UserNextHop::VirtualNetworkGateway,
        NextHopType::None | NextHopType::VirtualAppliance => UserNextHop::None,
    }
}
