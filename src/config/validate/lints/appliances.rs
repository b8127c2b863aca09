//! A route's appliance that nobody forwards at (Azure: virtual-networks-udr-overview).

use std::net::IpAddr;

use super::at;
use crate::config::catalogue::{self, Entry};
use crate::config::finding::{Code, Findings};
use crate::config::network::{Network, UserNextHop, UserRoute};

pub(super) fn check(network: &Network, findings: &mut Findings) {
    for route in network.route_tables.iter().flat_map(|table| &table.routes) {
        match route.next_hop {
            // An unspecified address stands for one that is not given, which is reported already.
            UserNextHop::VirtualAppliance(address) if !address.is_unspecified() => check_route(route, address, network, findings),
            _ => {}
        }
    }
}

fn check_route(route: &UserRoute, address: IpAddr, network: &Network, findings: &mut Findings) {
    match network.network_interfaces.iter().find(|interface| interface.private_addresses.contains(&address)) {
        Some(interface) if interface.enable_ip_forwarding => {}
        Some(interface) => {
            let message = format!("the appliance {address} is `{}`, which lacks enableIPForwarding", interface.named.name);
            findings
                .report(Code::ApplianceForwarding, at(route.named.position), message)
                .hint("set `enableIPForwarding: true` on the interface")
                .related(at(interface.named.position), "the interface");
        }
        None if is_injected_forwarder(address, network) => {}
        None => {
            let message = format!("no network interface has the appliance's address {address}");
            findings
                .report(Code::ApplianceForwarding, at(route.named.position), message)
                .hint("add it under `networkInterfaces` with `enableIPForwarding: true`");
        }
    }
}

/// Azure Firewall is a service of its subnet, not an interface.
fn is_injected_forwarder(address: IpAddr, network: &Network) -> bool {
    let mut at = network.services.iter().filter(|service| service.subnet.is_some() && service.addresses.contains(&address));
    at.any(|service| catalogue::injected(&service.kind, None).is_some_and(Entry::is_forwarder))
}
