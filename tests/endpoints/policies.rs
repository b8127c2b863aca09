//! Endpoint policies: allow-lists of storage accounts, whatever the region.

use crate::asked::{ask, checked, found};

/// Accounts at home, in the paired region and far away; `only` is attached to the subnet.
const NET: &str = r#"
virtualNetworks:
  - name: net
    location: westeurope
    addressPrefixes: [10.0.0.0/16]
    defaultOutboundAddress: 192.0.2.10
    subnets:
      - { name: app, addressPrefix: 10.0.1.0/24, serviceEndpoints: [Microsoft.Storage, Microsoft.KeyVault], serviceEndpointPolicies: [only] }
services:
  - { name: stga, type: Microsoft.Storage/storageAccounts, location: westeurope, addresses: [203.0.113.20] }
  - { name: stgb, type: Microsoft.Storage/storageAccounts, location: westeurope, addresses: [203.0.113.21] }
  - { name: far, type: Microsoft.Storage/storageAccounts, location: eastus, addresses: [203.0.113.52] }
  - { name: kv, type: Microsoft.KeyVault/vaults, location: westeurope, addresses: [203.0.113.60] }
serviceEndpointPolicies:
  - { name: only, services: [stga] }
ports:
  - { name: stga, attach: service/stga }
  - { name: stgb, attach: service/stgb }
  - { name: far, attach: service/far }
  - { name: kv, attach: service/kv }
"#;

/// What becomes of a packet to each of these accounts.
fn reached(file: &str, accounts: &[&str]) -> Vec<String> {
    accounts.iter().map(|account| ask(file, "net/app/10.0.1.4", &format!("{account}:443")).reason()).collect()
}

const DENY: &str = "endpoint-policy-deny";
const ALLOW: &str = "forwarded";

#[test]
fn only_listed_accounts_are_reached_and_in_every_region() {
    // S16.
    assert_eq!(reached(NET, &["stga", "stgb", "far", "kv"]), [ALLOW, DENY, DENY, ALLOW]);
    let refused = ask(NET, "net/app/10.0.1.4", "far:443");
    assert_eq!(refused.gist(), (DENY.into(), "only".into(), "VirtualNetworkServiceEndpoint".into()), "a policy makes the endpoint global");
    assert_eq!(refused.seen(), "Private 10.0.1.4 net/app");
    let listed = NET.replace("services: [stga]", "services: [stga, far]");
    let allowed = ask(&listed, "net/app/10.0.1.4", "far:443");
    assert_eq!((allowed.gist().1.as_str(), allowed.seen().as_str()), ("only", "Private 10.0.1.4 net/app"));
    let without = NET.replace(", serviceEndpointPolicies: [only]", "");
    assert_eq!(ask(&without, "net/app/10.0.1.4", "far:443").next_hop(), "Internet");
    assert_eq!(reached(&without, &["stga", "stgb", "far", "kv"]), [ALLOW; 4]);
}

#[test]
fn policies_add_up_and_the_account_decides_after_them() {
    let two = NET.replace("[only]", "[only, more]").replace("  - { name: only,", "  - { name: more, services: [stgb] }\n  - { name: only,");
    assert_eq!(reached(&two, &["stga", "stgb", "far"]), [ALLOW, ALLOW, DENY]);
    let shut = NET.replace("addresses: [203.0.113.20] }", "addresses: [203.0.113.20], firewall: { defaultAction: Deny } }");
    assert_eq!(reached(&shut, &["stga"]), ["service-firewall-deny"]);
}

#[test]
fn scopes_of_accounts_are_met_by_name_and_wider_ones_by_id() {
    let listing = |entry: &str| NET.replace("services: [stga]", &format!("serviceResources: [{entry}]"));
    let account = listing("/subscriptions/s1/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/STGA");
    assert_eq!(reached(&account, &["stga", "stgb", "far"]), [ALLOW, DENY, DENY]);
    // Without an id nobody knows which subscription holds an account.
    let wide = listing("/subscriptions/s1");
    assert_eq!(reached(&wide, &["stga"]), ["unsupported"]);
    let answer = ask(&wide, "net/app/10.0.1.4", "stga:443");
    assert_eq!(answer.status, 3, "{}", answer.text);
    assert!(answer.hint().contains("`id`"), "{}", answer.hint());
    let id = |file: &str, service: &str, group: &str| {
        let id = format!("id: /subscriptions/S1/resourceGroups/{group}/providers/Microsoft.Storage/storageAccounts/{service}, ");
        file.replacen(&format!("{{ name: {service}, "), &format!("{{ name: {service}, {id}"), 1)
    };
    let known = |file: &str| {
        id(&id(&id(file, "stga", "rg"), "stgb", "other"), "far", "rg")
            .replace("name: far, id: /subscriptions/S1", "name: far, id: /subscriptions/S2")
    };
    assert_eq!(reached(&known(&wide), &["stga", "stgb", "far"]), [ALLOW, ALLOW, DENY]);
    assert_eq!(reached(&known(&listing("/subscriptions/s1/resourceGroups/RG")), &["stga", "stgb", "far"]), [ALLOW, DENY, DENY]);
    assert_eq!(reached(&known(&account), &["stga", "stgb", "far"]), [ALLOW, DENY, DENY]);
    let elsewhere = listing("/subscriptions/s2/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/stga");
    assert_eq!(reached(&known(&elsewhere), &["stga"]), [DENY], "the id says another subscription");
}

