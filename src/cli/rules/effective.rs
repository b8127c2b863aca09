//! Effective security rules, in the shape of Azure's `list-effective-nsg` (Azure: NetworkInterfaceEffectiveNSGList,
//! network-watcher-security-group-view-overview).
//!
//! What a rule says is the network's; what it matches (`expanded…`, ports) is read out of the table that decides.

use std::ops::RangeInclusive;

use serde::Serialize;

use super::wanted::{Wanted, subnet_name};
use crate::config::compile::security_admin;
use crate::config::compile::security_groups::{DefaultRule, default_rules, in_order};
use crate::config::network::{
    AdminRule, AdminRuleCollection, Direction, Network, NetworkSecurityGroup, RuleAddress, RuleProtocol, SecurityRule, VirtualNetworkIndex,
};
use crate::policy::nsg::{RuleList, SecurityGroup};
use crate::policy::position::Position;
use crate::policy::security_admin::AdminAccess;
use crate::policy::snapshot::Snapshot;
use crate::policy::topology::Subnet;
use crate::table::ordered_scan::Conditions;
use crate::table::prefix_set::PrefixSet;

/// Both directions, in the order in which they are listed.
const DIRECTIONS: [Direction; 2] = [Direction::Inbound, Direction::Outbound];

/// The effective rules of a subnet or interface.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EffectiveRules {
    /// Security admin rules, which come before the groups.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub effective_security_admin_rules: Vec<EffectiveAdminRule>,
    /// Network security groups: the subnet's, then the interface's.
    pub value: Vec<EffectiveGroup>,
}

/// A network security group where it works.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EffectiveGroup {
    /// The group.
    pub network_security_group: Id,
    /// What it is attached to.
    pub association: Association,
    /// Its rules: inbound, then outbound, each by priority, default rules last.
    pub effective_security_rules: Vec<EffectiveRule>,
}

/// An object by its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Id {
    /// The name.
    pub id: String,
}

/// What a group is attached to: one of both.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Association {
    /// A subnet, as `VNET/SUBNET`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subnet: Option<Id>,
    /// A network interface.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_interface: Option<Id>,
}

/// A rule of a network security group.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EffectiveRule {
    /// `securityRules/NAME` or `defaultSecurityRules/NAME`.
    pub name: String,
    /// What it matches.
    #[serde(flatten)]
    pub matches: Matches,
    /// `Allow` or `Deny`.
    pub access: &'static str,
    /// Lower first.
    pub priority: u16,
    /// `Inbound` or `Outbound`.
    pub direction: Direction,
    /// `FILE:LINE:COL`; null for a default rule.
    pub at: Option<String>,
}

/// A security admin rule.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EffectiveAdminRule {
    /// Its name.
    pub name: String,
    /// Its network manager.
    pub network_manager: String,
    /// Its security admin configuration.
    pub configuration: String,
    /// Its rule collection.
    pub rule_collection: String,
    /// What it matches.
    #[serde(flatten)]
    pub matches: Matches,
    /// `Allow`, `AlwaysAllow` or `Deny`.
    pub access: AdminAccess,
    /// Lower first.
    pub priority: u16,
    /// `Inbound` or `Outbound`.
    pub direction: Direction,
    /// `FILE:LINE:COL`.
    pub at: String,
}

/// What a rule matches. The singular forms are null where there are several.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Matches {
    /// `Tcp`, `Udp`, `Icmp`, `Esp`, `Ah` or `All`.
    pub protocol: &'static str,
    /// The only range of source ports.
    pub source_port_range: Option<String>,
    /// The only range of destination ports.
    pub destination_port_range: Option<String>,
    /// Source ports, always as ranges.
    pub source_port_ranges: Vec<String>,
    /// Destination ports, always as ranges.
    pub destination_port_ranges: Vec<String>,
    /// The only source.
    pub source_address_prefix: Option<String>,
    /// The only destination.
    pub destination_address_prefix: Option<String>,
    /// Prefixes, tags, and the addresses of application security groups' members; `0.0.0.0/0` is everything.
    pub source_address_prefixes: Vec<String>,
    /// The same of the destination.
    pub destination_address_prefixes: Vec<String>,
    /// The source as prefixes, where a tag is in it.
    pub expanded_source_address_prefix: Vec<String>,
    /// The destination as prefixes, where a tag is in it.
    pub expanded_destination_address_prefix: Vec<String>,
    /// Application security groups of the source.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub source_application_security_groups: Vec<String>,
    /// Application security groups of the destination.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub destination_application_security_groups: Vec<String>,
}

