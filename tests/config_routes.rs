//! What `check` refuses of routes, peerings, gateways and address space, and what it warns of: a file for each rule.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]

use std::fmt::Write as _;

use causeway::config::load::load_text;

/// Code, line and column of every finding.
fn found(text: &str) -> Vec<(String, u32, u32)> {
    let loaded = load_text("net.yaml", text);
    assert_eq!(loaded.network.is_none(), loaded.findings.has_errors());
    loaded.findings.iter().map(|finding| (finding.code.as_str().to_owned(), finding.span.start.line, finding.span.start.column)).collect()
}

#[track_caller]
fn expect(text: &str, findings: &[(&str, u32, u32)]) {
    let expected: Vec<_> = findings.iter().map(|(code, line, column)| ((*code).to_owned(), *line, *column)).collect();
    assert_eq!(found(text), expected, "\n{text}\n{}", load_text("net.yaml", text).findings.render(false));
}

/// Where a piece of the text stands: line and column from 1.
fn place(text: &str, piece: &str) -> (u32, u32) {
    let at = text.find(piece).unwrap_or_else(|| panic!("no {piece} in\n{text}"));
    let before = &text[..at];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap().chars().count() + 1;
    (u32::try_from(line).unwrap(), u32::try_from(column).unwrap())
}

/// The one finding of the text is this one, at the first place of `piece`.
#[track_caller]
fn only(text: &str, code: &str, piece: &str) {
    let (line, column) = place(text, piece);
    expect(text, &[(code, line, column)]);
}

/// A network with two subnets, and a route table for the first with this one route.
fn with_route(route: &str, rest: &str) -> String {
    format!(
        "virtualNetworks:
  - name: v
    addressPrefixes: [10.0.0.0/16]
    subnets:
      - {{ name: app, addressPrefix: 10.0.1.0/24, routeTable: t }}
      - {{ name: fw, addressPrefix: 10.0.9.0/24 }}
      - {{ name: GatewaySubnet, addressPrefix: 10.0.255.0/27 }}
networkInterfaces:
  - {{ name: nva, subnet: v/fw, privateIPAddress: 10.0.9.4, enableIPForwarding: true }}
routeTables:
  - {{ name: t, routes: [{{ name: r, {route} }}] }}
{rest}"
    )
}

fn gateway(kind: &str) -> String {
    format!("gateways:\n  - {{ name: {kind}, type: {kind}, virtualNetwork: v, addressPrefixes: [172.16.0.0/16] }}\n")
}

#[test]
fn next_hop_types_are_those_that_users_can_set() {
    for hop in ["VirtualNetworkServiceEndpoint", "VNetPeering", "VNetGlobalPeering", "InterfaceEndpoint"] {
        only(&with_route(&format!("addressPrefix: 0.0.0.0/0, nextHopType: {hop}"), ""), "BAD_VALUE", hop);
    }
    for hop in ["VnetLocal", "vnetlocal", "Internet", "None", "VirtualAppliance, nextHopIpAddress: 10.0.9.4"] {
        expect(&with_route(&format!("addressPrefix: 192.0.2.0/24, nextHopType: {hop}"), ""), &[]);
    }
}

#[test]
fn the_appliances_address_belongs_to_virtual_appliance_alone() {
    only(&with_route("addressPrefix: 0.0.0.0/0, nextHopType: VirtualAppliance", ""), "BAD_ROUTE", "VirtualAppliance");
    let other = with_route("addressPrefix: 0.0.0.0/0, nextHopType: Internet, nextHopIpAddress: 10.0.9.4", "");
    let (line, column) = place(&other, "nextHopIpAddress: ");
    expect(&other, &[("BAD_ROUTE", line, column + 18)]);
    let families = with_route("addressPrefix: '2001:db8::/32', nextHopType: VirtualAppliance, nextHopIpAddress: 10.0.9.4", "");
    let (line, column) = place(&families, "nextHopIpAddress: ");
    expect(&families, &[("BAD_ROUTE", line, column + 18)]);
}

