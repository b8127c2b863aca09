//! What a rule that names a platform tag says about traffic to the platform: each tag stands for one service of it, at its
//! address, by its protocol, on its port (Azure: service-tags-overview).

use std::sync::Arc;

use ipnet::IpNet;

use super::Compiler;
use super::security_groups::{Context, protocol_numbers};
use super::tags::SpecialTag;
use crate::config::network::{RoutePrefix, RuleAddress, SecurityRule, SubnetIndex};
use crate::policy::platform_traffic::LICENSE_PORT;
use crate::table::ordered_scan::Conditions;
use crate::table::port_set::PortSet;
use crate::table::prefix_set::PrefixSet;
use crate::wire::protocol;

/// Protocols and port of the service that a tag stands for.
const fn service(tag: SpecialTag) -> Option<(&'static [u8], u16)> {
    match tag {
        SpecialTag::AzurePlatformDns => Some((&[protocol::TCP, protocol::UDP], 53)),
        SpecialTag::AzurePlatformImds => Some((&[protocol::TCP], 80)),
        SpecialTag::AzurePlatformLkm => Some((&[protocol::TCP], LICENSE_PORT)),
        SpecialTag::VirtualNetwork | SpecialTag::Internet | SpecialTag::AzureLoadBalancer => None,
    }
}

impl Compiler<'_> {
    /// What `rule` matches of the traffic to the platform: one set of conditions for each platform tag among its
    /// destinations that its protocol and ports meet.
    pub(super) fn platform_conditions(&self, rule: &SecurityRule, context: &Context) -> Vec<Conditions> {
        let whole = self.conditions(rule, context);
        let wanted = protocol_numbers(rule.protocol);
        let named = rule.destinations.iter().filter_map(|entry| if let RuleAddress::Tag(tag) = entry { Some(tag) } else { None });
        let part = |tag: &String| {
            let (protocols, port) = service(SpecialTag::named(tag)?)?;
            let protocols: Vec<u8> = protocols.iter().copied().filter(|protocol| wanted.is_empty() || wanted.contains(protocol)).collect();
            if protocols.is_empty() || !whole.destination_ports.contains(port) {
                return None;
            }
            Some(Conditions {
                protocols,
                destinations: self.tags.addresses(tag),
                destination_ports: PortSet::from_ranges([port..=port]),
                ..whole.clone()
            })
        };
        named.filter_map(part).collect()
    }

    /// The licence servers that a subnet's hosts reach past its rules: those that the file gives, unless a user's route
    /// leads 0.0.0.0/0 elsewhere (Azure: network-security-groups-overview).
    pub(super) fn license_servers(&self, subnet: SubnetIndex) -> Arc<PrefixSet> {
        let table = self.network.subnets.get(subnet.0).and_then(|subnet| self.network.route_tables.get(subnet.route_table?.0));
        let default = |prefix: &RoutePrefix| matches!(prefix, RoutePrefix::Prefix(IpNet::V4(prefix)) if prefix.prefix_len() == 0);
        if table.is_some_and(|table| table.routes.iter().any(|route| default(&route.prefix))) {
            return Arc::default();
        }
        self.tags.addresses("AzurePlatformLKM")
    }
}
