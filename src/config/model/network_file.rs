//! The file as a whole.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::addresses::AddressOrPrefix;
use super::decode::{Decode, Spanned, choice, object, wrong_type};
use super::lab::{Lab, Port};
use super::network_objects::{Gateway, NatGateway, NetworkInterface, RouteTable, VirtualNetwork};
use super::security::{ApplicationSecurityGroup, NetworkSecurityGroup};
use super::services::{Service, ServiceEndpointPolicy};
use super::values::{Region, Shorthand};
use crate::config::finding::Findings;
use crate::config::network::{EndpointRouteOverUserRoute, ForwardedTrafficCheck, TcpWithoutHandshake};
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
        /// Route tables.
        "routeTables" route_tables: Vec<Spanned<RouteTable>>,
        /// VPN and ExpressRoute gateways.
        "gateways" gateways: Vec<Spanned<Gateway>>,
        /// Services.
        "services" services: Vec<Spanned<Service>>,
        /// Service endpoint policies.
        "serviceEndpointPolicies" service_endpoint_policies: Vec<Spanned<ServiceEndpointPolicy>>,
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
    }
}

choice! { EndpointRouteOverUserRoute, "endpointRouteOverUserRoute", "always" => Self::Always, "longest-prefix" => Self::LongestPrefix }
choice! { ForwardedTrafficCheck, "forwardedTrafficCheck", "documented" => Self::Documented, "lenient" => Self::Lenient }
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
