//! Who has which address: clashes, subnets left, addresses that Azure keeps.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;

use crate::config::finding::{Code, Findings, Span};
use crate::config::model::{NetworkFile, each};
use crate::config::network::{Attachment, Network, Subnet, SubnetIndex, VirtualNetworkIndex};

/// Checks private and public addresses of interfaces, services and ports.
pub(super) fn check(file: &NetworkFile, network: &Network, findings: &mut Findings) {
    let mut owners = Owners::default();
    check_interfaces(file, network, &mut owners, findings);
    check_services(file, network, &mut owners, findings);
    check_private_endpoints(file, network, &mut owners, findings);
    check_ports(file, network, findings);
    check_public(file, network, &mut owners, findings);
}

/// Public addresses of the network's own objects other than services, and what has them.
pub(super) fn public_addresses(network: &Network) -> impl Iterator<Item = (Ipv4Addr, &'static str)> {
    let interfaces =
        network.network_interfaces.iter().filter_map(|interface| interface.public_address).map(|address| (address, "a network interface"));
    let nat = network.nat_gateways.iter().flat_map(|gateway| &gateway.public_addresses).map(|address| (*address, "a NAT gateway"));
    let defaults =
        network.virtual_networks.iter().filter_map(|network| network.default_outbound_address).map(|address| (address, "a network"));
    let gateways = network.gateways.iter().filter_map(|gateway| gateway.public_address).map(|address| (address, "a gateway"));
    let apps = network.services.iter().flat_map(|service| &service.outbound_addresses).map(|address| (*address, "an app"));
    interfaces.chain(nat).chain(defaults).chain(gateways).chain(apps)
}

