//! Lints about rules as they work: what they find, and what they leave alone. That each code has a file which shows it,
//! and one that does not, is in `explain_code`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]

use std::fmt::Write as _;

use causeway::config::load::load_text;

/// The codes found, each with its line.
fn found(text: &str) -> Vec<(&'static str, u32)> {
    let loaded = load_text("net.yaml", text);
    assert!(!loaded.findings.has_errors(), "{}", loaded.findings.render(false));
    loaded.findings.iter().map(|finding| (finding.code.as_str(), finding.span.start.line)).collect()
}

/// A network with one group, whose rules begin on line 7: name, direction, access, protocol, far side, near side, port.
fn with_rules(rules: &[(&str, &str, &str, &str, &str, &str, &str)]) -> String {
    let mut text = String::from(
        "virtualNetworks:\n  - name: v\n    addressPrefixes: [10.0.0.0/16]\n    subnets: [{ name: s, addressPrefix: 10.0.1.0/24, networkSecurityGroup: g }]\nnetworkSecurityGroups:\n  - { name: g, securityRules: [\n",
    );
    for (number, (name, direction, access, protocol, far, near, port)) in rules.iter().enumerate() {
        let (far_side, near_side) = if *direction == "Inbound" { ("source", "destination") } else { ("destination", "source") };
        writeln!(
            text,
            "    {{ name: {name}, priority: {}, direction: {direction}, access: {access}, protocol: '{protocol}', {far_side}AddressPrefix: '{far}', {near_side}AddressPrefix: '{near}', sourcePortRange: '*', destinationPortRange: '{port}' }},",
            100 + number * 10
        )
        .unwrap();
    }
    text + "  ] }\n"
}

#[test]
fn one_rule_or_several_together_cover_another() {
    let halves = with_rules(&[
        ("low", "Inbound", "Allow", "Tcp", "10.0.0.0/9", "*", "0-32767"),
        ("high", "Inbound", "Allow", "Tcp", "10.0.0.0/9", "*", "32768-65535"),
        ("both", "Inbound", "Allow", "Tcp", "10.1.0.0/16", "*", "80-40000"),
    ]);
    assert_eq!(found(&halves), [("SHADOWED_RULE", 9)]);
    let message = load_text("net.yaml", &halves).findings.render(false);
    assert!(message.contains("`low`, `high` together match all that `both` matches"), "{message}");
    let mixed = with_rules(&[
        ("left", "Inbound", "Deny", "*", "10.0.0.0/9", "*", "*"),
        ("right", "Inbound", "Allow", "*", "10.128.0.0/9", "*", "*"),
        ("whole", "Inbound", "Allow", "Tcp", "10.0.0.0/8", "*", "443"),
    ]);
    assert_eq!(found(&mixed), [("UNREACHABLE_RULE", 9)]);
}

#[test]
fn what_decides_a_single_packet_is_left_alone() {
    for rules in [
        // A port short, an address short, another protocol, another direction.
        vec![("a", "Inbound", "Deny", "Tcp", "*", "*", "80-442"), ("b", "Inbound", "Allow", "Tcp", "*", "*", "80-443")],
        vec![("a", "Inbound", "Deny", "Tcp", "10.0.0.0/9", "*", "*"), ("b", "Inbound", "Allow", "Tcp", "10.0.0.0/8", "*", "*")],
        vec![("a", "Inbound", "Deny", "Tcp", "*", "*", "*"), ("b", "Inbound", "Allow", "*", "*", "*", "*")],
        vec![("a", "Inbound", "Deny", "*", "*", "*", "*"), ("b", "Outbound", "Allow", "*", "*", "*", "*")],
        // A packet without ports meets only rules that take every port.
        vec![("a", "Inbound", "Deny", "*", "*", "*", "0-65534"), ("b", "Inbound", "Allow", "Icmp", "*", "*", "*")],
        // The narrower allow comes first.
        vec![("a", "Inbound", "Allow", "Tcp", "10.0.0.0/8", "*", "443"), ("b", "Inbound", "Deny", "*", "*", "*", "*")],
    ] {
        assert_eq!(found(&with_rules(&rules)), [], "{rules:?}");
    }
}

#[test]
fn rules_for_the_platform_are_tried_apart_from_those_before_them() {
    let rules = [("all", "Outbound", "Allow", "*", "*", "*", "*"), ("names", "Outbound", "Deny", "*", "AzurePlatformDNS", "*", "*")];
    assert_eq!(found(&with_rules(&rules)), []);
}

