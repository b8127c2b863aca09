//! Azure Cache for Redis, in a subnet or not.
//!
//! Azure: cache-configure (firewall), cache-how-to-premium-vnet.

use super::kind::{AddressRules, Inside, Kind, List, Refusal, SubnetRules, Trusted, Unmatched};

/// Ranges of addresses, as clients arrive with: private ones where the cache lives in a subnet. Open without rules, an
/// allow-list with the first one.
pub const REDIS: Kind = Kind {
    types: &["Microsoft.Cache/redis"],
    unmatched: Unmatched::AllowUntilRules,
    open_when_empty: false,
    lists: &[List::IpRules, List::IpRanges],
    subnets: SubnetRules { most: None, own_region: false, may_lack_endpoint: false, by_token: false },
    addresses: AddressRules { ipv6: false, ..AddressRules::ANY },
    trusted: Trusted::NOBODY,
    inside: Inside::Enforced,
    refused,
};

/// The connection is closed without a text.
fn refused(_: &Refusal<'_>) -> String {
    String::new()
}
