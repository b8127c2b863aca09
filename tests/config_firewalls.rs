//! What Azure refuses in service firewalls, and what it accepts and then does not enforce: code and place of every finding.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]

use causeway::config::code::Severity;
use causeway::config::load::load_text;

const STORAGE: &str = "Microsoft.Storage/storageAccounts";
const SQL: &str = "Microsoft.Sql/servers";
const COSMOS: &str = "Microsoft.DocumentDB/databaseAccounts";
const VAULT: &str = "Microsoft.KeyVault/vaults";
const HUBS: &str = "Microsoft.EventHub/namespaces";
const BUS: &str = "Microsoft.ServiceBus/namespaces";
const POSTGRESQL: &str = "Microsoft.DBforPostgreSQL/servers";
const LAKE: &str = "Microsoft.DataLakeStore/accounts";
const APP: &str = "Microsoft.Web/sites";
const COGNITIVE: &str = "Microsoft.CognitiveServices/accounts";
const REGISTRY: &str = "Microsoft.ContainerRegistry/registries";

/// Every type that service endpoints lead to.
const ALL: [&str; 14] = [
    STORAGE,
    SQL,
    "Microsoft.Synapse/workspaces",
    COSMOS,
    VAULT,
    HUBS,
    BUS,
    POSTGRESQL,
    "Microsoft.DBforMySQL/servers",
    "Microsoft.DBforMariaDB/servers",
    LAKE,
    APP,
    COGNITIVE,
    REGISTRY,
];

/// A network with the subnets `v/se` (every endpoint), `v/bare` and, in another region, `far/se`; and a service on the
/// last line.
fn file(properties: &str) -> String {
    let endpoints = "serviceEndpoints: [Microsoft.Storage, Microsoft.Sql, Microsoft.AzureCosmosDB, Microsoft.KeyVault, Microsoft.ServiceBus, Microsoft.EventHub, Microsoft.AzureActiveDirectory, Microsoft.Web, Microsoft.CognitiveServices, Microsoft.ContainerRegistry]";
    format!(
        "location: westeurope
virtualNetworks:
  - {{ name: v, addressPrefixes: [10.0.0.0/16], subnets: [{{ name: se, addressPrefix: 10.0.1.0/24, {endpoints} }}, {{ name: bare, addressPrefix: 10.0.2.0/24 }}] }}
  - {{ name: far, location: eastus, addressPrefixes: [10.1.0.0/16], subnets: [{{ name: se, addressPrefix: 10.1.1.0/24, {endpoints} }}] }}
services:
  - {{ name: s, {properties} }}
"
    )
}

fn with(kind: &str, firewall: &str) -> String {
    file(&format!("type: {kind}, addresses: [203.0.113.20], firewall: {{ {firewall} }}"))
}

/// Errors, and these warnings: what the lints say beside is another matter.
const OURS: [&str; 5] = ["INERT_RULES", "RULE_MISMATCH", "PRIVATE_IP_RULE", "NOT_MODELLED", "NO_EFFECT"];

/// The findings are these, each at the first place of its text after the firewall begins.
#[track_caller]
fn expect(text: &str, findings: &[(&str, &str)]) {
    let loaded = load_text("net.yaml", text);
    let ours = loaded.findings.iter().filter(|finding| finding.severity() == Severity::Error || OURS.contains(&finding.code.as_str()));
    let found: Vec<_> = ours.map(|finding| (finding.code.as_str(), finding.span.start.line, finding.span.start.column)).collect();
    let line = text.lines().position(|line| line.starts_with("  - { name: s,")).unwrap();
    let written = text.lines().nth(line).unwrap();
    let place = |needle: &str| {
        let at = written.find("firewall").filter(|at| written[*at..].contains(needle)).unwrap_or(0);
        u32::try_from(at + written[at..].find(needle).unwrap_or_else(|| panic!("{needle} in {written}")) + 1).unwrap()
    };
    let expected: Vec<_> = findings.iter().map(|(code, needle)| (*code, u32::try_from(line + 1).unwrap(), place(needle))).collect();
    assert_eq!(found, expected, "\n{text}\n{}", loaded.findings.render(false));
    assert_eq!(loaded.network.is_none(), loaded.findings.has_errors());
}

/// `count` rules, the last one recognizable.
fn many(count: usize, rule: impl Fn(usize) -> String) -> String {
    (0..count).map(rule).collect::<Vec<_>>().join(", ")
}

