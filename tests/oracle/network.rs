//! The oracle's own picture of a network file, and how it is written as YAML.
//!
//! Nothing here comes from the crate under test: a `World` is made by the generator, printed for the loader, and read by the
//! oracle as it is. References are names, as in the file.

use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;

/// A whole file.
#[derive(Clone, Debug, Default)]
pub struct World {
    pub location: Option<String>,
    pub endpoint_by_longest_prefix: bool,
    pub lenient_forwarding: bool,
    /// `publicAddressWithoutSecurityGroup: closed`.
    pub closed_without_group: bool,
    /// `userDefaultRouteRemoves: named`.
    pub default_removes_named: bool,
    /// `userDefaultRouteToInternet: keeps`.
    pub default_to_internet_keeps: bool,
    /// `systemNoneRoutes: observed`.
    pub observed_none: bool,
    /// `globalPeeringHopType: VNetGlobalPeering`.
    pub named_globally: bool,
    pub tags: Vec<Tag>,
    pub networks: Vec<VirtualNetwork>,
    pub nat_gateways: Vec<NatGateway>,
    pub application_groups: Vec<String>,
    pub interfaces: Vec<Interface>,
    pub groups: Vec<SecurityGroup>,
    pub tables: Vec<RouteTable>,
    pub gateways: Vec<Gateway>,
    pub services: Vec<Service>,
    pub policies: Vec<EndpointPolicy>,
    pub ports: Vec<Port>,
    pub collections: Vec<AdminCollection>,
    pub private_endpoints: Vec<PrivateEndpoint>,
}

#[derive(Clone, Debug)]
pub struct PrivateEndpoint {
    pub name: String,
    /// `VNET/SUBNET`.
    pub subnet: String,
    pub address: Ipv4Addr,
    pub service: String,
}

/// `privateEndpointNetworkPolicies`: what of a subnet applies to its private endpoints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EndpointRules {
    #[default]
    Disabled,
    Enabled,
    NetworkSecurityGroupEnabled,
    RouteTableEnabled,
}

