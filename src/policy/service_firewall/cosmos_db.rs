//! Cosmos DB.
//!
//! Azure: how-to-configure-firewall, how-to-configure-vnet-service-endpoint, troubleshoot-forbidden (cosmos-db).

use super::kind::{AddressRules, Inside, Kind, List, Refusal, SubnetRules, Trusted, Unmatched};

/// Open without filters; an allow-list with the first one, of either sort. 0.0.0.0 is every address of Azure's data
/// centres. Virtual network rules count unless `isVirtualNetworkFilterEnabled` is false.
pub const COSMOS_DB: Kind = Kind {
    types: &["Microsoft.DocumentDB/databaseAccounts"],
    unmatched: Unmatched::AllowUntilRules,
    open_when_empty: false,
    lists: &[List::VirtualNetworkRules, List::IpRules, List::IpRanges],
    subnets: SubnetRules { most: Some(64), own_region: false, may_lack_endpoint: true, by_token: false },
    addresses: AddressRules { most: None, zero_is_azure: true, ipv6: false, ..AddressRules::ANY },
    // Synapse Link: `networkAclBypass: AzureServices`, and the workspace in `networkAclBypassResourceIds`.
    trusted: Trusted { always: &["Microsoft.Synapse/workspaces", "Microsoft.Fabric"], only_listed: true, ..Trusted::NOBODY },
    inside: Inside::Unknown,
    refused,
};

fn refused(client: &Refusal<'_>) -> String {
    let blocked = "This is blocked by your Cosmos DB account firewall settings.";
    if client.over_endpoint {
        format!("403: Request originated from client VNET through service endpoint. {blocked}")
    } else {
        format!("403: Request originated from client IP {} through public internet. {blocked}", client.address)
    }
}
