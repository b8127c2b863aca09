//! Which services an endpoint leads to, in which regions, over which prefixes.

use crate::asked::{ask, found};

/// Every endpoint with its tag, a type behind it, a port, and whether the network's own, paired and far regions are
/// covered.
const ENDPOINTS: [(&str, &str, &str, u16, [bool; 3]); 15] = [
    ("Microsoft.Storage", "Storage", "Microsoft.Storage/storageAccounts", 443, [true, true, false]),
    ("Microsoft.Storage.Global", "Storage", "Microsoft.Storage/storageAccounts", 445, [true, true, true]),
    ("Microsoft.Sql", "Sql", "Microsoft.Sql/servers", 1433, [true, false, false]),
    ("Microsoft.Sql", "Sql", "Microsoft.Synapse/workspaces", 11000, [true, false, false]),
    ("Microsoft.Sql", "Sql", "Microsoft.DBforPostgreSQL/servers", 5432, [true, false, false]),
    ("Microsoft.Sql", "Sql", "Microsoft.DBforMySQL/servers", 3306, [true, false, false]),
    ("Microsoft.Sql", "Sql", "Microsoft.DBforMariaDB/servers", 3306, [true, false, false]),
    ("Microsoft.AzureCosmosDB", "AzureCosmosDB", "Microsoft.DocumentDB/databaseAccounts", 10255, [true, true, true]),
    ("Microsoft.KeyVault", "AzureKeyVault", "Microsoft.KeyVault/vaults", 443, [true, true, true]),
    ("Microsoft.ServiceBus", "ServiceBus", "Microsoft.ServiceBus/namespaces", 5671, [true, true, true]),
    ("Microsoft.EventHub", "EventHub", "Microsoft.EventHub/namespaces", 9093, [true, true, true]),
    ("Microsoft.AzureActiveDirectory", "AzureDataLake", "Microsoft.DataLakeStore/accounts", 443, [false, false, false]),
    ("Microsoft.Web", "AppService", "Microsoft.Web/sites", 443, [true, true, true]),
    ("Microsoft.CognitiveServices", "CognitiveServicesManagement", "Microsoft.CognitiveServices/accounts", 443, [true, true, true]),
    ("Microsoft.ContainerRegistry", "AzureContainerRegistry", "Microsoft.ContainerRegistry/registries", 443, [true, true, true]),
];

/// A subnet with `endpoint` in `region`, and a service of `kind` in each of three regions; `tags` gives their tags.
fn network(region: &str, endpoint: &str, kind: &str, tags: &str, regions: [&str; 3]) -> String {
    let [own, pair, far] = regions;
    format!(
        r#"
{tags}
virtualNetworks:
  - name: net
    location: {region}
    addressPrefixes: [10.0.0.0/16]
    defaultOutboundAddress: 192.0.2.10
    subnets:
      - {{ name: app, addressPrefix: 10.0.1.0/24, serviceEndpoints: [{endpoint}] }}
      - {{ name: bare, addressPrefix: 10.0.2.0/24 }}
services:
  - {{ name: own, type: {kind}, location: {own}, addresses: [203.0.113.20] }}
  - {{ name: pair, type: {kind}, location: {pair}, addresses: [203.0.113.36] }}
  - {{ name: far, type: {kind}, location: {far}, addresses: [203.0.113.52] }}
ports:
  - {{ name: own, attach: service/own }}
  - {{ name: pair, attach: service/pair }}
  - {{ name: far, attach: service/far }}
  - {{ name: internet, attach: internet }}
"#
    )
}

const REGIONS: [&str; 3] = ["westeurope", "northeurope", "eastus"];

#[test]
fn each_endpoint_covers_its_services_in_the_regions_of_its_rule() {
    for (endpoint, tag, kind, port, covered) in ENDPOINTS {
        let given = format!(
            "serviceTags: {{ {tag}.WestEurope: [203.0.113.16/28], {tag}.NorthEurope: [203.0.113.32/28], {tag}.EastUS: [203.0.113.48/28] }}"
        );
        let given = if tag == "CognitiveServicesManagement" {
            format!("serviceTags: {{ {tag}: [203.0.113.16/28, 203.0.113.32/28, 203.0.113.48/28] }}")
        } else {
            given
        };
        // With the tags given, and with the file's own services standing in for them.
        for tags in [given.as_str(), ""] {
            let file = network("westeurope", endpoint, kind, tags, REGIONS);
            for (name, covered) in ["own", "pair", "far"].into_iter().zip(covered) {
                let answer = ask(&file, "net/app/10.0.1.4", &format!("{name}:{port}"));
                let expected =
                    if covered { ("VirtualNetworkServiceEndpoint", "Private 10.0.1.4 net/app") } else { ("Internet", "Public 192.0.2.10") };
                assert_eq!(
                    (answer.next_hop().as_str(), answer.seen().as_str()),
                    expected,
                    "{endpoint} {kind} {name} {tags}\n{}",
                    answer.text
                );
                let bare = ask(&file, "net/bare/10.0.2.4", &format!("{name}:{port}"));
                assert_eq!(bare.next_hop(), "Internet", "endpoints are per subnet: {endpoint} {name}");
            }
        }
    }
}

