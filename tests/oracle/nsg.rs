//! Network security groups (network-security-groups-overview, network-security-group-how-it-works).

use std::net::IpAddr;

use crate::network::{AdminAccess, Interface, Protocol, Rule, SecurityGroup, Side, World};
use crate::places::{self, Home, METADATA, PLATFORM, same};
use crate::tags;

/// A packet as a security rule sees it.
#[derive(Clone, Copy)]
pub struct Seen {
    pub source: IpAddr,
    pub destination: IpAddr,
    pub protocol: u8,
    pub source_port: u16,
    pub destination_port: u16,
}

/// An evaluation that took place: `GROUP/RULE`, and whether it allowed.
pub struct Evaluated {
    /// None where it is an option that denies.
    pub rule: Option<String>,
    pub allow: bool,
    /// A security admin rule's AlwaysAllow.
    pub always: bool,
}

/// What a host sends: the interface's group, then the subnet's; the first that denies ends it.
pub fn outbound(world: &World, home: Home<'_>, interface: Option<&Interface>, seen: Seen) -> Vec<Evaluated> {
    let own = interface.and_then(|interface| interface.group.as_ref());
    with_admin_rules(world, [own, home.subnet.group.as_ref()], false, home, seen)
}

/// What a host is sent: the subnet's group, then the interface's.
///
/// `is_closed`: the option `publicAddressWithoutSecurityGroup: closed` denies where no group would be asked.
pub fn inbound(world: &World, home: Home<'_>, interface: Option<&Interface>, seen: Seen, is_closed: bool) -> Vec<Evaluated> {
    let own = interface.and_then(|interface| interface.group.as_ref());
    let mut done = with_admin_rules(world, [home.subnet.group.as_ref(), own], true, home, seen);
    let is_settled = done.last().is_some_and(|last| !last.allow || last.always);
    if is_closed && !is_settled && own.is_none() && home.subnet.group.is_none() {
        done.push(Evaluated { rule: None, allow: false, always: false });
    }
    done
}

/// Security admin rules come first: Deny drops, AlwaysAllow skips the groups, Allow leaves it to them
/// (network-security-groups-overview, 2025-07). The platform's addresses are as little subject to them as to groups.
fn with_admin_rules(world: &World, groups: [Option<&String>; 2], inbound: bool, view: Home<'_>, seen: Seen) -> Vec<Evaluated> {
    let applies = world.collections.iter().filter(|collection| collection.networks.iter().any(|name| same(name, &view.network.name)));
    let rules = applies.flat_map(|collection| collection.rules.iter().map(move |rule| (collection, rule)));
    let mut rules: Vec<_> = rules.filter(|(_, rule)| rule.rule.inbound == inbound).collect();
    rules.sort_by_key(|(_, rule)| rule.rule.priority);
    let is_platform = !inbound && is_for_platform(world, view, seen);
    let found = rules.into_iter().filter(|_| !is_platform).find(|(_, rule)| matches(world, &rule.rule, view, seen));
    let Some((collection, rule)) = found else { return in_order(world, groups, inbound, view, seen) };
    let mut done = vec![Evaluated {
        rule: Some(format!("{}/{}", collection.name, rule.rule.name)),
        allow: rule.access != AdminAccess::Deny,
        always: rule.access == AdminAccess::AlwaysAllow,
    }];
    if rule.access == AdminAccess::Allow {
        done.extend(in_order(world, groups, inbound, view, seen));
    }
    done
}

fn in_order(world: &World, groups: [Option<&String>; 2], inbound: bool, view: Home<'_>, seen: Seen) -> Vec<Evaluated> {
    let mut done = Vec::new();
    for name in groups.into_iter().flatten() {
        let group = world.group(name);
        let is_platform = !inbound && is_for_platform(world, view, seen);
        let evaluated =
            if is_platform { towards_platform(world, group, view, seen) } else { Some(evaluate(world, group, inbound, view, seen)) };
        let Some(evaluated) = evaluated else { continue };
        let goes_on = evaluated.allow;
        done.push(evaluated);
        if !goes_on {
            break;
        }
    }
    done
}

/// Rules in order of priority, then the default ones: the first that matches decides.
fn evaluate(world: &World, group: &SecurityGroup, inbound: bool, view: Home<'_>, seen: Seen) -> Evaluated {
    let matching = sorted(group, inbound).into_iter().find(|rule| matches(world, rule, view, seen));
    let (name, allow) = matching.map_or_else(|| default_rule(world, inbound, view, seen), |rule| (rule.name.clone(), rule.allow));
    Evaluated { rule: Some(format!("{}/{name}", group.name)), allow, always: false }
}

/// What is not subject to rules: the platform's addresses, and licence servers (TCP 1688) unless a user's route leads 0.0.0.0/0
/// elsewhere (network-security-groups-overview).
fn is_for_platform(world: &World, view: Home<'_>, seen: Seen) -> bool {
    let table = view.subnet.table.as_ref().and_then(|name| world.tables.iter().find(|table| same(&table.name, name)));
    let has_default = table.is_some_and(|table| table.routes.iter().any(|route| route.prefix == "0.0.0.0/0"));
    seen.destination == PLATFORM || seen.destination == METADATA || (is_license(world, seen) && !has_default)
}

