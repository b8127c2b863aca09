//! The file as a whole.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::addresses::AddressOrPrefix;
use super::decode::{Decode, Spanned, choice, object, wrong_type};
use super::endpoint_policies::ServiceEndpointPolicy;
use super::lab::{Lab, Port};
use super::network_managers::NetworkManager;
use super::network_objects::{Gateway, NatGateway, NetworkInterface, RouteTable, VirtualNetwork};
use super::private_endpoints::PrivateEndpoint;
use super::security::{ApplicationSecurityGroup, NetworkSecurityGroup};
use super::services::Service;
use super::values::{Region, Shorthand};
use crate::config::finding::Findings;
use crate::config::network::{
    EndpointRouteOverUserRoute, ForwardedTrafficCheck, GlobalPeeringHopType, PublicAddressWithoutSecurityGroup, SystemNoneRoutes,
    TcpWithoutHandshake, UserDefaultRouteRemoves, UserDefaultRouteToInternet,
};
use crate::config::text::{Content, Node, Span};

object! {
    /// A network that causeway runs.
    NetworkFile "the network file"
    required {}
    optional {
        /// Default region; absent: all is one region.
        "location" location: Region,
        /// Prefixes of service tags.
        "serviceTags" service_tags: ServiceTags,
        /// Microsoft's ServiceTags_Public_*.json, relative to this file.
        "serviceTagsFile" service_tags_file: String,
        /// Where documents disagree or deployments differ.
        "options" options: Options,
        /// Virtual networks.
        "virtualNetworks" virtual_networks: Vec<Spanned<VirtualNetwork>>,
        /// NAT gateways.
        "natGateways" nat_gateways: Vec<Spanned<NatGateway>>,
        /// Application security groups.
        "applicationSecurityGroups" application_security_groups: Vec<Spanned<Shorthand<ApplicationSecurityGroup>>>,
        /// Network interfaces.
        "networkInterfaces" network_interfaces: Vec<Spanned<NetworkInterface>>,
        /// Network security groups.
        "networkSecurityGroups" network_security_groups: Vec<Spanned<NetworkSecurityGroup>>,
        /// Network managers, with the security admin rules that come before network security groups.
        "networkManagers" network_managers: Vec<Spanned<NetworkManager>>,
        /// Route tables.
        "routeTables" route_tables: Vec<Spanned<RouteTable>>,
        /// VPN and ExpressRoute gateways.
        "gateways" gateways: Vec<Spanned<Gateway>>,
        /// Services.
        "services" services: Vec<Spanned<Service>>,
        /// Service endpoint policies.
        "serviceEndpointPolicies" service_endpoint_policies: Vec<Spanned<ServiceEndpointPolicy>>,
        /// Private endpoints.
        "privateEndpoints" private_endpoints: Vec<Spanned<PrivateEndpoint>>,
        /// Ports.
        "ports" ports: Vec<Spanned<Port>>,
        /// Test hosts.
        "lab" lab: Lab,
    }
}

object! {
    /// Switches; the first value of each is the default.
    Options "options"
    required {}
    optional {
        /// Which route wins between an endpoint's and a user's.
        "endpointRouteOverUserRoute" endpoint_route_over_user_route: EndpointRouteOverUserRoute,
        /// What a peering without allowForwardedTraffic does to forwarded packets.
        "forwardedTrafficCheck" forwarded_traffic_check: ForwardedTrafficCheck,
        /// What happens to a TCP packet of no known flow that is not a SYN.
        "tcpWithoutHandshake" tcp_without_handshake: TcpWithoutHandshake,
        /// Which of the reserved prefixes (10/8, 172.16/12, 192.168/16, 100.64/10 to None) a user's 0.0.0.0/0 takes away.
        "userDefaultRouteRemoves" user_default_route_removes: UserDefaultRouteRemoves,
        /// Whether a user's 0.0.0.0/0 to Internet takes them away too.
        "userDefaultRouteToInternet" user_default_route_to_internet: UserDefaultRouteToInternet,
        /// Which prefixes the system routes to None: the documented ones, or those besides that have been seen.
        "systemNoneRoutes" system_none_routes: SystemNoneRoutes,
        /// What the next hop type of a peering across regions is called.
        "globalPeeringHopType" global_peering_hop_type: GlobalPeeringHopType,
        /// What happens to what comes to a public address where no network security group is.
        "publicAddressWithoutSecurityGroup" public_address_without_security_group: PublicAddressWithoutSecurityGroup,
    }
}

choice! { EndpointRouteOverUserRoute, "endpointRouteOverUserRoute", "always" => Self::Always, "longest-prefix" => Self::LongestPrefix }
choice! { ForwardedTrafficCheck, "forwardedTrafficCheck", "documented" => Self::Documented, "lenient" => Self::Lenient }
choice! { UserDefaultRouteRemoves, "userDefaultRouteRemoves", "all" => Self::All, "named" => Self::Named }
choice! { UserDefaultRouteToInternet, "userDefaultRouteToInternet", "removes" => Self::Removes, "keeps" => Self::Keeps }
choice! { SystemNoneRoutes, "systemNoneRoutes", "documented" => Self::Documented, "observed" => Self::Observed }
choice! { GlobalPeeringHopType, "globalPeeringHopType", "VNetPeering" => Self::VNetPeering, "VNetGlobalPeering" => Self::VNetGlobalPeering }
choice! { PublicAddressWithoutSecurityGroup, "publicAddressWithoutSecurityGroup", "open" => Self::Open, "closed" => Self::Closed }
choice! { TcpWithoutHandshake, "tcpWithoutHandshake", "allow-if-rules-allow" => Self::AllowIfRulesAllow, "drop" => Self::Drop }

/// Inline tags.
#[derive(Clone, Debug, Default)]
pub struct ServiceTags(pub Vec<InlineTag>);

/// A tag and its prefixes, as written.
#[derive(Clone, Debug)]
pub struct InlineTag {
    /// Its name.
    pub name: String,
    /// Place of the name.
    pub span: Span,
    /// Its prefixes.
    pub prefixes: Vec<Spanned<AddressOrPrefix>>,
}

impl Decode for ServiceTags {
    fn decode(node: &Node, findings: &mut Findings) -> Option<Self> {
        let Content::Mapping(entries) = &node.content else {
            wrong_type(node, "a mapping from tag names to lists of prefixes", findings);
            return None;
        };
        let tags = entries.iter().map(|entry| InlineTag {
            name: entry.key.clone(),
            span: entry.key_span,
            prefixes: if entry.value.is_null() { Vec::new() } else { Decode::decode(&entry.value, findings).unwrap_or_default() },
        });
        Some(Self(tags.collect()))
    }
}

impl JsonSchema for ServiceTags {
    fn schema_name() -> Cow<'static, str> {
        "ServiceTags".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let prefix = generator.subschema_for::<AddressOrPrefix>();
        json_schema!({ "type": "object", "additionalProperties": { "type": ["array", "null"], "items": prefix } })
    }
}
