//! Private endpoints: an address of a subnet that leads to a service past its firewall.

use causeway::packet::Reason;

use crate::asked::{ask, checked, found, line};
use crate::rig::{Rig, seen, tcp};

/// A shut vault with a private endpoint in the hub, a peered spoke, a network that is no peer, and on-premises.
pub const NET: &str = r#"
location: westeurope
virtualNetworks:
  - name: hub
    addressPrefixes: [10.0.0.0/16]
    defaultOutboundAddress: 192.0.2.1
    subnets:
      - { name: app, addressPrefix: 10.0.1.0/24, networkSecurityGroup: app, routeTable: t }
      - { name: links, addressPrefix: 10.0.3.0/24, networkSecurityGroup: links, privateEndpointNetworkPolicies: Disabled }
      - { name: fw, addressPrefix: 10.0.9.0/24 }
      - { name: GatewaySubnet, addressPrefix: 10.0.255.0/27 }
    peerings: [{ remoteVirtualNetwork: spoke, allowForwardedTraffic: true }]
  - name: spoke
    addressPrefixes: [10.1.0.0/16]
    subnets: [{ name: app, addressPrefix: 10.1.1.0/24 }]
    peerings: [{ remoteVirtualNetwork: hub }]
  - name: stranger
    addressPrefixes: [10.2.0.0/16]
    subnets: [{ name: app, addressPrefix: 10.2.1.0/24 }]
  - name: twin
    addressPrefixes: [10.1.0.0/16]
    subnets: [{ name: app, addressPrefix: 10.1.1.0/24 }, { name: links, addressPrefix: 10.1.3.0/24 }]
networkSecurityGroups:
  - name: app
    securityRules:
      - { name: no-8443, priority: 100, direction: Outbound, access: Deny, protocol: Tcp, sourceAddressPrefix: "*", sourcePortRange: "*", destinationAddressPrefix: 10.0.3.0/24, destinationPortRange: "8443" }
  - name: links
    securityRules:
      - { name: nobody, priority: 100, direction: Inbound, access: Deny, protocol: "*", sourceAddressPrefix: "*", sourcePortRange: "*", destinationAddressPrefix: "*", destinationPortRange: "*" }
routeTables:
  - name: t
    routes: [{ name: exact, addressPrefix: 10.0.3.5/32, nextHopType: VirtualAppliance, nextHopIpAddress: 10.0.9.4 }]
networkInterfaces:
  - { name: fw, subnet: hub/fw, privateIPAddress: 10.0.9.4, enableIPForwarding: true }
gateways:
  - { name: hq, type: Vpn, virtualNetwork: hub, addressPrefixes: [172.16.0.0/16], publicIPAddress: 198.51.100.7 }
services:
  - { name: kv, type: Microsoft.KeyVault/vaults, addresses: [203.0.113.60], ports: [443, 8443], firewall: { defaultAction: Deny } }
privateEndpoints:
  - { name: to-kv, subnet: hub/links, privateIPAddress: 10.0.3.5, service: kv, groupIds: [vault] }
  - { name: twin-kv, subnet: twin/links, privateIPAddress: 10.1.3.5, service: kv }
ports:
  - { name: app, attach: hub/app/10.0.1.4 }
  - { name: links, attach: hub/links }
  - { name: fw, attach: hub/fw/10.0.9.4 }
  - { name: spoke, attach: spoke/app/10.1.1.4 }
  - { name: stranger, attach: stranger/app/10.2.1.4 }
  - { name: twin, attach: twin/app/10.1.1.4 }
  - { name: hq, attach: gateway/hq }
  - { name: kv, attach: service/kv }
"#;

fn with(policies: &str) -> String {
    NET.replace("privateEndpointNetworkPolicies: Disabled", &format!("privateEndpointNetworkPolicies: {policies}"))
}

