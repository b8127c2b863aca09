//! Azure's limits for endpoint policies and virtual network rules: the last number that is taken, and the first that is not.

use std::fmt::Write as _;

use crate::asked::{checked, found};

/// Whether the only findings are too long a list, `times` times.
fn exceeded(file: &str, times: usize) {
    let codes: Vec<_> =
        found(file).into_iter().map(|(code, _)| code).filter(|code| !["EMPTY_TAG", "UNUSED_OBJECT"].contains(code)).collect();
    assert_eq!(codes, vec!["LIMIT_EXCEEDED"; times], "{}", checked(file));
}

/// A network whose subnets have these policies each.
fn attached(subnets: &[Vec<usize>], policies: usize) -> String {
    let mut text = String::from("virtualNetworks:\n  - name: n\n    addressPrefixes: [10.0.0.0/16]\n    subnets:\n");
    for (at, list) in subnets.iter().enumerate() {
        let names: Vec<String> = list.iter().map(|index| format!("p{index}")).collect();
        writeln!(text, "      - {{ name: s{at}, addressPrefix: 10.0.{at}.0/24, serviceEndpoints: [Microsoft.Storage], serviceEndpointPolicies: [{}] }}", names.join(", ")).unwrap();
    }
    text.push_str(
        "services:\n  - { name: a, type: Microsoft.Storage/storageAccounts, addresses: [203.0.113.20] }\nserviceEndpointPolicies:\n",
    );
    for index in 0..policies {
        writeln!(text, "  - {{ name: p{index}, services: [a] }}").unwrap();
    }
    text
}

#[test]
fn five_hundred_policies() {
    exceeded(&attached(&[], 500), 0);
    exceeded(&attached(&[], 501), 1);
}

#[test]
fn a_hundred_on_a_subnet_and_in_a_network() {
    exceeded(&attached(&[(0..100).collect()], 101), 0);
    exceeded(&attached(&[(0..60).collect(), (20..100).collect()], 101), 0);
    exceeded(&attached(&[(0..60).collect(), (41..101).collect()], 101), 1);
    // A subnet with too many has a network with too many.
    exceeded(&attached(&[(0..101).collect()], 101), 2);
}

#[test]
fn two_hundred_resources_in_a_definition() {
    let with = |count: usize| {
        let scopes: Vec<String> = (0..count).map(|index| format!("/subscriptions/s/resourceGroups/r{index}")).collect();
        let list = scopes.join(", ");
        format!(
            "serviceEndpointPolicies:\n  - {{ name: p, services: [{list}] }}\n  - {{ name: q, serviceEndpointPolicyDefinitions: [{{ service: Microsoft.Storage, serviceResources: [{list}] }}] }}\n"
        )
    };
    exceeded(&with(200), 0);
    exceeded(&with(201), 2);
}

#[test]
fn virtual_network_rules_of_each_service() {
    for (kind, endpoint, most) in [
        ("Microsoft.Storage/storageAccounts", "Microsoft.Storage", 400),
        ("Microsoft.Sql/servers", "Microsoft.Sql", 128),
        ("Microsoft.Synapse/workspaces", "Microsoft.Sql", 128),
        ("Microsoft.DBforPostgreSQL/servers", "Microsoft.Sql", 128),
        ("Microsoft.DBforMySQL/servers", "Microsoft.Sql", 128),
        ("Microsoft.DBforMariaDB/servers", "Microsoft.Sql", 128),
        ("Microsoft.DocumentDB/databaseAccounts", "Microsoft.AzureCosmosDB", 64),
        ("Microsoft.KeyVault/vaults", "Microsoft.KeyVault", 200),
        ("Microsoft.EventHub/namespaces", "Microsoft.EventHub", 128),
        ("Microsoft.ServiceBus/namespaces", "Microsoft.ServiceBus", 128),
        ("Microsoft.DataLakeStore/accounts", "Microsoft.AzureActiveDirectory", 100),
    ] {
        let with = |count: usize| {
            let mut text = String::from("virtualNetworks:\n  - name: n\n    addressPrefixes: [10.0.0.0/16]\n    subnets:\n");
            let mut names = Vec::new();
            for index in 0..count {
                let (third, fourth) = (index / 16, index % 16 * 16);
                writeln!(text, "      - {{ name: s{index}, addressPrefix: 10.0.{third}.{fourth}/28, serviceEndpoints: [{endpoint}] }}")
                    .unwrap();
                names.push(format!("n/s{index}"));
            }
            let rules = names.join(", ");
            writeln!(text, "services:\n  - {{ name: d, type: {kind}, addresses: [203.0.113.20], firewall: {{ defaultAction: Deny, virtualNetworkRules: [{rules}] }} }}").unwrap();
            found(&text).into_iter().filter(|(code, _)| *code == "LIMIT_EXCEEDED").count()
        };
        assert_eq!((with(most), with(most + 1)), (0, 1), "{kind}");
    }
}

#[test]
fn a_rule_may_come_before_its_endpoint_only_where_the_service_says_so() {
    // S3.
    for (kind, ignores) in [
        ("Microsoft.Storage/storageAccounts", false),
        ("Microsoft.DataLakeStore/accounts", false),
        ("Microsoft.Sql/servers", true),
        ("Microsoft.DBforPostgreSQL/servers", true),
        ("Microsoft.DBforMySQL/servers", true),
        ("Microsoft.DocumentDB/databaseAccounts", true),
        ("Microsoft.KeyVault/vaults", true),
        ("Microsoft.EventHub/namespaces", true),
        ("Microsoft.ServiceBus/namespaces", true),
    ] {
        let rule = |flag: &str| {
            let text = format!(
                "virtualNetworks:\n  - {{ name: n, addressPrefixes: [10.0.0.0/16], subnets: [{{ name: s, addressPrefix: 10.0.1.0/24 }}] }}\nservices:\n  - {{ name: d, type: {kind}, addresses: [203.0.113.36], firewall: {{ defaultAction: Deny, virtualNetworkRules: [{{ subnet: n/s{flag} }}] }} }}\n"
            );
            found(&text).contains(&("ENDPOINT_MISSING", 4))
        };
        assert!(rule(""), "{kind}");
        assert_eq!(rule(", ignoreMissingVnetServiceEndpoint: true"), !ignores, "{kind}");
    }
}
