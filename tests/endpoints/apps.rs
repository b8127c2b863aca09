//! App Service's regional integration: what an app sends into its subnet, and as whom.

use causeway::packet::Reason;

use crate::asked::{ask, checked, found, line};
use crate::rig::{Rig, echo, seen, tcp};

/// `web` is integrated with a subnet that has endpoints; `stg` and `func` list that subnet; `onprem` and `peer` are
/// further ways out.
pub const NET: &str = r#"
location: westeurope
serviceTags:
  Storage.westeurope: [203.0.113.16/28]
  AppService.westeurope: [203.0.113.48/28]
virtualNetworks:
  - name: net
    addressPrefixes: [10.0.0.0/16]
    defaultOutboundAddress: 192.0.2.10
    subnets:
      - { name: vms, addressPrefix: 10.0.1.0/24, networkSecurityGroup: vms }
      - name: apps
        addressPrefix: 10.0.2.0/26
        delegation: Microsoft.Web/serverFarms
        networkSecurityGroup: apps
        serviceEndpoints: [Microsoft.Storage, Microsoft.Web]
networkSecurityGroups:
  - name: vms
    securityRules:
      - { name: from-apps, priority: 100, direction: Inbound, access: Allow, protocol: Tcp, sourceAddressPrefix: 10.0.2.0/26, sourcePortRange: "*", destinationAddressPrefix: "*", destinationPortRange: "80" }
      - { name: nobody, priority: 200, direction: Inbound, access: Deny, protocol: "*", sourceAddressPrefix: "*", sourcePortRange: "*", destinationAddressPrefix: "*", destinationPortRange: "*" }
  - name: apps
    securityRules:
      - { name: no-ssh, priority: 100, direction: Outbound, access: Deny, protocol: Tcp, sourceAddressPrefix: "*", sourcePortRange: "*", destinationAddressPrefix: "*", destinationPortRange: "22" }
services:
  - name: web
    type: Microsoft.Web/sites
    addresses: [203.0.113.50]
    virtualNetworkSubnetId: net/apps
    vnetRouteAllEnabled: false
  - name: func
    type: Microsoft.Web/sites
    addresses: [203.0.113.51]
    firewall:
      accessRestrictions: [{ name: apps-only, priority: 100, action: Allow, subnet: net/apps }]
  - name: stg
    type: Microsoft.Storage/storageAccounts
    addresses: [203.0.113.20]
    firewall: { defaultAction: Deny, virtualNetworkRules: [net/apps] }
ports:
  - { name: vm, attach: net/vms/10.0.1.4 }
  - { name: web, attach: service/web }
  - { name: func, attach: service/func }
  - { name: stg, attach: service/stg }
  - { name: internet, attach: internet }
"#;

pub fn route_all() -> String {
    NET.replace("vnetRouteAllEnabled: false", "vnetRouteAllEnabled: true")
}

#[test]
fn private_addresses_are_reached_as_a_host_of_the_subnet() {
    for file in [NET.to_owned(), route_all()] {
        let answer = ask(&file, "service/web", "10.0.1.4:80");
        assert_eq!(answer.gist(), ("forwarded".into(), "vms/from-apps".into(), "VnetLocal".into()), "{}", answer.text);
        assert_eq!(answer.seen(), "Private 10.0.2.4 net/apps");
        assert_eq!(
            answer.json["source"],
            serde_json::json!({ "virtualNetwork": "net", "subnet": "apps", "address": "10.0.2.4", "service": "web" })
        );
        assert_eq!(ask(&file, "service/web", "10.0.1.4:22").gist().1, "apps/no-ssh");
        // 10.9.0.1 is private and nobody's: it enters the subnet and ends there.
        assert_eq!(ask(&file, "service/web", "10.9.0.1:80").gist().1, "apps/DenyAllOutBound");
    }
}

#[test]
fn without_route_all_public_services_see_the_apps_own_address() {
    // S12 (a) and (b).
    let storage = ask(NET, "service/web", "stg:443");
    assert_eq!(storage.gist(), ("service-firewall-deny".into(), "stg/defaultAction".into(), "null".into()));
    assert_eq!(storage.seen(), "Public 203.0.113.50");
    let other = ask(NET, "service/web", "func:443");
    assert_eq!((other.reason().as_str(), other.seen().as_str()), ("service-firewall-deny", "Public 203.0.113.50"));
    let outside = ask(NET, "service/web", "198.51.100.20:443");
    assert_eq!(
        (outside.reason().as_str(), outside.seen().as_str(), outside.next_hop().as_str()),
        ("forwarded", "Public 203.0.113.50", "null")
    );
}

