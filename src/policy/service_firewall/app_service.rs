//! Apps of App Service and Functions, and those of an App Service Environment.
//!
//! Azure: app-service-ip-restrictions, overview-access-restrictions.

use super::kind::{AddressRules, Inside, Kind, List, Refusal, SubnetRules, Trusted, Unmatched};

/// A list of rules that allow or deny: lower priority numbers first, equal ones in list order, the first match decides.
/// Without a default action of its own the list lets everyone in while it is empty and, from its first rule on, nobody
/// whom no rule allows. The deployment (scm) site has a list of its own. Without `publicNetworkAccess` an app is public
/// until it has a private endpoint.
pub const APP_SERVICE: Kind = Kind {
    types: &["Microsoft.Web/sites", "Microsoft.Web/hostingEnvironments"],
    unmatched: Unmatched::AllowUntilRules,
    open_when_empty: false,
    lists: &[List::AccessRestrictions],
    subnets: SubnetRules { most: None, own_region: false, may_lack_endpoint: true, by_token: false },
    addresses: AddressRules::ANY,
    trusted: Trusted::NOBODY,
    inside: Inside::Enforced,
    refused,
};

/// Most rules in one of the two lists.
pub const MOST_RESTRICTIONS: usize = 512;
/// Most addresses, prefixes or tags in one rule.
pub const MOST_SOURCES: usize = 8;
/// Most values of one header.
pub const MOST_HEADER_VALUES: usize = 8;
/// Priority of the rule that Azure's own answers put last ("Allow all", "Deny all"): it is the default action.
pub const SYNTHETIC_PRIORITY: u32 = 2_147_483_647;

fn refused(_: &Refusal<'_>) -> String {
    "403 Ip Forbidden: Error 403 - Forbidden - The web app you have attempted to reach has blocked your access.".into()
}
