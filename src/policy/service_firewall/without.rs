//! Services of subnets that have no firewall of their own: NSGs protect them.
//!
//! Azure: virtual-network-for-azure-services.

use super::kind::{AddressRules, Inside, Kind, Refusal, SubnetRules, Trusted, Unmatched};

/// Nothing is enforced.
pub const WITHOUT: Kind = Kind {
    types: &[
        "Microsoft.AAD/domainServices",
        "Microsoft.ApiManagement/service",
        "Microsoft.Batch/batchAccounts",
        "Microsoft.ContainerInstance/containerGroups",
        "Microsoft.ContainerService/managedClusters",
        "Microsoft.Databricks/workspaces",
        "Microsoft.HDInsight/clusters",
        "Microsoft.Network/applicationGateways",
        "Microsoft.Network/azureFirewalls",
        "Microsoft.Network/bastionHosts",
        "Microsoft.Network/virtualNetworkGateways",
        "Microsoft.Sql/managedInstances",
    ],
    unmatched: Unmatched::Allow,
    open_when_empty: false,
    lists: &[],
    subnets: SubnetRules { most: None, own_region: false, may_lack_endpoint: true, by_token: false },
    addresses: AddressRules::ANY,
    trusted: Trusted::NOBODY,
    inside: Inside::Absent,
    refused,
};

/// Nobody is refused.
fn refused(_: &Refusal<'_>) -> String {
    String::new()
}
