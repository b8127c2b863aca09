//! Types that are not known here.

use super::kind::{AddressRules, Inside, Kind, List, Refusal, SubnetRules, Trusted, Unmatched};

/// The lists as they read: open without rules, an allow-list with the first one.
pub const OTHER: Kind = Kind {
    types: &[],
    unmatched: Unmatched::AllowUntilRules,
    open_when_empty: false,
    lists: &[List::VirtualNetworkRules, List::IpRules, List::IpRanges],
    subnets: SubnetRules { most: None, own_region: false, may_lack_endpoint: true, by_token: false },
    addresses: AddressRules::ANY,
    trusted: Trusted::NOBODY,
    inside: Inside::Unknown,
    refused,
};

/// Not known.
fn refused(_: &Refusal<'_>) -> String {
    String::new()
}
