//! What networks owe the services inside them: `check` says what breaks them, with the rule's line.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]

use causeway::config::load::load_text;

/// Code, line and message of each finding but empty tags, which some of these networks have on purpose.
fn found(text: &str) -> Vec<(&'static str, u32, String)> {
    let loaded = load_text("net.yaml", text);
    let list = loaded.findings.iter().filter(|finding| finding.code.as_str() != "EMPTY_TAG");
    list.map(|finding| (finding.code.as_str(), finding.span.start.line, finding.message.clone())).collect()
}

fn codes(text: &str) -> Vec<(&'static str, u32)> {
    found(text).into_iter().map(|(code, line, _)| (code, line)).collect()
}

/// A service on line 5 in the subnet of line 3, then `more`.
fn service(subnet: &str, kind: &str, more: &str) -> String {
    let (name, rest) = subnet.split_once(' ').unwrap_or((subnet, ""));
    format!(
        "location: westeurope
virtualNetworks:
  - {{ name: v, addressPrefixes: [10.0.0.0/16], subnets: [{{ name: {name}, {rest} }}, {{ name: other, addressPrefix: 10.0.9.0/24 }}] }}
services:
  - {{ name: it, type: {kind}, subnet: v/{name}, addresses: [10.0.1.10] }}
{more}"
    )
}

const PLAIN: &str = "s addressPrefix: 10.0.1.0/24";
const GUARDED: &str = "s addressPrefix: 10.0.1.0/24, networkSecurityGroup: g";

fn rule(name: &str, priority: u16, direction: &str, access: &str, protocol: &str, sides: (&str, &str), ports: &str) -> String {
    format!(
        "      - {{ name: {name}, priority: {priority}, direction: {direction}, access: {access}, protocol: '{protocol}', sourceAddressPrefix: '{}', destinationAddressPrefix: '{}', sourcePortRange: '*', destinationPortRange: '{ports}' }}\n",
        sides.0, sides.1
    )
}

/// A group whose first rule is on line 9.
fn guarded(kind: &str, rules: &[String]) -> String {
    service(GUARDED, kind, &format!("networkSecurityGroups:\n  - name: g\n    securityRules:\n{}", rules.concat()))
}

#[test]
fn subnets_that_azure_refuses() {
    for (subnet, kind, more, expected) in [
        (PLAIN, "Microsoft.Network/bastionHosts", "", "lives in a subnet called `AzureBastionSubnet`"),
        (PLAIN, "Microsoft.Network/azureFirewalls", "", "lives in a subnet called `AzureFirewallSubnet`"),
        (PLAIN, "Microsoft.Web/hostingEnvironments", "", "needs a subnet that is delegated to Microsoft.Web/hostingEnvironments"),
        ("s addressPrefix: 10.0.1.0/24, delegation: Microsoft.Web/serverFarms", "Microsoft.Cache/redis", "", "cannot live in it"),
        ("AzureBastionSubnet addressPrefix: 10.0.1.0/27", "Microsoft.Network/bastionHosts", "", "needs a subnet of /26 or larger"),
        (
            PLAIN,
            "Microsoft.Cache/redis",
            "networkInterfaces:\n  - { name: vm, subnet: v/s, privateIPAddress: 10.0.1.4 }\n",
            "needs a subnet of its own; the network interface `vm` is in this one",
        ),
        (
            PLAIN,
            "Microsoft.Cache/redis",
            "  - { name: front, type: Microsoft.Network/applicationGateways, subnet: v/s, addresses: [10.0.1.11] }\n",
            "needs a subnet of its own; `front` (Application Gateway v2) is in this one",
        ),
    ] {
        let found = found(&service(subnet, kind, more));
        let (code, line, message) = &found[0];
        assert_eq!((*code, *line), ("INJECTED_SUBNET", 5), "{kind}: {found:?}");
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn subnets_that_are_right() {
    for (subnet, kind, more) in [
        (PLAIN, "Microsoft.Cache/redis", "  - { name: second, type: Microsoft.Cache/redis, subnet: v/s, addresses: [10.0.1.11] }\n"),
        (PLAIN, "Microsoft.Cache/redis", "networkInterfaces:\n  - { name: vm, subnet: v/other, privateIPAddress: 10.0.9.4 }\n"),
        (
            PLAIN,
            "Microsoft.ContainerService/managedClusters",
            "networkInterfaces:\n  - { name: vm, subnet: v/s, privateIPAddress: 10.0.1.4 }\n",
        ),
        (PLAIN, "Microsoft.ContainerInstance/containerGroups", ""),
        (
            "s addressPrefix: 10.0.1.0/24, delegation: Microsoft.ContainerInstance/containerGroups",
            "Microsoft.ContainerInstance/containerGroups",
            "",
        ),
        ("AzureFirewallSubnet addressPrefix: 10.0.1.0/26", "Microsoft.Network/azureFirewalls", ""),
        ("s addressPrefix: 10.0.1.0/24, delegation: microsoft.web/HostingEnvironments", "Microsoft.Web/hostingEnvironments", ""),
        (PLAIN, "Microsoft.Compute/virtualMachines", ""),
    ] {
        assert_eq!(found(&service(subnet, kind, more)), [], "{kind}");
    }
}

#[test]
fn an_interface_in_a_delegated_subnet_is_refused_where_it_stands() {
    let text = service(
        "s addressPrefix: 10.0.1.0/24, delegation: Microsoft.DBforPostgreSQL/flexibleServers",
        "Microsoft.DBforPostgreSQL/flexibleServers",
        "networkInterfaces:\n  - { name: vm, subnet: v/s, privateIPAddress: 10.0.1.4 }\n",
    );
    assert_eq!(codes(&text), [("DELEGATED_SUBNET", 7)]);
}

#[test]
fn a_type_that_nobody_knows_is_a_plain_host() {
    assert_eq!(codes(&service(PLAIN, "Contoso.Gadgets/gadgets", "")), [("UNKNOWN_SERVICE_TYPE", 5)]);
}

#[test]
fn the_rule_that_stops_management_is_named_with_its_line() {
    let text = guarded(
        "Microsoft.ApiManagement/service",
        &[
            rule("probes", 100, "Inbound", "Allow", "*", ("AzureLoadBalancer", "*"), "*"),
            rule("no-internet", 200, "Inbound", "Deny", "*", ("Internet", "*"), "*"),
        ],
    );
    let found = found(&text);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].0, found[0].1), ("INJECTED_TRAFFIC", 10));
    assert!(
        found[0].2.contains("`no-internet` of `g` stops TCP 3443 from ApiManagement (management): `it` (API Management)"),
        "{}",
        found[0].2
    );
}

