//! WHO and WHERE: the words of a question → sender and destination.

use std::net::IpAddr;

use crate::config::nearest::did_you_mean;
use crate::config::network::{Attachment, Host, Network, Port, Service};
use crate::policy::admission;
use crate::policy::question::Sender;
use crate::policy::snapshot::{PLATFORM_ADDRESS, Place, Snapshot};
use crate::wire::protocol;

/// Who sends.
#[derive(Debug, PartialEq, Eq)]
pub struct From {
    /// The identity that admission would give it.
    pub sender: Sender,
    /// The source, private form.
    pub source: IpAddr,
    /// The source is not the sender's: what it does not belong behind.
    pub spoofed_at: Option<String>,
}

/// Where to.
#[derive(Debug, PartialEq, Eq)]
pub struct To {
    /// The address as sent.
    pub address: IpAddr,
    /// IP protocol number.
    pub protocol: u8,
    /// Port; 0 where the protocol has none.
    pub port: u16,
}

impl To {
    /// TCP or UDP.
    #[must_use]
    pub const fn has_ports(&self) -> bool {
        matches!(self.protocol, protocol::TCP | protocol::UDP)
    }
}

/// Whether WHERE is an IPv6 address, an IPv4 address, or a name.
#[must_use]
pub fn family(to: &str) -> Option<bool> {
    let rest = to.rsplit_once('/').map_or(to, |(rest, _)| rest);
    split_port(rest).ok()?.0.parse::<IpAddr>().ok().map(|address| address.is_ipv6())
}

/// Understands WHO; `source` is the packet's source where it is not the sender's own, `ipv6` says which of a sender's
/// addresses is meant.
///
/// # Errors
/// A sentence that says what is wrong with WHO.
pub fn sender(network: &Network, snapshot: &Snapshot, who: &str, source: Option<IpAddr>, ipv6: Option<bool>) -> Result<From, String> {
    let (place, own) = place(network, snapshot, who, source, ipv6)?;
    let source = source.unwrap_or(own);
    let foreign = source != own;
    let from = |sender, belongs: bool| From { sender, source, spoofed_at: (!belongs).then(|| who.to_owned()) };
    Ok(match place {
        Place::Subnet(subnet) => {
            let at = snapshot.subnet(subnet).map_or(usize::MAX, |subnet| subnet.network);
            let interface = snapshot.interface_at(at, own);
            let forwards =
                interface.and_then(|index| snapshot.interfaces.get(index)).is_some_and(|interface| interface.enable_ip_forwarding);
            from(
                Sender::Subnet { subnet, interface, forwarded: foreign },
                if foreign { forwards } else { admission::belongs(snapshot, place, own) },
            )
        }
        Place::Service(service) => from(Sender::Service(service), admission::belongs(snapshot, place, source)),
        Place::Gateway(gateway) => from(Sender::Gateway(gateway), admission::belongs(snapshot, place, source)),
        Place::Internet => from(Sender::Internet, admission::belongs(snapshot, place, source)),
        Place::Platform => from(Sender::Platform, admission::belongs(snapshot, place, source)),
    })
}

/// The place that WHO names, and its address there (private form).
fn place(network: &Network, snapshot: &Snapshot, who: &str, source: Option<IpAddr>, ipv6: Option<bool>) -> Result<(Place, IpAddr), String> {
    let lower = who.to_ascii_lowercase();
    match lower.split('/').collect::<Vec<_>>().as_slice() {
        ["platform"] => Ok((Place::Platform, PLATFORM_ADDRESS)),
        ["internet", address] => Ok((Place::Internet, parse_address(address)?)),
        ["service", name] => service_place(network, snapshot, name),
        ["gateway", name, address] => {
            let index = position(network.gateways.iter().map(|gateway| &gateway.named.name), name, "gateway")?;
            Ok((Place::Gateway(index), parse_address(address)?))
        }
        [virtual_network, subnet, address] => {
            let index = subnet_index(network, virtual_network, subnet)?;
            let address = parse_address(address)?;
            let inside = snapshot.subnet(index).is_some_and(|subnet| subnet.contains(address));
            if inside {
                Ok((Place::Subnet(index), address))
            } else {
                Err(format!("{address} is not an address of {virtual_network}/{subnet}"))
            }
        }
        [_] => named_place(network, snapshot, who, source, ipv6),
        _ => Err(format!(
            "`{who}` is not a sender: name a port or host, or write VNET/SUBNET/ADDRESS, internet/ADDRESS, gateway/NAME/ADDRESS, service/NAME or platform"
        )),
    }
}

