//! What Azure accepts and what then surprises people.

use std::net::{IpAddr, Ipv4Addr};

use super::service_types;
use crate::config::finding::{Code, Findings, Span};
use crate::config::model::security::SecurityRule as RuleModel;
use crate::config::model::{NetworkFile, Spanned, each};
use crate::config::network::{
    Network, RoutePrefix, RuleAddress, RuleProtocol, SecurityRule, Service, ServiceEndpoint, Subnet, UserNextHop,
};
use crate::policy::ids::{Access, Direction};
use crate::policy::position::Position;

/// Looks for every known surprise.
pub(super) fn check(file: &NetworkFile, network: &Network, findings: &mut Findings) {
    appliances(network, findings);
    sql_redirect(file, network, findings);
    widened_tag(network, findings);
    ip_rules(network, findings);
}

fn at(position: Position) -> Span {
    Span { start: position, end: position }
}

/// A route's appliance that nobody forwards at.
fn appliances(network: &Network, findings: &mut Findings) {
    for route in network.route_tables.iter().flat_map(|table| &table.routes) {
        let UserNextHop::VirtualAppliance(address) = route.next_hop else { continue };
        if address.is_unspecified() {
            // Stands for an address that is not given, which is reported already.
            continue;
        }
        let interface = network.network_interfaces.iter().find(|interface| interface.private_addresses.contains(&address));
        match interface {
            Some(interface) if interface.enable_ip_forwarding => {}
            Some(interface) => {
                let message = format!("the appliance {address} is `{}`, which lacks enableIPForwarding", interface.named.name);
                findings
                    .report(Code::ApplianceForwarding, at(route.named.position), message)
                    .hint("set `enableIPForwarding: true` on the interface")
                    .related(at(interface.named.position), "the interface");
            }
            None => {
                let message = format!("no network interface has the appliance's address {address}");
                findings
                    .report(Code::ApplianceForwarding, at(route.named.position), message)
                    .hint("add it under `networkInterfaces` with `enableIPForwarding: true`");
            }
        }
    }
}

/// An outbound rule that lets Sql through on 1433 only: redirected connections use 11000 to 11999.
fn sql_redirect(file: &NetworkFile, network: &Network, findings: &mut Findings) {
    for (model, group) in each(&file.network_security_groups).iter().zip(&network.network_security_groups) {
        let written = each(&model.security_rules);
        let to_sql = |rule: &&SecurityRule| {
            rule.direction == Direction::Outbound && rule.access == Access::Allow && rule.destinations.iter().any(is_sql)
        };
        let redirected = group.rules.iter().filter(to_sql).any(|rule| allows(rule, 11000));
        let denies = group.rules.iter().any(|rule| rule.direction == Direction::Outbound && rule.access == Access::Deny);
        if redirected || !denies {
            continue;
        }
        for (written, rule) in written.iter().zip(&group.rules).filter(|(_, rule)| to_sql(rule)) {
            if allows(rule, 1433) && matches!(rule.protocol, RuleProtocol::Tcp | RuleProtocol::Any) {
                findings
                    .report(Code::SqlRedirect, port_place(written), "Sql is allowed on 1433, but redirected connections use 11000-11999")
                    .hint("allow `11000-11999` too");
            }
        }
    }
}

fn is_sql(address: &RuleAddress) -> bool {
    matches!(address, RuleAddress::Tag(tag) if tag.split('.').next().is_some_and(|base| base.eq_ignore_ascii_case("Sql")))
}

fn allows(rule: &SecurityRule, port: u16) -> bool {
    rule.destination_ports.iter().any(|range| range.contains(&port))
}

fn port_place(rule: &Spanned<RuleModel>) -> Span {
    let one = rule.destination_port_range.as_ref().map(|range| range.span);
    one.or_else(|| rule.destination_port_ranges.as_ref().map(|list| list.span)).unwrap_or(rule.span)
}

/// A default route of the user's makes VirtualNetwork hold the whole internet.
fn widened_tag(network: &Network, findings: &mut Findings) {
    let mut reported = Vec::new();
    for subnet in &network.subnets {
        let Some(table) = subnet.route_table.and_then(|index| network.route_tables.get(index.0)) else { continue };
        let Some(route) = table.routes.iter().find(|route| matches!(route.prefix, RoutePrefix::Prefix(net) if net.prefix_len() == 0))
        else {
            continue;
        };
        let groups = subnet.network_security_group.and_then(|index| network.network_security_groups.get(index.0));
        for rule in groups.iter().flat_map(|group| &group.rules) {
            let names_tag = rule.destinations.contains(&RuleAddress::Tag("VirtualNetwork".to_owned()));
            if rule.direction == Direction::Outbound
                && rule.access == Access::Allow
                && names_tag
                && !reported.contains(&rule.named.position)
            {
                reported.push(rule.named.position);
                let message =
                    format!("the route `{}` puts 0.0.0.0/0 into VirtualNetwork: this rule allows every destination", route.named.name);
                findings.report(Code::TagWidened, at(rule.named.position), message).related(at(route.named.position), "the route");
            }
        }
    }
}

/// IP rules that list a network's own public addresses, and cannot match them.
fn ip_rules(network: &Network, findings: &mut Findings) {
    for service in &network.services {
        let (Some(firewall), Some(known)) = (&service.firewall, service_types::find(&service.kind)) else { continue };
        for (prefix, position) in &firewall.ip_rules {
            let seen = |subnet: &&Subnet| public_of(subnet, network).into_iter().any(|address| prefix.contains(&IpAddr::V4(address)));
            for subnet in network.subnets.iter().filter(seen) {
                if subnet.service_endpoints.iter().any(|endpoint| covers(endpoint, known.endpoints)) {
                    let message = format!(
                        "hosts of `{}` have an endpoint to this service: they arrive with their private address",
                        subnet.named.name
                    );
                    findings
                        .report(Code::IpRuleIgnored, at(*position), message)
                        .hint("list the subnet under `virtualNetworkRules`")
                        .related(at(subnet.named.position), "the subnet");
                    break;
                }
                if known.tag == "Storage" && same_region(subnet, service, network) {
                    let message = format!("`{}` is in the account's region: IP rules never match its hosts", subnet.named.name);
                    findings
                        .report(Code::SameRegionIpRule, at(*position), message)
                        .hint("enable Microsoft.Storage on the subnet and list it under `virtualNetworkRules`")
                        .related(at(subnet.named.position), "the subnet");
                    break;
                }
            }
        }
    }
}

fn covers(endpoint: &ServiceEndpoint, endpoints: &[&str]) -> bool {
    endpoints.contains(&endpoint.service.as_str())
}

fn same_region(subnet: &Subnet, service: &Service, network: &Network) -> bool {
    network.virtual_networks.get(subnet.virtual_network.0).is_some_and(|home| home.location == service.location)
}

/// What the internet sees of a subnet's hosts, where that is not each interface's own.
fn public_of(subnet: &Subnet, network: &Network) -> Vec<Ipv4Addr> {
    if let Some(nat) = subnet.nat_gateway.and_then(|index| network.nat_gateways.get(index.0)) {
        return nat.public_addresses.clone();
    }
    let default = network.virtual_networks.get(subnet.virtual_network.0).and_then(|home| home.default_outbound_address);
    let own = network
        .network_interfaces
        .iter()
        .filter(|interface| network.subnets.get(interface.subnet.0).is_some_and(|of| of.named == subnet.named));
    default.into_iter().chain(own.filter_map(|interface| interface.public_address)).collect()
}
