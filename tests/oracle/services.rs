//! Kinds of services: endpoint, tag, ports (virtual-network-service-endpoints-overview, service-tags-overview).

/// What is known of a kind of service.
pub struct Kind {
    pub kind: &'static str,
    pub endpoint: &'static str,
    pub tag: &'static str,
    pub ports: &'static [(u16, u16)],
}

const fn kind(kind: &'static str, endpoint: &'static str, tag: &'static str, ports: &'static [(u16, u16)]) -> Kind {
    Kind { kind, endpoint, tag, ports }
}

pub const KINDS: [Kind; 14] = [
    kind("Microsoft.Storage/storageAccounts", "Microsoft.Storage", "Storage", &[(80, 80), (443, 443), (445, 445)]),
    kind("Microsoft.Sql/servers", "Microsoft.Sql", "Sql", &[(1433, 1433), (11000, 11999)]),
    kind("Microsoft.Synapse/workspaces", "Microsoft.Sql", "Sql", &[(1433, 1433), (11000, 11999)]),
    kind("Microsoft.DBforPostgreSQL/servers", "Microsoft.Sql", "Sql", &[(5432, 5432)]),
    kind("Microsoft.DBforMySQL/servers", "Microsoft.Sql", "Sql", &[(3306, 3306)]),
    kind("Microsoft.DBforMariaDB/servers", "Microsoft.Sql", "Sql", &[(3306, 3306)]),
    kind("Microsoft.DocumentDB/databaseAccounts", "Microsoft.AzureCosmosDB", "AzureCosmosDB", &[(443, 443), (10255, 10255)]),
    kind("Microsoft.KeyVault/vaults", "Microsoft.KeyVault", "AzureKeyVault", &[(443, 443)]),
    kind("Microsoft.ServiceBus/namespaces", "Microsoft.ServiceBus", "ServiceBus", &[(443, 443), (5671, 5672)]),
    kind("Microsoft.EventHub/namespaces", "Microsoft.EventHub", "EventHub", &[(443, 443), (5671, 5672), (9093, 9093)]),
    kind("Microsoft.DataLakeStore/accounts", "Microsoft.AzureActiveDirectory", "AzureDataLake", &[(443, 443)]),
    kind("Microsoft.Web/sites", "Microsoft.Web", "AppService", &[(80, 80), (443, 443)]),
    kind("Microsoft.CognitiveServices/accounts", "Microsoft.CognitiveServices", "CognitiveServicesManagement", &[(443, 443)]),
    kind("Microsoft.ContainerRegistry/registries", "Microsoft.ContainerRegistry", "AzureContainerRegistry", &[(443, 443)]),
];

/// Whether a service passes another's firewall by being of a trusted type.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    Always,
    /// Where its managed identity has a role, which packets do not show.
    WithRole,
    Never,
}

/// Exceptions that are on unless the file says otherwise: `bypass: AzureServices` of Storage and Key Vault, and
/// `networkRuleBypassOptions` of Container Registry, not those of Event Hubs, Service Bus and Cognitive Services.
pub fn trusts_by_default(kind: &str) -> bool {
    matches!(kind, "Microsoft.Storage/storageAccounts" | "Microsoft.KeyVault/vaults" | "Microsoft.ContainerRegistry/registries")
}

/// Trusted types (storage-network-security-trusted-azure-services, key-vault overview-vnet-service-endpoints,
/// container-registry allow-access-trusted-services, cognitive-services-virtual-networks).
pub fn trust(service: &str, sender: &str) -> Trust {
    let sender = sender.strip_prefix("Microsoft.").unwrap_or(sender);
    match service {
        "Microsoft.Storage/storageAccounts" => match sender {
            "EventHub/namespaces" => Trust::Always,
            "CognitiveServices/accounts" | "DBforPostgreSQL/servers" | "Sql/servers" | "Synapse/workspaces" => Trust::WithRole,
            "ContainerRegistry/registries" => Trust::WithRole,
            _ => Trust::Never,
        },
        "Microsoft.KeyVault/vaults" => match sender {
            "Storage/storageAccounts" | "Sql/servers" | "Synapse/workspaces" | "DBforPostgreSQL/servers" | "DBforMySQL/servers" => {
                Trust::Always
            }
            "EventHub/namespaces" | "ServiceBus/namespaces" | "DataLakeStore/accounts" | "ContainerRegistry/registries" => Trust::Always,
            _ => Trust::Never,
        },
        "Microsoft.ContainerRegistry/registries" if sender == "ContainerRegistry/registries" => Trust::Always,
        "Microsoft.CognitiveServices/accounts" if sender == "CognitiveServices/accounts" => Trust::WithRole,
        _ => Trust::Never,
    }
}

/// The regions that an endpoint reaches.
pub enum Reach {
    /// Data Lake Gen1: identity travels in tokens, no routes are added (data-lake-store-network-security).
    Nowhere,
    /// SQL and its like: the network's region (vnet-service-endpoint-rule-overview).
    Region,
    /// `Microsoft.Storage`: and the paired one (virtual-network-service-endpoints-overview).
    RegionAndPair,
    Everywhere,
}

/// A policy on the subnet makes the storage endpoint global (virtual-network-service-endpoint-policies-overview).
pub fn reach(endpoint: &str, has_policy: bool) -> Reach {
    match endpoint {
        "Microsoft.AzureActiveDirectory" => Reach::Nowhere,
        "Microsoft.Sql" => Reach::Region,
        "Microsoft.Storage" if !has_policy => Reach::RegionAndPair,
        _ => Reach::Everywhere,
    }
}

pub fn tag_of(endpoint: &str) -> &'static str {
    let endpoint = endpoint.strip_suffix(".Global").unwrap_or(endpoint);
    KINDS.iter().find(|known| known.endpoint == endpoint).map_or("", |known| known.tag)
}

/// Pairs of regions, one-way ones from left to right (AZURE's list of region pairs).
const PAIRS: [(&str, &str, bool); 28] = [
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

pub fn paired(region: &str) -> Option<&'static str> {
    let forward = PAIRS.iter().find(|(one, ..)| *one == region).map(|(_, other, _)| *other);
    forward.or_else(|| PAIRS.iter().find(|(_, other, both)| *both && *other == region).map(|(one, ..)| *one))
}
