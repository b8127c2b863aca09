//! An endpoint that only takes away: every service of its kind refuses the subnet's identity, and looks at its public
//! addresses no more (Azure: virtual-network-service-endpoints-overview).

use super::{at, covers, listed, subnet_name};
use crate::config::finding::{Code, Findings};
use crate::config::network::{Access, Network, RestrictionSource, Service, ServiceEndpoint, SubnetIndex};
use crate::config::validate::service_types;

pub(super) fn check(network: &Network, findings: &mut Findings) {
    for (index, subnet) in network.subnets.iter().enumerate() {
        for endpoint in &subnet.service_endpoints {
            let services: Vec<&Service> = network.services.iter().filter(|service| is_behind(service, endpoint)).collect();
            if services.is_empty() || !services.iter().all(|service| refuses(service, SubnetIndex(index))) {
                continue;
            }
            let names: Vec<String> = services.iter().take(3).map(|service| format!("`{}`", service.named.name)).collect();
            let name = subnet_name(subnet, network);
            let message =
                format!("over {} the hosts of `{name}` are refused by {}: no rule lists the subnet", endpoint.service, names.join(", "));
            findings
                .report(Code::EndpointUnused, at(endpoint.position), message)
                .hint(format!("list `{name}` in a service's firewall, or take the endpoint off"));
        }
    }
}

fn is_behind(service: &Service, endpoint: &ServiceEndpoint) -> bool {
    service.subnet.is_none() && service_types::find(&service.kind).is_some_and(|known| covers(endpoint, known.endpoints))
}

/// Whether a firewall certainly refuses what comes from the subnet over an endpoint.
fn refuses(service: &Service, subnet: SubnetIndex) -> bool {
    let Some(firewall) = &service.firewall else { return false };
    let lists = !firewall.virtual_network_rules.is_empty() || !firewall.ip_rules.is_empty() || !firewall.ip_ranges.is_empty();
    let closed = match firewall.default_action {
        Some((action, _)) => action == Access::Deny,
        None => service_types::find(&service.kind).is_some_and(|known| known.tag == "Sql"),
    };
    let by_source = firewall
        .access_restrictions
        .iter()
        .any(|rule| rule.action == Access::Allow && matches!(rule.source, RestrictionSource::Any | RestrictionSource::AnyVirtualNetwork));
    let enforced = closed && (lists || !firewall.access_restrictions.is_empty());
    enforced && !by_source && !listed(firewall).any(|(listed, ..)| listed == subnet)
}
