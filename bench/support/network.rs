//! A network of two hosts' subnets and a service.

use std::fmt::Write as _;

/// Two hosts' subnets and a service; the rules of every group are halved between its directions, and the last but one
/// lets ports 9000 and 443 pass.
pub(crate) fn text(rules: usize) -> String {
    let mut text = String::from(HEAD);
    for client in 4..12 {
        let _ = writeln!(
            text,
            "  - {{ name: client{client}, subnet: v/client, privateIPAddress: 10.1.0.{client}, networkSecurityGroup: client-nic }}"
        );
    }
    text.push_str("networkSecurityGroups:\n");
    for group in ["client-subnet", "client-nic", "server-subnet", "server-nic"] {
        let _ = writeln!(text, "  - name: {group}\n    securityRules:");
        for direction in ["Outbound", "Inbound"] {
            for rule in 0..(rules / 2).saturating_sub(2) {
                let _ = writeln!(text, "{}", filler(direction, rule));
            }
            let _ = writeln!(text, "{}\n{}", wide(direction, "Allow", 4095, "['9000', '443']"), wide(direction, "Deny", 4096, "['*']"));
        }
    }
    text
}

fn wide(direction: &str, access: &str, priority: u16, ports: &str) -> String {
    format!(
        "      - {{ name: {access}-{direction}, priority: {priority}, direction: {direction}, access: {access}, protocol: '*', sourceAddressPrefix: '*', sourcePortRange: '*', destinationAddressPrefix: '*', destinationPortRanges: {ports} }}"
    )
}

/// A rule that no packet of the benchmark matches.
fn filler(direction: &str, rule: usize) -> String {
    let (access, protocol) = (if rule.is_multiple_of(3) { "Deny" } else { "Allow" }, if rule.is_multiple_of(2) { "Tcp" } else { "Udp" });
    format!(
        "      - {{ name: r{rule}-{direction}, priority: {}, direction: {direction}, access: {access}, protocol: {protocol}, sourceAddressPrefix: 172.{}.{}.0/28, sourcePortRange: 1024-65535, destinationAddressPrefix: 198.51.100.0/24, destinationPortRange: {}-{} }}",
        100 + rule,
        16 + rule / 256,
        rule % 256,
        1000 + rule % 5000,
        1009 + rule % 5000
    )
}

const HEAD: &str = "\
location: westeurope
serviceTags: { Storage.westeurope: [203.0.113.16/28] }
virtualNetworks:
  - name: v
    addressPrefixes: [10.0.0.0/8]
    subnets:
      - { name: client, addressPrefix: 10.1.0.0/16, networkSecurityGroup: client-subnet, serviceEndpoints: [Microsoft.Storage] }
      - { name: server, addressPrefix: 10.2.0.0/24, networkSecurityGroup: server-subnet }
services:
  - { name: store, type: Microsoft.Storage/storageAccounts, addresses: [203.0.113.20], firewall: { defaultAction: Deny, virtualNetworkRules: [v/client] } }
ports:
  - { name: client, attach: v/client }
  - { name: server, attach: v/server/10.2.0.4 }
  - { name: store, attach: service/store }
networkInterfaces:
  - { name: server, subnet: v/server, privateIPAddress: 10.2.0.4, networkSecurityGroup: server-nic }
";
