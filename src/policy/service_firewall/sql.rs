//! Azure SQL Database and dedicated SQL pools of Synapse.
//!
//! Azure: firewall-configure, vnet-service-endpoint-rule-overview, connectivity-settings (all of azure-sql/database).

use super::kind::{AddressRules, Inside, Kind, List, Refusal, SubnetRules, Trusted, Unmatched};

/// Closed from the start. What comes from the internet is looked for in the rules of the database that it asks for, then
/// in the server's; what comes over an endpoint in the virtual network rules alone. Nobody is trusted by type: the range
/// 0.0.0.0 to 0.0.0.0 (`AllowAllWindowsAzureIps`) lets in whatever is inside Azure.
pub const SQL: Kind = Kind {
    types: &["Microsoft.Sql/servers"],
    unmatched: Unmatched::Deny,
    open_when_empty: false,
    lists: &[List::Databases, List::VirtualNetworkRules, List::IpRules, List::IpRanges],
    subnets: SubnetRules { most: Some(128), own_region: true, may_lack_endpoint: true, by_token: false },
    addresses: AddressRules { most: Some(128), zero_is_azure: true, ipv6: false, ..AddressRules::ANY },
    trusted: Trusted::NOBODY,
    inside: Inside::Unknown,
    refused,
};

/// As a SQL server, but without rules of single databases; a limit for address rules is not documented.
pub const SYNAPSE: Kind = Kind {
    types: &["Microsoft.Synapse/workspaces"],
    lists: &[List::VirtualNetworkRules, List::IpRules, List::IpRanges],
    addresses: AddressRules { most: None, ..SQL.addresses },
    ..SQL
};

/// How many address rules a single database can have.
pub const MOST_DATABASE_RULES: usize = 128;

fn refused(client: &Refusal<'_>) -> String {
    let Refusal { service, address, .. } = *client;
    if client.disabled {
        return "error 47073: The public network interface on this server is not accessible. To connect to this server, use the \
                Private Endpoint from inside your virtual network."
            .into();
    }
    let opening = format!("Cannot open server '{service}' requested by the login.");
    if client.over_endpoint {
        format!("error 40914: {opening} Client is not allowed to access the server.")
    } else {
        format!("error 40615: {opening} Client with IP address '{address}' is not allowed to access the server.")
    }
}
