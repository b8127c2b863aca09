//! The rules of each kind but App Service.

use super::{expect, file, note, with};

const STORAGE: &str = "Microsoft.Storage/storageAccounts";
const SQL: &str = "Microsoft.Sql/servers";
const COSMOS: &str = "Microsoft.DocumentDB/databaseAccounts";
const VAULT: &str = "Microsoft.KeyVault/vaults";
const STRANGER: &str = "198.51.100.20";
/// A stranger with one of Azure's addresses.
const TENANT: &str = "198.51.100.130";

/// Kinds whose rules are inert until `defaultAction: Deny`.
const INERT: [&str; 6] = [
    STORAGE,
    VAULT,
    "Microsoft.EventHub/namespaces",
    "Microsoft.ServiceBus/namespaces",
    "Microsoft.CognitiveServices/accounts",
    "Microsoft.ContainerRegistry/registries",
];

/// Kinds that are closed from the start.
const CLOSED: [&str; 5] = [
    SQL,
    "Microsoft.Synapse/workspaces",
    "Microsoft.DBforPostgreSQL/servers",
    "Microsoft.DBforMySQL/servers",
    "Microsoft.DBforMariaDB/servers",
];

#[test]
fn rules_are_inert_until_deny() {
    for kind in INERT {
        let rules = "virtualNetworkRules: [v/se2], ipRules: [198.51.100.7]";
        for opening in ["", "defaultAction: Allow, "] {
            expect(&with(kind, &format!("{opening}{rules}")), &[("v/se", "Allow s/defaultAction"), (STRANGER, "Allow s/defaultAction")]);
        }
        let closed = with(kind, &format!("defaultAction: Deny, {rules}"));
        expect(
            &closed,
            &[
                ("v/se2", "Allow s/virtualNetworkRules[0]"),
                ("v/se", "Deny s/defaultAction"),
                ("hq", "Allow s/ipRules[0]"),
                (STRANGER, "Deny s/defaultAction"),
            ],
        );
        assert_eq!(note(&with(kind, rules), STRANGER), "its rules are not enforced: defaultAction is Allow");
    }
}

#[test]
fn databases_are_closed_from_the_start() {
    for kind in CLOSED {
        let everyone_refused = [("v/se", "Deny s/defaultAction"), ("v/plain", "Deny s/defaultAction"), (STRANGER, "Deny s/defaultAction")];
        expect(&with(kind, ""), &everyone_refused);
        expect(
            &with(
                kind,
                "virtualNetworkRules: [v/se2], ipRanges: [{ start: 198.51.100.1, end: 198.51.100.7 }, { start: 198.51.100.20, end: 198.51.100.20 }]",
            ),
            &[
                ("v/se2", "Allow s/virtualNetworkRules[0]"),
                ("v/se", "Deny s/defaultAction"),
                ("hq", "Allow s/ipRanges[0]"),
                (STRANGER, "Allow s/ipRanges[1]"),
                ("198.51.100.8", "Deny s/defaultAction"),
            ],
        );
    }
}

#[test]
fn zero_to_zero_is_all_of_azure_but_not_what_comes_over_an_endpoint() {
    for kind in CLOSED {
        expect(
            &with(kind, "firewallRules: [{ name: AllowAllWindowsAzureIps, startIpAddress: 0.0.0.0, endIpAddress: 0.0.0.0 }]"),
            &[
                ("v/plain", "Allow s/ipRanges[0]"),
                ("far/plain", "Allow s/ipRanges[0]"),
                (TENANT, "Allow s/ipRanges[0]"),
                ("v/se", "Deny s/defaultAction"),
                (STRANGER, "Deny s/defaultAction"),
                ("hq", "Deny s/defaultAction"),
            ],
        );
    }
    expect(
        &with(COSMOS, "ipRules: [0.0.0.0]"),
        &[("v/plain", "Allow s/ipRules[0]"), ("v/se", "Deny s/defaultAction"), (STRANGER, "Deny s/defaultAction")],
    );
    expect(&with(VAULT, "defaultAction: Deny, ipRules: [0.0.0.0]"), &[("v/plain", "Deny s/defaultAction")]);
    expect(
        &with(SQL, "ipRanges: [{ start: 0.0.0.0, end: 255.255.255.255 }]"),
        &[(STRANGER, "Allow s/ipRanges[0]"), ("v/se", "Deny s/defaultAction")],
    );
}

