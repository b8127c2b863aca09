//! The compiled objects of a [`Snapshot`](super::snapshot::Snapshot): what stands where. Indices are the snapshot's.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::ids::Zone;
use super::nsg::SecurityGroup;
use super::position::Position;
use super::question::Shown;
use super::reserved::is_reserved;
use super::route::Routes;
use super::security_admin::SecurityAdmin;
use super::service_firewall::Firewall;
use super::service_tunnel;
use super::subnet_places::SubnetPlaces;
use crate::table::port_set::PortSet;
use crate::table::prefix_set::PrefixSet;

/// A virtual network.
#[derive(Clone, Debug)]
pub struct VirtualNetwork {
    /// Name as written.
    pub name: String,
    /// Region, lower case; `None` where the file gives none (all is one region).
    pub location: Option<String>,
    /// Address space.
    pub address_prefixes: Vec<IpNet>,
    /// Its subnets.
    pub subnets: Vec<usize>,
    /// What the internet sees of hosts without a public address of their own.
    pub default_outbound_address: Option<Ipv4Addr>,
    /// TCP idle timeout, where given.
    pub tcp_idle: Option<Duration>,
    /// This network's halves of connected peerings.
    pub peerings: Vec<Peering>,
    /// Which of the subnets an address is in.
    pub places: SubnetPlaces,
}

impl VirtualNetwork {
    /// Whether an address lies in the network's address space.
    #[must_use]
    pub fn holds(&self, address: IpAddr) -> bool {
        self.address_prefixes.iter().any(|prefix| prefix.contains(&address))
    }
}

/// One half of a connected peering.
#[derive(Clone, Copy, Debug)]
pub struct Peering {
    /// The other network.
    pub remote: usize,
    /// Hosts here may reach hosts there.
    pub allow_virtual_network_access: bool,
    /// Packets that come from there, but not from that network's own hosts, are taken.
    pub allow_forwarded_traffic: bool,
    /// Gateways here serve the other network: allowGatewayTransit here, useRemoteGateways there.
    pub shares_gateway: bool,
    /// The peering joins the whole networks, not chosen subnets (`peerCompleteVnets`).
    pub complete: bool,
    /// Place in the file.
    pub position: Position,
}

/// A subnet.
#[derive(Clone, Debug)]
pub struct Subnet {
    /// Bare name as written.
    pub name: String,
    /// Its network.
    pub network: usize,
    /// The zone of its packets.
    pub zone: Zone,
    /// Address prefixes.
    pub prefixes: Vec<IpNet>,
    /// The first IPv4 prefix and what its hosts really use instead.
    pub wire: Option<WirePrefix>,
    /// NSG, compiled for this subnet.
    pub security_group: Option<Arc<SecurityGroup>>,
    /// Security admin rules of its network, compiled for this subnet.
    pub security_admin: Arc<SecurityAdmin>,
    /// Licence servers that its hosts reach past the security rules; none where a user's route leads everything elsewhere.
    pub license_servers: Arc<PrefixSet>,
    /// Effective routes.
    pub routes: Arc<Routes>,
    /// Endpoint policies attached.
    pub endpoint_policies: Vec<EndpointPolicy>,
    /// Public addresses and TCP idle timeout of the NAT gateway; not empty where there is one.
    pub nat_gateway: Option<NatGateway>,
    /// Whether hosts without a public address of their own leave with the network's default one (ARM's property).
    pub default_outbound_access: bool,
    /// The prefix of its sources in service tunnels; `None` where it or its network has no tunnel key.
    pub tunnel_prefix: Option<Ipv6Net>,
    /// Whether its NSG looks at what arrives at private endpoints here.
    pub guards_private_endpoints: bool,
}

/// A prefix and what stands for it on the wire (same length).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WirePrefix {
    /// The prefix that everyone else knows.
    pub private: Ipv4Net,
    /// The prefix that the hosts behind the port use.
    pub wire: Ipv4Net,
}

impl WirePrefix {
    /// The private address that a wire address stands for; `None` outside the wire prefix.
    #[must_use]
    pub fn private_of(&self, wire: Ipv4Addr) -> Option<Ipv4Addr> {
        self.wire.contains(&wire).then(|| translate(wire, self.private))
    }

