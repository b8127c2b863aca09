//! What is known of each type of service: endpoint, tag, ports, and which firewall rules it has.
//!
//! Azure documentation: virtual-network-service-endpoints-overview (endpoints), service-tags-overview (tags). Default
//! ports are those that clients use and are not documented in one place.

use std::ops::RangeInclusive;

use crate::config::network::Denial;

/// Where virtual network rules may name subnets of other regions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleRegion {
    /// Any region.
    Any,
    /// The service's own region only.
    Own,
}

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
    /// Regions of virtual network rules.
    pub rule_region: RuleRegion,
    /// Most virtual network rules.
    pub virtual_network_rules: usize,
    /// Most IP rules.
    pub ip_rules: usize,
    /// A rule may name a subnet without the endpoint (with the ignore flag).
    pub ignores_missing_endpoint: bool,
}

macro_rules! service_types {
    ($($kind:literal [$($endpoint:literal),+] $tag:literal [$($first:literal - $last:literal),+] $denial:ident $region:ident $vnets:literal $ips:literal $ignores:literal)+) => {
        /// Every type that has a service endpoint.
        pub const SERVICE_TYPES: &[ServiceType] = &[$(ServiceType {
            kind: $kind,
            endpoints: &[$($endpoint),+],
            tag: $tag,
            ports: &[$($first..=$last),+],
            denial: Denial::$denial,
            rule_region: RuleRegion::$region,
            virtual_network_rules: $vnets,
            ip_rules: $ips,
            ignores_missing_endpoint: $ignores,
        }),+];
    };
}

// type, endpoints, tag, ports, denial, region of rules, most vnet rules, most IP rules, may ignore a missing endpoint
service_types! {
    "Microsoft.Storage/storageAccounts" ["Microsoft.Storage", "Microsoft.Storage.Global"] "Storage" [80-80, 443-443, 445-445] Reset Any 400 400 false
    "Microsoft.Sql/servers" ["Microsoft.Sql"] "Sql" [1433-1433, 11000-11999] Reset Own 128 128 true
    "Microsoft.Synapse/workspaces" ["Microsoft.Sql"] "Sql" [1433-1433, 11000-11999] Reset Own 128 128 true
    "Microsoft.DBforPostgreSQL/servers" ["Microsoft.Sql"] "Sql" [5432-5432] Reset Own 128 128 true
    "Microsoft.DBforMySQL/servers" ["Microsoft.Sql"] "Sql" [3306-3306] Reset Own 128 128 true
    "Microsoft.DBforMariaDB/servers" ["Microsoft.Sql"] "Sql" [3306-3306] Reset Own 128 128 true
    "Microsoft.DocumentDB/databaseAccounts" ["Microsoft.AzureCosmosDB"] "AzureCosmosDB" [443-443, 10255-10255] Reset Any 256 1000 true
    "Microsoft.KeyVault/vaults" ["Microsoft.KeyVault"] "AzureKeyVault" [443-443] Reset Any 200 1000 true
    "Microsoft.ServiceBus/namespaces" ["Microsoft.ServiceBus"] "ServiceBus" [443-443, 5671-5671, 5672-5672] Reset Any 128 128 true
    "Microsoft.EventHub/namespaces" ["Microsoft.EventHub"] "EventHub" [443-443, 5671-5671, 5672-5672, 9093-9093] Reset Any 128 128 true
    "Microsoft.DataLakeStore/accounts" ["Microsoft.AzureActiveDirectory"] "AzureDataLake" [443-443] Reset Own 100 100 true
    "Microsoft.Web/sites" ["Microsoft.Web"] "AppService" [80-80, 443-443] Http403 Any 512 512 true
    "Microsoft.CognitiveServices/accounts" ["Microsoft.CognitiveServices"] "CognitiveServicesManagement" [443-443] Reset Any 200 1000 true
    "Microsoft.ContainerRegistry/registries" ["Microsoft.ContainerRegistry"] "AzureContainerRegistry" [443-443] Reset Any 100 100 true
}

/// The type with this name, without regard to case.
#[must_use]
pub fn find(kind: &str) -> Option<&'static ServiceType> {
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