/// A collection of security admin rules, with the networks that it applies to; each in a group and a configuration of its own.
#[derive(Clone, Debug)]
pub struct AdminCollection {
    pub name: String,
    pub networks: Vec<String>,
    pub rules: Vec<AdminRule>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdminAccess {
    Allow,
    AlwaysAllow,
    Deny,
}

/// A security admin rule: what it has in common with a security rule, and its access.
#[derive(Clone, Debug)]
pub struct AdminRule {
    pub rule: Rule,
    pub access: AdminAccess,
}

#[derive(Clone, Debug)]
pub struct Tag {
    pub name: String,
    pub prefixes: Vec<IpNet>,
}

#[derive(Clone, Debug)]
pub struct VirtualNetwork {
    pub name: String,
    pub location: Option<String>,
    pub prefixes: Vec<IpNet>,
    pub default_outbound: Option<Ipv4Addr>,
    pub tunnel_key: Option<u16>,
    pub subnets: Vec<Subnet>,
    pub peerings: Vec<Peering>,
}

#[derive(Clone, Debug, Default)]
pub struct Subnet {
    pub name: String,
    pub prefixes: Vec<IpNet>,
    pub group: Option<String>,
    pub table: Option<String>,
    pub endpoints: Vec<Endpoint>,
    pub policies: Vec<String>,
    pub nat_gateway: Option<String>,
    pub wire_prefix: Option<IpNet>,
    /// `defaultOutboundAccess: false`.
    pub no_default_outbound: bool,
    pub endpoint_rules: EndpointRules,
    /// Delegated to Microsoft.Web/serverFarms.
    pub delegated: bool,
    pub tunnel_key: Option<u16>,
}

#[derive(Clone, Debug)]
pub struct Endpoint {
    pub service: String,
    pub locations: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct Peering {
    pub remote: String,
    pub access: bool,
    pub forwarded: bool,
    pub transit: bool,
    pub remote_gateways: bool,
    /// `peeringState`.
    pub state: Option<&'static str>,
}

#[derive(Clone, Debug)]
pub struct NatGateway {
    pub name: String,
    pub addresses: Vec<Ipv4Addr>,
}

#[derive(Clone, Debug)]
pub struct Interface {
    pub name: String,
    /// `VNET/SUBNET`.
    pub subnet: String,
    pub addresses: Vec<IpAddr>,
    pub public: Option<Ipv4Addr>,
    pub group: Option<String>,
    pub application_groups: Vec<String>,
    pub forwarding: bool,
}

#[derive(Clone, Debug)]
pub struct SecurityGroup {
    pub name: String,
    pub rules: Vec<Rule>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    Any,
    Tcp,
    Udp,
    Icmp,
    Esp,
    Ah,
}

#[derive(Clone, Debug)]
pub struct Rule {
    pub name: String,
    pub priority: u16,
    pub inbound: bool,
    pub allow: bool,
    pub protocol: Protocol,
    pub source: Side,
    pub source_ports: Vec<(u16, u16)>,
    pub destination: Side,
    pub destination_ports: Vec<(u16, u16)>,
}

/// One side of a rule: addresses, prefixes, tags and `*`; or application security groups.
#[derive(Clone, Debug)]
pub enum Side {
    Prefixes(Vec<String>),
    Groups(Vec<String>),
}

#[derive(Clone, Debug)]
pub struct RouteTable {
    pub name: String,
    pub no_propagation: bool,
    pub routes: Vec<Route>,
}

#[derive(Clone, Debug)]
pub struct Route {
    pub name: String,
    /// A prefix or a service tag.
    pub prefix: String,
    pub hop: Hop,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hop {
    Gateway,
    Local,
    Internet,
    Appliance(IpAddr),
    None,
}

#[derive(Clone, Debug)]
pub struct Gateway {
    pub name: String,
    pub vpn: bool,
    pub network: String,
    pub prefixes: Vec<IpNet>,
    pub bgp: bool,
    pub public: Option<Ipv4Addr>,
}

#[derive(Clone, Debug)]
pub struct Service {
    pub name: String,
    pub kind: String,
    pub location: Option<String>,
    pub addresses: Vec<Ipv4Addr>,
    pub ports: Option<Vec<(u16, u16)>>,
    pub firewall: Option<Firewall>,
    pub public_access_disabled: bool,
    pub integration: Option<Integration>,
    pub outbound: Vec<Ipv4Addr>,
    /// Addresses of an app's deployment site.
    pub scm: Vec<Ipv4Addr>,
    /// `sourceEncoding: ServiceTunnel`, with the service's prefix.
    pub tunnel: Option<IpNet>,
    /// Injected: the subnet, `VNET/SUBNET`.
    pub subnet: Option<String>,
    pub public: Option<Ipv4Addr>,
}

/// An app's regional integration with a subnet.
#[derive(Clone, Debug)]
pub struct Integration {
    /// `VNET/SUBNET`.
    pub subnet: String,
    pub route_all: bool,
}

#[derive(Clone, Debug, Default)]
pub struct Firewall {
    /// `Some(true)` is Allow.
    pub default_allow: Option<bool>,
    /// `bypass`, `trustedServiceAccessEnabled`, `networkRuleBypassOptions`.
    pub trusts: Option<bool>,
    /// `resourceAccessRules`: types and names, `*` for every name.
    pub resources: Vec<(String, String)>,
    /// `ipv6Rules`: public IPv6 addresses, which no client comes with.
    pub six_rules: bool,
    /// Rules of single databases.
    pub databases: Vec<(String, Vec<(Ipv4Addr, Ipv4Addr)>)>,
    pub network_rules: Vec<NetworkRule>,
    pub network_filter: Option<bool>,
    pub ip_rules: Vec<String>,
    pub ip_ranges: Vec<(Ipv4Addr, Ipv4Addr)>,
    pub restrictions: Vec<Restriction>,
    /// The deployment site's own list, with its default action; without, it uses the site's.
    pub scm: Option<(Option<bool>, Vec<Restriction>)>,
}

#[derive(Clone, Debug)]
pub struct NetworkRule {
    pub subnet: String,
    pub ignore_missing: bool,
    pub deleted: bool,
}

#[derive(Clone, Debug)]
pub struct Restriction {
    pub name: String,
    pub priority: u32,
    pub allow: bool,
    pub source: RestrictionSource,
    /// Header filters besides.
    pub headers: bool,
}

#[derive(Clone, Debug)]
pub enum RestrictionSource {
    Subnet { subnet: String, ignore_missing: bool },
    Addresses(Vec<IpNet>),
    Tags(Vec<String>),
    Any,
    AnyVnets,
}

#[derive(Clone, Debug)]
pub struct EndpointPolicy {
    pub name: String,
    pub services: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct Port {
    pub name: String,
    pub attach: Attach,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attach {
    Network(String),
    /// `VNET/SUBNET`.
    Subnet(String),
    Address(String, IpAddr),
    Service(String),
    Gateway(String),
    Internet,
    Platform,
}

impl World {
    /// The file's text.
    pub fn yaml(&self) -> String {
        let mut text = String::new();
        if let Some(location) = &self.location {
            line(&mut text, &format!("location: {location}"));
        }
        let route = if self.endpoint_by_longest_prefix { "longest-prefix" } else { "always" };
        let check = if self.lenient_forwarding { "lenient" } else { "documented" };
        let choose = |other: bool, first: &str, second: &str| if other { second.to_owned() } else { first.to_owned() };
        let mut options = Map::default();
        options.set("endpointRouteOverUserRoute", route);
        options.set("forwardedTrafficCheck", check);
        options.set("publicAddressWithoutSecurityGroup", choose(self.closed_without_group, "open", "closed"));
        options.set("userDefaultRouteRemoves", choose(self.default_removes_named, "all", "named"));
        options.set("userDefaultRouteToInternet", choose(self.default_to_internet_keeps, "removes", "keeps"));
        options.set("systemNoneRoutes", choose(self.observed_none, "documented", "observed"));
        options.set("globalPeeringHopType", choose(self.named_globally, "VNetPeering", "VNetGlobalPeering"));
        line(&mut text, &format!("options: {}", options.end()));
        if !self.tags.is_empty() {
            line(&mut text, "serviceTags:");
            self.tags.iter().for_each(|tag| line(&mut text, &format!("  {}: [{}]", tag.name, list(&tag.prefixes))));
        }
        section(&mut text, "virtualNetworks", &self.networks, VirtualNetwork::yaml);
        section(&mut text, "natGateways", &self.nat_gateways, |nat| {
            format!("{{ name: {}, publicIPAddresses: [{}] }}", nat.name, list(&nat.addresses))
        });
        if !self.application_groups.is_empty() {
            line(&mut text, &format!("applicationSecurityGroups: [{}]", self.application_groups.join(", ")));
        }
        section(&mut text, "networkInterfaces", &self.interfaces, Interface::yaml);
        section(&mut text, "networkSecurityGroups", &self.groups, SecurityGroup::yaml);
        section(&mut text, "routeTables", &self.tables, RouteTable::yaml);
        section(&mut text, "gateways", &self.gateways, Gateway::yaml);
        section(&mut text, "services", &self.services, Service::yaml);
        section(&mut text, "serviceEndpointPolicies", &self.policies, |policy| {
            format!("{{ name: {}, services: [{}] }}", policy.name, policy.services.join(", "))
        });
        section(&mut text, "privateEndpoints", &self.private_endpoints, |endpoint| {
            let PrivateEndpoint { name, subnet, address, service } = endpoint;
            format!("{{ name: {name}, subnet: {subnet}, privateIPAddress: {address}, service: {service} }}")
        });
        self.managers(&mut text);
        section(&mut text, "ports", &self.ports, |port| format!("{{ name: {}, attach: {} }}", port.name, port.attach));
        text
    }
}

impl World {
    fn managers(&self, text: &mut String) {
        if self.collections.is_empty() {
            return;
        }
        line(text, "networkManagers:\n  - name: manager\n    networkGroups:");
        for collection in &self.collections {
            line(text, &format!("      - {{ name: {}-group, members: [{}] }}", collection.name, collection.networks.join(", ")));
        }
        line(text, "    securityAdminConfigurations:");
        for collection in &self.collections {
            let AdminCollection { name, rules, .. } = collection;
            line(text, &format!("      - name: {name}-configuration\n        ruleCollections:\n          - name: {name}"));
            line(text, &format!("            appliesToGroups: [{name}-group]\n            rules:"));
            rules.iter().for_each(|rule| line(text, &format!("              - {}", rule.yaml())));
        }
    }
}

impl AdminRule {
    fn yaml(&self) -> String {
        let mut map = Map::new(&self.rule.name);
        map.set("priority", self.rule.priority);
        map.set("direction", if self.rule.inbound { "Inbound" } else { "Outbound" });
        map.set("access", format!("{:?}", self.access));
        map.set("protocol", format!("{:?}", self.rule.protocol));
        for (key, side) in [("sources", &self.rule.source), ("destinations", &self.rule.destination)] {
            let Side::Prefixes(entries) = side else { unreachable!("admin rules name no application security groups") };
            let is_address = |entry: &str| entry == "*" || entry.starts_with(|first: char| first.is_ascii_digit()) || entry.contains(':');
            let kind = |entry: &str| if is_address(entry) { "IPPrefix" } else { "ServiceTag" };
            let entries: Vec<String> =
                entries.iter().map(|entry| format!("{{ addressPrefix: \"{entry}\", addressPrefixType: {} }}", kind(entry))).collect();
            map.set(key, format!("[{}]", entries.join(", ")));
        }
        for (key, ranges) in [("sourcePortRanges", &self.rule.source_ports), ("destinationPortRanges", &self.rule.destination_ports)] {
            let ranges: Vec<String> = ranges.iter().map(|range| format!("\"{}\"", ports_text(*range))).collect();
            map.set(key, format!("[{}]", ranges.join(", ")));
        }
        map.end()
    }
}

impl VirtualNetwork {
    fn yaml(&self) -> String {
        let mut text = format!("name: {}\n    addressPrefixes: [{}]", self.name, list(&self.prefixes));
        if let Some(location) = &self.location {
            write!(text, "\n    location: {location}").unwrap();
        }
        if let Some(address) = self.default_outbound {
            write!(text, "\n    defaultOutboundAddress: {address}").unwrap();
        }
        if let Some(key) = self.tunnel_key {
            write!(text, "\n    tunnelKey: {key:#x}").unwrap();
        }
        if !self.subnets.is_empty() {
            text.push_str("\n    subnets:");
            self.subnets.iter().for_each(|subnet| write!(text, "\n      - {}", subnet.yaml()).unwrap());
        }
        if !self.peerings.is_empty() {
            text.push_str("\n    peerings:");
        }
        for peering in &self.peerings {
            write!(
                text,
                "\n      - {{ remoteVirtualNetwork: {}, allowVirtualNetworkAccess: {}, allowForwardedTraffic: {}, \
                 allowGatewayTransit: {}, useRemoteGateways: {}{} }}",
                peering.remote,
                peering.access,
                peering.forwarded,
                peering.transit,
                peering.remote_gateways,
                peering.state.map(|state| format!(", peeringState: {state}")).unwrap_or_default()
            )
            .unwrap();
        }
        text
    }
}

impl Subnet {
    fn yaml(&self) -> String {
        let mut map = Map::new(&self.name);
        map.set("addressPrefixes", format!("[{}]", list(&self.prefixes)));
        map.maybe("networkSecurityGroup", self.group.as_ref());
        map.maybe("routeTable", self.table.as_ref());
        map.maybe("natGateway", self.nat_gateway.as_ref());
        map.maybe("wirePrefix", self.wire_prefix.as_ref());
        map.maybe("tunnelKey", self.tunnel_key.as_ref());
        if !self.endpoints.is_empty() {
            let endpoints: Vec<String> = self.endpoints.iter().map(Endpoint::yaml).collect();
            map.set("serviceEndpoints", format!("[{}]", endpoints.join(", ")));
        }
        if !self.policies.is_empty() {
            map.set("serviceEndpointPolicies", format!("[{}]", self.policies.join(", ")));
        }
        if self.endpoint_rules != EndpointRules::Disabled {
            map.set("privateEndpointNetworkPolicies", format!("{:?}", self.endpoint_rules));
        }
        if self.delegated {
            map.set("delegation", "Microsoft.Web/serverFarms");
        }
        if self.no_default_outbound {
            map.set("defaultOutboundAccess", "false");
        }
        map.end()
    }
}

impl Endpoint {
    fn yaml(&self) -> String {
        if self.locations.is_empty() {
            return self.service.clone();
        }
        let locations: Vec<String> = self.locations.iter().map(|location| format!("\"{location}\"")).collect();
        format!("{{ service: {}, locations: [{}] }}", self.service, locations.join(", "))
    }
}

impl Interface {
    fn yaml(&self) -> String {
        let mut map = Map::new(&self.name);
        map.set("subnet", &self.subnet);
        map.set("privateIPAddress", format!("[{}]", list(&self.addresses)));
        map.maybe("publicIPAddress", self.public.as_ref());
        map.maybe("networkSecurityGroup", self.group.as_ref());
        if !self.application_groups.is_empty() {
            map.set("applicationSecurityGroups", format!("[{}]", self.application_groups.join(", ")));
        }
        if self.forwarding {
            map.set("enableIPForwarding", "true");
        }
        map.end()
    }
}

impl SecurityGroup {
    fn yaml(&self) -> String {
        let rules: String = self.rules.iter().map(|rule| format!("\n      - {}", rule.yaml())).collect();
        let rules = if rules.is_empty() { " []".to_owned() } else { rules };
        format!("name: {}\n    securityRules:{rules}", self.name)
    }
}

impl Rule {
    fn yaml(&self) -> String {
        let mut map = Map::new(&self.name);
        map.set("priority", self.priority);
        map.set("direction", if self.inbound { "Inbound" } else { "Outbound" });
        map.set("access", if self.allow { "Allow" } else { "Deny" });
        let protocol = match self.protocol {
            Protocol::Any => "\"*\"".to_owned(),
            other => format!("{other:?}"),
        };
        map.set("protocol", protocol);
        set_side(&mut map, "source", &self.source, &self.source_ports);
        set_side(&mut map, "destination", &self.destination, &self.destination_ports);
        map.end()
    }
}

fn set_side(map: &mut Map, side: &str, addresses: &Side, ports: &[(u16, u16)]) {
    match addresses {
        Side::Prefixes(entries) if entries.len() == 1 => map.set(&format!("{side}AddressPrefix"), format!("\"{}\"", entries[0])),
        Side::Prefixes(entries) => map.set(&format!("{side}AddressPrefixes"), format!("[\"{}\"]", entries.join("\", \""))),
        Side::Groups(groups) => map.set(&format!("{side}ApplicationSecurityGroups"), format!("[{}]", groups.join(", "))),
    }
    let text: Vec<String> = ports.iter().map(|range| format!("\"{}\"", ports_text(*range))).collect();
    match text.as_slice() {
        [one] => map.set(&format!("{side}PortRange"), one),
        many => map.set(&format!("{side}PortRanges"), format!("[{}]", many.join(", "))),
    }
}

fn ports_text((first, last): (u16, u16)) -> String {
    match (first, last) {
        (0, u16::MAX) => "*".to_owned(),
        (first, last) if first == last => first.to_string(),
        (first, last) => format!("{first}-{last}"),
    }
}

impl RouteTable {
    fn yaml(&self) -> String {
        let mut routes = String::new();
        for route in &self.routes {
            let hop = match route.hop {
                Hop::Gateway => "VirtualNetworkGateway".to_owned(),
                Hop::Local => "VnetLocal".to_owned(),
                Hop::Internet => "Internet".to_owned(),
                Hop::Appliance(address) => format!("VirtualAppliance, nextHopIpAddress: \"{address}\""),
                Hop::None => "None".to_owned(),
            };
            write!(routes, "\n      - {{ name: {}, addressPrefix: \"{}\", nextHopType: {hop} }}", route.name, route.prefix).unwrap();
        }
        let routes = if routes.is_empty() { " []".to_owned() } else { routes };
        format!("name: {}\n    disableBgpRoutePropagation: {}\n    routes:{routes}", self.name, self.no_propagation)
    }
}

impl Gateway {
    fn yaml(&self) -> String {
        let mut map = Map::new(&self.name);
        map.set("type", if self.vpn { "Vpn" } else { "ExpressRoute" });
        map.set("virtualNetwork", &self.network);
        map.set("addressPrefixes", format!("[{}]", list(&self.prefixes)));
        map.set("bgp", self.bgp);
        map.maybe("publicIPAddress", self.public.as_ref());
        map.end()
    }
}

impl Service {
    fn yaml(&self) -> String {
        let mut map = Map::new(&self.name);
        map.set("type", &self.kind);
        map.maybe("location", self.location.as_ref());
        map.set("addresses", format!("[{}]", list(&self.addresses)));
        if let Some(ports) = &self.ports {
            let ports: Vec<String> = ports.iter().map(|range| format!("\"{}\"", ports_text(*range))).collect();
            map.set("ports", format!("[{}]", ports.join(", ")));
        }
        map.maybe("subnet", self.subnet.as_ref());
        map.maybe("publicIPAddress", self.public.as_ref());
        if let Some(integration) = &self.integration {
            map.set("virtualNetworkSubnetId", &integration.subnet);
            map.set("vnetRouteAllEnabled", integration.route_all);
        }
        if !self.outbound.is_empty() {
            map.set("outboundIpAddresses", format!("[{}]", list(&self.outbound)));
        }
        if !self.scm.is_empty() {
            map.set("scmAddresses", format!("[{}]", list(&self.scm)));
        }
        if let Some(prefix) = &self.tunnel {
            map.set("sourceEncoding", "ServiceTunnel");
            map.set("tunnelPrefix", format!("\"{prefix}\""));
        }
        if self.public_access_disabled {
            map.set("publicNetworkAccess", "Disabled");
        }
        if let Some(firewall) = &self.firewall {
            map.set("firewall", firewall.yaml(&self.kind));
        }
        map.end()
    }
}

impl Firewall {
    fn yaml(&self, kind: &str) -> String {
        let mut map = Map::default();
        map.maybe("defaultAction", self.default_allow.map(|allow| if allow { "Allow" } else { "Deny" }).as_ref());
        if let Some(trusts) = self.trusts {
            match kind {
                "Microsoft.EventHub/namespaces" | "Microsoft.ServiceBus/namespaces" => map.set("trustedServiceAccessEnabled", trusts),
                _ => map.set("bypass", if trusts { "[AzureServices]" } else { "[None]" }),
            }
        }
        if !self.resources.is_empty() {
            let id = |(kind, name): &(String, String)| {
                format!("{{ resourceId: \"/subscriptions/s/resourceGroups/r/providers/{kind}/{name}\" }}")
            };
            map.set("resourceAccessRules", format!("[{}]", self.resources.iter().map(id).collect::<Vec<_>>().join(", ")));
        }
        if self.six_rules {
            map.set("ipv6Rules", "[\"2001:db8:5::/48\"]");
        }
        if !self.databases.is_empty() {
            let databases: Vec<String> =
                self.databases.iter().map(|(name, ranges)| format!("{{ name: {name}, ipRanges: [{}] }}", ranges_text(ranges))).collect();
            map.set("databases", format!("[{}]", databases.join(", ")));
        }
        map.maybe("isVirtualNetworkFilterEnabled", self.network_filter.as_ref());
        if !self.network_rules.is_empty() {
            let rules: Vec<String> = self.network_rules.iter().map(NetworkRule::yaml).collect();
            map.set("virtualNetworkRules", format!("[{}]", rules.join(", ")));
        }
        if !self.ip_rules.is_empty() {
            map.set("ipRules", format!("[{}]", self.ip_rules.join(", ")));
        }
        if !self.ip_ranges.is_empty() {
            map.set("ipRanges", format!("[{}]", ranges_text(&self.ip_ranges)));
        }
        if !self.restrictions.is_empty() {
            let rules: Vec<String> = self.restrictions.iter().map(Restriction::yaml).collect();
            map.set("accessRestrictions", format!("[{}]", rules.join(", ")));
        }
        if let Some((default_allow, rules)) = &self.scm {
            let rules: Vec<String> = rules.iter().map(Restriction::yaml).collect();
            map.set("scmIpSecurityRestrictionsUseMain", false);
            map.set("scmIpSecurityRestrictions", format!("[{}]", rules.join(", ")));
            map.maybe("scmIpSecurityRestrictionsDefaultAction", default_allow.map(|allow| if allow { "Allow" } else { "Deny" }).as_ref());
        } else if kind == "Microsoft.Web/sites" {
            map.set("scmIpSecurityRestrictionsUseMain", true);
        }
        map.end()
    }
}

fn ranges_text(ranges: &[(Ipv4Addr, Ipv4Addr)]) -> String {
    ranges.iter().map(|(start, end)| format!("{{ start: {start}, end: {end} }}")).collect::<Vec<_>>().join(", ")
}

impl NetworkRule {
    fn yaml(&self) -> String {
        let mut map = Map::default();
        map.set("subnet", &self.subnet);
        if self.ignore_missing {
            map.set("ignoreMissingVnetServiceEndpoint", "true");
        }
        if self.deleted {
            map.set("state", "NetworkSourceDeleted");
        }
        map.end()
    }
}

impl Restriction {
    fn yaml(&self) -> String {
        let mut map = Map::new(&self.name);
        map.set("priority", self.priority);
        map.set("action", if self.allow { "Allow" } else { "Deny" });
        match &self.source {
            RestrictionSource::Subnet { subnet, ignore_missing } => {
                map.set("subnet", subnet);
                map.set("ignoreMissingVnetServiceEndpoint", ignore_missing);
            }
            RestrictionSource::Addresses(prefixes) => map.set("ipAddress", format!("\"{}\"", list(prefixes))),
            RestrictionSource::Tags(tags) => map.set("serviceTag", format!("\"{}\"", tags.join(", "))),
            RestrictionSource::Any => map.set("ipAddress", "Any"),
            RestrictionSource::AnyVnets => map.set("ipAddress", "AnyVnets"),
        }
        if self.headers {
            map.set("headers", "{ x-azure-fdid: [55ce4ed1-4b06-4bf1-b40e-4638452104da] }");
        }
        map.end()
    }
}

impl std::fmt::Display for Attach {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Network(name) | Self::Subnet(name) => write!(formatter, "{name}"),
            Self::Address(subnet, address) => write!(formatter, "\"{subnet}/{address}\""),
            Self::Service(name) => write!(formatter, "service/{name}"),
            Self::Gateway(name) => write!(formatter, "gateway/{name}"),
            Self::Internet => write!(formatter, "internet"),
            Self::Platform => write!(formatter, "platform"),
        }
    }
}

/// A YAML flow mapping under construction.
#[derive(Default)]
struct Map(Vec<String>);

impl Map {
    fn new(name: &str) -> Self {
        Self(vec![format!("name: {name}")])
    }

    fn set(&mut self, key: &str, value: impl std::fmt::Display) {
        self.0.push(format!("{key}: {value}"));
    }

    fn maybe<T: std::fmt::Display>(&mut self, key: &str, value: Option<&T>) {
        if let Some(value) = value {
            self.set(key, value);
        }
    }

    fn end(self) -> String {
        format!("{{ {} }}", self.0.join(", "))
    }
}

fn section<T>(text: &mut String, name: &str, entries: &[T], yaml: impl Fn(&T) -> String) {
    if entries.is_empty() {
        return;
    }
    line(text, &format!("{name}:"));
    entries.iter().for_each(|entry| line(text, &format!("  - {}", yaml(entry))));
}

fn line(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

/// `a, b`, with quotes where YAML needs them.
fn list<T: std::fmt::Display>(entries: &[T]) -> String {
    let quoted = |entry: &T| {
        let text = entry.to_string();
        if text.contains("::") { format!("\"{text}\"") } else { text }
    };
    entries.iter().map(quoted).collect::<Vec<_>>().join(", ")
}