#[test]
fn the_whole_of_what_is_needed_must_be_allowed() {
    let gateway = |ports: &[&str]| {
        let mut rules: Vec<String> = (100..)
            .step_by(10)
            .zip(ports)
            .map(|(priority, ports)| rule(&format!("m{priority}"), priority, "Inbound", "Allow", "Tcp", ("GatewayManager", "*"), ports))
            .collect();
        rules.push(rule("probes", 200, "Inbound", "Allow", "*", ("AzureLoadBalancer", "*"), "*"));
        rules.push(rule("rest", 4000, "Inbound", "Deny", "*", ("*", "*"), "*"));
        codes(&guarded("Microsoft.Network/applicationGateways", &rules))
    };
    assert_eq!(gateway(&["65200-65535"]), []);
    assert_eq!(gateway(&["65200-65300", "65301-65535"]), [], "in parts");
    assert_eq!(gateway(&["65200-65300", "65302-65535"]), [("INJECTED_TRAFFIC", 12)], "all but port 65301");
    assert_eq!(gateway(&[]), [("INJECTED_TRAFFIC", 10)]);
}

#[test]
fn a_deny_for_other_hosts_and_a_regional_tag_break_nothing() {
    let text = guarded(
        "Microsoft.Network/applicationGateways",
        &[
            rule("not-them", 100, "Inbound", "Deny", "*", ("*", "10.0.1.11"), "*"),
            rule("managers", 110, "Inbound", "Allow", "Tcp", ("GatewayManager.westeurope", "10.0.1.0/24"), "65200-65535"),
            rule("probes", 120, "Inbound", "Allow", "*", ("168.63.129.16", "*"), "*"),
            rule("rest", 4000, "Inbound", "Deny", "*", ("*", "*"), "*"),
        ],
    );
    assert_eq!(codes(&text), []);
}

#[test]
fn what_no_rule_allows_is_said_of_the_group() {
    // DenyAllInBound stands in no file.
    let text = guarded("Microsoft.HDInsight/clusters", &[rule("ssh", 100, "Inbound", "Allow", "Tcp", ("198.51.100.0/24", "*"), "22")]);
    let found = found(&text);
    assert_eq!((found[0].0, found[0].1), ("INJECTED_TRAFFIC", 7), "{found:?}");
    assert!(found[0].2.contains("no rule of `g` allows TCP 443 from HDInsight (cluster management)"), "{}", found[0].2);
}

#[test]
fn outbound_management_is_looked_at_too() {
    let closed = rule("shut", 4000, "Outbound", "Deny", "*", ("*", "Internet"), "*");
    let cloud = rule("cloud", 100, "Outbound", "Allow", "*", ("*", "AzureCloud"), "*");
    assert_eq!(codes(&guarded("Microsoft.ContainerService/managedClusters", std::slice::from_ref(&closed))), [("INJECTED_TRAFFIC", 9)]);
    assert_eq!(codes(&guarded("Microsoft.ContainerService/managedClusters", &[cloud, closed])), []);
}

