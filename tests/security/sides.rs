//! The forms of a rule's sides, protocols and ports.

use crate::network::{allowed_by, denied_by, findings, group, rule};

fn network(rules: &[String]) -> String {
    format!(
        "virtualNetworks:
  - name: v
    addressPrefixes: [10.0.0.0/16, 'fd00:1::/48']
    subnets:
      - {{ name: a, addressPrefixes: [10.0.1.0/24, 'fd00:1:0:1::/64'] }}
      - {{ name: b, addressPrefixes: [10.0.2.0/24, 'fd00:1:0:2::/64'], networkSecurityGroup: g }}
ports:
  - {{ name: a, attach: v/a }}
  - {{ name: b, attach: v/b }}
networkSecurityGroups:
{}",
        group("g", rules)
    )
}

fn inbound(more: &str) -> String {
    network(&[rule("r", 100, "Inbound", "Deny", more)])
}

const FROM: &str = "v/a/10.0.1.4";
const TO: &str = "10.0.2.4";

#[track_caller]
fn matches(more: &str, to: &str) {
    denied_by(&inbound(more), FROM, &format!("{TO}{to}"), "g/r");
}

#[track_caller]
fn passes(more: &str, to: &str) {
    allowed_by(&inbound(more), FROM, &format!("{TO}{to}"), "g/AllowVnetInBound");
}

#[test]
fn everything_has_three_spellings_that_hold_both_families() {
    for everything in ["'*'", "Any", "any", "0.0.0.0/0", "ANY"] {
        let more = format!("sourceAddressPrefix: {everything}, destinationAddressPrefix: {everything}");
        matches(&more, ":80");
        denied_by(&inbound(&more), "v/a/fd00:1:0:1::4", "[fd00:1:0:2::4]:80", "g/r");
    }
    // The IPv6 prefix is IPv6 alone.
    passes("sourceAddressPrefix: '::/0'", ":80");
    denied_by(&inbound("sourceAddressPrefix: '::/0'"), "v/a/fd00:1:0:1::4", "[fd00:1:0:2::4]:80", "g/r");
}

#[test]
fn singular_and_plural_forms_and_empty_lists() {
    matches("sourceAddressPrefixes: [172.16.0.0/12, 10.0.1.0/24]", ":80");
    passes("sourceAddressPrefixes: [172.16.0.0/12, 10.0.3.0/24]", ":80");
    matches("sourceAddressPrefix: 10.0.1.4, sourceAddressPrefixes: [], sourceApplicationSecurityGroups: []", ":80");
    matches("sourceAddressPrefix: '', sourceAddressPrefixes: [10.0.1.4/32]", ":80");
    matches("destinationPortRanges: ['22', 8000-8099]", ":8099");
    passes("destinationPortRanges: ['22', 8000-8099]", ":8100");
    matches("destinationPortRange: '80', destinationPortRanges: []", ":80");
    matches("destinationPortRange: '', destinationPortRanges: ['80']", ":80");
    matches("sourcePortRange: 49152", ":80");
    passes("sourcePortRange: 49153-65535", ":80");
}

#[test]
fn bounds_of_prefixes_and_ports() {
    matches("sourceAddressPrefix: 10.0.1.4/30", ":80");
    passes("sourceAddressPrefix: 10.0.1.5", ":80");
    matches("destinationPortRange: 0-65535", ":65535");
    matches("destinationPortRange: '65535'", ":65535");
    matches("destinationPortRange: '0'", ":0");
    passes("destinationPortRange: 1-65535", ":0");
}

#[test]
fn protocols_in_every_case() {
    for (protocol, to, other) in [
        ("Tcp", ":80", "/icmp"),
        ("TCP", ":80/tcp", ":80/udp"),
        ("tcp", ":80", "/esp"),
        ("Udp", ":80/udp", ":80"),
        ("UDP", ":80/udp", "/ah"),
        ("Icmp", "/icmp", ":80"),
        ("ICMP", "/icmp", ":80/udp"),
        ("Esp", "/esp", "/ah"),
        ("Ah", "/ah", "/esp"),
    ] {
        matches(&format!("protocol: {protocol}"), to);
        passes(&format!("protocol: {protocol}"), other);
    }
    for to in [":80", ":80/udp", "/icmp", "/esp", "/ah"] {
        matches("protocol: '*'", to);
    }
    denied_by(&inbound("protocol: Icmp"), "v/a/fd00:1:0:1::4", "fd00:1:0:2::4/icmp", "g/r");
}

#[test]
fn protocols_without_ports() {
    // Ports of a rule for such a protocol mean nothing; a rule for any protocol that names ports is not meant for them.
    for (protocol, to) in [("Icmp", "/icmp"), ("Esp", "/esp"), ("Ah", "/ah")] {
        matches(&format!("protocol: {protocol}, destinationPortRange: '443'"), to);
    }
    passes("protocol: '*', destinationPortRange: '443'", "/icmp");
    passes("protocol: '*', sourcePortRange: '443'", "/esp");
}

#[test]
fn tags_in_lists_and_several_groups_are_taken_with_a_warning() {
    matches("sourceAddressPrefixes: [VirtualNetwork, 192.0.2.0/24]", ":80");
    let warned =
        |more: &str| findings(&inbound(more)).iter().map(|(code, _)| *code).filter(|code| *code != "PROBES_BLOCKED").collect::<Vec<_>>();
    assert_eq!(warned("sourceAddressPrefixes: [VirtualNetwork, 192.0.2.0/24]"), ["MIXED_TAGS"]);
    assert_eq!(warned("sourceAddressPrefixes: [VirtualNetwork]"), ["MIXED_TAGS"]);
    assert_eq!(warned("sourceAddressPrefix: VirtualNetwork"), Vec::<&str>::new());
    assert_eq!(warned("sourceAddressPrefixes: [10.0.0.0/8, 192.0.2.0/24]"), Vec::<&str>::new());
    let groups = inbound("sourceApplicationSecurityGroups: [x, y]") + "applicationSecurityGroups: [x, y]\n";
    assert_eq!(findings(&groups), [("SEVERAL_ASGS", 13)]);
}

#[test]
fn classic_spellings_of_tags() {
    for tag in ["VIRTUAL_NETWORK", "virtualnetwork", "VirtualNetwork"] {
        matches(&format!("sourceAddressPrefix: {tag}"), ":80");
    }
    for tag in ["INTERNET", "Internet", "AZURE_LOADBALANCER", "azureLoadBalancer"] {
        passes(&format!("sourceAddressPrefix: {tag}"), ":80");
    }
}

#[test]
fn what_exports_hold_beside_the_rules_is_taken() {
    let exported = inbound("").replace(
        "  - name: g\n",
        "  - name: g\n    defaultSecurityRules:\n      - { name: AllowVnetInBound, priority: 65000, properties: { access: Allow } }\n",
    );
    assert_eq!(findings(&exported), [("NO_EFFECT", 13)]);
    allowed_by(&exported.replace("access: Deny", "access: Allow"), FROM, "10.0.2.4:80", "g/r");
}
