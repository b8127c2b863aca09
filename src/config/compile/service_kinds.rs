//! What Azure says of kinds of services: endpoints, the regions that they cover, tags.

use crate::config::regions;

/// The services that a subnet can have endpoints for, each with its tag and the resource types behind it
/// (Azure: virtual-network-service-endpoints-overview, service-tags-overview).
const ENDPOINTS: [(&str, &str, &[&str]); 10] = [
    ("Microsoft.Storage", "Storage", &["Microsoft.Storage/storageAccounts"]),
    (
        "Microsoft.Sql",
        "Sql",
        &[
            "Microsoft.Sql/servers",
            "Microsoft.Synapse/workspaces",
            "Microsoft.DBforPostgreSQL/servers",
            "Microsoft.DBforMySQL/servers",
            "Microsoft.DBforMariaDB/servers",
        ],
    ),
    ("Microsoft.AzureCosmosDB", "AzureCosmosDB", &["Microsoft.DocumentDB/databaseAccounts"]),
    ("Microsoft.KeyVault", "AzureKeyVault", &["Microsoft.KeyVault/vaults"]),
    ("Microsoft.ServiceBus", "ServiceBus", &["Microsoft.ServiceBus/namespaces"]),
    ("Microsoft.EventHub", "EventHub", &["Microsoft.EventHub/namespaces"]),
    ("Microsoft.AzureActiveDirectory", "AzureDataLake", &["Microsoft.DataLakeStore/accounts"]),
    ("Microsoft.Web", "AppService", &["Microsoft.Web/sites"]),
    ("Microsoft.CognitiveServices", "CognitiveServicesManagement", &["Microsoft.CognitiveServices/accounts"]),
    ("Microsoft.ContainerRegistry", "AzureContainerRegistry", &["Microsoft.ContainerRegistry/registries"]),
];

/// The endpoint service that leads to a resource type (`Microsoft.Storage` for storage accounts).
#[must_use]
pub fn endpoint_of(kind: &str) -> Option<&'static str> {
    ENDPOINTS.iter().find(|(_, _, kinds)| kinds.iter().any(|known| known.eq_ignore_ascii_case(kind))).map(|(endpoint, _, _)| *endpoint)
}

/// The service tag whose prefixes an endpoint's routes have. `Microsoft.AzureActiveDirectory` brings no routes: its
/// identity travels in tokens (Azure: data-lake-store-network-security).
#[must_use]
pub fn routed_tag(endpoint: &str) -> Option<&'static str> {
    let service = endpoint.strip_suffix(".Global").unwrap_or(endpoint);
    ENDPOINTS.iter().find(|(name, tag, _)| name.eq_ignore_ascii_case(service) && *tag != "AzureDataLake").map(|(_, tag, _)| *tag)
}

/// The service tag that holds the addresses of a resource type.
#[must_use]
pub fn tag_of(kind: &str) -> Option<&'static str> {
    ENDPOINTS.iter().find(|(_, _, kinds)| kinds.iter().any(|known| known.eq_ignore_ascii_case(kind))).map(|(_, tag, _)| *tag)
}

/// The regions that an endpoint's routes cover from a network in region `home`, own region first; `None`: all.
///
/// `Microsoft.Storage` covers the network's region and its pair, all with an endpoint policy on the subnet; `Microsoft.Sql`
/// the network's region; the others every region (Azure: virtual-network-service-endpoints-overview,
/// virtual-network-service-endpoint-policies-overview). Without a region all is one.
#[must_use]
pub fn covered_regions(endpoint: &str, home: Option<&str>, has_policies: bool) -> Option<Vec<String>> {
    let home = home?;
    let is = |name: &str| endpoint.eq_ignore_ascii_case(name);
    if is("Microsoft.Storage") && !has_policies {
        return Some(std::iter::once(home).chain(regions::paired(home)).map(str::to_owned).collect());
    }
    is("Microsoft.Sql").then(|| vec![home.to_owned()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_know_their_tags_and_types() {
        assert_eq!(routed_tag("Microsoft.Storage.Global"), Some("Storage"));
        assert_eq!(routed_tag("Microsoft.AzureActiveDirectory"), None);
        assert_eq!(endpoint_of("microsoft.dbforpostgresql/servers"), Some("Microsoft.Sql"));
        assert_eq!(tag_of("Microsoft.Web/sites"), Some("AppService"));
        assert_eq!(endpoint_of("Microsoft.Cache/redis"), None);
    }

    #[test]
    fn each_endpoint_covers_the_regions_of_its_rule() {
        let covered = |endpoint, has_policies| covered_regions(endpoint, Some("westus3"), has_policies);
        assert_eq!(covered("Microsoft.Storage", false), Some(vec!["westus3".to_owned(), "eastus".to_owned()]));
        assert_eq!(covered("microsoft.sql", false), Some(vec!["westus3".to_owned()]));
        assert_eq!(covered("Microsoft.Storage", true), None);
        for everywhere in ENDPOINTS.map(|(name, ..)| name).into_iter().filter(|name| !["Microsoft.Storage", "Microsoft.Sql"].contains(name))
        {
            assert_eq!(covered(everywhere, false), None, "{everywhere}");
        }
        assert_eq!(covered("Microsoft.Storage.Global", false), None);
        assert_eq!(covered_regions("Microsoft.Storage", Some("italynorth"), false), Some(vec!["italynorth".to_owned()]));
        assert_eq!(covered_regions("Microsoft.Storage", None, false), None);
    }
}
