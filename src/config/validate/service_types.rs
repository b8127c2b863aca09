//! What is known of each type of service: endpoint, tag, ports. What its firewall has stands in `policy::service_firewall`.
//!
//! Azure documentation: virtual-network-service-endpoints-overview (endpoints), service-tags-overview (tags). Default
//! ports are those that clients use and are not documented in one place.

use std::ops::RangeInclusive;

use crate::config::network::Denial;

/// A type of service that service endpoints know.
#[derive(Debug)]
pub struct ServiceType {
    /// Resource type, canonical spelling.
    pub kind: &'static str,
    /// Endpoints that reach it; the first is the usual one.
    pub endpoints: &'static [&'static str],
    /// Service tag that holds its addresses.
    pub tag: &'static str,
    /// Ports that it answers on, where the file gives none.
    pub ports: &'static [RangeInclusive<u16>],
    /// What a refused client is shown, where the file does not say.
    pub denial: Denial,
}

macro_rules! service_types {
    ($($kind:literal [$($endpoint:literal),+] $tag:literal [$($first:literal - $last:literal),+] $denial:ident)+) => {
        /// Every type that has a service endpoint.
        pub const SERVICE_TYPES: &[ServiceType] = &[$(ServiceType {
            kind: $kind,
            endpoints: &[$($endpoint),+],
            tag: $tag,
            ports: &[$($first..=$last),+],
            denial: Denial::$denial,
        }),+];
    };
}

// type, endpoints, tag, ports, denial
service_types! {
    "Microsoft.Storage/storageAccounts" ["Microsoft.Storage", "Microsoft.Storage.Global"] "Storage" [80-80, 443-443, 445-445] Reset
    "Microsoft.Sql/servers" ["Microsoft.Sql"] "Sql" [1433-1433, 11000-11999] Reset
    "Microsoft.Synapse/workspaces" ["Microsoft.Sql"] "Sql" [1433-1433, 11000-11999] Reset
    "Microsoft.DBforPostgreSQL/servers" ["Microsoft.Sql"] "Sql" [5432-5432] Reset
    "Microsoft.DBforMySQL/servers" ["Microsoft.Sql"] "Sql" [3306-3306] Reset
    "Microsoft.DBforMariaDB/servers" ["Microsoft.Sql"] "Sql" [3306-3306] Reset
    "Microsoft.DocumentDB/databaseAccounts" ["Microsoft.AzureCosmosDB"] "AzureCosmosDB" [443-443, 10255-10255] Reset
    "Microsoft.KeyVault/vaults" ["Microsoft.KeyVault"] "AzureKeyVault" [443-443] Reset
    "Microsoft.ServiceBus/namespaces" ["Microsoft.ServiceBus"] "ServiceBus" [443-443, 5671-5671, 5672-5672] Reset
    "Microsoft.EventHub/namespaces" ["Microsoft.EventHub"] "EventHub" [443-443, 5671-5671, 5672-5672, 9093-9093] Reset
    "Microsoft.DataLakeStore/accounts" ["Microsoft.AzureActiveDirectory"] "AzureDataLake" [443-443] Reset
    "Microsoft.Web/sites" ["Microsoft.Web"] "AppService" [80-80, 443-443] Http403
    "Microsoft.CognitiveServices/accounts" ["Microsoft.CognitiveServices"] "CognitiveServicesManagement" [443-443] Reset
    "Microsoft.ContainerRegistry/registries" ["Microsoft.ContainerRegistry"] "AzureContainerRegistry" [443-443] Reset
}

/// The type with this name, without regard to case. Storage accounts of the classic deployment model are storage
/// accounts too.
#[must_use]
pub fn find(kind: &str) -> Option<&'static ServiceType> {
    let classic = kind.eq_ignore_ascii_case("Microsoft.ClassicStorage/storageAccounts");
    let kind = if classic { "Microsoft.Storage/storageAccounts" } else { kind };
    SERVICE_TYPES.iter().find(|known| known.kind.eq_ignore_ascii_case(kind))
}

/// Every service endpoint that exists, canonical spelling.
pub fn endpoints() -> impl Iterator<Item = &'static str> {
    let mut seen = Vec::new();
    SERVICE_TYPES.iter().flat_map(|known| known.endpoints.iter().copied()).filter(move |name| {
        let new = !seen.contains(name);
        seen.push(name);
        new
    })
}
