//! Every refusal says what to change, by the names of the file; where a lint knows the surprise, the hint begins with its code.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]

use std::process::Command;

use causeway::config::code::Code;

/// Reason and hint of an explanation.
fn asked(network: &str, from: &str, to: &str) -> (String, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("net.yaml");
    std::fs::write(&file, network).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_causeway"))
        .arg("explain")
        .arg(&file)
        .args(["--from", from, "--to", to, "-o", "json"])
        .output()
        .unwrap();
    let json: serde_json::Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{from} {to}: {}", String::from_utf8_lossy(&output.stderr)));
    let text = |value: &serde_json::Value| value.as_str().unwrap_or("").to_owned();
    (text(&json["reason"]), text(&json["hint"]))
}

fn check(network: &str, cases: &[(&str, &str, &str, &str)]) {
    for (from, to, reason, expected) in cases {
        let (found, hint) = asked(network, from, to);
        assert_eq!(found, *reason, "{from} {to}: {hint}");
        assert!(hint.starts_with(expected), "{from} {to}: {hint}");
        if let Some((code, _)) =
            hint.split_once(':').filter(|(code, _)| code.chars().all(|letter| letter.is_ascii_uppercase() || letter == '_'))
        {
            assert!(Code::ALL.iter().any(|known| known.as_str() == code), "no page for {code}");
        }
    }
}

const SERVICES: &str = "
location: westeurope
serviceTags: { Storage.westeurope: [203.0.113.16/28], Sql.westeurope: [203.0.113.32/28] }
virtualNetworks:
  - name: shop
    addressPrefixes: [10.0.0.0/16]
    defaultOutboundAddress: 192.0.2.10
    subnets:
      - { name: web, addressPrefix: 10.0.1.0/24, serviceEndpoints: [Microsoft.Storage], serviceEndpointPolicies: [some] }
      - { name: plain, addressPrefix: 10.0.2.0/24 }
      - { name: shut, addressPrefix: 10.0.3.0/24, networkSecurityGroup: guard, serviceEndpoints: [Microsoft.Sql, Microsoft.Storage] }
networkSecurityGroups:
  - name: guard
    securityRules:
      - { name: sql, priority: 100, direction: Outbound, access: Allow, protocol: Tcp, sourceAddressPrefix: '*', sourcePortRange: '*', destinationAddressPrefix: Sql, destinationPortRange: '1433' }
      - { name: no-internet, priority: 200, direction: Outbound, access: Deny, protocol: '*', sourceAddressPrefix: '*', sourcePortRange: '*', destinationAddressPrefix: Internet, destinationPortRange: '*' }
      - { name: nobody, priority: 200, direction: Inbound, access: Deny, protocol: '*', sourceAddressPrefix: VirtualNetwork, sourcePortRange: '*', destinationAddressPrefix: '*', destinationPortRange: '*' }
services:
  - { name: orders, type: Microsoft.Storage/storageAccounts, addresses: [203.0.113.20], firewall: { defaultAction: Deny, ipRules: [192.0.2.10], virtualNetworkRules: [shop/shut] } }
  - { name: logs, type: Microsoft.Storage/storageAccounts, addresses: [203.0.113.21] }
  - { name: ledger, type: Microsoft.Sql/servers, addresses: [203.0.113.36], firewall: { virtualNetworkRules: [{ subnet: shop/plain, ignoreMissingVnetServiceEndpoint: true }] } }
  - { name: func, type: Microsoft.Web/sites, addresses: [203.0.113.50], firewall: { accessRestrictions: [{ action: Deny, ipAddress: 198.51.100.0/25 }] } }
serviceEndpointPolicies: [{ name: some, services: [orders] }]
ports:
  - { name: web1, attach: shop/web/10.0.1.4 }
  - { name: plain1, attach: shop/plain/10.0.2.4 }
  - { name: shut1, attach: shop/shut/10.0.3.4 }
  - { name: orders, attach: service/orders }
  - { name: logs, attach: service/logs }
  - { name: ledger, attach: service/ledger }
  - { name: func, attach: service/func }
  - { name: internet, attach: internet }
  - { name: platform, attach: platform }
";

#[test]
fn refusals_of_services_begin_with_the_surprise() {
    check(
        SERVICES,
        &[
            (
                "web1",
                "orders:443",
                "service-firewall-deny",
                "IPRULE_IGNORED_VNET_SOURCE: over an endpoint address rules are not looked at: add shop/web to virtualNetworkRules of orders",
            ),
            (
                "plain1",
                "orders:443",
                "service-firewall-deny",
                "SAME_REGION_NOT_PUBLIC: address rules of a storage account do not look at its own region: enable the Microsoft.Storage endpoint on shop/plain",
            ),
            (
                "plain1",
                "ledger:1433",
                "service-firewall-deny",
                "NO_SE_ON_SUBNET: shop/plain is listed, but without a Microsoft.Sql endpoint on it ledger sees 192.0.2.10",
            ),
            ("web1", "logs:443", "endpoint-policy-deny", "POLICY_EXCLUDES: list logs in the policy some"),
            (
                "internet/198.51.100.200",
                "func:443",
                "service-firewall-deny",
                "DEFAULT_DENY_IMPLIED: with its first access restriction func denies everybody else",
            ),
            ("internet/198.51.100.20", "func:443", "service-firewall-deny", "func/accessRestrictions[0] refuses it"),
            ("internet/198.51.100.200", "orders:443", "service-firewall-deny", "add 198.51.100.200 to ipRules of orders"),
        ],
    );
}

