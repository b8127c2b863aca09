//! The platform's addresses: no rule sees what goes there but those that name its tags; its probes meet the rules
//! (network-security-groups-overview, what-is-ip-address-168-63-129-16).

use crate::network::{allowed_by, denied_by, explain, findings, group, rule, rule_steps};
use causeway::policy::explain::report::Verdict;

fn network(rules: &[String], more: &str) -> String {
    format!(
        "{more}virtualNetworks:
  - name: v
    addressPrefixes: [10.0.0.0/16]
    defaultOutboundAddress: 192.0.2.10
    subnets:
      - {{ name: a, addressPrefix: 10.0.1.0/24, networkSecurityGroup: g }}
      - {{ name: routed, addressPrefix: 10.0.2.0/24, networkSecurityGroup: g, routeTable: t }}
routeTables:
  - {{ name: t, routes: [{{ name: d, addressPrefix: 0.0.0.0/0, nextHopType: Internet }}] }}
ports:
  - {{ name: a, attach: v/a }}
  - {{ name: routed, attach: v/routed }}
  - {{ name: internet, attach: internet }}
  - {{ name: platform, attach: platform }}
networkSecurityGroups:
{}",
        group("g", rules)
    )
}

fn deny_all() -> String {
    rule("deny-all", 100, "Outbound", "Deny", "")
}

fn deny(tag: &str, more: &str) -> [String; 2] {
    [deny_all(), rule("no-platform", 200, "Outbound", "Deny", &format!("destinationAddressPrefix: {tag}{more}"))]
}

const FROM: &str = "v/a/10.0.1.4";

/// Whether a rule decided, and which.
fn rules_met(text: &str, from: &str, to: &str) -> Vec<String> {
    rule_steps(&explain(text, from, to))
}

#[test]
fn deny_all_does_not_block_dns_dhcp_or_wire_server() {
    let text = network(&[deny_all()], "");
    for to in ["168.63.129.16:53/udp", "168.63.129.16:53", "168.63.129.16:80", "168.63.129.16:32526", "168.63.129.16:67/udp"] {
        let explanation = explain(&text, FROM, to);
        assert_eq!((explanation.verdict, rule_steps(&explanation)), (Verdict::Allow, Vec::new()), "{to}");
    }
    // Nothing answers for the metadata service, but no rule stands before it.
    assert_eq!(rules_met(&text, FROM, "169.254.169.254:80"), Vec::<String>::new());
    denied_by(&text, FROM, "168.63.129.17:53/udp", "g/deny-all");
}

#[test]
fn a_rule_for_the_address_itself_is_not_for_the_platform() {
    let text = network(&[rule("by-address", 100, "Outbound", "Deny", "destinationAddressPrefix: 168.63.129.16")], "");
    assert_eq!(rules_met(&text, FROM, "168.63.129.16:53/udp"), Vec::<String>::new());
}

#[test]
fn each_platform_tag_is_for_its_own_service() {
    let dns = network(&deny("AzurePlatformDNS", ""), "");
    denied_by(&dns, FROM, "168.63.129.16:53/udp", "g/no-platform");
    denied_by(&dns, FROM, "168.63.129.16:53", "g/no-platform");
    for to in ["168.63.129.16:80", "168.63.129.16:67/udp", "169.254.169.254:80", "169.254.169.254:53/udp"] {
        assert_eq!(rules_met(&dns, FROM, to), Vec::<String>::new(), "{to}");
    }
    let metadata = network(&deny("azureplatformimds", ""), "");
    denied_by(&metadata, FROM, "169.254.169.254:80", "g/no-platform");
    for to in ["168.63.129.16:53/udp", "169.254.169.254:443", "169.254.169.254:80/udp"] {
        assert_eq!(rules_met(&metadata, FROM, to), Vec::<String>::new(), "{to}");
    }
}

#[test]
fn protocol_ports_and_sources_of_such_a_rule_count() {
    let tcp_only = network(&deny("AzurePlatformDNS", ", protocol: Tcp"), "");
    denied_by(&tcp_only, FROM, "168.63.129.16:53", "g/no-platform");
    assert_eq!(rules_met(&tcp_only, FROM, "168.63.129.16:53/udp"), Vec::<String>::new());
    let other_port = network(&deny("AzurePlatformDNS", ", destinationPortRange: 54-80"), "");
    assert_eq!(rules_met(&other_port, FROM, "168.63.129.16:53/udp"), Vec::<String>::new());
    let elsewhere = network(&deny("AzurePlatformDNS", ", sourceAddressPrefix: 10.0.2.0/24"), "");
    assert_eq!(rules_met(&elsewhere, FROM, "168.63.129.16:53/udp"), Vec::<String>::new());
    denied_by(&elsewhere, "v/routed/10.0.2.4", "168.63.129.16:53/udp", "g/no-platform");
}

#[test]
fn the_order_of_priorities_holds_among_platform_rules() {
    let rules = [
        rule("some-may", 100, "Outbound", "Allow", "destinationAddressPrefix: AzurePlatformDNS, sourceAddressPrefix: 10.0.1.4"),
        rule("none", 200, "Outbound", "Deny", "destinationAddressPrefixes: [AzurePlatformDNS, AzurePlatformIMDS]"),
    ];
    let text = network(&rules, "");
    allowed_by(&text, FROM, "168.63.129.16:53/udp", "g/some-may");
    denied_by(&text, "v/a/10.0.1.5", "168.63.129.16:53/udp", "g/none");
    denied_by(&text, "v/a/10.0.1.4", "169.254.169.254:80", "g/none");
}

#[test]
fn licence_servers_are_those_that_the_file_gives_unless_a_default_route_leads_elsewhere() {
    let given = "serviceTags: { AzurePlatformLKM: [198.51.100.44] }\n";
    let text = network(&[deny_all()], given);
    assert_eq!(rules_met(&text, FROM, "198.51.100.44:1688"), Vec::<String>::new());
    denied_by(&text, FROM, "198.51.100.44:1689", "g/deny-all");
    denied_by(&text, FROM, "198.51.100.44:1688/udp", "g/deny-all");
    denied_by(&text, FROM, "198.51.100.45:1688", "g/deny-all");
    denied_by(&text, "v/routed/10.0.2.4", "198.51.100.44:1688", "g/deny-all");
    denied_by(&network(&deny("AzurePlatformLKM", ""), given), FROM, "198.51.100.44:1688", "g/no-platform");
    // Nobody publishes their addresses.
    let silent = network(&deny("AzurePlatformLKM", ""), "");
    assert_eq!(findings(&silent).iter().map(|(code, _)| *code).collect::<Vec<_>>(), ["EMPTY_TAG"]);
    denied_by(&silent, FROM, "198.51.100.44:1688", "g/deny-all");
}

#[test]
fn probes_meet_inbound_rules_like_any_packet() {
    let text = network(&[rule("shut", 100, "Inbound", "Deny", "")], "");
    denied_by(&text, "platform", "10.0.1.4:80", "g/shut");
    let text = network(
        &[
            rule("probe", 100, "Inbound", "Allow", "sourceAddressPrefix: AzureLoadBalancer, protocol: Tcp, destinationPortRange: '80'"),
            rule("shut", 101, "Inbound", "Deny", ""),
        ],
        "",
    );
    allowed_by(&text, "platform", "10.0.1.4:80", "g/probe");
    denied_by(&text, "platform", "10.0.1.4:81", "g/shut");
    denied_by(&text, "v/routed/10.0.2.4", "10.0.1.4:80", "g/shut");
}
