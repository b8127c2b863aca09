//! Services and service endpoint policies.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::RangeInclusive;

use ipnet::Ipv6Net;

use super::{Named, Position, PublicNetworkAccess, ServiceFirewall, ServiceIndex, SubnetIndex};
use crate::policy::service_tunnel;

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
    /// Firewall; `None` where the file gives none (the kind's default: databases are closed, others open).
    pub firewall: Option<ServiceFirewall>,
    /// A private endpoint leads to it: an app without `publicNetworkAccess` is then not public.
    pub has_private_endpoint: bool,
    /// App Service: the subnet that the app is integrated with.
    pub integration: Option<Integration>,
    /// App Service: public addresses that the app sends from; empty: its own.
    pub outbound_addresses: Vec<Ipv4Addr>,
    /// `publicNetworkAccess`, with its place, where given.
    pub public_network_access: Option<(PublicNetworkAccess, Position)>,
    /// Those of `addresses`, the last ones, that the deployment (scm) site of an app has to itself.
    pub scm_addresses: Vec<IpAddr>,
}

/// An app's regional integration with a subnet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Integration {
    /// The subnet.
    pub subnet: SubnetIndex,
    /// Everything that the app sends enters the network (`vnetRouteAllEnabled`), not only what goes to private addresses.
    pub route_all: bool,
    /// The private address that stands for the app; `None` where the subnet has none left.
    pub address: Option<Ipv4Addr>,
}

impl Service {
    /// The IPv6 addresses by which what comes over an endpoint reaches it, each once; none without a tunnel.
    #[must_use]
    pub fn tunnel_addresses(&self) -> Vec<Ipv6Addr> {
        let mut embedded: Vec<Ipv6Addr> = Vec::new();
        let SourceEncoding::ServiceTunnel(prefix) = self.source_encoding else { return embedded };
        for address in &self.addresses {
            if let IpAddr::V4(address) = address {
                let address = service_tunnel::embed(prefix, *address);
                if !embedded.contains(&address) {
                    embedded.push(address);
                }
            }
        }
        embedded
    }
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
    /// An IPv6 address that carries network and subnet; the service's own prefix (any length, /96 as a rule;
    /// one longer than /96 covers the first bits of the IPv4 address, a /128 all of it).
    ServiceTunnel(Ipv6Net),
}

/// A service endpoint policy: an allow-list of storage accounts.
#[derive(Clone, Debug)]
pub struct ServiceEndpointPolicy {
    /// Name and place.
    pub named: Named,
    /// Accounts that it lets through: listed by name, by a resource id, or by the alias of what manages them.
    pub services: Vec<ServiceIndex>,
    /// Accounts of which the file does not say whether a listed subscription, resource group or alias holds them.
    pub unsettled: Vec<ServiceIndex>,
}