#[test]
fn it_leads_past_the_services_firewall() {
    let answer = ask(NET, "app", "10.0.3.5:443");
    assert_eq!(answer.gist(), ("forwarded".into(), "app/AllowVnetOutBound".into(), "InterfaceEndpoint".into()), "{}", answer.text);
    assert_eq!(answer.seen(), "Private 10.0.1.4 hub/app");
    assert_eq!(answer.json["destination"], serde_json::json!({ "address": "10.0.3.5", "service": "kv" }));
    let stages: Vec<_> = answer.json["steps"].as_array().unwrap().iter().map(|step| step["stage"].as_str().unwrap().to_owned()).collect();
    assert_eq!(stages, ["nsg-outbound", "route", "source-rewrite", "delivery"], "no firewall, no inbound NSG");
    let route = &answer.json["steps"][1];
    assert_eq!((route["prefix"].as_str(), route["source"].as_str()), (Some("10.0.3.5/32"), Some("Default")));
    assert!(answer.text.contains("passes the service's firewall by"), "{}", answer.text);
    assert_eq!(ask(NET, "app", "kv:443").reason(), "service-firewall-deny", "the public side stays shut");
    // The sender's NSG applies, and the service's ports.
    assert_eq!(ask(NET, "app", "10.0.3.5:8443").gist().1, "app/no-8443");
    assert_eq!(ask(NET, "app", "10.0.3.5:80").reason(), "destination-unknown");
    assert_eq!(ask(NET, "app", "to-kv:443").next_hop(), "InterfaceEndpoint", "by its name");
}

#[test]
fn peers_and_on_premises_reach_it_and_others_do_not() {
    let peer = ask(NET, "spoke", "10.0.3.5:443");
    assert_eq!(
        (peer.reason().as_str(), peer.next_hop().as_str(), peer.seen().as_str()),
        ("forwarded", "InterfaceEndpoint", "Private 10.1.1.4 spoke/app")
    );
    let hq = ask(NET, "gateway/hq/172.16.0.9", "10.0.3.5:443");
    assert_eq!((hq.reason().as_str(), hq.seen().as_str()), ("forwarded", "Private 172.16.0.9"));
    assert_eq!(ask(NET, "stranger", "10.0.3.5:443").reason(), "route-none");
    let shut = NET.replace(
        "peerings: [{ remoteVirtualNetwork: hub }]",
        "peerings: [{ remoteVirtualNetwork: hub, allowVirtualNetworkAccess: false }]",
    );
    assert_eq!(ask(&shut, "spoke", "10.0.3.5:443").reason(), "peering-blocked");
}

#[test]
fn the_subnets_policies_say_whether_its_nsg_looks() {
    for (policies, refused) in [("Disabled", false), ("RouteTableEnabled", false), ("NetworkSecurityGroupEnabled", true), ("Enabled", true)]
    {
        for from in ["spoke", "gateway/hq/172.16.0.9"] {
            let answer = ask(&with(policies), from, "10.0.3.5:443");
            let expected = if refused { "nsg-deny" } else { "forwarded" };
            assert_eq!(answer.reason(), expected, "{policies} {from}");
            assert_eq!(answer.gist().1 == "links/nobody", refused, "{policies} {from}");
        }
    }
    assert_eq!(
        ask(&NET.replace(", privateEndpointNetworkPolicies: Disabled", ""), "spoke", "10.0.3.5:443").reason(),
        "forwarded",
        "off unless on"
    );
}

#[test]
fn the_subnets_policies_say_whether_user_routes_lead_elsewhere() {
    let hop = |file: &str| ask(file, "app", "10.0.3.5:443").next_hop();
    for (policies, expected) in [
        ("Disabled", "InterfaceEndpoint"),
        ("NetworkSecurityGroupEnabled", "InterfaceEndpoint"),
        ("RouteTableEnabled", "VirtualAppliance"),
        ("Enabled", "VirtualAppliance"),
    ] {
        assert_eq!(hop(&with(policies)), expected, "{policies}");
    }
    // As long as the network's own space is long enough, shorter is not.
    let routed = |prefix: &str| hop(&with("RouteTableEnabled").replace("10.0.3.5/32, nextHop", &format!("{prefix}, nextHop")));
    assert_eq!(routed("10.0.0.0/16"), "VirtualAppliance");
    assert_eq!(routed("10.0.0.0/8"), "InterfaceEndpoint");
    assert_eq!(routed("0.0.0.0/0"), "InterfaceEndpoint");
    // What the appliance sends on goes to the endpoint by its own subnet's route.
    let second = crate::asked::ask_with(&with("RouteTableEnabled"), "fw", "10.0.3.5:443", &["--source", "10.0.1.4"]);
    assert_eq!((second.next_hop().as_str(), second.seen().as_str()), ("InterfaceEndpoint", "Private 10.0.1.4 hub/fw"));
}

