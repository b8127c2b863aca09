//! Wrong network files, each with the exact code and place of what is found.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]

use causeway::config::code::Code;
use causeway::config::load::load_text;
use causeway::config::network::Device;
use proptest::prelude::*;

/// Code, line and column of every finding.
fn found(text: &str) -> Vec<(&'static str, u32, u32)> {
    let loaded = load_text("test.yaml", text);
    loaded.findings.iter().map(|finding| (finding.code.as_str(), finding.span.start.line, finding.span.start.column)).collect()
}

#[track_caller]
fn expect(text: &str, findings: &[(&str, u32, u32)]) {
    let loaded = load_text("test.yaml", text);
    assert_eq!(found(text), findings, "\n{text}\n{}", loaded.findings.render(false));
    let refused =
        findings.iter().any(|(code, ..)| Code::ALL.iter().any(|known| known.as_str() == *code && known.severity().as_str() == "error"));
    assert_eq!(loaded.network.is_none(), refused);
}

/// A network `v` with a subnet `s`, its other properties from `subnet`.
fn vnet(subnet: &str, rest: &str) -> String {
    format!(
        "virtualNetworks:\n  - {{ name: v, addressPrefixes: [10.0.0.0/16], subnets: [{{ name: s, addressPrefix: 10.0.1.0/24{subnet} }}] }}\n{rest}"
    )
}

fn nsg(rule: &str) -> String {
    format!("networkSecurityGroups:\n  - name: g\n    securityRules:\n      - {{ {rule} }}\n")
}

const RULE: &str =
    "name: r, priority: 100, direction: Inbound, access: Allow, protocol: Tcp, sourcePortRange: '*', destinationPortRange: '80'";

#[test]
fn text_that_is_no_network_file() {
    expect("", &[("FILE_EMPTY", 0, 0)]);
    expect("# only a comment\n", &[("FILE_EMPTY", 0, 0)]);
    expect("location: &here westeurope\n", &[("YAML_FEATURE", 1, 11)]);
    expect("location: westeurope\nLocation: westus\n", &[("DUPLICATE_PROPERTY", 2, 1)]);
    expect("[1, 2]\n", &[("WRONG_TYPE", 1, 1)]);
    assert_eq!(found(&"[".repeat(100))[0].0, "TOO_DEEP");
    assert_eq!(found("location: 'open\n")[0].0, "SYNTAX");
    assert_eq!(found("location: westeurope\n---\nlocation: westus\n")[0].0, "YAML_FEATURE");
}

#[test]
fn json_is_accepted() {
    expect("{ \"location\": \"West Europe\", \"ports\": [ { \"name\": \"p\", \"attach\": \"internet\" } ] }", &[]);
    expect("\u{feff}location: westeurope\r\nports:\r\n  - { name: p, attach: internet }\r\n", &[]);
}

#[test]
fn properties_and_scalars() {
    expect("locaton: westeurope\n", &[("UNKNOWN_PROPERTY", 1, 1)]);
    expect("ports:\n  - { name: p }\n", &[("MISSING_PROPERTY", 2, 5)]);
    expect("ports: internet\n", &[("WRONG_TYPE", 1, 8)]);
    expect("ports:\n  - { name: -p, attach: internet }\n", &[("BAD_NAME", 2, 13)]);
    expect("options: { tcpWithoutHandshake: dropp }\n", &[("BAD_VALUE", 1, 33)]);
    expect("networkSecurityGroups:\n  - { name: g, flushConnection: yes }\n", &[("WRONG_TYPE", 2, 33)]);
    expect("serviceTags: { Storage: [10.0.0.1/8] }\n", &[("BAD_PREFIX", 1, 26)]);
    expect("natGateways:\n  - { name: n, publicIPAddresses: [1.2.3] }\n", &[("BAD_ADDRESS", 2, 36)]);
    expect("natGateways:\n  - { name: n, publicIPAddresses: [192.0.2.1], idleTimeoutInMinutes: 3 }\n", &[("OUT_OF_RANGE", 2, 70)]);
}

