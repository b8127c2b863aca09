//! Namespaces of Event Hubs and Service Bus.
//!
//! Azure: event-hubs-ip-filtering, service-bus-service-endpoints, event-hubs-trusted-services.

use super::kind::{AddressRules, Inside, Kind, List, Refusal, SubnetRules, Trusted, Unmatched};

/// Rules are enforced with `defaultAction: Deny` only, and then only where there is one: a namespace without any address
/// rule and virtual network rule is open (`publicNetworkAccess: Disabled` closes it). Address rules go in order; all allow.
/// Private addresses are accepted there, though nothing comes from one.
pub const EVENT_HUBS_AND_SERVICE_BUS: Kind = Kind {
    types: &["Microsoft.EventHub/namespaces", "Microsoft.ServiceBus/namespaces"],
    unmatched: Unmatched::Allow,
    open_when_empty: true,
    lists: &[List::VirtualNetworkRules, List::IpRules, List::IpRanges],
    subnets: SubnetRules { most: Some(128), own_region: false, may_lack_endpoint: true, by_token: false },
    // 128 address rules is what is said, but not verified: more are not refused.
    addresses: AddressRules::ANY,
    trusted: Trusted { by_default: false, always: TRUSTED, with_role: TRUSTED_WITH_ROLE, only_listed: false, when_disabled: true },
    inside: Inside::Unknown,
    refused,
};

/// Azure Monitor needs no identity.
const TRUSTED: &[&str] = &["Microsoft.Insights"];

/// Those that "also need to" have an identity with a role on the namespace.
const TRUSTED_WITH_ROLE: &[&str] = &[
    "Microsoft.EventGrid",
    "Microsoft.StreamAnalytics",
    "Microsoft.Devices/IotHubs",
    "Microsoft.ApiManagement/service",
    "Microsoft.IoTCentral/IoTApps",
];

fn refused(_: &Refusal<'_>) -> String {
    "401 Unauthorized: Ip has been prevented to connect to the endpoint.".into()
}
