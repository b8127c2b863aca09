//! Service firewalls.

use std::net::Ipv4Addr;
use std::ops::RangeInclusive;

use ipnet::IpNet;

use super::{Access, Named, Position, SubnetIndex};

/// `publicNetworkAccess`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublicNetworkAccess {
    /// `Enabled`.
    Enabled,
    /// `Disabled`: nobody comes in by the public side.
    Disabled,
    /// `SecuredByPerimeter`: a network security perimeter decides, which is not modelled.
    SecuredByPerimeter,
}

/// A service firewall; which lists mean something depends on the service's type.
#[derive(Clone, Debug, Default)]
pub struct ServiceFirewall {
    /// Place of the section.
    pub position: Position,
    /// `defaultAction`, with its place, where given.
    pub default_action: Option<(Access, Position)>,
    /// Whether trusted services pass (`bypass`, `networkAclBypass`, `trustedServiceAccessEnabled`,
    /// `networkRuleBypassOptions`), with its place, where given.
    pub trusts_services: Option<(bool, Position)>,
    /// `networkAclBypassResourceIds` as written.
    pub bypass_resources: Vec<String>,
    /// `virtualNetworkRules`.
    pub virtual_network_rules: Vec<VirtualNetworkRule>,
    /// `isVirtualNetworkFilterEnabled`, where given.
    pub virtual_network_filter: Option<bool>,
    /// `ipRules`.
    pub ip_rules: Vec<(IpNet, Position)>,
    /// `ipv6Rules`.
    pub ipv6_rules: Vec<(IpNet, Position)>,
    /// `ipRanges`, inclusive; 0.0.0.0–0.0.0.0 has Azure's special meaning.
    pub ip_ranges: Vec<(RangeInclusive<Ipv4Addr>, Position)>,
    /// Address rules of single databases.
    pub databases: Vec<DatabaseRules>,
    /// `resourceAccessRules` as written.
    pub resource_access_rules: Vec<(String, Position)>,
    /// `firewallState`: whether it is enabled, with its place, where given.
    pub firewall_state: Option<(bool, Position)>,
    /// `firewallAllowAzureIps: Enabled`.
    pub allow_azure_ips: Option<Position>,
    /// `firewallAllowDataLakeAnalytics: Enabled`.
    pub allow_data_lake_analytics: Option<Position>,
    /// App Service access restrictions.
    pub access_restrictions: Vec<AccessRestriction>,
    /// The deployment site's list; `None`: it uses the site's own (`scmIpSecurityRestrictionsUseMain`).
    pub scm: Option<ScmRestrictions>,
}

/// Address rules of one database.
#[derive(Clone, Debug)]
pub struct DatabaseRules {
    /// Name and place.
    pub named: Named,
    /// `ipRanges`.
    pub ip_ranges: Vec<(RangeInclusive<Ipv4Addr>, Position)>,
}

/// The deployment site's access restrictions.
#[derive(Clone, Debug, Default)]
pub struct ScmRestrictions {
    /// `scmIpSecurityRestrictionsDefaultAction`, with its place, where given.
    pub default_action: Option<(Access, Position)>,
    /// `scmIpSecurityRestrictions`.
    pub access_restrictions: Vec<AccessRestriction>,
}

/// A virtual network rule.
#[derive(Clone, Debug)]
pub struct VirtualNetworkRule {
    /// Place.
    pub position: Position,
    /// The subnet; `None` for a state that says that it is gone, which matches nothing.
    pub subnet: Option<SubnetIndex>,
    /// Accepted although the subnet has no endpoint.
    pub ignore_missing_endpoint: bool,
    /// `state: Failed`: whether it is in force is not known.
    pub failed: bool,
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
    /// What a proxy says that it forwards for (`tag: XffProxy`), which packets do not show.
    ForwardedFor,
}