#[test]
fn a_pair_may_lead_one_way() {
    let storage = |region: &str, regions| {
        let file = network(region, "Microsoft.Storage", "Microsoft.Storage/storageAccounts", "", regions);
        ["own", "pair", "far"]
            .map(|name| ask(&file, "net/app/10.0.1.4", &format!("{name}:443")).next_hop() == "VirtualNetworkServiceEndpoint")
    };
    assert_eq!(storage("westus3", ["westus3", "eastus", "westus"]), [true, true, false]);
    assert_eq!(storage("eastus", ["eastus", "westus", "westus3"]), [true, true, false]);
    assert_eq!(storage("italynorth", ["italynorth", "westeurope", "northeurope"]), [true, false, false]);
}

#[test]
fn tags_spell_some_regions_in_their_own_way() {
    let tags = "serviceTags: { Storage.centralfrance: [203.0.113.16/28], Storage.southfrance: [203.0.113.32/28], Storage.westeurope: [203.0.113.48/28] }";
    let file = network(
        "francecentral",
        "Microsoft.Storage",
        "Microsoft.Storage/storageAccounts",
        tags,
        ["francecentral", "francesouth", "westeurope"],
    );
    // 203.0.113.17 and .33 are no service's here: the prefix of the tag is what leads them.
    for (address, hop) in
        [("203.0.113.17", "VirtualNetworkServiceEndpoint"), ("203.0.113.33", "VirtualNetworkServiceEndpoint"), ("203.0.113.49", "Internet")]
    {
        assert_eq!(ask(&file, "net/app/10.0.1.4", &format!("{address}:443")).next_hop(), hop, "{address}");
    }
}

#[test]
fn locations_narrow_the_rule_and_never_widen_it() {
    let with = |locations: &str| {
        let endpoint = format!("{{ service: Microsoft.Storage, locations: [{locations}] }}");
        network("westeurope", &endpoint, "Microsoft.Storage/storageAccounts", "", REGIONS)
    };
    let reached = |file: &str| {
        ["own", "pair", "far"]
            .map(|name| ask(file, "net/app/10.0.1.4", &format!("{name}:443")).next_hop() == "VirtualNetworkServiceEndpoint")
    };
    assert_eq!(reached(&with("West Europe")), [true, false, false]);
    assert_eq!(reached(&with("'*'")), [true, true, false]);
    assert_eq!(reached(&with("northeurope, '*'")), [true, true, false]);
    let far = with("westeurope, eastus");
    assert_eq!(reached(&far), [true, false, false]);
    assert_eq!(found(&far), [("ENDPOINT_REGION", 9)]);
    assert_eq!(found(&with("West/Europe")), [("BAD_VALUE", 9), ("ENDPOINT_REGION", 9)]);
    let vault = network("westeurope", "{ service: Microsoft.KeyVault, locations: [eastus] }", "Microsoft.KeyVault/vaults", "", REGIONS);
    assert_eq!(reached(&vault), [false, false, true]);
    let all = network(
        "westeurope",
        "{ service: Microsoft.Storage.Global, locations: [westeurope] }",
        "Microsoft.Storage/storageAccounts",
        "",
        REGIONS,
    );
    assert_eq!(reached(&all), [true, true, true], "Global has no regions");
}

#[test]
fn the_routes_are_the_prefixes_of_the_tags_file() {
    let folder = tempfile::tempdir().unwrap();
    let tags = r#"{ "changeNumber": 1, "cloud": "Public", "values": [
      { "name": "Storage", "id": "Storage", "properties": { "region": "", "addressPrefixes": ["203.0.113.0/24", "2001:db8::/48"] } },
      { "name": "Storage.WestEurope", "id": "Storage.WestEurope", "properties": { "region": "westeurope", "addressPrefixes": ["203.0.113.16/28", "2001:db8::/56"] } } ] }"#;
    std::fs::write(folder.path().join("tags.json"), tags).unwrap();
    let file = network("westeurope", "Microsoft.Storage", "Microsoft.Storage/storageAccounts", "serviceTagsFile: tags.json", REGIONS);
    std::fs::write(folder.path().join("net.yaml"), file).unwrap();
    let loaded = causeway::config::load::load(&folder.path().join("net.yaml"));
    let network = loaded.network.unwrap_or_else(|| panic!("{}", loaded.findings.render(false)));
    let snapshot = causeway::config::compile::compile(&network, &mut causeway::policy::ids::Ids::default(), 1).unwrap();
    let listed = snapshot.subnets[0].routes.list();
    let endpoint = listed.iter().filter(|listed| listed.route.hop == causeway::policy::route::Hop::Endpoint);
    let routes: Vec<String> = endpoint.flat_map(|listed| &listed.prefixes).map(ToString::to_string).collect();
    // The pair's regional tag is given by nothing: the file's own account there stands in for it.
    assert_eq!(routes, ["203.0.113.16/28", "203.0.113.36/32"], "IPv4 only, and no more than the regions' tags");
}

