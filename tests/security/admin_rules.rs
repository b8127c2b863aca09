//! Security admin rules of network managers: before the groups, both ways (concept-security-admins).

use std::net::Ipv4Addr;

use causeway::policy::explain::report::Verdict;
use proptest::prelude::*;

use crate::network::{allowed_by, denied_by, explain, findings, group, rule, rule_steps};

/// One manager with one collection of `rules` for network `v`; `w` is in no group. Each subnet has group `g`.
fn network(rules: &[&str], group_rules: &[String]) -> String {
    managed(&format!("{{ name: base, appliesToGroups: [all], rules: [{}] }}", rules.join(", ")), group_rules)
}

fn managed(collections: &str, group_rules: &[String]) -> String {
    format!(
        "virtualNetworks:
  - name: v
    addressPrefixes: [10.0.0.0/16]
    defaultOutboundAddress: 192.0.2.10
    subnets:
      - {{ name: a, addressPrefix: 10.0.1.0/24, networkSecurityGroup: g }}
      - {{ name: b, addressPrefix: 10.0.2.0/24 }}
    peerings: [{{ remoteVirtualNetwork: w }}]
  - name: w
    addressPrefixes: [10.1.0.0/16]
    subnets: [{{ name: a, addressPrefix: 10.1.1.0/24, networkSecurityGroup: g }}]
    peerings: [{{ remoteVirtualNetwork: v }}]
networkInterfaces:
  - {{ name: vm, subnet: v/a, privateIPAddress: 10.0.1.4, publicIPAddress: 192.0.2.4, networkSecurityGroup: g }}
ports:
  - {{ name: a, attach: v/a }}
  - {{ name: b, attach: v/b }}
  - {{ name: w, attach: w/a }}
  - {{ name: internet, attach: internet }}
  - {{ name: platform, attach: platform }}
networkManagers:
  - name: m
    networkGroups: [{{ name: all, members: [v] }}, {{ name: none, members: [] }}]
    securityAdminConfigurations:
      - name: c
        ruleCollections: [{collections}]
networkSecurityGroups:
{}",
        group("g", group_rules)
    )
}

fn admin(name: &str, priority: u16, direction: &str, access: &str, more: &str) -> String {
    format!("{{ name: {name}, priority: {priority}, direction: {direction}, access: {access}, protocol: Any{more} }}")
}

#[test]
fn a_denial_comes_before_the_groups_and_hides_them() {
    let text =
        network(&[&admin("no-ssh", 10, "Inbound", "Deny", ", destinationPortRanges: ['22']")], &[rule("ssh", 100, "Inbound", "Allow", "")]);
    let explanation = explain(&text, "internet/198.51.100.20", "192.0.2.4:22");
    assert_eq!((explanation.verdict, explanation.reason.name()), (Verdict::Deny, "nsg-deny"));
    assert_eq!(rule_steps(&explanation), ["nsg-inbound base/no-ssh Deny"]);
    assert_eq!(explanation.decided_by.as_deref(), Some("base/no-ssh"));
    assert!(explanation.steps.last().unwrap().at.as_deref().unwrap().starts_with("net.yaml:26:"), "{explanation:#?}");
    allowed_by(&text, "internet/198.51.100.20", "192.0.2.4:80", "g/ssh");
}

#[test]
fn allow_leaves_it_to_the_groups_and_always_allow_does_not() {
    let shut = [rule("shut", 100, "Inbound", "Deny", "")];
    let allow = network(&[&admin("monitor", 10, "Inbound", "Allow", "")], &shut);
    assert_eq!(rule_steps(&explain(&allow, "v/b/10.0.2.4", "10.0.1.4:80")), ["nsg-inbound base/monitor Allow", "nsg-inbound g/shut Deny"]);
    let always = network(&[&admin("monitor", 10, "Inbound", "AlwaysAllow", "")], &shut);
    assert_eq!(rule_steps(&explain(&always, "v/b/10.0.2.4", "10.0.1.4:80")), ["nsg-inbound base/monitor Allow"]);
    allowed_by(&always, "internet/198.51.100.20", "192.0.2.4:80", "base/monitor");
}