#[test]
fn security_rules() {
    let sides = "sourceAddressPrefix: '*', destinationAddressPrefix: '*'";
    expect(&nsg(&format!("{RULE}, {sides}")), &[]);
    expect(&nsg(&format!("{RULE}, sourceAddressPrefix: '*', destinationAddressPrefix: Storge")), &[("UNKNOWN_TAG", 4, 187)]);
    expect(&nsg(&format!("{RULE}, sourceAddressPrefix: '*'")), &[("MISSING_PROPERTY", 4, 9)]);
    let plural = "sourceAddressPrefix: '*', sourceAddressPrefixes: [10.0.0.0/8], destinationAddressPrefix: '*'";
    assert_eq!(found(&nsg(&format!("{RULE}, {plural}")))[0].0, "BOTH_FORMS");
    let wrong = RULE.replace("'80'", "90-80");
    assert_eq!(found(&nsg(&format!("{wrong}, {sides}")))[0].0, "BACKWARDS_RANGE");
    let wrong = RULE.replace("'80'", "70000");
    assert_eq!(found(&nsg(&format!("{wrong}, {sides}")))[0].0, "BAD_PORT");
    let two = format!("{}      - {{ {}, {sides} }}\n", nsg(&format!("{RULE}, {sides}")), RULE.replace("name: r", "name: q"));
    expect(&two, &[("DUPLICATE_PRIORITY", 5, 30)]);
    assert_eq!(found(&nsg(&format!("{RULE}, sourceAddressPrefix: '*', destinationAddressPrefix: AzureMonitor")))[0].0, "EMPTY_TAG");
}

#[test]
fn networks_and_subnets() {
    expect(&vnet(", routeTable: t", ""), &[("UNKNOWN_NAME", 2, 109)]);
    assert_eq!(found(&vnet(", serviceEndpoints: [Microsoft.Storage, Microsoft.Storage.Global]", ""))[0].0, "ENDPOINT_CONFLICT");
    assert_eq!(found(&vnet(", wirePrefix: 192.168.0.0/25", ""))[0].0, "WIRE_PREFIX");
    expect("virtualNetworks:\n  - { name: v, addressPrefixes: [127.0.0.0/16] }\n", &[("RESERVED_RANGE", 2, 34)]);
    let subnet = |prefix: &str| {
        format!(
            "virtualNetworks:\n  - {{ name: v, addressPrefixes: [10.0.0.0/16], subnets: [{{ name: a, addressPrefix: 10.0.0.0/24 }}, {{ name: b, addressPrefix: {prefix} }}] }}\n"
        )
    };
    expect(&subnet("10.0.1.0/30"), &[("SUBNET_SIZE", 2, 125)]);
    expect(&subnet("10.1.0.0/24"), &[("SUBNET_OUTSIDE", 2, 125)]);
    expect(&subnet("10.0.0.128/25"), &[("SUBNET_OVERLAP", 2, 125)]);
}

#[test]
fn addresses() {
    let interface = |address: &str| vnet("", &format!("networkInterfaces:\n  - {{ name: i, subnet: v/s, privateIPAddress: {address} }}\n"));
    expect(&interface("10.0.1.4"), &[]);
    expect(&interface("10.0.1.3"), &[("RESERVED_ADDRESS", 4, 47)]);
    expect(&interface("10.0.2.4"), &[("ADDRESS_OUTSIDE", 4, 47)]);
    expect(&vnet("", "networkInterfaces:\n  - { name: i, subnet: s, privateIPAddress: 10.0.1.4 }\n"), &[("UNKNOWN_NAME", 4, 24)]);
}

#[test]
fn service_firewalls() {
    let storage = |firewall: &str, subnet: &str| {
        vnet(
            subnet,
            &format!(
                "services:\n  - name: a\n    type: Microsoft.Storage/storageAccounts\n    addresses: [203.0.113.20]\n    firewall: {{ defaultAction: Deny, {firewall} }}\n"
            ),
        )
    };
    expect(&storage("virtualNetworkRules: [v/s]", ", serviceEndpoints: [Microsoft.Storage]"), &[]);
    expect(&storage("virtualNetworkRules: [v/s]", ""), &[("ENDPOINT_MISSING", 7, 60)]);
    expect(&storage("virtualNetworkRules: [{ subnet: v/gone, state: NetworkSourceDeleted }]", ""), &[]);
    expect(&storage("ipRules: [192.168.0.1]", ""), &[("IP_RULE", 7, 48)]);
    expect(&storage("ipRules: [198.51.100.0/31]", ""), &[("IP_RULE", 7, 48)]);
    assert_eq!(found(&storage("ipRules: [198.51.100.1]", "").replace("Deny", "Allow"))[0].0, "INERT_RULES");
}

