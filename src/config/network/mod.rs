//! A validated network: what the file says, with every name resolved and every address parsed.
//!
//! Between the model (what a person wrote, `model`) and the snapshot (what workers run, `compile`). Everything here is
//! known to be consistent, so compiling it cannot fail but for resource limits. Indices point into the vectors of
//! [`Network`]. Each object and rule keeps its [`Position`] in the file.

pub mod address_space;
pub mod connectivity;
pub mod firewall;
pub mod integration;
pub mod interface;
pub mod lab;
pub mod options;
pub mod private_endpoint;
pub mod routing;
pub mod security;
pub mod security_admin;
pub mod service;

use ipnet::IpNet;

pub use crate::policy::ids::{Access, Direction};
pub use crate::policy::position::Position;
pub use crate::port::device::Device;
pub use address_space::{Gateway, GatewayKind, NatGateway, Peering, ServiceEndpoint, Subnet, VirtualNetwork};
pub use firewall::{
    AccessRestriction, DatabaseRules, PublicNetworkAccess, RestrictionSource, ScmRestrictions, ServiceFirewall, VirtualNetworkRule,
};
pub use interface::NetworkInterface;
pub use lab::{Attachment, Host, Port, Serve};
pub use options::{
    EndpointRouteOverUserRoute, ForwardedTrafficCheck, GlobalPeeringHopType, Options, PublicAddressWithoutSecurityGroup, SystemNoneRoutes,
    TcpWithoutHandshake, UserDefaultRouteRemoves, UserDefaultRouteToInternet,
};
pub use private_endpoint::{PrivateEndpoint, PrivateEndpointNetworkPolicies};
pub use routing::{RoutePrefix, RouteTable, UserNextHop, UserRoute};
pub use security::{NetworkSecurityGroup, RuleAddress, RuleProtocol, SecurityRule};
pub use security_admin::{AdminRule, AdminRuleCollection};
pub use service::{Denial, Integration, Service, ServiceEndpointPolicy, SourceEncoding};

macro_rules! index {
    ($($(#[$doc:meta])* $name:ident)+) => {$(
        $(#[$doc])* #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub usize);
    )+};
}

index! {
    /// Index into [`Network::virtual_networks`].
    VirtualNetworkIndex
    /// Index into [`Network::subnets`] (all networks' subnets in one list).
    SubnetIndex
    /// Index into [`Network::network_security_groups`].
    NsgIndex
    /// Index into [`Network::application_security_groups`].
    AsgIndex
    /// Index into [`Network::route_tables`].
    RouteTableIndex
    /// Index into [`Network::network_interfaces`].
    InterfaceIndex
    /// Index into [`Network::nat_gateways`].
    NatGatewayIndex
    /// Index into [`Network::service_endpoint_policies`].
    PolicyIndex
    /// Index into [`Network::services`].
    ServiceIndex
    /// Index into [`Network::gateways`].
    GatewayIndex
    /// Index into [`Network::ports`].
    PortIndex
}

/// A name as written, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The name as written in the file.
    pub name: String,
    /// Start of the object's node in the file.
    pub position: Position,
}

/// The whole file.
#[derive(Clone, Debug, Default)]
pub struct Network {
    /// The file's path as the user gave it; `at` fields print it.
    pub file: String,
    /// Default region, lower case, without spaces.
    pub location: Option<String>,
    /// Switches.
    pub options: Options,
    /// Virtual networks, in file order.
    pub virtual_networks: Vec<VirtualNetwork>,
    /// Subnets of all networks, network by network, in file order.
    pub subnets: Vec<Subnet>,
    /// NSGs.
    pub network_security_groups: Vec<NetworkSecurityGroup>,
    /// Rule collections of network managers, in file order.
    pub admin_rule_collections: Vec<AdminRuleCollection>,
    /// Application security groups.
    pub application_security_groups: Vec<Named>,
    /// Route tables.
    pub route_tables: Vec<RouteTable>,
    /// Network interfaces.
    pub network_interfaces: Vec<NetworkInterface>,
    /// NAT gateways.
    pub nat_gateways: Vec<NatGateway>,
    /// Service endpoint policies.
    pub service_endpoint_policies: Vec<ServiceEndpointPolicy>,
    /// VPN and ExpressRoute gateways.
    pub gateways: Vec<Gateway>,
    /// Services, injected ones included.
    pub services: Vec<Service>,
    /// Private endpoints.
    pub private_endpoints: Vec<PrivateEndpoint>,
    /// Tags with the prefixes that the file (inline, or by its tags file) gives them, as spelled there.
    pub service_tags: Vec<ServiceTag>,
    /// Ports.
    pub ports: Vec<Port>,
    /// Lab hosts.
    pub hosts: Vec<Host>,
}

/// A tag and its prefixes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceTag {
    /// Name as given (`Storage.westeurope`).
    pub name: String,
    /// Prefixes.
    pub prefixes: Vec<IpNet>,
}
