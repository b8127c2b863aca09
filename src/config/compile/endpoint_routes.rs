//! Routes of service endpoints (Azure: virtual-network-service-endpoints-overview, service-tags-overview).

use std::sync::Arc;

use ipnet::IpNet;

use super::{Compiler, service_kinds};
use crate::config::network::{ServiceEndpoint, Subnet, VirtualNetwork};
use crate::config::regions;
use crate::policy::question::RouteSource;
use crate::policy::route::{Hop, Origin, Route};

/// What an endpoint's prefixes depend on: its service's tag, and the regions that it covers (`None`: all).
pub(super) type Extent = (Option<&'static str>, Option<Vec<String>>);

/// The extent of an endpoint of a subnet.
pub(super) fn extent(subnet: &Subnet, network: &VirtualNetwork, endpoint: &ServiceEndpoint) -> Extent {
    (service_kinds::routed_tag(&endpoint.service), limited_to(subnet, network, endpoint))
}

/// The route of an endpoint, which names its place.
pub(super) fn endpoint_route(endpoint: &ServiceEndpoint) -> Route {
    let origin = Origin { table: None, name: endpoint.service.clone(), position: endpoint.position };
    Route { hop: Hop::Endpoint, source: RouteSource::Default, origin: Some(Arc::new(origin)) }
}

impl Compiler<'_> {
    /// Exactly the prefixes of the service's tag, of the regions that the endpoint covers. IPv4 only.
    pub(super) fn endpoint_prefixes(&self, (tag, regions): &Extent) -> Vec<IpNet> {
        let Some(tag) = tag else { return Vec::new() };
        let mut prefixes: Vec<IpNet> = match regions {
            Some(regions) => regions.iter().flat_map(|region| self.regional_prefixes(tag, region)).collect(),
            None => self.tags.prefixes(tag),
        };
        prefixes.retain(|prefix| matches!(prefix, IpNet::V4(_)));
        prefixes
    }

    /// The prefixes of a tag in a region, under every spelling that tags have for it.
    fn regional_prefixes(&self, tag: &str, region: &str) -> Vec<IpNet> {
        regions::tag_spellings(region).flat_map(|spelling| self.tags.prefixes(&format!("{tag}.{spelling}"))).collect()
    }
}

/// The regions that an endpoint covers: those of the service's rule, and of these only its `locations`, where it has
/// any. `None`: all.
fn limited_to(subnet: &Subnet, network: &VirtualNetwork, endpoint: &ServiceEndpoint) -> Option<Vec<String>> {
    let has_policies = !subnet.service_endpoint_policies.is_empty();
    let storage = ["Microsoft.Storage", "Microsoft.Storage.Global"].iter().any(|name| endpoint.service.eq_ignore_ascii_case(name));
    let covered = service_kinds::covered_regions(&endpoint.service, network.location.as_deref(), has_policies);
    let global = endpoint.service.eq_ignore_ascii_case("Microsoft.Storage.Global") || (storage && has_policies);
    match covered {
        covered if global || endpoint.locations.is_empty() => covered,
        Some(covered) => Some(covered.into_iter().filter(|region| endpoint.locations.contains(region)).collect()),
        None => Some(endpoint.locations.clone()),
    }
}
