//! Private endpoints.

use std::net::Ipv4Addr;

use super::{Named, Network, ServiceIndex, SubnetIndex};

/// A private endpoint: an address of a subnet that stands for a service.
#[derive(Clone, Debug)]
pub struct PrivateEndpoint {
    /// Name and place.
    pub named: Named,
    /// The subnet that it is in.
    pub subnet: SubnetIndex,
    /// Its address there.
    pub address: Ipv4Addr,
    /// The service that it leads to.
    pub service: ServiceIndex,
}

/// What of a subnet applies to the private endpoints in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PrivateEndpointNetworkPolicies {
    /// Nothing.
    #[default]
    Disabled,
    /// NSGs, and route tables of those who send.
    Enabled,
    /// NSGs.
    NetworkSecurityGroupEnabled,
    /// Route tables of those who send.
    RouteTableEnabled,
}

impl PrivateEndpointNetworkPolicies {
    /// Whether the subnet's NSG looks at what arrives.
    #[must_use]
    pub const fn security_groups(self) -> bool {
        matches!(self, Self::Enabled | Self::NetworkSecurityGroupEnabled)
    }

    /// Whether user routes may lead elsewhere.
    #[must_use]
    pub const fn route_tables(self) -> bool {
        matches!(self, Self::Enabled | Self::RouteTableEnabled)
    }
}

impl Network {
    /// Tells each service whether a private endpoint leads to it.
    pub(crate) fn mark_private_endpoints(&mut self) {
        for endpoint in &self.private_endpoints {
            if let Some(service) = self.services.get_mut(endpoint.service.0) {
                service.has_private_endpoint = true;
            }
        }
    }
}
