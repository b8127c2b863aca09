//! The lab's test hosts: one a port, with an address that belongs behind it.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};

use ipnet::{IpNet, Ipv4Net};

use super::{Scope, flag, names, not_empty};
use crate::config::finding::{Code, Findings, Span};
use crate::config::model::addresses::ListenPort;
use crate::config::model::lab::{Host as HostModel, Serve as ServeModel};
use crate::config::model::values::OneOrMany;
use crate::config::model::{Field, NetworkFile, Spanned, each};
use crate::config::network::{Attachment, Host, Named, Network, PortIndex, Serve, Subnet};

/// The address that the platform itself uses in every network.
pub(super) const PLATFORM_ADDRESS: Ipv4Addr = Ipv4Addr::new(168, 63, 129, 16);

/// All hosts of the file.
pub(super) fn resolve(file: &NetworkFile, scope: &mut Scope<'_>) -> Vec<Host> {
    let hosts = file.lab.as_ref().map_or(&[][..], |lab| each(&lab.hosts));
    hosts.iter().map(|host| resolve_host(host, scope)).collect()
}

fn resolve_host(model: &Spanned<HostModel>, scope: &mut Scope<'_>) -> Host {
    Host {
        named: Named { name: model.name.as_ref().map_or_else(String::new, |name| name.0.clone()), position: model.span.start },
        port: PortIndex(scope.names.ports.required(&model.port, scope.findings)),
        addresses: model.address.iter().flat_map(|list| list.value.0.iter()).map(|address| address.0).collect(),
        serve: model.serve.as_ref().map_or_else(Serve::default, |serve| resolve_serve(serve, scope.findings)),
        run: model.run.as_ref().map(|command| command.value.clone()),
        forward: flag(&model.forward, false),
    }
}

fn resolve_serve(model: &ServeModel, findings: &mut Findings) -> Serve {
    let ports =
        |field: &Field<OneOrMany<Spanned<ListenPort>>>| field.iter().flat_map(|list| list.value.0.iter().cloned()).collect::<Vec<_>>();
    let (http, tcp, udp) = (ports(&model.http), ports(&model.tcp), ports(&model.udp));
    for listeners in [http.iter().chain(&tcp).collect::<Vec<_>>(), udp.iter().collect()] {
        let mut seen: HashMap<u16, Span> = HashMap::new();
        for port in listeners {
            if let Some(first) = seen.insert(port.0, port.span) {
                findings
                    .report(Code::BadHost, port.span, format!("another listener of the host has port {}", port.0))
                    .related(first, "here");
            }
        }
    }
    let numbers = |list: Vec<Spanned<ListenPort>>| list.iter().map(|port| port.0).collect();
    Serve { http: numbers(http), tcp: numbers(tcp), udp: numbers(udp) }
}

/// Checks hosts against their ports.
pub(super) fn check(file: &NetworkFile, network: &Network, findings: &mut Findings) {
    let hosts = file.lab.as_ref().map_or(&[][..], |lab| each(&lab.hosts));
    let mut taken: HashMap<PortIndex, Span> = HashMap::new();
    for (model, host) in hosts.iter().zip(&network.hosts) {
        let span = model.port.as_ref().map_or(model.span, |port| port.span);
        if let Some(first) = taken.insert(host.port, span).filter(|_| host.port.0 != names::UNRESOLVED) {
            findings
                .report(Code::BadHost, span, "another host is behind this port")
                .related(first, "here")
                .hint("give each host a port of its own");
        }
        if let Some(list) = &model.address {
            not_empty(list.value.0.is_empty(), "a host needs an address", list.span, findings);
        }
        let Some(port) = network.ports.get(host.port.0) else { continue };
        for address in model.address.iter().flat_map(|list| list.value.0.iter()) {
            check_address(address.0, address.span, port.attachment, network, findings);
        }
    }
}

