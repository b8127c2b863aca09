//! A rule that lets a peer's peer in or out, to which no route leads: peering is not transitive
//! (Azure: virtual-network-peering-overview).

use ipnet::IpNet;

use super::{at, peers};
use crate::config::finding::{Code, Findings};
use crate::config::network::{
    Access, Direction, Network, NsgIndex, RoutePrefix, RuleAddress, SecurityRule, Subnet, SubnetIndex, VirtualNetworkIndex,
};

pub(super) fn check(network: &Network, findings: &mut Findings) {
    let mut reported = Vec::new();
    for (index, subnet) in network.subnets.iter().enumerate() {
        let far = far_networks(subnet.virtual_network, network);
        if far.is_empty() {
            continue;
        }
        let groups = groups(SubnetIndex(index), subnet, network);
        for rule in groups.filter_map(|index| network.network_security_groups.get(index.0)).flat_map(|group| &group.rules) {
            let Some((target, hub)) = strands(rule, subnet, &far, network).filter(|_| !reported.contains(&rule.named.position)) else {
                continue;
            };
            reported.push(rule.named.position);
            let name = |index: VirtualNetworkIndex| network.virtual_networks.get(index.0).map_or("", |home| home.named.name.as_str());
            let message = format!("`{}` is peered with `{}` only: nothing gets from here to there", name(target), name(hub));
            findings
                .report(Code::NotTransitive, at(rule.named.position), message)
                .hint("peer the two networks, or route both ways through an appliance in the network between them");
        }
    }
}

fn groups(index: SubnetIndex, subnet: &Subnet, network: &Network) -> impl Iterator<Item = NsgIndex> {
    let interfaces = network.network_interfaces.iter().filter(move |interface| interface.subnet == index);
    subnet.network_security_group.into_iter().chain(interfaces.filter_map(|interface| interface.network_security_group))
}

/// Peers of peers that are none themselves, each with the network between.
fn far_networks(home: VirtualNetworkIndex, network: &Network) -> Vec<(VirtualNetworkIndex, VirtualNetworkIndex)> {
    let near = peers(home, network);
    let beyond = near.iter().flat_map(|hub| peers(*hub, network).into_iter().map(move |far| (far, *hub)));
    beyond.filter(|(far, _)| *far != home && !near.contains(far)).collect()
}

/// The far network that an allow rule names, where no user route covers what it names and nobody nearer has it.
fn strands(
    rule: &SecurityRule,
    subnet: &Subnet,
    far: &[(VirtualNetworkIndex, VirtualNetworkIndex)],
    network: &Network,
) -> Option<(VirtualNetworkIndex, VirtualNetworkIndex)> {
    let side = if rule.direction == Direction::Outbound { &rule.destinations } else { &rule.sources };
    let prefixes = side.iter().filter_map(|entry| if let RuleAddress::Prefix(prefix) = entry { Some(prefix) } else { None });
    let routed = |prefix: &IpNet| user_routes(subnet, network).any(|route| route.contains(prefix));
    let nearer: Vec<IpNet> = std::iter::once(subnet.virtual_network)
        .chain(peers(subnet.virtual_network, network))
        .flat_map(|index| space(index, network))
        .collect();
    let gateways: Vec<IpNet> = network.gateways.iter().flat_map(|gateway| gateway.address_prefixes.iter().copied()).collect();
    let stranded = prefixes.filter(|prefix| {
        let meets = |other: &IpNet| other.contains(*prefix) || prefix.contains(other);
        rule.access == Access::Allow && !routed(prefix) && !nearer.iter().any(meets) && !gateways.iter().any(meets)
    });
    let mut stranded = stranded.copied();
    stranded.find_map(|prefix| far.iter().copied().find(|(index, _)| space(*index, network).any(|own| own.contains(&prefix))))
}

fn space(index: VirtualNetworkIndex, network: &Network) -> impl Iterator<Item = IpNet> {
    network.virtual_networks.get(index.0).into_iter().flat_map(|home| home.address_prefixes.iter().copied())
}

fn user_routes(subnet: &Subnet, network: &Network) -> impl Iterator<Item = IpNet> {
    let table = subnet.route_table.and_then(|index| network.route_tables.get(index.0));
    let routes = table.into_iter().flat_map(|table| &table.routes);
    routes.filter_map(|route| if let RoutePrefix::Prefix(prefix) = route.prefix { Some(prefix) } else { None })
}
