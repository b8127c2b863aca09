//! What a lab will consist of, worked out from the network before anything is made.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};

use ipnet::{IpNet, Ipv4Net};

use super::error::LabError;
use super::files::{lab_name, same_path};
use crate::config::network::{Attachment, Device, Host, Network, Serve, Subnet};

/// Next hop of hosts that are in no subnet; the dataplane answers for it on every port.
const LINK_LOCAL_GATEWAY: Ipv4Addr = Ipv4Addr::new(169, 254, 1, 1);
/// Next hop of every host for IPv6, the address that Azure's router has on a link.
const IPV6_GATEWAY: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0x1234, 0x5678, 0x9abc);

/// A lab to build.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The file's stem: names the socket, the log and the record.
    pub name: String,
    /// The file's absolute path.
    pub file: PathBuf,
    /// Every TAP that the daemon makes, those without a host included.
    pub taps: Vec<String>,
    /// The hosts, in file order.
    pub hosts: Vec<HostPlan>,
    /// Addresses and the names that stand for them, the same for every host.
    pub names: Vec<(IpAddr, Vec<String>)>,
}

/// A host to build.
#[derive(Clone, Debug)]
pub struct HostPlan {
    /// Its name in the file.
    pub name: String,
    /// Its network namespace, `cw-NAME`.
    pub namespace: String,
    /// The port that it is behind.
    pub port: String,
    /// The TAP that moves into the namespace.
    pub device: String,
    /// Its addresses on the wire.
    pub addresses: Vec<HostAddress>,
    /// Its listeners.
    pub serve: Serve,
    /// The user's command.
    pub run: Option<String>,
    /// Forwards packets.
    pub forward: bool,
}

/// An address of a host, and its way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostAddress {
    /// The address on the wire.
    pub address: IpAddr,
    /// Length of the prefix that is on the link.
    pub prefix_length: u8,
    /// Next hop of the default route.
    pub gateway: IpAddr,
}

impl Plan {
    /// Works out the lab of `network`, read from `file`.
    ///
    /// # Errors
    /// [`LabError::NoHosts`], [`LabError::NotATap`], [`LabError::NoSubnet`], [`LabError::NoName`].
    pub fn new(network: &Network, file: &Path) -> Result<Self, LabError> {
        if network.hosts.is_empty() {
            return Err(LabError::NoHosts(network.file.clone()));
        }
        let hosts = network.hosts.iter().map(|host| HostPlan::new(network, host)).collect::<Result<_, _>>()?;
        let taps = network.ports.iter().filter_map(|port| tap(&port.device)).map(str::to_owned).collect();
        Ok(Self { name: lab_name(file)?, file: same_path(file), taps, hosts, names: names(network) })
    }
}

impl HostPlan {
    fn new(network: &Network, host: &Host) -> Result<Self, LabError> {
        let name = host.named.name.clone();
        let not_a_tap = |port: &str| LabError::NotATap { host: name.clone(), port: port.to_owned() };
        let port = network.ports.get(host.port.0).ok_or_else(|| not_a_tap("?"))?;
        let device = tap(&port.device).ok_or_else(|| not_a_tap(&port.named.name))?;
        let on_link = |&address: &IpAddr| {
            HostAddress::new(network, port.attachment, address).ok_or_else(|| LabError::NoSubnet {
                host: name.clone(),
                port: port.named.name.clone(),
                address,
            })
        };
        Ok(Self {
            namespace: format!("cw-{name}"),
            port: port.named.name.clone(),
            device: device.to_owned(),
            addresses: own_addresses(network, port.attachment, host).iter().map(on_link).collect::<Result<_, _>>()?,
            serve: host.serve.clone(),
            run: host.run.clone(),
            forward: host.forward,
            name,
        })
    }

    /// The host speaks IPv6.
    #[must_use]
    pub fn has_ipv6(&self) -> bool {
        self.addresses.iter().any(|address| address.address.is_ipv6())
    }
}

impl HostAddress {
    /// On a port of a subnet the subnet's prefix and first address; elsewhere the address alone and a link-local next hop.
    fn new(network: &Network, attachment: Attachment, address: IpAddr) -> Option<Self> {
        let candidates = match attachment {
            Attachment::VirtualNetwork(index) => network.virtual_networks.get(index.0)?.subnets.clone(),
            Attachment::Subnet(index) | Attachment::Address(index, _) => vec![index],
            Attachment::Service(_) | Attachment::Gateway(_) | Attachment::Internet | Attachment::Platform => {
                return Some(Self::alone(address));
            }
        };
        let subnets = candidates.iter().filter_map(|index| network.subnets.get(index.0));
        subnets.flat_map(wire_prefixes).find(|prefix| prefix.contains(&address)).map(|prefix| Self::in_prefix(address, prefix))
    }

