//! What Azure refuses of groups, rules and interfaces, each with its line (networkSecurityGroup.json,
//! network-security-groups-overview, application-security-groups, azure-virtual-network-limits).

use crate::network::{findings, group, rule};

/// A group of rules from its own line on: the first rule is in line 4.
fn groups(rules: &[String]) -> String {
    format!("networkSecurityGroups:\n{}", group("g", rules))
}

#[track_caller]
fn expect(text: &str, expected: &[(&str, u32)]) {
    assert_eq!(findings(text), expected, "\n{}", text.chars().take(3000).collect::<String>());
}

fn one(more: &str) -> String {
    groups(&[rule("r", 100, "Inbound", "Allow", more)])
}

#[test]
fn priorities_are_100_to_4096_and_unique_in_a_direction() {
    for (priority, found) in [(99, true), (100, false), (4096, false), (4097, true), (0, true), (65000, true)] {
        let text = groups(&[rule("r", priority, "Inbound", "Allow", "")]);
        expect(&text, if found { &[("OUT_OF_RANGE", 4)] } else { &[] });
    }
    let both = [rule("in", 100, "Inbound", "Allow", ""), rule("out", 100, "Outbound", "Allow", "")];
    expect(&groups(&both), &[]);
    let twice =
        [rule("in", 100, "Inbound", "Allow", ""), rule("out", 100, "Outbound", "Allow", ""), rule("again", 100, "Inbound", "Deny", "")];
    expect(&groups(&twice), &[("DUPLICATE_PRIORITY", 6)]);
}

#[test]
fn names_of_rules() {
    let long = "a".repeat(80);
    for name in ["r", "a.b-c_d", "allow_", "1st", long.as_str()] {
        expect(&groups(&[rule(name, 100, "Inbound", "Allow", "")]), &[]);
    }
    let longer = "a".repeat(81);
    for name in ["-r", ".r", "r-", "r.", "a b", "a/b", "'a,b'", longer.as_str()] {
        expect(&groups(&[rule(name, 100, "Inbound", "Allow", "")]), &[("BAD_NAME", 4)]);
    }
    let two = [rule("allow", 100, "Inbound", "Allow", ""), rule("Allow", 101, "Outbound", "Allow", "")];
    expect(&groups(&two), &[("DUPLICATE_NAME", 5)]);
}

#[test]
fn descriptions_have_140_characters() {
    expect(&one(&format!("description: {}", "é".repeat(140))), &[]);
    expect(&one(&format!("description: {}", "é".repeat(141))), &[("LIMIT_EXCEEDED", 4)]);
}

#[test]
fn required_properties_and_their_values() {
    for property in ["priority: 100", "direction: Inbound", "access: Allow", "protocol: '*'", "name: r"] {
        let text = one("");
        let without = text.replace(&format!("{property}, "), "").replace(&format!(", {property}"), "");
        expect(&without, &[("MISSING_PROPERTY", 4)]);
    }
    for property in ["sourceAddressPrefix", "sourcePortRange", "destinationAddressPrefix", "destinationPortRange"] {
        let text = one("").replace(&format!(", {property}: '*'"), "");
        expect(&text, &[("MISSING_PROPERTY", 4)]);
        let empty =
            one("").replace(&format!("{property}: '*'"), &format!("{property}{}: []", if property.ends_with('x') { "es" } else { "s" }));
        expect(&empty, &[("MISSING_PROPERTY", 4)]);
    }
    for wrong in ["protocol: Gre", "protocol: Any", "protocol: 6"] {
        expect(&one(wrong), &[("BAD_VALUE", 4)]);
    }
    expect(&groups(&[rule("r", 100, "Inward", "Allow", "")]), &[("BAD_VALUE", 4)]);
    expect(&groups(&[rule("r", 100, "Inbound", "AlwaysAllow", "")]), &[("BAD_VALUE", 4)]);
}