#[test]
fn with_route_all_everything_goes_through_the_subnet() {
    let file = route_all();
    let storage = ask(&file, "service/web", "stg:443");
    assert_eq!(storage.gist(), ("forwarded".into(), "stg/virtualNetworkRules[0]".into(), "VirtualNetworkServiceEndpoint".into()));
    assert_eq!(storage.seen(), "Private 10.0.2.4 net/apps");
    let other = ask(&file, "service/web", "func:443");
    assert_eq!((other.gist().1.as_str(), other.seen().as_str()), ("func/apps-only", "Private 10.0.2.4 net/apps"));
    let refused = ask(&file, "service/web", "198.51.100.20:22");
    assert_eq!(refused.gist().1, "apps/no-ssh");
    // Nothing leads elsewhere: the app leaves with its own address; a NAT gateway or an appliance take it.
    assert_eq!(ask(&file, "service/web", "198.51.100.20:443").seen(), "Public 203.0.113.50");
    // What the deployment site has to itself is for what comes in.
    let scm = "virtualNetworkSubnetId: net/apps\n    scmAddresses: [203.0.113.57, 203.0.113.58, 203.0.113.59, 203.0.113.60, 203.0.113.61]";
    let deployed = file.replace("virtualNetworkSubnetId: net/apps", scm);
    assert_eq!(ask(&deployed, "service/web", "198.51.100.20:443").seen(), "Public 203.0.113.50");
    let outbound = file.replace(
        "virtualNetworkSubnetId: net/apps",
        "virtualNetworkSubnetId: net/apps\n    outboundIpAddresses: 203.0.113.57,203.0.113.58",
    );
    assert!(["Public 203.0.113.57", "Public 203.0.113.58"].contains(&ask(&outbound, "service/web", "198.51.100.20:443").seen().as_str()));
    let nat = file.replace("delegation:", "natGateway: out\n        delegation:")
        + "natGateways:\n  - { name: out, publicIPAddresses: [192.0.2.99] }\n";
    assert_eq!(ask(&nat, "service/web", "198.51.100.20:443").seen(), "Public 192.0.2.99");
    let routed = file.replace("delegation:", "routeTable: t\n        delegation:")
        + "routeTables:\n  - { name: t, routes: [{ name: all, addressPrefix: 0.0.0.0/0, nextHopType: None }] }\n";
    assert_eq!(ask(&routed, "service/web", "198.51.100.20:443").gist(), ("route-none".into(), "t/all".into(), "None".into()));
    assert_eq!(ask(&routed, "service/web", "stg:443").reason(), "forwarded", "the endpoint wins");
}

#[test]
fn the_address_is_the_first_that_nothing_else_has() {
    let taken = NET.replace(
        "ports:\n",
        "  - { name: second, type: Microsoft.Web/sites, addresses: [203.0.113.52], virtualNetworkSubnetId: net/apps }\nports:\n  - { name: host, attach: net/apps/10.0.2.5 }\n",
    );
    assert_eq!(found(&taken), [], "{}", checked(&taken));
    assert_eq!(ask(&taken, "service/web", "10.0.1.4:80").seen(), "Private 10.0.2.4 net/apps");
    assert_eq!(ask(&taken, "service/second", "10.0.1.4:80").seen(), "Private 10.0.2.6 net/apps");
    // It is a way out only.
    let inward = NET.replace("ports:\n", "ports:\n  - { name: apps, attach: net/apps }\n");
    assert_eq!(ask(&inward, "vm", "10.0.2.4:80").reason(), "destination-unknown");
    assert_eq!(ask(&inward, "vm", "10.0.2.5:80").reason(), "forwarded");
    assert_eq!(ask(NET, "net/apps/10.0.2.4", "stg:443").seen(), "Private 10.0.2.4 net/apps", "asked by its address");
}

