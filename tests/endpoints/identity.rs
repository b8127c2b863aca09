//! Whose identity a service sees: per subnet, not over peerings, through appliances, and behind wire prefixes.

use crate::asked::{ask, ask_with, found};
use crate::rig::{Rig, seen, tcp};

/// A spoke without endpoint, routed to an appliance in a subnet that has one, and a peer of the spoke's hub.
const HUB: &str = r#"
location: westeurope
virtualNetworks:
  - name: hub
    addressPrefixes: [10.0.0.0/16]
    defaultOutboundAddress: 192.0.2.1
    subnets:
      - { name: fw, addressPrefix: 10.0.9.0/24, wirePrefix: 192.168.9.0/24, serviceEndpoints: [Microsoft.Storage] }
    peerings: [{ remoteVirtualNetwork: spoke, allowForwardedTraffic: true }]
  - name: spoke
    addressPrefixes: [10.1.0.0/16]
    defaultOutboundAddress: 192.0.2.2
    subnets:
      - { name: app, addressPrefix: 10.1.1.0/24, routeTable: to-fw }
      - { name: bare, addressPrefix: 10.1.2.0/24 }
    peerings: [{ remoteVirtualNetwork: hub, allowForwardedTraffic: true }]
routeTables:
  - { name: to-fw, routes: [{ name: all, addressPrefix: 0.0.0.0/0, nextHopType: VirtualAppliance, nextHopIpAddress: 10.0.9.4 }] }
networkInterfaces:
  - { name: fw, subnet: hub/fw, privateIPAddress: 10.0.9.4, enableIPForwarding: true }
gateways: []
services:
  - { name: stg, type: Microsoft.Storage/storageAccounts, addresses: [203.0.113.20], firewall: { defaultAction: Deny, virtualNetworkRules: [hub/fw] } }
ports:
  - { name: fw, attach: hub/fw/10.0.9.4 }
  - { name: stg, attach: service/stg }
"#;

#[test]
fn what_an_appliance_forwards_has_its_subnets_identity() {
    // S5: the spoke's packet goes to the appliance, which hands it in from a subnet that the account lists.
    let first = ask(HUB, "spoke/app/10.1.1.4", "stg:443");
    assert_eq!(
        (first.reason().as_str(), first.next_hop().as_str(), first.seen().as_str()),
        ("forwarded", "VirtualAppliance", "Private 10.1.1.4 spoke/app")
    );
    let second = ask_with(HUB, "hub/fw/10.0.9.4", "stg:443", &["--source", "10.1.1.4"]);
    assert_eq!(second.gist(), ("forwarded".into(), "stg/virtualNetworkRules[0]".into(), "VirtualNetworkServiceEndpoint".into()));
    assert_eq!(second.seen(), "Private 10.1.1.4 hub/fw");
    // A proxy sends as itself; behind a wire prefix by its private address.
    let proxied = ask(HUB, "fw", "stg:443");
    assert_eq!((proxied.gist().1.as_str(), proxied.seen().as_str()), ("stg/virtualNetworkRules[0]", "Private 10.0.9.4 hub/fw"));
}

#[test]
fn packets_that_an_appliance_forwards_find_their_way_back_through_it() {
    let file = HUB.replace("ports:\n", "ports:\n  - { name: app, attach: spoke/app/10.1.1.4 }\n");
    let mut rig = Rig::new(&file);
    let to_appliance = rig.send("app", &tcp(("10.1.1.4", 40_000), ("203.0.113.20", 443), "S", 1, 0, b""));
    let there = seen(&to_appliance[0].bytes);
    assert_eq!(
        (to_appliance[0].port.as_str(), there.source.to_string().as_str(), there.destination.to_string().as_str()),
        ("fw", "10.1.1.4", "203.0.113.20")
    );
    let to_account = rig.send("fw", &tcp(("10.1.1.4", 40_000), ("203.0.113.20", 443), "S", 1, 0, b""));
    let there = seen(&to_account[0].bytes);
    assert_eq!((to_account[0].port.as_str(), there.source.to_string().as_str(), there.ports), ("stg", "10.1.1.4", (40_000, 443)));
    let back = rig.send("stg", &tcp(("203.0.113.20", 443), ("10.1.1.4", 40_000), "SA", 9, 2, b""));
    assert_eq!((back[0].port.as_str(), seen(&back[0].bytes).destination.to_string().as_str()), ("fw", "10.1.1.4"));
    let home = rig.send("fw", &tcp(("203.0.113.20", 443), ("10.1.1.4", 40_000), "SA", 9, 2, b""));
    assert_eq!((home[0].port.as_str(), seen(&home[0].bytes).ports), ("app", (443, 40_000)));
    // What the appliance sends itself has its wire address.
    let own = rig.send("fw", &tcp(("192.168.9.4", 40_001), ("203.0.113.20", 443), "S", 1, 0, b""));
    assert_eq!((own[0].port.as_str(), seen(&own[0].bytes).source.to_string().as_str()), ("stg", "10.0.9.4"));
}

