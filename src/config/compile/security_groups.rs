//! Network security groups, compiled for the subnet in which they work.

use std::sync::Arc;

use ipnet::IpNet;

use super::tags::SpecialTag;
use super::{CompileError, Compiler};
use crate::config::network::{
    Access, AsgIndex, Direction, NetworkSecurityGroup, RoutePrefix, RuleAddress, RuleProtocol, SecurityRule, SubnetIndex,
};
use crate::policy::ids::RuleName;
use crate::policy::nsg::{Rule, RuleList, SecurityGroup};
use crate::policy::position::Position;
use crate::policy::snapshot::PLATFORM_ADDRESS;
use crate::table::ordered_scan::{Conditions, OrderedScan};
use crate::table::port_set::PortSet;
use crate::table::prefix_set::PrefixSet;

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

/// A rule on its way into a table.
struct Draft {
    name: String,
    access: Access,
    position: Option<Position>,
    conditions: Conditions,
}

impl Compiler<'_> {
    pub(super) fn compile_group(&mut self, group: &NetworkSecurityGroup, subnet: SubnetIndex) -> Result<SecurityGroup, CompileError> {
        let context = Context { virtual_network: Arc::new(self.virtual_network_tag(subnet)), subnet };
        let for_platform = |rule: &&SecurityRule| rule.destinations.iter().any(names_platform);
        Ok(SecurityGroup {
            name: group.named.name.clone(),
            flush_connection: group.flush_connection,
            inbound: self.rule_list(group, Direction::Inbound, &context, |_| true, &DEFAULT_INBOUND)?,
            outbound: self.rule_list(group, Direction::Outbound, &context, |_| true, &DEFAULT_OUTBOUND)?,
            platform: self.rule_list(group, Direction::Outbound, &context, for_platform, &[])?,
        })
    }

    fn rule_list(
        &mut self,
        group: &NetworkSecurityGroup,
        direction: Direction,
        context: &Context,
        wanted: impl Fn(&&SecurityRule) -> bool,
        defaults: &[(&str, &str, &str, Access)],
    ) -> Result<RuleList, CompileError> {
        let mut users: Vec<&SecurityRule> = group.rules.iter().filter(|rule| rule.direction == direction).filter(wanted).collect();
        users.sort_by_key(|rule| rule.priority);
        let drafts =
            users.into_iter().map(|rule| self.draft(rule, context)).chain(defaults.iter().map(|rule| self.default_rule(*rule, context)));
        let drafts: Vec<Draft> = drafts.collect();
        let mut list = RuleList::default();
        let mut conditions = Vec::with_capacity(drafts.len());
        for draft in drafts {
            let id = self.rule(RuleName { object: group.named.name.clone(), rule: draft.name.clone(), direction, access: draft.access })?;
            list.rules.push(Rule { name: draft.name, id, access: draft.access, position: draft.position });
            conditions.push(draft.conditions);
        }
        list.table = OrderedScan::new(conditions);
        Ok(list)
    }

    fn draft(&self, rule: &SecurityRule, context: &Context) -> Draft {
        let protocols = protocol_numbers(rule.protocol);
        // Rules for protocols without ports are written with ports that mean nothing.
        let portless = matches!(rule.protocol, RuleProtocol::Icmp | RuleProtocol::Esp | RuleProtocol::Ah);
        let ports = |ranges: &[_]| if portless { PortSet::all() } else { PortSet::from_ranges(ranges.iter().cloned()) };
        let conditions = Conditions {
            protocols,
            sources: self.addresses(&rule.sources, context),
            source_ports: ports(&rule.source_ports),
            destinations: self.addresses(&rule.destinations, context),
            destination_ports: ports(&rule.destination_ports),
        };
        Draft { name: rule.named.name.clone(), access: rule.access, position: Some(rule.named.position), conditions }
    }

    fn default_rule(&self, (name, source, destination, access): (&str, &str, &str, Access), context: &Context) -> Draft {
        let side = |text: &str| if text == "*" { RuleAddress::Any } else { RuleAddress::Tag(text.into()) };
        let conditions = Conditions {
            protocols: Vec::new(),
            sources: self.addresses(&[side(source)], context),
            source_ports: PortSet::all(),
            destinations: self.addresses(&[side(destination)], context),
            destination_ports: PortSet::all(),
        };
        Draft { name: name.into(), access, position: None, conditions }
    }

    fn addresses(&self, side: &[RuleAddress], context: &Context) -> Arc<PrefixSet> {
        if let [RuleAddress::Tag(tag)] = side
            && SpecialTag::named(tag) == Some(SpecialTag::VirtualNetwork)
        {
            return Arc::clone(&context.virtual_network);
        }
        let parts = side.iter().map(|entry| match entry {
            RuleAddress::Any => PrefixSet::all(),
            RuleAddress::Prefix(prefix) => PrefixSet::from_prefixes([*prefix]),
            RuleAddress::Tag(tag) if SpecialTag::named(tag) == Some(SpecialTag::VirtualNetwork) => (*context.virtual_network).clone(),
            RuleAddress::Tag(tag) => self.tags.addresses(tag),
            RuleAddress::Asg(group) => self.members(*group, context.subnet),
        });
        Arc::new(parts.fold(PrefixSet::default(), |all, part| all.union(&part)))
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
        prefixes.extend(self.usable_gateways(subnet.virtual_network).flat_map(|(_, gateway)| &gateway.address_prefixes));
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
struct Context {
    virtual_network: Arc<PrefixSet>,
    subnet: SubnetIndex,
}

fn names_platform(address: &RuleAddress) -> bool {
    matches!(address, RuleAddress::Tag(tag) if SpecialTag::named(tag).is_some_and(SpecialTag::is_platform))
}

fn protocol_numbers(protocol: RuleProtocol) -> Vec<u8> {
    match protocol {
        RuleProtocol::Any => vec![],
        RuleProtocol::Tcp => vec![6],
        RuleProtocol::Udp => vec![17],
        RuleProtocol::Icmp => vec![1, 58],
        RuleProtocol::Esp => vec![50],
        RuleProtocol::Ah => vec![51],
    }
}
