//! A validated network: what the file says, with every name resolved and every address parsed.
//!
//! Between the model (what a person wrote, `model`) and the snapshot (what workers run, `compile`). Everything here is
//! known to be consistent, so compiling it cannot fail but for resource limits. Indices point into the vectors of
//! [`Network`]. Each object and rule keeps its [`Position`] in the file.

use std::net::{IpAddr, Ipv4Addr};
use std::ops::RangeInclusive;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

pub use crate::policy::ids::{Access, Direction};
pub use crate::policy::position::Position;
pub use crate::port::device::Device;

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
    /// Tags with the prefixes that the file (inline, or by its tags file) gives them, as spelled there.
    pub service_tags: Vec<ServiceTag>,
    /// Ports.
    pub ports: Vec<Port>,
    /// Lab hosts.
    pub hosts: Vec<Host>,
}

/// `options`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// `endpointRouteOverUserRoute`.
    pub endpoint_route_over_user_route: EndpointRouteOverUserRoute,
    /// `forwardedTrafficCheck`.
    pub forwarded_traffic_check: ForwardedTrafficCheck,
    /// `tcpWithoutHandshake`.
    pub tcp_without_handshake: TcpWithoutHandshake,
}

/// Which route wins between an endpoint's and a user's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EndpointRouteOverUserRoute {
    /// The endpoint's, always.
    #[default]
    Always,
    /// The longer prefix; at equal length the endpoint's.
    LongestPrefix,
}

/// What a peering without `allowForwardedTraffic` does to forwarded packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ForwardedTrafficCheck {
    /// Drops them, as documented.
    #[default]
    Documented,
    /// Lets them pass, as reported.
    Lenient,
}

/// What happens to a TCP packet of no known flow that is not a SYN.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TcpWithoutHandshake {
    /// It is judged by the rules like a SYN.
    #[default]
    AllowIfRulesAllow,
    /// It is dropped.
    Drop,
}

/// A virtual network.
#[derive(Clone, Debug)]
pub struct VirtualNetwork {
    /// Name and place.
    pub named: Named,
    /// Region, lower case.
    pub location: Option<String>,
    /// Address space.
    pub address_prefixes: Vec<IpNet>,
    /// Its subnets, indices into [`Network::subnets`].
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
    /// ServiceTunnel key.
    pub tunnel_key: Option<u16>,
}

/// A service endpoint of a subnet.
#[derive(Clone, Debug)]
pub struct ServiceEndpoint {
    /// Canonical spelling, such as `Microsoft.Storage`.
    pub service: String,
    /// Regions it is limited to, lower case; empty: the service's own rule.
    pub locations: Vec<String>,
    /// Place in the file.
    pub position: Position,
}

/// A network security group.
#[derive(Clone, Debug)]
pub struct NetworkSecurityGroup {
    /// Name and place.
    pub named: Named,
    /// Rule changes are applied to open flows too.
    pub flush_connection: bool,
    /// The user's rules, in file order (default rules are added by `compile`).
    pub rules: Vec<SecurityRule>,
}

/// A security rule; singular and plural forms have become lists.
#[derive(Clone, Debug)]
pub struct SecurityRule {
    /// Name and place.
    pub named: Named,
    /// 100 to 4096, unique per direction.
    pub priority: u16,
    /// Direction.
    pub direction: Direction,
    /// Allow or Deny.
    pub access: Access,
    /// Protocol.
    pub protocol: RuleProtocol,
    /// Sources.
    pub sources: Vec<RuleAddress>,
    /// Source ports; `*` is `0..=65535`.
    pub source_ports: Vec<RangeInclusive<u16>>,
    /// Destinations.
    pub destinations: Vec<RuleAddress>,
    /// Destination ports.
    pub destination_ports: Vec<RangeInclusive<u16>>,
}

/// Protocol of a security rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleProtocol {
    /// `*`.
    Any,
    /// `Tcp`.
    Tcp,
    /// `Udp`.
    Udp,
    /// `Icmp` (ICMPv6 as well).
    Icmp,
    /// `Esp`.
    Esp,
    /// `Ah`.
    Ah,
}

