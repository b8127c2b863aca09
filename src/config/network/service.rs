//! Services and service endpoint policies.

use std::net::{IpAddr, Ipv4Addr};
use std::ops::RangeInclusive;

use ipnet::Ipv6Net;

use super::{Named, ServiceFirewall, ServiceIndex, SubnetIndex};

/// A service.
#[derive(Clone, Debug)]
pub struct Service {
    /// Name and place.
    pub named: Named,
    /// Resource type, canonical spelling (`Microsoft.Storage/storageAccounts`).
    pub kind: String,
    /// Region, lower case.
    pub location: Option<String>,
    /// Its addresses, at least one; for an injected one private.
    pub addresses: Vec<IpAddr>,
    /// Host names.
    pub host_names: Vec<String>,
    /// Ports that it answers on; empty: any (a type without known ports).
    pub ports: Vec<RangeInclusive<u16>>,
    /// What a refused client is shown.
    pub denial: Denial,
    /// How it sees sources that come over an endpoint.
    pub source_encoding: SourceEncoding,
    /// Injected: the subnet it lives in.
    pub subnet: Option<SubnetIndex>,
    /// Injected: a public address that it keeps.
    pub public_address: Option<Ipv4Addr>,
    /// Firewall; `None` where the file gives none (open).
    pub firewall: Option<ServiceFirewall>,
}

/// What a refused client is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denial {
    /// TCP reset; ICMP unreachable for others.
    Reset,
    /// On a plain-HTTP port (80) the 403 page; on others a reset.
    Http403,
    /// Nothing.
    Drop,
}

/// How a service sees sources that come over an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceEncoding {
    /// The private IPv4 address.
    Private,
    /// An IPv6 address that carries network and subnet; the service's own prefix (any length, /96 as a rule).
    ServiceTunnel(Ipv6Net),
}

/// A service endpoint policy: an allow-list of storage accounts.
#[derive(Clone, Debug)]
pub struct ServiceEndpointPolicy {
    /// Name and place.
    pub named: Named,
    /// Listed services.
    pub services: Vec<ServiceIndex>,
}
