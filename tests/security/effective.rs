//! `causeway rules`: what is listed is what decides, in Azure's shape.

use std::fs;
use std::net::IpAddr;
use std::process::Command;

use causeway::ask::{Words, ask};
use causeway::cli::rules::{answer, effective::Matches};
use causeway::config::compile::compile;
use causeway::config::load::load_text;
use causeway::packet::Reason;
use causeway::policy::ids::{Direction, Ids};
use causeway::policy::security_admin::AdminAccess;
use ipnet::IpNet;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::network::{group, rule};

fn shop() -> String {
    let rules = [
        rule(
            "web",
            100,
            "Inbound",
            "Allow",
            "protocol: tcp, destinationPortRanges: ['80', 443, 8000-8099, '8100'], destinationApplicationSecurityGroups: [servers]",
        ),
        rule("rdp", 1000, "Inbound", "Allow", "protocol: Tcp, sourceAddressPrefix: 198.51.100.1, destinationPortRange: 3389"),
        rule("storage", 200, "Outbound", "Deny", "destinationAddressPrefix: Storage.westeurope"),
    ];
    format!(
        "serviceTags: {{ Storage.westeurope: [203.0.113.16/28] }}
virtualNetworks:
  - name: v
    addressPrefixes: [10.0.0.0/16]
    subnets:
      - {{ name: a, addressPrefix: 10.0.1.0/24, networkSecurityGroup: a-nsg, routeTable: t }}
      - {{ name: bare, addressPrefix: 10.0.2.0/24 }}
applicationSecurityGroups: [servers]
routeTables:
  - {{ name: t, routes: [{{ name: r, addressPrefix: 192.0.2.0/24, nextHopType: None }}] }}
networkInterfaces:
  - {{ name: vm1, subnet: v/a, privateIPAddress: 10.0.1.4, networkSecurityGroup: vm1-nsg, applicationSecurityGroups: [servers] }}
networkManagers:
  - name: m
    networkGroups: [{{ name: all, members: [v] }}]
    securityAdminConfigurations:
      - {{ name: c, ruleCollections: [{{ name: base, appliesToGroups: [all], rules: [{{ name: no-smb, priority: 5, direction: Outbound, access: Deny, protocol: Tcp, destinations: [Internet], destinationPortRanges: [445] }}] }}] }}
networkSecurityGroups:
{}{}",
        group("a-nsg", &rules),
        group("vm1-nsg", &[])
    )
}

fn run(whose: &str, more: &[&str]) -> (i32, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("net.yaml");
    fs::write(&file, shop()).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_causeway")).arg("rules").arg(&file).arg(whose).args(more).output().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
}

fn json_of(whose: &str) -> Value {
    let (code, out, error) = run(whose, &["-o", "json"]);
    assert_eq!((code, error.as_str()), (0, ""));
    serde_json::from_str(&out).unwrap()
}

#[test]
fn the_json_has_azures_shape() {
    let document = json_of("VM1");
    assert_eq!(document["schemaVersion"], 1);
    let groups = document["value"].as_array().unwrap();
    assert_eq!(groups[0]["networkSecurityGroup"], json!({ "id": "a-nsg" }));
    assert_eq!(groups[0]["association"], json!({ "subnet": { "id": "v/a" } }));
    assert_eq!(groups[1]["networkSecurityGroup"], json!({ "id": "vm1-nsg" }));
    assert_eq!(groups[1]["association"], json!({ "networkInterface": { "id": "vm1" } }));
    let rules = groups[0]["effectiveSecurityRules"].as_array().unwrap();
    let named: Vec<(&str, u64)> = rules.iter().map(|rule| (rule["name"].as_str().unwrap(), rule["priority"].as_u64().unwrap())).collect();
    assert_eq!(
        named,
        [
            ("securityRules/web", 100),
            ("securityRules/rdp", 1000),
            ("defaultSecurityRules/AllowVnetInBound", 65000),
            ("defaultSecurityRules/AllowAzureLoadBalancerInBound", 65001),
            ("defaultSecurityRules/DenyAllInBound", 65500),
            ("securityRules/storage", 200),
            ("defaultSecurityRules/AllowVnetOutBound", 65000),
            ("defaultSecurityRules/AllowInternetOutBound", 65001),
            ("defaultSecurityRules/DenyAllOutBound", 65500),
        ]
    );
}

