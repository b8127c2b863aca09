//! The compiled network: immutable, shared by all workers, swapped as a whole.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use foldhash::{HashMap, HashSet, HashSetExt};

use super::host_key::HostKey;
use super::ids::{Ids, PortId, RuleId, Zone};
use super::nsg::SecurityGroup;
use super::question::Sender;
use super::security_admin::SecurityAdmin;
use super::service_firewall::Firewall;
use super::topology::{Gateway, Interface, PrivateEndpoint, Service, Subnet, VirtualNetwork};
use crate::table::address_classes::AddressClasses;
use crate::table::prefix_set::PrefixSet;

/// 168.63.129.16, the platform's address in every network (Azure: what-is-ip-address-168-63-129-16).
pub const PLATFORM_ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16));
/// 169.254.169.254, the instance metadata service.
pub const METADATA_ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254));
/// The dataplane's IPv6 link-local address on every port, made of its MAC address 12:34:56:78:9a:bc.
pub const GATEWAY_LINK_LOCAL: IpAddr = IpAddr::V6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0x1234, 0x5678, 0x9abc));
/// The dataplane's IPv4 address on ports that are no subnet's: the dummy address of RFC 7600.
pub const DUMMY_ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 0, 8));

/// A compiled network. Built by `config::compile`; read by everyone.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// 1 for the first configuration, one more for each reload.
    pub generation: u64,
    /// Names for the stable numbers, as of this snapshot.
    pub ids: Arc<Ids>,
    /// The network's ports.
    pub ports: Vec<SnapshotPort>,
    /// The file, as the user gave its path.
    pub file: String,
    /// Peerings take forwarded packets without `allowForwardedTraffic` (`forwardedTrafficCheck: lenient`).
    pub lenient_forwarded_traffic: bool,
    /// A TCP packet of no known flow is judged like a SYN (`tcpWithoutHandshake: allow-if-rules-allow`), else dropped.
    pub tcp_without_handshake: bool,
    /// What comes to a public address where no security group is, is dropped (`publicAddressWithoutSecurityGroup: closed`).
    pub closed_public_addresses: bool,
    /// Virtual networks.
    pub networks: Vec<VirtualNetwork>,
    /// Subnets of all networks.
    pub subnets: Vec<Subnet>,
    /// Network interfaces and injected services.
    pub interfaces: Vec<Interface>,
    /// Services.
    pub services: Vec<Service>,
    /// Gateways.
    pub gateways: Vec<Gateway>,
    /// Private endpoints.
    pub private_endpoints: Vec<PrivateEndpoint>,
    /// Where things are found by number or address.
    pub directory: Directory,
    /// Classes of addresses among the service tags that rule lists share.
    pub tag_classes: Arc<AddressClasses>,
}

/// Where things are found.
#[derive(Debug, Default)]
pub struct Directory {
    /// Port number → index into [`Snapshot::ports`].
    pub ports: Vec<Option<usize>>,
    /// Zone number → whose it is.
    pub zones: Vec<Option<Place>>,
    /// (network, private address) → interface.
    pub interfaces: HashMap<HostKey, usize>,
    /// (network, private address) → what stands for a service there.
    pub stand_ins: HashMap<HostKey, StandIn>,
    /// Public address → interface.
    pub public_interfaces: HashMap<Ipv4Addr, usize>,
    /// Address → service (not injected).
    pub services: HashMap<IpAddr, usize>,
    /// (subnet, private address) → port that stands for that address alone.
    pub address_ports: HashMap<HostKey, usize>,
    /// Subnet → port that stands for it.
    pub subnet_ports: HashMap<usize, usize>,
    /// Network → port that stands for it.
    pub network_ports: HashMap<usize, usize>,
    /// Subnet → the port of those addresses that have none of their own: the subnet's, or its network's.
    pub home_ports: Vec<Option<usize>>,
    /// Service → port.
    pub service_ports: HashMap<usize, usize>,
    /// Gateway → port.
    pub gateway_ports: HashMap<usize, usize>,
    /// The internet's port.
    pub internet_port: Option<usize>,
    /// The platform's port.
    pub platform_port: Option<usize>,
    /// What belongs to a network, gateway, service or the platform, and so not to the internet.
    pub owned: PrefixSet,
    /// The `Internet` tag.
    pub internet: PrefixSet,
    /// Zone of the internet.
    pub internet_zone: Zone,
    /// Zone of the platform.
    pub platform_zone: Zone,
}

/// A private address that is no host's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StandIn {
    /// A private endpoint's: it leads to a service.
    PrivateEndpoint(usize),
    /// An integrated app's: the service of this index sends from it.
    App(usize),
}

/// Whose a zone is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A subnet's.
    Subnet(usize),
    /// A service's.
    Service(usize),
    /// A gateway's.
    Gateway(usize),
    /// The internet's.
    Internet,
    /// The platform's.
    Platform,
}

/// A port as the policy knows it.
#[derive(Clone, Debug)]
pub struct SnapshotPort {
    /// Its stable number.
    pub id: PortId,
    /// Its name.
    pub name: String,
    /// What is behind it, as the file writes it (`shop/web/10.1.1.4`, `service/func`, `internet`).
    pub attachment: String,
    /// The zone that packets without a subnet of their own count under.
    pub zone: Zone,
    /// What is behind it.
    pub behind: Behind,
}

