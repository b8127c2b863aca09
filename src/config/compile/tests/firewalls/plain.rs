//! Random firewalls of every kind and random clients: the compiled decision against a plain reading of the lists, one
//! function a family of kinds, that shares nothing with the compiled one.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;
use proptest::prelude::*;

use super::super::build::*;
use crate::config::network::*;
use crate::policy::service_firewall::{ClientSide, Judgement};

const KINDS: [&str; 14] = [
    "Microsoft.Storage/storageAccounts",
    "Microsoft.KeyVault/vaults",
    "Microsoft.CognitiveServices/accounts",
    "Microsoft.ContainerRegistry/registries",
    "Microsoft.EventHub/namespaces",
    "Microsoft.ServiceBus/namespaces",
    "Microsoft.Sql/servers",
    "Microsoft.Synapse/workspaces",
    "Microsoft.DBforPostgreSQL/servers",
    "Microsoft.DBforMySQL/servers",
    "Microsoft.DBforMariaDB/servers",
    "Microsoft.DocumentDB/databaseAccounts",
    "Microsoft.Web/sites",
    "Contoso.Unheard/of",
];
const PREFIXES: [&str; 5] = ["0.0.0.0/32", "0.0.0.0/0", "198.51.100.0/24", "192.0.2.10/32", "203.0.113.0/24"];
const ADDRESSES: [&str; 5] = ["0.0.0.0", "198.51.100.7", "198.51.101.0", "192.0.2.10", "203.0.113.100"];
/// The index of the only other service, of a type that every kind trusts or none.
const SENDER: usize = 1;

fn anywhere() -> Position {
    Position { line: 7, column: 7 }
}

fn access() -> impl Strategy<Value = Access> {
    prop::sample::select(&[Access::Allow, Access::Deny][..])
}

fn subnet_rules() -> impl Strategy<Value = Vec<VirtualNetworkRule>> {
    let rule = prop::option::of(0usize..3)
        .prop_map(|subnet| VirtualNetworkRule { subnet: subnet.map(SubnetIndex), ..network_rule(SubnetIndex(0)) });
    prop::collection::vec(rule, 0..3)
}

fn ip_rules() -> impl Strategy<Value = Vec<(IpNet, Position)>> {
    prop::collection::vec(prop::sample::select(&PREFIXES[..]).prop_map(|text| (parsed(text), anywhere())), 0..3)
}

fn restrictions() -> impl Strategy<Value = Vec<AccessRestriction>> {
    let source = prop_oneof![
        (0usize..3).prop_map(|subnet| RestrictionSource::Subnet { subnet: SubnetIndex(subnet), ignore_missing_endpoint: true }),
        prop::sample::select(&PREFIXES[..]).prop_map(|text| RestrictionSource::Addresses(vec![parsed(text)])),
        Just(RestrictionSource::AnyVirtualNetwork),
        Just(RestrictionSource::Any),
    ];
    let rule = (source, access(), 1u32..4, prop::bool::weighted(0.3)).prop_map(|(source, action, priority, header_filter)| {
        AccessRestriction { named: named("r", 1), priority, action, source, header_filter }
    });
    prop::collection::vec(rule, 0..5).prop_map(|mut rules| {
        rules.iter_mut().enumerate().for_each(|(index, rule)| rule.named.name = format!("r{index}"));
        rules
    })
}

#[derive(Clone, Debug)]
struct Case {
    kind: &'static str,
    firewall: ServiceFirewall,
    access: Option<PublicNetworkAccess>,
    private_endpoint: bool,
    sender: &'static str,
}