#[test]
fn ports_are_ranges_addresses_prefixes_and_tags_are_expanded() {
    let document = json_of("vm1");
    let rules = document["value"][0]["effectiveSecurityRules"].as_array().unwrap();
    let rdp = &rules[1];
    for (key, value) in [
        ("protocol", json!("Tcp")),
        ("sourcePortRange", json!("0-65535")),
        ("destinationPortRange", json!("3389-3389")),
        ("sourceAddressPrefix", json!("198.51.100.1/32")),
        ("sourceAddressPrefixes", json!(["198.51.100.1/32"])),
        ("destinationAddressPrefix", json!("0.0.0.0/0")),
        ("expandedSourceAddressPrefix", json!([])),
        ("access", json!("Allow")),
        ("direction", json!("Inbound")),
    ] {
        assert_eq!(rdp[key], value, "{key}");
    }
    assert_eq!(rules[0]["destinationPortRanges"], json!(["80-80", "443-443", "8000-8100"]));
    assert_eq!(rules[0]["destinationPortRange"], Value::Null);
    assert_eq!(rules[0]["destinationAddressPrefixes"], json!(["10.0.1.4/32"]));
    assert_eq!(rules[0]["destinationApplicationSecurityGroups"], json!(["servers"]));
    assert_eq!(rules[2]["protocol"], "All");
    assert_eq!(rules[2]["sourceAddressPrefix"], "VirtualNetwork");
    assert_eq!(rules[2]["expandedSourceAddressPrefix"], json!(["10.0.0.0/16", "168.63.129.16/32", "192.0.2.0/24"]));
    assert_eq!(rules[5]["expandedDestinationAddressPrefix"], json!(["203.0.113.16/28"]));
    let internet = rules[7]["expandedDestinationAddressPrefix"].as_array().unwrap();
    assert_eq!(internet[..3], [json!("1.0.0.0/8"), json!("2.0.0.0/7"), json!("4.0.0.0/6")]);
    assert!(internet.contains(&json!("12.0.0.0/6")) && internet.contains(&json!("32.0.0.0/3")), "{internet:?}");
    let admin = &document["effectiveSecurityAdminRules"][0];
    assert_eq!((&admin["name"], &admin["ruleCollection"], &admin["access"]), (&json!("no-smb"), &json!("base"), &json!("Deny")));
    assert_eq!(admin["destinationPortRange"], "445-445");
}

#[test]
fn a_subnet_lists_its_own_group_and_a_bare_one_none() {
    let document = json_of("v/A");
    assert_eq!(document["value"].as_array().unwrap().len(), 1);
    assert_eq!(json_of("v/bare")["value"], json!([]));
}

#[test]
fn the_text_is_a_table_for_each_group_and_direction() {
    let (code, out, _) = run("vm1", &[]);
    assert_eq!(code, 0);
    let titles: Vec<&str> = out.lines().filter(|line| !line.starts_with(' ') && !line.is_empty()).collect();
    assert_eq!(
        titles,
        [
            "security admin rules, outbound",
            "a-nsg (subnet v/a), inbound",
            "a-nsg (subnet v/a), outbound",
            "vm1-nsg (network interface vm1), inbound",
            "vm1-nsg (network interface vm1), outbound"
        ]
    );
    let row = |name: &str| out.lines().find(|line| line.contains(name)).unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(row(" web "), "100 web Allow Tcp * * servers 80, 443, 8000-8100");
    assert_eq!(row("base/no-smb"), "5 base/no-smb Deny Tcp * * Internet 445");
    assert_eq!(row("DenyAllInBound"), "65500 DenyAllInBound Deny All * * * *");
    let (code, out, _) = run("v/bare", &[]);
    assert_eq!(code, 0);
    assert!(out.ends_with("no network security group: it lets everything through\n"), "{out}");
}