fn service_place(network: &Network, snapshot: &Snapshot, name: &str) -> Result<(Place, IpAddr), String> {
    let index = position(network.services.iter().map(|service| &service.named.name), name, "service")?;
    let service = snapshot.services.get(index).ok_or("the service is gone")?;
    let address = *service.addresses.first().ok_or_else(|| format!("{name} has no address"))?;
    Ok((service.subnet.map_or(Place::Service(index), Place::Subnet), address))
}

fn subnet_index(network: &Network, virtual_network: &str, subnet: &str) -> Result<usize, String> {
    let index = position(network.virtual_networks.iter().map(|network| &network.named.name), virtual_network, "virtual network")?;
    let subnets = network.virtual_networks.get(index).map(|network| network.subnets.as_slice()).unwrap_or_default();
    let names: Vec<&String> = subnets.iter().filter_map(|index| network.subnets.get(index.0)).map(|subnet| &subnet.named.name).collect();
    let at = position(names.into_iter(), subnet, &format!("subnet of {virtual_network}"))?;
    subnets.get(at).map(|index| index.0).ok_or_else(|| format!("no subnet {subnet}"))
}

/// A port or host by name: a port first, unless it stands for many addresses and a host of that name for one, or only the
/// host behind it has an address of the family that is meant.
fn named_place(
    network: &Network,
    snapshot: &Snapshot,
    who: &str,
    source: Option<IpAddr>,
    ipv6: Option<bool>,
) -> Result<(Place, IpAddr), String> {
    let port = network.ports.iter().find(|port| same(&port.named.name, who));
    let host = network.hosts.iter().find(|host| same(&host.named.name, who));
    let by_port = port.and_then(|port| port_place(snapshot, port, source));
    let by_host = host.and_then(|host| host_place(network, snapshot, host, ipv6));
    let meant = |(_, own): &(Place, IpAddr)| ipv6.is_none_or(|ipv6| own.is_ipv6() == ipv6);
    let found = by_port.filter(meant).or(by_host.filter(meant)).or(by_port).or(by_host);
    found.ok_or_else(|| match (port, host) {
        (Some(_), _) => format!(
            "the port `{who}` stands for many addresses: say which one, as VNET/SUBNET/ADDRESS, internet/ADDRESS or gateway/NAME/ADDRESS"
        ),
        (None, Some(_)) => format!("the host `{who}` has no address that belongs behind its port"),
        (None, None) => {
            let ports = network.ports.iter().map(|port| port.named.name.as_str());
            no_such("port or host", who, ports.chain(network.hosts.iter().map(|host| host.named.name.as_str())))
        }
    })
}

fn port_place(snapshot: &Snapshot, port: &Port, source: Option<IpAddr>) -> Option<(Place, IpAddr)> {
    match port.attachment {
        Attachment::Address(subnet, address) => Some((Place::Subnet(subnet.0), address)),
        Attachment::Service(index) => {
            let service = snapshot.services.get(index.0)?;
            let [address] = service.addresses.as_slice() else {
                return service.addresses.first().map(|address| (Place::Service(index.0), source.unwrap_or(*address)));
            };
            Some((service.subnet.map_or(Place::Service(index.0), Place::Subnet), *address))
        }
        Attachment::Platform => Some((Place::Platform, PLATFORM_ADDRESS)),
        // What stands for many addresses is told which one by the packet's source.
        Attachment::Internet => Some((Place::Internet, source?)),
        Attachment::Gateway(gateway) => Some((Place::Gateway(gateway.0), source?)),
        Attachment::Subnet(_) | Attachment::VirtualNetwork(_) => None,
    }
}