#[test]
fn ports_and_addresses() {
    for (wrong, code) in [
        ("destinationPortRange: '65536'", "BAD_PORT"),
        ("destinationPortRange: '-1'", "BAD_PORT"),
        ("destinationPortRange: '80,443'", "BAD_PORT"),
        ("destinationPortRange: http", "BAD_PORT"),
        ("sourcePortRanges: ['80', 443-80]", "BACKWARDS_RANGE"),
        ("sourceAddressPrefix: 10.0.0.1/8", "BAD_PREFIX"),
        ("sourceAddressPrefix: 10.0.0.0/33", "BAD_PREFIX"),
        ("sourceAddressPrefix: 10.0.0.256", "BAD_PREFIX"),
        ("sourceAddressPrefix: '10.0.0.4,10.0.0.5'", "BAD_PREFIX"),
        ("sourceAddressPrefix: Storge", "UNKNOWN_TAG"),
        ("sourceAddressPrefix: Storage.westeurop", "UNKNOWN_TAG"),
        ("destinationAddressPrefixes: [10.0.0.0/8, Storge]", "UNKNOWN_TAG"),
        ("sourceApplicationSecurityGroups: [nobody]", "UNKNOWN_NAME"),
    ] {
        expect(&one(wrong), &[(code, 4)]);
    }
}

#[test]
fn a_side_has_one_form() {
    let both = [
        "sourceAddressPrefix: 10.0.0.4, sourceAddressPrefixes: [10.0.0.5]",
        "destinationAddressPrefix: 10.0.0.4, destinationApplicationSecurityGroups: [x]",
        "destinationAddressPrefixes: [10.0.0.4], destinationApplicationSecurityGroups: [x]",
        "sourcePortRange: '80', sourcePortRanges: ['443']",
        "destinationPortRange: '80', destinationPortRanges: ['443']",
    ];
    for more in both {
        expect(&(one(more) + "applicationSecurityGroups: [x]\n"), &[("BOTH_FORMS", 4)]);
    }
}

#[test]
fn a_group_has_1000_rules() {
    let rules = |count: u16| -> Vec<String> { (0..count).map(|at| rule(&format!("r{at}"), 100 + at, "Inbound", "Allow", "")).collect() };
    expect(&groups(&rules(1000)), &[]);
    expect(&groups(&rules(1001)), &[("LIMIT_EXCEEDED", 2)]);
}

#[test]
fn a_group_has_4000_sources_and_4000_destinations() {
    let list = |count: u32| (0..count).map(|at| format!("10.{}.{}.4", at / 256, at % 256)).collect::<Vec<_>>().join(", ");
    let text = |sources: u32, destinations: u32| {
        groups(&[
            rule("in", 100, "Inbound", "Allow", &format!("sourceAddressPrefixes: [{}]", list(sources))),
            rule(
                "out",
                100,
                "Outbound",
                "Allow",
                &format!("destinationAddressPrefixes: [{}], sourceAddressPrefix: 10.200.0.1", list(destinations)),
            ),
        ])
    };
    // The sides have a limit each; a rule's single source counts with the others.
    expect(&text(3999, 4000), &[]);
    expect(&text(4000, 4000), &[("LIMIT_EXCEEDED", 2)]);
    expect(&text(3999, 4001), &[("LIMIT_EXCEEDED", 2)]);
}

fn named(count: usize) -> String {
    (0..count).map(|at| format!("asg{at}")).collect::<Vec<_>>().join(", ")
}

#[test]
fn application_security_groups_have_limits() {
    let side = |count: usize| {
        one(&format!("sourceApplicationSecurityGroups: [{}]", named(count))) + &format!("applicationSecurityGroups: [{}]\n", named(101))
    };
    expect(&side(10), &[("SEVERAL_ASGS", 4)]);
    expect(&side(11), &[("LIMIT_EXCEEDED", 4)]);
    let many = |count: usize| {
        let each = |at: usize| {
            rule(
                &format!("r{at}"),
                100 + u16::try_from(at).unwrap(),
                "Inbound",
                "Allow",
                &format!("sourceApplicationSecurityGroups: [asg{at}]"),
            )
        };
        groups(&(0..count).map(each).collect::<Vec<_>>()) + &format!("applicationSecurityGroups: [{}]\n", named(101))
    };
    expect(&many(100), &[]);
    expect(&many(101), &[("LIMIT_EXCEEDED", 2)]);
    expect(&format!("applicationSecurityGroups: [{}]\n", named(3001)), &[("LIMIT_EXCEEDED", 1)]);
    let groups: String = (0..5001).map(|at| format!("  - {{ name: g{at} }}\n")).collect();
    expect(&format!("networkSecurityGroups:\n{groups}"), &[("LIMIT_EXCEEDED", 2)]);
}

