//! What is joined to what: connected peerings, and the gateways that a network may use.

use super::{Gateway, GatewayKind, Network, Peering, SubnetIndex, VirtualNetworkIndex};

/// The name of the subnet that a network's gateways live in.
pub const GATEWAY_SUBNET: &str = "GatewaySubnet";

impl Network {
    /// This network's half of a peering with `remote`, whatever its state.
    #[must_use]
    pub fn half(&self, home: VirtualNetworkIndex, remote: VirtualNetworkIndex) -> Option<&Peering> {
        self.virtual_networks.get(home.0)?.peerings.iter().find(|half| half.remote == remote)
    }

    /// Both halves of each peering of a network that is `Connected`: its own and the other network's. Two halves are
    /// (virtual-network-manage-peering), unless the file says otherwise of one.
    pub fn connected(&self, home: VirtualNetworkIndex) -> impl Iterator<Item = (&Peering, &Peering)> {
        let halves = self.virtual_networks.get(home.0).into_iter().flat_map(|network| &network.peerings);
        halves.filter_map(move |ours| {
            let theirs = self.half(ours.remote, home)?;
            (!ours.disconnected && !theirs.disconnected).then_some((ours, theirs))
        })
    }

    /// A network's own gateways, and those of the peer whose gateways it uses: `allowGatewayTransit` there,
    /// `useRemoteGateways` here. With their index; ExpressRoute first, which wins where both know a prefix.
    #[must_use]
    pub fn usable_gateways(&self, home: VirtualNetworkIndex) -> Vec<(usize, &Gateway)> {
        let transit =
            |(ours, theirs): (&Peering, &Peering)| (ours.use_remote_gateways && theirs.allow_gateway_transit).then_some(ours.remote);
        let homes: Vec<_> = std::iter::once(home).chain(self.connected(home).filter_map(transit)).collect();
        let all = self.gateways.iter().enumerate();
        let mut usable: Vec<_> = all.filter(|(_, gateway)| homes.contains(&gateway.virtual_network)).collect();
        usable.sort_by_key(|(_, gateway)| gateway.kind == GatewayKind::Vpn);
        usable
    }

    /// A network's GatewaySubnet.
    #[must_use]
    pub fn gateway_subnet(&self, home: VirtualNetworkIndex) -> Option<SubnetIndex> {
        let is_gateway_subnet =
            |index: &SubnetIndex| self.subnets.get(index.0).is_some_and(|subnet| subnet.named.name.eq_ignore_ascii_case(GATEWAY_SUBNET));
        self.virtual_networks.get(home.0)?.subnets.iter().copied().find(is_gateway_subnet)
    }
}