#[test]
fn always_allow_skips_the_groups_of_its_own_side_alone() {
    let both = [rule("no-way-out", 100, "Outbound", "Deny", ""), rule("no-way-in", 100, "Inbound", "Deny", "")];
    let out = network(&[&admin("out", 10, "Outbound", "AlwaysAllow", "")], &both);
    let explanation = explain(&out, "v/a/10.0.1.4", "10.0.1.5:80");
    assert_eq!(rule_steps(&explanation), ["nsg-outbound base/out Allow", "nsg-inbound g/no-way-in Deny"]);
    let inward = network(&[&admin("in", 10, "Inbound", "AlwaysAllow", "")], &both);
    denied_by(&inward, "v/a/10.0.1.4", "10.0.1.5:80", "g/no-way-out");
}

#[test]
fn the_lower_number_wins_and_the_first_match_ends_it() {
    let rules = [
        admin("later", 20, "Inbound", "Deny", ""),
        admin("earlier", 10, "Inbound", "AlwaysAllow", ", sources: [10.0.2.4]"),
        admin("outward", 1, "Outbound", "Deny", ", destinations: [203.0.113.0/24]"),
    ];
    let text = network(&rules.each_ref().map(String::as_str), &[]);
    allowed_by(&text, "v/b/10.0.2.4", "10.0.1.4:80", "base/earlier");
    denied_by(&text, "v/b/10.0.2.5", "10.0.1.4:80", "base/later");
    denied_by(&text, "v/a/10.0.1.4", "203.0.113.9:80", "base/outward");
    allowed_by(&text, "v/a/10.0.1.4", "198.51.100.20:80", "g/AllowInternetOutBound");
}

#[test]
fn collections_and_configurations_are_one_list() {
    let collections = format!(
        "{{ name: second, appliesToGroups: [all], rules: [{}] }}, {{ name: first, appliesToGroups: [all, none], rules: [{}, {}] }}, {{ name: aside, appliesToGroups: [none], rules: [{}] }}",
        admin("deny", 20, "Inbound", "Deny", ""),
        admin("allow-80", 10, "Inbound", "AlwaysAllow", ", destinationPortRanges: ['80']"),
        admin("same-number", 20, "Inbound", "AlwaysAllow", ""),
        admin("nowhere", 1, "Inbound", "Deny", "")
    );
    let text = managed(&collections, &[]);
    allowed_by(&text, "v/b/10.0.2.4", "10.0.1.4:80", "first/allow-80");
    // Of equal numbers the one that the file gives first.
    denied_by(&text, "v/b/10.0.2.4", "10.0.1.4:81", "second/deny");
    let more = text.replace(
        "networkSecurityGroups:",
        "  - name: other
    networkGroups: [{ name: all, staticMembers: [{ id: v }, V] }]
    securityAdminConfigurations:
      - name: c
        ruleCollections: [{ name: over-all, appliesToGroups: [ALL], rules: [{ name: stop, priority: 9, direction: Inbound, access: deny, protocol: any }] }]
networkSecurityGroups:",
    );
    denied_by(&more, "v/b/10.0.2.4", "10.0.1.4:80", "over-all/stop");
}

#[test]
fn every_subnet_of_a_member_meets_them_with_group_or_without_and_no_other_network() {
    let text = network(
        &[
            &admin("quiet", 10, "Outbound", "Deny", ", destinationPortRanges: ['25']"),
            &admin("shut", 10, "Inbound", "Deny", ", destinationPortRanges: [443]"),
        ],
        &[],
    );
    denied_by(&text, "v/b/10.0.2.4", "198.51.100.20:25", "base/quiet");
    denied_by(&text, "v/a/10.0.1.5", "10.1.1.4:25", "base/quiet");
    denied_by(&text, "w/a/10.1.1.4", "10.0.2.4:443", "base/shut");
    allowed_by(&text, "w/a/10.1.1.4", "10.0.2.4:25", "g/AllowVnetOutBound");
    allowed_by(&text, "v/b/10.0.2.4", "10.1.1.4:443", "g/AllowVnetInBound");
}

