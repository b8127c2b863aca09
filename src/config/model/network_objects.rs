//! Virtual networks, subnets, peerings, routes, interfaces, NAT gateways and gateways.

use super::addresses::{Address, Address4, Prefix, Prefix4};
use super::decode::{ListField, Spanned, choice, object};
use super::values::{FromText, Integer, Name, OneOrMany, Reference, Region, Shorthand};
use crate::config::finding::Findings;
use crate::config::network::{GatewayKind, PrivateEndpointNetworkPolicies};
use crate::config::text::Node;

object! {
    /// A virtual network.
    VirtualNetwork "a virtual network"
    required {
        /// Its name.
        "name" name: Name,
        /// Its address space.
        "addressPrefixes" address_prefixes: Vec<Spanned<Prefix>>,
    }
    optional {
        /// Its region; the file's `location` where absent.
        "location" location: Region,
        /// Its subnets.
        "subnets" subnets: Vec<Spanned<Subnet>>,
        /// This network's halves of peerings.
        "peerings" | "virtualNetworkPeerings" peerings: Vec<Spanned<Peering>>,
        /// TCP idle timeout.
        "flowTimeoutInMinutes" flow_timeout_in_minutes: Integer<4, 30>,
        /// What the internet sees of hosts without a public address of their own.
        "defaultOutboundAddress" default_outbound_address: Address4,
        /// ServiceTunnel key of the network.
        "tunnelKey" tunnel_key: Integer<1, 65535>,
        /// DNS servers; no effect on packets.
        "dhcpOptions" dhcp_options: DhcpOptions,
        /// No effect on which packets pass.
        "enableDdosProtection" enable_ddos_protection: bool,
        /// Encryption between hosts; no effect on which packets pass.
        "encryption" encryption: Encryption,
    }
}

object! {
    /// Encryption of a network.
    Encryption "encryption"
    required {}
    optional {
        /// Whether hosts encrypt what they send each other.
        "enabled" enabled: bool,
        /// What happens to hosts that cannot.
        "enforcement" enforcement: String,
    }
}

object! {
    /// DHCP options of a network.
    DhcpOptions "dhcpOptions"
    required {}
    optional {
        /// DNS servers.
        "dnsServers" dns_servers: Vec<Spanned<Address>>,
    }
}

object! {
    /// A subnet.
    Subnet "a subnet"
    required {
        /// Its name.
        "name" name: Name,
    }
    optional {
        /// Its address prefix.
        "addressPrefix" address_prefix: Prefix,
        /// Its address prefixes, where there are several.
        "addressPrefixes" address_prefixes: Vec<Spanned<Prefix>>,
        /// NSG.
        "networkSecurityGroup" network_security_group: Reference,
        /// Route table.
        "routeTable" route_table: Reference,
        /// Service endpoints, such as Microsoft.Storage.
        "serviceEndpoints" service_endpoints: Vec<Spanned<Shorthand<ServiceEndpoint>>>,
        /// Service endpoint policies.
        "serviceEndpointPolicies" service_endpoint_policies: Vec<Spanned<Reference>>,
        /// The service that the subnet is delegated to, such as Microsoft.Web/serverFarms.
        "delegation" delegation: String,
        /// ARM's long form of `delegation`.
        "delegations" delegations: Vec<Spanned<Delegation>>,
        /// NAT gateway.
        "natGateway" nat_gateway: Reference,
        /// The prefix that the hosts behind the TAP really use; as long as the address prefix.
        "wirePrefix" wire_prefix: Prefix4,
        /// ServiceTunnel key of the subnet.
        "tunnelKey" tunnel_key: Integer<1, 65535>,
        /// Whether hosts without a public address reach the internet.
        "defaultOutboundAccess" default_outbound_access: bool,
        /// Whether NSGs and routes apply to private endpoints.
        "privateEndpointNetworkPolicies" private_endpoint_network_policies: PrivateEndpointNetworkPolicies,
        /// Whether NSGs apply to private link services.
        "privateLinkServiceNetworkPolicies" private_link_service_network_policies: String,
    }
}

choice! { PrivateEndpointNetworkPolicies, "privateEndpointNetworkPolicies",
    "Disabled" => Self::Disabled, "Enabled" => Self::Enabled,
    "NetworkSecurityGroupEnabled" => Self::NetworkSecurityGroupEnabled, "RouteTableEnabled" => Self::RouteTableEnabled,
}

object! {
    /// A service endpoint with regions.
    ServiceEndpoint "a service endpoint"
    required {
        /// The endpoint's name, such as Microsoft.Storage.
        "service" service: String,
    }
    optional {
        /// Regions that it is limited to; `*` is all.
        "locations" locations: Vec<Spanned<String>>,
    }
}

impl FromText for ServiceEndpoint {
    fn from_text(node: &Node, findings: &mut Findings) -> Option<Self> {
        let service = super::decode::Decode::decode(node, findings)?;
        Some(Self { service: Some(service), locations: None })
    }
}

object! {
    /// A delegation.
    Delegation "a delegation"
    required {
        /// The service, such as Microsoft.Web/serverFarms.
        "serviceName" service_name: String,
    }
    optional {
        /// Its name.
        "name" name: String,
        /// What the service may do.
        "actions" actions: Vec<Spanned<String>>,
    }
}

