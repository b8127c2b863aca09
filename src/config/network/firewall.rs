//! Service firewalls.

use std::net::Ipv4Addr;
use std::ops::RangeInclusive;

use ipnet::IpNet;

use super::{Access, Named, Position, SubnetIndex};

/// A service firewall; which lists mean something depends on the service's type.
#[derive(Clone, Debug, Default)]
pub struct ServiceFirewall {
    /// Place of the section.
    pub position: Position,
    /// `defaultAction`, with its place, where given.
    pub default_action: Option<(Access, Position)>,
    /// `publicNetworkAccess: Disabled`.
    pub public_network_access_disabled: bool,
    /// `bypass` entries as written (`AzureServices`, `Logging`, `Metrics`, `None`).
    pub bypass: Vec<String>,
    /// `virtualNetworkRules`.
    pub virtual_network_rules: Vec<VirtualNetworkRule>,
    /// `ipRules`.
    pub ip_rules: Vec<(IpNet, Position)>,
    /// `ipRanges`, inclusive; 0.0.0.0–0.0.0.0 has Azure's special meaning.
    pub ip_ranges: Vec<(RangeInclusive<Ipv4Addr>, Position)>,
    /// `resourceAccessRules` as written.
    pub resource_access_rules: Vec<(String, Position)>,
    /// App Service access restrictions.
    pub access_restrictions: Vec<AccessRestriction>,
}

/// A virtual network rule.
#[derive(Clone, Debug)]
pub struct VirtualNetworkRule {
    /// Place.
    pub position: Position,
    /// The subnet; `None` for `state: NetworkSourceDeleted`, which matches nothing.
    pub subnet: Option<SubnetIndex>,
    /// Accepted although the subnet has no endpoint.
    pub ignore_missing_endpoint: bool,
}

/// An access restriction of App Service.
#[derive(Clone, Debug)]
pub struct AccessRestriction {
    /// Name (or `accessRestrictions[i]` where none is given) and place.
    pub named: Named,
    /// Lower first; equal ones in list order.
    pub priority: u32,
    /// Allow or Deny.
    pub action: Access,
    /// What it matches.
    pub source: RestrictionSource,
    /// It also looks at the request's headers, which packets do not show.
    pub header_filter: bool,
}

/// What an access restriction matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RestrictionSource {
    /// A subnet, by identity.
    Subnet {
        /// The subnet.
        subnet: SubnetIndex,
        /// Accepted although the subnet has no endpoint.
        ignore_missing_endpoint: bool,
    },
    /// Public sources in any of these prefixes.
    Addresses(Vec<IpNet>),
    /// Public sources in any of these tags.
    Tags(Vec<String>),
    /// Any source that comes over an endpoint (`AnyVnets`).
    AnyVirtualNetwork,
    /// Everyone (`Any`).
    Any,
}