    /// The wire address that stands for a private address; `None` outside the private prefix.
    #[must_use]
    pub fn wire_of(&self, private: Ipv4Addr) -> Option<Ipv4Addr> {
        self.private.contains(&private).then(|| translate(private, self.wire))
    }
}

fn translate(address: Ipv4Addr, to: Ipv4Net) -> Ipv4Addr {
    let host = address.to_bits() & to.hostmask().to_bits();
    Ipv4Addr::from_bits(to.network().to_bits() | host)
}

impl Subnet {
    /// Whether an address (private form) lies in this subnet.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.prefixes.iter().any(|prefix| prefix.contains(&address))
    }

    /// The wire form of a private address of this subnet.
    #[must_use]
    pub fn wire_of(&self, private: IpAddr) -> IpAddr {
        match (self.wire, private) {
            (Some(wire), IpAddr::V4(address)) => wire.wire_of(address).map_or(private, IpAddr::V4),
            _ => private,
        }
    }

    /// The private address that an address on the wire stands for; `None` where it is not this subnet's.
    #[must_use]
    pub fn private_of(&self, on_wire: IpAddr) -> Option<IpAddr> {
        let private = match (self.wire, on_wire) {
            (Some(wire), IpAddr::V4(address)) => match wire.private_of(address) {
                Some(private) => return Some(IpAddr::V4(private)),
                // The private form never appears on the wire of a subnet that has another.
                None if wire.private.contains(&address) => return None,
                None => on_wire,
            },
            _ => on_wire,
        };
        self.contains(private).then_some(private)
    }

    /// All addresses on the wire that stand for one of this subnet's: those of [`Self::private_of`].
    #[must_use]
    pub fn on_wire(&self) -> PrefixSet {
        let private = PrefixSet::from_prefixes(self.prefixes.iter().copied());
        let set = |prefix: Ipv4Net| PrefixSet::from_prefixes([IpNet::V4(prefix)]);
        match self.wire {
            Some(wire) => PrefixSet::union_of([private.difference(&set(wire.private)), set(wire.wire)]),
            None => private,
        }
    }

    /// The gateway: the first address of the subnet's first prefix of this family, private form.
    #[must_use]
    pub fn gateway(&self, ipv6: bool) -> Option<IpAddr> {
        let prefix = self.prefixes.iter().find(|prefix| matches!(prefix, IpNet::V6(_)) == ipv6)?;
        Some(first_address(prefix))
    }

    /// Whether no host can have this address (private form): the subnet's own, its gateway's, IPv4 broadcast.
    /// Azure reserves two more, which it answers DNS from; hosts in causeway may use them.
    #[must_use]
    pub fn is_reserved(&self, address: IpAddr) -> bool {
        self.prefixes.iter().any(|prefix| is_reserved(prefix, address))
    }
}

/// The first host address of a prefix.
#[must_use]
pub fn first_address(prefix: &IpNet) -> IpAddr {
    match prefix {
        IpNet::V4(net) => IpAddr::V4(Ipv4Addr::from_bits(net.network().to_bits().saturating_add(1))),
        IpNet::V6(net) => IpAddr::V6(std::net::Ipv6Addr::from_bits(net.network().to_bits().saturating_add(1))),
    }
}

/// A NAT gateway.
#[derive(Clone, Debug)]
pub struct NatGateway {
    /// Public addresses, at least one.
    pub public_addresses: Vec<Ipv4Addr>,
    /// TCP idle timeout.
    pub tcp_idle: Duration,
}

/// A network interface, or an injected service's place in its subnet.
#[derive(Clone, Debug)]
pub struct Interface {
    /// Name as written.
    pub name: String,
    /// Its subnet.
    pub subnet: usize,
    /// Private addresses.
    pub addresses: Vec<IpAddr>,
    /// Its own public address.
    pub public_address: Option<Ipv4Addr>,
    /// NSG, compiled for the interface's subnet.
    pub security_group: Option<Arc<SecurityGroup>>,
    /// May send and receive for others.
    pub enable_ip_forwarding: bool,
    /// The injected service that lives here.
    pub service: Option<usize>,
}

