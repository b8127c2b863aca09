//! Hub and spokes, an appliance between them, gateways, forced tunnelling: with real packets.

use crate::common::Lab;

/// A hub with an appliance and a VPN gateway, two spokes that reach each other through the appliance.
const HUB: &str = r#"
virtualNetworks:
  - name: hub
    addressPrefixes: [10.0.0.0/16]
    subnets:
      - { name: fw, addressPrefix: 10.0.9.0/24 }
      - { name: GatewaySubnet, addressPrefix: 10.0.255.0/27 }
    peerings:
      - { remoteVirtualNetwork: one, allowGatewayTransit: true }
      - { remoteVirtualNetwork: two }
  - name: one
    addressPrefixes: [10.1.0.0/16]
    subnets: [{ name: s, addressPrefix: 10.1.1.0/24, routeTable: to-two }]
    peerings: [{ remoteVirtualNetwork: hub, allowForwardedTraffic: true, useRemoteGateways: true }]
  - name: two
    addressPrefixes: [10.2.0.0/16]
    subnets: [{ name: s, addressPrefix: 10.2.1.0/24, routeTable: to-one }]
    peerings: [{ remoteVirtualNetwork: hub, allowForwardedTraffic: true }]
networkInterfaces:
  - { name: nva, subnet: hub/fw, privateIPAddress: 10.0.9.4, enableIPForwarding: true }
routeTables:
  - { name: to-two, routes: [{ name: two, addressPrefix: 10.2.0.0/16, nextHopType: VirtualAppliance, nextHopIpAddress: 10.0.9.4 }] }
  - { name: to-one, routes: [{ name: one, addressPrefix: 10.1.0.0/16, nextHopType: VirtualAppliance, nextHopIpAddress: 10.0.9.4 }] }
gateways:
  - { name: hq, type: Vpn, virtualNetwork: hub, addressPrefixes: [172.16.0.0/16], publicIPAddress: 198.51.100.7 }
services:
  - { name: stg, type: Microsoft.Storage/storageAccounts, addresses: [203.0.113.20], firewall: { defaultAction: Deny, ipRules: [198.51.100.7] } }
ports:
  - { name: @nva, attach: hub/fw/10.0.9.4 }
  - { name: @one, attach: one/s/10.1.1.4 }
  - { name: @two, attach: two/s/10.2.1.4 }
  - { name: @hq, attach: gateway/hq }
  - { name: @stg, attach: service/stg }
lab:
  hosts:
    - { name: @nva, port: @nva, address: 10.0.9.4, forward: true, serve: { http: 80 } }
    - { name: @one, port: @one, address: 10.1.1.4, serve: { http: 80 } }
    - { name: @two, port: @two, address: 10.2.1.4, serve: { http: 80 } }
    - { name: @hq, port: @hq, address: 172.16.0.9, serve: { http: 80 } }
    - { name: @stg, port: @stg, address: 203.0.113.20, serve: { http: 80 } }
"#;

#[test]
fn spokes_talk_through_the_hubs_appliance_in_both_directions() {
    let Some(lab) = Lab::up(HUB) else { return };
    assert!(lab.curl("one", "http://10.2.1.4/").contains("seen-from 10.1.1.4 "));
    assert!(lab.curl("two", "http://10.1.1.4/").contains("seen-from 10.2.1.4 "));
    assert!(lab.say("one", "ping -c 2 -i 0.1 -W 2 10.2.1.4").contains(" 0% packet loss"));
    // It is the appliance that carries them.
    lab.exec("nva", "echo 0 > /proc/sys/net/ipv4/ip_forward");
    let cut = lab.curl("one", "http://10.2.1.4/");
    assert!(!cut.contains("seen-from"), "{cut}");
}

#[test]
fn a_spoke_that_takes_no_forwarded_packets_drops_the_appliances() {
    let Some(lab) = Lab::up(&HUB.replace("hub, allowForwardedTraffic: true }", "hub }")) else { return };
    let refused = lab.curl("one", "http://10.2.1.4/");
    assert!(!refused.contains("seen-from"), "{refused}");
    assert!(lab.metrics().drops("peering-blocked") >= 1, "{}", lab.metrics().table());
    assert!(lab.curl("nva", "http://10.2.1.4/").contains("seen-from 10.0.9.4 "), "the appliance's own packets need no flag");
}

#[test]
fn an_interface_that_does_not_forward_is_no_appliance() {
    let Some(lab) = Lab::up(&HUB.replace("enableIPForwarding: true", "enableIPForwarding: false")) else { return };
    let refused = lab.curl("one", "http://10.2.1.4/");
    assert!(!refused.contains("seen-from"), "{refused}");
    assert!(lab.metrics().drops("ip-forwarding-disabled") >= 1, "{}", lab.metrics().table());
}

#[test]
fn a_peering_works_when_its_second_half_is_there() {
    let whole = HUB.replace(", routeTable: to-one", "").replace(", routeTable: to-two", "");
    let half = whole.replace("    peerings: [{ remoteVirtualNetwork: hub, allowForwardedTraffic: true }]\n", "");
    assert_ne!(whole, half);
    let Some(lab) = Lab::up(&half) else { return };
    assert!(!lab.curl("two", "http://10.0.9.4/").contains("seen-from"));
    assert!(!lab.curl("nva", "http://10.2.1.4/").contains("seen-from"));
    assert!(lab.metrics().drops("route-none") >= 2, "{}", lab.metrics().table());
    lab.write(&whole);
    assert!(lab.reload().status.success());
    assert!(lab.curl("two", "http://10.0.9.4/").contains("seen-from 10.2.1.4 "));
    assert!(lab.curl("nva", "http://10.2.1.4/").contains("seen-from 10.0.9.4 "));
    assert!(!lab.curl("two", "http://10.1.1.4/").contains("seen-from"), "a peer's peer is none");
}

