//! Application security groups (application-security-groups): a rule that names one is for its members alone.

use crate::network::{allowed_by, denied_by, findings, group, rule};

/// Three interfaces; `web` and `jobs` hold what `members` says, `empty` nothing.
fn network(members: [&str; 3], rules: &[String]) -> String {
    let interface = |name: &str, at: &str, groups: &str| {
        format!("  - {{ name: {name}, subnet: v/a, privateIPAddress: {at}, applicationSecurityGroups: [{groups}] }}\n")
    };
    let interfaces =
        interface("one", "10.0.1.4", members[0]) + &interface("two", "10.0.1.5", members[1]) + &interface("three", "10.0.1.6", members[2]);
    format!(
        "virtualNetworks:
  - name: v
    addressPrefixes: [10.0.0.0/16]
    subnets: [{{ name: a, addressPrefix: 10.0.1.0/24, networkSecurityGroup: g }}]
applicationSecurityGroups: [web, jobs, empty]
networkInterfaces:
{interfaces}ports:
  - {{ name: a, attach: v/a }}
networkSecurityGroups:
{}",
        group("g", rules)
    )
}

#[test]
fn a_rule_for_a_group_is_for_its_members_even_on_the_subnets_group() {
    let rules = [
        rule("to-web", 100, "Inbound", "Allow", "destinationApplicationSecurityGroups: [web], protocol: Tcp, destinationPortRange: '80'"),
        rule("rest", 200, "Inbound", "Deny", ""),
    ];
    let text = network(["web", "web, jobs", ""], &rules);
    allowed_by(&text, "v/a/10.0.1.6", "10.0.1.4:80", "g/to-web");
    allowed_by(&text, "v/a/10.0.1.6", "two:80", "g/to-web");
    denied_by(&text, "v/a/10.0.1.4", "10.0.1.6:80", "g/rest");
    denied_by(&text, "v/a/10.0.1.6", "10.0.1.4:81", "g/rest");
    // An address without an interface is nobody's member.
    denied_by(&text, "v/a/10.0.1.4", "10.0.1.7:80", "g/rest");
}

#[test]
fn a_source_group_and_both_sides() {
    let rules = [
        rule(
            "jobs-to-web",
            100,
            "Inbound",
            "Allow",
            "sourceApplicationSecurityGroups: [jobs], destinationApplicationSecurityGroups: [web]",
        ),
        rule("rest", 200, "Inbound", "Deny", ""),
    ];
    let text = network(["web", "jobs", "jobs"], &rules);
    allowed_by(&text, "v/a/10.0.1.5", "10.0.1.4:80", "g/jobs-to-web");
    denied_by(&text, "v/a/10.0.1.4", "10.0.1.5:80", "g/rest");
    denied_by(&text, "v/a/10.0.1.5", "10.0.1.6:80", "g/rest");
}

#[test]
fn an_empty_group_matches_nothing() {
    let rules = [rule("nobody", 100, "Inbound", "Deny", "destinationApplicationSecurityGroups: [empty]")];
    allowed_by(&network(["web", "", ""], &rules), "v/a/10.0.1.5", "10.0.1.4:80", "g/AllowVnetInBound");
    let rules = [rule("nobody", 100, "Inbound", "Deny", "sourceApplicationSecurityGroups: [empty]")];
    allowed_by(&network(["web", "", ""], &rules), "v/a/10.0.1.5", "10.0.1.4:80", "g/AllowVnetInBound");
}

#[test]
fn several_groups_on_a_side_are_all_meant() {
    let rules = [rule("both", 100, "Inbound", "Deny", "destinationApplicationSecurityGroups: [web, jobs]")];
    let text = network(["web", "jobs", ""], &rules);
    denied_by(&text, "v/a/10.0.1.6", "10.0.1.4:80", "g/both");
    denied_by(&text, "v/a/10.0.1.6", "10.0.1.5:80", "g/both");
    allowed_by(&text, "v/a/10.0.1.4", "10.0.1.6:80", "g/AllowVnetInBound");
}

/// Two networks with one address each that is the same.
fn twins(rule_sides: &str) -> String {
    format!(
        "virtualNetworks:
  - {{ name: x, addressPrefixes: [10.0.0.0/16], subnets: [{{ name: a, addressPrefix: 10.0.1.0/24, networkSecurityGroup: g }}] }}
  - {{ name: y, addressPrefixes: [10.0.0.0/16], subnets: [{{ name: a, addressPrefix: 10.0.1.0/24, networkSecurityGroup: g }}] }}
applicationSecurityGroups: [in-x, in-y]
networkInterfaces:
  - {{ name: one, subnet: x/a, privateIPAddress: 10.0.1.4, applicationSecurityGroups: [in-x] }}
  - {{ name: two, subnet: y/a, privateIPAddress: 10.0.1.4, applicationSecurityGroups: [in-y] }}
ports:
  - {{ name: x, attach: x/a }}
  - {{ name: y, attach: y/a }}
networkSecurityGroups:
{}",
        group("g", &[rule("r", 100, "Inbound", "Deny", rule_sides)])
    )
}

#[test]
fn the_same_address_in_another_network_is_no_member() {
    let text = twins("destinationApplicationSecurityGroups: [in-x]");
    denied_by(&text, "x/a/10.0.1.5", "10.0.1.4:80", "g/r");
    allowed_by(&text, "y/a/10.0.1.5", "10.0.1.4:80", "g/AllowVnetInBound");
}

#[test]
fn members_and_both_sides_of_a_rule_are_in_one_network() {
    let spread = twins("destinationApplicationSecurityGroups: [in-x]").replace("[in-y] }", "[in-y, IN-X] }");
    assert_eq!(findings(&spread), [("ASG_NETWORK", 7)]);
    let apart = twins("sourceApplicationSecurityGroups: [in-x], destinationApplicationSecurityGroups: [in-y]");
    assert_eq!(findings(&apart), [("ASG_NETWORK", 14)]);
    assert_eq!(findings(&twins("sourceApplicationSecurityGroups: [in-x], destinationApplicationSecurityGroups: [in-x]")), []);
}