#[test]
fn ports_and_hosts() {
    expect("ports:\n  - { name: a-name-of-13-c, attach: internet }\n", &[("BAD_DEVICE", 2, 13)]);
    expect("ports:\n  - { name: p, attach: a/b/c/d }\n", &[("BAD_ATTACHMENT", 2, 24)]);
    let lab = "ports:\n  - { name: p, attach: v/s/10.0.1.4 }\nlab:\n  hosts:\n    - { name: h, port: p, address: 10.0.1.5 }\n";
    expect(&vnet("", lab), &[("BAD_HOST", 7, 36)]);
}

#[test]
fn the_mode_of_an_interface_is_packet_unless_it_says_xdp() {
    let device = |more: &str| {
        let loaded = load_text("net.yaml", &format!("ports:\n  - {{ name: p, attach: internet, interface: eth0{more} }}\n"));
        loaded.network.unwrap().ports.remove(0).device
    };
    assert_eq!(device(""), Device::Interface("eth0".to_owned()));
    assert_eq!(device(", mode: packet"), Device::Interface("eth0".to_owned()));
    assert_eq!(device(", mode: XDP"), Device::Xdp("eth0".to_owned()));
    let text = |more: &str| load_text("net.yaml", &format!("ports:\n  - {{ name: p, attach: internet, {more} }}\n")).findings.render(false);
    assert!(text("interface: eth0, mode: xpd").contains("hint: did you mean `xdp`?"));
    assert!(text("tap: x, mode: xdp").contains("hint: give the port an `interface`"));
}

#[test]
fn every_error_at_once_in_order() {
    let text = "locaton: x\nports:\n  - { name: p, attach: nowhere }\n  - { name: p, attach: internet, tap: a/b }\n";
    expect(text, &[("UNKNOWN_PROPERTY", 1, 1), ("UNKNOWN_NAME", 3, 24), ("DUPLICATE_NAME", 4, 13), ("BAD_DEVICE", 4, 39)]);
}

#[test]
fn rendering_shows_line_marker_and_hint() {
    let text = load_text("net.yaml", "location: westeurope\nports:\n  - { name: p, attache: internet }\n").findings.render(false);
    assert!(text.starts_with("net.yaml:3:5: error[MISSING_PROPERTY]: a port lacks `attach`\n"), "{text}");
    assert!(text.contains("net.yaml:3:16: error[UNKNOWN_PROPERTY]: a port has no property `attache`\n"), "{text}");
    assert!(text.contains("  - { name: p, attache: internet }") && text.contains("^^^^^^^"), "{text}");
    assert!(text.contains("hint: did you mean `attach`?\n"), "{text}");
    assert!(!text.contains('\u{1b}'));
}

#[test]
fn every_code_is_distinct_and_explained() {
    let mut codes: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), Code::ALL.len());
    assert!(Code::ALL.iter().all(|code| code.explanation().ends_with('.')));
}

proptest! {
    #[test]
    fn arbitrary_text_never_panics(text in ".{0,400}") {
        let _ = load_text("any.yaml", &text).findings.render(false);
    }

    #[test]
    fn mutations_never_panic(at in 0usize..8000, with in "[\\[\\]{}:,\"'*&!|>#% \\n\\t0-9a-z/-]{0,3}", cut in 0usize..40) {
        let text = include_str!("files/everything.yaml");
        let mut letters: Vec<char> = text.chars().collect();
        let at = at.min(letters.len());
        let end = (at + cut).min(letters.len());
        letters.splice(at..end, with.chars());
        let text: String = letters.into_iter().collect();
        let loaded = load_text("mutated.yaml", &text);
        let _ = loaded.findings.render(false);
        prop_assert_eq!(loaded.network.is_none(), loaded.findings.has_errors());
    }
}
