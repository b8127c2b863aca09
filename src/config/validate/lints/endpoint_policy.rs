//! An account that lists a subnet whose endpoint policies do not list the account: policies are allow-lists
//! (Azure: virtual-network-service-endpoint-policies-overview).

use super::{at, firewalls, listed, subnet_name};
use crate::config::finding::{Code, Findings};
use crate::config::network::{Network, ServiceIndex, Subnet};
use crate::config::validate::service_types;

pub(super) fn check(network: &Network, findings: &mut Findings) {
    for (service, firewall) in firewalls(network) {
        if service_types::find(&service.kind).is_none_or(|known| known.tag != "Storage") {
            continue;
        }
        let Some(index) = network.services.iter().position(|other| std::ptr::eq(other, service)) else { continue };
        for (subnet, position, _) in listed(firewall) {
            let Some(subnet) = network.subnets.get(subnet.0).filter(|subnet| excludes(subnet, ServiceIndex(index), network)) else {
                continue;
            };
            let name = subnet_name(subnet, network);
            let message = format!("the endpoint policies of `{name}` do not list `{}`: they deny it", service.named.name);
            findings
                .report(Code::PolicyExcludes, at(position), message)
                .hint("add the account to a policy of the subnet, or take the policies off")
                .related(at(subnet.named.position), "the subnet");
        }
    }
}

fn excludes(subnet: &Subnet, service: ServiceIndex, network: &Network) -> bool {
    let policies = subnet.service_endpoint_policies.iter().filter_map(|index| network.service_endpoint_policies.get(index.0));
    let mut policies = policies.peekable();
    policies.peek().is_some() && !policies.any(|policy| policy.services.contains(&service) || policy.unsettled.contains(&service))
}