object! {
    /// One network's half of a peering.
    Peering "a peering"
    required {
        /// The other network.
        "remoteVirtualNetwork" remote_virtual_network: Reference,
    }
    optional {
        /// Its name.
        "name" name: Name,
        /// Traffic passes, and the other network's addresses belong to VirtualNetwork. True by default.
        "allowVirtualNetworkAccess" allow_virtual_network_access: bool,
        /// Packets whose source is not in the other network may come from it.
        "allowForwardedTraffic" allow_forwarded_traffic: bool,
        /// The other network may use this network's gateway.
        "allowGatewayTransit" allow_gateway_transit: bool,
        /// This network uses the other network's gateway.
        "useRemoteGateways" use_remote_gateways: bool,
        /// As Azure reports it. Disconnected: the other half was deleted, and this one carries nothing even if that is back.
        "peeringState" peering_state: PeeringState,
        /// As Azure reports it: no effect, the other network's address space is in this file.
        "remoteAddressSpace" remote_address_space: RemoteAddressSpace,
        /// The whole networks are joined, not chosen subnets. True by default.
        "peerCompleteVnets" peer_complete_vnets: bool,
    }
}

/// `peeringState`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeeringState {
    /// `Initiated`: the other half is not there yet.
    Initiated,
    /// `Connected`.
    Connected,
    /// `Disconnected`: the other half was deleted.
    Disconnected,
}

choice! { PeeringState, "peeringState",
    "Initiated" => Self::Initiated, "Connected" => Self::Connected, "Disconnected" => Self::Disconnected,
}

object! {
    /// The other network's address space.
    RemoteAddressSpace "remoteAddressSpace"
    required {}
    optional {
        /// Its prefixes.
        "addressPrefixes" address_prefixes: Vec<Spanned<Prefix>>,
    }
}

object! {
    /// A route table.
    RouteTable "a route table"
    required {
        /// Its name.
        "name" name: Name,
    }
    optional {
        /// Gateway routes are not propagated to the table's subnets.
        "disableBgpRoutePropagation" disable_bgp_route_propagation: bool,
        /// Its routes.
        "routes" routes: Vec<Spanned<Route>>,
    }
}

object! {
    /// A route.
    Route "a route"
    required {
        /// Its name.
        "name" name: Name,
        /// Destination: a prefix or a service tag.
        "addressPrefix" address_prefix: String,
        /// Where matching packets go.
        "nextHopType" next_hop_type: NextHopType,
    }
    optional {
        /// The appliance's address; only with VirtualAppliance.
        "nextHopIpAddress" next_hop_ip_address: Address,
        /// As Azure reports it: no effect.
        "hasBgpOverride" has_bgp_override: bool,
    }
}

/// `nextHopType` as written, those that Azure refuses included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextHopType {
    /// `VirtualNetworkGateway`.
    VirtualNetworkGateway,
    /// `VnetLocal`.
    VnetLocal,
    /// `Internet`.
    Internet,
    /// `VirtualAppliance`.
    VirtualAppliance,
    /// `None`.
    None,
}

choice! { NextHopType, "nextHopType",
    "VirtualNetworkGateway" => Self::VirtualNetworkGateway, "VnetLocal" => Self::VnetLocal, "Internet" => Self::Internet,
    "VirtualAppliance" => Self::VirtualAppliance, "None" => Self::None,
}

object! {
    /// A network interface.
    NetworkInterface "a network interface"
    required {
        /// Its name.
        "name" name: Name,
        /// Its subnet, VNET/SUBNET.
        "subnet" subnet: Reference,
        /// Its private address, or both where it has an IPv6 one too.
        "privateIPAddress" | "privateIPAddresses" private_ip_address: OneOrMany<Spanned<Address>>,
    }
    optional {
        /// Its own public address.
        "publicIPAddress" public_ip_address: Address4,
        /// NSG.
        "networkSecurityGroup" network_security_group: Reference,
        /// Application security groups that it is a member of.
        "applicationSecurityGroups" application_security_groups: Vec<Spanned<Reference>>,
        /// It may send and receive for others.
        "enableIPForwarding" enable_ip_forwarding: bool,
        /// No effect: the dataplane learns what is behind a port.
        "macAddress" mac_address: String,
        /// No effect: the address is given.
        "privateIPAllocationMethod" private_ip_allocation_method: String,
        /// No effect: an interface has one configuration here.
        "primary" primary: bool,
    }
}

object! {
    /// A NAT gateway.
    NatGateway "a NAT gateway"
    required {
        /// Its name.
        "name" name: Name,
        /// Its public addresses.
        "publicIPAddresses" | "publicIPAddress" public_ip_addresses: OneOrMany<Spanned<Address4>>,
    }
    optional {
        /// Idle timeout; 4 by default.
        "idleTimeoutInMinutes" idle_timeout_in_minutes: Integer<4, 120>,
    }
}

object! {
    /// A VPN or ExpressRoute gateway.
    Gateway "a gateway"
    required {
        /// Its name.
        "name" name: Name,
        /// Vpn or ExpressRoute.
        "type" kind: GatewayKind,
        /// The network that it is in.
        "virtualNetwork" virtual_network: Reference,
    }
    optional {
        /// On-premises prefixes.
        "addressPrefixes" address_prefixes: Vec<Spanned<Prefix>>,
        /// The prefixes are learned by BGP.
        "bgp" | "enableBgp" bgp: bool,
        /// What the internet and services see of on-premises hosts.
        "publicIPAddress" public_ip_address: Address4,
    }
}

choice! { GatewayKind, "gateway type", "Vpn" => Self::Vpn, "ExpressRoute" => Self::ExpressRoute }

/// The prefixes of a subnet, singular or plural form.
pub fn subnet_prefixes(subnet: &Subnet) -> Vec<Spanned<Prefix>> {
    let many: &ListField<Prefix> = &subnet.address_prefixes;
    subnet.address_prefix.iter().chain(many.iter().flat_map(|list| list.value.iter())).cloned().collect()
}
