//! Network managers: groups of networks, and the security admin rules for them.

use super::addresses::RulePorts;
use super::decode::{Decode, Spanned, choice, object};
use super::values::{FromText, Integer, Name, Reference, Shorthand};
use crate::config::finding::Findings;
use crate::config::network::RuleProtocol;
use crate::config::text::Node;
use crate::policy::ids::Direction;
use crate::policy::security_admin::AdminAccess;

object! {
    /// A network manager.
    NetworkManager "a network manager"
    required {
        /// Its name.
        "name" name: Name,
    }
    optional {
        /// Groups of virtual networks.
        "networkGroups" network_groups: Vec<Spanned<NetworkGroup>>,
        /// Security admin configurations; all of them are deployed.
        "securityAdminConfigurations" security_admin_configurations: Vec<Spanned<SecurityAdminConfiguration>>,
    }
}

object! {
    /// A group of virtual networks.
    NetworkGroup "a network group"
    required {
        /// Its name.
        "name" name: Name,
    }
    optional {
        /// Its virtual networks.
        "members" | "staticMembers" members: Vec<Spanned<Reference>>,
    }
}

object! {
    /// A security admin configuration.
    SecurityAdminConfiguration "a security admin configuration"
    required {
        /// Its name.
        "name" name: Name,
    }
    optional {
        /// What it is for.
        "description" description: String,
        /// Its rule collections.
        "ruleCollections" rule_collections: Vec<Spanned<AdminRuleCollection>>,
    }
}

object! {
    /// A collection of security admin rules.
    AdminRuleCollection "a rule collection"
    required {
        /// Its name.
        "name" name: Name,
        /// The network groups whose networks meet the rules.
        "appliesToGroups" applies_to_groups: Vec<Spanned<Reference>>,
    }
    optional {
        /// What it is for.
        "description" description: String,
        /// Its rules.
        "rules" rules: Vec<Spanned<AdminRule>>,
    }
}

object! {
    /// A security admin rule. What it does not give is any.
    AdminRule "a security admin rule"
    required {
        /// Its name.
        "name" name: Name,
        /// Lower first.
        "priority" priority: Integer<1, 4096>,
        /// Inbound or Outbound.
        "direction" direction: Direction,
        /// Allow (the security groups decide), AlwaysAllow (they are skipped) or Deny.
        "access" access: AdminAccess,
        /// Tcp, Udp, Icmp, Esp, Ah or Any.
        "protocol" protocol: AdminProtocol,
    }
    optional {
        /// What it is for.
        "description" description: String,
        /// Where packets come from.
        "sources" sources: Vec<Spanned<Shorthand<AdminAddress>>>,
        /// Where packets go.
        "destinations" destinations: Vec<Spanned<Shorthand<AdminAddress>>>,
        /// Ports that they come from: `*`, ports or ranges.
        "sourcePortRanges" source_port_ranges: Vec<Spanned<RulePorts>>,
        /// Ports that they go to: `*`, ports or ranges.
        "destinationPortRanges" destination_port_ranges: Vec<Spanned<RulePorts>>,
    }
}

object! {
    /// One source or destination of a security admin rule.
    AdminAddress "an address of a security admin rule"
    required {
        /// `*`, an address, a prefix or a service tag.
        "addressPrefix" address_prefix: String,
    }
    optional {
        /// IPPrefix or ServiceTag; what the text looks like, where absent.
        "addressPrefixType" address_prefix_type: AddressPrefixType,
    }
}

impl FromText for AdminAddress {
    fn from_text(node: &Node, findings: &mut Findings) -> Option<Self> {
        Some(Self { address_prefix: Some(Spanned::decode(node, findings)?), address_prefix_type: None })
    }
}

/// What an address text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressPrefixType {
    /// `*`, an address or a prefix.
    IpPrefix,
    /// A service tag.
    ServiceTag,
}

/// The protocol of a security admin rule, which writes `Any` where a security rule writes `*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdminProtocol(pub RuleProtocol);

choice! { AdminAccess, "access", "Allow" => Self::Allow, "AlwaysAllow" => Self::AlwaysAllow, "Deny" => Self::Deny }
choice! { AddressPrefixType, "addressPrefixType", "IPPrefix" => Self::IpPrefix, "ServiceTag" => Self::ServiceTag }
choice! { AdminProtocol, "protocol",
    "Any" => Self(RuleProtocol::Any), "Tcp" => Self(RuleProtocol::Tcp), "Udp" => Self(RuleProtocol::Udp),
    "Icmp" => Self(RuleProtocol::Icmp), "Esp" => Self(RuleProtocol::Esp), "Ah" => Self(RuleProtocol::Ah),
}