#[test]
fn address_rules_never_match_what_comes_over_an_endpoint() {
    for kind in INERT.iter().chain(&CLOSED).chain(&[COSMOS]) {
        for rule in ["ipRules: [0.0.0.0/0]", "ipRanges: [{ start: 1.0.0.0, end: 223.255.255.255 }]"] {
            expect(&with(kind, &format!("defaultAction: Deny, {rule}")), &[("v/se", "Deny s/defaultAction")]);
        }
    }
}

#[test]
fn only_storage_does_not_look_at_addresses_of_its_own_region() {
    let rules = "defaultAction: Deny, ipRules: [192.0.2.10, 192.0.2.20]";
    expect(&with(STORAGE, rules), &[("v/plain", "Deny s/defaultAction"), ("far/plain", "Allow s/ipRules[1]")]);
    expect(&with(VAULT, rules), &[("v/plain", "Allow s/ipRules[0]"), ("far/plain", "Allow s/ipRules[1]")]);
}

#[test]
fn storage_has_ipv6_rules_and_deleted_and_failed_subnets() {
    let rules = "defaultAction: Deny, virtualNetworkRules: [{ subnet: v/se, state: networkSourceDeleted }, { id: v/se2, state: Failed }]";
    expect(
        &with(STORAGE, rules),
        &[
            ("v/se", "Deny s/defaultAction"),
            ("v/se2", "Undetermined what became of a rule in the state Failed, which s/virtualNetworkRules[1] looks at"),
        ],
    );
    let six = file(
        "type: Microsoft.Storage/storageAccounts, addresses: [203.0.113.20, '2001:db8::20'], firewall: { defaultAction: Deny, ipv6Rules: ['2001:db8:1::/48'] }",
        "",
    );
    let snapshot = super::snapshot(&six);
    assert_eq!(super::ask(&snapshot, "2001:db8:1::9", "2001:db8::20").0, "Allow s/ipv6Rules[0]");
    assert_eq!(super::ask(&snapshot, "2001:db8:2::9", "2001:db8::20").0, "Deny s/defaultAction");
}

#[test]
fn a_rule_of_one_database_is_not_seen_in_a_packet() {
    let rules = "databases: [{ name: sales, firewallRules: [{ start: 198.51.100.20, end: 198.51.100.21 }] }], ipRanges: [{ start: 198.51.100.21, end: 198.51.100.21 }]";
    expect(
        &with(SQL, rules),
        &[
            (STRANGER, "Undetermined the database that a login asks for, which s/databases/sales/ipRanges[0] looks at"),
            ("198.51.100.21", "Allow s/ipRanges[0]"),
            ("198.51.100.22", "Deny s/defaultAction"),
        ],
    );
    // Only SQL Database has them.
    expect(&with("Microsoft.DBforMySQL/servers", rules), &[(STRANGER, "Deny s/defaultAction")]);
}

#[test]
fn cosmos_db_is_open_without_filters_and_an_allow_list_with_one() {
    expect(&with(COSMOS, ""), &[("v/se", "Allow s/defaultAction"), (STRANGER, "Allow s/defaultAction")]);
    expect(
        &with(COSMOS, "ipRangeFilter: '198.51.100.7, 198.51.100.16/28'"),
        &[
            (STRANGER, "Allow s/ipRules[1]"),
            ("hq", "Allow s/ipRules[0]"),
            ("198.51.100.9", "Deny s/defaultAction"),
            ("v/se", "Deny s/defaultAction"),
        ],
    );
    expect(
        &with(COSMOS, "virtualNetworkRules: [v/se]"),
        &[("v/se", "Allow s/virtualNetworkRules[0]"), ("v/se2", "Deny s/defaultAction"), (STRANGER, "Deny s/defaultAction")],
    );
    expect(&with(COSMOS, "isVirtualNetworkFilterEnabled: true"), &[("v/se", "Deny s/defaultAction"), (STRANGER, "Deny s/defaultAction")]);
    expect(&with(COSMOS, "isVirtualNetworkFilterEnabled: false, virtualNetworkRules: [v/se]"), &[("v/se2", "Allow s/defaultAction")]);
    expect(
        &with(COSMOS, "isVirtualNetworkFilterEnabled: false, virtualNetworkRules: [v/se], ipRules: [{ ipAddressOrRange: 198.51.100.7 }]"),
        &[("v/se", "Deny s/defaultAction"), ("hq", "Allow s/ipRules[0]")],
    );
}