/// A host's place and its address there; files give hosts' addresses as they are on the wire.
fn host_place(network: &Network, snapshot: &Snapshot, host: &Host, ipv6: Option<bool>) -> Option<(Place, IpAddr)> {
    let attachment = network.ports.get(host.port.0)?.attachment;
    let address = *host.addresses.iter().find(|address| Some(address.is_ipv6()) == ipv6).or(host.addresses.first())?;
    let in_subnet = |subnet: usize| snapshot.subnet(subnet)?.private_of(address).map(|private| (Place::Subnet(subnet), private));
    match attachment {
        Attachment::Address(subnet, private) if private.is_ipv6() == address.is_ipv6() => Some((Place::Subnet(subnet.0), private)),
        Attachment::Address(subnet, _) | Attachment::Subnet(subnet) => in_subnet(subnet.0),
        Attachment::VirtualNetwork(index) => snapshot.networks.get(index.0)?.subnets.iter().find_map(|subnet| in_subnet(*subnet)),
        Attachment::Service(service) => Some((Place::Service(service.0), address)),
        Attachment::Gateway(gateway) => Some((Place::Gateway(gateway.0), address)),
        Attachment::Internet => Some((Place::Internet, address)),
        Attachment::Platform => Some((Place::Platform, PLATFORM_ADDRESS)),
    }
}

/// Understands WHERE. `ipv6`: which of a name's addresses is meant.
///
/// # Errors
/// A sentence that says what is wrong with WHERE.
pub fn destination(network: &Network, snapshot: &Snapshot, to: &str, ipv6: bool) -> Result<To, String> {
    let (rest, protocol) = match to.rsplit_once('/') {
        Some((rest, protocol)) => (rest, Some(protocol)),
        None => (to, None),
    };
    let (name, port) = split_port(rest)?;
    let (address, first_port) = locate(network, snapshot, name, ipv6)?;
    let protocol = protocol_number(protocol.unwrap_or("tcp"), address)?;
    // A question without a port asks for a service's first one, and elsewhere for plain HTTP.
    let port = if matches!(protocol, protocol::TCP | protocol::UDP) { port.or(first_port).unwrap_or(80) } else { 0 };
    Ok(To { address, protocol, port })
}

/// `NAME:PORT`, `[ADDRESS]:PORT`; a bare IPv6 address has no port.
fn split_port(text: &str) -> Result<(&str, Option<u16>), String> {
    let parse = |port: &str| port.parse::<u16>().map_err(|_| format!("`{port}` is not a port: 0 to 65535"));
    if let Some((address, rest)) = text.strip_prefix('[').and_then(|text| text.split_once(']')) {
        return match rest.strip_prefix(':') {
            Some(port) => Ok((address, Some(parse(port)?))),
            None if rest.is_empty() => Ok((address, None)),
            None => Err(format!("`{text}` is not an address: write [ADDRESS]:PORT")),
        };
    }
    if text.parse::<IpAddr>().is_ok() {
        return Ok((text, None));
    }
    match text.split_once(':') {
        Some((name, port)) => Ok((name, Some(parse(port)?))),
        None => Ok((text, None)),
    }
}