#[test]
fn sides_of_every_form() {
    let with = |more: &str| network(&[&admin("r", 10, "Inbound", "Deny", more)], &[]);
    for more in [
        "",
        ", sources: ['*']",
        ", sources: [], destinations: []",
        ", sources: [{ addressPrefix: 10.0.2.0/24, addressPrefixType: IPPrefix }]",
        ", sources: [{ addressPrefix: VirtualNetwork, addressPrefixType: ServiceTag }]",
        ", sources: [Internet, VirtualNetwork], destinations: [10.0.1.4]",
        ", sourcePortRanges: [49152], destinationPortRanges: [79-80, '443']",
        ", sourcePortRanges: ['*'], destinationPortRanges: []",
    ] {
        denied_by(&with(more), "v/b/10.0.2.4", "10.0.1.4:80", "base/r");
    }
    for more in [
        ", sources: [10.0.3.0/24]",
        ", sources: [Internet]",
        ", destinations: [{ addressPrefix: 10.0.1.5 }]",
        ", destinationPortRanges: ['81']",
    ] {
        allowed_by(&with(more), "v/b/10.0.2.4", "10.0.1.4:80", "g/AllowVnetInBound");
    }
    let tcp = with("").replace("protocol: Any", "protocol: Tcp");
    allowed_by(&tcp, "v/b/10.0.2.4", "10.0.1.4/icmp", "g/AllowVnetInBound");
    denied_by(&tcp.replace("protocol: Tcp", "protocol: Icmp, destinationPortRanges: ['80']"), "v/b/10.0.2.4", "10.0.1.4/icmp", "base/r");
}

#[test]
fn what_goes_to_the_platform_passes_by_and_its_probes_do_not() {
    let text =
        network(&[&admin("out", 1, "Outbound", "Deny", ""), &admin("in", 1, "Inbound", "Deny", ", sources: [AzureLoadBalancer]")], &[]);
    let dns = explain(&text, "v/a/10.0.1.4", "168.63.129.16:53/udp");
    assert_eq!((dns.verdict, rule_steps(&dns)), (Verdict::Allow, Vec::new()));
    denied_by(&text, "platform", "10.0.1.4:80", "base/in");
}

#[test]
fn what_is_wrong_in_a_manager_is_found_all_at_once() {
    let text = "networkManagers:
  - name: m
    networkGroups:
      - { name: g, members: [nowhere] }
      - { name: G, members: [] }
    securityAdminConfigurations:
      - name: c
        ruleCollections:
          - name: k
            appliesToGroups: [h]
            rules:
              - { name: r, priority: 0, direction: Inbound, access: Allow, protocol: Any }
              - { name: s, priority: 4097, direction: Inbound, access: Allow, protocol: Any }
              - { name: s, priority: 1, direction: Sideways, access: Maybe, protocol: '*' }
              - { name: t, priority: 1, direction: Inbound, access: Deny, protocol: Tcp, sources: [Storge] }
              - { name: u, priority: 1, direction: Inbound, access: Deny, protocol: Tcp, sources: [{ addressPrefix: Storage, addressPrefixType: IPPrefix }] }
              - { name: w, priority: 1, direction: Inbound, access: Deny, protocol: Tcp, destinations: [{ addressPrefix: 10.0.0.0/8, addressPrefixType: ServiceTag }] }
              - { name: x, priority: 1, direction: Inbound, access: Deny, protocol: Tcp, destinationPortRanges: [9-8] }
              - { name: y, priority: 1, direction: Inbound, access: Deny }
  - { name: M, securityAdminConfigurations: [{ name: c, ruleCollections: [{ name: k }] }, { name: c }] }
";
    assert_eq!(
        findings(text),
        [
            ("UNKNOWN_NAME", 4),
            ("DUPLICATE_NAME", 5),
            ("UNKNOWN_NAME", 10),
            ("OUT_OF_RANGE", 12),
            ("OUT_OF_RANGE", 13),
            ("DUPLICATE_NAME", 14),
            ("BAD_VALUE", 14),
            ("BAD_VALUE", 14),
            ("BAD_VALUE", 14),
            ("UNKNOWN_TAG", 15),
            ("BAD_PREFIX", 16),
            ("BAD_TAG", 17),
            ("BACKWARDS_RANGE", 18),
            ("MISSING_PROPERTY", 19),
            ("DUPLICATE_NAME", 20),
            ("MISSING_PROPERTY", 20),
            ("DUPLICATE_NAME", 20),
        ]
    );
}