#[test]
fn an_unknown_name_is_wrong_usage() {
    let (code, out, error) = run("vm2", &[]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(error.contains("there is no network interface `vm2`; did you mean `vm1`?"), "{error}");
    assert_eq!(run("v/c", &[]).0, 2);
}

// ---- what is listed is what decides ----

/// Whether a listed rule matches, read plainly.
fn matches(rule: &Matches, source: IpAddr, destination: IpAddr, protocol: u8, ports: Option<(u16, u16)>) -> bool {
    let numbers: &[u8] = match rule.protocol {
        "All" => &[],
        "Tcp" => &[6],
        "Udp" => &[17],
        "Icmp" => &[1, 58],
        "Esp" => &[50],
        "Ah" => &[51],
        other => panic!("no protocol {other}"),
    };
    let range = |text: &String| {
        let (first, last) = text.split_once('-').unwrap();
        first.parse::<u16>().unwrap()..=last.parse::<u16>().unwrap()
    };
    let port = |ranges: &[String], port: Option<u16>| match port {
        Some(port) => ranges.iter().any(|text| range(text).contains(&port)),
        None => ranges == ["0-65535"],
    };
    let side = |expanded: &[String], written: &[String], address: IpAddr| {
        let list = if expanded.is_empty() { written } else { expanded };
        list.iter().any(|text| text == "0.0.0.0/0" || text.parse::<IpNet>().is_ok_and(|prefix| prefix.contains(&address)))
    };
    (numbers.is_empty() || numbers.contains(&protocol))
        && port(&rule.source_port_ranges, ports.map(|ports| ports.0))
        && port(&rule.destination_port_ranges, ports.map(|ports| ports.1))
        && side(&rule.expanded_source_address_prefix, &rule.source_address_prefixes, source)
        && side(&rule.expanded_destination_address_prefix, &rule.destination_address_prefixes, destination)
}

fn address_side(which: &'static str) -> impl Strategy<Value = String> {
    let one = prop::sample::select(
        &["'*'", "VirtualNetwork", "Internet", "Storage", "AzureLoadBalancer", "10.0.0.0/16", "10.0.1.4", "198.51.100.0/24", "'::/0'"][..],
    );
    prop_oneof![
        4 => one.prop_map(move |text| format!("{which}AddressPrefix: {text}")),
        1 => Just(format!("{which}AddressPrefixes: [10.0.1.0/24, Storage, 203.0.113.0/30]")),
        1 => prop::sample::select(&["one", "two", "empty"][..]).prop_map(move |name| format!("{which}ApplicationSecurityGroups: [{name}]")),
    ]
}

fn any_rule() -> impl Strategy<Value = (bool, bool, String)> {
    let protocol = prop::sample::select(&["'*'", "Tcp", "Udp", "Icmp", "Esp"][..]);
    let ports = prop::sample::select(&["'*'", "'80'", "81-443", "0-65535"][..]);
    (any::<bool>(), any::<bool>(), protocol, ports, address_side("source"), address_side("destination")).prop_map(
        |(inbound, allow, protocol, ports, source, destination)| {
            (inbound, allow, format!("protocol: {protocol}, destinationPortRange: {ports}, {source}, {destination}"))
        },
    )
}

fn any_group() -> impl Strategy<Value = Option<Vec<(bool, bool, String)>>> {
    prop::option::weighted(0.8, prop::collection::vec(any_rule(), 0..5))
}

fn any_admin_rule() -> impl Strategy<Value = String> {
    let sides = prop::sample::select(
        &["", ", sources: [10.0.1.4]", ", destinations: [VirtualNetwork]", ", destinations: [Internet], sources: ['*']"][..],
    );
    let (access, direction) =
        (prop::sample::select(&["Allow", "AlwaysAllow", "Deny"][..]), prop::sample::select(&["Inbound", "Outbound"][..]));
    let what =
        prop::sample::select(&["protocol: Tcp, destinationPortRanges: [80]", "protocol: Udp", "protocol: Icmp", "protocol: Any"][..]);
    (1u16..9, access, direction, what, sides).prop_map(|(priority, access, direction, what, sides)| {
        format!("priority: {priority}, direction: {direction}, access: {access}, {what}{sides}")
    })
}

#[derive(Clone, Debug)]
struct Random {
    groups: [Option<Vec<(bool, bool, String)>>; 4],
    admin: Vec<String>,
    route: &'static str,
}

fn random() -> impl Strategy<Value = Random> {
    let routes = prop::sample::select(
        &[
            "",
            "{ name: r, addressPrefix: 0.0.0.0/0, nextHopType: Internet }",
            "{ name: r, addressPrefix: 198.51.100.0/25, nextHopType: Internet }",
        ][..],
    );
    (prop::array::uniform4(any_group()), prop::collection::vec(any_admin_rule(), 0..3), routes).prop_map(|(groups, admin, route)| Random {
        groups,
        admin,
        route,
    })
}

fn text(random: &Random) -> String {
    let names = ["a-nsg", "b-nsg", "one-nsg", "two-nsg"];
    let attached = |at: usize| if random.groups[at].is_some() { format!(", networkSecurityGroup: {}", names[at]) } else { String::new() };
    let groups = random.groups.iter().enumerate().map(|(at, rules)| {
        let rules = rules.iter().flatten().enumerate();
        let rules: Vec<String> = rules
            .map(|(index, (inbound, allow, more))| {
                let priority = 400 - u16::try_from(index).unwrap();
                rule(
                    &format!("r{index}"),
                    priority,
                    if *inbound { "Inbound" } else { "Outbound" },
                    if *allow { "Allow" } else { "Deny" },
                    more,
                )
            })
            .collect();
        group(names[at], &rules)
    });
    let groups: String = groups.collect();
    let admin: Vec<String> = random.admin.iter().enumerate().map(|(index, rule)| format!("{{ name: k{index}, {rule} }}")).collect();
    format!(
        "serviceTags: {{ Storage: [203.0.113.16/28] }}
virtualNetworks:
  - name: v
    addressPrefixes: [10.0.0.0/16]
    defaultOutboundAddress: 192.0.2.10
    subnets:
      - {{ name: a, addressPrefix: 10.0.1.0/24, routeTable: t{} }}
      - {{ name: b, addressPrefix: 10.0.2.0/24{} }}
applicationSecurityGroups: [one, two, empty]
routeTables: [{{ name: t, routes: [{}] }}]
networkInterfaces:
  - {{ name: one, subnet: v/a, privateIPAddress: 10.0.1.4, applicationSecurityGroups: [one]{} }}
  - {{ name: two, subnet: v/b, privateIPAddress: 10.0.2.4, applicationSecurityGroups: [two]{} }}
ports:
  - {{ name: a, attach: v/a }}
  - {{ name: b, attach: v/b }}
  - {{ name: internet, attach: internet }}
networkManagers:
  - name: m
    networkGroups: [{{ name: all, members: [v] }}]
    securityAdminConfigurations: [{{ name: c, ruleCollections: [{{ name: k, appliesToGroups: [all], rules: [{}] }}] }}]
networkSecurityGroups:
{groups}",
        attached(0),
        attached(1),
        random.route,
        attached(2),
        attached(3),
        admin.join(", ")
    )
}

/// What the listed rules of one side say: denied by, or the last that let it through.
fn side(
    rules: &causeway::cli::rules::effective::EffectiveRules,
    direction: Direction,
    packet: (IpAddr, IpAddr, u8, Option<(u16, u16)>),
) -> Result<Option<String>, String> {
    let (source, destination, protocol, ports) = packet;
    let hit = |rule: &Matches| matches(rule, source, destination, protocol, ports);
    let mut last = None;
    let admin = rules.effective_security_admin_rules.iter().find(|rule| rule.direction == direction && hit(&rule.matches));
    if let Some(rule) = admin {
        let name = format!("{}/{}", rule.rule_collection, rule.name);
        match rule.access {
            AdminAccess::Deny => return Err(name),
            AdminAccess::AlwaysAllow => return Ok(Some(name)),
            AdminAccess::Allow => last = Some(name),
        }
    }
    let mut groups: Vec<_> = rules.value.iter().collect();
    if direction == Direction::Outbound {
        groups.reverse();
    }
    for group in groups {
        let Some(rule) = group.effective_security_rules.iter().find(|rule| rule.direction == direction && hit(&rule.matches)) else {
            continue;
        };
        let name = format!("{}/{}", group.network_security_group.id, rule.name.split_once('/').unwrap().1);
        if rule.access == "Deny" {
            return Err(name);
        }
        last = Some(name);
    }
    Ok(last)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    #[test]
    fn the_listed_rules_read_plainly_decide_as_the_policy_does(random in random()) {
        let text = text(&random);
        let loaded = load_text("net.yaml", &text);
        let network = loaded.network.unwrap_or_else(|| panic!("{}\n{text}", loaded.findings.render(false)));
        let snapshot = compile(&network, &mut Ids::default(), 1).unwrap();
        let [sender, receiver] = ["one", "two"].map(|name| answer(&network, &snapshot, name).unwrap());
        for to in ["10.0.2.4", "198.51.100.7", "203.0.113.17", "172.16.0.1"] {
            for (what, protocol, port) in [(":80", 6u8, Some(80u16)), (":443/udp", 17, Some(443)), (":81", 6, Some(81)), ("/icmp", 1, None), ("/esp", 50, None)] {
                let words = Words { from: "v/a/10.0.1.4".into(), to: format!("{to}{what}"), source: None, source_port: 49152 };
                let explanation = ask(&network, &snapshot, &words).unwrap();
                let packet = ("10.0.1.4".parse().unwrap(), to.parse().unwrap(), protocol, port.map(|port| (49152, port)));
                let outbound = side(&sender, Direction::Outbound, packet);
                let inside = to == "10.0.2.4";
                let expected = match outbound {
                    Ok(last) if inside => side(&receiver, Direction::Inbound, packet).map(|inner| inner.or(last)),
                    other => other,
                };
                match expected {
                    Err(name) => prop_assert_eq!((explanation.reason, explanation.decided_by), (Reason::NsgDeny, Some(name)), "{}{}\n{}", to, what, text),
                    // What lets it through decides where it arrives; elsewhere the route has the last word.
                    Ok(last) => {
                        prop_assert_ne!(explanation.reason, Reason::NsgDeny, "{}{}\n{}", to, what, text);
                        if explanation.reason == Reason::Forwarded {
                            prop_assert_eq!(explanation.decided_by, last, "{}{}\n{}", to, what, text);
                        }
                    }
                }
            }
        }
    }
}
