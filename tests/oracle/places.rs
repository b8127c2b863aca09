//! Who and what is where: names, addresses, ports. The network file's own rules (contract, sections 3 and 4).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use crate::network::{Attach, Gateway, Interface, Peering, Port, PrivateEndpoint, SecurityGroup, Service, Subnet, VirtualNetwork, World};
use crate::tags;

/// DNS, DHCP, health probes (what-is-ip-address-168-63-129-16).
pub const PLATFORM: IpAddr = IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16));
/// Instance metadata (service-tags-overview, AzurePlatformIMDS).
pub const METADATA: IpAddr = IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254));

/// A subnet and its network: the identity of whoever sits in it.
#[derive(Clone, Copy)]
pub struct Home<'w> {
    pub network: &'w VirtualNetwork,
    pub subnet: &'w Subnet,
}

impl Home<'_> {
    pub fn name(&self) -> String {
        format!("{}/{}", self.network.name, self.subnet.name)
    }
}

/// Who sends.
#[derive(Clone, Copy)]
pub enum Sender<'w> {
    Host { home: Home<'w>, interface: Option<&'w Interface>, app: Option<&'w Service> },
    Service(&'w Service),
    Gateway(&'w Gateway),
    Internet,
    Platform,
}

/// What a public address is.
pub enum Public<'w> {
    Interface(&'w Interface),
    Injected(&'w Service),
    Service(&'w Service),
    Internet,
    /// An address of a network or gateway that nobody listens on, or one that is not public.
    Nobody,
}

pub fn same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

impl World {
    pub fn network(&self, name: &str) -> &VirtualNetwork {
        self.networks.iter().find(|network| same(&network.name, name)).expect("a network")
    }

    /// `VNET/SUBNET`.
    pub fn home(&self, name: &str) -> Home<'_> {
        let (network, subnet) = name.split_once('/').expect("VNET/SUBNET");
        let network = self.network(network);
        Home { network, subnet: network.subnets.iter().find(|other| same(&other.name, subnet)).expect("a subnet") }
    }

    pub fn group(&self, name: &str) -> &SecurityGroup {
        self.groups.iter().find(|group| same(&group.name, name)).expect("a security group")
    }

    pub fn location<'w>(&'w self, own: &'w Option<String>) -> &'w str {
        own.as_ref().or(self.location.as_ref()).map_or("", String::as_str)
    }

    /// The subnet of `network` that holds an address.
    pub fn home_in<'w>(&self, network: &'w VirtualNetwork, address: IpAddr) -> Option<Home<'w>> {
        let subnet = network.subnets.iter().find(|subnet| within(&subnet.prefixes, address))?;
        Some(Home { network, subnet })
    }

    /// The interface of `network` that has a private address.
    pub fn interface_at(&self, network: &VirtualNetwork, address: IpAddr) -> Option<&Interface> {
        let of = |interface: &&Interface| same(&self.home(&interface.subnet).network.name, &network.name);
        self.interfaces.iter().filter(of).find(|interface| interface.addresses.contains(&address))
    }

    /// The two halves of the peering from `here` to `there`, where both exist: only then is it connected
    /// (virtual-network-peering-overview).
    pub fn peering<'w>(&'w self, here: &'w VirtualNetwork, there: &'w VirtualNetwork) -> Option<(&'w Peering, &'w Peering)> {
        let going = here.peerings.iter().find(|half| same(&half.remote, &there.name))?;
        let coming = there.peerings.iter().find(|half| same(&half.remote, &here.name))?;
        // A half whose other half was deleted stays Disconnected (virtual-network-manage-peering).
        let is_cut = [going, coming].iter().any(|half| half.state == Some("Disconnected"));
        if is_cut { None } else { Some((going, coming)) }
    }

    /// Connected peers of a network.
    pub fn peers<'w>(&'w self, here: &'w VirtualNetwork) -> impl Iterator<Item = &'w VirtualNetwork> {
        self.networks.iter().filter(move |there| self.peering(here, there).is_some())
    }

    /// Gateways that a network uses: its own, or those of a peer that offers transit and whose gateways it asked to use
    /// (virtual-network-peering-overview).
    pub fn gateways_of<'w>(&'w self, network: &'w VirtualNetwork) -> impl Iterator<Item = &'w Gateway> {
        let uses = |home: &VirtualNetwork| {
            same(&home.name, &network.name)
                || self.peering(network, home).is_some_and(|(mine, theirs)| mine.remote_gateways && theirs.transit)
        };
        self.gateways.iter().filter(move |gateway| uses(self.network(&gateway.network)))
    }

    /// What is at a public address, seen from the internet.
    pub fn public(&self, address: IpAddr) -> Public<'_> {
        let IpAddr::V4(wanted) = address else { return Public::Nobody };
        if let Some(interface) = self.interfaces.iter().find(|interface| interface.public == Some(wanted)) {
            return Public::Interface(interface);
        }
        if let Some(service) = self.services.iter().find(|service| service.subnet.is_some() && service.public == Some(wanted)) {
            return Public::Injected(service);
        }
        if let Some(service) = self
            .services
            .iter()
            .find(|service| service.subnet.is_none() && (service.addresses.contains(&wanted) || service.scm.contains(&wanted)))
        {
            return Public::Service(service);
        }
        if self.is_internet(address) && tags::in_internet(address) { Public::Internet } else { Public::Nobody }
    }

    /// `internet`: what belongs to no network, gateway or service (contract, section 3).
    pub fn is_internet(&self, address: IpAddr) -> bool {
        let IpAddr::V4(wanted) = address else {
            let prefixes = self
                .networks
                .iter()
                .flat_map(|network| &network.prefixes)
                .chain(self.gateways.iter().flat_map(|gateway| &gateway.prefixes));
            let is_tunnelled =
                |service: &Service| service.addresses.iter().chain(&service.scm).any(|own| tunnelled(service, *own) == Some(address));
            return !prefixes.into_iter().any(|prefix| prefix.contains(&address)) && !self.services.iter().any(is_tunnelled);
        };
        let of_network = self.networks.iter().any(|network| within(&network.prefixes, address) || network.default_outbound == Some(wanted));
        let of_nat = self.nat_gateways.iter().any(|nat| nat.addresses.contains(&wanted));
        let of_interface = self.interfaces.iter().any(|interface| interface.public == Some(wanted));
        let of_gateway = self.gateways.iter().any(|gateway| within(&gateway.prefixes, address) || gateway.public == Some(wanted));
        let of_service = self.services.iter().any(|service| {
            service.addresses.contains(&wanted)
                || service.scm.contains(&wanted)
                || service.outbound.contains(&wanted)
                || service.public == Some(wanted)
        });
        !(of_network || of_nat || of_interface || of_gateway || of_service || address == PLATFORM || address == METADATA)
    }

    /// The injected service of `network` that has a private address.
    pub fn injected_at(&self, network: &VirtualNetwork, address: IpAddr) -> Option<&Service> {
        let lives = |service: &&Service| service.subnet.as_ref().is_some_and(|subnet| same(&self.home(subnet).network.name, &network.name));
        self.services.iter().filter(lives).find(|service| service.addresses.iter().any(|own| IpAddr::V4(*own) == address))
    }

    /// The most specific port of a private address.
    pub fn port_of(&self, home: Home<'_>, address: IpAddr) -> Option<&Port> {
        let is = |wanted: &dyn Fn(&Attach) -> bool| self.ports.iter().find(|port| wanted(&port.attach));
        is(&|attach| matches!(attach, Attach::Address(subnet, at) if same(subnet, &home.name()) && *at == address))
            .or_else(|| is(&|attach| matches!(attach, Attach::Subnet(subnet) if same(subnet, &home.name()))))
            .or_else(|| is(&|attach| matches!(attach, Attach::Network(name) if same(name, &home.network.name))))
    }

    pub fn port_to(&self, attach: &Attach) -> Option<&Port> {
        self.ports.iter().find(|port| port.attach == *attach)
    }

    /// Admission and classification: who sends, and the private form of its source; `None` where the source does not belong
    /// behind the port (contract, sections 3 and 4).
    ///
    /// An integrated app sends to private addresses, or to all with `vnetRouteAllEnabled`, as a host of its subnet
    /// (overview-vnet-integration); to others as itself.
    pub fn admit(&self, port: &Port, on_wire: IpAddr, destination: IpAddr) -> Option<(Sender<'_>, IpAddr)> {
        let (sender, source) = self.admit_at(port, on_wire)?;
        let Sender::Service(app) = sender else { return Some((sender, source)) };
        let Some(integration) = app.integration.as_ref() else { return Some((sender, source)) };
        let IpAddr::V4(to) = destination else { return Some((sender, source)) };
        let enters =
            (integration.route_all || to.is_private()) && !app.addresses.contains(&to) && !app.scm.contains(&to) && source.is_ipv4();
        match self.app_address(app) {
            Some(address) if enters => {
                Some((Sender::Host { home: self.home(&integration.subnet), interface: None, app: Some(app) }, address))
            }
            _ => Some((sender, source)),
        }
    }

    /// The private address that stands for an integrated app: the first of its subnet that nothing else in the file has.
    pub fn app_address(&self, app: &Service) -> Option<IpAddr> {
        let subnet = &app.integration.as_ref()?.subnet;
        let home = self.home(subnet);
        let IpNet::V4(prefix) = *home.subnet.prefixes.iter().find(|prefix| prefix.addr().is_ipv4())? else { return None };
        let earlier = self.services.iter().take_while(|other| other.name != app.name);
        let apps: Vec<IpAddr> = earlier
            .filter(|other| other.integration.as_ref().is_some_and(|integration| same(&integration.subnet, subnet)))
            .filter_map(|other| self.app_address(other))
            .collect();
        let attached = |address: IpAddr| {
            self.ports.iter().any(|port| matches!(&port.attach, Attach::Address(at, own) if same(at, subnet) && *own == address))
        };
        let is_free = |address: &IpAddr| {
            !is_nobody(home.subnet, *address)
                && self.interface_at(home.network, *address).is_none()
                && self.injected_at(home.network, *address).is_none()
                && self.private_endpoint_at(home.network, *address).is_none()
                && !apps.contains(address)
                && !attached(*address)
        };
        prefix.hosts().skip(3).map(IpAddr::V4).find(is_free)
    }

    /// The private endpoint of `network` at a private address.
    pub fn private_endpoint_at(&self, network: &VirtualNetwork, address: IpAddr) -> Option<&PrivateEndpoint> {
        let here = |endpoint: &&PrivateEndpoint| same(&self.home(&endpoint.subnet).network.name, &network.name);
        self.private_endpoints.iter().filter(here).find(|endpoint| IpAddr::V4(endpoint.address) == address)
    }

    /// Whether an address stands for something that is not a host there: a private endpoint, an integrated app.
    pub fn stands_in(&self, network: &VirtualNetwork, address: IpAddr) -> bool {
        let here = |app: &&Service| {
            app.integration.as_ref().is_some_and(|integration| same(&self.home(&integration.subnet).network.name, &network.name))
        };
        self.private_endpoint_at(network, address).is_some()
            || self.services.iter().filter(here).any(|app| self.app_address(app) == Some(address))
    }

    fn admit_at(&self, port: &Port, on_wire: IpAddr) -> Option<(Sender<'_>, IpAddr)> {
        match &port.attach {
            Attach::Address(subnet, address) => self.admit_host(self.home(subnet), *address, on_wire),
            Attach::Subnet(name) => {
                let home = self.home(name);
                self.admit_among(&[home], port, on_wire)
            }
            Attach::Network(name) => {
                let network = self.network(name);
                let homes: Vec<Home<'_>> = network.subnets.iter().map(|subnet| Home { network, subnet }).collect();
                self.admit_among(&homes, port, on_wire)
            }
            Attach::Service(name) => {
                let service = self.services.iter().find(|service| same(&service.name, name))?;
                let own = |address: &Ipv4Addr| IpAddr::V4(*address) == on_wire || tunnelled(service, *address) == Some(on_wire);
                service.addresses.iter().chain(&service.scm).any(own).then_some((Sender::Service(service), on_wire))
            }
            Attach::Gateway(name) => {
                let gateway = self.gateways.iter().find(|gateway| same(&gateway.name, name))?;
                within(&gateway.prefixes, on_wire).then_some((Sender::Gateway(gateway), on_wire))
            }
            Attach::Internet => self.is_internet(on_wire).then_some((Sender::Internet, on_wire)),
            Attach::Platform => (on_wire == PLATFORM).then_some((Sender::Platform, on_wire)),
        }
    }

    /// Behind a port for one address: that address; any source, where its interface forwards.
    fn admit_host<'w>(&'w self, home: Home<'w>, own: IpAddr, on_wire: IpAddr) -> Option<(Sender<'w>, IpAddr)> {
        let interface = self.interface_at(home.network, own);
        let source = from_wire(home.subnet, on_wire).unwrap_or(on_wire);
        let is_own = from_wire(home.subnet, on_wire).is_some() && source == own;
        if is_own {
            return Some((Sender::Host { home, interface, app: None }, source));
        }
        (is_ordinary(on_wire) && interface.is_some_and(|interface| interface.forwarding))
            .then_some((Sender::Host { home, interface, app: None }, on_wire))
    }

    /// Behind a port for many addresses: each of them that has no port of its own; any source, where an interface forwards.
    fn admit_among<'w>(&'w self, homes: &[Home<'w>], port: &Port, on_wire: IpAddr) -> Option<(Sender<'w>, IpAddr)> {
        let here = |home: &Home<'w>, address| self.port_of(*home, address).is_some_and(|nearest| nearest.name == port.name);
        for home in homes {
            if let Some(source) = from_wire(home.subnet, on_wire)
                && !is_nobody(home.subnet, source)
                && !self.stands_in(home.network, source)
                && here(home, source)
            {
                let interface = self.interface_at(home.network, source);
                return Some((Sender::Host { home: *home, interface, app: None }, source));
            }
        }
        // Of several forwarders nobody could tell which one sent a foreign source: then none may.
        let forwards = |interface: &&Interface| {
            let home = self.home(&interface.subnet);
            interface.forwarding && interface.addresses.iter().all(|address| here(&home, *address))
        };
        let mut forwarders = self.interfaces.iter().filter(forwards);
        let (Some(interface), None, true) = (forwarders.next(), forwarders.next(), is_ordinary(on_wire)) else { return None };
        Some((Sender::Host { home: self.home(&interface.subnet), interface: Some(interface), app: None }, on_wire))
    }
}

