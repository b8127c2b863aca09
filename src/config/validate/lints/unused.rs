//! Objects that are attached to nothing.

use super::at;
use crate::config::finding::{Code, Findings};
use crate::config::network::{AsgIndex, Named, NatGatewayIndex, Network, NsgIndex, PolicyIndex, RouteTableIndex};

/// Says nothing of files without subnets, or for groups of interfaces without those: parts that are to be attached elsewhere.
pub(super) fn check(network: &Network, findings: &mut Findings) {
    if network.subnets.is_empty() {
        return;
    }
    let on_interfaces = network.network_interfaces.iter().filter_map(|interface| interface.network_security_group);
    let groups: Vec<NsgIndex> = network.subnets.iter().filter_map(|subnet| subnet.network_security_group).chain(on_interfaces).collect();
    for (index, group) in network.network_security_groups.iter().enumerate() {
        report(
            !groups.contains(&NsgIndex(index)),
            "network security group",
            &group.named,
            "networkSecurityGroup of a subnet or interface",
            findings,
        );
    }
    let tables: Vec<RouteTableIndex> = network.subnets.iter().filter_map(|subnet| subnet.route_table).collect();
    for (index, table) in network.route_tables.iter().enumerate() {
        report(!tables.contains(&RouteTableIndex(index)), "route table", &table.named, "routeTable of a subnet", findings);
    }
    for (index, group) in network.application_security_groups.iter().enumerate() {
        let has = |groups: &Vec<AsgIndex>| groups.contains(&AsgIndex(index));
        let used = network.network_interfaces.iter().any(|interface| has(&interface.application_security_groups));
        report(
            !used && !network.network_interfaces.is_empty(),
            "application security group",
            group,
            "applicationSecurityGroups of an interface",
            findings,
        );
    }
    for (index, gateway) in network.nat_gateways.iter().enumerate() {
        let used = network.subnets.iter().any(|subnet| subnet.nat_gateway == Some(NatGatewayIndex(index)));
        report(!used, "NAT gateway", &gateway.named, "natGateway of a subnet", findings);
    }
    for (index, policy) in network.service_endpoint_policies.iter().enumerate() {
        let used = network.subnets.iter().any(|subnet| subnet.service_endpoint_policies.contains(&PolicyIndex(index)));
        report(!used, "service endpoint policy", &policy.named, "serviceEndpointPolicies of a subnet", findings);
    }
}

fn report(unused: bool, what: &str, named: &Named, attach: &str, findings: &mut Findings) {
    if unused {
        findings
            .report(Code::UnusedObject, at(named.position), format!("the {what} `{}` is attached to nothing", named.name))
            .hint(format!("name it as {attach}, or take it out"));
    }
}