#[test]
fn groups_sizes_and_routes_that_break_it_later() {
    assert_eq!(codes(&service(PLAIN, "Microsoft.ApiManagement/service", "")), [("INJECTED_NSG", 5)]);
    let firewall = service(
        "AzureFirewallSubnet addressPrefix: 10.0.1.0/26, networkSecurityGroup: g",
        "Microsoft.Network/azureFirewalls",
        "networkSecurityGroups:\n  - { name: g }\n",
    );
    assert_eq!(codes(&firewall), [("INJECTED_NSG", 5)]);
    assert_eq!(codes(&service("s addressPrefix: 10.0.1.0/27", "Microsoft.Network/applicationGateways", "")), [("INJECTED_SIZE", 5)]);
    let routed = |hop: &str| {
        let subnet = "s addressPrefix: 10.0.1.0/24, routeTable: t";
        let table =
            format!("routeTables:\n  - name: t\n    routes:\n      - {{ name: d, addressPrefix: 0.0.0.0/0, nextHopType: {hop} }}\n");
        codes(&service(subnet, "Microsoft.Network/applicationGateways", &table))
    };
    assert_eq!(routed("None"), [("INJECTED_ROUTE", 9)]);
    assert_eq!(routed("Internet"), []);
}

#[test]
fn the_sku_chooses_what_is_needed() {
    let with = |sku: &str| {
        let text = guarded(
            "Microsoft.Network/applicationGateways",
            &[
                rule("managers", 110, "Inbound", "Allow", "Tcp", ("GatewayManager", "*"), "65503-65534"),
                rule("probes", 120, "Inbound", "Allow", "*", ("AzureLoadBalancer", "*"), "*"),
                rule("rest", 4000, "Inbound", "Deny", "*", ("*", "*"), "*"),
            ],
        );
        codes(&text.replace("addresses: [10.0.1.10]", &format!("addresses: [10.0.1.10], sku: {sku}")))
    };
    assert_eq!(with("Standard_Medium"), []);
    assert_eq!(with("Standard_v2"), [("INJECTED_TRAFFIC", 11)]);
}

mod rig;

mod at_run_time {
    use super::rig::{Rig, seen, tcp};
    use causeway::packet::Reason;

    /// A gateway appliance in a subnet, its public address, and everybody who may want to talk to it.
    const NETWORK: &str = "
virtualNetworks:
  - name: hub
    addressPrefixes: [10.0.0.0/16]
    defaultOutboundAddress: 192.0.2.1
    subnets:
      - { name: GatewaySubnet, addressPrefix: 10.0.255.0/27 }
      - { name: front, addressPrefix: 10.0.1.0/24, networkSecurityGroup: front-nsg }
      - { name: app, addressPrefix: 10.0.2.0/24 }
    peerings: [{ remoteVirtualNetwork: spoke, allowForwardedTraffic: true, allowGatewayTransit: true }]
  - name: spoke
    addressPrefixes: [10.1.0.0/16]
    subnets: [{ name: app, addressPrefix: 10.1.1.0/24 }]
    peerings: [{ remoteVirtualNetwork: hub, allowForwardedTraffic: true, useRemoteGateways: true }]
networkSecurityGroups:
  - name: front-nsg
    securityRules:
      - { name: managers, priority: 100, direction: Inbound, access: Allow, protocol: Tcp, sourceAddressPrefix: GatewayManager, sourcePortRange: '*', destinationAddressPrefix: '*', destinationPortRange: 65200-65535 }
      - { name: web, priority: 110, direction: Inbound, access: Allow, protocol: Tcp, sourceAddressPrefix: Internet, sourcePortRange: '*', destinationAddressPrefix: '*', destinationPortRange: '443' }
serviceTags: { GatewayManager: [203.0.113.128/28] }
gateways:
  - { name: hq, type: Vpn, virtualNetwork: hub, addressPrefixes: [172.16.0.0/16], publicIPAddress: 198.51.100.7 }
services:
  - { name: front, type: KIND, subnet: hub/front, addresses: [10.0.1.10], publicIPAddress: 192.0.2.90 }
ports:
  - { name: front, attach: hub/front/10.0.1.10 }
  - { name: app, attach: hub/app/10.0.2.4 }
  - { name: peer, attach: spoke/app/10.1.1.4 }
  - { name: hq, attach: gateway/hq }
  - { name: internet, attach: internet }
";
    const FRONT: &str = "10.0.1.10";
    const PUBLIC: &str = "192.0.2.90";

    fn rig(kind: &str) -> Rig {
        Rig::new(&NETWORK.replace("KIND", kind))
    }