/// The address of a name, looked up as service, host, port, interface; and a service's first port.
fn locate(network: &Network, snapshot: &Snapshot, name: &str, ipv6: bool) -> Result<(IpAddr, Option<u16>), String> {
    if let Ok(address) = name.parse() {
        return Ok((address, None));
    }
    let best = |addresses: &[IpAddr]| addresses.iter().find(|address| address.is_ipv6() == ipv6).or(addresses.first()).copied();
    if let Some(service) = network.services.iter().find(|service| same(&service.named.name, name))
        && let Some(address) = best(&service.addresses)
    {
        return Ok((address, service.ports.first().map(|range| *range.start())));
    }
    if let Some(service) = network.services.iter().find(|service| same(&format!("{}.scm", service.named.name), name)) {
        let address = best(deployment_site(service)?).ok_or_else(|| format!("{name} has no address"))?;
        return Ok((address, service.ports.first().map(|range| *range.start())));
    }
    let host =
        network.hosts.iter().find(|host| same(&host.named.name, name)).and_then(|host| host_place(network, snapshot, host, Some(ipv6)));
    let port = || network.ports.iter().find(|port| same(&port.named.name, name)).and_then(|port| port_place(snapshot, port, None));
    let interface = || {
        network
            .network_interfaces
            .iter()
            .find(|interface| same(&interface.named.name, name))
            .and_then(|found| best(&found.private_addresses))
    };
    let link =
        || network.private_endpoints.iter().find(|endpoint| same(&endpoint.named.name, name)).map(|endpoint| endpoint.address.into());
    let found = host.or_else(port).map(|(_, address)| address).or_else(interface).or_else(link);
    found.map(|address| (address, None)).ok_or_else(|| not_found(network, name))
}

/// Where the deployment (scm) site of an app is: at addresses of its own, else, if it uses the site's list, at the site's.
fn deployment_site(service: &Service) -> Result<&[IpAddr], String> {
    let own_list = service.firewall.as_ref().is_some_and(|firewall| firewall.scm.is_some());
    match service.scm_addresses.as_slice() {
        [] if own_list => {
            Err(format!("packets do not tell {}'s deployment site apart: give the service `scmAddresses`", service.named.name))
        }
        [] => Ok(&service.addresses),
        own => Ok(own),
    }
}

fn not_found(network: &Network, name: &str) -> String {
    if network.ports.iter().any(|port| same(&port.named.name, name)) {
        return format!("the port `{name}` stands for many addresses: write the one that is meant");
    }
    let names = network.services.iter().map(|service| &service.named.name).chain(network.hosts.iter().map(|host| &host.named.name));
    let names = names
        .chain(network.ports.iter().map(|port| &port.named.name))
        .chain(network.network_interfaces.iter().map(|interface| &interface.named.name));
    no_such("service, host, port or interface", name, names.map(String::as_str))
}

fn protocol_number(name: &str, destination: IpAddr) -> Result<u8, String> {
    match name.to_ascii_lowercase().as_str() {
        "tcp" => Ok(protocol::TCP),
        "udp" => Ok(protocol::UDP),
        "icmp" if destination.is_ipv6() => Ok(protocol::ICMPV6),
        "icmp" => Ok(protocol::ICMP),
        "icmpv6" => Ok(protocol::ICMPV6),
        "esp" => Ok(protocol::ESP),
        "ah" => Ok(protocol::AH),
        // Nothing carries these; who asks is told so.
        "gre" => Ok(47),
        "ipip" => Ok(4),
        _ => Err(format!("`{name}` is not a protocol: tcp, udp, icmp, esp or ah")),
    }
}

fn parse_address(text: &str) -> Result<IpAddr, String> {
    text.trim_start_matches('[').trim_end_matches(']').parse().map_err(|_| format!("`{text}` is not an IP address"))
}

fn position<'a>(names: impl Iterator<Item = &'a String> + Clone, wanted: &str, kind: &str) -> Result<usize, String> {
    let found = names.clone().position(|name| same(name, wanted));
    found.ok_or_else(|| no_such(kind, wanted, names.map(String::as_str)))
}

fn no_such<'a>(kind: &str, name: &str, names: impl Iterator<Item = &'a str>) -> String {
    let suggestion = did_you_mean(name, names).map(|hint| format!("; {hint}")).unwrap_or_default();
    format!("there is no {kind} `{name}`{suggestion}")
}

fn same(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b)
}