#[test]
fn an_endpoint_on_the_spoke_goes_past_the_appliance() {
    let own = HUB.replace("routeTable: to-fw }", "routeTable: to-fw, serviceEndpoints: [Microsoft.Storage] }");
    let refused = ask(&own, "spoke/app/10.1.1.4", "stg:443");
    assert_eq!(refused.gist(), ("service-firewall-deny".into(), "stg/defaultAction".into(), "VirtualNetworkServiceEndpoint".into()));
    assert_eq!(refused.seen(), "Private 10.1.1.4 spoke/app");
}

#[test]
fn a_peers_endpoint_is_not_ones_own() {
    // S8.
    let refused = ask(HUB, "spoke/bare/10.1.2.4", "stg:443");
    assert_eq!(refused.gist(), ("service-firewall-deny".into(), "stg/defaultAction".into(), "Internet".into()));
    assert_eq!(refused.seen(), "Public 192.0.2.2");
}

#[test]
fn on_premises_uses_no_endpoint() {
    // S10, without addresses in the account's rules.
    let file = HUB
        .replace(
            "gateways: []",
            "gateways: [{ name: hq, type: Vpn, virtualNetwork: hub, addressPrefixes: [172.16.0.0/16], publicIPAddress: 198.51.100.7 }]",
        )
        .replace(
            "      - { name: fw,",
            "      - { name: GatewaySubnet, addressPrefix: 10.0.255.0/27, serviceEndpoints: [Microsoft.Storage] }\n      - { name: fw,",
        )
        .replace("virtualNetworkRules: [hub/fw]", "virtualNetworkRules: [hub/fw, hub/GatewaySubnet]");
    let refused = ask(&file, "gateway/hq/172.16.0.9", "stg:443");
    assert_eq!((refused.gist().1.as_str(), refused.seen().as_str()), ("stg/defaultAction", "Public 198.51.100.7"), "{}", refused.text);
    let listed = file.replace("virtualNetworkRules: [hub/fw, hub/GatewaySubnet]", "ipRules: [198.51.100.7]");
    assert_eq!(ask(&listed, "gateway/hq/172.16.0.9", "stg:443").gist().1, "stg/ipRules[0]");
}

#[test]
fn the_rule_of_a_deleted_subnet_matches_nothing() {
    // S19: the subnet was made anew under its old name.
    let state = HUB.replace("[hub/fw] }", "[{ subnet: hub/fw, state: networkSourceDeleted }] }");
    assert!(found(&state).iter().all(|(code, _)| *code == "ENDPOINT_UNUSED"), "{:?}", found(&state));
    let refused = ask(&state, "fw", "stg:443");
    assert_eq!(refused.gist(), ("service-firewall-deny".into(), "stg/defaultAction".into(), "VirtualNetworkServiceEndpoint".into()));
    let gone = HUB.replace("[hub/fw] }", "[{ subnet: hub/nowhere, state: NetworkSourceDeleted }] }");
    assert!(found(&gone).iter().all(|(code, _)| *code == "ENDPOINT_UNUSED"), "it may name what is gone: {:?}", found(&gone));
    assert_eq!(ask(&gone, "fw", "stg:443").reason(), "service-firewall-deny");
    let known = HUB.replace("[hub/fw] }", "[{ subnet: hub/fw, state: Succeeded }] }");
    assert_eq!(ask(&known, "fw", "stg:443").reason(), "forwarded");
}

#[test]
fn rules_of_another_region_are_refused_where_the_service_is_bound_to_its_own() {
    // S11, and the same for every service with that rule.
    for (kind, endpoint, refused) in [
        ("Microsoft.Sql/servers", "Microsoft.Sql", true),
        ("Microsoft.Synapse/workspaces", "Microsoft.Sql", true),
        ("Microsoft.DBforPostgreSQL/servers", "Microsoft.Sql", true),
        ("Microsoft.DBforMySQL/servers", "Microsoft.Sql", true),
        ("Microsoft.DBforMariaDB/servers", "Microsoft.Sql", true),
        ("Microsoft.DataLakeStore/accounts", "Microsoft.AzureActiveDirectory", true),
        ("Microsoft.Storage/storageAccounts", "Microsoft.Storage", false),
        ("Microsoft.KeyVault/vaults", "Microsoft.KeyVault", false),
        ("Microsoft.DocumentDB/databaseAccounts", "Microsoft.AzureCosmosDB", false),
    ] {
        let file = format!(
            "virtualNetworks:\n  - {{ name: n, location: westeurope, addressPrefixes: [10.0.0.0/16], subnets: [{{ name: s, addressPrefix: 10.0.1.0/24, serviceEndpoints: [{endpoint}] }}] }}\nservices:\n  - {{ name: d, type: {kind}, location: westus, addresses: [203.0.113.36], firewall: {{ defaultAction: Deny, virtualNetworkRules: [n/s] }} }}\n"
        );
        let is_refused = found(&file).contains(&("RULE_REGION", 4));
        assert_eq!(is_refused, refused, "{kind}");
    }
}