#[test]
fn a_user_route_leads_to_a_vpn_gateway_alone() {
    let route = "addressPrefix: 192.0.2.0/24, nextHopType: VirtualNetworkGateway";
    expect(&with_route(route, &gateway("Vpn")), &[]);
    only(&with_route(route, &gateway("ExpressRoute")), "BAD_ROUTE", "VirtualNetworkGateway");
    let both = format!("{}{}", gateway("Vpn"), gateway("ExpressRoute").replace("gateways:\n", "").replace("172.16", "172.17"));
    only(&with_route(route, &both), "BAD_ROUTE", "VirtualNetworkGateway");
    only(&with_route(route, ""), "BAD_ROUTE", "VirtualNetworkGateway");
    let unused = with_route(route, "").replace(", routeTable: t", "");
    only(&unused, "UNUSED_OBJECT", "{ name: t");
}

#[test]
fn a_user_route_may_lead_to_a_peers_vpn_gateway() {
    let text = |flags: &str, kind: &str| {
        format!(
            "virtualNetworks:
  - name: hub
    addressPrefixes: [10.0.0.0/16]
    subnets: [{{ name: GatewaySubnet, addressPrefix: 10.0.255.0/27 }}]
    peerings: [{{ remoteVirtualNetwork: spoke, allowGatewayTransit: true }}]
  - name: spoke
    addressPrefixes: [10.1.0.0/16]
    subnets: [{{ name: s, addressPrefix: 10.1.1.0/24, routeTable: t }}]
    peerings: [{{ remoteVirtualNetwork: hub{flags} }}]
gateways:
  - {{ name: hq, type: {kind}, virtualNetwork: hub, addressPrefixes: [172.16.0.0/16] }}
routeTables:
  - {{ name: t, routes: [{{ name: r, addressPrefix: 0.0.0.0/0, nextHopType: VirtualNetworkGateway }}] }}
"
        )
    };
    expect(&text(", useRemoteGateways: true", "Vpn"), &[]);
    only(&text("", "Vpn"), "BAD_ROUTE", "VirtualNetworkGateway");
    only(&text(", useRemoteGateways: true", "ExpressRoute"), "BAD_ROUTE", "VirtualNetworkGateway");
}

#[test]
fn an_appliance_is_in_the_network_or_a_direct_peer() {
    let to = |address: &str, rest: &str| {
        with_route(&format!("addressPrefix: 192.0.2.0/24, nextHopType: VirtualAppliance, nextHopIpAddress: {address}"), rest)
    };
    for address in ["172.16.1.1", "198.51.100.9", "10.2.9.4"] {
        let loaded = found(&to(address, &gateway("Vpn")));
        let (line, column) = place(&to(address, ""), address);
        assert!(loaded.contains(&("BAD_ROUTE".to_owned(), line, column)), "{address}: {loaded:?}");
    }
    let peered = to("10.2.9.4", "").replace("    subnets:\n      - { name: app", "    peerings: [{ remoteVirtualNetwork: w }]\n    subnets:\n      - { name: app").replace(
        "networkInterfaces:\n",
        "  - name: w\n    addressPrefixes: [10.2.0.0/16]\n    subnets: [{ name: fw, addressPrefix: 10.2.9.0/24 }]\n    peerings: [{ remoteVirtualNetwork: v }]\nnetworkInterfaces:\n  - { name: other, subnet: w/fw, privateIPAddress: 10.2.9.4, enableIPForwarding: true }\n",
    );
    expect(&peered, &[]);
    // Half a peering is Azure's to accept: it warns of that alone.
    only(&peered.replace("    peerings: [{ remoteVirtualNetwork: v }]\n", ""), "HALF_PEERING", "w }]");
}

#[test]
fn an_appliance_that_uses_its_own_route_is_a_loop() {
    let text = with_route("addressPrefix: 0.0.0.0/0, nextHopType: VirtualAppliance, nextHopIpAddress: 10.0.9.4", "")
        .replace("addressPrefix: 10.0.9.0/24", "addressPrefix: 10.0.9.0/24, routeTable: t");
    let (line, column) = place(&text, "nextHopIpAddress: ");
    expect(&text, &[("APPLIANCE_LOOP", line, column + 18)]);
}