    fn alone(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self { address, prefix_length: 32, gateway: LINK_LOCAL_GATEWAY.into() },
            IpAddr::V6(_) => Self { address, prefix_length: 128, gateway: IPV6_GATEWAY.into() },
        }
    }

    fn in_prefix(address: IpAddr, prefix: IpNet) -> Self {
        let gateway = match prefix {
            IpNet::V4(prefix) => Ipv4Addr::from_bits(prefix.network().to_bits().saturating_add(1)).into(),
            IpNet::V6(_) => IPV6_GATEWAY.into(),
        };
        Self { address, prefix_length: prefix.prefix_len(), gateway }
    }
}

/// The host's addresses as the file gives them, and the IPv6 ones that stand for a service in its tunnel.
fn own_addresses(network: &Network, attachment: Attachment, host: &Host) -> Vec<IpAddr> {
    let mut own = host.addresses.clone();
    own.extend(tunnel_addresses(network, attachment).into_iter().filter(|address| !host.addresses.contains(address)));
    own
}

fn tunnel_addresses(network: &Network, attachment: Attachment) -> Vec<IpAddr> {
    let Attachment::Service(index) = attachment else { return Vec::new() };
    let service = network.services.get(index.0);
    service.map(|service| service.tunnel_addresses().into_iter().map(IpAddr::V6).collect()).unwrap_or_default()
}

fn tap(device: &Device) -> Option<&str> {
    match device {
        Device::Tap(name) => Some(name),
        Device::Interface(_) | Device::Xdp(_) => None,
    }
}

/// The prefixes that hosts behind the TAP really use: the wire prefix stands for the first IPv4 one.
fn wire_prefixes(subnet: &Subnet) -> Vec<IpNet> {
    let replaced = subnet.wire_prefix.and_then(|_| first_ipv4_prefix(subnet)).map(IpNet::V4);
    let kept = subnet.address_prefixes.iter().filter(|prefix| Some(**prefix) != replaced).copied();
    subnet.wire_prefix.map(IpNet::V4).into_iter().chain(kept).collect()
}

fn first_ipv4_prefix(subnet: &Subnet) -> Option<Ipv4Net> {
    subnet.address_prefixes.iter().find_map(|prefix| match prefix {
        IpNet::V4(prefix) => Some(*prefix),
        IpNet::V6(_) => None,
    })
}

/// Services by name and host names, hosts by name; an address stands once, with every name that it has.
fn names(network: &Network) -> Vec<(IpAddr, Vec<String>)> {
    let mut lines: Vec<(IpAddr, Vec<String>)> = Vec::new();
    for service in &network.services {
        for &address in &service.addresses {
            if service.scm_addresses.contains(&address) {
                add_name(&mut lines, address, &format!("{}.scm", service.named.name));
                continue;
            }
            add_name(&mut lines, address, &service.named.name);
            service.host_names.iter().for_each(|name| add_name(&mut lines, address, name));
        }
    }
    for host in &network.hosts {
        let tunnelled = network.ports.get(host.port.0).map(|port| tunnel_addresses(network, port.attachment)).unwrap_or_default();
        // Nobody writes to the address that stands for the service in a tunnel.
        for &address in host.addresses.iter().filter(|address| !tunnelled.contains(address)) {
            add_name(&mut lines, private_address(network, host, address), &host.named.name);
        }
    }
    lines
}

fn add_name(lines: &mut Vec<(IpAddr, Vec<String>)>, address: IpAddr, name: &str) {
    let place = lines.iter().position(|(known, _)| *known == address).unwrap_or_else(|| {
        lines.push((address, Vec::new()));
        lines.len() - 1
    });
    if let Some((_, names)) = lines.get_mut(place)
        && !names.iter().any(|known| known == name)
    {
        names.push(name.to_owned());
    }
}

/// What everyone but the host itself sees: a wire address becomes the private one with the same host bits.
fn private_address(network: &Network, host: &Host, address: IpAddr) -> IpAddr {
    let attachment = network.ports.get(host.port.0).map(|port| port.attachment);
    let subnets = match attachment {
        Some(Attachment::Address(index, _) | Attachment::Subnet(index)) => vec![index],
        Some(Attachment::VirtualNetwork(index)) => network.virtual_networks.get(index.0).map(|it| it.subnets.clone()).unwrap_or_default(),
        _ => Vec::new(),
    };
    let translated = subnets.iter().filter_map(|index| network.subnets.get(index.0)).find_map(|subnet| {
        let (IpAddr::V4(address), Some(wire), Some(private)) = (address, subnet.wire_prefix, first_ipv4_prefix(subnet)) else {
            return None;
        };
        let host_bits = address.to_bits() & wire.hostmask().to_bits();
        wire.contains(&address).then(|| Ipv4Addr::from_bits(private.network().to_bits() | host_bits).into())
    });
    translated.unwrap_or(address)
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
