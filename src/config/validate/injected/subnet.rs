//! The subnet of an injected service: its name, delegation, size, neighbours, group and routes
//! (Azure: virtual-network-for-azure-services, subnet-delegation-overview, and each service's own page).

use ipnet::IpNet;

use super::{Tenant, at, is_gateway_subnet};
use crate::config::catalogue::{Dedicated, DefaultRoute, Need};
use crate::config::finding::{Code, Findings, Span};
use crate::config::network::{Network, RoutePrefix, Subnet, UserNextHop};

/// Checks a tenant's subnet.
pub(super) fn check(tenant: &Tenant<'_>, tenants: &[Tenant<'_>], network: &Network, findings: &mut Findings) {
    let Some(subnet) = tenant.home(network) else { return };
    name(tenant, subnet, findings);
    // That of integrated apps is checked with the rest of their integration.
    if !tenant.entry.integrates() {
        delegation(tenant, subnet, findings);
    }
    size(tenant, subnet, findings);
    neighbours(tenant, tenants, network, findings);
    // What a GatewaySubnet may not have is refused already.
    if !is_gateway_subnet(subnet) {
        group(tenant, subnet, findings);
        routes(tenant, subnet, network, findings);
    }
}

fn name(tenant: &Tenant<'_>, subnet: &Subnet, findings: &mut Findings) {
    let Some(needed) = tenant.entry.subnet_name.as_ref().filter(|name| !name.value.eq_ignore_ascii_case(&subnet.named.name)) else {
        return;
    };
    findings
        .report(Code::InjectedSubnet, tenant.place, format!("{} lives in a subnet called `{}`", tenant.label(), needed.value))
        .hint(format!("rename the subnet `{}`, or make one of that name ({})", subnet.named.name, tenant.entry.page()))
        .related(at(subnet.named.position), "the subnet");
}

fn delegation(tenant: &Tenant<'_>, subnet: &Subnet, findings: &mut Findings) {
    let required = tenant.entry.delegation.as_ref().map(|name| name.value.as_str());
    let possible = tenant.entry.delegation_optional.as_ref().map(|name| name.value.as_str());
    let is = |wanted: Option<&str>, given: &str| wanted.is_some_and(|wanted| wanted.eq_ignore_ascii_case(given));
    let (message, hint) = match (&subnet.delegation, required) {
        (None, Some(required)) => (
            format!("{} needs a subnet that is delegated to {required}", tenant.label()),
            format!("add `delegation: {required}` to `{}`", subnet.named.name),
        ),
        (Some(given), _) if !is(required, given) && !is(possible, given) => (
            format!("the subnet is delegated to {given}: {} cannot live in it", tenant.label()),
            required
                .map_or_else(|| "use a subnet without delegation".to_owned(), |required| format!("use a subnet delegated to {required}")),
        ),
        _ => return,
    };
    findings.report(Code::InjectedSubnet, tenant.place, message).hint(hint).related(at(subnet.named.position), "the subnet");
}

fn size(tenant: &Tenant<'_>, subnet: &Subnet, findings: &mut Findings) {
    let Some(prefix) = subnet.address_prefixes.iter().find(|prefix| matches!(prefix, IpNet::V4(_))) else { return };
    let length = u32::from(prefix.prefix_len());
    let smallest = tenant.entry.smallest.as_ref().map(|length| length.0);
    let recommended = tenant.entry.recommended.as_ref().map(|length| length.0);
    if let Some(smallest) = smallest.filter(|smallest| length > *smallest) {
        findings
            .report(
                Code::InjectedSubnet,
                tenant.place,
                format!("{} needs a subnet of /{smallest} or larger; {prefix} is smaller", tenant.label()),
            )
            .related(at(subnet.named.position), "the subnet");
    } else if let Some(recommended) = recommended.filter(|recommended| length > *recommended) {
        findings
            .report(
                Code::InjectedSize,
                tenant.place,
                format!("for {} a subnet of /{recommended} is recommended; {prefix} is smaller", tenant.label()),
            )
            .hint("a subnet that is in use cannot grow")
            .related(at(subnet.named.position), "the subnet");
    }
}

