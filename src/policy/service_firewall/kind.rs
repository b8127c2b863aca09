//! How the firewall of a kind of service works, as data: one constant a kind, in a file of its own.

use std::net::IpAddr;

use super::{
    app_service, cognitive_services, container_registry, cosmos_db, data_lake, databases, key_vault, messaging, other, redis, sql, storage,
    without,
};

/// The firewall of a kind of service.
#[derive(Debug)]
pub struct Kind {
    /// The resource types that have it.
    pub types: &'static [&'static str],
    /// What happens to the unmatched, where the file does not say.
    pub unmatched: Unmatched,
    /// Without an address rule and a virtual network rule everyone is let in, even with `defaultAction: Deny`.
    pub open_when_empty: bool,
    /// The lists that it has; others are not enforced.
    pub lists: &'static [List],
    /// Virtual network rules.
    pub subnets: SubnetRules,
    /// Address rules.
    pub addresses: AddressRules,
    /// Who passes although no rule lists them.
    pub trusted: Trusted,
    /// What becomes of the firewall where the service lives in a subnet.
    pub inside: Inside,
    /// What a refused client is shown; empty where it is not known.
    pub refused: fn(&Refusal<'_>) -> String,
}

/// What happens to the unmatched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unmatched {
    /// They are let in, and so the rules are inert.
    Allow,
    /// They are refused.
    Deny,
    /// They are let in until there is a rule.
    AllowUntilRules,
}

/// What becomes of a firewall whose service lives in a subnet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inside {
    /// It looks at clients as they arrive, private addresses included.
    Enforced,
    /// There is none: NSGs protect the subnet.
    Absent,
    /// Not known here.
    Unknown,
}

/// A list of a firewall, or a switch that works like one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    /// `virtualNetworkRules`: subnets, by identity.
    VirtualNetworkRules,
    /// `ipRules`: addresses and prefixes.
    IpRules,
    /// `ipv6Rules`: the same in IPv6.
    Ipv6Rules,
    /// `ipRanges`: first and last address.
    IpRanges,
    /// `resourceAccessRules`: resources, by their identity.
    ResourceAccessRules,
    /// `accessRestrictions`: rules that allow and deny, by priority.
    AccessRestrictions,
    /// `databases`: address rules of single databases.
    Databases,
    /// `firewallState`, `firewallAllowAzureIps`, `firewallAllowDataLakeAnalytics`.
    DataLakeSwitches,
}

impl List {
    /// The property's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::VirtualNetworkRules => "virtualNetworkRules",
            Self::IpRules => "ipRules",
            Self::Ipv6Rules => "ipv6Rules",
            Self::IpRanges => "ipRanges",
            Self::ResourceAccessRules => "resourceAccessRules",
            Self::AccessRestrictions => "accessRestrictions",
            Self::Databases => "databases",
            Self::DataLakeSwitches => "firewallState",
        }
    }
}

/// What Azure says of a kind's virtual network rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubnetRules {
    /// How many there can be; `None`: no limit is documented.
    pub most: Option<usize>,
    /// They name subnets of the service's own region only.
    pub own_region: bool,
    /// They may name a subnet that lacks the endpoint (`ignoreMissingVnetServiceEndpoint`).
    pub may_lack_endpoint: bool,
    /// The subnet is told by claims in the client's token, not by the way that the packet takes.
    pub by_token: bool,
}

/// What Azure says of a kind's address rules. They never match what comes over an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressRules {
    /// How many there can be; `None`: no limit is documented.
    pub most: Option<usize>,
    /// 0.0.0.0, or 0.0.0.0 to 0.0.0.0, stands for every source inside Azure.
    pub zero_is_azure: bool,
    /// They match sources in Azure of the service's own region.
    pub own_region: bool,
    /// Private ranges are refused.
    pub public_only: bool,
    /// `ipRules` take IPv6 too.
    pub ipv6: bool,
    /// `ipRules` take prefixes of length 31 and 32.
    pub short_prefixes: bool,
}

