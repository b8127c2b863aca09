//! What is in a tag: `VirtualNetwork` that grows, `Internet` that does not, tags within tags, tags of regions
//! (service-tags-overview).

use crate::network::{allowed_by, denied_by, explain, findings, group, rule};

const TAGS: &str = "serviceTags:
  Storage.westeurope: [203.0.113.16/28]
  Storage.northeurope: [203.0.113.64/28]
  AzureCloud: [203.0.113.0/24]
";

/// A hub with an on-premises gateway, two spokes and a stranger; `a` of the hub has the rules and the routes.
fn network(rules: &[String], routes: &str, flags: &str) -> String {
    format!(
        "{TAGS}virtualNetworks:
  - name: hub
    addressPrefixes: [10.0.0.0/16, 10.9.0.0/16]
    defaultOutboundAddress: 192.0.2.10
    subnets:
      - {{ name: a, addressPrefix: 10.0.1.0/24, networkSecurityGroup: g, routeTable: t }}
      - {{ name: GatewaySubnet, addressPrefix: 10.0.255.0/27 }}
    peerings: [{{ remoteVirtualNetwork: spoke, allowGatewayTransit: true{flags} }}]
  - name: spoke
    addressPrefixes: [10.1.0.0/16]
    subnets: [{{ name: s, addressPrefix: 10.1.1.0/24, networkSecurityGroup: g }}]
    peerings: [{{ remoteVirtualNetwork: hub, useRemoteGateways: true }}, {{ remoteVirtualNetwork: far }}]
  - name: far
    addressPrefixes: [10.2.0.0/16]
    subnets: [{{ name: f, addressPrefix: 10.2.1.0/24 }}]
    peerings: [{{ remoteVirtualNetwork: spoke }}]
gateways:
  - {{ name: hq, type: Vpn, virtualNetwork: hub, addressPrefixes: [172.20.0.0/16, 198.51.100.128/25] }}
routeTables:
  - name: t
    routes: [{routes}]
ports:
  - {{ name: a, attach: hub/a }}
  - {{ name: s, attach: spoke/s }}
  - {{ name: hq, attach: gateway/hq }}
  - {{ name: internet, attach: internet }}
  - {{ name: platform, attach: platform }}
networkSecurityGroups:
{}",
        group("g", rules)
    )
}

/// Whether an outbound rule for `tag` sees what goes to `to`.
fn holds(tag: &str, to: &str, routes: &str, flags: &str) -> bool {
    let rules =
        [rule("r", 100, "Outbound", "Deny", &format!("destinationAddressPrefix: {tag}")), rule("rest", 101, "Outbound", "Deny", "")];
    let explanation = explain(&network(&rules, routes, flags), "hub/a/10.0.1.4", &format!("{to}:443"));
    match explanation.decided_by.as_deref() {
        Some("g/r") => true,
        Some("g/rest") => false,
        other => panic!("{to} is decided by {other:?}"),
    }
}

#[test]
fn virtual_network_is_the_network_its_peers_and_what_its_gateways_lead_to() {
    for (to, inside) in [
        ("10.0.7.7", true),
        ("10.9.1.1", true),
        ("10.1.200.1", true),
        ("172.20.1.1", true),
        ("198.51.100.200", true),
        ("10.2.1.4", false),
        ("10.3.0.1", false),
        ("172.21.0.1", false),
        ("198.51.100.20", false),
        ("203.0.113.20", false),
    ] {
        assert_eq!(holds("VirtualNetwork", to, "", ""), inside, "{to}");
    }
}

#[test]
fn a_peer_without_access_leaves_the_tag() {
    assert!(!holds("VirtualNetwork", "10.1.1.4", "", ", allowVirtualNetworkAccess: false"));
    assert!(holds("VirtualNetwork", "10.0.7.7", "", ", allowVirtualNetworkAccess: false"));
}

#[test]
fn transit_brings_the_remote_gateways_prefixes_and_peering_is_not_transitive() {
    let rules = [rule("r", 100, "Outbound", "Deny", "destinationAddressPrefix: VirtualNetwork"), rule("rest", 101, "Outbound", "Deny", "")];
    let text = network(&rules, "", "");
    denied_by(&text, "spoke/s/10.1.1.4", "172.20.1.1:443", "g/r");
    denied_by(&text, "spoke/s/10.1.1.4", "10.2.1.4:443", "g/r");
    denied_by(&text, "spoke/s/10.1.1.4", "10.3.1.4:443", "g/rest");
    let without = text.replace("useRemoteGateways: true", "useRemoteGateways: false");
    denied_by(&without, "spoke/s/10.1.1.4", "172.20.1.1:443", "g/rest");
}

#[test]
fn the_prefixes_of_a_subnets_own_routes_belong_to_the_tag() {
    let everything = "{ name: d, addressPrefix: 0.0.0.0/0, nextHopType: Internet }";
    assert!(holds("VirtualNetwork", "198.51.100.20", everything, ""));
    let some = "{ name: d, addressPrefix: 198.51.100.0/25, nextHopType: None }";
    assert!(holds("VirtualNetwork", "198.51.100.20", some, "") && !holds("VirtualNetwork", "203.0.113.20", some, ""));
    let tag = "{ name: d, addressPrefix: Storage, nextHopType: Internet }";
    assert!(holds("VirtualNetwork", "203.0.113.20", tag, "") && holds("VirtualNetwork", "203.0.113.70", tag, ""));
    assert!(!holds("VirtualNetwork", "203.0.113.100", tag, ""));
    // Another subnet's table changes nothing here.
    let rules = [rule("r", 100, "Outbound", "Deny", "destinationAddressPrefix: VirtualNetwork"), rule("rest", 101, "Outbound", "Deny", "")];
    denied_by(&network(&rules, everything, ""), "spoke/s/10.1.1.4", "198.51.100.20:443", "g/rest");
}

