//! PostgreSQL, MySQL and MariaDB: single servers, and the public side of flexible ones.
//!
//! Azure: postgresql/single-server/concepts-data-access-and-security-vnet, and the same pages for MySQL and MariaDB. The
//! texts that refused clients are shown are not verified.

use super::kind::{AddressRules, Inside, Kind, List, Refusal, SubnetRules, Trusted, Unmatched};

/// Closed from the start, like a SQL server: server-level rules only, 0.0.0.0 to 0.0.0.0 for all of Azure. A subnet with
/// Microsoft.Sql arrives by identity here too, and then only virtual network rules are looked at.
pub const POSTGRESQL: Kind = Kind {
    types: &["Microsoft.DBforPostgreSQL/servers", "Microsoft.DBforPostgreSQL/flexibleServers"],
    unmatched: Unmatched::Deny,
    open_when_empty: false,
    lists: &[List::VirtualNetworkRules, List::IpRules, List::IpRanges],
    subnets: SubnetRules { most: Some(128), own_region: true, may_lack_endpoint: true, by_token: false },
    addresses: AddressRules { most: None, zero_is_azure: true, ipv6: false, ..AddressRules::ANY },
    trusted: Trusted::NOBODY,
    inside: Inside::Absent,
    refused: refused_by_postgresql,
};

/// As PostgreSQL.
pub const MYSQL: Kind = Kind {
    types: &["Microsoft.DBforMySQL/servers", "Microsoft.DBforMySQL/flexibleServers", "Microsoft.DBforMariaDB/servers"],
    refused: refused_by_mysql,
    ..POSTGRESQL
};

fn refused_by_postgresql(client: &Refusal<'_>) -> String {
    format!("FATAL: no pg_hba.conf entry for host \"{}\"", client.address)
}

fn refused_by_mysql(client: &Refusal<'_>) -> String {
    format!("error 9000: Client with IP address '{}' is not allowed to connect to this MySQL server.", client.address)
}