fn is_license(world: &World, seen: Seen) -> bool {
    seen.protocol == 6 && seen.destination_port == 1688 && places::within(&tags::prefixes(world, "AzurePlatformLKM"), seen.destination)
}

/// The platform's addresses are not subject to security groups, but for rules to the tags that are made for them.
fn towards_platform(world: &World, group: &SecurityGroup, view: Home<'_>, seen: Seen) -> Option<Evaluated> {
    let names_platform = |rule: &&Rule| {
        // DNS is port 53 over TCP and UDP, instance metadata HTTP: nothing else is the tag's service.
        let is_tag = |entry: &String| match entry.to_ascii_lowercase().as_str() {
            "azureplatformdns" => seen.destination == PLATFORM && matches!(seen.protocol, 6 | 17) && seen.destination_port == 53,
            "azureplatformlkm" => is_license(world, seen),
            "azureplatformimds" => seen.destination == METADATA && seen.protocol == 6 && seen.destination_port == 80,
            _ => false,
        };
        matches!(&rule.destination, Side::Prefixes(entries) if entries.iter().any(is_tag))
    };
    let rule = sorted(group, false).into_iter().filter(names_platform).find(|rule| matches(world, rule, view, seen))?;
    Some(Evaluated { rule: Some(format!("{}/{}", group.name, rule.name)), allow: rule.allow, always: false })
}

fn sorted(group: &SecurityGroup, inbound: bool) -> Vec<&Rule> {
    let mut rules: Vec<&Rule> = group.rules.iter().filter(|rule| rule.inbound == inbound).collect();
    rules.sort_by_key(|rule| rule.priority);
    rules
}

/// Default rules, by the names that the API gives them.
fn default_rule(world: &World, inbound: bool, view: Home<'_>, seen: Seen) -> (String, bool) {
    let in_network = |address| tags::holds(world, "VirtualNetwork", address, view);
    let inside = in_network(seen.source) && in_network(seen.destination);
    let (name, allow) = if inbound {
        match () {
            () if inside => ("AllowVnetInBound", true),
            () if tags::holds(world, "AzureLoadBalancer", seen.source, view) => ("AllowAzureLoadBalancerInBound", true),
            () => ("DenyAllInBound", false),
        }
    } else {
        match () {
            () if inside => ("AllowVnetOutBound", true),
            () if tags::holds(world, "Internet", seen.destination, view) => ("AllowInternetOutBound", true),
            () => ("DenyAllOutBound", false),
        }
    };
    (name.to_owned(), allow)
}

/// All five conditions.
fn matches(world: &World, rule: &Rule, view: Home<'_>, seen: Seen) -> bool {
    protocol_matches(rule.protocol, seen.protocol)
        && side_holds(world, &rule.source, seen.source, view)
        && side_holds(world, &rule.destination, seen.destination, view)
        && ports_hold(rule.protocol, &rule.source_ports, seen.source_port, seen.protocol)
        && ports_hold(rule.protocol, &rule.destination_ports, seen.destination_port, seen.protocol)
}

fn protocol_matches(rule: Protocol, protocol: u8) -> bool {
    match rule {
        Protocol::Any => true,
        Protocol::Tcp => protocol == 6,
        Protocol::Udp => protocol == 17,
        Protocol::Icmp => protocol == 1 || protocol == 58,
        Protocol::Esp => protocol == 50,
        Protocol::Ah => protocol == 51,
    }
}

/// Only TCP and UDP have ports: rules for another protocol ignore them, and a rule for any protocol that wants certain ports is
/// not met by a packet without.
fn ports_hold(rule: Protocol, ranges: &[(u16, u16)], port: u16, protocol: u8) -> bool {
    match (rule, protocol) {
        (_, 6 | 17) => ranges.iter().any(|(first, last)| (*first..=*last).contains(&port)),
        (Protocol::Any, _) => ranges.contains(&(0, u16::MAX)),
        _ => true,
    }
}

fn side_holds(world: &World, side: &Side, address: IpAddr, view: Home<'_>) -> bool {
    match side {
        Side::Prefixes(entries) => entries.iter().any(|entry| entry_holds(world, entry, address, view)),
        Side::Groups(groups) => groups.iter().any(|group| is_member(world, group, address, view)),
    }
}

fn entry_holds(world: &World, entry: &str, address: IpAddr, view: Home<'_>) -> bool {
    if matches!(entry, "*" | "0.0.0.0/0") || same(entry, "any") {
        return true;
    }
    if let Ok(single) = entry.parse::<IpAddr>() {
        return single == address;
    }
    entry.parse::<ipnet::IpNet>().map_or_else(|_| tags::holds(world, entry, address, view), |prefix| prefix.contains(&address))
}

/// Membership is an interface's: its private addresses, in its own network (application-security-groups).
fn is_member(world: &World, group: &str, address: IpAddr, view: Home<'_>) -> bool {
    world.interfaces.iter().any(|interface| {
        let home = world.home(&interface.subnet).network;
        let in_sight = same(&home.name, &view.network.name) || world.peering(view.network, home).is_some();
        in_sight && interface.application_groups.iter().any(|member| same(member, group)) && interface.addresses.contains(&address)
    })
}