/// One entry of a rule's source or destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RuleAddress {
    /// `*`, `Any`, `0.0.0.0/0`: both families.
    Any,
    /// An address or prefix.
    Prefix(IpNet),
    /// A service tag or special tag, canonical spelling where known.
    Tag(String),
    /// An application security group.
    Asg(AsgIndex),
}

/// A route table.
#[derive(Clone, Debug)]
pub struct RouteTable {
    /// Name and place.
    pub named: Named,
    /// Gateway routes are not propagated.
    pub disable_bgp_route_propagation: bool,
    /// Routes in file order.
    pub routes: Vec<UserRoute>,
}

/// A user-defined route.
#[derive(Clone, Debug)]
pub struct UserRoute {
    /// Name and place.
    pub named: Named,
    /// Destination.
    pub prefix: RoutePrefix,
    /// Next hop.
    pub next_hop: UserNextHop,
}

/// Destination of a user route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoutePrefix {
    /// A prefix.
    Prefix(IpNet),
    /// A service tag.
    Tag(String),
}

/// Next hop of a user route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserNextHop {
    /// `VnetLocal`.
    VnetLocal,
    /// `Internet`.
    Internet,
    /// `None`.
    None,
    /// `VirtualNetworkGateway`.
    VirtualNetworkGateway,
    /// `VirtualAppliance` at this address.
    VirtualAppliance(IpAddr),
}

/// A network interface.
#[derive(Clone, Debug)]
pub struct NetworkInterface {
    /// Name and place.
    pub named: Named,
    /// Its subnet.
    pub subnet: SubnetIndex,
    /// Private addresses: IPv4 and, on dual-stack subnets, perhaps IPv6.
    pub private_addresses: Vec<IpAddr>,
    /// Its own public address.
    pub public_address: Option<Ipv4Addr>,
    /// NSG.
    pub network_security_group: Option<NsgIndex>,
    /// ASGs that it is a member of.
    pub application_security_groups: Vec<AsgIndex>,
    /// May send and receive for others.
    pub enable_ip_forwarding: bool,
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

/// A service endpoint policy: an allow-list of storage accounts.
#[derive(Clone, Debug)]
pub struct ServiceEndpointPolicy {
    /// Name and place.
    pub named: Named,
    /// Listed services.
    pub services: Vec<ServiceIndex>,
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

/// A service.
#[derive(Clone, Debug)]
pub struct Service {
    /// Name and place.
    pub named: Named,
    /// Resource type, canonical spelling (`Microsoft.Storage/storageAccounts`).
    pub kind: String,
    /// Region, lower case.
    pub location: Option<String>,
    /// Its addresses, at least one; for an injected one private.
    pub addresses: Vec<IpAddr>,
    /// Host names.
    pub host_names: Vec<String>,
    /// Ports that it answers on; empty: any (a type without known ports).
    pub ports: Vec<RangeInclusive<u16>>,
    /// What a refused client is shown.
    pub denial: Denial,
    /// How it sees sources that come over an endpoint.
    pub source_encoding: SourceEncoding,
    /// Injected: the subnet it lives in.
    pub subnet: Option<SubnetIndex>,
    /// Injected: a public address that it keeps.
    pub public_address: Option<Ipv4Addr>,
    /// Firewall; `None` where the file gives none (open).
    pub firewall: Option<ServiceFirewall>,
}

/// What a refused client is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denial {
    /// TCP reset; ICMP unreachable for others.
    Reset,
    /// On a plain-HTTP port (80) the 403 page; on others a reset.
    Http403,
    /// Nothing.
    Drop,
}

/// How a service sees sources that come over an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceEncoding {
    /// The private IPv4 address.
    Private,
    /// An IPv6 address that carries network and subnet; the service's own prefix (any length, /96 as a rule).
    ServiceTunnel(Ipv6Net),
}

