//! Key Vault.
//!
//! Azure: key-vault/general/network-security, overview-vnet-service-endpoints (trusted services).

use super::kind::{AddressRules, Inside, Kind, List, Refusal, SubnetRules, Trusted, Unmatched};

/// Open, and its rules inert, until `defaultAction: Deny`. Address rules look at clients of every region, the vault's own
/// included (unlike those of Storage).
pub const KEY_VAULT: Kind = Kind {
    types: &["Microsoft.KeyVault/vaults"],
    unmatched: Unmatched::Allow,
    open_when_empty: false,
    lists: &[List::VirtualNetworkRules, List::IpRules, List::IpRanges],
    subnets: SubnetRules { most: Some(200), own_region: false, may_lack_endpoint: true, by_token: false },
    addresses: AddressRules { most: Some(1000), public_only: true, ipv6: false, ..AddressRules::ANY },
    trusted: Trusted { by_default: true, always: TRUSTED, with_role: &[], only_listed: false, when_disabled: true },
    inside: Inside::Unknown,
    refused,
};

/// "Trusted services". What they may do in the vault is another question, which its roles or access policies answer. App
/// Service is listed for its own deployment of certificates only: an app is not trusted, nor is a virtual machine.
const TRUSTED: &[&str] = &[
    "Microsoft.ApiManagement/service",
    "Microsoft.Network/applicationGateways",
    "Microsoft.RecoveryServices",
    "Microsoft.DataProtection/BackupVaults",
    "Microsoft.Batch/batchAccounts",
    "Microsoft.BotService/botServices",
    "Microsoft.Cdn/profiles",
    "Microsoft.ContainerRegistry/registries",
    "Microsoft.DataFactory/factories",
    "Microsoft.DataLakeStore/accounts",
    "Microsoft.DBforMySQL/servers",
    "Microsoft.DBforMySQL/flexibleServers",
    "Microsoft.DBforPostgreSQL/servers",
    "Microsoft.DBforPostgreSQL/flexibleServers",
    "Microsoft.Databricks/workspaces",
    "Microsoft.Compute/diskEncryptionSets",
    "Microsoft.EventHub/namespaces",
    "Microsoft.Network/firewallPolicies",
    "Microsoft.Network/frontDoors",
    "Microsoft.ImportExport/jobs",
    "Microsoft.MachineLearningServices/workspaces",
    "Microsoft.ServiceBus/namespaces",
    "Microsoft.Sql/servers",
    "Microsoft.Storage/storageAccounts",
    "Microsoft.Synapse/workspaces",
    "Microsoft.Purview/accounts",
];

fn refused(client: &Refusal<'_>) -> String {
    if client.disabled {
        return "403 Forbidden (ForbiddenByConnection): Public network access is disabled and request is not from a trusted service nor \
                via an approved private link."
            .into();
    }
    format!(
        "403 Forbidden (ForbiddenByFirewall): Client address is not authorized and caller is not a trusted service. Client address: {}",
        client.address
    )
}
