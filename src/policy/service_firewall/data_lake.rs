//! Data Lake Storage Gen1 (retired).
//!
//! Azure: data-lake-store-network-security, data-lake-store-secure-data.

use super::kind::{AddressRules, Inside, Kind, List, Refusal, SubnetRules, Trusted, Unmatched};

/// Its endpoint, Microsoft.AzureActiveDirectory, brings no routes: clients arrive by their public address, and which subnet
/// they are in stands in their token, where packets do not show it. `firewallState` switches the firewall on (Azure's default is off);
/// `firewallAllowAzureIps` and `firewallAllowDataLakeAnalytics` let in all of Azure, and Data Lake Analytics.
pub const DATA_LAKE: Kind = Kind {
    types: &["Microsoft.DataLakeStore/accounts"],
    unmatched: Unmatched::Allow,
    open_when_empty: false,
    lists: &[List::VirtualNetworkRules, List::IpRules, List::IpRanges, List::DataLakeSwitches],
    subnets: SubnetRules { most: Some(100), own_region: true, may_lack_endpoint: false, by_token: true },
    addresses: AddressRules { zero_is_azure: true, ipv6: false, ..AddressRules::ANY },
    trusted: Trusted::NOBODY,
    inside: Inside::Unknown,
    refused,
};

/// What `firewallAllowDataLakeAnalytics` lets in.
pub const ANALYTICS: &str = "Microsoft.DataLakeAnalytics/accounts";

/// The text is not documented.
fn refused(_: &Refusal<'_>) -> String {
    String::new()
}