/// What a packet that is routed can have as source: no link-local address.
fn is_ordinary(address: IpAddr) -> bool {
    !matches!(address, IpAddr::V4(address) if address.is_link_local())
}

/// An IPv4 address in a tunnel's IPv6 prefix: `(v4 & ~mask) | (prefix & mask)` (contract, section 4).
pub fn in_tunnel(prefix: IpNet, address: Ipv4Addr) -> IpAddr {
    let IpNet::V6(prefix) = prefix else { unreachable!("tunnels have IPv6 prefixes") };
    let mask = u128::from(prefix.netmask());
    IpAddr::V6(Ipv6Addr::from((u128::from(u32::from(address)) & !mask) | (u128::from(prefix.network()) & mask)))
}

/// The address that a service has in its tunnel, if it has one.
pub fn tunnelled(service: &Service, address: Ipv4Addr) -> Option<IpAddr> {
    service.tunnel.map(|prefix| in_tunnel(prefix, address))
}

/// Whether any of the prefixes holds the address.
pub fn within(prefixes: &[IpNet], address: IpAddr) -> bool {
    prefixes.iter().any(|prefix| prefix.contains(&address))
}

/// Addresses of a subnet that no host can have, whatever sits behind the port: the network's own and the last (broadcast).
pub fn is_nobody(subnet: &Subnet, address: IpAddr) -> bool {
    let ends = |prefix: &&IpNet| prefix.network() == address || (address.is_ipv4() && prefix.broadcast() == address);
    subnet.prefixes.iter().any(|prefix| ends(&prefix))
}

/// The private address that a wire address of the subnet stands for: the one with the same host bits.
fn from_wire(subnet: &Subnet, address: IpAddr) -> Option<IpAddr> {
    match (&subnet.wire_prefix, address) {
        (Some(wire), IpAddr::V4(_)) => wire.contains(&address).then(|| swap(subnet.prefixes[0], address)),
        _ => within(&subnet.prefixes, address).then_some(address),
    }
}

/// The wire address that stands for a private address of the subnet.
pub fn to_wire(subnet: &Subnet, address: IpAddr) -> IpAddr {
    match (&subnet.wire_prefix, address) {
        (Some(wire), IpAddr::V4(_)) => swap(*wire, address),
        _ => address,
    }
}

/// `address` with the network bits of `prefix`.
fn swap(prefix: IpNet, address: IpAddr) -> IpAddr {
    match (prefix, address) {
        (IpNet::V4(prefix), IpAddr::V4(address)) => {
            let mask = u32::from(prefix.netmask());
            IpAddr::V4(Ipv4Addr::from((u32::from(prefix.network()) & mask) | (u32::from(address) & !mask)))
        }
        _ => address,
    }
}