#[test]
fn there_are_only_so_many_virtual_network_rules() {
    let limits = [(STORAGE, 400), (SQL, 128), (POSTGRESQL, 128), (VAULT, 200), (COSMOS, 64), (HUBS, 128), (BUS, 128), (LAKE, 100)];
    for (kind, limit) in limits {
        let rules = |count| {
            let list = many(count, |index| if index == limit { "{ id: v/se, action: Allow }".into() } else { "v/se".into() });
            let unmodelled = if kind == LAKE { "firewallState: Enabled, " } else { "defaultAction: Deny, " };
            with(kind, &format!("{unmodelled}virtualNetworkRules: [{list}]"))
        };
        let warned = load_text("net.yaml", &rules(limit)).findings.errors();
        assert_eq!(warned, 0, "{kind} takes {limit}");
        let loaded = load_text("net.yaml", &rules(limit + 1));
        let refused: Vec<_> = loaded.findings.iter().filter(|finding| finding.code.as_str() == "LIMIT_EXCEEDED").collect();
        assert_eq!(refused.len(), 1, "{kind}");
        assert!(refused[0].message.contains(&format!("Azure's limit is {limit}")), "{}", refused[0].message);
        let column = rules(limit + 1).lines().nth(5).unwrap().find("{ id: v/se").unwrap() + 1;
        assert_eq!(refused[0].span.start.column, u32::try_from(column).unwrap());
    }
}

#[test]
fn there_are_only_so_many_address_rules() {
    for (kind, limit) in [(STORAGE, 400), (SQL, 128), (VAULT, 1000)] {
        let rules = |count| {
            with(
                kind,
                &format!("defaultAction: Deny, ipRules: [{}]", many(count, |index| format!("198.{}.{}.9", 51 + index / 200, index % 200))),
            )
        };
        expect(&rules(limit), &[]);
        let last = format!("198.{}.{}.9", 51 + limit / 200, limit % 200);
        expect(&rules(limit + 1), &[("LIMIT_EXCEEDED", &last)]);
    }
    // Not verified for Event Hubs and Service Bus: not refused.
    let hubs = many(129, |index| format!("198.51.100.{index}"));
    expect(&with(HUBS, &format!("defaultAction: Deny, ipRules: [{hubs}]")), &[]);
    let ranges = |count| many(count, |index| format!("{{ start: 198.51.100.{index}, end: 198.51.100.{index} }}"));
    let database = |count| with(SQL, &format!("databases: [{{ name: sales, ipRanges: [{}] }}]", ranges(count)));
    expect(&database(128), &[]);
    expect(&database(129), &[("LIMIT_EXCEEDED", "{ start: 198.51.100.128")]);
}

#[test]
fn there_are_only_so_many_restrictions_sources_and_header_values() {
    let rule = |index: usize| format!("{{ name: r{index}, action: Allow, ipAddress: 198.51.100.1 }}");
    let synthetic = "{ name: Deny all, priority: 2147483647, action: Deny, ipAddress: Any }";
    expect(&with(APP, &format!("accessRestrictions: [{}, {synthetic}]", many(512, rule))), &[]);
    expect(&with(APP, &format!("accessRestrictions: [{}]", many(513, rule))), &[("LIMIT_EXCEEDED", "{ name: r512,")]);
    let sources =
        |count| format!("accessRestrictions: [{{ action: Allow, ipAddress: '{}' }}]", many(count, |index| format!("198.51.100.{index}")));
    expect(&with(APP, &sources(8)), &[]);
    expect(&with(APP, &sources(9)), &[("LIMIT_EXCEEDED", "'198.51.100.0")]);
    let headers = |count| {
        let values = many(count, |index| format!("v{index}"));
        with(APP, &format!("accessRestrictions: [{{ action: Allow, ipAddress: 198.51.100.1, headers: {{ x-azure-fdid: [{values}] }} }}]"))
    };
    expect(&headers(8), &[("NOT_MODELLED", "{ x-azure-fdid")]);
    expect(&headers(9), &[("NOT_MODELLED", "{ x-azure-fdid"), ("LIMIT_EXCEEDED", "v8")]);
}