fn check_address(address: IpAddr, span: Span, attachment: Attachment, network: &Network, findings: &mut Findings) {
    let expected = match attachment {
        Attachment::Address(subnet, private) => network.subnets.get(subnet.0).and_then(|subnet| expect_address(address, subnet, private)),
        Attachment::Subnet(subnet) => network.subnets.get(subnet.0).and_then(|subnet| expect_subnet(address, subnet)),
        Attachment::VirtualNetwork(index) if index.0 == names::UNRESOLVED => None,
        Attachment::VirtualNetwork(index) => {
            let mut subnets = network.subnets.iter().filter(|subnet| subnet.virtual_network == index);
            (!subnets.any(|subnet| expect_subnet(address, subnet).is_none()))
                .then(|| "an address of one of the network's subnets".to_owned())
        }
        Attachment::Service(service) => network.services.get(service.0).and_then(|service| {
            let in_tunnel = service.tunnel_addresses().into_iter().map(IpAddr::V6);
            let own: Vec<IpAddr> = service.addresses.iter().copied().chain(in_tunnel).collect();
            (!own.contains(&address)).then(|| format!("one of {own:?}"))
        }),
        Attachment::Gateway(gateway) => network.gateways.get(gateway.0).and_then(|gateway| {
            let inside = gateway.address_prefixes.iter().any(|prefix| prefix.contains(&address));
            (!inside).then(|| "an address of the gateway's addressPrefixes".to_owned())
        }),
        Attachment::Internet => expect_internet(address, network),
        Attachment::Platform => (address != IpAddr::V4(PLATFORM_ADDRESS)).then(|| PLATFORM_ADDRESS.to_string()),
    };
    if let Some(expected) = expected {
        findings
            .report(Code::BadHost, span, format!("{address} does not belong behind the host's port"))
            .hint(format!("expected {expected}"));
    }
}

/// Dual-stack hosts have an IPv6 address beside the one that the port names.
fn expect_address(address: IpAddr, subnet: &Subnet, private: IpAddr) -> Option<String> {
    let wire = wire_address(subnet, private);
    if address == wire || (address.is_ipv4() != private.is_ipv4() && expect_subnet(address, subnet).is_none()) {
        return None;
    }
    Some(format!("{wire}{}", if wire == private { "" } else { ", the wire address" }))
}

fn expect_subnet(address: IpAddr, subnet: &Subnet) -> Option<String> {
    let on_wire = |prefix: &IpNet| match (prefix, subnet.wire_prefix) {
        (IpNet::V4(first), Some(wire)) if Some(*first) == first_v4(subnet) => IpNet::V4(wire),
        (other, _) => *other,
    };
    let prefixes: Vec<IpNet> = subnet.address_prefixes.iter().map(on_wire).collect();
    let inside = prefixes.iter().any(|prefix| prefix.contains(&address));
    (!inside).then(|| format!("an address in {}", prefixes.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ")))
}

fn first_v4(subnet: &Subnet) -> Option<Ipv4Net> {
    subnet.address_prefixes.iter().find_map(|prefix| match prefix {
        IpNet::V4(prefix) => Some(*prefix),
        IpNet::V6(_) => None,
    })
}

/// The address on the wire with the same host bits as the private one.
fn wire_address(subnet: &Subnet, private: IpAddr) -> IpAddr {
    match (private, first_v4(subnet), subnet.wire_prefix) {
        (IpAddr::V4(address), Some(from), Some(to)) if from.contains(&address) => {
            IpAddr::V4(Ipv4Addr::from(u32::from(to.network()) | (u32::from(address) & u32::from(from.hostmask()))))
        }
        _ => private,
    }
}

fn expect_internet(address: IpAddr, network: &Network) -> Option<String> {
    let in_network = network.virtual_networks.iter().flat_map(|network| &network.address_prefixes).any(|prefix| prefix.contains(&address));
    // A default route from on-premises holds everyone's addresses.
    let mut on_premises = network.gateways.iter().flat_map(|gateway| &gateway.address_prefixes).filter(|prefix| prefix.prefix_len() > 1);
    let at_gateway = on_premises.any(|prefix| prefix.contains(&address));
    let at_service = network.services.iter().any(|service| service.addresses.contains(&address));
    let owned = super::addresses::public_addresses(network).any(|(owner, _)| IpAddr::V4(owner) == address);
    let foreign = in_network || at_gateway || at_service || owned || address == IpAddr::V4(PLATFORM_ADDRESS);
    foreign.then(|| "an address that belongs to no network, gateway or service".to_owned())
}
