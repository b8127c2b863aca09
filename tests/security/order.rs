//! Which group looks first, at which address, and what its default rules are (network-security-group-how-it-works,
//! network-security-groups-overview).

use crate::network::{allowed_by, denied_by, explain, group, rule, rule_steps};
use causeway::policy::explain::report::Verdict;

/// Two hosts of one subnet and one of another; each place's group from `groups`.
fn network(groups: &str) -> String {
    format!(
        "virtualNetworks:
  - name: v
    addressPrefixes: [10.0.0.0/16]
    defaultOutboundAddress: 192.0.2.10
    subnets:
      - {{ name: a, addressPrefix: 10.0.1.0/24, networkSecurityGroup: a-nsg }}
      - {{ name: b, addressPrefix: 10.0.2.0/24 }}
networkInterfaces:
  - {{ name: one, subnet: v/a, privateIPAddress: 10.0.1.4, publicIPAddress: 192.0.2.4, networkSecurityGroup: one-nsg }}
  - {{ name: two, subnet: v/a, privateIPAddress: 10.0.1.5, networkSecurityGroup: two-nsg }}
ports:
  - {{ name: one, attach: v/a/10.0.1.4 }}
  - {{ name: two, attach: v/a/10.0.1.5 }}
  - {{ name: b, attach: v/b }}
  - {{ name: internet, attach: internet }}
networkSecurityGroups:
{groups}"
    )
}

fn plain(of: &str) -> String {
    group(of, &[])
}

fn all_plain() -> String {
    ["a-nsg", "one-nsg", "two-nsg"].map(plain).concat()
}

#[test]
fn inside_a_subnet_four_groups_look_interface_first_out_and_subnet_first_in() {
    let explanation = explain(&network(&all_plain()), "one", "10.0.1.5:80");
    assert_eq!(
        rule_steps(&explanation),
        [
            "nsg-outbound one-nsg/AllowVnetOutBound Allow",
            "nsg-outbound a-nsg/AllowVnetOutBound Allow",
            "nsg-inbound a-nsg/AllowVnetInBound Allow",
            "nsg-inbound two-nsg/AllowVnetInBound Allow",
        ]
    );
}

#[test]
fn the_first_denial_ends_it_and_nobody_else_looks() {
    let deny = |group_name: &str, direction: &str| {
        let others: String = ["a-nsg", "one-nsg", "two-nsg"].iter().filter(|name| **name != group_name).map(|name| plain(name)).collect();
        network(&(others + &group(group_name, &[rule("no", 100, direction, "Deny", "")])))
    };
    for (name, direction, steps) in
        [("one-nsg", "Outbound", 1), ("a-nsg", "Outbound", 2), ("a-nsg", "Inbound", 3), ("two-nsg", "Inbound", 4)]
    {
        let explanation = explain(&deny(name, direction), "one", "10.0.1.5:80");
        assert_eq!(explanation.decided_by, Some(format!("{name}/no")));
        assert_eq!((explanation.verdict, rule_steps(&explanation).len()), (Verdict::Deny, steps), "{name} {direction}");
        assert_eq!(explanation.reason.name(), "nsg-deny");
    }
}

#[test]
fn a_subnet_rule_that_denies_everything_parts_hosts_of_one_subnet() {
    let text = network(&(plain("one-nsg") + &plain("two-nsg") + &group("a-nsg", &[rule("shut", 4096, "Inbound", "Deny", "")])));
    denied_by(&text, "one", "10.0.1.5:22", "a-nsg/shut");
}

#[test]
fn a_side_without_a_group_lets_everything_through() {
    let text = network(&all_plain()).replace(", networkSecurityGroup: a-nsg", "").replace(", networkSecurityGroup: two-nsg", "");
    let explanation = explain(&text, "v/b/10.0.2.9", "10.0.1.5:22");
    assert_eq!((explanation.verdict, rule_steps(&explanation), explanation.decided_by), (Verdict::Allow, Vec::new(), None));
}