#[test]
fn refusals_of_groups_name_group_and_rule() {
    check(
        SERVICES,
        &[
            (
                "shut1",
                "ledger:11500",
                "nsg-deny",
                "SQL_REDIRECT_PORTS: ledger redirects its clients to tcp ports 11000-11999: give guard an outbound Allow rule",
            ),
            (
                "shut1",
                "orders:443",
                "nsg-deny",
                "ENDPOINT_BLOCKED: an endpoint bypasses no rule: give guard an outbound Allow rule for tcp port 443 to 203.0.113.20 and a lower priority number than no-internet",
            ),
            (
                "platform",
                "10.0.3.4:80",
                "nsg-deny",
                "PROBES_BLOCKED: health probes come from 168.63.129.16: give guard an inbound Allow rule for AzureLoadBalancer and a lower priority number than nobody",
            ),
            ("shut1", "198.51.100.20:443", "nsg-deny", "give guard an outbound Allow rule for tcp port 443 to 198.51.100.20"),
            ("plain1", "10.0.3.4:80", "nsg-deny", "give guard an inbound Allow rule for tcp port 80 from 10.0.2.4"),
        ],
    );
}

const WAYS: &str = "
virtualNetworks:
  - name: hub
    addressPrefixes: [10.0.0.0/16]
    subnets: [{ name: fw, addressPrefix: 10.0.9.0/24 }]
    peerings: [{ remoteVirtualNetwork: left }, { remoteVirtualNetwork: right, allowVirtualNetworkAccess: false }]
  - name: left
    addressPrefixes: [10.1.0.0/16]
    subnets:
      - { name: app, addressPrefix: 10.1.1.0/24 }
      - { name: routed, addressPrefix: 10.1.2.0/24, routeTable: out }
    peerings: [{ remoteVirtualNetwork: hub }]
  - name: right
    addressPrefixes: [10.2.0.0/16]
    subnets: [{ name: app, addressPrefix: 10.2.1.0/24 }]
    peerings: [{ remoteVirtualNetwork: hub }]
  - name: alone
    addressPrefixes: [10.3.0.0/16]
    subnets: [{ name: app, addressPrefix: 10.3.1.0/24 }]
networkInterfaces:
  - { name: firewall, subnet: hub/fw, privateIPAddress: 10.0.9.4 }
routeTables:
  - name: out
    routes:
      - { name: nowhere, addressPrefix: 198.51.100.0/25, nextHopType: None }
      - { name: inspect, addressPrefix: 198.51.100.128/25, nextHopType: VirtualAppliance, nextHopIpAddress: 10.0.9.4 }
services:
  - { name: func, type: Microsoft.Web/sites, addresses: [203.0.113.50] }
ports:
  - { name: fw, attach: hub/fw/10.0.9.4 }
  - { name: app, attach: left/app/10.1.1.4 }
  - { name: routed, attach: left/routed/10.1.2.4 }
  - { name: right, attach: right/app/10.2.1.4 }
  - { name: alone, attach: alone/app/10.3.1.4 }
  - { name: func, attach: service/func }
  - { name: internet, attach: internet }
";

#[test]
fn ways_that_lead_nowhere_say_which_networks_to_connect() {
    check(
        WAYS,
        &[
            ("app", "10.2.1.4:80", "route-none", "PEERING_NOT_TRANSITIVE: left and right are both peered with hub, not with each other"),
            ("app", "10.3.1.4:80", "route-none", "10.3.1.4 is in alone: peer it with left (both halves)"),
            ("app", "10.200.0.1:80", "route-none", "no network, peer or gateway has 10.200.0.1"),
            ("routed", "198.51.100.20:80", "route-none", "the route out/nowhere drops it"),
            ("routed", "198.51.100.200:80", "ip-forwarding-disabled", "APPLIANCE_FORWARDING: set enableIPForwarding: true on `firewall`"),
            (
                "app",
                "198.51.100.20:80",
                "no-route",
                "give the subnet a natGateway, the interface a publicIPAddress, or left a defaultOutboundAddress",
            ),
            (
                "fw",
                "10.2.1.4:80",
                "peering-blocked",
                "hub's half of the peering with right has allowVirtualNetworkAccess: false: set it to true",
            ),
            ("service/func", "10.1.1.4:80", "service-initiated", "a service only answers"),
            ("internet/198.51.100.20", "192.0.2.77:80", "destination-unknown", ""),
        ],
    );
    let (_, hint) = asked(WAYS, "internet/198.51.100.20", "192.0.2.77:80");
    assert!(hint.contains("from the internet only services and public addresses of interfaces are reached"), "{hint}");
}

#[test]
fn address_rules_are_no_advice_for_services_of_a_storage_accounts_region() {
    let file = |region: &str| {
        format!(
            "location: westeurope
services:
  - {{ name: vault, type: Microsoft.KeyVault/vaults, location: {region}, addresses: [203.0.113.60] }}
  - {{ name: orders, type: Microsoft.Storage/storageAccounts, addresses: [203.0.113.20], firewall: {{ defaultAction: Deny }} }}
ports:
  - {{ name: orders, attach: service/orders }}
"
        )
    };
    let deny = "service-firewall-deny";
    let here = "SAME_REGION_NOT_PUBLIC: address rules of a storage account do not look at its own region: orders lets vault in";
    check(&file("westeurope"), &[("service/vault", "orders:443", deny, here)]);
    check(&file("eastus"), &[("service/vault", "orders:443", deny, "add 203.0.113.60 to ipRules of orders")]);
}