/// A rule of one direction as a plain thing: number, access, source prefix length over the sender, port range.
type Plain = (u16, usize, Option<u8>, (u16, u16));

const ACCESS: [&str; 3] = ["Allow", "AlwaysAllow", "Deny"];
const SENDER: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 4);

fn written(name: &str, direction: &str, rule: &Plain) -> String {
    let source = rule.2.map_or(String::new(), |length| {
        let mask = u32::MAX.checked_shl(u32::from(32 - length)).unwrap_or(0);
        // A prefix that covers the sender, or where it is long its neighbour's.
        let bits = if length == 31 { (SENDER.to_bits() ^ 2) & mask } else { SENDER.to_bits() & mask };
        format!(", sources: [{}/{length}]", Ipv4Addr::from_bits(bits))
    });
    admin(name, rule.0, direction, ACCESS[rule.1], &format!("{source}, destinationPortRanges: [{}-{}]", rule.3.0, rule.3.1))
}

fn plain_rule() -> impl Strategy<Value = Plain> {
    let ports = prop_oneof![Just((0u16, u16::MAX)), Just((80, 80)), Just((81, 443)), Just((0, 79))];
    (1u16..5, 0usize..3, prop_oneof![Just(None), Just(Some(0u8)), Just(Some(16)), Just(Some(31)), Just(Some(32))], ports)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Collections of random rules, against a plain scan of all of them: the smallest number, then the first of the file.
    #[test]
    fn the_deciding_rule_is_that_of_a_plain_scan(
        collections in prop::collection::vec(prop::collection::vec(plain_rule(), 0..4), 1..4), group_denies in any::<bool>(),
    ) {
        let mut all: Vec<(String, Plain)> = Vec::new();
        let mut texts = Vec::new();
        for (at, rules) in collections.iter().enumerate() {
            let list: Vec<String> = rules.iter().enumerate().map(|(index, rule)| written(&format!("r{index}"), "Inbound", rule)).collect();
            texts.push(format!("{{ name: k{at}, appliesToGroups: [all], rules: [{}] }}", list.join(", ")));
            all.extend(rules.iter().enumerate().map(|(index, rule)| (format!("k{at}/r{index}"), *rule)));
        }
        let access = if group_denies { "Deny" } else { "Allow" };
        let text = managed(&texts.join(", "), &[rule("mine", 100, "Inbound", access, "")]);
        for port in [0u16, 79, 80, 81, 443, 444, 65535] {
            let mut matching: Vec<_> = all.iter().filter(|(_, rule)| rule.2 != Some(31) && (rule.3.0..=rule.3.1).contains(&port)).collect();
            matching.sort_by_key(|(_, rule)| rule.0);
            let own = (access == "Allow", "g/mine".to_owned());
            let expected = match matching.first() {
                Some((name, rule)) if ACCESS[rule.1] != "Allow" => (ACCESS[rule.1] == "AlwaysAllow", name.clone()),
                _ => own,
            };
            let explanation = explain(&text, &format!("v/b/{SENDER}"), &format!("10.0.1.5:{port}"));
            prop_assert_eq!((explanation.verdict == Verdict::Allow, explanation.decided_by.unwrap_or_default()), expected, "{}\n{}", port, text);
        }
    }
}
