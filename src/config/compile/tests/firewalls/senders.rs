//! Services that call services: who is trusted, who is listed, who is inside Azure.

use super::{ask, file, from_service, snapshot};

/// `s` with this type and firewall, beside senders of several types.
fn among(kind: &str, firewall: &str) -> String {
    let senders = [
        ("vaults", "Microsoft.RecoveryServices/vaults", ""),
        ("lake", "Microsoft.Synapse/workspaces", ""),
        ("other", "Microsoft.Synapse/workspaces", ""),
        ("app", "Microsoft.Web/sites", ""),
        ("topic", "Microsoft.EventGrid/topics", ""),
        ("monitor", "Microsoft.Insights/components", ""),
        ("images", "Microsoft.ContainerRegistry/registries", ""),
        ("group", "Microsoft.ContainerInstance/containerGroups", ""),
        ("analytics", "Microsoft.DataLakeAnalytics/accounts", ""),
        ("abroad", "Microsoft.Web/sites", ", location: northeurope"),
    ];
    let more: Vec<String> = senders
        .iter()
        .enumerate()
        .map(|(index, (name, kind, more))| format!("  - {{ name: {name}, type: {kind}, addresses: [203.0.113.{}]{more} }}", 100 + index))
        .collect();
    file(&format!("type: {kind}, addresses: [203.0.113.20], firewall: {{ {firewall} }}"), &more.join("\n"))
}

const STORAGE: &str = "Microsoft.Storage/storageAccounts";

#[track_caller]
fn expect(text: &str, answers: &[(&str, &str)]) {
    for (who, expected) in answers {
        assert_eq!(from_service(text, who), *expected, "{who}\n{text}");
    }
}

#[test]
fn storage_trusts_services_but_neither_apps_nor_machines() {
    let closed = among(STORAGE, "defaultAction: Deny, bypass: AzureServices");
    expect(
        &closed,
        &[
            ("vaults", "Allow bypass"),
            ("topic", "Allow bypass"),
            ("lake", "Undetermined bypass the roles of managed identities"),
            ("app", "Deny defaultAction"),
            ("images", "Undetermined bypass the roles of managed identities"),
        ],
    );
    assert_eq!(ask(&snapshot(&closed), "v/plain", "203.0.113.20").0, "Deny s/defaultAction");
    expect(&among(STORAGE, "defaultAction: Deny"), &[("vaults", "Allow bypass")]);
    expect(&among(STORAGE, "defaultAction: Deny, bypass: [Logging, Metrics]"), &[("vaults", "Deny defaultAction")]);
    expect(&among(STORAGE, "defaultAction: Deny, bypass: None"), &[("vaults", "Deny defaultAction"), ("lake", "Deny defaultAction")]);
    expect(&among(STORAGE, "bypass: None"), &[("vaults", "Allow defaultAction")]);
}

#[test]
fn what_is_trusted_stays_so_when_public_access_is_off() {
    let rules = "publicNetworkAccess: Disabled, resourceAccessRules: [{ resourceId: /subscriptions/0/resourcegroups/r/providers/Microsoft.Web/sites/app }], ipRules: [203.0.113.109]";
    expect(
        &among(STORAGE, rules),
        &[("vaults", "Allow bypass"), ("app", "Allow resourceAccessRules[0]"), ("abroad", "Deny publicNetworkAccess")],
    );
    expect(
        &among("Microsoft.KeyVault/vaults", "publicNetworkAccess: Disabled"),
        &[("vaults", "Allow bypass"), ("app", "Deny publicNetworkAccess")],
    );
    expect(
        &among("Microsoft.Sql/servers", "publicNetworkAccess: Disabled, ipRanges: [{ start: 0.0.0.0, end: 0.0.0.0 }]"),
        &[("vaults", "Deny publicNetworkAccess")],
    );
}

#[test]
fn resources_are_listed_by_id_or_by_name() {
    let id = |tail: &str| format!("defaultAction: Deny, bypass: None, resourceAccessRules: [{{ tenantId: t, resourceId: '{tail}' }}]");
    let one = among(STORAGE, &id("/subscriptions/0/resourceGroups/r/providers/Microsoft.Synapse/workspaces/LAKE"));
    expect(&one, &[("lake", "Allow resourceAccessRules[0]"), ("other", "Deny defaultAction"), ("app", "Deny defaultAction")]);
    assert_eq!(ask(&snapshot(&one), "v/plain", "203.0.113.20").0, "Deny s/defaultAction");
    let all = among(STORAGE, &id("/subscriptions/0/resourcegroups/*/providers/Microsoft.Synapse/workspaces/*"));
    expect(&all, &[("lake", "Allow resourceAccessRules[0]"), ("other", "Allow resourceAccessRules[0]"), ("app", "Deny defaultAction")]);
    expect(&among(STORAGE, &id("lake")), &[("lake", "Allow resourceAccessRules[0]"), ("other", "Deny defaultAction")]);
    expect(&among(STORAGE, &id("/subscriptions/0")), &[("app", "Undetermined resourceAccessRules[0] resource ids of this form")]);
    let and_trusted = "defaultAction: Deny, resourceAccessRules: [lake]";
    expect(&among(STORAGE, and_trusted), &[("lake", "Allow resourceAccessRules[0]"), ("vaults", "Allow bypass")]);
}

