//! What Azure says of kinds of services and of regions: endpoints, tags, region pairs.

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

/// Regions that replicate each other, and with `false` those that only the first one pairs with.
const REGION_PAIRS: [(&str, &str, bool); 28] = [
    ("eastus", "westus", true),
    ("eastus2", "centralus", true),
    ("northcentralus", "southcentralus", true),
    ("westus2", "westcentralus", true),
    ("westus3", "eastus", false),
    ("canadacentral", "canadaeast", true),
    ("brazilsouth", "southcentralus", false),
    ("northeurope", "westeurope", true),
    ("uksouth", "ukwest", true),
    ("francecentral", "francesouth", true),
    ("germanywestcentral", "germanynorth", true),
    ("switzerlandnorth", "switzerlandwest", true),
    ("norwayeast", "norwaywest", true),
    ("swedencentral", "swedensouth", true),
    ("uaenorth", "uaecentral", true),
    ("southafricanorth", "southafricawest", true),
    ("eastasia", "southeastasia", true),
    ("japaneast", "japanwest", true),
    ("koreacentral", "koreasouth", true),
    ("australiaeast", "australiasoutheast", true),
    ("australiacentral", "australiacentral2", true),
    ("centralindia", "southindia", true),
    ("westindia", "southindia", false),
    ("jioindiawest", "jioindiacentral", true),
    ("chinanorth", "chinaeast", true),
    ("chinanorth2", "chinaeast2", true),
    ("usgovvirginia", "usgovtexas", true),
    ("usdodeast", "usdodcentral", true),
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

/// The region that a region is paired with.
#[must_use]
pub fn paired_region(region: &str) -> Option<&'static str> {
    REGION_PAIRS.iter().find_map(
        |(one, other, mutual)| {
            if *one == region { Some(*other) } else { (*mutual && *other == region).then_some(*one) }
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_mutual_but_for_three_documented_ones() {
        assert_eq!(paired_region("westeurope"), Some("northeurope"));
        assert_eq!(paired_region("northeurope"), Some("westeurope"));
        assert_eq!(paired_region("westus3"), Some("eastus"));
        assert_eq!(paired_region("eastus"), Some("westus"));
        assert_eq!(paired_region("southcentralus"), Some("northcentralus"));
        assert_eq!(paired_region("italynorth"), None);
    }

    #[test]
    fn endpoints_know_their_tags_and_types() {
        assert_eq!(routed_tag("Microsoft.Storage.Global"), Some("Storage"));
        assert_eq!(routed_tag("Microsoft.AzureActiveDirectory"), None);
        assert_eq!(endpoint_of("microsoft.dbforpostgresql/servers"), Some("Microsoft.Sql"));
        assert_eq!(tag_of("Microsoft.Web/sites"), Some("AppService"));
        assert_eq!(endpoint_of("Microsoft.Cache/redis"), None);
    }
}