/// Who else is in a subnet that is the service's alone.
fn neighbours(tenant: &Tenant<'_>, tenants: &[Tenant<'_>], network: &Network, findings: &mut Findings) {
    let Some(dedicated) = tenant.entry.dedicated.as_ref().map(|dedicated| dedicated.value) else { return };
    let Some((who, place)) = interface(tenant, network).or_else(|| other_tenant(tenant, tenants)) else { return };
    let (code, message) = match dedicated {
        Dedicated::Required => (Code::InjectedSubnet, format!("{} needs a subnet of its own; {who} is in this one", tenant.label())),
        Dedicated::Recommended => {
            (Code::InjectedShared, format!("{} should have a subnet of its own; {who} is in this one", tenant.label()))
        }
    };
    findings.report(code, tenant.place, message).hint(format!("see {}", tenant.entry.page())).related(place, "it is put there here");
}

/// An interface that is not the service's. In a delegated subnet each of them is an error of its own.
fn interface(tenant: &Tenant<'_>, network: &Network) -> Option<(String, Span)> {
    if tenant.home(network)?.delegation.is_some() {
        return None;
    }
    let is_other = |addresses: &[std::net::IpAddr]| !addresses.iter().any(|address| tenant.addresses.contains(address));
    let interface =
        network.network_interfaces.iter().find(|interface| interface.subnet == tenant.subnet && is_other(&interface.private_addresses))?;
    Some((format!("the network interface `{}`", interface.named.name), at(interface.named.position)))
}

fn other_tenant(tenant: &Tenant<'_>, tenants: &[Tenant<'_>]) -> Option<(String, Span)> {
    let differs = |other: &&Tenant<'_>| other.subnet == tenant.subnet && other.entry.label() != tenant.entry.label();
    tenants.iter().find(differs).map(|other| (other.label(), other.place))
}

fn group(tenant: &Tenant<'_>, subnet: &Subnet, findings: &mut Findings) {
    let need = tenant.entry.network_security_group.as_ref().map_or(Need::Optional, |need| need.value);
    let (message, hint) = match (need, subnet.network_security_group) {
        (Need::Required, None) => (
            format!("{} needs a network security group on its subnet", tenant.label()),
            format!("add one with the rules of {}", tenant.entry.page()),
        ),
        (Need::Unsupported, Some(_)) => (
            format!("{} does not work with a network security group on its subnet", tenant.label()),
            "take it off; the platform protects the subnet itself".to_owned(),
        ),
        _ => return,
    };
    findings.report(Code::InjectedGroup, tenant.place, message).hint(hint).related(at(subnet.named.position), "the subnet");
}

fn routes(tenant: &Tenant<'_>, subnet: &Subnet, network: &Network, findings: &mut Findings) {
    let table = subnet.route_table.and_then(|index| network.route_tables.get(index.0));
    let needs_table = tenant.entry.route_table.as_ref().is_some_and(|need| need.value == Need::Required);
    if needs_table && subnet.route_table.is_none() {
        findings
            .report(Code::InjectedRoute, tenant.place, format!("{} needs a route table on its subnet", tenant.label()))
            .hint(format!("add one; the service puts its own routes into it ({})", tenant.entry.page()))
            .related(at(subnet.named.position), "the subnet");
    }
    if !tenant.entry.default_route.as_ref().is_some_and(|route| route.value == DefaultRoute::Breaks) {
        return;
    }
    let is_default = |prefix: &RoutePrefix| matches!(prefix, RoutePrefix::Prefix(net) if net.prefix_len() == 0);
    let away = table
        .into_iter()
        .flat_map(|table| &table.routes)
        .find(|route| is_default(&route.prefix) && route.next_hop != UserNextHop::Internet);
    if let Some(route) = away {
        findings
            .report(
                Code::InjectedRoute,
                at(route.named.position),
                format!("the route `{}` takes the internet away from {}", route.named.name, tenant.label()),
            )
            .hint("its subnet needs a default route to the internet: leave the table off, or give the route nextHopType Internet")
            .related(tenant.place, "the service");
    }
}