/// What is behind a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Behind {
    /// One host.
    Address(HostPort),
    /// The hosts of a subnet that have no port of their own.
    Subnet {
        /// The subnet.
        subnet: usize,
        /// The only interface behind the port that forwards; it may send from any address.
        forwarder: Option<usize>,
    },
    /// The hosts of a network whose subnets have no port of their own.
    Network {
        /// The network.
        network: usize,
        /// The only interface behind the port that forwards.
        forwarder: Option<usize>,
    },
    /// A service.
    Service(usize),
    /// A gateway.
    Gateway(usize),
    /// The internet.
    Internet,
    /// The platform.
    Platform,
}

/// The host behind a port that stands for one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostPort {
    /// Its subnet.
    pub subnet: usize,
    /// The subnet's zone.
    pub zone: Zone,
    /// Its private address.
    pub private: IpAddr,
    /// Its address on the wire.
    pub wire: IpAddr,
    /// The interface that the file declares for it.
    pub interface: Option<usize>,
    /// It may send from any address.
    pub forwards: bool,
}

impl Snapshot {
    /// The zones that this configuration has.
    pub fn zones(&self) -> impl Iterator<Item = Zone> + '_ {
        let numbers = self.directory.zones.iter().enumerate().filter(|(_, place)| place.is_some()).map(|(number, _)| number);
        numbers.filter_map(|number| u16::try_from(number).ok()).map(Zone)
    }

    /// The rules that this configuration has and that are counted; a number may come several times.
    pub fn rules(&self) -> impl Iterator<Item = RuleId> + '_ {
        let mut managed: HashSet<*const SecurityAdmin> = HashSet::new();
        let managers = self.subnets.iter().map(|subnet| &subnet.security_admin).filter(move |rules| managed.insert(Arc::as_ptr(rules)));
        let of_managers = managers.flat_map(|rules| rules.rules());
        let of_subnets = self.subnets.iter().filter_map(|subnet| subnet.security_group.as_ref());
        let of_interfaces = self.interfaces.iter().filter_map(|interface| interface.security_group.as_ref());
        let of_services = self.services.iter().flat_map(Service::firewalls);
        // Subnets share their groups: each is looked at once.
        let mut seen: HashSet<*const SecurityGroup> = HashSet::new();
        let groups = of_subnets.chain(of_interfaces).filter(move |group| seen.insert(Arc::as_ptr(group)));
        groups.flat_map(|group| group.rules()).chain(of_services.flat_map(Firewall::rules)).chain(of_managers)
    }

    /// The port with this number, where the configuration has it (still).
    #[must_use]
    pub fn port(&self, id: PortId) -> Option<&SnapshotPort> {
        let index = (*self.directory.ports.get(usize::from(id.0))?)?;
        self.ports.get(index)
    }

    /// The name of a zone, as metrics print it.
    #[must_use]
    pub fn zone_name(&self, zone: Zone) -> &str {
        self.ids.zones.names().get(usize::from(zone.0)).map_or("unknown", |name| name.as_str())
    }

    /// Whose a zone is, where the configuration has it (still).
    #[must_use]
    pub fn place(&self, zone: Zone) -> Option<Place> {
        *self.directory.zones.get(usize::from(zone.0))?
    }

    /// The subnet with this index.
    #[must_use]
    pub fn subnet(&self, index: usize) -> Option<&Subnet> {
        self.subnets.get(index)
    }

    /// The network that a subnet is in.
    #[must_use]
    pub fn network_of(&self, subnet: usize) -> Option<&VirtualNetwork> {
        self.networks.get(self.subnets.get(subnet)?.network)
    }

    /// The subnet of a network that holds an address (private form).
    #[must_use]
    pub fn subnet_at(&self, network: usize, address: IpAddr) -> Option<usize> {
        let network = self.networks.get(network)?;
        network.subnets.get(network.places.private.find(address)?).copied()
    }

    /// The interface that a network has at an address (private form).
    #[must_use]
    pub fn interface_at(&self, network: usize, address: IpAddr) -> Option<usize> {
        self.directory.interfaces.get(&HostKey::new(network, address)).copied()
    }

    /// What stands for a service at an address of a network (private form).
    #[must_use]
    pub fn stand_in(&self, network: usize, address: IpAddr) -> Option<StandIn> {
        self.directory.stand_ins.get(&HostKey::new(network, address)).copied()
    }

    /// The most specific port that stands for an address (private form) of a subnet.
    #[must_use]
    pub fn port_of(&self, subnet: usize, address: IpAddr) -> Option<&SnapshotPort> {
        let directory = &self.directory;
        let own = directory.address_ports.get(&HostKey::new(subnet, address)).copied();
        self.ports.get(own.or_else(|| directory.home_ports.get(subnet).copied().flatten())?)
    }

    /// Where our own packets to a sender come from (ICMP errors, ARP requests): the first address of its subnet, as its
    /// hosts see it. Elsewhere the IPv4 dummy address of RFC 7600, and our link-local address for IPv6.
    #[must_use]
    pub fn gateway_address(&self, sender: &Sender, ipv6: bool) -> IpAddr {
        let fallback = if ipv6 { GATEWAY_LINK_LOCAL } else { DUMMY_ADDRESS };
        let Sender::Subnet { subnet, .. } = sender else { return fallback };
        let Some(subnet) = self.subnets.get(*subnet) else { return fallback };
        subnet.gateway(ipv6).map_or(fallback, |gateway| subnet.wire_of(gateway))
    }
}
