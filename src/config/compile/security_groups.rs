//! Network security groups, compiled for the subnet in which they work.

use std::sync::Arc;

use ipnet::IpNet;

use super::kept::Needs;
use super::tags::SpecialTag;
use super::{CompileError, Compiler};
use crate::config::network::{
    Access, AsgIndex, Direction, NetworkSecurityGroup, RoutePrefix, RuleAddress, RuleProtocol, SecurityRule, SubnetIndex,
};
use crate::policy::ids::RuleName;
use crate::policy::nsg::{Rule, RuleList, SecurityGroup};
use crate::policy::position::Position;
use crate::policy::snapshot::PLATFORM_ADDRESS;
use crate::table::ordered_scan::Conditions;
use crate::table::port_set::PortSet;
use crate::table::prefix_set::PrefixSet;
use crate::wire::protocol;

/// The rules that every group ends with: name, source, destination, access (Azure: network-security-groups-overview).
const DEFAULT_INBOUND: [(&str, &str, &str, Access); 3] = [
    ("AllowVnetInBound", "VirtualNetwork", "VirtualNetwork", Access::Allow),
    ("AllowAzureLoadBalancerInBound", "AzureLoadBalancer", "*", Access::Allow),
    ("DenyAllInBound", "*", "*", Access::Deny),
];
/// The same for what goes out.
const DEFAULT_OUTBOUND: [(&str, &str, &str, Access); 3] = [
    ("AllowVnetOutBound", "VirtualNetwork", "VirtualNetwork", Access::Allow),
    ("AllowInternetOutBound", "*", "Internet", Access::Allow),
    ("DenyAllOutBound", "*", "*", Access::Deny),
];

/// Priority of the first default rule of a direction; the others follow (the last has [`LAST_PRIORITY`]).
const FIRST_PRIORITY: u16 = 65000;
/// Priority of the rule that denies everything.
const LAST_PRIORITY: u16 = 65500;

/// A default rule.
#[derive(Clone, Debug)]
pub struct DefaultRule {
    /// Its name.
    pub name: &'static str,
    /// Its priority.
    pub priority: u16,
    /// Source.
    pub source: RuleAddress,
    /// Destination.
    pub destination: RuleAddress,
    /// Allow or Deny.
    pub access: Access,
}

/// The default rules of a direction, in order.
pub fn default_rules(direction: Direction) -> impl Iterator<Item = DefaultRule> {
    let rules = match direction {
        Direction::Inbound => DEFAULT_INBOUND,
        Direction::Outbound => DEFAULT_OUTBOUND,
    };
    let side = |text: &str| if text == "*" { RuleAddress::Any } else { RuleAddress::Tag(text.into()) };
    rules.into_iter().zip(FIRST_PRIORITY..).map(move |((name, source, destination, access), priority)| DefaultRule {
        name,
        priority: if access == Access::Deny { LAST_PRIORITY } else { priority },
        source: side(source),
        destination: side(destination),
        access,
    })
}

/// The rules of one direction that the user gave, in the order in which they are tried.
#[must_use]
pub fn in_order(group: &NetworkSecurityGroup, direction: Direction) -> Vec<&SecurityRule> {
    let mut rules: Vec<&SecurityRule> = group.rules.iter().filter(|rule| rule.direction == direction).collect();
    rules.sort_by_key(|rule| rule.priority);
    rules
}

/// A rule on its way into a table.
struct Draft {
    name: String,
    access: Access,
    position: Option<Position>,
    conditions: Conditions,
}

impl Draft {
    fn of(rule: &SecurityRule, conditions: Conditions) -> Self {
        Self { name: rule.named.name.clone(), access: rule.access, position: Some(rule.named.position), conditions }
    }
}

