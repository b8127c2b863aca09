//! Network security groups and application security groups.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::addresses::RulePorts;
use super::decode::{Decode, Spanned, choice, object};
use super::values::{FromText, Integer, Name, Reference};
use crate::config::finding::Findings;
use crate::config::network::RuleProtocol;
use crate::config::text::Node;
use crate::policy::ids::{Access, Direction};

object! {
    /// A network security group.
    NetworkSecurityGroup "a network security group"
    required {
        /// Its name.
        "name" name: Name,
    }
    optional {
        /// Its rules; the default rules are always there.
        "securityRules" security_rules: Vec<Spanned<SecurityRule>>,
        /// Rule changes are applied to open flows too.
        "flushConnection" flush_connection: bool,
        /// What exports list; the default rules are always there and always the same.
        "defaultSecurityRules" default_security_rules: ReadOnly,
    }
}

/// What Azure shows and nobody sets: accepted in any form, and not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadOnly;

impl Decode for ReadOnly {
    fn decode(_: &Node, _: &mut Findings) -> Option<Self> {
        Some(Self)
    }
}

impl JsonSchema for ReadOnly {
    fn schema_name() -> Cow<'static, str> {
        "ReadOnly".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "array", "readOnly": true })
    }
}

object! {
    /// A security rule. Each side takes its singular or its plural form.
    SecurityRule "a security rule"
    required {
        /// Its name.
        "name" name: Name,
        /// Lower first; unique per direction.
        "priority" priority: Integer<100, 4096>,
        /// Inbound or Outbound.
        "direction" direction: Direction,
        /// Allow or Deny.
        "access" access: Access,
        /// Tcp, Udp, Icmp, Esp, Ah or *.
        "protocol" protocol: RuleProtocol,
    }
    optional {
        /// Up to 140 characters.
        "description" description: String,
        /// `*`, an address, a prefix or a service tag.
        "sourceAddressPrefix" source_address_prefix: String,
        /// Several of them.
        "sourceAddressPrefixes" source_address_prefixes: Vec<Spanned<String>>,
        /// Application security groups.
        "sourceApplicationSecurityGroups" source_application_security_groups: Vec<Spanned<Reference>>,
        /// `*`, a port or a range.
        "sourcePortRange" source_port_range: RulePorts,
        /// Several of them.
        "sourcePortRanges" source_port_ranges: Vec<Spanned<RulePorts>>,
        /// `*`, an address, a prefix or a service tag.
        "destinationAddressPrefix" destination_address_prefix: String,
        /// Several of them.
        "destinationAddressPrefixes" destination_address_prefixes: Vec<Spanned<String>>,
        /// Application security groups.
        "destinationApplicationSecurityGroups" destination_application_security_groups: Vec<Spanned<Reference>>,
        /// `*`, a port or a range.
        "destinationPortRange" destination_port_range: RulePorts,
        /// Several of them.
        "destinationPortRanges" destination_port_ranges: Vec<Spanned<RulePorts>>,
    }
}

choice! { Direction, "direction", "Inbound" => Self::Inbound, "Outbound" => Self::Outbound }
choice! { Access, "access", "Allow" => Self::Allow, "Deny" => Self::Deny }
choice! { RuleProtocol, "protocol",
    "*" => Self::Any, "Tcp" => Self::Tcp, "Udp" => Self::Udp, "Icmp" => Self::Icmp, "Esp" => Self::Esp, "Ah" => Self::Ah,
}

object! {
    /// An application security group.
    ApplicationSecurityGroup "an application security group"
    required {
        /// Its name.
        "name" name: Name,
    }
    optional {}
}

impl FromText for ApplicationSecurityGroup {
    fn from_text(node: &Node, findings: &mut Findings) -> Option<Self> {
        Some(Self { name: Some(Spanned::decode(node, findings)?) })
    }
}
