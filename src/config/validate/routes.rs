//! Route tables.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};

use super::rule_sides::looks_like_address;
use super::tag_book::TagUse;
use super::{Scope, flag, limit, named, names};
use crate::config::finding::{Code, Findings, Span};
use crate::config::model::addresses::read_address_or_prefix;
use crate::config::model::network_objects::{NextHopType, Route as RouteModel, RouteTable as TableModel};
use crate::config::model::{NetworkFile, Spanned, each};
use crate::config::network::{RoutePrefix, RouteTable, UserNextHop, UserRoute};

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

fn check_duplicates(routes: &[Spanned<RouteModel>], findings: &mut Findings) {
    let mut seen: HashMap<String, Span> = HashMap::new();
    for prefix in routes.iter().filter_map(|route| route.address_prefix.as_ref()) {
        if let Some(first) = seen.insert(prefix.value.to_lowercase(), prefix.span) {
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