const V: &str = "virtualNetworks:\n  - { name: v, addressPrefixes: [10.0.0.0/8], subnets: [{ name: a, addressPrefix: 10.0.0.0/8 }] }\n";

#[test]
fn interfaces_have_limits() {
    let text = |groups: usize| {
        format!(
            "{V}networkInterfaces:\n  - {{ name: i, subnet: v/a, privateIPAddress: 10.0.1.4, applicationSecurityGroups: [{}] }}\napplicationSecurityGroups: [{}]\n",
            named(groups),
            named(groups)
        )
    };
    expect(&text(20), &[]);
    expect(&text(21), &[("LIMIT_EXCEEDED", 4)]);
    let addresses = |count: u32| (0..count).map(|at| format!("10.1.{}.{}", at / 256, at % 256)).collect::<Vec<_>>().join(", ");
    let text = |count: u32| format!("{V}networkInterfaces:\n  - {{ name: i, subnet: v/a, privateIPAddress: [{}] }}\n", addresses(count));
    expect(&text(256), &[]);
    expect(&text(257), &[("LIMIT_EXCEEDED", 4)]);
    let members: String = (0..4001)
        .map(|at| {
            format!(
                "  - {{ name: i{at}, subnet: v/a, privateIPAddress: 10.2.{}.{}, applicationSecurityGroups: [x] }}\n",
                at / 256,
                at % 256
            )
        })
        .collect();
    expect(&format!("{V}applicationSecurityGroups:\n  - x\nnetworkInterfaces:\n{members}"), &[("LIMIT_EXCEEDED", 4)]);
}

#[test]
fn a_network_has_65536_private_addresses() {
    let interfaces: String = (0..257u32)
        .map(|at| {
            let addresses: Vec<String> = (0..256).map(|last| format!("10.{}.{}.{last}", 1 + at / 256, at % 256)).collect();
            format!("  - {{ name: i{at}, subnet: v/a, privateIPAddress: [{}] }}\n", addresses.join(", "))
        })
        .collect();
    expect(&format!("{V}networkInterfaces:\n{interfaces}"), &[("LIMIT_EXCEEDED", 2)]);
}

#[test]
fn there_are_65536_interfaces() {
    let networks = "virtualNetworks:
  - { name: v, addressPrefixes: [10.0.0.0/8], subnets: [{ name: a, addressPrefix: 10.0.0.0/8 }] }
  - { name: w, addressPrefixes: [10.0.0.0/8], subnets: [{ name: a, addressPrefix: 10.0.0.0/8 }] }
";
    let interface = |at: u32| {
        let home = if at.is_multiple_of(2) { 'v' } else { 'w' };
        format!("- {{name: i{at}, subnet: {home}/a, privateIPAddress: 10.{}.{}.{}}}\n", 1 + (at >> 16), (at >> 8) & 255, at & 255)
    };
    let interfaces: String = (0..65_537).map(interface).collect();
    expect(&format!("{networks}networkInterfaces:\n{interfaces}"), &[("LIMIT_EXCEEDED", 5)]);
}

#[test]
fn special_tags_take_no_prefixes_and_stand_only_where_they_may() {
    for tag in ["Internet", "VirtualNetwork", "AzureLoadBalancer", "AzurePlatformDNS", "AzurePlatformIMDS", "INTERNET"] {
        expect(&format!("serviceTags: {{ {tag}: [192.0.2.0/24] }}\n"), &[("BAD_TAG", 1)]);
    }
    expect("serviceTags: { AzurePlatformLKM: [192.0.2.0/24] }\n", &[]);
    expect("routeTables:\n  - { name: t, routes: [{ name: r, addressPrefix: Internet, nextHopType: None }] }\n", &[("BAD_TAG", 2)]);
}

#[test]
fn errors_come_together() {
    let rules = [
        rule("a-", 100, "Inbound", "Allow", "destinationPortRange: '70000'"),
        rule("b", 100, "Inbound", "Allow", "sourceAddressPrefix: Storge"),
        rule("c", 99, "Inbound", "Allow", "sourceApplicationSecurityGroups: [x]"),
    ];
    expect(
        &groups(&rules),
        &[("BAD_NAME", 4), ("BAD_PORT", 4), ("DUPLICATE_PRIORITY", 5), ("UNKNOWN_TAG", 5), ("OUT_OF_RANGE", 6), ("UNKNOWN_NAME", 6)],
    );
}