#[test]
fn namespaces_without_rules_are_open_even_with_deny() {
    for kind in ["Microsoft.EventHub/namespaces", "Microsoft.ServiceBus/namespaces"] {
        let open = with(kind, "defaultAction: Deny");
        expect(&open, &[("v/se", "Allow s/defaultAction"), (STRANGER, "Allow s/defaultAction")]);
        assert!(note(&open, STRANGER).starts_with("without an address rule"), "{}", note(&open, STRANGER));
        expect(&with(kind, "defaultAction: Deny, ipRules: [{ ipMask: 10.1.1.1, action: Allow }]"), &[(STRANGER, "Deny s/defaultAction")]);
        expect(
            &with(kind, "defaultAction: Deny, virtualNetworkRules: [{ subnet: { id: v/se }, ignoreMissingVnetServiceEndpoint: true }]"),
            &[(STRANGER, "Deny s/defaultAction"), ("v/se", "Allow s/virtualNetworkRules[0]")],
        );
        expect(&with(kind, "publicNetworkAccess: Disabled, ipRules: [198.51.100.20]"), &[(STRANGER, "Deny s/publicNetworkAccess")]);
    }
}

#[test]
fn a_rule_may_come_before_the_endpoint_and_matches_nothing_until_then() {
    let allowed = [
        SQL,
        COSMOS,
        VAULT,
        "Microsoft.EventHub/namespaces",
        "Microsoft.ServiceBus/namespaces",
        "Microsoft.DBforPostgreSQL/servers",
        "Microsoft.DBforMySQL/servers",
        "Microsoft.CognitiveServices/accounts",
    ];
    for kind in allowed {
        let rules = "defaultAction: Deny, virtualNetworkRules: [{ id: v/plain, ignoreMissingVnetServiceEndpoint: true }]";
        expect(&with(kind, rules), &[("v/plain", "Deny s/defaultAction")]);
    }
}

#[test]
fn data_lake_tells_subnets_by_tokens_and_has_switches_of_its_own() {
    const LAKE: &str = "Microsoft.DataLakeStore/accounts";
    expect(&with(LAKE, ""), &[(STRANGER, "Allow s/defaultAction")]);
    expect(&with(LAKE, "ipRules: [198.51.100.1]"), &[(STRANGER, "Allow s/defaultAction")]);
    expect(&with(LAKE, "defaultAction: Deny, ipRules: [198.51.100.1]"), &[(STRANGER, "Deny s/defaultAction")]);
    expect(&with(LAKE, "firewallState: Disabled, virtualNetworkRules: [{ subnetId: v/se }]"), &[(STRANGER, "Allow s/firewallState")]);
    expect(
        &with(LAKE, "firewallState: Enabled, virtualNetworkRules: [v/se], firewallRules: [{ start: 198.51.100.20, end: 198.51.100.20 }]"),
        &[
            ("v/se", "Undetermined the claims in a client's token, which s/virtualNetworkRules[0] looks at"),
            ("v/se2", "Deny s/firewallState"),
            (STRANGER, "Allow s/ipRanges[0]"),
        ],
    );
    expect(
        &with(LAKE, "firewallState: Enabled, firewallAllowAzureIps: Enabled, virtualNetworkRules: [v/se]"),
        &[("v/se", "Allow s/firewallAllowAzureIps"), ("v/plain", "Allow s/firewallAllowAzureIps"), (STRANGER, "Deny s/firewallState")],
    );
}

