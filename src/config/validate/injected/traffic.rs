//! What an injected service cannot do without, put to the groups of its subnet as they are compiled: the whole of it
//! must be allowed, and the first rule that denies a part of it is the one that breaks the service.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use ipnet::IpNet;

use super::{Tenant, at};
use crate::config::catalogue::Requirement;
use crate::config::compile::outline;
use crate::config::compile::tags::{Tags, internet};
use crate::config::finding::{Code, Findings};
use crate::config::model::each;
use crate::config::network::{Access, Direction, Network, RoutePrefix, RuleAddress, RuleProtocol, ServiceTag};
use crate::config::regions::paired;
use crate::policy::nsg::{RuleList, SecurityGroup};
use crate::policy::position::Position;
use crate::policy::snapshot::Snapshot;
use crate::table::coverage::{decided, regions};
use crate::table::ordered_scan::Conditions;
use crate::table::port_set::PortSet;
use crate::table::prefix_set::PrefixSet;
use crate::wire::protocol;

/// Checks all tenants that have an address and a group.
pub(super) fn check(tenants: &[Tenant<'_>], network: &Network, findings: &mut Findings) {
    let tenants: Vec<&Tenant<'_>> = tenants.iter().filter(|tenant| tenant.service.is_some() && has_group(tenant, network)).collect();
    if tenants.is_empty() {
        return;
    }
    let named = with_every_tag(&tenants, network);
    let Ok(snapshot) = outline(&named) else { return };
    for tenant in tenants {
        let judge = Judge { tenant, network: &named, tags: Tags::new(&named) };
        for (group, place) in groups(tenant, network, &snapshot) {
            judge.side(group, place, Direction::Inbound, findings);
            judge.side(group, place, Direction::Outbound, findings);
        }
    }
}

fn has_group(tenant: &Tenant<'_>, network: &Network) -> bool {
    let own = |interface: &&crate::config::network::NetworkInterface| {
        interface.subnet == tenant.subnet && interface.private_addresses.iter().any(|address| tenant.addresses.contains(address))
    };
    tenant.home(network).is_some_and(|subnet| subnet.network_security_group.is_some())
        || network.network_interfaces.iter().filter(own).any(|interface| interface.network_security_group.is_some())
}

/// The groups that a tenant's traffic meets, and where each stands in the file.
fn groups<'s>(tenant: &Tenant<'_>, network: &Network, snapshot: &'s Snapshot) -> Vec<(&'s SecurityGroup, Position)> {
    let subnet = snapshot.subnet(tenant.subnet.0).and_then(|subnet| subnet.security_group.as_deref());
    let own = snapshot.interfaces.iter().filter(|interface| interface.service == tenant.service && tenant.service.is_some());
    let all = subnet.into_iter().chain(own.filter_map(|interface| interface.security_group.as_deref()));
    let place = |group: &SecurityGroup| {
        let named = network.network_security_groups.iter().find(|named| named.named.name == group.name);
        named.map_or(Position::default(), |group| group.named.position)
    };
    all.map(|group| (group, place(group))).collect()
}

/// One tenant before its groups.
struct Judge<'a> {
    tenant: &'a Tenant<'a>,
    network: &'a Network,
    tags: Tags<'a>,
}

impl Judge<'_> {
    fn side(&self, group: &SecurityGroup, place: Position, direction: Direction, findings: &mut Findings) {
        let (list, needed) = match direction {
            Direction::Inbound => (&group.inbound, &self.tenant.entry.inbound),
            Direction::Outbound => (&group.outbound, &self.tenant.entry.outbound),
        };
        let mut wanted = Vec::new();
        for requirement in each(needed).iter().filter(|requirement| requirement.is_required()) {
            for peer in requirement.peers.iter().flat_map(|list| &list.value.0) {
                let conditions = self.conditions(requirement, &peer.value, direction);
                wanted.extend(conditions.map(|conditions| (text(requirement, &peer.value, direction), conditions)));
            }
        }
        for (rule, blocked) in blocked(list, &wanted) {
            self.report(group, place, list, rule, &blocked, direction, findings);
        }
    }

    /// A requirement as a set of packets. `None` where the peer has no address at all.
    fn conditions(&self, requirement: &Requirement, peer: &str, direction: Direction) -> Option<Conditions> {
        let peer = self.peer(peer);
        if peer.is_empty() {
            return None;
        }
        let own = Arc::new(PrefixSet::from_prefixes(
            self.tenant.addresses.iter().filter(|address| address.is_ipv4()).map(|address| IpNet::from(*address)),
        ));
        let ports = requirement.ports.iter().flat_map(|list| &list.value.0).map(|range| range.0.clone());
        let (sources, destinations) = match direction {
            Direction::Inbound => (peer, own),
            Direction::Outbound => (own, peer),
        };
        Some(Conditions {
            protocols: protocols(requirement),
            sources,
            source_ports: PortSet::all(),
            destinations,
            destination_ports: PortSet::from_ranges(ports),
        })
    }

    fn peer(&self, peer: &str) -> Arc<PrefixSet> {
        match peer {
            "Any" => Arc::new(PrefixSet::from_prefixes([IpNet::V4(ipnet::Ipv4Net::default())])),
            "Subnet" => {
                let prefixes = self.network.subnets.get(self.tenant.subnet.0).map_or(&[][..], |subnet| &subnet.address_prefixes);
                Arc::new(PrefixSet::from_prefixes(prefixes.iter().filter(|prefix| is_v4(prefix)).copied()))
            }
            "VirtualNetwork" => Arc::new(own_network(self.network, self.tenant)),
            tag => self.tags.addresses(&regional(tag, self.tenant.location, self.network)),
        }
    }

    #[allow(clippy::too_many_arguments, reason = "a finding is about all of them")]
    fn report(
        &self,
        group: &SecurityGroup,
        place: Position,
        list: &RuleList,
        rule: usize,
        blocked: &[&str],
        direction: Direction,
        findings: &mut Findings,
    ) {
        let Some(rule) = list.rules.get(rule) else { return };
        let what = some_of(blocked);
        let (span, message) = match rule.position {
            Some(position) => (at(position), format!("`{}` of `{}` stops {what}: {} needs it", rule.name, group.name, self.tenant.label())),
            None => (at(place), format!("no rule of `{}` allows {what}: {} needs it", group.name, self.tenant.label())),
        };
        let way = if direction == Direction::Inbound { "inbound" } else { "outbound" };
        let before = rule.position.map_or(String::new(), |_| format!(" with a lower priority number than `{}`", rule.name));
        findings
            .report(Code::InjectedTraffic, span, message)
            .hint(format!("add an {way} Allow rule{before} ({})", self.tenant.entry.page()))
            .related(self.tenant.place, "the service");
    }
}