#[test]
fn icmp_takes_no_endpoint() {
    let file = network("westeurope", "Microsoft.Storage", "Microsoft.Storage/storageAccounts", "", REGIONS);
    let answer = ask(&file, "net/app/10.0.1.4", "own/icmp");
    assert_eq!((answer.next_hop().as_str(), answer.seen().as_str()), ("Internet", "Public 192.0.2.10"));
}

#[test]
fn an_endpoint_needs_no_public_address() {
    let file = network("westeurope", "Microsoft.Storage", "Microsoft.Storage/storageAccounts", "", REGIONS)
        .replace("    defaultOutboundAddress: 192.0.2.10\n", "");
    assert_eq!(ask(&file, "net/app/10.0.1.4", "own:443").seen(), "Private 10.0.1.4 net/app");
    assert_eq!(ask(&file, "net/bare/10.0.2.4", "own:443").reason(), "no-route");
}

#[test]
fn an_account_of_another_region_sees_the_public_address_and_its_ip_rule_matches() {
    // S1: the regional endpoint leaves the far account to the public address; Global takes it, and the rule goes dead.
    let rule = "addresses: [203.0.113.52], firewall: { defaultAction: Deny, ipRules: [192.0.2.10] } }";
    let regional = network("westeurope", "Microsoft.Storage", "Microsoft.Storage/storageAccounts", "", REGIONS)
        .replace("addresses: [203.0.113.52] }", rule);
    assert_eq!(ask(&regional, "net/app/10.0.1.4", "far:443").gist(), ("forwarded".into(), "far/ipRules[0]".into(), "Internet".into()));
    let global = regional.replace("[Microsoft.Storage]", "[Microsoft.Storage.Global]");
    let refused = ask(&global, "net/app/10.0.1.4", "far:443");
    assert_eq!(refused.gist(), ("service-firewall-deny".into(), "far/defaultAction".into(), "VirtualNetworkServiceEndpoint".into()));
    assert!(refused.hint().contains("IPRULE_IGNORED_VNET_SOURCE"), "{}", refused.hint());
}

#[test]
fn one_endpoint_switches_every_database() {
    // S22: a rule on the SQL server alone leaves the PostgreSQL server shut, whose IP rule no longer matches.
    let file = r#"
location: westeurope
virtualNetworks:
  - name: net
    addressPrefixes: [10.0.0.0/16]
    defaultOutboundAddress: 192.0.2.10
    subnets:
      - { name: app, addressPrefix: 10.0.1.0/24, serviceEndpoints: [Microsoft.Sql] }
services:
  - { name: ledger, type: Microsoft.Sql/servers, addresses: [203.0.113.36], firewall: { virtualNetworkRules: [net/app] } }
  - { name: pg, type: Microsoft.DBforPostgreSQL/servers, addresses: [203.0.113.37], firewall: { ipRanges: [{ start: 192.0.2.10, end: 192.0.2.10 }] } }
ports:
  - { name: ledger, attach: service/ledger }
  - { name: pg, attach: service/pg }
"#;
    assert_eq!(ask(file, "net/app/10.0.1.4", "ledger:1433").gist().1, "ledger/virtualNetworkRules[0]");
    assert_eq!(
        ask(file, "net/app/10.0.1.4", "pg:5432").gist(),
        ("service-firewall-deny".into(), "pg/defaultAction".into(), "VirtualNetworkServiceEndpoint".into())
    );
    let without =
        file.replace(", serviceEndpoints: [Microsoft.Sql]", "").replace("virtualNetworkRules: [net/app]", "virtualNetworkRules: []");
    assert_eq!(ask(&without, "net/app/10.0.1.4", "pg:5432").gist().1, "pg/ipRanges[0]");
}

#[test]
fn an_open_account_is_reached_over_the_endpoint_all_the_same() {
    // S24.
    let file = network("westeurope", "Microsoft.Storage", "Microsoft.Storage/storageAccounts", "", REGIONS)
        .replace("addresses: [203.0.113.20] }", "addresses: [203.0.113.20], firewall: { defaultAction: Allow } }");
    assert_eq!(
        ask(&file, "net/app/10.0.1.4", "own:443").gist(),
        ("forwarded".into(), "own/defaultAction".into(), "VirtualNetworkServiceEndpoint".into())
    );
}