fn case() -> impl Strategy<Value = Case> {
    let ends = || prop::sample::select(&ADDRESSES[..]).prop_map(parsed::<Ipv4Addr>);
    let range = (ends(), ends()).prop_map(|(a, b)| (a.min(b)..=a.max(b), anywhere()));
    let lists = (subnet_rules(), ip_rules(), prop::collection::vec(range, 0..2), restrictions());
    let switches = (prop::option::of(access()), prop::option::of(any::<bool>()), prop::option::of(any::<bool>()));
    let firewall = (lists, switches).prop_map(|((subnets, addresses, ranges, restrictions), (default, trusts, filter))| ServiceFirewall {
        default_action: default.map(|access| (access, anywhere())),
        trusts_services: trusts.map(|trusts| (trusts, anywhere())),
        virtual_network_filter: filter,
        virtual_network_rules: subnets,
        ip_rules: addresses,
        ip_ranges: ranges,
        access_restrictions: restrictions,
        ..ServiceFirewall::default()
    });
    let access = prop::option::weighted(
        0.4,
        prop::sample::select(&[PublicNetworkAccess::Enabled, PublicNetworkAccess::Disabled, PublicNetworkAccess::SecuredByPerimeter][..]),
    );
    let sender = prop::sample::select(&["Microsoft.Insights/components", "Microsoft.Web/sites"][..]);
    (prop::sample::select(&KINDS[..]), firewall, access, any::<bool>(), sender)
        .prop_map(|(kind, firewall, access, private_endpoint, sender)| Case { kind, firewall, access, private_endpoint, sender })
}

fn clients() -> Vec<ClientSide> {
    let client = |address: &str, subnet, service, over_endpoint, same_region| ClientSide {
        address: parsed(address),
        subnet,
        service,
        over_endpoint,
        same_region,
    };
    let mut all = Vec::new();
    for subnet in 0..3 {
        all.push(client("10.0.0.4", Some(subnet), None, true, true));
        all.extend([true, false].map(|here| client("192.0.2.10", Some(subnet), None, false, here)));
    }
    all.extend(ADDRESSES.map(|address| client(address, None, None, false, false)));
    all.extend([true, false].map(|here| client("203.0.113.100", None, Some(SENDER), false, here)));
    all
}

/// (Allow or Deny, rule); `None`: cannot be told.
type Answer = Option<(Access, String)>;

fn said(access: Access, rule: impl Into<String>) -> Answer {
    Some((access, rule.into()))
}

fn plain(case: &Case, client: &ClientSide) -> Answer {
    let web = case.kind == "Microsoft.Web/sites";
    let trusting = trusts(case, client);
    match case.access {
        Some(PublicNetworkAccess::SecuredByPerimeter) => return None,
        Some(PublicNetworkAccess::Disabled) if trusting => return said(Access::Allow, "bypass"),
        Some(PublicNetworkAccess::Disabled) => return said(Access::Deny, "publicNetworkAccess"),
        None if web && case.private_endpoint => return said(Access::Deny, "publicNetworkAccess"),
        _ => {}
    }
    if web { app(case, client) } else { lists(case, client, trusting) }
}

/// Storage, registries and namespaces trust Azure Monitor or nobody here; vaults and the rest neither.
fn trusts(case: &Case, client: &ClientSide) -> bool {
    let monitor = client.service == Some(SENDER) && case.sender.starts_with("Microsoft.Insights");
    let given = case.firewall.trusts_services.map(|(trusts, _)| trusts);
    match case.kind {
        "Microsoft.Storage/storageAccounts" => monitor && given.unwrap_or(true),
        "Microsoft.EventHub/namespaces" | "Microsoft.ServiceBus/namespaces" => monitor && given.unwrap_or(false),
        _ => false,
    }
}

