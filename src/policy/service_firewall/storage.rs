//! Storage accounts.
//!
//! Azure: storage-network-security, storage-network-security-limitations, storage-network-security-trusted-azure-services.

use super::kind::{AddressRules, Inside, Kind, List, Refusal, SubnetRules, Trusted, Unmatched};

/// Open, and its rules inert, until `defaultAction: Deny`. It only ever allows: trusted services, then listed resources,
/// then listed subnets that come over an endpoint, then listed addresses.
pub const STORAGE: Kind = Kind {
    types: &["Microsoft.Storage/storageAccounts"],
    unmatched: Unmatched::Allow,
    open_when_empty: false,
    lists: &[List::VirtualNetworkRules, List::IpRules, List::Ipv6Rules, List::IpRanges, List::ResourceAccessRules],
    subnets: SubnetRules { most: Some(400), own_region: false, may_lack_endpoint: false, by_token: false },
    addresses: AddressRules {
        most: Some(400),
        zero_is_azure: false,
        // Clients and services of the account's region come with private addresses of Azure's own.
        own_region: false,
        public_only: true,
        ipv6: false,
        short_prefixes: false,
    },
    trusted: Trusted {
        by_default: true,
        always: REGISTERED_IN_THE_TENANT,
        with_role: BY_MANAGED_IDENTITY,
        only_listed: false,
        // "trusted-service exceptions and resource instance rules remain effective"
        when_disabled: true,
    },
    inside: Inside::Unknown,
    refused,
};

fn refused(_: &Refusal<'_>) -> String {
    "403 AuthorizationFailure: This request is not authorized to perform this operation.".into()
}

/// "Trusted access for resources registered in your Microsoft Entra tenant". Of the provider Microsoft.Network only what
/// logs traffic is meant.
const REGISTERED_IN_THE_TENANT: &[&str] = &[
    "Microsoft.RecoveryServices",
    "Microsoft.DataBox",
    "Microsoft.Kusto",
    "Microsoft.DevTestLab",
    "Microsoft.EventGrid",
    "Microsoft.EventHub",
    "Microsoft.StorageSync",
    "Microsoft.HDInsight",
    "Microsoft.ImportExport",
    "Microsoft.Insights",
    "Microsoft.Network/networkWatchers",
    "Microsoft.Network/trafficManagerProfiles",
    "Microsoft.SiteRecovery",
];

/// "Trusted access based on a managed identity": those that the list above does not have already.
const BY_MANAGED_IDENTITY: &[&str] = &[
    "Microsoft.AgFoodPlatform/farmBeats",
    "Microsoft.ApiManagement/service",
    "Microsoft.AutonomousSystems/workspaces",
    "Microsoft.Cache/Redis",
    "Microsoft.Search/searchServices",
    "Microsoft.CognitiveServices/accounts",
    "Microsoft.ContainerRegistry/registries",
    "Microsoft.CostManagementExports",
    "Microsoft.Databricks/accessConnectors",
    "Microsoft.DataFactory/factories",
    "Microsoft.DataProtection/BackupVaults",
    "Microsoft.DataShare/accounts",
    "Microsoft.DBForPostgreSQL",
    "Microsoft.DeviceRegistry/schemaRegistries",
    "Microsoft.Devices/IotHubs",
    "Microsoft.Fabric",
    "Microsoft.HealthcareApis/services",
    "Microsoft.HealthcareApis/workspaces",
    "Microsoft.IoTCentral/IoTApps",
    "Microsoft.KeyVault/managedHSMs",
    "Microsoft.Logic/integrationAccounts",
    "Microsoft.Logic/workflows",
    "Microsoft.MachineLearning/registries",
    "Microsoft.MachineLearningServices",
    "Microsoft.Media/mediaservices",
    "Microsoft.Migrate/migrateprojects",
    "Microsoft.Network/expressRoutePorts",
    "Microsoft.PowerPlatform/enterprisePolicies",
    "Microsoft.ProjectArcadia/workspaces",
    "Microsoft.ProjectBabylon/accounts",
    "Microsoft.Purview/accounts",
    "Microsoft.Security/dataScanners",
    "Microsoft.Singularity/accounts",
    "Microsoft.StorageActions/storageTasks",
    "Microsoft.Sql",
    "Microsoft.StreamAnalytics",
    "Microsoft.Synapse/workspaces",
    "Microsoft.VideoIndexer/accounts",
];