#[test]
fn public_network_access_closes_every_kind() {
    for kind in INERT.iter().chain(&CLOSED).chain(&[COSMOS, "Microsoft.DataLakeStore/accounts", "Microsoft.Web/sites"]) {
        let service = |access: &str, firewall: &str| {
            file(&format!("type: {kind}, addresses: [203.0.113.20], publicNetworkAccess: {access}{firewall}"), "")
        };
        expect(&service("Disabled", ""), &[("v/se", "Deny s/publicNetworkAccess"), (STRANGER, "Deny s/publicNetworkAccess")]);
        let open = ", firewall: { defaultAction: Allow, ipRules: [198.51.100.20] }";
        expect(&service("Disabled", open), &[("v/se", "Deny s/publicNetworkAccess"), (STRANGER, "Deny s/publicNetworkAccess")]);
        let enabled = if CLOSED.contains(kind) { "Deny s/defaultAction" } else { "Allow " };
        expect(&service("Enabled", ""), &[(STRANGER, enabled)]);
        let what = "Undetermined network security perimeters, which s/publicNetworkAccess looks at";
        expect(&service("SecuredByPerimeter", ""), &[("v/se", what), (STRANGER, what)]);
    }
}

#[test]
fn a_refused_client_is_told_what_azure_shows() {
    for (kind, who, text) in [
        (STORAGE, STRANGER, "403 AuthorizationFailure: This request is not authorized to perform this operation."),
        (SQL, "v/se", "error 40914: Cannot open server 's' requested by the login. Client is not allowed to access the server."),
        (
            SQL,
            "v/plain",
            "error 40615: Cannot open server 's' requested by the login. Client with IP address '192.0.2.10' is not allowed to access the server.",
        ),
        ("Microsoft.DBforPostgreSQL/servers", STRANGER, "FATAL: no pg_hba.conf entry for host \"198.51.100.20\""),
        (
            "Microsoft.DBforMySQL/servers",
            STRANGER,
            "error 9000: Client with IP address '198.51.100.20' is not allowed to connect to this MySQL server.",
        ),
        (
            COSMOS,
            STRANGER,
            "403: Request originated from client IP 198.51.100.20 through public internet. This is blocked by your Cosmos DB account firewall settings.",
        ),
        (
            COSMOS,
            "v/se",
            "403: Request originated from client VNET through service endpoint. This is blocked by your Cosmos DB account firewall settings.",
        ),
        (
            VAULT,
            STRANGER,
            "403 Forbidden (ForbiddenByFirewall): Client address is not authorized and caller is not a trusted service. Client address: 198.51.100.20",
        ),
        ("Microsoft.EventHub/namespaces", STRANGER, "401 Unauthorized: Ip has been prevented to connect to the endpoint."),
    ] {
        let closed = with(kind, "defaultAction: Deny, ipRules: [198.51.100.1]");
        assert_eq!(note(&closed, who), format!("the client is shown: {text}"), "{kind}");
    }
    let disabled = file("type: Microsoft.Sql/servers, addresses: [203.0.113.20], publicNetworkAccess: Disabled", "");
    assert!(note(&disabled, STRANGER).starts_with("the client is shown: error 47073"), "{}", note(&disabled, STRANGER));
}

#[test]
fn inside_a_subnet_a_cache_looks_at_private_addresses_and_others_have_no_firewall() {
    let inside = |kind: &str, firewall: &str| {
        file(&format!("type: {kind}, subnet: v/inside, addresses: [10.0.4.10], firewall: {{ {firewall} }}"), "")
    };
    let asked = |text: &str, who: &str| {
        super::ask(&super::snapshot(&text.replace("attach: service/s }", "attach: v/inside }")), who, "10.0.4.10").0
    };
    let cache = inside("Microsoft.Cache/redis", "firewallRules: [{ name: apps, startIpAddress: 10.0.3.0, endIpAddress: 10.0.3.255 }]");
    assert_eq!(asked(&cache, "v/plain"), "Allow s/ipRanges[0]");
    assert_eq!(asked(&cache, "v/se"), "Deny s/defaultAction");
    let instance = inside("Microsoft.Sql/managedInstances", "defaultAction: Deny, ipRules: [198.51.100.1]")
        .replace("addressPrefix: 10.0.4.0/24 }", "addressPrefix: 10.0.4.0/24, delegation: Microsoft.Sql/managedInstances }");
    assert_eq!(asked(&instance, "v/se"), "Allow ");
    let unheard = inside("Contoso.Unheard/of", "defaultAction: Deny");
    assert_eq!(asked(&unheard, "v/se"), "Undetermined the firewall of an injected service, which s/firewall looks at");
}