#[test]
fn a_public_address_beside_another_default_route_breaks() {
    let text = |route: &str| {
        with_route(route, "").replace(
            "networkInterfaces:\n",
            "networkInterfaces:\n  - { name: vm, subnet: v/app, privateIPAddress: 10.0.1.4, publicIPAddress: 192.0.2.30 }\n",
        )
    };
    only(
        &text("addressPrefix: 0.0.0.0/0, nextHopType: VirtualAppliance, nextHopIpAddress: 10.0.9.4"),
        "PUBLIC_ADDRESS_ROUTE",
        "192.0.2.30",
    );
    expect(&text("addressPrefix: 0.0.0.0/0, nextHopType: Internet"), &[]);
    expect(&text("addressPrefix: 192.0.2.0/24, nextHopType: None"), &[]);
    let by_gateway = gateway("Vpn").replace("172.16.0.0/16", "0.0.0.0/0");
    only(&format!("{}{by_gateway}", text("addressPrefix: 192.0.2.0/24, nextHopType: None")), "PUBLIC_ADDRESS_ROUTE", "192.0.2.30");
}

#[test]
fn a_table_has_one_route_to_a_prefix_however_it_is_written() {
    for (one, other) in
        [("10.9.0.0/16", "10.9.0.0/16"), ("192.0.2.7", "192.0.2.7/32"), ("'2001:DB8::/32'", "'2001:0db8::/32'"), ("Storage", "storage")]
    {
        let text = format!(
            "serviceTags: {{ Storage: [203.0.113.16/28] }}\nrouteTables:\n  - name: t\n    routes:\n      - {{ name: a, addressPrefix: {one}, nextHopType: None }}\n      - {{ name: b, addressPrefix: {other}, nextHopType: None }}\n"
        );
        expect(&text, &[("BAD_ROUTE", 6, 35)]);
    }
    only(
        "routeTables:\n  - name: t\n    routes:\n      - { name: a, addressPrefix: 10.9.0.0/16, nextHopType: None }\n      - { name: A, addressPrefix: 10.8.0.0/16, nextHopType: None }\n",
        "DUPLICATE_NAME",
        "A, ",
    );
}

#[test]
fn special_tags_are_no_destinations_of_routes() {
    for tag in ["VirtualNetwork", "Internet", "AzureLoadBalancer"] {
        only(&with_route(&format!("addressPrefix: {tag}, nextHopType: None"), ""), "BAD_TAG", tag);
    }
    only(&with_route("addressPrefix: Storge, nextHopType: None", ""), "UNKNOWN_TAG", "Storge");
    only(&with_route("addressPrefix: 10.0.0.1/8, nextHopType: None", ""), "BAD_PREFIX", "10.0.0.1/8");
}

#[test]
fn a_gateway_subnet_takes_nothing_but_gateways() {
    let file = |tenant: &str| {
        format!(
            "virtualNetworks:\n  - {{ name: v, addressPrefixes: [10.0.0.0/16], subnets: [{{ name: GatewaySubnet, addressPrefix: 10.0.255.0/27 }}] }}\n{tenant}\n"
        )
    };
    let interface = "networkInterfaces: [{ name: i, privateIPAddress: 10.0.255.4, subnet: v/GatewaySubnet }]";
    only(&file(interface), "GATEWAY_SUBNET", "v/GatewaySubnet");
    let service = "services: [{ name: c, type: Microsoft.Batch/batchAccounts, addresses: [10.0.255.4], subnet: V/gatewaysubnet }]";
    only(&file(service), "GATEWAY_SUBNET", "V/gatewaysubnet");
    expect(&file("gateways: [{ name: hq, type: Vpn, virtualNetwork: v, addressPrefixes: [172.16.0.0/16] }]"), &[]);
}