/// A service.
#[derive(Clone, Debug)]
pub struct Service {
    /// Name as written.
    pub name: String,
    /// Resource type, canonical spelling.
    pub kind: String,
    /// The service endpoint that leads to its kind (`Microsoft.Storage`), where there is one.
    pub endpoint: Option<&'static str>,
    /// Region, lower case.
    pub location: Option<String>,
    /// Its zone (its subnet's for an injected one).
    pub zone: Zone,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
    /// Ports that it answers on.
    pub ports: PortSet,
    /// What a refused client is shown.
    pub denial: Shown,
    /// `sourceEncoding: ServiceTunnel`: the prefix of its IPv6 addresses, by which what comes over an endpoint reaches it.
    pub tunnel_prefix: Option<Ipv6Net>,
    /// Injected: the subnet it lives in.
    pub subnet: Option<usize>,
    /// Firewall; `None`: open.
    pub firewall: Option<Firewall>,
    /// A private endpoint leads to it.
    pub has_private_endpoint: bool,
    /// App Service: the subnet that the app is integrated with.
    pub integration: Option<Integration>,
    /// App Service: public addresses that the app sends from; empty: its own.
    pub outbound_addresses: Vec<Ipv4Addr>,
    /// Those of its addresses that the deployment (scm) site of an app has to itself.
    pub scm_addresses: Vec<IpAddr>,
    /// The firewall of the deployment site.
    pub scm_firewall: Option<Firewall>,
}

/// An app's regional integration with a subnet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Integration {
    /// The subnet.
    pub subnet: usize,
    /// The private address that stands for the app.
    pub address: Ipv4Addr,
    /// Everything enters the network, not only what goes to private addresses.
    pub route_all: bool,
}

/// A private endpoint.
#[derive(Clone, Debug)]
pub struct PrivateEndpoint {
    /// Name as written.
    pub name: String,
    /// Place in the file.
    pub position: Position,
    /// The subnet that it is in.
    pub subnet: usize,
    /// Its address there.
    pub address: IpAddr,
    /// The service that it leads to.
    pub service: usize,
}

impl Service {
    /// Whether an address is its own: those that it is known by, and the IPv6 addresses that stand for them in a tunnel.
    #[must_use]
    pub fn has_address(&self, address: IpAddr) -> bool {
        self.addresses.contains(&address) || self.tunnel_addresses().any(|own| IpAddr::V6(own) == address)
    }

    /// The IPv6 addresses by which what comes over an endpoint reaches it; none without a tunnel.
    pub fn tunnel_addresses(&self) -> impl Iterator<Item = Ipv6Addr> + '_ {
        let embed = |address: &IpAddr| match (self.tunnel_prefix, address) {
            (Some(prefix), IpAddr::V4(address)) => Some(service_tunnel::embed(prefix, *address)),
            _ => None,
        };
        self.addresses.iter().filter_map(embed)
    }

    /// Whether it is a storage account.
    #[must_use]
    pub fn is_storage(&self) -> bool {
        self.kind.eq_ignore_ascii_case("Microsoft.Storage/storageAccounts")
    }

    /// The firewall that a client of this address meets.
    #[must_use]
    pub fn firewall_at(&self, address: IpAddr) -> Option<&Firewall> {
        if self.scm_addresses.contains(&address) { self.scm_firewall.as_ref() } else { self.firewall.as_ref() }
    }

    /// All its firewalls.
    pub fn firewalls(&self) -> impl Iterator<Item = &Firewall> {
        self.firewall.iter().chain(&self.scm_firewall)
    }
}

/// A service endpoint policy.
#[derive(Clone, Debug)]
pub struct EndpointPolicy {
    /// Name as written.
    pub name: String,
    /// Place in the file.
    pub position: Position,
    /// Accounts that it lets through.
    pub services: Vec<usize>,
    /// Accounts of which the file does not say whether what the policy lists holds them.
    pub unsettled: Vec<usize>,
}

/// A gateway.
#[derive(Clone, Debug)]
pub struct Gateway {
    /// Name as written.
    pub name: String,
    /// The network that it is in.
    pub network: usize,
    /// Its GatewaySubnet.
    pub subnet: Option<usize>,
    /// Its zone.
    pub zone: Zone,
    /// On-premises prefixes.
    pub prefixes: Vec<IpNet>,
    /// What the internet sees of on-premises hosts.
    pub public_address: Option<Ipv4Addr>,
}