#[test]
fn on_premises_reaches_the_spoke_that_uses_the_hubs_gateway() {
    let Some(lab) = Lab::up(HUB) else { return };
    assert!(lab.curl("hq", "http://10.1.1.4/").contains("seen-from 172.16.0.9 "));
    assert!(lab.curl("one", "http://172.16.0.9/").contains("seen-from 10.1.1.4 "));
    assert!(lab.curl("hq", "http://10.0.9.4/").contains("seen-from 172.16.0.9 "));
    assert!(!lab.curl("hq", "http://10.2.1.4/").contains("seen-from"));
    assert!(!lab.curl("two", "http://172.16.0.9/").contains("seen-from"));
    assert!(lab.metrics().drops("no-route") >= 1 && lab.metrics().drops("route-none") >= 1, "{}", lab.metrics().table());
    assert!(lab.curl("hq", "http://203.0.113.20/").contains("seen-from 198.51.100.7 "), "services see its public address");
}

#[test]
fn a_gateway_subnets_route_takes_what_comes_from_on_premises_through_the_appliance() {
    let routed = HUB.replace("10.0.255.0/27 }", "10.0.255.0/27, routeTable: inspect }").replace(
        "routeTables:\n",
        "routeTables:\n  - { name: inspect, routes: [{ name: one, addressPrefix: 10.1.0.0/16, nextHopType: VirtualAppliance, nextHopIpAddress: 10.0.9.4 }] }\n",
    );
    let Some(lab) = Lab::up(&routed) else { return };
    assert!(lab.curl("hq", "http://10.1.1.4/").contains("seen-from 172.16.0.9 "));
    lab.exec("nva", "echo 0 > /proc/sys/net/ipv4/ip_forward");
    assert!(!lab.curl("hq", "http://10.1.1.4/").contains("seen-from"));
}

/// One subnet sends everything on-premises, another does not; both have what they want at 198.51.100.20.
const FORCED: &str = r#"
location: westeurope
serviceTags:
  Storage.westeurope: [203.0.113.16/28]
virtualNetworks:
  - name: v
    addressPrefixes: [10.0.0.0/16]
    defaultOutboundAddress: 192.0.2.10
    subnets:
      - { name: app, addressPrefix: 10.0.1.0/24, routeTable: forced, serviceEndpoints: [Microsoft.Storage] }
      - { name: free, addressPrefix: 10.0.2.0/24 }
      - { name: GatewaySubnet, addressPrefix: 10.0.255.0/27 }
routeTables:
  - { name: forced, routes: [{ name: all, addressPrefix: 0.0.0.0/0, nextHopType: VirtualNetworkGateway }] }
gateways:
  - { name: hq, type: Vpn, virtualNetwork: v, addressPrefixes: [172.16.0.0/16], publicIPAddress: 198.51.100.7 }
services:
  - { name: stg, type: Microsoft.Storage/storageAccounts, addresses: [203.0.113.20], firewall: { defaultAction: Deny, virtualNetworkRules: [v/app] } }
ports:
  - { name: @app, attach: v/app/10.0.1.4 }
  - { name: @free, attach: v/free/10.0.2.4 }
  - { name: @hq, attach: gateway/hq }
  - { name: @stg, attach: service/stg }
  - { name: @inet, attach: internet }
lab:
  hosts:
    - { name: @app, port: @app, address: 10.0.1.4 }
    - { name: @free, port: @free, address: 10.0.2.4, serve: { http: 80 } }
    - { name: @hq, port: @hq, address: 172.16.0.9, serve: { http: 80 } }
    - { name: @stg, port: @stg, address: 203.0.113.20, serve: { http: 80 } }
    - { name: @inet, port: @inet, address: 198.51.100.20, serve: { http: 80 } }
"#;

#[test]
fn forced_tunnelling_by_a_user_route_leaves_the_endpoint_alone() {
    let Some(lab) = Lab::up(FORCED) else { return };
    lab.exec("hq", "ip address add 198.51.100.20/32 dev lo");
    assert!(lab.curl("app", "http://198.51.100.20/").contains("seen-from 10.0.1.4 "), "on-premises sees the private source");
    assert!(lab.curl("free", "http://198.51.100.20/").contains("seen-from 192.0.2.10 "));
    assert!(lab.curl("app", "http://203.0.113.20/").contains("seen-from 10.0.1.4 "));
    assert!(lab.curl("app", "http://10.0.2.4/").contains("seen-from 10.0.1.4 "));
}

#[test]
fn forced_tunnelling_by_a_route_from_on_premises_takes_every_subnet_but_the_tables_own() {
    let by_bgp = FORCED
        .replace("addressPrefixes: [172.16.0.0/16]", "bgp: true, addressPrefixes: [172.16.0.0/16, 0.0.0.0/0]")
        .replace(", routeTable: forced, ", ", ")
        .replace("addressPrefix: 10.0.2.0/24 }", "addressPrefix: 10.0.2.0/24, routeTable: free }")
        .replace(
            "  - { name: forced, routes: [{ name: all, addressPrefix: 0.0.0.0/0, nextHopType: VirtualNetworkGateway }] }",
            "  - { name: free, disableBgpRoutePropagation: true }",
        );
    let Some(lab) = Lab::up(&by_bgp) else { return };
    lab.exec("hq", "ip address add 198.51.100.20/32 dev lo");
    assert!(lab.curl("app", "http://198.51.100.20/").contains("seen-from 10.0.1.4 "));
    assert!(lab.curl("free", "http://198.51.100.20/").contains("seen-from 192.0.2.10 "));
    assert!(lab.curl("app", "http://203.0.113.20/").contains("seen-from 10.0.1.4 "));
}