#[test]
fn a_gateway_subnet_takes_no_group_no_default_route_and_keeps_propagation() {
    let table = |table: &str| {
        format!(
            "virtualNetworks:\n  - {{ name: v, addressPrefixes: [10.0.0.0/16], subnets: [{{ name: gatewaysubnet, addressPrefix: 10.0.255.0/27, routeTable: t }}] }}\nrouteTables:\n  - {{ name: t, {table} }}\n"
        )
    };
    only(&table("routes: [{ name: r, addressPrefix: 0.0.0.0/0, nextHopType: Internet }]"), "GATEWAY_SUBNET", "t }] }");
    only(&table("disableBgpRoutePropagation: true"), "GATEWAY_SUBNET", "t }] }");
    expect(&table("routes: [{ name: r, addressPrefix: 10.1.0.0/16, nextHopType: None }]"), &[]);
}

fn pair(one: &str, other: &str, rest: &str) -> String {
    format!(
        "virtualNetworks:\n  - {{ name: a, addressPrefixes: [10.0.0.0/16], peerings: [{{ remoteVirtualNetwork: b{one} }}] }}\n  - {{ name: b, addressPrefixes: [10.1.0.0/16], subnets: [{{ name: GatewaySubnet, addressPrefix: 10.1.255.0/27 }}], peerings: [{{ remoteVirtualNetwork: a{other} }}] }}\n{rest}"
    )
}

const AT_B: &str = "gateways:\n  - { name: hq, type: Vpn, virtualNetwork: b, addressPrefixes: [172.16.0.0/16] }\n";

#[test]
fn peerings_have_two_halves_and_one_remote_gateway() {
    expect(&pair("", "", ""), &[]);
    expect(&pair(", peeringState: Connected, peerCompleteVnets: true", "", ""), &[]);
    only(&pair(", peeringState: Disconnected", "", ""), "HALF_PEERING", "b, peeringState");
    only(&pair(", peerCompleteVnets: false", "", ""), "NOT_MODELLED", "false");
    only(&pair(", remoteAddressSpace: { addressPrefixes: [10.1.0.0/16] }", "", ""), "NO_EFFECT", "{ addressPrefixes: [10.1");
    only(&pair(", useRemoteGateways: true", "", AT_B), "PEERING_FLAGS", "b, useRemoteGateways");
    only(&pair(", useRemoteGateways: true", ", allowGatewayTransit: true", ""), "PEERING_FLAGS", "b, useRemoteGateways");
    expect(&pair(", useRemoteGateways: true", ", allowGatewayTransit: true", AT_B), &[]);
    let own = pair("", ", useRemoteGateways: true", AT_B);
    let loaded = found(&own);
    assert!(loaded.iter().any(|(code, ..)| code == "BAD_PEERING"), "{loaded:?}");
    let three = "virtualNetworks:
  - { name: a, addressPrefixes: [10.0.0.0/16], subnets: [{ name: GatewaySubnet, addressPrefix: 10.0.255.0/27 }], peerings: [{ remoteVirtualNetwork: c, allowGatewayTransit: true }] }
  - { name: b, addressPrefixes: [10.1.0.0/16], subnets: [{ name: GatewaySubnet, addressPrefix: 10.1.255.0/27 }], peerings: [{ remoteVirtualNetwork: c, allowGatewayTransit: true }] }
  - { name: c, addressPrefixes: [10.2.0.0/16], peerings: [{ remoteVirtualNetwork: a, useRemoteGateways: true }, { remoteVirtualNetwork: b, useRemoteGateways: true }] }
gateways:
  - { name: one, type: Vpn, virtualNetwork: a, addressPrefixes: [172.16.0.0/16] }
  - { name: two, type: Vpn, virtualNetwork: b, addressPrefixes: [172.17.0.0/16] }
";
    expect(three, &[("BAD_PEERING", 4, 159)]);
}

#[test]
fn peered_networks_do_not_overlap_each_other_nor_a_third() {
    let third = "virtualNetworks:
  - { name: hub, addressPrefixes: [10.0.0.0/16], peerings: [{ remoteVirtualNetwork: a }, { remoteVirtualNetwork: b }] }
  - { name: a, addressPrefixes: [10.1.0.0/16], peerings: [{ remoteVirtualNetwork: hub }] }
  - { name: b, addressPrefixes: [10.1.128.0/17], peerings: [{ remoteVirtualNetwork: hub }] }
";
    only(third, "PEER_OVERLAP", "{ remoteVirtualNetwork: b }");
}