#[test]
fn packets_of_an_app_are_translated_there_and_back() {
    let mut rig = Rig::new(&route_all());
    let out = rig.send("web", &tcp(("203.0.113.50", 40_000), ("203.0.113.20", 443), "S", 1, 0, b""));
    let there = seen(&out[0].bytes);
    assert_eq!((out[0].port.as_str(), there.source.to_string().as_str(), there.ports), ("stg", "10.0.2.4", (40_000, 443)));
    let back = rig.send("stg", &tcp(("203.0.113.20", 443), ("10.0.2.4", 40_000), "SA", 9, 2, b""));
    let here = seen(&back[0].bytes);
    assert_eq!(
        (back[0].port.as_str(), here.destination.to_string().as_str(), here.source.to_string().as_str()),
        ("web", "203.0.113.50", "203.0.113.20")
    );
    // Inside the network, and a host's answer to the private address.
    let out = rig.send("web", &tcp(("203.0.113.50", 40_001), ("10.0.1.4", 80), "S", 1, 0, b""));
    assert_eq!((out[0].port.as_str(), seen(&out[0].bytes).source.to_string().as_str()), ("vm", "10.0.2.4"));
    let back = rig.send("vm", &tcp(("10.0.1.4", 80), ("10.0.2.4", 40_001), "SA", 9, 2, b""));
    assert_eq!((back[0].port.as_str(), seen(&back[0].bytes).destination.to_string().as_str()), ("web", "203.0.113.50"));
    // Nobody reaches the app by that address, and it answers those who come by its own.
    assert!(rig.send("vm", &tcp(("10.0.1.4", 40_002), ("10.0.2.4", 443), "S", 1, 0, b"")).is_empty());
    assert_eq!(rig.count(Reason::DestinationUnknown), 1);
    let inward = rig.send("internet", &tcp(("198.51.100.20", 40_003), ("203.0.113.50", 443), "S", 1, 0, b""));
    assert_eq!(inward[0].port, "web");
    let answer = rig.send("web", &tcp(("203.0.113.50", 443), ("198.51.100.20", 40_003), "SA", 9, 2, b""));
    assert_eq!((answer[0].port.as_str(), seen(&answer[0].bytes).source.to_string().as_str()), ("internet", "203.0.113.50"));
    let ping = rig.send("web", &echo("203.0.113.50", "198.51.100.20", 7, false));
    assert_eq!((ping[0].port.as_str(), seen(&ping[0].bytes).source.to_string().as_str()), ("internet", "203.0.113.50"));
}

#[test]
fn open_connections_are_reset_when_route_all_is_switched() {
    let mut rig = Rig::new(&route_all());
    rig.send("web", &tcp(("203.0.113.50", 40_000), ("203.0.113.20", 443), "S", 1, 0, b""));
    rig.send("stg", &tcp(("203.0.113.20", 443), ("10.0.2.4", 40_000), "SA", 9, 2, b""));
    rig.send("web", &tcp(("203.0.113.50", 40_000), ("203.0.113.20", 443), "A", 2, 10, b""));
    assert!(rig.reload(&route_all()).is_empty(), "the same file changes nothing");
    let resets = rig.reload(NET);
    let mut ends: Vec<_> = resets.iter().map(|out| (out.port.as_str(), seen(&out.bytes).flags.contains('R'))).collect();
    ends.dedup();
    ends.sort_unstable();
    assert_eq!(ends, [("stg", true), ("web", true)], "{ends:?}");
    assert_eq!(rig.flows(), 0);
}

#[test]
fn what_azure_refuses_is_refused() {
    let delegated = "        delegation: Microsoft.Web/serverFarms\n";
    for (file, expected) in [
        (NET.replace(delegated, ""), ("INTEGRATION_SUBNET", "virtualNetworkSubnetId")),
        (NET.replace("Microsoft.Web/serverFarms", "Microsoft.Sql/managedInstances"), ("INTEGRATION_SUBNET", "virtualNetworkSubnetId")),
        (
            NET.replace("    virtualNetworkSubnetId: net/apps", "    location: northeurope\n    virtualNetworkSubnetId: net/apps"),
            ("INTEGRATION_SUBNET", "virtualNetworkSubnetId"),
        ),
        (NET.replacen("Microsoft.Web/sites", "Microsoft.KeyVault/vaults", 1), ("INTEGRATION_SUBNET", "virtualNetworkSubnetId")),
        (NET.replace("virtualNetworkSubnetId: net/apps", "virtualNetworkSubnetId: net/app"), ("UNKNOWN_NAME", "virtualNetworkSubnetId")),
        (NET.replace("    virtualNetworkSubnetId: net/apps\n", ""), ("NO_EFFECT", "vnetRouteAllEnabled")),
        (
            NET.replace("    vnetRouteAllEnabled: false", "    outboundIpAddresses: [203.0.113.20]"),
            ("ADDRESS_CLASH", "outboundIpAddresses"),
        ),
        (NET.replace("    vnetRouteAllEnabled: false", "    outboundIpAddresses: 203.0.113.x"), ("BAD_ADDRESS", "outboundIpAddresses")),
        (NET.replace("    vnetRouteAllEnabled: false", "    outboundIpAddresses: '2001:db8::1'"), ("BAD_ADDRESS", "outboundIpAddresses")),
    ] {
        assert_eq!(found(&file), [(expected.0, line(&file, expected.1))], "{}", checked(&file));
    }
    let mut full = NET.replace("10.0.2.0/26\n", "10.0.2.0/29\n").replace("10.0.2.0/26, sourcePort", "10.0.2.0/29, sourcePort");
    for index in 0..3 {
        let app = format!(
            "  - {{ name: app{index}, type: Microsoft.Web/sites, addresses: [203.0.113.6{index}], virtualNetworkSubnetId: net/apps }}\nports:\n"
        );
        full = full.replacen("ports:\n", &app, 1);
    }
    assert_eq!(found(&full), [("INTEGRATION_SUBNET", line(&full, "{ name: app2,"))], "three addresses for four apps\n{}", checked(&full));
}
