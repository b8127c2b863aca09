//! Container Registry.
//!
//! Azure: container-registry-access-selected-networks, container-registry-vnet, allow-access-trusted-services.

use super::kind::{AddressRules, Inside, Kind, List, Refusal, SubnetRules, Trusted, Unmatched};

/// Open, and its rules inert, until `defaultAction: Deny`. Trusted services pass unless `networkRuleBypassOptions: None`.
pub const CONTAINER_REGISTRY: Kind = Kind {
    types: &["Microsoft.ContainerRegistry/registries"],
    unmatched: Unmatched::Allow,
    open_when_empty: false,
    lists: &[List::VirtualNetworkRules, List::IpRules, List::IpRanges],
    subnets: SubnetRules { most: Some(100), own_region: false, may_lack_endpoint: false, by_token: false },
    addresses: AddressRules { most: Some(100), ipv6: false, ..AddressRules::ANY },
    trusted: Trusted { by_default: true, always: TRUSTED, with_role: TRUSTED_WITH_ROLE, only_listed: false, when_disabled: true },
    inside: Inside::Unknown,
    refused,
};

/// Those that need no identity: image import, and Defender for Cloud. App Service is not trusted.
const TRUSTED: &[&str] = &["Microsoft.ContainerRegistry/registries", "Microsoft.Security"];

/// Those that need an identity with a role on the registry.
const TRUSTED_WITH_ROLE: &[&str] = &["Microsoft.ContainerInstance/containerGroups", "Microsoft.MachineLearningServices"];

fn refused(client: &Refusal<'_>) -> String {
    format!("403 DENIED: client with IP '{}' is not allowed access.", client.address)
}
