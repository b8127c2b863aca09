//! An inbound rule for a public address: rules see the private destination (Azure: network-security-groups-overview).

use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;

use super::at;
use crate::config::finding::{Code, Findings};
use crate::config::network::{Network, RuleAddress, SecurityRule};
use crate::policy::ids::Direction;

pub(super) fn check(network: &Network, findings: &mut Findings) {
    let interfaces = network
        .network_interfaces
        .iter()
        .map(|interface| (interface.named.name.as_str(), interface.public_address, interface.private_addresses.first()));
    let injected = network.services.iter().filter(|service| service.subnet.is_some());
    let injected = injected.map(|service| (service.named.name.as_str(), service.public_address, service.addresses.first()));
    let hosts: Vec<(&str, Ipv4Addr, Option<IpAddr>)> =
        interfaces.chain(injected).filter_map(|(name, public, private)| Some((name, public?, private.copied()))).collect();
    let rules = network.network_security_groups.iter().flat_map(|group| &group.rules).filter(|rule| rule.direction == Direction::Inbound);
    for rule in rules.filter(|rule| never_matches(rule, network)) {
        let names = |public: Ipv4Addr| prefixes(rule).any(|prefix| prefix.contains(&IpAddr::V4(public)));
        if let Some((name, public, private)) = hosts.iter().find(|(_, public, _)| names(*public)) {
            let finding = findings.report(
                Code::PublicDestination,
                at(rule.named.position),
                format!("inbound rules see the private address of `{name}`, never {public}: this rule does not match"),
            );
            finding.maybe_hint(private.map(|private| format!("write {private} instead of {public}")));
        }
    }
}

/// Whether every destination is a prefix outside of all networks.
fn never_matches(rule: &SecurityRule, network: &Network) -> bool {
    let spaces: Vec<IpNet> = network.virtual_networks.iter().flat_map(|home| home.address_prefixes.iter().copied()).collect();
    let outside = |prefix: &IpNet| !spaces.iter().any(|space| space.contains(prefix) || prefix.contains(space));
    rule.destinations.iter().all(|side| matches!(side, RuleAddress::Prefix(prefix) if outside(prefix)))
}

fn prefixes(rule: &SecurityRule) -> impl Iterator<Item = &IpNet> {
    rule.destinations.iter().filter_map(|side| if let RuleAddress::Prefix(prefix) = side { Some(prefix) } else { None })
}
