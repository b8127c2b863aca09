//! What Azure accepts and what then surprises people: a file for each surprise.
//!
//! What looks at the file alone runs always. What looks at rules as they work, or for what is missing, runs in files
//! without errors: a misspelt name would make half of it wrong.

mod all_of_azure;
mod appliances;
mod endpoint_blocked;
mod endpoint_policy;
mod endpoint_region;
mod endpoint_unused;
mod ip_rules;
mod missing_endpoint;
mod namespaces;
mod places;
mod probes;
mod public_destination;
mod restrictions;
mod shadowed;
mod sql_redirect;
mod transitive;
mod unused;
mod widened_tag;

use std::net::Ipv4Addr;

use crate::config::compile::outline;
use crate::config::finding::{Findings, Span};
use crate::config::model::NetworkFile;
use crate::config::network::{
    Network, RestrictionSource, Service, ServiceEndpoint, ServiceFirewall, Subnet, SubnetIndex, VirtualNetworkIndex,
};
use crate::policy::ids::Access;
use crate::policy::position::Position;

/// Looks for every known surprise.
pub(super) fn check(file: &NetworkFile, network: &Network, findings: &mut Findings) {
    appliances::check(network, findings);
    sql_redirect::check(file, network, findings);
    widened_tag::check(network, findings);
    ip_rules::check(network, findings);
    if findings.has_errors() {
        return;
    }
    missing_endpoint::check(network, findings);
    endpoint_unused::check(network, findings);
    endpoint_region::check(network, findings);
    endpoint_policy::check(network, findings);
    restrictions::check(network, findings);
    namespaces::check(network, findings);
    all_of_azure::check(network, findings);
    public_destination::check(network, findings);
    transitive::check(network, findings);
    unused::check(network, findings);
    // A network that cannot be compiled says so when it is run.
    let Ok(snapshot) = outline(network) else { return };
    let places = places::all(network, &snapshot);
    shadowed::check(&places, network, findings);
    probes::check(&places, network, findings);
    endpoint_blocked::check(&places, network, findings);
}

/// A place without length.
fn at(position: Position) -> Span {
    Span { start: position, end: position }
}

/// `VNET/SUBNET`.
fn subnet_name(subnet: &Subnet, network: &Network) -> String {
    let home = network.virtual_networks.get(subnet.virtual_network.0).map_or("", |home| home.named.name.as_str());
    format!("{home}/{}", subnet.named.name)
}

fn covers(endpoint: &ServiceEndpoint, endpoints: &[&str]) -> bool {
    endpoints.contains(&endpoint.service.as_str())
}

fn location<'n>(subnet: &Subnet, network: &'n Network) -> Option<&'n str> {
    network.virtual_networks.get(subnet.virtual_network.0)?.location.as_deref()
}

/// What the internet sees of a subnet's hosts.
fn public_of(index: SubnetIndex, subnet: &Subnet, network: &Network) -> Vec<Ipv4Addr> {
    if let Some(nat) = subnet.nat_gateway.and_then(|index| network.nat_gateways.get(index.0)) {
        return nat.public_addresses.clone();
    }
    let default = network.virtual_networks.get(subnet.virtual_network.0).and_then(|home| home.default_outbound_address);
    let own = network.network_interfaces.iter().filter(|interface| interface.subnet == index);
    default.into_iter().chain(own.filter_map(|interface| interface.public_address)).collect()
}

/// The subnets that a firewall lets in by identity: each with its rule's place, and whether the rule may be there before
/// the endpoint.
fn listed(firewall: &ServiceFirewall) -> impl Iterator<Item = (SubnetIndex, Position, bool)> {
    let rules = firewall.virtual_network_rules.iter().filter_map(|rule| Some((rule.subnet?, rule.position, rule.ignore_missing_endpoint)));
    let restrictions = firewall.access_restrictions.iter().filter(|rule| rule.action == Access::Allow);
    let restrictions = restrictions.filter_map(|rule| match rule.source {
        RestrictionSource::Subnet { subnet, ignore_missing_endpoint } => Some((subnet, rule.named.position, ignore_missing_endpoint)),
        _ => None,
    });
    rules.chain(restrictions)
}

/// Services outside of networks, each with its firewall.
fn firewalls(network: &Network) -> impl Iterator<Item = (&Service, &ServiceFirewall)> {
    let outside = network.services.iter().filter(|service| service.subnet.is_none());
    outside.filter_map(|service| service.firewall.as_ref().map(|firewall| (service, firewall)))
}

/// The networks that both halves of a peering connect with `network`.
fn peers(index: VirtualNetworkIndex, network: &Network) -> Vec<VirtualNetworkIndex> {
    let halves = network.virtual_networks.get(index.0).into_iter().flat_map(|home| &home.peerings);
    let answered = |remote: &VirtualNetworkIndex| {
        network.virtual_networks.get(remote.0).is_some_and(|remote| remote.peerings.iter().any(|half| half.remote == index))
    };
    halves.map(|half| half.remote).filter(answered).collect()
}
