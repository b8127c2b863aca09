//! A rule for a subnet whose endpoint does not reach the account's region: Microsoft.Storage is for the subnet's region
//! and its pair, and `locations` may narrow an endpoint further (Azure: storage-network-security).

use super::{at, covers, firewalls, listed, location, subnet_name};
use crate::config::finding::{Code, Findings};
use crate::config::network::{Network, ServiceEndpoint, Subnet};
use crate::config::regions::paired;
use crate::config::validate::service_types;

pub(super) fn check(network: &Network, findings: &mut Findings) {
    for (service, firewall) in firewalls(network) {
        let (Some(known), Some(region)) = (service_types::find(&service.kind), service.location.as_deref()) else { continue };
        for (index, position, _) in listed(firewall) {
            let Some(subnet) = network.subnets.get(index.0) else { continue };
            let Some(endpoint) = subnet.service_endpoints.iter().find(|endpoint| covers(endpoint, known.endpoints)) else { continue };
            if reaches(endpoint, subnet, region, network) {
                continue;
            }
            let name = subnet_name(subnet, network);
            let message = format!("the {} endpoint of `{name}` does not reach {region}: this rule does not match", endpoint.service);
            let hint =
                if known.tag == "Storage" { "use Microsoft.Storage.Global on the subnet" } else { "widen the endpoint's `locations`" };
            findings.report(Code::EndpointRegion, at(position), message).hint(hint).related(at(endpoint.position), "the endpoint");
        }
    }
}

fn reaches(endpoint: &ServiceEndpoint, subnet: &Subnet, region: &str, network: &Network) -> bool {
    if !endpoint.locations.is_empty() {
        return endpoint.locations.iter().any(|location| location == region);
    }
    // A policy makes the endpoint one for every region.
    if endpoint.service != "Microsoft.Storage" || !subnet.service_endpoint_policies.is_empty() {
        return true;
    }
    location(subnet, network).is_none_or(|own| own == region || paired(own) == Some(region))
}