/// For each rule that denies a part of what is wanted, what that is a part of.
fn blocked<'t>(list: &RuleList, wanted: &'t [(String, Conditions)]) -> BTreeMap<usize, Vec<&'t str>> {
    let conditions: Vec<&Conditions> = list.table.all_conditions().iter().chain(wanted.iter().map(|(_, conditions)| conditions)).collect();
    let boxes = regions(&conditions);
    let (rules, wishes) = boxes.split_at(list.table.all_conditions().len().min(boxes.len()));
    let mut blocked: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
    for ((text, _), wish) in wanted.iter().zip(wishes) {
        let parts = decided(rules, wish).unwrap_or_default();
        let denies = |index: usize| list.rules.get(index).is_some_and(|rule| rule.access == Access::Deny);
        if let Some(first) = parts.iter().enumerate().position(|(index, part)| denies(index) && !part.is_empty()) {
            let texts = blocked.entry(first).or_default();
            if !texts.contains(&text.as_str()) {
                texts.push(text);
            }
        }
    }
    blocked
}

fn protocols(requirement: &Requirement) -> Vec<u8> {
    match requirement.protocol.as_ref().map_or(RuleProtocol::Any, |protocol| protocol.value) {
        RuleProtocol::Any => vec![],
        RuleProtocol::Tcp => vec![protocol::TCP],
        RuleProtocol::Udp => vec![protocol::UDP],
        RuleProtocol::Icmp => vec![protocol::ICMP],
        RuleProtocol::Esp => vec![protocol::ESP],
        RuleProtocol::Ah => vec![protocol::AH],
    }
}

/// `TCP 3443 from ApiManagement (management)`.
fn text(requirement: &Requirement, peer: &str, direction: Direction) -> String {
    let protocol = match requirement.protocol.as_ref().map_or(RuleProtocol::Any, |protocol| protocol.value) {
        RuleProtocol::Any => "everything".to_owned(),
        other => format!("{other:?}").to_uppercase(),
    };
    let ports: Vec<String> =
        requirement
            .ports
            .iter()
            .flat_map(|list| &list.value.0)
            .filter(|range| range.0 != (0..=u16::MAX))
            .map(|range| {
                if range.0.start() == range.0.end() {
                    range.0.start().to_string()
                } else {
                    format!("{}-{}", range.0.start(), range.0.end())
                }
            })
            .collect();
    let ports = if ports.is_empty() { String::new() } else { format!(" {}", ports.join(",")) };
    let way = if direction == Direction::Inbound { "from" } else { "to" };
    let peer = match peer {
        "Subnet" => "its own subnet".to_owned(),
        other => other.strip_suffix(".pair").map_or_else(|| other.to_owned(), |base| format!("{base} of the paired region")),
    };
    format!("{protocol}{ports} {way} {peer} ({})", requirement.purpose.as_ref().map_or("", |purpose| &purpose.value))
}

fn some_of(all: &[&str]) -> String {
    const SHOWN: usize = 3;
    let shown = all.iter().take(SHOWN).copied().collect::<Vec<_>>().join(", ");
    if all.len() > SHOWN { format!("{shown}, and {} more", all.len() - SHOWN) } else { shown }
}