#[test]
fn default_rules_are_tried_in_their_order_and_after_the_users() {
    let text = network(&all_plain());
    allowed_by(&text, "one", "198.51.100.20:443", "a-nsg/AllowInternetOutBound");
    // Private space that is no network's is not Internet.
    denied_by(&text, "one", "172.31.0.100:443", "one-nsg/DenyAllOutBound");
    denied_by(&text, "internet/198.51.100.20", "192.0.2.4:443", "a-nsg/DenyAllInBound");
    let open = rule("open", 4096, "Inbound", "Allow", "protocol: Tcp, destinationPortRange: '443'");
    let text = network(&(group("a-nsg", std::slice::from_ref(&open)) + &group("one-nsg", &[open]) + &plain("two-nsg")));
    allowed_by(&text, "internet/198.51.100.20", "192.0.2.4:443", "one-nsg/open");
    denied_by(&text, "internet/198.51.100.20", "192.0.2.4:444", "a-nsg/DenyAllInBound");
}

#[test]
fn the_lower_priority_number_wins_wherever_it_stands() {
    let rules = [
        rule("late", 300, "Outbound", "Deny", ""),
        rule("early", 299, "Outbound", "Allow", "destinationPortRange: '80'"),
        rule("first-of-the-other-direction", 299, "Inbound", "Deny", ""),
    ];
    let text = network(&(plain("a-nsg") + &plain("two-nsg") + &group("one-nsg", &rules)));
    allowed_by(&text, "one", "10.0.2.9:80", "a-nsg/AllowVnetOutBound");
    denied_by(&text, "one", "10.0.2.9:81", "one-nsg/late");
    denied_by(&text, "v/b/10.0.2.9", "10.0.1.4:80", "one-nsg/first-of-the-other-direction");
}

#[test]
fn inbound_rules_see_the_private_destination_and_outbound_ones_the_private_source() {
    let public = [rule("by-public", 100, "Inbound", "Allow", "destinationAddressPrefix: 192.0.2.4")];
    let text = network(&(group("a-nsg", &public) + &plain("one-nsg") + &plain("two-nsg")));
    denied_by(&text, "internet/198.51.100.20", "192.0.2.4:80", "a-nsg/DenyAllInBound");
    let private = [rule("by-private", 100, "Inbound", "Allow", "destinationAddressPrefix: 10.0.1.4")];
    let text = network(&(group("a-nsg", &private) + &group("one-nsg", &private) + &plain("two-nsg")));
    allowed_by(&text, "internet/198.51.100.20", "192.0.2.4:80", "one-nsg/by-private");
    let source = [
        rule("by-public", 100, "Outbound", "Deny", "sourceAddressPrefix: 192.0.2.4"),
        rule("by-private", 101, "Outbound", "Deny", "sourceAddressPrefix: 10.0.1.4/32"),
    ];
    let text = network(&(plain("a-nsg") + &group("one-nsg", &source) + &plain("two-nsg")));
    denied_by(&text, "one", "198.51.100.20:80", "one-nsg/by-private");
}

#[test]
fn whether_a_public_address_without_any_group_is_open_is_an_option() {
    let bare = network(&all_plain()).replace(", networkSecurityGroup: a-nsg", "").replace(", networkSecurityGroup: one-nsg", "");
    let asked = |option: &str, from: &str, to: &str| explain(&format!("options: {{ {option} }}\n{bare}"), from, to).reason.name();
    for (option, reason) in [
        ("", "forwarded"),
        ("publicAddressWithoutSecurityGroup: open", "forwarded"),
        ("publicAddressWithoutSecurityGroup: closed", "nsg-deny"),
    ] {
        assert_eq!(asked(option, "internet/198.51.100.20", "192.0.2.4:80"), reason, "{option}");
        assert_eq!(asked(option, "v/b/10.0.2.9", "10.0.1.4:80"), "forwarded", "{option}");
    }
    // A group, whichever, is what decides.
    let text = format!("options: {{ publicAddressWithoutSecurityGroup: closed }}\n{}", network(&all_plain()));
    denied_by(&text, "internet/198.51.100.20", "192.0.2.4:80", "a-nsg/DenyAllInBound");
}
