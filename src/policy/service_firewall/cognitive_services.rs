//! Cognitive Services (Azure AI services).
//!
//! Azure: cognitive-services-virtual-networks.

use super::kind::{AddressRules, Inside, Kind, List, Refusal, SubnetRules, Trusted, Unmatched};

/// Open, and its rules inert, until `defaultAction: Deny`. Limits are not documented beside the others'.
pub const COGNITIVE_SERVICES: Kind = Kind {
    types: &["Microsoft.CognitiveServices/accounts"],
    unmatched: Unmatched::Allow,
    open_when_empty: false,
    lists: &[List::VirtualNetworkRules, List::IpRules, List::IpRanges],
    subnets: SubnetRules { most: None, own_region: false, may_lack_endpoint: true, by_token: false },
    addresses: AddressRules { ipv6: false, ..AddressRules::ANY },
    trusted: Trusted { by_default: false, always: &[], with_role: TRUSTED, only_listed: false, when_disabled: false },
    inside: Inside::Unknown,
    refused,
};

/// "Grant access to trusted Azure services": by managed identity.
const TRUSTED: &[&str] = &["Microsoft.CognitiveServices/accounts", "Microsoft.MachineLearningServices", "Microsoft.Search/searchServices"];

fn refused(_: &Refusal<'_>) -> String {
    "403: Access denied due to Virtual Network/Firewall rules.".into()
}
