//! Public addresses whose way back is another than their way in.

use ipnet::IpNet;

use crate::config::finding::{Code, Findings};
use crate::config::model::{NetworkFile, each};
use crate::config::network::{Network, RoutePrefix, Subnet, UserNextHop};

/// A host with a public address whose default route does not lead to the internet: clients there reach it, and in Azure its
/// replies go elsewhere.
pub(super) fn check(file: &NetworkFile, network: &Network, findings: &mut Findings) {
    for (model, interface) in each(&file.network_interfaces).iter().zip(&network.network_interfaces) {
        let (Some(public), Some(subnet)) = (&model.public_ip_address, network.subnets.get(interface.subnet.0)) else { continue };
        if let Some(way) = other_way(network, subnet) {
            let message =
                format!("replies to clients of {} leave by {way} in Azure, not by this address: their connections break", public.0);
            findings
                .report(Code::PublicAddressRoute, public.span, message)
                .hint("take the public address off, or give the subnet a route 0.0.0.0/0 to Internet");
        }
    }
}

/// What the subnet's default route is, where that is not the internet.
fn other_way(network: &Network, subnet: &Subnet) -> Option<String> {
    let table = subnet.route_table.and_then(|table| network.route_tables.get(table.0));
    let is_default = |prefix: &IpNet| prefix.prefix_len() == 0 && matches!(prefix, IpNet::V4(_));
    let user = table.and_then(|table| {
        let found = table.routes.iter().find(|route| matches!(&route.prefix, RoutePrefix::Prefix(prefix) if is_default(prefix)));
        found.map(|route| (table, route))
    });
    if let Some((table, route)) = user {
        return (route.next_hop != UserNextHop::Internet).then(|| format!("the route {}/{}", table.named.name, route.named.name));
    }
    if table.is_some_and(|table| table.disable_bgp_route_propagation) {
        return None;
    }
    let gateways = network.usable_gateways(subnet.virtual_network);
    let gateway = gateways.into_iter().find(|(_, gateway)| gateway.address_prefixes.iter().any(is_default));
    gateway.map(|(_, gateway)| format!("the gateway {}", gateway.named.name))
}