#[test]
fn address_rules_that_are_refused() {
    for kind in [STORAGE, VAULT] {
        for private in ["10.0.0.4", "172.16.0.0/12", "172.31.255.255", "192.168.3.0/24"] {
            expect(&with(kind, &format!("defaultAction: Deny, ipRules: [{private}]")), &[("IP_RULE", private)]);
        }
        expect(&with(kind, "defaultAction: Deny, ipRules: ['2001:db8::/32']"), &[("IP_RULE", "'2001:db8")]);
        expect(&with(kind, "defaultAction: Deny, ipRules: [172.32.0.1, 0.0.0.0/0, 198.51.100.0/30]"), &[]);
    }
    for length in [31, 32] {
        let rule = format!("defaultAction: Deny, ipRules: [198.51.100.4/{length}]");
        expect(&with(STORAGE, &rule), &[("IP_RULE", "198.51.100.4/")]);
        expect(&with(VAULT, &rule), &[]);
    }
    expect(&with(STORAGE, "defaultAction: Deny, ipv6Rules: ['2001:db8::/32', 198.51.100.1]"), &[("IP_RULE", "198.51.100.1")]);
    expect(&with(SQL, "ipRules: ['2001:db8::1']"), &[("IP_RULE", "'2001:db8")]);
    expect(&with(SQL, "ipRanges: [{ start: 198.51.100.9, end: 198.51.100.1 }]"), &[("BACKWARDS_RANGE", "198.51.100.9")]);
    expect(
        &with(SQL, "databases: [{ name: a, ipRanges: [{ start: 198.51.100.9, end: 198.51.100.1 }] }, { name: A }]"),
        &[("BACKWARDS_RANGE", "198.51.100.9"), ("DUPLICATE_NAME", "A }")],
    );
    expect(&with(COSMOS, "ipRangeFilter: '198.51.100.1,nothing'"), &[("BAD_PREFIX", "'198.51.100.1,")]);
    expect(
        &with(VAULT, "defaultAction: Deny, ipRules: [{ value: 198.51.100.1, action: Deny }]"),
        &[("BAD_VALUE", "Deny } ]".trim_end_matches(" ]"))],
    );
}

#[test]
fn private_addresses_are_accepted_elsewhere_and_match_nothing() {
    expect(&with(HUBS, "defaultAction: Deny, ipRules: [10.1.1.1]"), &[("PRIVATE_IP_RULE", "10.1.1.1")]);
    expect(&with(SQL, "ipRanges: [{ start: 10.0.0.1, end: 10.0.0.9 }]"), &[("PRIVATE_IP_RULE", "10.0.0.1")]);
    expect(
        &with(APP, "accessRestrictions: [{ action: Allow, ipAddress: '198.51.100.1, 10.0.1.0/24' }]"),
        &[("PRIVATE_IP_RULE", "'198.51")],
    );
    let inside = "type: Microsoft.Cache/redis, subnet: v/bare, addresses: [10.0.2.9], firewall: { ipRanges: [{ start: 10.0.1.0, end: 10.0.1.255 }] }";
    expect(&file(inside), &[]);
}

#[test]
fn a_rule_needs_the_subnets_endpoint_unless_it_may_come_first() {
    let ignoring =
        |kind: &str| with(kind, "defaultAction: Deny, virtualNetworkRules: [{ id: v/bare, ignoreMissingVnetServiceEndpoint: true }]");
    for kind in ALL.into_iter().filter(|kind| *kind != APP) {
        let plain = load_text("net.yaml", &with(kind, "defaultAction: Deny, virtualNetworkRules: [v/bare]"));
        assert!(plain.findings.iter().any(|finding| finding.code.as_str() == "ENDPOINT_MISSING"), "{kind}");
        let refused = load_text("net.yaml", &ignoring(kind)).network.is_none();
        assert_eq!(refused, [STORAGE, LAKE, REGISTRY].contains(&kind), "{kind}");
    }
    let rule = |more: &str| with(APP, &format!("accessRestrictions: [{{ action: Allow, subnet: v/bare{more} }}]"));
    expect(&rule(""), &[("ENDPOINT_MISSING", "v/bare")]);
    expect(&rule(", ignoreMissingServiceEndpoint: true"), &[]);
    let scm = "scmIpSecurityRestrictionsUseMain: true, scmIpSecurityRestrictions: [{ action: Allow, subnet: v/bare }]";
    expect(&with(APP, scm), &[("NOT_MODELLED", "{ action"), ("ENDPOINT_MISSING", "v/bare")]);
}

#[test]
fn some_take_rules_for_their_own_region_only() {
    for kind in ALL.into_iter().filter(|kind| *kind != APP) {
        let loaded = load_text("net.yaml", &with(kind, "defaultAction: Deny, virtualNetworkRules: [far/se]"));
        let bound = ["Sql", "Synapse", "DBfor", "DataLake"].iter().any(|part| kind.contains(part));
        assert_eq!(loaded.findings.iter().any(|finding| finding.code.as_str() == "RULE_REGION"), bound, "{kind}");
    }
}