#[test]
fn packets_are_translated_to_the_service_and_back() {
    let mut rig = Rig::new(NET);
    for (port, source) in [("app", "10.0.1.4"), ("spoke", "10.1.1.4"), ("hq", "172.16.0.9")] {
        let out = rig.send(port, &tcp((source, 40_000), ("10.0.3.5", 443), "S", 1, 0, b""));
        let there = seen(&out[0].bytes);
        assert_eq!(
            (out[0].port.as_str(), there.source.to_string().as_str(), there.destination.to_string().as_str()),
            ("kv", source, "203.0.113.60")
        );
        let back = rig.send("kv", &tcp(("203.0.113.60", 443), (source, there.ports.0), "SA", 9, 2, b""));
        let here = seen(&back[0].bytes);
        assert_eq!((back[0].port.as_str(), here.source.to_string().as_str(), here.ports), (port, "10.0.3.5", (443, 40_000)));
    }
    // Two networks, one address and port: the later flow gets another port.
    let out = rig.send("twin", &tcp(("10.1.1.4", 40_000), ("10.1.3.5", 443), "S", 1, 0, b""));
    let there = seen(&out[0].bytes);
    assert_eq!((out[0].port.as_str(), there.source.to_string().as_str()), ("kv", "10.1.1.4"));
    assert_ne!(there.ports.0, 40_000);
    let back = rig.send("kv", &tcp(("203.0.113.60", 443), ("10.1.1.4", there.ports.0), "SA", 9, 2, b""));
    assert_eq!((back[0].port.as_str(), seen(&back[0].bytes).source.to_string().as_str()), ("twin", "10.1.3.5"));
}

#[test]
fn a_port_of_its_subnet_does_not_own_its_address() {
    let mut rig = Rig::new(NET);
    assert!(rig.send("links", &tcp(("10.0.3.5", 40_000), ("10.0.1.4", 80), "S", 1, 0, b"")).is_empty());
    assert_eq!(rig.count(Reason::SourceSpoofed), 1);
    // A neighbour of the endpoint reaches it through the dataplane, which answers for its address.
    let links = rig.port("links");
    assert!(causeway::policy::admission::answers_for(&rig.snapshot, links, "10.0.3.5".parse().unwrap()));
    let out = rig.send("links", &tcp(("10.0.3.9", 40_000), ("10.0.3.5", 443), "S", 1, 0, b""));
    assert_eq!(out[0].port, "kv");
    assert_eq!(ask(NET, "hub/links/10.0.3.5", "10.0.1.4:80").reason(), "source-spoofed");
}

#[test]
fn a_reload_leaves_its_flows_alone_and_removal_ends_them() {
    let mut rig = Rig::new(NET);
    for (port, source) in [("app", "10.0.1.4"), ("hq", "172.16.0.9")] {
        rig.send(port, &tcp((source, 40_000), ("10.0.3.5", 443), "S", 1, 0, b""));
        rig.send("kv", &tcp(("203.0.113.60", 443), (source, 40_000), "SA", 9, 2, b""));
        rig.send(port, &tcp((source, 40_000), ("10.0.3.5", 443), "A", 2, 10, b""));
    }
    assert!(rig.reload(NET).is_empty());
    assert_eq!(rig.flows(), 2);
    let resets = rig
        .reload(&NET.replace("  - { name: to-kv, subnet: hub/links, privateIPAddress: 10.0.3.5, service: kv, groupIds: [vault] }\n", ""));
    assert!(resets.iter().all(|out| seen(&out.bytes).flags.contains('R')));
    let mut ends: Vec<_> = resets.iter().map(|out| out.port.as_str()).collect();
    ends.sort_unstable();
    ends.dedup();
    assert_eq!((ends, rig.flows()), (vec!["app", "hq", "kv"], 0));
}

#[test]
fn the_compiled_service_knows_that_an_endpoint_leads_to_it() {
    let rig = Rig::new(NET);
    assert!(rig.snapshot.services[0].has_private_endpoint);
    let without = Rig::new(&NET[..NET.find("privateEndpoints:").unwrap()]);
    assert!(!without.snapshot.services[0].has_private_endpoint);
}