impl AddressRules {
    /// No documented limit, every form, every source.
    pub const ANY: Self = Self { most: None, zero_is_azure: false, own_region: true, public_only: false, ipv6: true, short_prefixes: true };
}

/// The services that pass by being trusted, where the file says so (`bypass: AzureServices` and its like).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trusted {
    /// Trusted where the file has a firewall that does not speak of it.
    pub by_default: bool,
    /// Types, or providers with all of their types, that pass.
    pub always: &'static [&'static str],
    /// The same for those that pass if their managed identity has a role here: packets do not show it.
    pub with_role: &'static [&'static str],
    /// Only those that `networkAclBypassResourceIds` lists.
    pub only_listed: bool,
    /// They and listed resources pass even with `publicNetworkAccess: Disabled`.
    pub when_disabled: bool,
}

impl Trusted {
    /// Nobody.
    pub const NOBODY: Self = Self { by_default: false, always: &[], with_role: &[], only_listed: false, when_disabled: false };

    /// Whether a type is in one of the lists: by its full name, or by its provider's.
    #[must_use]
    pub fn lists(list: &[&str], kind: &str) -> bool {
        let provider = kind.split('/').next().unwrap_or_default();
        list.iter().any(|entry| entry.eq_ignore_ascii_case(kind) || entry.eq_ignore_ascii_case(provider))
    }
}

/// A refused client.
#[derive(Clone, Copy, Debug)]
pub struct Refusal<'a> {
    /// The service's name.
    pub service: &'a str,
    /// The source as the service sees it.
    pub address: IpAddr,
    /// It came over an endpoint.
    pub over_endpoint: bool,
    /// Public access is off altogether.
    pub disabled: bool,
}

const KINDS: [&Kind; 14] = [
    &storage::STORAGE,
    &sql::SQL,
    &sql::SYNAPSE,
    &databases::POSTGRESQL,
    &databases::MYSQL,
    &cosmos_db::COSMOS_DB,
    &key_vault::KEY_VAULT,
    &messaging::EVENT_HUBS_AND_SERVICE_BUS,
    &data_lake::DATA_LAKE,
    &app_service::APP_SERVICE,
    &cognitive_services::COGNITIVE_SERVICES,
    &container_registry::CONTAINER_REGISTRY,
    &redis::REDIS,
    &without::WITHOUT,
];

impl Kind {
    /// The firewall that a resource type has; a general one for types that are not known here.
    #[must_use]
    pub fn of(resource_type: &str) -> &'static Self {
        let is_it = |kind: &&&Self| kind.types.iter().any(|known| known.eq_ignore_ascii_case(resource_type));
        KINDS.iter().find(is_it).copied().unwrap_or(&other::OTHER)
    }

    /// Whether it has a list.
    #[must_use]
    pub fn has(&self, list: List) -> bool {
        self.lists.contains(&list)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_has_one_kind_whatever_its_case() {
        let mut all: Vec<&str> = KINDS.iter().flat_map(|kind| kind.types.iter().copied()).collect();
        for resource_type in &all {
            assert!(Kind::of(&resource_type.to_uppercase()).types.contains(resource_type));
        }
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
        assert!(Kind::of("Contoso.Unheard/of").types.is_empty());
    }

    #[test]
    fn a_trusted_list_holds_types_and_whole_providers() {
        let list = ["Microsoft.StorageSync", "Microsoft.Logic/workflows"];
        assert!(Trusted::lists(&list, "microsoft.storagesync/storageSyncServices"));
        assert!(Trusted::lists(&list, "Microsoft.Logic/Workflows"));
        assert!(!Trusted::lists(&list, "Microsoft.Logic/integrationAccounts"));
        assert!(!Trusted::lists(&list, "Microsoft.Storage/storageAccounts"));
    }
}