#[test]
fn states_actions_and_bypasses_have_their_words() {
    expect(&with(STORAGE, "defaultAction: Deny, virtualNetworkRules: [{ id: v/gone, state: NetworkSourceDeleted }]"), &[]);
    expect(&with(STORAGE, "defaultAction: Deny, virtualNetworkRules: [{ id: v/gone, state: Succeeded }]"), &[("UNKNOWN_NAME", "v/gone")]);
    expect(&with(STORAGE, "defaultAction: Deny, virtualNetworkRules: [{ id: v/se, state: Suceeded }]"), &[("BAD_VALUE", "Suceeded")]);
    expect(&with(STORAGE, "defaultAction: Deny, bypass: 'AzureServices, Loging'"), &[("BAD_VALUE", "'AzureServices")]);
    expect(&with(STORAGE, "defaultAction: Deny, bypass: [Logging, none]"), &[("BAD_VALUE", "none")]);
    expect(&with(STORAGE, "defaultAction: Deny, bypass: None"), &[]);
    expect(&with(STORAGE, "defaultAction: Deny, bypass: 'Logging, Metrics'"), &[]);
    expect(&with(VAULT, "defaultAction: Deny, bypass: Logging"), &[("BAD_VALUE", "Logging")]);
    expect(&with(COSMOS, "networkAclBypass: 'AzureServices, None'"), &[("BAD_VALUE", "'AzureServices")]);
    expect(&with(STORAGE, "defaultAction: Deny, resourceAccessRules: [nobody]"), &[("UNKNOWN_NAME", "nobody")]);
    expect(
        &with(
            STORAGE,
            "defaultAction: Deny, resourceAccessRules: [{ tenantId: t, resourceId: /subscriptions/0/resourceGroups/r/providers/Microsoft.Web/sites/x }]",
        ),
        &[],
    );
    expect(&with(APP, "accessRestrictions: [{ action: Allow, ipAddress: 198.51.100.1, tag: Serviceag }]"), &[("BAD_VALUE", "Serviceag")]);
    expect(
        &with(APP, "accessRestrictions: [{ action: Allow, ipAddress: 198.51.100.1, subnetMask: 255.0.255.0 }]"),
        &[("BAD_VALUE", "255.0.255.0")],
    );
    expect(
        &with(APP, "accessRestrictions: [{ action: Allow, ipAddress: 198.51.100.0/24, subnetMask: 255.255.255.0 }]"),
        &[("BOTH_FORMS", "255.255.255.0")],
    );
    expect(&with(APP, "accessRestrictions: [{ action: Allow }]"), &[("BOTH_FORMS", "{ action")]);
    expect(
        &with(APP, "accessRestrictions: [{ action: Allow, ipAddress: 198.51.100.1, headers: { x-real-ip: [a] } }]"),
        &[("NOT_MODELLED", "{ x-real-ip"), ("UNKNOWN_PROPERTY", "x-real-ip")],
    );
    let twice =
        "type: Microsoft.Sql/servers, addresses: [203.0.113.20], publicNetworkAccess: Enabled, firewall: { publicNetworkAccess: Disabled }";
    expect(&file(twice), &[("BOTH_FORMS", "Disabled")]);
}

#[test]
fn lists_that_a_kind_does_not_have_are_not_enforced() {
    for (kind, list, first) in [
        (APP, "ipRules: [198.51.100.1]", "198.51.100.1"),
        (APP, "virtualNetworkRules: [v/se]", "v/se"),
        (STORAGE, "accessRestrictions: [{ action: Allow, ipAddress: 198.51.100.1 }]", "{ action"),
        (VAULT, "resourceAccessRules: [s]", "s]"),
        (POSTGRESQL, "databases: [{ name: sales }]", "{ name: sales"),
        (COSMOS, "ipv6Rules: ['2001:db8::1']", "'2001:db8"),
        (STORAGE, "firewallState: Enabled", "Enabled"),
    ] {
        expect(&with(kind, list), &[("RULE_MISMATCH", first)]);
    }
    let inside = "type: Microsoft.Sql/managedInstances, subnet: v/bare, addresses: [10.0.2.9], firewall: { ipRules: [198.51.100.1] }";
    expect(&file(inside), &[("INJECTED_SUBNET", "v/bare"), ("RULE_MISMATCH", "{ ipRules")]);
    let environment = "type: Microsoft.Web/sites, subnet: v/bare, addresses: [10.0.2.9], firewall: { accessRestrictions: [{ action: Allow, subnet: v/se }] }";
    expect(&file(environment), &[("RULE_MISMATCH", "v/se")]);
}

