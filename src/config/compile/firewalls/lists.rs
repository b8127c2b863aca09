//! The lists that every kind but App Service has; they only let in.

use std::net::Ipv4Addr;
use std::ops::RangeInclusive;
use std::sync::Arc;

use ipnet::IpNet;

use super::{Compiler, Draft};
use crate::config::network::{DatabaseRules, ServiceFirewall, SubnetIndex, VirtualNetworkRule};
use crate::policy::position::Position;
use crate::policy::service_firewall::Client;
use crate::policy::service_firewall::data_lake::ANALYTICS;
use crate::policy::service_firewall::kind::{Kind, List};
use crate::table::prefix_set::PrefixSet;

/// A list of prefixes, or of ranges.
type Listed<T> = [(T, Position)];

impl Compiler<'_> {
    /// The rules of the lists that the kind has.
    pub(super) fn listed(&self, kind: &Kind, firewall: &ServiceFirewall) -> Vec<Draft> {
        let mut rules = Vec::new();
        for list in kind.lists {
            match list {
                List::Databases => rules.extend(firewall.databases.iter().flat_map(|database| self.database(kind, database))),
                List::VirtualNetworkRules if firewall.virtual_network_filter == Some(false) => {}
                List::VirtualNetworkRules => rules.extend(self.subnet_rules(kind, &firewall.virtual_network_rules)),
                List::IpRules => rules.extend(self.prefixes(kind, "ipRules", &firewall.ip_rules)),
                List::Ipv6Rules => rules.extend(self.prefixes(kind, "ipv6Rules", &firewall.ipv6_rules)),
                List::IpRanges => rules.extend(self.ranges(kind, "ipRanges", &firewall.ip_ranges)),
                List::DataLakeSwitches => rules.extend(self.data_lake_switches(firewall)),
                List::ResourceAccessRules | List::AccessRestrictions => {}
            }
        }
        rules
    }

    fn subnet_rules(&self, kind: &Kind, rules: &[VirtualNetworkRule]) -> Vec<Draft> {
        let draft = |(index, rule): (usize, &VirtualNetworkRule)| {
            let (matches, unmodelled) = match rule.subnet {
                None => (Client::Nobody, None),
                Some(subnet) if kind.subnets.by_token => self.by_token(subnet),
                Some(subnet) => (Client::Subnet(subnet.0), rule.failed.then_some("what became of a rule in the state Failed")),
            };
            Draft { unmodelled, ..Draft::allow(format!("virtualNetworkRules[{index}]"), rule.position, matches) }
        };
        rules.iter().enumerate().map(draft).collect()
    }

    /// Tokens name the subnet only where that has the endpoint.
    fn by_token(&self, subnet: SubnetIndex) -> (Client, Option<&'static str>) {
        let endpoints = self.network.subnets.get(subnet.0).map_or(&[][..], |subnet| &subnet.service_endpoints);
        let has_endpoint = endpoints.iter().any(|endpoint| endpoint.service.eq_ignore_ascii_case("Microsoft.AzureActiveDirectory"));
        if has_endpoint { (Client::TokenOf(subnet.0), Some("the claims in a client's token")) } else { (Client::Nobody, None) }
    }

    fn prefixes(&self, kind: &Kind, name: &str, rules: &Listed<IpNet>) -> Vec<Draft> {
        let draft = |(index, (prefix, position)): (usize, &(IpNet, Position))| {
            let azure = prefix.addr() == Ipv4Addr::UNSPECIFIED && prefix.prefix_len() == 32;
            let client =
                if azure && kind.addresses.zero_is_azure { self.azure() } else { public(kind, PrefixSet::from_prefixes([*prefix])) };
            Draft::allow(format!("{name}[{index}]"), *position, client)
        };
        rules.iter().enumerate().map(draft).collect()
    }

    fn ranges(&self, kind: &Kind, name: &str, rules: &Listed<RangeInclusive<Ipv4Addr>>) -> Vec<Draft> {
        let draft = |(index, (range, position)): (usize, &(RangeInclusive<Ipv4Addr>, Position))| {
            let azure = range.start().is_unspecified() && range.end().is_unspecified();
            let client =
                if azure && kind.addresses.zero_is_azure { self.azure() } else { public(kind, PrefixSet::from_ranges([range.clone()])) };
            Draft::allow(format!("{name}[{index}]"), *position, client)
        };
        rules.iter().enumerate().map(draft).collect()
    }

    /// A packet does not name its database.
    fn database(&self, kind: &Kind, database: &DatabaseRules) -> Vec<Draft> {
        let rules = self.ranges(kind, &format!("databases/{}/ipRanges", database.named.name), &database.ip_ranges);
        rules.into_iter().map(|rule| Draft { unmodelled: Some("the database that a login asks for"), ..rule }).collect()
    }

    fn data_lake_switches(&self, firewall: &ServiceFirewall) -> Vec<Draft> {
        let azure = firewall.allow_azure_ips.map(|position| Draft::allow("firewallAllowAzureIps", position, self.azure()));
        let analytics = firewall
            .allow_data_lake_analytics
            .map(|position| Draft::allow("firewallAllowDataLakeAnalytics", position, Client::Trusted(self.services_of(&[ANALYTICS]))));
        azure.into_iter().chain(analytics).collect()
    }

    fn azure(&self) -> Client {
        Client::AzurePublic(self.tags.addresses("AzureCloud"))
    }
}

fn public(kind: &Kind, addresses: PrefixSet) -> Client {
    Client::Public { addresses: Arc::new(addresses), not_same_region: !kind.addresses.own_region }
}
