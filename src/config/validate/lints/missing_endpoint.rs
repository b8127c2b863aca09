//! A rule for a subnet whose endpoint is not there yet, accepted because it says so: until then it matches nothing
//! (Azure: vnet-service-endpoint-rule-overview).

use super::{at, covers, firewalls, listed, subnet_name};
use crate::config::finding::{Code, Findings};
use crate::config::network::Network;
use crate::config::validate::service_types;

pub(super) fn check(network: &Network, findings: &mut Findings) {
    for (service, firewall) in firewalls(network) {
        let Some(known) = service_types::find(&service.kind) else { continue };
        for (index, position, ignored) in listed(firewall) {
            let Some(subnet) = network.subnets.get(index.0).filter(|_| ignored) else { continue };
            if subnet.service_endpoints.iter().any(|endpoint| covers(endpoint, known.endpoints)) {
                continue;
            }
            let endpoint = known.endpoints.first().copied().unwrap_or_default();
            let name = subnet_name(subnet, network);
            let message =
                format!("`{name}` has no {endpoint} endpoint: its hosts arrive with a public address, and this rule does not match");
            findings
                .report(Code::MissingEndpointIgnored, at(position), message)
                .hint(format!("add `serviceEndpoints: [{endpoint}]` to the subnet"))
                .related(at(subnet.named.position), "the subnet");
        }
    }
}