impl Compiler<'_> {
    /// A group, for the subnet in which it works.
    pub(super) fn compile_group(&mut self, group: &NetworkSecurityGroup, subnet: SubnetIndex) -> Result<SecurityGroup, CompileError> {
        let context = self.context(subnet);
        let platform = |rule: &&SecurityRule| -> Vec<Draft> {
            self.platform_conditions(rule, &context).into_iter().map(|conditions| Draft::of(rule, conditions)).collect()
        };
        let platform: Vec<Draft> = in_order(group, Direction::Outbound).iter().flat_map(platform).collect();
        let (inbound, outbound) = (self.drafts(group, Direction::Inbound, &context), self.drafts(group, Direction::Outbound, &context));
        let name = &group.named.name;
        Ok(SecurityGroup {
            name: name.clone(),
            flush_connection: group.flush_connection,
            inbound: self.rule_list(name, Direction::Inbound, inbound)?,
            outbound: self.rule_list(name, Direction::Outbound, outbound)?,
            platform: self.rule_list(name, Direction::Outbound, platform)?,
        })
    }

    /// What rules of a subnet depend on.
    pub(super) fn context(&mut self, subnet: SubnetIndex) -> Context {
        let tag = self.surroundings(subnet).and_then(|place| self.virtual_network_tags.get(&place).map(Arc::clone));
        let virtual_network = tag.unwrap_or_else(|| Arc::new(self.virtual_network_tag(subnet)));
        if let Some(place) = self.surroundings(subnet) {
            self.virtual_network_tags.insert(place, Arc::clone(&virtual_network));
        }
        Context { any: Arc::new(PrefixSet::all()), virtual_network, subnet }
    }

    /// What of a place a group's rules depend on.
    pub(super) fn needs(&mut self, group: &NetworkSecurityGroup, subnet: SubnetIndex) -> Needs {
        let mut needs = vec![self.context(subnet).virtual_network];
        let sides = group.rules.iter().flat_map(|rule| rule.sources.iter().chain(&rule.destinations));
        let mut named: Vec<AsgIndex> = sides.filter_map(|side| if let RuleAddress::Asg(asg) = side { Some(*asg) } else { None }).collect();
        named.sort_unstable();
        named.dedup();
        needs.extend(named.into_iter().map(|asg| Arc::new(self.members(asg, subnet))));
        needs
    }

    fn drafts(&self, group: &NetworkSecurityGroup, direction: Direction, context: &Context) -> Vec<Draft> {
        let users = in_order(group, direction).into_iter().map(|rule| Draft::of(rule, self.conditions(rule, context)));
        users.chain(default_rules(direction).map(|rule| self.default_draft(&rule, context))).collect()
    }

    fn rule_list(&mut self, group: &str, direction: Direction, drafts: Vec<Draft>) -> Result<RuleList, CompileError> {
        let mut list = RuleList::default();
        let mut conditions = Vec::with_capacity(drafts.len());
        for draft in drafts {
            let id = self.rule(RuleName { object: group.to_owned(), rule: draft.name.clone(), direction, access: draft.access })?;
            list.rules.push(Rule { name: draft.name, id, access: draft.access, position: draft.position });
            conditions.push(draft.conditions);
        }
        list.table = self.kept.matcher(conditions)?;
        Ok(list)
    }

    /// What a rule matches.
    pub(super) fn conditions(&self, rule: &SecurityRule, context: &Context) -> Conditions {
        // Rules for protocols without ports are written with ports that mean nothing.
        let portless = matches!(rule.protocol, RuleProtocol::Icmp | RuleProtocol::Esp | RuleProtocol::Ah);
        let ports = |ranges: &[_]| if portless { PortSet::all() } else { PortSet::from_ranges(ranges.iter().cloned()) };
        Conditions {
            protocols: protocol_numbers(rule.protocol),
            sources: self.addresses(&rule.sources, context),
            source_ports: ports(&rule.source_ports),
            destinations: self.addresses(&rule.destinations, context),
            destination_ports: ports(&rule.destination_ports),
        }
    }

    fn default_draft(&self, rule: &DefaultRule, context: &Context) -> Draft {
        let conditions = Conditions {
            protocols: Vec::new(),
            sources: self.addresses(std::slice::from_ref(&rule.source), context),
            source_ports: PortSet::all(),
            destinations: self.addresses(std::slice::from_ref(&rule.destination), context),
            destination_ports: PortSet::all(),
        };
        Draft { name: rule.name.into(), access: rule.access, position: None, conditions }
    }

    fn addresses(&self, side: &[RuleAddress], context: &Context) -> Arc<PrefixSet> {
        match side {
            [entry] => self.entry(entry, context),
            entries => Arc::new(PrefixSet::union_of(entries.iter().map(|entry| self.entry(entry, context)))),
        }
    }

    fn entry(&self, entry: &RuleAddress, context: &Context) -> Arc<PrefixSet> {
        match entry {
            RuleAddress::Any => Arc::clone(&context.any),
            RuleAddress::Prefix(prefix) => Arc::new(PrefixSet::from_prefixes([*prefix])),
            RuleAddress::Tag(tag) if SpecialTag::named(tag) == Some(SpecialTag::VirtualNetwork) => Arc::clone(&context.virtual_network),
            RuleAddress::Tag(tag) => self.tags.addresses(tag),
            RuleAddress::Asg(group) => Arc::new(self.members(*group, context.subnet)),
        }
    }

    /// Private addresses of an ASG's members that are in the subnet's network or a peer of it. Elsewhere the same
    /// address is somebody else's.
    fn members(&self, group: AsgIndex, subnet: SubnetIndex) -> PrefixSet {
        let reachable = self.reachable_networks(subnet);
        let inside = |at: SubnetIndex| self.network.subnets.get(at.0).is_some_and(|subnet| reachable.contains(&subnet.virtual_network.0));
        let members = self
            .network
            .network_interfaces
            .iter()
            .filter(|interface| interface.application_security_groups.contains(&group) && inside(interface.subnet));
        PrefixSet::from_prefixes(members.flat_map(|interface| interface.private_addresses.iter().map(|address| IpNet::from(*address))))
    }

    fn reachable_networks(&self, subnet: SubnetIndex) -> Vec<usize> {
        let Some(subnet) = self.network.subnets.get(subnet.0) else { return Vec::new() };
        let peers = self.connected_peerings(subnet.virtual_network).map(|peering| peering.remote);
        std::iter::once(subnet.virtual_network.0).chain(peers).collect()
    }

    /// The `VirtualNetwork` tag as a subnet sees it: the network, its connected peers (where access is allowed) and
    /// gateways' prefixes, 168.63.129.16, and every prefix of the subnet's route table, 0.0.0.0/0 included.
    pub(super) fn virtual_network_tag(&self, index: SubnetIndex) -> PrefixSet {
        let Some(subnet) = self.network.subnets.get(index.0) else { return PrefixSet::default() };
        let mut prefixes = vec![IpNet::from(PLATFORM_ADDRESS)];
        let peers = self
            .connected_peerings(subnet.virtual_network)
            .filter(|peering| peering.allow_virtual_network_access)
            .map(|peering| peering.remote);
        for network in std::iter::once(subnet.virtual_network.0).chain(peers) {
            prefixes.extend(self.network.virtual_networks.get(network).into_iter().flat_map(|network| &network.address_prefixes));
        }
        prefixes
            .extend(self.network.usable_gateways(subnet.virtual_network).into_iter().flat_map(|(_, gateway)| &gateway.address_prefixes));
        let table = subnet.route_table.and_then(|table| self.network.route_tables.get(table.0));
        for route in table.into_iter().flat_map(|table| &table.routes) {
            match &route.prefix {
                RoutePrefix::Prefix(prefix) => prefixes.push(*prefix),
                RoutePrefix::Tag(tag) => prefixes.extend(self.tags.prefixes(tag)),
            }
        }
        PrefixSet::from_prefixes(prefixes)
    }
}

/// Where a group works.
pub(super) struct Context {
    any: Arc<PrefixSet>,
    virtual_network: Arc<PrefixSet>,
    subnet: SubnetIndex,
}

/// The protocol numbers of a rule; none: any.
pub(super) fn protocol_numbers(name: RuleProtocol) -> Vec<u8> {
    match name {
        RuleProtocol::Any => vec![],
        RuleProtocol::Tcp => vec![protocol::TCP],
        RuleProtocol::Udp => vec![protocol::UDP],
        RuleProtocol::Icmp => vec![protocol::ICMP, protocol::ICMPV6],
        RuleProtocol::Esp => vec![protocol::ESP],
        RuleProtocol::Ah => vec![protocol::AH],
    }
}