#[test]
fn a_default_route_lets_the_internet_through_a_rule_for_virtual_network() {
    let rules = [
        rule("vnet", 100, "Outbound", "Allow", "destinationAddressPrefix: VirtualNetwork"),
        rule("no-internet", 200, "Outbound", "Deny", "destinationAddressPrefix: Internet"),
    ];
    let routes = "{ name: d, addressPrefix: 0.0.0.0/0, nextHopType: Internet }";
    allowed_by(&network(&rules, routes, ""), "hub/a/10.0.1.4", "198.51.100.20:443", "g/vnet");
    denied_by(&network(&rules, "", ""), "hub/a/10.0.1.4", "198.51.100.20:443", "g/no-internet");
}

#[test]
fn internet_is_public_space_whatever_the_network_holds() {
    for (to, inside) in [
        ("1.0.0.0", true),
        ("9.255.255.255", true),
        ("10.3.0.1", false),
        ("11.0.0.0", true),
        ("100.63.255.255", true),
        ("100.64.0.0", false),
        ("100.127.255.255", false),
        ("100.128.0.0", true),
        ("168.63.129.15", true),
        ("168.63.129.17", true),
        ("172.15.255.255", true),
        ("172.31.0.100", false),
        ("172.32.0.0", true),
        ("192.167.255.255", true),
        ("192.168.0.1", false),
        ("192.169.0.0", true),
        ("203.0.113.20", true),
        ("223.255.255.255", true),
        // A public address on premises is in both tags.
        ("198.51.100.200", true),
    ] {
        assert_eq!(holds("Internet", to, "", ""), inside, "{to}");
        assert_eq!(holds("INTERNET", to, "{ name: d, addressPrefix: 0.0.0.0/0, nextHopType: Internet }", ""), inside, "{to}");
    }
}

#[test]
fn tags_of_regions_and_tags_within_tags() {
    for (tag, to, inside) in [
        ("Storage", "203.0.113.20", true),
        ("Storage", "203.0.113.70", true),
        ("Storage", "203.0.113.15", false),
        ("Storage", "203.0.113.32", false),
        ("storage.WestEurope", "203.0.113.16", true),
        ("Storage.westeurope", "203.0.113.31", true),
        ("Storage.westeurope", "203.0.113.70", false),
        ("Storage.northeurope", "203.0.113.70", true),
        ("AzureCloud", "203.0.113.20", true),
        ("AzureCloud", "203.0.113.255", true),
        ("AzureCloud", "203.0.114.0", false),
    ] {
        assert_eq!(holds(tag, to, "", ""), inside, "{tag} {to}");
    }
}

#[test]
fn of_overlapping_tags_the_priority_decides_and_not_the_length() {
    let rules = |first: &str, second: &str| {
        [
            rule("first", 100, "Outbound", "Allow", &format!("destinationAddressPrefix: {first}, destinationPortRange: '443'")),
            rule("second", 200, "Outbound", "Deny", &format!("destinationAddressPrefix: {second}")),
        ]
    };
    let text = network(&rules("Storage.westeurope", "Internet"), "", "");
    allowed_by(&text, "hub/a/10.0.1.4", "203.0.113.20:443", "g/first");
    denied_by(&text, "hub/a/10.0.1.4", "203.0.113.70:443", "g/second");
    denied_by(&text, "hub/a/10.0.1.4", "203.0.113.20:80", "g/second");
    let text = network(&rules("Internet", "Storage"), "", "");
    allowed_by(&text, "hub/a/10.0.1.4", "203.0.113.20:443", "g/first");
}

#[test]
fn a_tag_with_nothing_in_it_matches_nothing_and_warns() {
    assert!(!holds("AzureMonitor", "203.0.113.20", "", ""));
    let text = network(&[rule("r", 100, "Outbound", "Allow", "destinationAddressPrefix: AzureMonitor")], "", "");
    let warned: Vec<&str> = findings(&text).iter().map(|(code, _)| *code).collect();
    assert_eq!(warned, ["EMPTY_TAG"]);
}

#[test]
fn the_platforms_address_is_in_virtual_network_and_is_the_load_balancer() {
    let probe = |rules: &[String]| network(rules, "", "");
    allowed_by(&probe(&[]), "platform", "10.0.1.4:80", "g/AllowVnetInBound");
    let no_vnet = rule("no-vnet", 200, "Inbound", "Deny", "sourceAddressPrefix: VirtualNetwork");
    denied_by(&probe(std::slice::from_ref(&no_vnet)), "platform", "10.0.1.4:80", "g/no-vnet");
    let balancer = rule("probes", 100, "Inbound", "Allow", "sourceAddressPrefix: AzureLoadBalancer");
    allowed_by(&probe(&[no_vnet, balancer]), "platform", "10.0.1.4:80", "g/probes");
    // What belongs to no network still is the balancer's to ask: by the second default rule.
    let aside = rule("aside", 100, "Inbound", "Deny", "sourceAddressPrefix: Internet");
    allowed_by(&probe(&[aside]), "platform", "10.0.1.4:80", "g/AllowVnetInBound");
}