    #[test]
    fn it_is_a_host_to_its_network_its_peers_and_the_office() {
        let mut rig = rig("Microsoft.Network/applicationGateways");
        for (port, address) in [("app", "10.0.2.4"), ("peer", "10.1.1.4"), ("hq", "172.16.5.10")] {
            let there = rig.send(port, &tcp((address, 40_000), (FRONT, 443), "S", 1, 0, b""));
            assert_eq!((there[0].port.as_str(), seen(&there[0].bytes).source.to_string().as_str()), ("front", address), "from {port}");
            let back = rig.send("front", &tcp((FRONT, 443), (address, 40_000), "SA", 9, 2, b""));
            assert_eq!(back[0].port, port, "back to {port}");
            // It opens connections of its own, unlike a service outside of networks.
            let own = rig.send("front", &tcp((FRONT, 50_000), (address, 8080), "S", 1, 0, b""));
            assert_eq!((own[0].port.as_str(), seen(&own[0].bytes).source.to_string().as_str()), (port, FRONT), "to {port}");
        }
        assert_eq!(rig.count(Reason::ServiceInitiated), 0);
    }

    #[test]
    fn its_public_address_works_both_ways_and_its_group_sees_the_private_one() {
        let mut rig = rig("Microsoft.Network/applicationGateways");
        let there = rig.send("internet", &tcp(("198.51.100.20", 40_000), (PUBLIC, 443), "S", 1, 0, b""));
        let arrived = seen(&there[0].bytes);
        assert_eq!((there[0].port.as_str(), arrived.destination.to_string().as_str()), ("front", FRONT));
        let back = rig.send("front", &tcp((FRONT, 443), ("198.51.100.20", 40_000), "SA", 9, 2, b""));
        assert_eq!((back[0].port.as_str(), seen(&back[0].bytes).source.to_string().as_str()), ("internet", PUBLIC));
        let out = rig.send("front", &tcp((FRONT, 50_000), ("198.51.100.20", 443), "S", 1, 0, b""));
        assert_eq!(seen(&out[0].bytes).source.to_string(), PUBLIC);
        let managed = rig.send("internet", &tcp(("203.0.113.130", 40_000), (PUBLIC, 65_300), "S", 1, 0, b""));
        assert_eq!(managed[0].port, "front");
        assert!(rig.send("internet", &tcp(("198.51.100.20", 40_001), (PUBLIC, 65_300), "S", 1, 0, b"")).is_empty());
        assert_eq!(rig.count(Reason::NsgDeny), 1);
    }

    #[test]
    fn a_type_that_nobody_knows_works_like_any_host() {
        let mut rig = rig("Contoso.Gadgets/gadgets");
        let there = rig.send("app", &tcp(("10.0.2.4", 40_000), (FRONT, 9999), "S", 1, 0, b""));
        assert_eq!(there[0].port, "front");
        let out = rig.send("front", &tcp((FRONT, 50_000), ("198.51.100.20", 443), "S", 1, 0, b""));
        assert_eq!(seen(&out[0].bytes).source.to_string(), PUBLIC);
    }

    /// A firewall that lives in its subnet forwards what routes give it.
    #[test]
    fn azure_firewall_is_an_appliance() {
        let network = "
virtualNetworks:
  - name: hub
    addressPrefixes: [10.0.0.0/16]
    defaultOutboundAddress: 192.0.2.1
    subnets:
      - { name: AzureFirewallSubnet, addressPrefix: 10.0.1.0/26 }
      - { name: app, addressPrefix: 10.0.2.0/24, routeTable: out }
routeTables:
  - { name: out, routes: [{ name: default, addressPrefix: 0.0.0.0/0, nextHopType: VirtualAppliance, nextHopIpAddress: 10.0.1.4 }] }
services:
  - { name: firewall, type: Microsoft.Network/azureFirewalls, subnet: hub/AzureFirewallSubnet, addresses: [10.0.1.4], publicIPAddress: 192.0.2.90 }
ports:
  - { name: firewall, attach: hub/AzureFirewallSubnet/10.0.1.4 }
  - { name: app, attach: hub/app/10.0.2.4 }
  - { name: internet, attach: internet }
";
        assert_eq!(super::codes(network), []);
        let mut rig = Rig::new(network);
        let given = rig.send("app", &tcp(("10.0.2.4", 40_000), ("198.51.100.20", 443), "S", 1, 0, b""));
        assert_eq!(given[0].port, "firewall");
        let sent = rig.send("firewall", &tcp(("10.0.2.4", 40_000), ("198.51.100.20", 443), "S", 1, 0, b""));
        assert_eq!((sent[0].port.as_str(), seen(&sent[0].bytes).source.to_string().as_str()), ("internet", PUBLIC));
    }
}