#[test]
fn address_space_keeps_out_of_what_the_platform_has() {
    for space in ["224.0.0.0/8", "255.255.255.255/32", "127.1.0.0/16", "169.254.7.0/24", "168.63.129.16/32", "168.63.0.0/16", "0.0.0.0/0"] {
        only(&format!("virtualNetworks:\n  - {{ name: v, addressPrefixes: [{space}] }}\n"), "RESERVED_RANGE", space);
    }
    for space in ["203.0.113.0/24", "10.0.0.0/8", "'fd00::/48'"] {
        expect(&format!("virtualNetworks:\n  - {{ name: v, addressPrefixes: [{space}] }}\n"), &[]);
    }
}

#[test]
fn subnets_have_the_sizes_that_azure_takes() {
    let subnet = |space: &str, prefix: &str| {
        format!("virtualNetworks:\n  - {{ name: v, addressPrefixes: [{space}], subnets: [{{ name: s, addressPrefix: {prefix} }}] }}\n")
    };
    for (space, prefix) in
        [("10.0.0.0/16", "10.0.1.0/30"), ("10.0.0.0/7", "10.0.0.0/7"), ("'fd00::/48'", "'fd00::/56'"), ("'fd00::/48'", "'fd00::/80'")]
    {
        let text = subnet(space, prefix);
        let (line, _) = place(&text, "subnets");
        let loaded = found(&text);
        assert_eq!((loaded.len(), loaded[0].0.as_str(), loaded[0].1), (1, "SUBNET_SIZE", line), "{prefix} {loaded:?}");
    }
    for (space, prefix) in [("10.0.0.0/16", "10.0.1.0/29"), ("10.0.0.0/8", "10.0.0.0/8"), ("'fd00::/48'", "'fd00::/64'")] {
        expect(&subnet(space, prefix), &[]);
    }
}

#[test]
fn five_addresses_of_a_subnet_are_azures_in_both_families() {
    let at = |address: &str| {
        format!(
            "virtualNetworks:\n  - {{ name: v, addressPrefixes: [10.0.0.0/16, 'fd00::/48'], subnets: [{{ name: s, addressPrefixes: [10.0.1.0/24, 'fd00::/64'] }}] }}\nnetworkInterfaces:\n  - {{ name: i, subnet: v/s, privateIPAddresses: [{address}] }}\n"
        )
    };
    for address in
        ["10.0.1.0", "10.0.1.1", "10.0.1.2", "10.0.1.3", "10.0.1.255", "'fd00::'", "'fd00::1'", "'fd00::3'", "'fd00::ffff:ffff:ffff:ffff'"]
    {
        expect(&at(address), &[("RESERVED_ADDRESS", 4, 50)]);
    }
    for address in ["10.0.1.4", "10.0.1.254", "'fd00::4'"] {
        expect(&at(address), &[]);
    }
}

/// `count` entries, made of their number.
fn many(count: usize, entry: impl Fn(usize) -> String) -> String {
    (0..count).fold(String::new(), |mut text, number| {
        writeln!(text, "{}", entry(number)).unwrap();
        text
    })
}