/// The effective rules of what is wanted.
#[must_use]
pub fn rules(network: &Network, snapshot: &Snapshot, wanted: Wanted) -> EffectiveRules {
    let listing = Listing { network, snapshot };
    let (subnet, interface) = match wanted {
        Wanted::Subnet(subnet) => (subnet, None),
        Wanted::Interface { interface, subnet } => (subnet, snapshot.interfaces.get(interface)),
    };
    let own = snapshot.subnet(subnet);
    let of_subnet = own.and_then(|own| own.security_group.as_ref()).map(|group| {
        let association = Association { subnet: Some(Id { id: subnet_name(snapshot, subnet) }), network_interface: None };
        listing.group(group, association)
    });
    let of_interface = interface.and_then(|interface| {
        let association = Association { subnet: None, network_interface: Some(Id { id: interface.name.clone() }) };
        interface.security_group.as_ref().map(|group| listing.group(group, association))
    });
    EffectiveRules {
        effective_security_admin_rules: own.map(|own| listing.admin_rules(own)).unwrap_or_default(),
        value: of_subnet.into_iter().chain(of_interface).collect(),
    }
}

struct Listing<'a> {
    network: &'a Network,
    snapshot: &'a Snapshot,
}

impl Listing<'_> {
    fn group(&self, group: &SecurityGroup, association: Association) -> EffectiveGroup {
        let written = self.network.network_security_groups.iter().find(|written| written.named.name == group.name);
        let rules = DIRECTIONS.into_iter().flat_map(|direction| self.direction(written, group, direction));
        EffectiveGroup { network_security_group: Id { id: group.name.clone() }, association, effective_security_rules: rules.collect() }
    }

    /// The rules of a direction: those of the table, each beside what it was compiled from.
    fn direction(&self, written: Option<&NetworkSecurityGroup>, group: &SecurityGroup, direction: Direction) -> Vec<EffectiveRule> {
        let list = match direction {
            Direction::Inbound => &group.inbound,
            Direction::Outbound => &group.outbound,
        };
        let users = written.map(|written| in_order(written, direction)).unwrap_or_default();
        let count = users.len();
        let users = users.into_iter().enumerate().filter_map(|(at, rule)| self.user_rule(rule, conditions(list, at)?));
        let defaults = default_rules(direction).enumerate();
        let defaults = defaults.filter_map(|(at, rule)| self.default_rule(&rule, direction, conditions(list, count + at)?));
        users.chain(defaults).collect()
    }

    fn user_rule(&self, rule: &SecurityRule, conditions: &Conditions) -> Option<EffectiveRule> {
        Some(EffectiveRule {
            name: format!("securityRules/{}", rule.named.name),
            matches: self.matches(rule.protocol, &rule.sources, &rule.destinations, conditions),
            access: access(rule.access),
            priority: rule.priority,
            direction: rule.direction,
            at: Some(self.at(rule.named.position)),
        })
    }

    fn default_rule(&self, rule: &DefaultRule, direction: Direction, conditions: &Conditions) -> Option<EffectiveRule> {
        let (source, destination) = (std::slice::from_ref(&rule.source), std::slice::from_ref(&rule.destination));
        Some(EffectiveRule {
            name: format!("defaultSecurityRules/{}", rule.name),
            matches: self.matches(RuleProtocol::Any, source, destination, conditions),
            access: access(rule.access),
            priority: rule.priority,
            direction,
            at: None,
        })
    }

    fn admin_rules(&self, subnet: &Subnet) -> Vec<EffectiveAdminRule> {
        let network = VirtualNetworkIndex(subnet.network);
        let list = |direction| {
            let table = match direction {
                Direction::Inbound => &subnet.security_admin.inbound.table,
                Direction::Outbound => &subnet.security_admin.outbound.table,
            };
            let rules = security_admin::in_order(self.network, network, direction).into_iter().enumerate();
            rules.filter_map(|(at, (collection, rule))| Some(self.admin_rule(collection, rule, table.conditions(at)?)))
        };
        DIRECTIONS.into_iter().flat_map(list).collect()
    }

    fn admin_rule(&self, collection: &AdminRuleCollection, rule: &AdminRule, conditions: &Conditions) -> EffectiveAdminRule {
        let AdminRule { access, rule } = rule;
        EffectiveAdminRule {
            name: rule.named.name.clone(),
            network_manager: collection.manager.clone(),
            configuration: collection.configuration.clone(),
            rule_collection: collection.named.name.clone(),
            matches: self.matches(rule.protocol, &rule.sources, &rule.destinations, conditions),
            access: *access,
            priority: rule.priority,
            direction: rule.direction,
            at: self.at(rule.named.position),
        }
    }

    fn matches(&self, protocol: RuleProtocol, sources: &[RuleAddress], destinations: &[RuleAddress], conditions: &Conditions) -> Matches {
        let source_port_ranges = port_ranges(conditions.source_ports.ranges());
        let destination_port_ranges = port_ranges(conditions.destination_ports.ranges());
        let source_address_prefixes = self.prefixes(sources, &conditions.sources);
        let destination_address_prefixes = self.prefixes(destinations, &conditions.destinations);
        Matches {
            protocol: protocol_name(protocol),
            source_port_range: only(&source_port_ranges),
            destination_port_range: only(&destination_port_ranges),
            source_port_ranges,
            destination_port_ranges,
            source_address_prefix: only(&source_address_prefixes),
            destination_address_prefix: only(&destination_address_prefixes),
            source_address_prefixes,
            destination_address_prefixes,
            expanded_source_address_prefix: expanded(sources, &conditions.sources),
            expanded_destination_address_prefix: expanded(destinations, &conditions.destinations),
            source_application_security_groups: self.groups(sources),
            destination_application_security_groups: self.groups(destinations),
        }
    }

    /// A side as it is written; a side of application security groups as the addresses of their members.
    fn prefixes(&self, side: &[RuleAddress], compiled: &PrefixSet) -> Vec<String> {
        if side.iter().any(|entry| matches!(entry, RuleAddress::Asg(_))) {
            return compiled.prefixes().iter().map(ToString::to_string).collect();
        }
        let written = side.iter().filter_map(|entry| match entry {
            RuleAddress::Any => Some("0.0.0.0/0".to_owned()),
            RuleAddress::Prefix(prefix) => Some(prefix.to_string()),
            RuleAddress::Tag(tag) => Some(tag.clone()),
            RuleAddress::Asg(_) => None,
        });
        written.collect()
    }

    fn groups(&self, side: &[RuleAddress]) -> Vec<String> {
        let named = side.iter().filter_map(|entry| if let RuleAddress::Asg(group) = entry { Some(group) } else { None });
        named.filter_map(|group| self.network.application_security_groups.get(group.0)).map(|group| group.name.clone()).collect()
    }

    fn at(&self, position: Position) -> String {
        format!("{}:{}:{}", self.snapshot.file, position.line, position.column)
    }
}