fn lists(case: &Case, client: &ClientSide, trusting: bool) -> Answer {
    let Case { kind, firewall, .. } = case;
    let sql = ["Sql/", "Synapse/", "DBfor"].iter().any(|part| kind.contains(part));
    let cosmos = kind.contains("DocumentDB");
    let filter_off = firewall.virtual_network_filter == Some(false);
    let subnets: &[VirtualNetworkRule] = if filter_off { &[] } else { &firewall.virtual_network_rules };
    let rules = subnets.len() + firewall.ip_rules.len() + firewall.ip_ranges.len();
    let namespace = kind.contains("EventHub") || kind.contains("ServiceBus");
    let by_itself = if sql {
        Access::Deny
    } else if cosmos || kind.contains("Contoso") {
        if rules > 0 || firewall.virtual_network_filter == Some(true) { Access::Deny } else { Access::Allow }
    } else {
        Access::Allow
    };
    let default = firewall.default_action.map_or(by_itself, |(access, _)| access);
    if default == Access::Allow || (namespace && rules == 0) {
        return said(Access::Allow, "defaultAction");
    }
    if trusting {
        return said(Access::Allow, "bypass");
    }
    if let Some(at) = subnets.iter().position(|rule| client.over_endpoint && rule.subnet.map(|subnet| subnet.0) == client.subnet) {
        return said(Access::Allow, format!("virtualNetworkRules[{at}]"));
    }
    if !client.over_endpoint {
        let inside = client.subnet.is_some() || client.service.is_some();
        let storage = kind.contains("Storage");
        let listed = |first: IpAddr, last: IpAddr, holds: bool| {
            let zero: IpAddr = parsed("0.0.0.0");
            if first == zero && last == zero && (sql || cosmos) { inside } else { holds && !(storage && client.same_region) }
        };
        let prefix = |(prefix, _): &(IpNet, Position)| listed(prefix.network(), prefix.broadcast(), prefix.contains(&client.address));
        if let Some(at) = firewall.ip_rules.iter().position(prefix) {
            return said(Access::Allow, format!("ipRules[{at}]"));
        }
        let IpAddr::V4(own) = client.address else { unreachable!() };
        let range =
            firewall.ip_ranges.iter().position(|(range, _)| listed((*range.start()).into(), (*range.end()).into(), range.contains(&own)));
        if let Some(at) = range {
            return said(Access::Allow, format!("ipRanges[{at}]"));
        }
    }
    said(Access::Deny, "defaultAction")
}

fn app(case: &Case, client: &ClientSide) -> Answer {
    let rules = &case.firewall.access_restrictions;
    let default = case.firewall.default_action.map_or(if rules.is_empty() { Access::Allow } else { Access::Deny }, |(access, _)| access);
    let mut open = Vec::new();
    for priority in 1..4 {
        for rule in rules.iter().filter(|rule| rule.priority == priority) {
            let meant = match &rule.source {
                RestrictionSource::Subnet { subnet, .. } => client.over_endpoint && client.subnet == Some(subnet.0),
                RestrictionSource::Addresses(prefixes) => {
                    !client.over_endpoint && prefixes.iter().any(|prefix| prefix.contains(&client.address))
                }
                RestrictionSource::AnyVirtualNetwork => client.over_endpoint,
                _ => true,
            };
            match (meant, rule.header_filter) {
                (true, true) => open.push(rule.action),
                (true, false) => return told(&open, rule.action, &rule.named.name),
                _ => {}
            }
        }
    }
    told(&open, default, "defaultAction")
}

fn told(open: &[Access], access: Access, rule: &str) -> Answer {
    if open.iter().all(|other| *other == access) { said(access, rule) } else { None }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn every_client_meets_what_a_plain_reading_says(case in case()) {
        let mut build = Build::default();
        let network = build.network("v", "10.0.0.0/16");
        for at in 0..3 {
            build.subnet(network, &format!("s{at}"), &format!("10.0.{at}.0/24"));
        }
        let service = build.service("s", case.kind, "203.0.113.20", Some(case.firewall.clone()));
        build.network.services[service.0].public_network_access = case.access.map(|access| (access, anywhere()));
        build.network.services[service.0].has_private_endpoint = case.private_endpoint;
        build.service("sender", case.sender, "203.0.113.100", None);
        let asked = build.compile();
        let firewall = asked.snapshot.services[service.0].firewall.as_ref().unwrap();
        for client in clients() {
            let answer = match firewall.decide(&client) {
                Judgement::By(rule) => said(rule.access, rule.name.clone()),
                Judgement::Unknown(..) => None,
            };
            prop_assert_eq!(answer, plain(&case, &client), "{:?}", client);
        }
    }
}