#[test]
fn classic_accounts_never_pass_and_managed_ones_by_their_alias() {
    let managed = NET.replacen("{ name: stgb,", "{ name: stgb, managedBy: /services/Azure/Batch,", 1);
    let alias = |alias: &str| managed.replace("services: [stga] }", &format!("services: [stga], serviceAlias: {alias} }}"));
    assert_eq!(reached(&managed, &["stga", "stgb"]), [ALLOW, DENY]);
    assert_eq!(reached(&alias("/services/Azure/Batch"), &["stga", "stgb", "far"]), [ALLOW, ALLOW, DENY]);
    assert_eq!(reached(&alias("/services/azure"), &["stgb"]), [ALLOW]);
    assert_eq!(reached(&alias("/services/Azure/DataFactory"), &["stgb"]), [DENY]);
    let other = alias("/services/Azure/Batch").replace("managedBy: /services/Azure/Batch", "managedBy: some-resource");
    assert_eq!(reached(&other, &["stgb"]), ["unsupported"]);
    let by_name = managed.replace("services: [stga]", "services: [stga, stgb]");
    assert_eq!((found(&by_name), reached(&by_name, &["stgb"])), (vec![("POLICY_ACCOUNT", 15)], vec![DENY.to_owned()]));
    let classic = NET.replace("name: stga, type: Microsoft.Storage/", "name: stga, type: Microsoft.ClassicStorage/");
    assert_eq!((found(&classic), reached(&classic, &["stga"])), (vec![("POLICY_ACCOUNT", 15)], vec![DENY.to_owned()]));
    let free = classic.replace(", serviceEndpointPolicies: [only]", "");
    assert_eq!(ask(&free, "net/app/10.0.1.4", "stga:443").next_hop(), "VirtualNetworkServiceEndpoint");
}

#[test]
fn the_long_form_holds_accounts_and_aliases_apart() {
    let long = NET.replace(
        "services: [stga]",
        "location: West Europe, serviceEndpointPolicyDefinitions: [{ name: a, service: Microsoft.Storage, serviceResources: [stga] }, { name: b, service: Global, serviceResources: [/services/Azure/Batch] }]",
    );
    assert_eq!(found(&long), [], "{}", checked(&long));
    assert_eq!(reached(&long, &["stga", "stgb"]), [ALLOW, DENY]);
}

#[test]
fn what_azure_refuses_is_refused() {
    let with = |entries: &str| NET.replace("services: [stga]", entries);
    let (scope, group) = ("/subscriptions/s", "/subscriptions/s/resourceGroups/r");
    for (file, expected) in [
        (with("services: [kv]"), "POLICY_SERVICE"),
        (with("services: [stgx]"), "UNKNOWN_NAME"),
        (with("services: [stga, /services/Azure/Batch]"), "POLICY_SERVICE"),
        (with("services: [/services/Azure/Bath]"), "UNKNOWN_NAME"),
        (with("services: [/subscriptions]"), "BAD_VALUE"),
        (with(&format!("services: [{scope}/resourceGroups]")), "BAD_VALUE"),
        (with(&format!("services: [{group}/providers/Microsoft.KeyVault/vaults/kv]")), "POLICY_SERVICE"),
        (with("serviceEndpointPolicyDefinitions: [{ service: Microsoft.Sql, serviceResources: [stga] }]"), "POLICY_SERVICE"),
        (with("serviceEndpointPolicyDefinitions: [{ service: Global, serviceResources: [stga] }]"), "POLICY_SERVICE"),
        (with("serviceEndpointPolicyDefinitions: [{ service: Microsoft.Storage, serviceResources: [/services/Azure] }]"), "POLICY_SERVICE"),
        (NET.replace("{ name: only, services: [stga] }", "{ name: only }"), "MISSING_PROPERTY"),
    ] {
        assert_eq!(found(&file), [(expected, 15)], "{file}\n{}", checked(&file));
    }
    let at_subnet = |file: &str| assert_eq!(found(file), [("POLICY_SERVICE", 8)], "{}", checked(file));
    at_subnet(&NET.replace("[Microsoft.Storage, Microsoft.KeyVault]", "[Microsoft.KeyVault]"));
    at_subnet(&with("location: northeurope, services: [stga]"));
    at_subnet(&NET.replace("addressPrefix: 10.0.1.0/24,", "addressPrefix: 10.0.1.0/24, delegation: Microsoft.Web/serverFarms,"));
    assert_eq!(
        found(&NET.replace("addressPrefix: 10.0.1.0/24,", "addressPrefix: 10.0.1.0/24, delegation: Microsoft.Sql/managedInstances,")),
        []
    );
    assert_eq!(found(&NET.replacen("{ name: stga,", "{ name: stga, id: stga,", 1)), [("BAD_VALUE", 10)]);
}