/// Who was seen at which address, private ones by network.
#[derive(Default)]
struct Owners(HashMap<(Option<VirtualNetworkIndex>, IpAddr), (Span, &'static str)>);

impl Owners {
    fn claim(&mut self, place: Option<VirtualNetworkIndex>, address: IpAddr, span: Span, what: &'static str, findings: &mut Findings) {
        if let Some((first, owner)) = self.0.insert((place, address), (span, what)) {
            findings.report(Code::AddressClash, span, format!("{address} is the address of {owner} already")).related(first, "here");
        }
    }
}

fn check_interfaces(file: &NetworkFile, network: &Network, owners: &mut Owners, findings: &mut Findings) {
    for (model, interface) in each(&file.network_interfaces).iter().zip(&network.network_interfaces) {
        let Some(subnet) = network.subnets.get(interface.subnet.0) else { continue };
        if let (Some(service), Some(place)) = (&subnet.delegation, &model.subnet) {
            findings.report(
                Code::DelegatedSubnet,
                place.span,
                format!("the subnet is delegated to {service}: it takes no network interfaces"),
            );
        }
        for address in model.private_ip_address.iter().flat_map(|list| list.value.0.iter()) {
            check_inside(address.0, address.span, subnet, findings);
            owners.claim(Some(subnet.virtual_network), address.0, address.span, "a network interface", findings);
        }
    }
}

fn check_services(file: &NetworkFile, network: &Network, owners: &mut Owners, findings: &mut Findings) {
    for (model, service) in each(&file.services).iter().zip(&network.services) {
        let subnet = service.subnet.and_then(|index| network.subnets.get(index.0));
        for address in each(&model.addresses).iter().chain(each(&model.scm_addresses)) {
            if let Some(subnet) = subnet {
                check_inside(address.0, address.span, subnet, findings);
            }
            owners.claim(subnet.map(|subnet| subnet.virtual_network), address.0, address.span, "a service", findings);
        }
        if let Some(public) = &model.public_ip_address {
            owners.claim(None, IpAddr::V4(public.0), public.span, "a service", findings);
        }
    }
}

fn check_private_endpoints(file: &NetworkFile, network: &Network, owners: &mut Owners, findings: &mut Findings) {
    for (model, endpoint) in each(&file.private_endpoints).iter().zip(&network.private_endpoints) {
        let (Some(address), Some(subnet)) = (&model.private_ip_address, network.subnets.get(endpoint.subnet.0)) else { continue };
        check_inside(address.0.into(), address.span, subnet, findings);
        owners.claim(Some(subnet.virtual_network), address.0.into(), address.span, "a private endpoint", findings);
    }
}

/// Public addresses have one owner each; only networks may share a default one, and apps those that they send from.
fn check_public(file: &NetworkFile, network: &Network, owners: &mut Owners, findings: &mut Findings) {
    for public in each(&file.network_interfaces).iter().filter_map(|interface| interface.public_ip_address.as_ref()) {
        owners.claim(None, IpAddr::V4(public.0), public.span, "a network interface", findings);
    }
    for public in each(&file.nat_gateways).iter().filter_map(|gateway| gateway.public_ip_addresses.as_ref()).flat_map(|list| &list.value.0)
    {
        owners.claim(None, IpAddr::V4(public.0), public.span, "a NAT gateway", findings);
    }
    for public in each(&file.gateways).iter().filter_map(|gateway| gateway.public_ip_address.as_ref()) {
        owners.claim(None, IpAddr::V4(public.0), public.span, "a gateway", findings);
    }
    check_outbound(file, network, owners, findings);
    for public in each(&file.virtual_networks).iter().filter_map(|network| network.default_outbound_address.as_ref()) {
        if let Some((first, owner)) = owners.0.get(&(None, IpAddr::V4(public.0))) {
            findings
                .report(Code::AddressClash, public.span, format!("{} is the address of {owner} already", public.0))
                .related(*first, "here");
        }
    }
}

/// What apps send from is theirs: apps of one plan share it, nothing else has it.
fn check_outbound(file: &NetworkFile, network: &Network, owners: &Owners, findings: &mut Findings) {
    for (model, service) in each(&file.services).iter().zip(&network.services) {
        let Some(list) = &model.outbound_ip_addresses else { continue };
        for address in service.outbound_addresses.iter().map(|address| IpAddr::V4(*address)).filter(|own| !service.addresses.contains(own))
        {
            if let Some((first, owner)) = owners.0.get(&(None, address)) {
                findings
                    .report(Code::AddressClash, list.span, format!("{address} is the address of {owner} already"))
                    .related(*first, "here");
            }
        }
    }
}

fn check_ports(file: &NetworkFile, network: &Network, findings: &mut Findings) {
    for (model, port) in each(&file.ports).iter().zip(&network.ports) {
        if let (Attachment::Address(SubnetIndex(index), address), Some(text)) = (port.attachment, &model.attach)
            && let Some(subnet) = network.subnets.get(index)
        {
            check_inside(address, text.span, subnet, findings);
        }
    }
}

fn check_inside(address: IpAddr, span: Span, subnet: &Subnet, findings: &mut Findings) {
    if subnet.address_prefixes.is_empty() {
        return;
    }
    let Some(prefix) = subnet.address_prefixes.iter().find(|prefix| prefix.contains(&address)) else {
        let ranges: Vec<String> = subnet.address_prefixes.iter().map(ToString::to_string).collect();
        let message = format!("{address} is not in the subnet `{}`", subnet.named.name);
        findings.report(Code::AddressOutside, span, message).hint(format!("the subnet has {}", ranges.join(", ")));
        return;
    };
    if is_reserved(address, prefix) {
        findings
            .report(Code::ReservedAddress, span, format!("{address} is one of the five addresses of {prefix} that Azure keeps"))
            .hint("the first four addresses of a subnet and its last are the platform's");
    }
}

/// Network, gateway, two for DNS, broadcast (virtual-networks-faq).
fn is_reserved(address: IpAddr, prefix: &IpNet) -> bool {
    match (address, prefix) {
        (IpAddr::V4(address), IpNet::V4(prefix)) => {
            let offset = u32::from(address).wrapping_sub(u32::from(prefix.network()));
            offset < 4 || address == prefix.broadcast()
        }
        (IpAddr::V6(address), IpNet::V6(prefix)) => {
            let offset = u128::from(address).wrapping_sub(u128::from(prefix.network()));
            offset < 4 || address == prefix.broadcast()
        }
        _ => false,
    }
}
