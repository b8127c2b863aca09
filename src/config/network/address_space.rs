//! Virtual networks, their subnets and peerings, gateways.

use std::net::Ipv4Addr;

use ipnet::{IpNet, Ipv4Net};

use super::{
    Named, NatGatewayIndex, NsgIndex, PolicyIndex, Position, PrivateEndpointNetworkPolicies, RouteTableIndex, SubnetIndex,
    VirtualNetworkIndex,
};

/// A virtual network.
#[derive(Clone, Debug)]
pub struct VirtualNetwork {
    /// Name and place.
    pub named: Named,
    /// Region, lower case.
    pub location: Option<String>,
    /// Address space.
    pub address_prefixes: Vec<IpNet>,
    /// Its subnets, indices into [`super::Network::subnets`].
    pub subnets: Vec<SubnetIndex>,
    /// This network's halves of peerings.
    pub peerings: Vec<Peering>,
    /// TCP idle timeout in minutes (4 to 30), where given.
    pub flow_timeout_minutes: Option<u32>,
    /// What the internet sees of hosts without a public address of their own.
    pub default_outbound_address: Option<Ipv4Addr>,
    /// ServiceTunnel key.
    pub tunnel_key: Option<u16>,
}

/// One half of a peering.
#[derive(Clone, Debug)]
pub struct Peering {
    /// Start of the entry in the file.
    pub position: Position,
    /// The other network.
    pub remote: VirtualNetworkIndex,
    /// `allowVirtualNetworkAccess` (default true).
    pub allow_virtual_network_access: bool,
    /// `allowForwardedTraffic`.
    pub allow_forwarded_traffic: bool,
    /// `allowGatewayTransit`.
    pub allow_gateway_transit: bool,
    /// `useRemoteGateways`.
    pub use_remote_gateways: bool,
    /// The file says that the peering is not connected (`peeringState`).
    pub disconnected: bool,
    /// The whole networks are joined (`peerCompleteVnets`, default true).
    pub complete: bool,
}

/// A subnet.
#[derive(Clone, Debug)]
pub struct Subnet {
    /// Name (bare) and place.
    pub named: Named,
    /// Its network.
    pub virtual_network: VirtualNetworkIndex,
    /// Address prefixes, at least one; IPv6 ones are /64.
    pub address_prefixes: Vec<IpNet>,
    /// Prefix that hosts behind TAPs really use instead of the first IPv4 prefix (same length).
    pub wire_prefix: Option<Ipv4Net>,
    /// NSG.
    pub network_security_group: Option<NsgIndex>,
    /// Route table.
    pub route_table: Option<RouteTableIndex>,
    /// Service endpoints.
    pub service_endpoints: Vec<ServiceEndpoint>,
    /// Endpoint policies attached.
    pub service_endpoint_policies: Vec<PolicyIndex>,
    /// Delegation, as written.
    pub delegation: Option<String>,
    /// NAT gateway.
    pub nat_gateway: Option<NatGatewayIndex>,
    /// Hosts without a public address of their own leave with the network's default one.
    pub default_outbound_access: bool,
    /// Whether NSGs and route tables apply to private endpoints.
    pub private_endpoint_network_policies: PrivateEndpointNetworkPolicies,
    /// ServiceTunnel key.
    pub tunnel_key: Option<u16>,
}

/// A service endpoint of a subnet.
#[derive(Clone, Debug)]
pub struct ServiceEndpoint {
    /// Canonical spelling, such as `Microsoft.Storage`.
    pub service: String,
    /// Regions it is limited to within the service's own rule, lower case; empty: that rule alone.
    pub locations: Vec<String>,
    /// Place in the file.
    pub position: Position,
}

/// A VPN or ExpressRoute gateway.
#[derive(Clone, Debug)]
pub struct Gateway {
    /// Name and place.
    pub named: Named,
    /// Kind.
    pub kind: GatewayKind,
    /// The network that it is in.
    pub virtual_network: VirtualNetworkIndex,
    /// On-premises prefixes.
    pub address_prefixes: Vec<IpNet>,
    /// Learned by BGP.
    pub bgp: bool,
    /// What the internet and services see of on-premises hosts.
    pub public_address: Option<Ipv4Addr>,
}

/// Kinds of gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GatewayKind {
    /// `Vpn`.
    Vpn,
    /// `ExpressRoute`.
    ExpressRoute,
}

/// A NAT gateway.
#[derive(Clone, Debug)]
pub struct NatGateway {
    /// Name and place.
    pub named: Named,
    /// Public addresses, at least one.
    pub public_addresses: Vec<Ipv4Addr>,
    /// Idle timeout in minutes (4 to 120).
    pub idle_timeout_minutes: u32,
}