#[test]
fn a_service_in_a_subnet_is_a_host_there_and_a_resource() {
    let inside = "  - { name: cluster, type: Microsoft.HDInsight/clusters, subnet: v/inside, addresses: [10.0.4.4] }";
    let service = |firewall: &str| {
        file(&format!("type: {STORAGE}, addresses: [203.0.113.20], firewall: {{ defaultAction: Deny, {firewall} }}"), inside)
    };
    assert_eq!(ask(&snapshot(&service("bypass: AzureServices")), "v/inside", "203.0.113.20").0, "Deny s/defaultAction");
    assert_eq!(ask(&snapshot(&service("resourceAccessRules: [cluster]")), "v/inside", "203.0.113.20").0, "Allow s/resourceAccessRules[0]");
}

#[test]
fn namespaces_registries_vaults_and_accounts_trust_others() {
    let hub = |trusted: bool| {
        among(
            "Microsoft.EventHub/namespaces",
            &format!("defaultAction: Deny, trustedServiceAccessEnabled: {trusted}, ipRules: [198.51.100.1]"),
        )
    };
    expect(
        &hub(true),
        &[("monitor", "Allow bypass"), ("topic", "Undetermined bypass the roles of managed identities"), ("app", "Deny defaultAction")],
    );
    expect(&hub(false), &[("monitor", "Deny defaultAction"), ("topic", "Deny defaultAction")]);
    let registry = |options: &str| {
        among("Microsoft.ContainerRegistry/registries", &format!("defaultAction: Deny, networkRuleBypassOptions: {options}"))
    };
    expect(
        &registry("AzureServices"),
        &[("images", "Allow bypass"), ("group", "Undetermined bypass the roles of managed identities"), ("app", "Deny defaultAction")],
    );
    expect(&registry("None"), &[("images", "Deny defaultAction")]);
    expect(&among("Microsoft.KeyVault/vaults", "defaultAction: Deny"), &[("lake", "Allow bypass"), ("app", "Deny defaultAction")]);
}

#[test]
fn cosmos_db_means_only_the_resources_that_it_lists() {
    let rules = "networkAclBypass: AzureServices, ipRules: [198.51.100.1]";
    let listed =
        format!("{rules}, networkAclBypassResourceIds: [/subscriptions/0/resourceGroups/r/providers/Microsoft.Synapse/workspaces/lake]");
    expect(&among("Microsoft.DocumentDB/databaseAccounts", rules), &[("lake", "Deny defaultAction")]);
    expect(&among("Microsoft.DocumentDB/databaseAccounts", &listed), &[("lake", "Allow bypass"), ("other", "Deny defaultAction")]);
}

#[test]
fn services_are_inside_azure_and_storage_does_not_see_those_of_its_region() {
    for kind in ["Microsoft.Sql/servers", "Microsoft.DBforMySQL/servers"] {
        expect(
            &among(kind, "ipRanges: [{ start: 0.0.0.0, end: 0.0.0.0 }]"),
            &[("app", "Allow ipRanges[0]"), ("abroad", "Allow ipRanges[0]")],
        );
    }
    let addresses = "defaultAction: Deny, ipRules: [203.0.113.0/24]";
    expect(&among(STORAGE, addresses), &[("app", "Deny defaultAction"), ("abroad", "Allow ipRules[0]")]);
    expect(&among("Microsoft.KeyVault/vaults", addresses), &[("app", "Allow ipRules[0]")]);
}

#[test]
fn a_data_lake_lets_in_analytics() {
    let lake = |state: &str| {
        among("Microsoft.DataLakeStore/accounts", &format!("firewallState: Enabled, firewallAllowDataLakeAnalytics: {state}"))
    };
    expect(&lake("Enabled"), &[("analytics", "Allow firewallAllowDataLakeAnalytics"), ("app", "Deny firewallState")]);
    expect(&lake("Disabled"), &[("analytics", "Deny firewallState")]);
}