#[test]
fn what_closes_nothing_is_said() {
    for kind in [STORAGE, VAULT, HUBS, BUS, COGNITIVE, REGISTRY] {
        expect(&with(kind, "ipRules: [198.51.100.1]"), &[("INERT_RULES", "198.51.100.1")]);
        expect(&with(kind, "defaultAction: Allow, virtualNetworkRules: [v/se]"), &[("INERT_RULES", "Allow")]);
    }
    expect(&with(SQL, "defaultAction: Allow, ipRules: [198.51.100.1]"), &[("INERT_RULES", "Allow")]);
    expect(&with(COSMOS, "isVirtualNetworkFilterEnabled: false, virtualNetworkRules: [v/se]"), &[("INERT_RULES", "false")]);
    expect(&with(LAKE, "firewallRules: [{ start: 198.51.100.1, end: 198.51.100.1 }]"), &[("INERT_RULES", "{ start")]);
    expect(&with(LAKE, "firewallState: Disabled, ipRules: [198.51.100.1]"), &[("INERT_RULES", "Disabled")]);
    expect(&with(LAKE, "firewallState: Enabled, ipRules: [198.51.100.1]"), &[]);
    expect(&with(STORAGE, "defaultAction: Deny"), &[]);
}

#[test]
fn some_tiers_have_no_firewall() {
    let tier = |kind: &str, sku: &str, firewall: &str| {
        file(&format!("type: {kind}, addresses: [203.0.113.20], sku: {sku}, firewall: {{ {firewall} }}"))
    };
    let closed = "defaultAction: Deny, ipRules: [198.51.100.1]";
    expect(&tier(HUBS, "Basic", closed), &[("SERVICE_TIER", "Basic")]);
    expect(&tier(HUBS, "Standard", closed), &[]);
    expect(&tier(BUS, "Standard", closed), &[("SERVICE_TIER", "Standard")]);
    expect(&tier(BUS, "Premium", closed), &[]);
    expect(&tier(POSTGRESQL, "B_Gen5_1", "virtualNetworkRules: [v/se]"), &[("SERVICE_TIER", "B_Gen5_1")]);
    expect(&tier(POSTGRESQL, "B_Gen5_1", "ipRules: [198.51.100.1]"), &[]);
}

#[test]
fn what_packets_do_not_show_is_said_once() {
    expect(&with(APP, "scmIpSecurityRestrictions: [{ action: Allow, ipAddress: 198.51.100.1 }]"), &[("NOT_MODELLED", "{ action")]);
    let scm = "type: Microsoft.Web/sites, addresses: [203.0.113.20], scmAddresses: [203.0.113.21], firewall: { scmIpSecurityRestrictions: [{ action: Allow, ipAddress: 198.51.100.1 }] }";
    expect(&file(scm), &[]);
    let clash = "type: Microsoft.Web/sites, addresses: [203.0.113.20], scmAddresses: [203.0.113.20]";
    let codes = |text: &str| load_text("net.yaml", &file(text)).findings.iter().map(|finding| finding.code.as_str()).collect::<Vec<_>>();
    assert!(codes(clash).contains(&"ADDRESS_CLASH"));
    let idle = "type: Microsoft.Sql/servers, addresses: [203.0.113.20], scmAddresses: [203.0.113.21]";
    assert!(codes(idle).contains(&"NO_EFFECT") && !codes(clash).contains(&"NO_EFFECT"));
    let perimeter = "type: Microsoft.Storage/storageAccounts, addresses: [203.0.113.20], publicNetworkAccess: SecuredByPerimeter";
    expect(&file(perimeter), &[("NOT_MODELLED", "SecuredByPerimeter")]);
}

#[test]
fn several_errors_come_together() {
    let rules = "defaultAction: Deny, bypass: Nothing, virtualNetworkRules: [v/bare, v/none], ipRules: [10.0.0.1, 198.51.100.0/31]";
    expect(
        &with(STORAGE, rules),
        &[
            ("BAD_VALUE", "Nothing"),
            ("ENDPOINT_MISSING", "v/bare"),
            ("UNKNOWN_NAME", "v/none"),
            ("IP_RULE", "10.0.0.1"),
            ("IP_RULE", "198.51.100.0/31"),
        ],
    );
}