#[test]
fn a_rule_is_dead_only_where_it_is_dead_in_every_subnet() {
    let text = |second: &str| {
        format!(
            "virtualNetworks:
  - {{ name: v, addressPrefixes: [10.0.0.0/16], subnets: [{{ name: s, addressPrefix: 10.0.1.0/24, networkSecurityGroup: g }}] }}
  - {{ name: w, addressPrefixes: [10.1.0.0/16], subnets: [{{ name: s, addressPrefix: 10.1.1.0/24{second} }}] }}
networkSecurityGroups:
  - name: g
    securityRules:
      - {{ name: net, priority: 100, direction: Inbound, access: Deny, protocol: '*', sourceAddressPrefix: VirtualNetwork, destinationAddressPrefix: '*', sourcePortRange: '*', destinationPortRange: '80-443' }}
      - {{ name: one, priority: 110, direction: Inbound, access: Allow, protocol: Tcp, sourceAddressPrefix: 10.0.1.0/24, destinationAddressPrefix: '*', sourcePortRange: '*', destinationPortRange: '443' }}
"
        )
    };
    assert_eq!(found(&text("")), [("UNREACHABLE_RULE", 8)]);
    assert_eq!(found(&text(", networkSecurityGroup: g")), []);
}

#[test]
fn a_tag_without_prefixes_makes_no_rule_redundant() {
    let rules = [("a", "Outbound", "Allow", "*", "*", "*", "*"), ("b", "Outbound", "Deny", "*", "AzureMonitor", "*", "*")];
    assert_eq!(found(&with_rules(&rules)), [("EMPTY_TAG", 8)]);
}

#[test]
fn a_thousand_rules_are_compared() {
    let names: Vec<String> = (0..999).map(|number| format!("r{number}")).collect();
    let mut text = String::from(
        "virtualNetworks:\n  - name: v\n    addressPrefixes: [10.0.0.0/8]\n    subnets: [{ name: s, addressPrefix: 10.0.1.0/24, networkSecurityGroup: g }]\nnetworkSecurityGroups:\n  - name: g\n    securityRules:\n",
    );
    for (number, name) in names.iter().enumerate() {
        let (high, low) = (number / 256, number % 256);
        writeln!(text, "      - {{ name: {name}, priority: {}, direction: Inbound, access: Deny, protocol: Tcp, sourceAddressPrefix: 10.{high}.{low}.0/24, destinationAddressPrefix: '*', sourcePortRange: '*', destinationPortRange: '{number}' }}", 100 + number).unwrap();
    }
    text.push_str("      - { name: late, priority: 4000, direction: Inbound, access: Allow, protocol: Tcp, sourceAddressPrefix: 10.1.7.9, destinationAddressPrefix: 10.0.1.0/24, sourcePortRange: '*', destinationPortRange: '263' }\n");
    let loaded = load_text("net.yaml", &text);
    let messages: Vec<&str> = loaded.findings.iter().map(|finding| finding.message.as_str()).collect();
    assert_eq!(messages, ["in `g` `r263` matches all that `late` matches, before it: it never decides"]);
}

#[test]
fn widening_is_seen_inbound_and_at_interfaces_too() {
    let text = "virtualNetworks:
  - { name: v, addressPrefixes: [10.0.0.0/16], subnets: [{ name: s, addressPrefix: 10.0.1.0/24, routeTable: t }] }
networkInterfaces:
  - { name: vm, subnet: v/s, privateIPAddress: 10.0.1.4, networkSecurityGroup: g }
networkSecurityGroups:
  - name: g
    securityRules:
      - { name: in, priority: 100, direction: Inbound, access: Allow, protocol: Tcp, sourceAddressPrefix: VirtualNetwork, destinationAddressPrefix: '*', sourcePortRange: '*', destinationPortRange: '80' }
      - { name: own, priority: 110, direction: Outbound, access: Allow, protocol: Tcp, sourceAddressPrefix: VirtualNetwork, destinationAddressPrefix: 10.0.0.0/16, sourcePortRange: '*', destinationPortRange: '80' }
routeTables:
  - { name: t, routes: [{ name: d, addressPrefix: 0.0.0.0/0, nextHopType: Internet }] }
";
    assert_eq!(found(text), [("TAG_WIDENED_BY_UDR", 8)]);
}