/// A service firewall; which lists mean something depends on the service's type.
#[derive(Clone, Debug, Default)]
pub struct ServiceFirewall {
    /// Place of the section.
    pub position: Position,
    /// `defaultAction`, with its place, where given.
    pub default_action: Option<(Access, Position)>,
    /// `publicNetworkAccess: Disabled`.
    pub public_network_access_disabled: bool,
    /// `bypass` entries as written (`AzureServices`, `Logging`, `Metrics`, `None`).
    pub bypass: Vec<String>,
    /// `virtualNetworkRules`.
    pub virtual_network_rules: Vec<VirtualNetworkRule>,
    /// `ipRules`.
    pub ip_rules: Vec<(IpNet, Position)>,
    /// `ipRanges`, inclusive; 0.0.0.0–0.0.0.0 has Azure's special meaning.
    pub ip_ranges: Vec<(RangeInclusive<Ipv4Addr>, Position)>,
    /// `resourceAccessRules` as written.
    pub resource_access_rules: Vec<(String, Position)>,
    /// App Service access restrictions.
    pub access_restrictions: Vec<AccessRestriction>,
}

/// A virtual network rule.
#[derive(Clone, Debug)]
pub struct VirtualNetworkRule {
    /// Place.
    pub position: Position,
    /// The subnet; `None` for `state: NetworkSourceDeleted`, which matches nothing.
    pub subnet: Option<SubnetIndex>,
    /// Accepted although the subnet has no endpoint.
    pub ignore_missing_endpoint: bool,
}

/// An access restriction of App Service.
#[derive(Clone, Debug)]
pub struct AccessRestriction {
    /// Name (or `accessRestrictions[i]` where none is given) and place.
    pub named: Named,
    /// Lower first; equal ones in list order.
    pub priority: u32,
    /// Allow or Deny.
    pub action: Access,
    /// What it matches.
    pub source: RestrictionSource,
    /// It also looks at the request's headers, which packets do not show.
    pub header_filter: bool,
}

/// What an access restriction matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RestrictionSource {
    /// A subnet, by identity.
    Subnet {
        /// The subnet.
        subnet: SubnetIndex,
        /// Accepted although the subnet has no endpoint.
        ignore_missing_endpoint: bool,
    },
    /// Public sources in any of these prefixes.
    Addresses(Vec<IpNet>),
    /// Public sources in any of these tags.
    Tags(Vec<String>),
    /// Any source that comes over an endpoint (`AnyVnets`).
    AnyVirtualNetwork,
    /// Everyone (`Any`).
    Any,
}

/// A tag and its prefixes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceTag {
    /// Name as given (`Storage.westeurope`).
    pub name: String,
    /// Prefixes.
    pub prefixes: Vec<IpNet>,
}

/// A port.
#[derive(Clone, Debug)]
pub struct Port {
    /// Name and place.
    pub named: Named,
    /// Device.
    pub device: Device,
    /// What is behind it.
    pub attachment: Attachment,
}

/// What is behind a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attachment {
    /// A whole network.
    VirtualNetwork(VirtualNetworkIndex),
    /// A subnet.
    Subnet(SubnetIndex),
    /// One address (private) of a subnet.
    Address(SubnetIndex, IpAddr),
    /// A service.
    Service(ServiceIndex),
    /// On-premises.
    Gateway(GatewayIndex),
    /// The internet.
    Internet,
    /// 168.63.129.16.
    Platform,
}

/// A lab host.
#[derive(Clone, Debug)]
pub struct Host {
    /// Name and place.
    pub named: Named,
    /// Its port.
    pub port: PortIndex,
    /// Its addresses on the wire: IPv4, and perhaps IPv6.
    pub addresses: Vec<IpAddr>,
    /// Listeners.
    pub serve: Serve,
    /// A command of the user's.
    pub run: Option<String>,
    /// Forwards packets.
    pub forward: bool,
}

/// Listeners of a lab host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Serve {
    /// Ports that answer HTTP.
    pub http: Vec<u16>,
    /// Ports that answer TCP.
    pub tcp: Vec<u16>,
    /// Ports that answer UDP.
    pub udp: Vec<u16>,
}