#[test]
fn no_more_than_azures_limits() {
    let octets = |number: usize| format!("{}.{}", number / 250, number % 250);
    let route = |number: usize| format!("      - {{ name: r{number}, addressPrefix: 10.{}.0/24, nextHopType: None }}", octets(number));
    let table = |count: usize| format!("routeTables:\n  - name: t\n    routes:\n{}", many(count, route));
    expect(&table(400), &[]);
    expect(&table(401), &[("LIMIT_EXCEEDED", 2, 5)]);

    let tag = |number: usize| format!("  T{number}: [203.0.113.{number}/32]");
    let to_tag = |number: usize| format!("      - {{ name: r{number}, addressPrefix: T{number}, nextHopType: None }}");
    let tagged =
        |count: usize| format!("serviceTags:\n{}routeTables:\n  - name: t\n    routes:\n{}", many(count, tag), many(count, to_tag));
    expect(&tagged(25), &[]);
    expect(&tagged(26), &[("LIMIT_EXCEEDED", 29, 5)]);

    let tables = |count: usize| format!("routeTables:\n{}", many(count, |number| format!("  - {{ name: t{number} }}")));
    expect(&tables(200), &[]);
    expect(&tables(201), &[("LIMIT_EXCEEDED", 202, 5)]);

    let networks = |count: usize| {
        format!("virtualNetworks:\n{}", many(count, |number| format!("  - {{ name: v{number}, addressPrefixes: [10.0.0.0/16] }}")))
    };
    expect(&networks(1000), &[]);
    expect(&networks(1001), &[("LIMIT_EXCEEDED", 1002, 5)]);
    let elsewhere = networks(1001).replace("name: v7,", "name: v7, location: eastus,");
    expect(&elsewhere, &[]);

    let subnets = |count: usize| {
        format!(
            "virtualNetworks:\n  - name: v\n    addressPrefixes: [10.0.0.0/8]\n    subnets:\n{}",
            many(count, |number| format!("      - {{ name: s{number}, addressPrefix: 10.{}.0/24 }}", octets(number)))
        )
    };
    expect(&subnets(3000), &[]);
    expect(&subnets(3001), &[("LIMIT_EXCEEDED", 2, 5)]);

    let peerings = |count: usize| {
        let halves = many(count, |number| format!("      - {{ remoteVirtualNetwork: v{number} }}"));
        let others = many(count, |number| {
            format!(
                "  - {{ name: v{number}, addressPrefixes: [10.{}.0/24], peerings: [{{ remoteVirtualNetwork: hub }}] }}",
                octets(number + 250)
            )
        });
        format!("virtualNetworks:\n  - name: hub\n    addressPrefixes: [10.0.0.0/16]\n    peerings:\n{halves}{others}")
    };
    expect(&peerings(500), &[]);
    expect(&peerings(501), &[("LIMIT_EXCEEDED", 2, 5)]);

    let dns = |count: usize| {
        let servers: Vec<_> = (0..count).map(|number| format!("10.0.0.{number}")).collect();
        format!(
            "virtualNetworks:\n  - name: v\n    addressPrefixes: [10.0.0.0/16]\n    dhcpOptions: {{ dnsServers: [{}] }}\n",
            servers.join(", ")
        )
    };
    expect(&dns(20), &[("NO_EFFECT", 4, 18)]);
    assert_eq!(found(&dns(21)).iter().filter(|(code, line, _)| code == "LIMIT_EXCEEDED" && *line == 4).count(), 1);
}

#[test]
fn several_errors_come_together_each_with_its_line() {
    let text = "virtualNetworks:
  - name: v
    addressPrefixes: [10.0.0.0/16, 224.0.0.0/8]
    subnets:
      - { name: app, addressPrefix: 10.0.1.0/24, routeTable: t }
      - { name: GatewaySubnet, addressPrefix: 10.0.255.0/27, routeTable: quiet }
    peerings:
      - { remoteVirtualNetwork: v }
gateways:
  - { name: er, type: ExpressRoute, virtualNetwork: v, addressPrefixes: [172.16.0.0/16] }
routeTables:
  - name: t
    routes:
      - { name: a, addressPrefix: 0.0.0.0/0, nextHopType: VirtualNetworkGateway }
      - { name: b, addressPrefix: 192.0.2.0/24, nextHopType: VirtualAppliance, nextHopIpAddress: 172.16.0.9 }
      - { name: c, addressPrefix: 192.0.2.0/24, nextHopType: None }
  - { name: quiet, disableBgpRoutePropagation: true }
";
    let refused: Vec<(String, u32)> =
        found(text).into_iter().filter(|(code, ..)| code != "APPLIANCE_FORWARDING").map(|(code, line, _)| (code, line)).collect();
    let expected =
        [("RESERVED_RANGE", 3), ("GATEWAY_SUBNET", 6), ("BAD_PEERING", 8), ("BAD_ROUTE", 14), ("BAD_ROUTE", 15), ("BAD_ROUTE", 16)];
    assert_eq!(refused, expected.map(|(code, line)| (code.to_owned(), line)));
}
