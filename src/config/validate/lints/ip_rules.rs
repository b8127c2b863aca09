//! IP rules that list a network's own public addresses, and cannot match them
//! (Azure: virtual-network-service-endpoints-overview, storage-network-security).

use std::net::IpAddr;

use ipnet::IpNet;

use super::{at, covers, firewalls, location, public_of};
use crate::config::finding::{Code, Findings};
use crate::config::network::{Network, Service, ServiceFirewall, Subnet, SubnetIndex};
use crate::config::validate::service_types::{self, ServiceType};
use crate::policy::position::Position;

pub(super) fn check(network: &Network, findings: &mut Findings) {
    for (service, firewall) in firewalls(network) {
        let Some(known) = service_types::find(&service.kind) else { continue };
        for (prefix, position) in addresses(firewall) {
            let seen = |(index, subnet): &(usize, &Subnet)| {
                public_of(SubnetIndex(*index), subnet, network).into_iter().any(|address| prefix.contains(&IpAddr::V4(address)))
            };
            let sends = |(_, subnet): &(usize, &Subnet)| !subnet.named.name.eq_ignore_ascii_case("GatewaySubnet");
            let subnets = network.subnets.iter().enumerate().filter(sends).filter(seen);
            if let Some((code, message, subnet)) = subnets.filter_map(|(_, subnet)| why_not(service, known, subnet, network)).next() {
                let endpoint = known.endpoints.first().copied().unwrap_or_default();
                let hint = match code {
                    Code::SameRegionIpRule => format!("enable {endpoint} on the subnet and list it under `virtualNetworkRules`"),
                    _ => "list the subnet under `virtualNetworkRules`".to_owned(),
                };
                findings.report(code, at(position), message).hint(hint).related(at(subnet.named.position), "the subnet");
            }
        }
    }
}

/// Prefixes of IP rules, and ranges that are one address.
fn addresses(firewall: &ServiceFirewall) -> impl Iterator<Item = (IpNet, Position)> {
    let single = firewall.ip_ranges.iter().filter(|(range, _)| range.start() == range.end() && !range.start().is_unspecified());
    firewall.ip_rules.iter().copied().chain(single.map(|(range, position)| (IpNet::from(IpAddr::V4(*range.start())), *position)))
}

fn why_not<'n>(service: &Service, known: &ServiceType, subnet: &'n Subnet, network: &Network) -> Option<(Code, String, &'n Subnet)> {
    let name = &subnet.named.name;
    if subnet.service_endpoints.iter().any(|endpoint| covers(endpoint, known.endpoints)) {
        let message = format!("hosts of `{name}` have an endpoint to this service: they arrive with their private address");
        return Some((Code::IpRuleIgnored, message, subnet));
    }
    let same_region = location(subnet, network) == service.location.as_deref();
    let message = format!("`{name}` is in the account's region: IP rules never match its hosts");
    (known.tag == "Storage" && same_region).then_some((Code::SameRegionIpRule, message, subnet))
}
