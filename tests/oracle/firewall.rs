//! Firewalls of services, per kind.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;

use crate::network::{Firewall, RestrictionSource, Service, World};
use crate::places::{Home, same, within};
use crate::services::{KINDS, Trust, trust, trusts_by_default};
use crate::tags;

/// What a service sees of a client.
#[derive(Clone, Copy)]
pub enum Client<'w> {
    /// Over an endpoint: a subnet.
    Identity(Home<'w>),
    /// A public address; and the network that it came from, if it was one.
    Public { address: Ipv4Addr, network: Option<Home<'w>>, inside_azure: bool },
    /// Another service, with its public address: a source inside Azure.
    Service { address: Ipv4Addr, service: &'w Service },
}

impl Client<'_> {
    /// Its public address, and whether it comes from inside Azure.
    const fn public(self) -> Option<(Ipv4Addr, bool)> {
        match self {
            Self::Identity(_) => None,
            Self::Public { address, inside_azure, .. } => Some((address, inside_azure)),
            Self::Service { address, .. } => Some((address, true)),
        }
    }
}

/// What a firewall says.
pub enum Judgement {
    /// The service has none, and its kind is open without.
    NoFirewall,
    /// A packet does not tell.
    Untold,
    /// This rule decides, and whether it lets the client in.
    By(String, bool),
}

/// A rule that matches a client, or may.
struct Judged {
    rule: String,
    allow: bool,
    /// Whether it matches lies in what packets do not show.
    untold: bool,
}

fn judged(rule: impl Into<String>, allow: bool) -> Judged {
    Judged { rule: rule.into(), allow, untold: false }
}

fn untold(rule: impl Into<String>, allow: bool) -> Judged {
    Judged { rule: rule.into(), allow, untold: true }
}

/// Judges a client of `destination`, an address of the service.
pub fn judge(world: &World, service: &Service, client: Client<'_>, destination: IpAddr) -> Judgement {
    // An app with a private endpoint is closed to the public, unless it says otherwise (overview-access-restrictions).
    let is_private =
        service.kind == "Microsoft.Web/sites" && world.private_endpoints.iter().any(|endpoint| same(&endpoint.service, &service.name));
    if service.public_access_disabled || is_private {
        // Trusted services and resource rules "remain effective" (storage-network-security).
        let keeps = matches!(
            service.kind.as_str(),
            "Microsoft.Storage/storageAccounts"
                | "Microsoft.KeyVault/vaults"
                | "Microsoft.EventHub/namespaces"
                | "Microsoft.ServiceBus/namespaces"
                | "Microsoft.ContainerRegistry/registries"
        );
        let mut rules = service.firewall.as_ref().filter(|_| keeps).map_or_else(Vec::new, |firewall| exempt(service, firewall, client));
        rules.push(judged("publicNetworkAccess", false));
        return settle(rules);
    }
    let Some(firewall) = &service.firewall else {
        // "Server closed by default" (firewall-configure) is said of databases only.
        let is_database = KINDS.iter().any(|known| known.kind == service.kind && known.tag == "Sql");
        return if is_database { settle(vec![judged("defaultAction", false)]) } else { Judgement::NoFirewall };
    };
    settle(by_kind(world, service, firewall, client, destination))
}

/// The first rule that certainly matches decides, unless one before it may match and would decide otherwise.
fn settle(rules: Vec<Judged>) -> Judgement {
    let (open, certain): (Vec<Judged>, Vec<Judged>) = rules
        .into_iter()
        .scan(false, |done, rule| {
            let before = *done;
            *done |= !rule.untold;
            Some((before, rule))
        })
        .filter(|(done, _)| !done)
        .map(|(_, rule)| rule)
        .partition(|rule| rule.untold);
    let Some(rule) = certain.into_iter().next() else { return Judgement::Untold };
    if open.iter().any(|other| other.allow != rule.allow) { Judgement::Untold } else { Judgement::By(rule.rule, rule.allow) }
}

fn by_kind(world: &World, service: &Service, firewall: &Firewall, client: Client<'_>, destination: IpAddr) -> Vec<Judged> {
    match service.kind.as_str() {
        "Microsoft.Storage/storageAccounts" => storage(world, service, firewall, client),
        "Microsoft.DocumentDB/databaseAccounts" => cosmos(world, firewall, client),
        "Microsoft.EventHub/namespaces" | "Microsoft.ServiceBus/namespaces" => messaging(world, service, firewall, client),
        "Microsoft.Web/sites" => app_service(world, service, firewall, client, destination),
        "Microsoft.KeyVault/vaults" | "Microsoft.CognitiveServices/accounts" | "Microsoft.ContainerRegistry/registries" => {
            network_acls(world, service, firewall, client)
        }
        "Microsoft.DataLakeStore/accounts" => data_lake(world, firewall, client),
        _ => database(world, firewall, client),
    }
}

/// Services that pass for what they are: trusted ones, before all others, and resources that are listed by id
/// (storage-network-security).
fn exempt(service: &Service, firewall: &Firewall, client: Client<'_>) -> Vec<Judged> {
    let Client::Service { service: sender, .. } = client else { return Vec::new() };
    let mut rules = Vec::new();
    if firewall.trusts.unwrap_or_else(|| trusts_by_default(&service.kind)) {
        match trust(&service.kind, &sender.kind) {
            Trust::Always => rules.push(judged("bypass", true)),
            Trust::WithRole => rules.push(untold("bypass", true)),
            Trust::Never => {}
        }
    }
    let is_meant = |(kind, name): &(String, String)| same(kind, &sender.kind) && (name == "*" || same(name, &sender.name));
    let listed = firewall.resources.iter().position(is_meant);
    rules.extend(listed.map(|index| judged(format!("resourceAccessRules[{index}]"), true)));
    rules
}

/// Storage (storage-network-security): rules are inert until `defaultAction: Deny`; address rules never match clients in the
/// account's region.
fn storage(world: &World, service: &Service, firewall: &Firewall, client: Client<'_>) -> Vec<Judged> {
    if firewall.default_allow.unwrap_or(true) {
        return vec![judged("defaultAction", true)];
    }
    let same_region = |location: &Option<String>| same(world.location(location), world.location(&service.location));
    let beyond = match client {
        Client::Public { network: Some(home), .. } => !same_region(&home.network.location),
        Client::Service { service: sender, .. } => !same_region(&sender.location),
        _ => true,
    };
    let mut rules = exempt(service, firewall, client);
    rules.extend(network_rule(firewall, client));
    rules.extend(ip_rule(world, firewall, client).filter(|_| beyond));
    rules.extend(ip_range(world, firewall, client).filter(|_| beyond));
    rules.push(judged("defaultAction", false));
    rules
}

/// Key Vault and its like (key-vault general/network-security): off by default.
fn network_acls(world: &World, service: &Service, firewall: &Firewall, client: Client<'_>) -> Vec<Judged> {
    if firewall.default_allow.unwrap_or(true) {
        return vec![judged("defaultAction", true)];
    }
    let mut rules = exempt(service, firewall, client);
    rules.extend(allow_list(world, firewall, client));
    rules.push(judged("defaultAction", false));
    rules
}

/// SQL, Synapse, PostgreSQL, MySQL, MariaDB (firewall-configure): closed by default. What comes from outside is looked for in
/// the rules of the database that it asks for, which packets do not show, then in the server's.
fn database(world: &World, firewall: &Firewall, client: Client<'_>) -> Vec<Judged> {
    let default = judged("defaultAction", firewall.default_allow.unwrap_or(false));
    let of_one = firewall.databases.iter().any(|(_, ranges)| in_ranges(world, ranges, client).is_some());
    let mut rules: Vec<Judged> = of_one.then(|| untold("databases", true)).into_iter().collect();
    rules.extend(allow_list(world, firewall, client));
    rules.push(default);
    rules
}

/// Cosmos DB (how-to-configure-firewall): open while nothing is configured.
fn cosmos(world: &World, firewall: &Firewall, client: Client<'_>) -> Vec<Judged> {
    let filters = firewall.network_filter.unwrap_or(!firewall.network_rules.is_empty());
    let is_empty = firewall.ip_rules.is_empty() && firewall.ip_ranges.is_empty() && !filters;
    let mut rules: Vec<Judged> = network_rule(firewall, client).filter(|_| filters).into_iter().collect();
    rules.extend(ip_rule(world, firewall, client));
    rules.extend(ip_range(world, firewall, client));
    let default = firewall.default_allow.unwrap_or(is_empty);
    if default {
        rules.clear();
    }
    rules.push(judged("defaultAction", default));
    rules
}

/// Event Hubs, Service Bus (event-hubs-ip-filtering): open while there is no rule, and until `defaultAction: Deny`.
fn messaging(world: &World, service: &Service, firewall: &Firewall, client: Client<'_>) -> Vec<Judged> {
    let is_empty = firewall.ip_rules.is_empty() && firewall.ip_ranges.is_empty() && firewall.network_rules.is_empty();
    if is_empty {
        return vec![judged("defaultAction", true)];
    }
    network_acls(world, service, firewall, client)
}

/// Data Lake Gen1 (data-lake-store-network-security): its subnets' identity travels in tokens, which packets do not show.
fn data_lake(world: &World, firewall: &Firewall, client: Client<'_>) -> Vec<Judged> {
    if firewall.default_allow.unwrap_or(true) {
        return vec![judged("defaultAction", true)];
    }
    let is_listed = |home: Home<'_>| firewall.network_rules.iter().any(|rule| !rule.deleted && same(&rule.subnet, &home.name()));
    let by_token = matches!(client, Client::Public { network: Some(home), .. } | Client::Identity(home) if is_listed(home));
    let mut rules: Vec<Judged> = by_token.then(|| untold("virtualNetworkRules", true)).into_iter().collect();
    rules.extend(ip_rule(world, firewall, client));
    rules.extend(ip_range(world, firewall, client));
    rules.push(judged("defaultAction", false));
    rules
}

fn allow_list(world: &World, firewall: &Firewall, client: Client<'_>) -> Option<Judged> {
    network_rule(firewall, client).or_else(|| ip_rule(world, firewall, client)).or_else(|| ip_range(world, firewall, client))
}

/// Virtual network rules match identities, and nothing else does.
fn network_rule(firewall: &Firewall, client: Client<'_>) -> Option<Judged> {
    let Client::Identity(home) = client else { return None };
    let index = firewall.network_rules.iter().position(|rule| !rule.deleted && same(&rule.subnet, &home.name()))?;
    Some(judged(format!("virtualNetworkRules[{index}]"), true))
}

/// A client with one of Azure's own addresses is inside Azure, whoever it is.
fn in_azure(world: &World, address: Ipv4Addr) -> bool {
    within(&tags::prefixes(world, "AzureCloud"), IpAddr::V4(address))
}

fn ip_rule(world: &World, firewall: &Firewall, client: Client<'_>) -> Option<Judged> {
    let (address, inside_azure) = client.public()?;
    let holds = |text: &String| {
        let prefix = text.parse::<IpNet>().unwrap_or_else(|_| IpNet::from(text.parse::<IpAddr>().unwrap()));
        prefix.contains(&IpAddr::V4(address)) || (text == "0.0.0.0" && (inside_azure || in_azure(world, address)))
    };
    firewall.ip_rules.iter().position(holds).map(|index| judged(format!("ipRules[{index}]"), true))
}

fn ip_range(world: &World, firewall: &Firewall, client: Client<'_>) -> Option<Judged> {
    in_ranges(world, &firewall.ip_ranges, client).map(|index| judged(format!("ipRanges[{index}]"), true))
}

/// The first range that holds a client. The range 0.0.0.0 to 0.0.0.0 is every source inside Azure.
fn in_ranges(world: &World, ranges: &[(Ipv4Addr, Ipv4Addr)], client: Client<'_>) -> Option<usize> {
    let (address, inside_azure) = client.public()?;
    let holds = |(start, end): &(Ipv4Addr, Ipv4Addr)| {
        let is_azure = start.is_unspecified() && end.is_unspecified();
        (is_azure && (inside_azure || in_azure(world, address))) || (!is_azure && (*start..=*end).contains(&address))
    };
    ranges.iter().position(holds)
}

/// App Service (app-service-ip-restrictions): by priority, equal ones in list order; the first match decides. The unmatched:
/// the explicit default, else open without rules and closed with them. The deployment site has a list of its own, or the site's.
/// What headers a request has packets do not show.
fn app_service(world: &World, service: &Service, firewall: &Firewall, client: Client<'_>, destination: IpAddr) -> Vec<Judged> {
    let is_scm = service.scm.iter().any(|address| IpAddr::V4(*address) == destination);
    let (default_allow, list) = match &firewall.scm {
        Some((default_allow, list)) if is_scm => (*default_allow, list),
        _ => (firewall.default_allow, &firewall.restrictions),
    };
    let mut rules: Vec<_> = list.iter().collect();
    rules.sort_by_key(|rule| rule.priority);
    let public = client.public().map(|(address, _)| IpAddr::V4(address));
    let matching = rules.into_iter().filter(|rule| match (&rule.source, client) {
        (RestrictionSource::Any, _) | (RestrictionSource::AnyVnets, Client::Identity(_)) => true,
        (RestrictionSource::Subnet { subnet, .. }, Client::Identity(home)) => same(subnet, &home.name()),
        (RestrictionSource::Addresses(prefixes), _) => public.is_some_and(|address| within(prefixes, address)),
        (RestrictionSource::Tags(names), _) => {
            public.is_some_and(|address| names.iter().any(|tag| within(&tags::prefixes(world, tag), address)))
        }
        _ => false,
    });
    let mut judged_by: Vec<Judged> =
        matching.map(|rule| Judged { rule: rule.name.clone(), allow: rule.allow, untold: rule.headers }).collect();
    judged_by.push(judged("defaultAction", default_allow.unwrap_or(list.is_empty())));
    judged_by
}