#[test]
fn what_azure_refuses_is_refused() {
    let endpoint = "{ name: to-kv, subnet: hub/links, privateIPAddress: 10.0.3.5, service: kv, groupIds: [vault] }";
    let instead = |text: &str| NET.replace(endpoint, text);
    let at = |text: &str| NET.replace("privateIPAddress: 10.0.3.5", text);
    for (file, expected) in [
        (
            instead("{ name: to-kv, subnet: hub/links, privateIPAddress: 10.0.3.5, service: kv, location: northeurope }"),
            ("PRIVATE_ENDPOINT", "name: to-kv"),
        ),
        (instead("{ name: to-kv, subnet: hub/links, privateIPAddress: 10.0.3.5, service: vk }"), ("UNKNOWN_NAME", "name: to-kv")),
        (instead("{ name: to-kv, subnet: hub/link, privateIPAddress: 10.0.3.5, service: kv }"), ("UNKNOWN_NAME", "name: to-kv")),
        (instead("{ name: to-kv, subnet: hub/links, service: kv }"), ("MISSING_PROPERTY", "name: to-kv")),
        (
            instead("{ name: twin-kv, subnet: hub/links, privateIPAddress: 10.0.3.5, service: kv }"),
            ("DUPLICATE_NAME", "subnet: twin/links"),
        ),
        (at("privateIPAddress: 10.0.4.5"), ("ADDRESS_OUTSIDE", "name: to-kv")),
        (at("privateIPAddress: 10.0.3.3"), ("RESERVED_ADDRESS", "name: to-kv")),
        (at("privateIPAddress: '2001:db8::1'"), ("BAD_ADDRESS", "name: to-kv")),
        (
            NET.replace("subnet: hub/links, privateIPAddress: 10.0.3.5", "subnet: hub/fw, privateIPAddress: 10.0.9.4"),
            ("ADDRESS_CLASH", "name: to-kv"),
        ),
        (NET.replace("attach: hub/links }", "attach: hub/links/10.0.3.5 }"), ("ADDRESS_CLASH", "name: links, attach")),
        (
            NET.replace("privateEndpointNetworkPolicies: Disabled", "privateEndpointNetworkPolicies: On"),
            ("BAD_VALUE", "NetworkPolicies: On"),
        ),
        (
            NET.replace("privateEndpointNetworkPolicies: Disabled", "delegation: Microsoft.Web/serverFarms"),
            ("DELEGATED_SUBNET", "name: to-kv"),
        ),
    ] {
        let loaded = found(&file);
        let errors: Vec<_> = loaded.into_iter().filter(|(code, _)| *code != "APPLIANCE_FORWARDING").collect();
        assert!(errors.first() == Some(&(expected.0, line(&file, expected.1))) && errors.len() <= 2, "{expected:?}\n{}", checked(&file));
    }
    let injected = NET
        .replacen(
            "  - { name: kv,",
            "  - { name: red, type: Microsoft.Cache/redis, subnet: hub/app, addresses: [10.0.1.9] }\n  - { name: kv,",
            1,
        )
        .replace("service: kv, groupIds", "service: red, groupIds");
    assert_eq!(found(&injected), [("PRIVATE_ENDPOINT", line(&injected, "name: to-kv"))], "{}", checked(&injected));
    // Several at once.
    let wrong = NET
        .replace("privateIPAddress: 10.0.3.5, service: kv, groupIds", "privateIPAddress: 10.0.4.5, service: vk, groupIds")
        .replace("twin/links", "twin/link");
    assert_eq!(found(&wrong), [("ADDRESS_OUTSIDE", 40), ("UNKNOWN_NAME", 40), ("UNKNOWN_NAME", 41)], "{}", checked(&wrong));
}

#[test]
fn an_app_with_a_private_endpoint_is_not_public_unless_it_says_so() {
    // S12 (c).
    let app = NET
        .replace("type: Microsoft.KeyVault/vaults,", "type: Microsoft.Web/sites,")
        .replace(", firewall: { defaultAction: Deny } }", " }");
    assert_eq!(ask(&app, "app", "10.0.3.5:443").reason(), "forwarded");
    assert_eq!(ask(&app, "app", "kv:443").reason(), "service-firewall-deny");
    let open = app.replace("ports: [443, 8443] }", "ports: [443, 8443], publicNetworkAccess: Enabled }");
    assert_eq!(ask(&open, "app", "kv:443").reason(), "forwarded");
}