/// The network's own addresses: peers, gateways and a user's routes, which the tag holds too, are not the service's concern.
fn own_network(network: &Network, tenant: &Tenant<'_>) -> PrefixSet {
    let subnet = network.subnets.get(tenant.subnet.0);
    let home = subnet.and_then(|subnet| network.virtual_networks.get(subnet.virtual_network.0));
    PrefixSet::from_prefixes(home.into_iter().flat_map(|home| &home.address_prefixes).filter(|prefix| is_v4(prefix)).copied())
}

fn is_v4(prefix: &IpNet) -> bool {
    matches!(prefix, IpNet::V4(_))
}

/// The tag that a peer of the catalogue means: that of the service's region, or of its pair, where the file gives it.
fn regional(tag: &str, location: Option<&str>, network: &Network) -> String {
    let (base, region) = match tag.strip_suffix(".pair") {
        Some(base) => (base, location.and_then(paired)),
        None => (tag, location),
    };
    let name = region.map(|region| format!("{base}.{region}"));
    name.filter(|name| gives(network, name)).unwrap_or_else(|| base.to_owned())
}

fn gives(network: &Network, tag: &str) -> bool {
    network.service_tags.iter().any(|given| given.name.eq_ignore_ascii_case(tag))
}

/// The network with prefixes for every tag that tenants need and the file does not give: one address each that no rule
/// names, known to the tag, its regional form, and `AzureCloud`. So rules are judged by the tags that they name.
fn with_every_tag(tenants: &[&Tenant<'_>], network: &Network) -> Network {
    let mut named = network.clone();
    let mut spare = spare_addresses(network);
    let mut cloud = Vec::new();
    for tenant in tenants {
        let requirements = each(&tenant.entry.inbound).iter().chain(each(&tenant.entry.outbound));
        for peer in requirements.flat_map(|requirement| requirement.peers.iter()).flat_map(|list| &list.value.0) {
            if let Some(prefix) = name_tag(&peer.value, tenant.location, network, &mut named, &mut spare) {
                cloud.push((prefix, tenant.location.map(str::to_owned)));
            }
        }
    }
    for (prefix, location) in cloud {
        let regional = location.map(|region| format!("AzureCloud.{region}"));
        for name in std::iter::once("AzureCloud".to_owned()).chain(regional) {
            add(&mut named, &name, prefix);
        }
    }
    named
}

/// Gives a tag an address of its own; `None` where it is special, or has one.
fn name_tag(
    peer: &str,
    location: Option<&str>,
    network: &Network,
    named: &mut Network,
    spare: &mut impl Iterator<Item = Ipv4Addr>,
) -> Option<IpNet> {
    let special = ["Subnet", "Any", "VirtualNetwork", "Internet", "AzureLoadBalancer"].contains(&peer);
    if special || peer.parse::<IpAddr>().is_ok() {
        return None;
    }
    let base = peer.strip_suffix(".pair").unwrap_or(peer);
    let region = if base.len() < peer.len() { location.and_then(paired) } else { location };
    let regional = region.map(|region| format!("{base}.{region}"));
    // The file's own prefixes are what its rules are about.
    if gives(network, base) || regional.as_ref().is_some_and(|name| gives(named, name)) || (region.is_none() && gives(named, base)) {
        return None;
    }
    let prefix = IpNet::from(IpAddr::V4(spare.next()?));
    for name in std::iter::once(base.to_owned()).chain(regional) {
        add(named, &name, prefix);
    }
    Some(prefix)
}

fn add(network: &mut Network, tag: &str, prefix: IpNet) {
    match network.service_tags.iter_mut().find(|given| given.name.eq_ignore_ascii_case(tag)) {
        Some(given) => given.prefixes.push(prefix),
        None => network.service_tags.push(ServiceTag { name: tag.to_owned(), prefixes: vec![prefix] }),
    }
}

/// Public addresses that no rule names but by `*`, a tag or 0.0.0.0/0, from the top of unicast space.
fn spare_addresses(network: &Network) -> impl Iterator<Item = Ipv4Addr> {
    let rules = network.network_security_groups.iter().flat_map(|group| &group.rules);
    let named = rules.flat_map(|rule| rule.sources.iter().chain(&rule.destinations)).filter_map(|side| match side {
        RuleAddress::Prefix(prefix) if prefix.prefix_len() > 0 => Some(*prefix),
        _ => None,
    });
    let routed = network.route_tables.iter().flat_map(|table| &table.routes).filter_map(|route| match route.prefix {
        RoutePrefix::Prefix(prefix) if prefix.prefix_len() > 0 => Some(prefix),
        _ => None,
    });
    let tags = network.service_tags.iter().flat_map(|tag| tag.prefixes.iter().copied());
    let spaces = network.virtual_networks.iter().flat_map(|home| home.address_prefixes.iter().copied());
    let taken = PrefixSet::from_prefixes(named.chain(routed).chain(tags).chain(spaces));
    let top = u32::from(Ipv4Addr::new(223, 255, 255, 254));
    let free = internet().difference(&taken);
    // Steps over all that can be public: some are free in any file of a bearable size.
    (0..4_000_000u32).map(move |number| Ipv4Addr::from_bits(top - number * 251)).filter(move |address| free.contains(IpAddr::V4(*address)))
}
