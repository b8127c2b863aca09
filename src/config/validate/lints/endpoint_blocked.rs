//! A group that denies all that a subnet could send to a service which lists it: an endpoint bypasses no rule, and
//! `Internet` holds the services' addresses (Azure: virtual-network-service-endpoints-overview).

use std::sync::Arc;

use ipnet::IpNet;

use super::places::Place;
use super::{at, covers, firewalls, listed, subnet_name};
use crate::config::finding::{Code, Findings};
use crate::config::network::{Access, Network, Service, Subnet};
use crate::config::validate::service_types;
use crate::policy::nsg::RuleList;
use crate::table::coverage::decided_by;
use crate::table::ordered_scan::Conditions;
use crate::table::port_set::PortSet;
use crate::table::prefix_set::PrefixSet;
use crate::wire::protocol;

pub(super) fn check(places: &[Place<'_>], network: &Network, findings: &mut Findings) {
    for place in places {
        let Some(index) = place.subnet else { continue };
        let Some(subnet) = network.subnets.get(index.0) else { continue };
        for (service, firewall) in firewalls(network) {
            let Some(known) = service_types::find(&service.kind) else { continue };
            let has_endpoint = subnet.service_endpoints.iter().any(|endpoint| covers(endpoint, known.endpoints));
            if !has_endpoint || !listed(firewall).any(|(listed, ..)| listed == index) {
                continue;
            }
            if let Some(rule) = denied_by(&place.compiled.outbound, subnet, service) {
                report(place, rule, subnet, service, known.tag, network, findings);
            }
        }
    }
}

/// The first rule that denies a part, where every part is denied.
fn denied_by(list: &RuleList, subnet: &Subnet, service: &Service) -> Option<usize> {
    let wanted = Conditions {
        protocols: vec![protocol::TCP],
        sources: Arc::new(PrefixSet::from_prefixes(subnet.address_prefixes.iter().copied())),
        source_ports: PortSet::all(),
        destinations: Arc::new(PrefixSet::from_prefixes(service.addresses.iter().map(|address| IpNet::from(*address)))),
        destination_ports: if service.ports.is_empty() { PortSet::all() } else { PortSet::from_ranges(service.ports.iter().cloned()) },
    };
    let parts = decided_by(list.table.all_conditions(), &wanted)?;
    let decides = |access: Access| list.rules.iter().zip(&parts).position(|(rule, part)| rule.access == access && !part.is_empty());
    if decides(Access::Allow).is_some() { None } else { decides(Access::Deny) }
}

fn report(place: &Place<'_>, rule: usize, subnet: &Subnet, service: &Service, tag: &str, network: &Network, findings: &mut Findings) {
    let Some(rule) = place.compiled.outbound.rules.get(rule) else { return };
    let group = network.network_security_groups.get(place.group.0).map(|group| group.named.position);
    let (name, target) = (subnet_name(subnet, network), &service.named.name);
    findings
        .report(
            Code::EndpointBlocked,
            at(rule.position.or(group).unwrap_or_default()),
            format!("`{}` denies all that `{name}` sends to `{target}`: an endpoint bypasses no rule", rule.name),
        )
        .hint(format!("add an outbound Allow rule for {tag} with a lower priority number"))
        .related(at(service.named.position), "the service");
}