fn conditions(list: &RuleList, index: usize) -> Option<&Conditions> {
    list.table.conditions(index)
}

/// The prefixes behind a side that names a tag.
fn expanded(side: &[RuleAddress], compiled: &PrefixSet) -> Vec<String> {
    if !side.iter().any(|entry| matches!(entry, RuleAddress::Tag(_))) {
        return Vec::new();
    }
    compiled.prefixes().iter().map(ToString::to_string).collect()
}

fn port_ranges(ranges: &[RangeInclusive<u16>]) -> Vec<String> {
    ranges.iter().map(|range| format!("{}-{}", range.start(), range.end())).collect()
}

fn only(list: &[String]) -> Option<String> {
    if let [one] = list { Some(one.clone()) } else { None }
}

const fn access(access: crate::policy::ids::Access) -> &'static str {
    match access {
        crate::policy::ids::Access::Allow => "Allow",
        crate::policy::ids::Access::Deny => "Deny",
    }
}

const fn protocol_name(protocol: RuleProtocol) -> &'static str {
    match protocol {
        RuleProtocol::Any => "All",
        RuleProtocol::Tcp => "Tcp",
        RuleProtocol::Udp => "Udp",
        RuleProtocol::Icmp => "Icmp",
        RuleProtocol::Esp => "Esp",
        RuleProtocol::Ah => "Ah",
    }
}
