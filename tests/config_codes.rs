//! A network file for every finding, with the exact code, line and column of all that is found in it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]

use causeway::config::code::{Code, Severity};
use causeway::config::load::load_text;

/// A text, and the code, line and column of each finding.
type Case = (&'static str, &'static [(&'static str, u32, u32)]);

/// Errors that a network file's text alone cannot have: they are about files, and `config_files` has them; or about
/// scenarios, and `scenario_files` has them.
const OF_FILES: [&str; 5] = ["FILE_UNREADABLE", "FILE_TOO_LARGE", "ENCODING", "TAGS_FILE", "QUESTION"];

#[rustfmt::skip]
const CASES: &[Case] = &[
    ("", &[("FILE_EMPTY", 0, 0)]),
    ("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\n", &[("TOO_DEEP", 1, 65)]),
    ("location: 'open\n", &[("SYNTAX", 1, 11)]),
    ("location: &a westeurope\n", &[("YAML_FEATURE", 1, 11)]),
    ("location: !!str x\n", &[("YAML_FEATURE", 1, 11)]),
    ("location: a\nLOCATION: b\n", &[("DUPLICATE_PROPERTY", 2, 1)]),
    ("locaton: x\n", &[("UNKNOWN_PROPERTY", 1, 1)]),
    ("ports:\n  - { name: p }\n", &[("MISSING_PROPERTY", 2, 5)]),
    ("ports: internet\n", &[("WRONG_TYPE", 1, 8)]),
    ("options: { tcpWithoutHandshake: dropp }\n", &[("BAD_VALUE", 1, 33)]),
    ("ports:\n  - { name: -p, attach: internet }\n", &[("BAD_NAME", 2, 13)]),
    ("natGateways:\n  - { name: n, publicIPAddresses: [1.2.3] }\n", &[("BAD_ADDRESS", 2, 36)]),
    ("serviceTags: { Storage: [10.0.0.1/8] }\n", &[("BAD_PREFIX", 1, 26)]),
    ("networkSecurityGroups:\n  - name: g\n    securityRules:\n      - { name: r, priority: 100, direction: Inbound, access: Allow, protocol: Tcp, sourceAddressPrefix: '*', sourcePortRange: '*', destinationAddressPrefix: '*', destinationPortRange: '70000' }\n", &[("BAD_PORT", 4, 186)]),
    ("networkSecurityGroups:\n  - name: g\n    securityRules:\n      - { name: r, priority: 100, direction: Inbound, access: Allow, protocol: Tcp, sourceAddressPrefix: '*', sourcePortRange: '*', destinationAddressPrefix: '*', destinationPortRange: 90-80 }\n", &[("BACKWARDS_RANGE", 4, 186)]),
    ("services:\n  - { name: d, type: Microsoft.Sql/servers, addresses: [203.0.113.36], firewall: { ipRanges: [{ start: 198.51.100.9, end: 198.51.100.1 }] } }\n", &[("BACKWARDS_RANGE", 2, 104)]),
    ("networkSecurityGroups:\n  - name: g\n    securityRules:\n      - { name: r, priority: 99, direction: Inbound, access: Allow, protocol: Tcp, sourceAddressPrefix: '*', sourcePortRange: '*', destinationAddressPrefix: '*', destinationPortRange: '80' }\n", &[("OUT_OF_RANGE", 4, 30)]),
    ("networkSecurityGroups:\n  - name: g\n    securityRules:\n      - { name: r, priority: 100, direction: Inbound, access: Allow, protocol: Tcp, sourceAddressPrefix: '*', sourcePortRange: '*', destinationAddressPrefix: '*', destinationPortRange: '80', sourceAddressPrefixes: [10.0.0.0/8] }\n", &[("BOTH_FORMS", 4, 215)]),
    ("virtualNetworks:\n  - { name: v, addressPrefixes: [10.0.0.0/16], subnets: [{ name: s, addressPrefix: 10.0.1.0/24, routeTable: t }] }\n", &[("UNKNOWN_NAME", 2, 109)]),
    ("ports:\n  - { name: p, attach: internet }\n  - { name: P, attach: platform }\n", &[("DUPLICATE_NAME", 3, 13)]),
    ("networkSecurityGroups:\n  - name: g\n    securityRules:\n      - { name: r, priority: 100, direction: Inbound, access: Allow, protocol: Tcp, sourceAddressPrefix: '*', sourcePortRange: '*', destinationAddressPrefix: '*', destinationPortRange: '80' }\n      - { name: q, priority: 100, direction: Inbound, access: Allow, protocol: Tcp, sourceAddressPrefix: '*', sourcePortRange: '*', destinationAddressPrefix: '*', destinationPortRange: '80' }\n", &[("DUPLICATE_PRIORITY", 5, 30)]),
    ("networkSecurityGroups:\n  - name: g\n    securityRules:\n      - { name: r, priority: 100, direction: Inbound, access: Allow, protocol: Tcp, sourceAddressPrefix: Storge, sourcePortRange: '*', destinationAddressPrefix: '*', destinationPortRange: '80' }\n", &[("UNKNOWN_TAG", 4, 106)]),
    ("serviceTags: { Internet: [10.0.0.0/8] }\n", &[("BAD_TAG", 1, 16)]),
    ("virtualNetworks:\n  - { name: v, addressPrefixes: [169.254.1.0/24] }\n", &[("RESERVED_RANGE", 2, 34)]),
    ("virtualNetworks:\n  - { name: v, addressPrefixes: [10.0.0.0/16], subnets: [{ name: s, addressPrefix: 10.0.1.0/30 }] }\n", &[("SUBNET_SIZE", 2, 84)]),
    ("virtualNetworks:\n  - { name: v, addressPrefixes: [10.0.0.0/16], subnets: [{ name: s, addressPrefix: 10.1.1.0/24 }] }\n", &[("SUBNET_OUTSIDE", 2, 84)]),
    ("virtualNetworks:\n  - { name: v, addressPrefixes: [10.0.0.0/16], subnets: [{ name: s, addressPrefix: 10.0.1.0/24 }, { name: t, addressPrefix: 10.0.1.128/25 }] }\n", &[("SUBNET_OVERLAP", 2, 125)]),
    ("virtualNetworks:\n  - { name: a, addressPrefixes: [10.0.0.0/16], peerings: [{ remoteVirtualNetwork: b }] }\n  - { name: b, addressPrefixes: [10.0.128.0/17], peerings: [{ remoteVirtualNetwork: a }] }\n", &[("PEER_OVERLAP", 2, 83), ("PEER_OVERLAP", 3, 85)]),
    ("virtualNetworks:\n  - { name: a, addressPrefixes: [10.0.0.0/16], peerings: [{ remoteVirtualNetwork: a }] }\n  - { name: b, addressPrefixes: [10.1.0.0/16], peerings: [] }\n", &[("BAD_PEERING", 2, 83)]),
    ("virtualNetworks:\n  - { name: a, addressPrefixes: [10.0.0.0/16], peerings: [{ remoteVirtualNetwork: b }, { remoteVirtualNetwork: b }] }\n  - { name: b, addressPrefixes: [10.1.0.0/16], peerings: [{ remoteVirtualNetwork: a }] }\n", &[("BAD_PEERING", 2, 112)]),
    ("virtualNetworks:\n  - { name: v, addressPrefixes: [10.0.0.0/16], subnets: [{ name: s, addressPrefix: 10.0.1.0/24, wirePrefix: 192.168.0.0/25 }] }\n", &[("WIRE_PREFIX", 2, 109)]),
    ("virtualNetworks:\n  - { name: v, addressPrefixes: [10.0.0.0/16], subnets: [{ name: s, addressPrefix: 10.0.1.0/24 }] }\nnetworkInterfaces:\n  - { name: i, subnet: v/s, privateIPAddress: 10.0.1.255 }\n", &[("RESERVED_ADDRESS", 4, 47)]),
    ("virtualNetworks:\n  - { name: v, addressPrefixes: [10.0.0.0/16], subnets: [{ name: s, addressPrefix: 10.0.1.0/24 }] }\nnetworkInterfaces:\n  - { name: i, subnet: v/s, privateIPAddress: 10.0.2.4 }\n", &[("ADDRESS_OUTSIDE", 4, 47)]),
    ("services:\n  - { name: a, type: Microsoft.Web/sites, addresses: [168.63.129.16] }\n", &[("BAD_ADDRESS", 2, 55)]),
    ("services:\n  - { name: a, type: Microsoft.Web/sites, addresses: [224.0.0.1] }\n", &[("BAD_ADDRESS", 2, 55)]),
    ("services:\n  - { name: a, type: Microsoft.Web/sites, addresses: [127.0.0.1] }\n", &[("BAD_ADDRESS", 2, 55)]),
    ("services:\n  - { name: a, type: Microsoft.Web/sites, addresses: [203.0.113.50] }\n  - { name: b, type: Microsoft.Web/sites, addresses: [203.0.113.50] }\n", &[("ADDRESS_CLASH", 3, 55)]),
    ("virtualNetworks:\n  - { name: v, addressPrefixes: [10.0.0.0/16], subnets: [{ name: s, addressPrefix: 10.0.1.0/24 }] }\nnetworkInterfaces:\n  - { name: i, subnet: v/s, privateIPAddress: 10.0.1.4 }\n  - { name: j, subnet: v/s, privateIPAddress: 10.0.1.4 }\n", &[("ADDRESS_CLASH", 5, 47)]),
    ("services:\n  - { name: f, type: Microsoft.Web/sites, addresses: [203.0.113.50], firewall: { accessRestrictions: [{ name: r, priority: 1, action: Allow, ipAddress: '1.1.1.1,1.1.1.2,1.1.1.3,1.1.1.4,1.1.1.5,1.1.1.6,1.1.1.7,1.1.1.8,1.1.1.9' }] } }\n", &[("LIMIT_EXCEEDED", 2, 153)]),
    ("routeTables:\n  - { name: t, routes: [{ name: r, addressPrefix: 0.0.0.0/0, nextHopType: VNetPeering }] }\n", &[("BAD_VALUE", 2, 75)]),
    ("routeTables:\n  - { name: t, routes: [{ name: r, addressPrefix: 0.0.0.0/0, nextHopType: VirtualAppliance }] }\n", &[("BAD_ROUTE", 2, 75)]),
    ("routeTables:\n  - { name: t, routes: [{ name: r, addressPrefix: 0.0.0.0/0, nextHopType: Internet, nextHopIpAddress: 10.0.0.4 }] }\n", &[("BAD_ROUTE", 2, 103)]),
    ("routeTables:\n  - { name: t, routes: [{ name: r, addressPrefix: 0.0.0.0/0, nextHopType: Internet }, { name: q, addressPrefix: 0.0.0.0/0, nextHopType: None }] }\n", &[("BAD_ROUTE", 2, 113)]),
    ("virtualNetworks:\n  - { name: v, addressPrefixes: [10.0.0.0/16], subnets: [{ name: GatewaySubnet, addressPrefix: 10.0.1.0/24, networkSecurityGroup: g }] }\nnetworkSecurityGroups:\n  - { name: g }\n", &[("GATEWAY_SUBNET", 2, 131)]),
    ("virtualNetworks:\n  - { name: v, addressPrefixes: [10.0.0.0/16], subnets: [{ name: GatewaySubnet, addressPrefix: 10.0.1.0/24, routeTable: t }] }\nrouteTables:\n  - { name: t, routes: [{ name: r, addressPrefix: 0.0.0.0/0, nextHopType: None }] }\n", &[("GATEWAY_SUBNET", 2, 121)]),
    ("virtualNetworks:\n  - { name: v, addressPrefixes: [10.0.0.0/16], subnets: [{ name: s, addressPrefix: 10.0.1.0/24 }] }\ngateways:\n  - { name: hq, type: Vpn, virtualNetwork: v, addressPrefixes: [172.16.0.0/16] }\n", &[("GATEWAY_SUBNET", 4, 44)]),
    ("virtualNetworks:\n  - { name: v, addressPrefixes: [10.0.0.0/16], subnets: [{ name: s, addressPrefix: 10.0.1.0/24, serviceEndpoints: [Microsoft.Storage, Microsoft.Storage.Global] }] }\n", &[("ENDPOINT_CONFLICT", 2, 135)]),
    ("virtualNetworks:\n  - { name: v, addressPrefixes: [10.0.0.0/16], subnets: [{ name: s, addressPrefix: 10.0.1.0/24, serviceEndpoints: [Microsoft.Storage, microsoft.storage] }] }\n", &[("ENDPOINT_CONFLICT", 2, 135)]),
    ("virtualNetworks:\n  - { name: v, addressPrefixes: [10.0.0.0/16], subnets: [{ name: s, addressPrefix: 10.0.1.0/24 }] }\nservices:\n  - { name: a, type: Microsoft.Storage/storageAccounts, addresses: [203.0.113.20], firewall: { defaultAction: Deny, virtualNetworkRules: [v/s] } }\n", &[("ENDPOINT_MISSING", 4, 139)]),
    ("location: westeurope\nvirtualNetworks:\n  - { name: v, addressPrefixes: [10.0.0.0/16], subnets: [{ name: s, addressPrefix: 10.0.1.0/24, serviceEndpoints: [Microsoft.Sql] }] }\nservices:\n  - { name: d, type: Microsoft.Sql/servers, location: eastus, addresses: [203.0.113.36], firewall: { virtualNetworkRules: [v/s] } }\n", &[("RULE_REGION", 5, 124)]),
    ("services:\n  - { name: a, type: Microsoft.Storage/storageAccounts, addresses: [203.0.113.20], firewall: { defaultAction: Deny, ipRules: [192.168.0.1] } }\n", &[("IP_RULE", 2, 127)]),
    ("services:\n  - { name: a, type: Microsoft.Storage/storageAccounts, addresses: [203.0.113.20], firewall: { defaultAction: Deny, ipRules: [198.51.100.0/31] } }\n", &[("IP_RULE", 2, 127)]),
    ("services:\n  - { name: a, type: Microsoft.EventHub/namespaces, addresses: [203.0.113.20], sku: Basic, firewall: { defaultAction: Deny, ipRules: [198.51.100.1] } }\n", &[("SERVICE_TIER", 2, 85)]),
    ("services:\n  - { name: a, type: Microsoft.EventHub/namespaces, addresses: [203.0.113.20], firewall: { defaultAction: Deny, ipRules: [10.1.1.1] } }\n", &[("PRIVATE_IP_RULE", 2, 123)]),
    ("services:\n  - { name: f, type: Microsoft.Web/sites, addresses: [203.0.113.50] }\nserviceEndpointPolicies:\n  - { name: p, services: [f] }\n", &[("POLICY_SERVICE", 4, 27)]),
    ("virtualNetworks:\n  - { name: v, addressPrefixes: [10.0.0.0/16], subnets: [{ name: s, addressPrefix: 10.0.1.0/24, serviceEndpointPolicies: [p] }] }\nservices:\n  - { name: a, type: Microsoft.Storage/storageAccounts, addresses: [203.0.113.20] }\nserviceEndpointPolicies:\n  - { name: p, services: [a] }\n", &[("POLICY_SERVICE", 2, 123)]),
    ("services:\n  - { name: a, type: Microsoft.Storage/storageAccounts, addresses: [203.0.113.20], sourceEncoding: ServiceTunnel }\n", &[("TUNNEL_KEY", 2, 100)]),
    ("virtualNetworks:\n  - { name: v, addressPrefixes: [10.0.0.0/16], subnets: [{ name: s, addressPrefix: 10.0.1.0/24, serviceEndpoints: [Microsoft.Storage] }] }\nservices:\n  - { name: a, type: Microsoft.Storage/storageAccounts, addresses: [203.0.113.20], sourceEncoding: ServiceTunnel, tunnelPrefix: '2603:10e1:100:2::/96' }\n", &[("TUNNEL_KEY", 2, 116)]),
    ("virtualNetworks:\n  - { name: v, addressPrefixes: [10.0.0.0/16], subnets: [{ name: s, addressPrefix: 10.0.1.0/24, tunnelKey: 5 }, { name: t, addressPrefix: 10.0.2.0/24, tunnelKey: 5 }] }\n", &[("TUNNEL_KEY", 2, 163)]),
    ("virtualNetworks:\n  - { name: v, addressPrefixes: [10.0.0.0/16], subnets: [{ name: s, addressPrefix: 10.0.1.0/24, tunnelKey: 0 }] }\n", &[("OUT_OF_RANGE", 2, 108)]),
    ("virtualNetworks:\n  - { name: v, addressPrefixes: [10.0.0.0/16], tunnelKey: 65536 }\n", &[("OUT_OF_RANGE", 2, 59)]),
    ("virtualNetworks:\n  - { name: v, addressPrefixes: [10.0.0.0/16], tunnelKey: 7 }\n  - { name: w, addressPrefixes: [10.1.0.0/16], tunnelKey: 7 }\n", &[("TUNNEL_KEY", 3, 59)]),
    ("virtualNetworks:\n  - { name: v, addressPrefixes: [10.0.0.0/16], subnets: [{ name: s, addressPrefix: 10.0.1.0/24, tunnelKey: 5, serviceEndpoints: [Microsoft.Storage] }] }\nservices:\n  - { name: a, type: Microsoft.Storage/storageAccounts, addresses: [203.0.113.20], sourceEncoding: ServiceTunnel, tunnelPrefix: '2603:10e1:100:2::/96' }\n", &[("TUNNEL_KEY", 2, 130)]),
    ("services:\n  - { name: a, type: Microsoft.Storage/storageAccounts, addresses: [203.0.113.20], sourceEncoding: ServiceTunnel, tunnelPrefix: '::ffff:0:0/96' }\n", &[("BAD_PREFIX", 2, 129)]),
    ("services:\n  - { name: a, type: Microsoft.Storage/storageAccounts, addresses: [203.0.113.20], sourceEncoding: ServiceTunnel, tunnelPrefix: 'ff02::/16' }\n", &[("BAD_PREFIX", 2, 129)]),
    ("virtualNetworks:\n  - { name: v, addressPrefixes: [10.0.0.0/16], subnets: [{ name: s, addressPrefix: 10.0.1.0/24, delegation: Microsoft.Web/serverFarms }] }\nnetworkInterfaces:\n  - { name: i, subnet: v/s, privateIPAddress: 10.0.1.4 }\n", &[("DELEGATED_SUBNET", 4, 24)]),
    ("virtualNetworks:\n  - { name: v, addressPrefixes: [10.0.0.0/16], subnets: [{ name: s, addressPrefix: 10.0.1.0/24 }] }\nservices:\n  - { name: c, type: Microsoft.Cache/redis, subnet: v/s, addresses: [10.0.2.10] }\n", &[("ADDRESS_OUTSIDE", 4, 70)]),
    ("ports:\n  - { name: a-name-of-13-c, attach: internet }\n", &[("BAD_DEVICE", 2, 13)]),
    ("ports:\n  - { name: p, attach: internet, tap: 'a b' }\n", &[("BAD_DEVICE", 2, 39)]),
    ("ports:\n  - { name: p, attach: internet, tap: x }\n  - { name: q, attach: platform, tap: x }\n", &[("BAD_DEVICE", 3, 39)]),
    ("ports:\n  - { name: p, attach: internet, interface: eth0, mode: xpd }\n", &[("BAD_VALUE", 2, 57)]),
    ("ports:\n  - { name: p, attach: internet, tap: x, mode: xdp }\n", &[("MISSING_PROPERTY", 2, 48)]),
    ("ports:\n  - { name: p, attach: internet, mode: packet }\n", &[("MISSING_PROPERTY", 2, 40)]),
    ("ports:\n  - { name: p, attach: a/b/c/d }\n", &[("BAD_ATTACHMENT", 2, 24)]),
    ("ports:\n  - { name: p, attach: internet }\n  - { name: q, attach: internet }\n", &[("BAD_ATTACHMENT", 3, 24)]),
    ("services:\n  - { name: a, type: Microsoft.Storage/storageAccounts, addresses: [203.0.113.20], firewall: { defaultAction: Deny, resourceAccessRules: [{ tenantId: t, resourceId: r }] } }\n", &[("UNKNOWN_NAME", 2, 166)]),
    ("virtualNetworks:\n  - { name: v, addressPrefixes: [10.0.0.0/16], enableDdosProtection: true }\n", &[("NO_EFFECT", 2, 70)]),
    ("networkSecurityGroups:\n  - name: g\n    securityRules:\n      - { name: r, priority: 100, direction: Inbound, access: Allow, protocol: Tcp, sourceAddressPrefix: AzureMonitor, sourcePortRange: '*', destinationAddressPrefix: '*', destinationPortRange: '80' }\n", &[("EMPTY_TAG", 4, 106)]),
    ("virtualNetworks:\n  - { name: a, addressPrefixes: [10.0.0.0/16], peerings: [{ remoteVirtualNetwork: b }] }\n  - { name: b, addressPrefixes: [10.1.0.0/16], peerings: [] }\n", &[("HALF_PEERING", 2, 83)]),
    ("virtualNetworks:\n  - { name: a, addressPrefixes: [10.0.0.0/16], peerings: [{ remoteVirtualNetwork: b, useRemoteGateways: true }] }\n  - { name: b, addressPrefixes: [10.1.0.0/16], peerings: [{ remoteVirtualNetwork: a }] }\n", &[("PEERING_FLAGS", 2, 83)]),
    ("virtualNetworks:\n  - { name: v, addressPrefixes: [10.0.0.0/16], subnets: [{ name: s, addressPrefix: 10.0.1.0/24, routeTable: t }, { name: fw, addressPrefix: 10.0.9.0/24 }] }\nnetworkInterfaces:\n  - { name: i, subnet: v/fw, privateIPAddress: 10.0.9.4 }\nrouteTables:\n  - { name: t, routes: [{ name: r, addressPrefix: 0.0.0.0/0, nextHopType: VirtualAppliance, nextHopIpAddress: 10.0.9.4 }] }\n", &[("APPLIANCE_FORWARDING", 6, 25)]),
    ("services:\n  - { name: a, type: Microsoft.Storage/storageAccounts, addresses: [203.0.113.20], firewall: { defaultAction: Allow, ipRules: [198.51.100.1] } }\n", &[("INERT_RULES", 2, 111)]),
    ("services:\n  - { name: a, type: Microsoft.Foo/bars, addresses: [203.0.113.20] }\n", &[("UNKNOWN_SERVICE_TYPE", 2, 22)]),
    ("services:\n  - { name: f, type: Microsoft.Web/sites, addresses: [203.0.113.50], firewall: { ipRules: [198.51.100.1] } }\n", &[("RULE_MISMATCH", 2, 92)]),
    ("networkSecurityGroups:\n  - name: g\n    securityRules:\n      - { name: r, priority: 100, direction: Inbound, access: Allow, protocol: Tcp, sourceAddressPrefixes: [Internet, VirtualNetwork], sourcePortRange: '*', destinationAddressPrefix: '*', destinationPortRange: '80' }\n", &[("MIXED_TAGS", 4, 119)]),
    ("virtualNetworks:\n  - { name: v, addressPrefixes: [10.0.0.0/16], subnets: [{ name: s, addressPrefix: 10.0.1.0/24 }] }\n  - { name: w, addressPrefixes: [10.1.0.0/16], subnets: [{ name: s, addressPrefix: 10.1.1.0/24 }] }\napplicationSecurityGroups: [g]\nnetworkInterfaces:\n  - { name: i, subnet: v/s, privateIPAddress: 10.0.1.4, applicationSecurityGroups: [g] }\n  - { name: j, subnet: w/s, privateIPAddress: 10.1.1.4, applicationSecurityGroups: [g] }\n", &[("ASG_NETWORK", 7, 85)]),
    ("applicationSecurityGroups: [a, b]\nnetworkSecurityGroups:\n  - name: g\n    securityRules:\n      - { name: r, priority: 100, direction: Inbound, access: Allow, protocol: Tcp, sourceApplicationSecurityGroups: [a, b], sourcePortRange: '*', destinationAddressPrefix: '*', destinationPortRange: '80' }\n", &[("SEVERAL_ASGS", 5, 122)]),
    ("networkSecurityGroups:\n  - name: g\n    securityRules:\n      - { name: r-, priority: 100, direction: Inbound, access: Allow, protocol: Tcp, sourceAddressPrefix: '*', sourcePortRange: '*', destinationAddressPrefix: '*', destinationPortRange: '80' }\n", &[("BAD_NAME", 4, 17)]),
    ("networkManagers:\n  - { name: m, networkGroups: [{ name: g, members: [v] }] }\n", &[("UNKNOWN_NAME", 2, 53)]),
    ("ports:\n  - { name: p, attach: internet }\nlab:\n  hosts:\n    - { name: h, port: p, address: 198.51.100.8 }\n    - { name: i, port: p, address: 198.51.100.9 }\n", &[("BAD_HOST", 6, 24)]),
    ("virtualNetworks:\n  - { name: v, addressPrefixes: [10.0.0.0/16], subnets: [{ name: s, addressPrefix: 10.0.1.0/24 }] }\nservices:\n  - { name: c, type: Microsoft.Cache/redis, subnet: v/s, addresses: [10.0.1.9] }\nprivateEndpoints:\n  - { name: p, subnet: v/s, privateIPAddress: 10.0.1.5, service: c }\n", &[("PRIVATE_ENDPOINT", 6, 66)]),
    ("virtualNetworks:\n  - { name: v, addressPrefixes: [10.0.0.0/16], subnets: [{ name: s, addressPrefix: 10.0.1.0/24 }] }\nservices:\n  - { name: w, type: Microsoft.Web/sites, addresses: [203.0.113.50], virtualNetworkSubnetId: v/s }\n", &[("INTEGRATION_SUBNET", 4, 94)]),
    ("services:\n  - { name: a, type: Microsoft.ClassicStorage/storageAccounts, addresses: [203.0.113.20] }\nserviceEndpointPolicies:\n  - { name: p, services: [a] }\n", &[("POLICY_ACCOUNT", 4, 27)]),
    ("location: westeurope\nvirtualNetworks:\n  - { name: v, addressPrefixes: [10.0.0.0/16], subnets: [{ name: s, addressPrefix: 10.0.1.0/24, serviceEndpoints: [{ service: Microsoft.Sql, locations: [eastus] }] }] }\n", &[("ENDPOINT_REGION", 3, 154)]),
    ("services:\n  - { name: f, type: Microsoft.Web/sites, addresses: [203.0.113.50], publicIPAddress: 203.0.113.51 }\n", &[("INJECTED_SERVICE", 2, 87)]),
    ("virtualNetworks:\n  - { name: v, addressPrefixes: [10.0.0.0/16], subnets: [{ name: s, addressPrefix: 10.0.1.0/24 }] }\nservices:\n  - { name: b, type: Microsoft.Network/bastionHosts, subnet: v/s, addresses: [10.0.1.10] }\n", &[("INJECTED_SUBNET", 4, 62)]),
];

#[test]
fn each_file_has_exactly_these_findings() {
    for (text, expected) in CASES {
        let loaded = load_text("net.yaml", text);
        let found: Vec<_> =
            loaded.findings.iter().map(|finding| (finding.code.as_str(), finding.span.start.line, finding.span.start.column)).collect();
        assert_eq!(found, *expected, "\n{text}\n{}", loaded.findings.render(false));
        assert_eq!(loaded.network.is_none(), loaded.findings.has_errors(), "{text}");
    }
}

#[test]
fn every_error_has_a_file_that_shows_it() {
    let shown = |code: &Code| CASES.iter().any(|(_, findings)| findings.iter().any(|(found, ..)| *found == code.as_str()));
    let errors = Code::ALL.iter().filter(|code| code.severity() == Severity::Error && !OF_FILES.contains(&code.as_str()));
    let missing: Vec<&str> = errors.filter(|code| !shown(code)).map(|code| code.as_str()).collect();
    assert_eq!(missing, Vec::<&str>::new());
}
