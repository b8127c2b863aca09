//! Services that live in subnets: whether their network lets them (`config::catalogue` says what they need).

mod subnet;
mod traffic;

use std::net::IpAddr;

use crate::config::catalogue::{self, Entry};
use crate::config::finding::{Findings, Span};
use crate::config::model::services::Service as ServiceModel;
use crate::config::model::{NetworkFile, Spanned, each};
use crate::config::network::{Network, Subnet, SubnetIndex};

/// A service, or a gateway, and the subnet that it lives in or sends from.
struct Tenant<'a> {
    name: &'a str,
    entry: &'static Entry,
    subnet: SubnetIndex,
    /// Where the file puts it into the subnet.
    place: Span,
    /// Its private addresses; none for what is not in the subnet itself.
    addresses: &'a [IpAddr],
    /// Its region.
    location: Option<&'a str>,
    /// Index of the service; `None` for a gateway and an integrated app.
    service: Option<usize>,
}

impl<'a> Tenant<'a> {
    fn home<'n>(&self, network: &'n Network) -> Option<&'n Subnet> {
        network.subnets.get(self.subnet.0)
    }

    /// `cache` (Azure Cache for Redis, Premium).
    fn label(&self) -> String {
        format!("`{}` ({})", self.name, self.entry.label())
    }
}

/// Checks every tenant's subnet and, in a file without errors, what reaches it.
pub(super) fn check(file: &NetworkFile, network: &Network, findings: &mut Findings) {
    let tenants = tenants(file, network);
    for tenant in &tenants {
        subnet::check(tenant, &tenants, network, findings);
    }
    if !findings.has_errors() {
        traffic::check(&tenants, network, findings);
    }
}

fn tenants<'a>(file: &'a NetworkFile, network: &'a Network) -> Vec<Tenant<'a>> {
    let mut tenants = Vec::new();
    for (index, (model, service)) in each(&file.services).iter().zip(&network.services).enumerate() {
        let location = service.location.as_deref();
        let name = service.named.name.as_str();
        if let (Some(subnet), Some(place)) = (service.subnet, &model.subnet)
            && let Some(entry) = catalogue::injected(&service.kind, variant(model))
        {
            let addresses = service.addresses.as_slice();
            tenants.push(Tenant { name, entry, subnet, place: place.span, addresses, location, service: Some(index) });
        }
        if let (Some(integration), Some(place)) = (&service.integration, &model.virtual_network_subnet_id)
            && let Some(entry) = catalogue::integrated(&service.kind)
        {
            let subnet = integration.subnet;
            tenants.push(Tenant { name, entry, subnet, place: place.span, addresses: &[], location, service: None });
        }
    }
    tenants.extend(gateways(file, network));
    tenants
}

/// Gateways, where their network has the subnet that they need.
fn gateways<'a>(file: &'a NetworkFile, network: &'a Network) -> impl Iterator<Item = Tenant<'a>> {
    each(&file.gateways).iter().zip(&network.gateways).filter_map(|(model, gateway)| {
        let home = network.virtual_networks.get(gateway.virtual_network.0)?;
        let is_its = |index: &&SubnetIndex| network.subnets.get(index.0).is_some_and(is_gateway_subnet);
        let subnet = *home.subnets.iter().find(is_its)?;
        let entry = catalogue::injected("Microsoft.Network/virtualNetworkGateways", None)?;
        let place = model.virtual_network.as_ref()?.span;
        Some(Tenant { name: &gateway.named.name, entry, subnet, place, addresses: &[], location: None, service: None })
    })
}

fn is_gateway_subnet(subnet: &Subnet) -> bool {
    subnet.named.name.eq_ignore_ascii_case("GatewaySubnet")
}

fn variant(model: &Spanned<ServiceModel>) -> Option<&str> {
    model.sku.as_ref().or(model.variant.as_ref()).map(|text| text.value.as_str())
}

/// A place without length.
fn at(position: crate::policy::position::Position) -> Span {
    Span { start: position, end: position }
}
