//! The whole decision, stage by stage, in the order of the contract's section 4.

use std::net::{IpAddr, Ipv4Addr};

use crate::firewall::{self, Client, Judgement};
use crate::network::{Attach, EndpointRules, Gateway, Interface, Port, PrivateEndpoint, Service, VirtualNetwork, World};
use crate::nsg::{self, Evaluated, Seen};
use crate::places::{self, Home, METADATA, PLATFORM, Public, Sender, same, within};
use crate::routes::{self, To};
use crate::services::KINDS;
use crate::tags;

/// A question: a packet at a port.
#[derive(Clone, Debug)]
pub struct Packet {
    /// Name of the port that it comes in by.
    pub port: String,
    /// As it is on the wire.
    pub source: IpAddr,
    pub destination: IpAddr,
    pub protocol: u8,
    pub source_port: u16,
    pub destination_port: u16,
}

/// What the destination sees as source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenAs {
    pub kind: &'static str,
    pub address: IpAddr,
    /// `VNET/SUBNET`.
    pub home: Option<String>,
}

/// An answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// One of the contract's reasons; `undetermined` where packets do not tell.
    pub reason: &'static str,
    pub decided_by: Option<String>,
    pub next_hop: Option<&'static str>,
    pub seen_as: Option<SeenAs>,
    /// The port that it leaves by, and the address on the wire there.
    pub out: Option<(String, IpAddr)>,
}

/// What happens to a packet.
///
/// `chosen` is the public address that the other side took: of a NAT gateway's several addresses any will do.
pub fn decide(world: &World, packet: &Packet, chosen: Option<IpAddr>) -> Answer {
    let port = world.ports.iter().find(|port| port.name == packet.port).expect("the packet's port");
    let Some((sender, source)) = world.admit(port, packet.source, packet.destination) else {
        return Answer { reason: "source-spoofed", ..Answer::default() };
    };
    let seen = Seen {
        source,
        destination: packet.destination,
        protocol: packet.protocol,
        source_port: packet.source_port,
        destination_port: packet.destination_port,
    };
    let mut way = Way { world, seen, chosen, answer: Answer::default() };
    if is_not_carried(&seen, matches!(sender, Sender::Host { .. })) {
        way.answer.reason = "unsupported";
        return way.answer;
    }
    way.answer.reason = match sender {
        Sender::Host { home, interface, app } => way.from_host(home, interface, app),
        Sender::Service(service) => way.from_service(service),
        Sender::Gateway(gateway) => way.from_gateway(gateway),
        Sender::Internet => way.from_internet(),
        Sender::Platform => way.from_platform(),
    };
    way.answer
}

/// Multicast, broadcast, other protocols than TCP, UDP, ICMP, ESP and AH; between hosts unicast DHCP, and UDP from a port that the
/// host below keeps (virtual-networks-faq).
fn is_not_carried(seen: &Seen, from_host: bool) -> bool {
    let to_many = match seen.destination {
        IpAddr::V4(address) => address.is_multicast() || address.is_broadcast(),
        IpAddr::V6(address) => address.is_multicast(),
    };
    let kept = seen.source_port == 65330 || (seen.source_port, seen.destination_port) == (68, 67);
    to_many
        || !matches!(seen.protocol, 1 | 6 | 17 | 50 | 51 | 58)
        || (seen.protocol == 17 && kept && from_host && seen.destination != PLATFORM)
}

/// A packet on its way, and what is known of it so far.
struct Way<'w> {
    world: &'w World,
    seen: Seen,
    chosen: Option<IpAddr>,
    answer: Answer,
}

#[allow(clippy::wrong_self_convention, reason = "where packets come from and where they go")]
impl<'w> Way<'w> {
    /// A host of a subnet: its security groups, then its routes.
    fn from_host(&mut self, home: Home<'w>, interface: Option<&'w Interface>, app: Option<&'w Service>) -> &'static str {
        let evaluated = nsg::outbound(self.world, home, interface, self.seen);
        if self.denied(evaluated) {
            return "nsg-deny";
        }
        // The platform's addresses are the host's own neighbours: no route leads there.
        if self.seen.destination == PLATFORM || self.seen.destination == METADATA {
            self.see("Private", self.seen.source, Some(home));
            let port = self.world.port_to(&Attach::Platform).filter(|_| self.seen.destination == PLATFORM);
            return self.leave_by(port, PLATFORM);
        }
        let Some(route) = routes::winning(self.world, home, self.seen.destination, self.seen.protocol) else {
            return self.no_public();
        };
        self.answer.next_hop = Some(self.hop_name(home, &route.to));
        match route.to {
            To::None => {
                self.answer.decided_by = route.user;
                "route-none"
            }
            To::Local => self.to_network(home, home.network, self.seen.destination),
            To::Peer(peer) => self.to_network(home, peer, self.seen.destination),
            To::OnPremises(gateway) => self.to_gateway(Some(home), gateway),
            To::AnyGateway => match self.vpn_gateway(home.network) {
                Some(gateway) => self.to_gateway(Some(home), gateway),
                None => {
                    self.answer.decided_by = route.user;
                    "no-route"
                }
            },
            To::Appliance(address) => self.to_appliance(home.network, Some(home), address),
            To::Endpoint(_) => self.over_endpoint(home),
            To::PrivateEndpoint(endpoint) => self.to_private_endpoint(home.network, Some(home), endpoint),
            To::Internet => self.to_internet(home, interface, app),
        }
    }

    /// Deployments differ in whether a peering across regions has a name of its own.
    fn hop_name(&self, home: Home<'_>, to: &To<'_>) -> &'static str {
        match to {
            To::Peer(peer)
                if self.world.named_globally && !same(self.world.location(&peer.location), self.world.location(&home.network.location)) =>
            {
                "VNetGlobalPeering"
            }
            to => to.name(),
        }
    }

    /// Inside the network, or to a peer: the peering's flags, then the receiver's security groups.
    fn to_network(&mut self, from: Home<'w>, network: &'w VirtualNetwork, address: IpAddr) -> &'static str {
        if let Some(endpoint) = self.world.private_endpoint_at(network, address) {
            return self.to_private_endpoint(from.network, Some(from), endpoint);
        }
        self.see("Private", self.seen.source, Some(from));
        if self.is_blocked(from.network, network, true) {
            return "peering-blocked";
        }
        self.to_address(network, address, self.seen.source)
    }

    /// `allowVirtualNetworkAccess` on the sender's half; `allowForwardedTraffic` on the receiver's, for sources that are not of the
    /// sending network (virtual-network-manage-peering).
    /// What comes from on-premises needs no flag for that (`from_host` is false).
    fn is_blocked(&mut self, from: &VirtualNetwork, to: &VirtualNetwork, from_host: bool) -> bool {
        if same(&from.name, &to.name) {
            return false;
        }
        let Some((going, coming)) = self.world.peering(from, to) else { return true };
        let is_foreign = from_host && !within(&from.prefixes, self.seen.source);
        let blocked = !going.access || (is_foreign && !coming.forwarded && !self.world.lenient_forwarding);
        if blocked {
            self.answer.decided_by = None;
        }
        blocked
    }

    /// A host by its private address; `source` is what it sees.
    fn to_address(&mut self, network: &'w VirtualNetwork, address: IpAddr, source: IpAddr) -> &'static str {
        let is_closed = self.world.closed_without_group && address != self.seen.destination;
        let Some(home) = self.world.home_in(network, address) else { return self.unknown() };
        if places::is_nobody(home.subnet, address) || self.world.stands_in(network, address) {
            return self.unknown();
        }
        let interface = self.world.interface_at(network, address);
        let evaluated = nsg::inbound(self.world, home, interface, Seen { source, destination: address, ..self.seen }, is_closed);
        if self.denied(evaluated) {
            return "nsg-deny";
        }
        if self.world.injected_at(network, address).is_some_and(|service| !self.answers(service)) {
            return self.unknown();
        }
        self.leave_by(self.world.port_of(home, address), places::to_wire(home.subnet, address))
    }

    /// An appliance: reachable in the network or a peer, and forwarding (virtual-networks-udr-overview).
    fn to_appliance(&mut self, network: &'w VirtualNetwork, from: Option<Home<'w>>, address: IpAddr) -> &'static str {
        let networks = std::iter::once(network).chain(self.world.peers(network));
        let found = networks.into_iter().find_map(|network| self.world.home_in(network, address));
        self.see("Private", self.seen.source, from);
        let Some(home) = found else { return self.unknown() };
        if self.is_blocked(network, home.network, from.is_some()) {
            return "peering-blocked";
        }
        let interface = self.world.interface_at(home.network, address);
        if address != self.seen.destination && !interface.is_some_and(|interface| interface.forwarding) {
            self.answer.decided_by = None;
            return "ip-forwarding-disabled";
        }
        let evaluated = nsg::inbound(self.world, home, interface, self.seen, false);
        if self.denied(evaluated) {
            return "nsg-deny";
        }
        let wire = if address == self.seen.destination { places::to_wire(home.subnet, address) } else { self.seen.destination };
        self.leave_by(self.world.port_of(home, address), wire)
    }

    /// A user's route needs a VPN gateway, and none of another kind beside it (virtual-networks-udr-overview).
    fn vpn_gateway(&self, network: &'w VirtualNetwork) -> Option<&'w Gateway> {
        let gateways: Vec<&Gateway> = self.world.gateways_of(network).collect();
        if gateways.iter().all(|gateway| gateway.vpn) { gateways.into_iter().next() } else { None }
    }

    fn to_gateway(&mut self, home: Option<Home<'w>>, gateway: &'w Gateway) -> &'static str {
        self.see("Private", self.seen.source, home);
        // The gateway of a peer is in the peer.
        if home.is_some_and(|home| self.is_blocked(home.network, self.world.network(&gateway.network), false)) {
            return "peering-blocked";
        }
        self.leave_by(self.world.port_to(&Attach::Gateway(gateway.name.clone())), self.seen.destination)
    }

    /// Over an endpoint: identity, endpoint policies, the service's firewall.
    fn over_endpoint(&mut self, home: Home<'w>) -> &'static str {
        self.see("Private", self.seen.source, Some(home));
        let Public::Service(service) = self.world.public(self.seen.destination) else { return self.unknown() };
        if let (Some(_), IpAddr::V4(source)) = (service.tunnel, self.seen.source) {
            let keys = (home.network.tunnel_key.unwrap(), home.subnet.tunnel_key.unwrap());
            let prefix = format!("fd00:108:0:{:x}:0:{:x}::/96", keys.0, keys.1).parse().unwrap();
            self.see("ServiceTunnel", places::in_tunnel(prefix, source), Some(home));
        }
        if service.kind == "Microsoft.Storage/storageAccounts" && !home.subnet.policies.is_empty() {
            let lists = |policy: &&String| {
                let policy = self.world.policies.iter().find(|other| same(&other.name, policy)).expect("a policy");
                policy.services.iter().any(|listed| same(&service.name, listed))
            };
            match home.subnet.policies.iter().find(lists) {
                Some(policy) => self.answer.decided_by = Some(self.policy_name(policy)),
                None => {
                    self.answer.decided_by = home.subnet.policies.first().map(|policy| self.policy_name(policy));
                    return "endpoint-policy-deny";
                }
            }
        }
        self.to_service(service, Client::Identity(home))
    }

    /// As it is declared.
    fn policy_name(&self, name: &str) -> String {
        self.world.policies.iter().find(|policy| same(&policy.name, name)).expect("a policy").name.clone()
    }

    /// To the internet: a public source first.
    fn to_internet(&mut self, home: Home<'w>, interface: Option<&'w Interface>, app: Option<&'w Service>) -> &'static str {
        let IpAddr::V4(_) = self.seen.destination else { return self.no_public() };
        let Some(public) = self.public_of(home, interface, app) else { return self.no_public() };
        self.see("Public", IpAddr::V4(public), None);
        self.to_public(public, Some(home), true)
    }

    fn no_public(&mut self) -> &'static str {
        self.answer.decided_by = None;
        "no-route"
    }

    /// The NAT gateway's address, else the interface's own, else the network's default; an app's own instead of these two.
    fn public_of(&self, home: Home<'w>, interface: Option<&Interface>, app: Option<&Service>) -> Option<Ipv4Addr> {
        let nat = home.subnet.nat_gateway.as_ref().and_then(|name| self.world.nat_gateways.iter().find(|nat| same(&nat.name, name)));
        let injected = self.world.injected_at(home.network, self.seen.source).filter(|_| interface.is_none());
        let own = interface.and_then(|interface| interface.public).or(injected.and_then(|service| service.public));
        let default = home.network.default_outbound.filter(|_| !home.subnet.no_default_outbound);
        let is_chosen = |address: &&Ipv4Addr| self.chosen == Some(IpAddr::V4(**address));
        let of_nat = nat.and_then(|nat| nat.addresses.iter().find(is_chosen).or(nat.addresses.first()).copied());
        if let (None, Some(app)) = (of_nat, app) {
            return self.public_of_service(app);
        }
        of_nat.or(own).or(default)
    }

    /// What others see of a service: the outbound addresses of an app, else its own.
    fn public_of_service(&self, service: &Service) -> Option<Ipv4Addr> {
        let pool = if service.outbound.is_empty() { &service.addresses } else { &service.outbound };
        pool.iter().find(|address| self.chosen == Some(IpAddr::V4(**address))).or(pool.first()).copied()
    }

    /// By a private endpoint: the peering and, where its subnet says so, its security group; the service's firewall is passed by.
    fn to_private_endpoint(&mut self, network: &'w VirtualNetwork, from: Option<Home<'w>>, endpoint: &'w PrivateEndpoint) -> &'static str {
        self.see("Private", self.seen.source, from);
        let home = self.world.home(&endpoint.subnet);
        if self.is_blocked(network, home.network, from.is_some()) {
            return "peering-blocked";
        }
        if matches!(home.subnet.endpoint_rules, EndpointRules::Enabled | EndpointRules::NetworkSecurityGroupEnabled) {
            let evaluated = nsg::inbound(self.world, home, None, self.seen, false);
            if self.denied(evaluated) {
                return "nsg-deny";
            }
        }
        let service = self.world.services.iter().find(|service| same(&service.name, &endpoint.service)).expect("a service");
        if !self.answers(service) {
            return self.unknown();
        }
        self.leave_by(self.world.port_to(&Attach::Service(service.name.clone())), IpAddr::V4(service.addresses[0]))
    }

    /// A destination as the internet knows it, with a public source.
    fn to_public(&mut self, source: Ipv4Addr, network: Option<Home<'w>>, inside_azure: bool) -> &'static str {
        match self.world.public(self.seen.destination) {
            Public::Interface(interface) => {
                let private = interface.addresses.iter().copied().find(IpAddr::is_ipv4);
                let home = self.world.home(&interface.subnet).network;
                match private {
                    Some(private) => self.to_address(home, private, IpAddr::V4(source)),
                    None => self.unknown(),
                }
            }
            Public::Injected(service) => {
                let home = self.world.home(service.subnet.as_ref().expect("injected"));
                self.to_address(home.network, IpAddr::V4(service.addresses[0]), IpAddr::V4(source))
            }
            Public::Service(service) => self.to_service(service, Client::Public { address: source, network, inside_azure }),
            Public::Internet => self.leave_by(self.world.port_to(&Attach::Internet), self.seen.destination),
            Public::Nobody => self.unknown(),
        }
    }

    /// A service: its firewall, its ports, its port.
    fn to_service(&mut self, service: &'w Service, client: Client<'w>) -> &'static str {
        match firewall::judge(self.world, service, client, self.seen.destination) {
            Judgement::Untold => {
                self.answer.decided_by = None;
                return "undetermined";
            }
            Judgement::NoFirewall => {}
            Judgement::By(rule, allow) => {
                self.answer.decided_by = Some(format!("{}/{rule}", service.name));
                if !allow {
                    return "service-firewall-deny";
                }
            }
        }
        if !self.answers(service) {
            return self.unknown();
        }
        let port = self.world.port_to(&Attach::Service(service.name.clone()));
        match (client, service.tunnel, self.seen.destination) {
            (Client::Identity(_), Some(prefix), IpAddr::V4(destination)) => self.leave_by(port, places::in_tunnel(prefix, destination)),
            _ => self.leave_by(port, self.seen.destination),
        }
    }

    /// Whether a service answers on the packet's port. Only TCP and UDP have ports; a service that names none answers on all.
    fn answers(&self, service: &Service) -> bool {
        let known = KINDS.iter().find(|known| same(known.kind, &service.kind)).map_or(&[][..], |known| known.ports);
        let ports = service.ports.as_deref().unwrap_or(known);
        let holds = ports.iter().any(|(first, last)| (*first..=*last).contains(&self.seen.destination_port));
        ports.is_empty() || holds || !matches!(self.seen.protocol, 6 | 17)
    }

    /// A service never opens a connection into a network.
    /// Another service judges it as a source inside Azure, by its public address; an integrated app may open connections
    /// to the internet too.
    fn from_service(&mut self, service: &'w Service) -> &'static str {
        let own = if let IpAddr::V4(own) = self.seen.source { Some(own) } else { None };
        // An app that has outbound addresses sends from these.
        if let Some(source) = own.and_then(|own| if service.outbound.is_empty() { Some(own) } else { self.public_of_service(service) }) {
            match self.world.public(self.seen.destination) {
                Public::Service(other) if other.name != service.name => {
                    self.see("Public", IpAddr::V4(source), None);
                    return self.to_service(other, Client::Service { address: source, service });
                }
                Public::Internet | Public::Interface(_) | Public::Injected(_) if service.integration.is_some() => {
                    self.see("Public", IpAddr::V4(source), None);
                    return self.to_public(source, None, true);
                }
                Public::Nobody if service.integration.is_some() && self.seen.destination.is_ipv4() => {
                    self.see("Public", IpAddr::V4(source), None);
                    return self.unknown();
                }
                _ => {}
            }
        }
        self.answer.decided_by = Some(service.name.clone());
        "service-initiated"
    }

    /// On premises: into the gateway's network and those that use it, by the routes of the GatewaySubnet; elsewhere with the public
    /// address that on-premises hosts show.
    fn from_gateway(&mut self, gateway: &'w Gateway) -> &'static str {
        let uses = |network: &&'w VirtualNetwork| self.world.gateways_of(network).any(|other| same(&other.name, &gateway.name));
        let inside = |network: &&'w VirtualNetwork| within(&network.prefixes, self.seen.destination);
        let networks: Vec<&'w VirtualNetwork> = self.world.networks.iter().filter(uses).filter(inside).collect();
        let Some(network) = networks.first() else {
            // No network behind the gateway has it: then it is the internet's, or nobody's.
            let is_public =
                tags::in_internet(self.seen.destination) || matches!(self.world.public(self.seen.destination), Public::Service(_));
            return if is_public { self.beyond(gateway) } else { "no-route" };
        };
        let own = self.world.network(&gateway.network);
        let subnet = own.subnets.iter().find(|subnet| same(&subnet.name, "GatewaySubnet"));
        let home = subnet.map(|subnet| Home { network: own, subnet });
        let route = home.and_then(|home| routes::winning(self.world, home, self.seen.destination, 1)).filter(|route| route.user.is_some());
        if let Some(route) = route {
            self.answer.next_hop = Some(route.to.name());
            match route.to {
                To::None => {
                    self.answer.decided_by = route.user;
                    return "route-none";
                }
                To::Appliance(address) => return self.to_appliance(own, None, address),
                To::Internet => return self.beyond(gateway),
                _ => return self.on_to(own, own),
            }
        }
        self.on_to(own, network)
    }

    /// From on-premises into a network; `own` is the gateway's.
    fn on_to(&mut self, own: &'w VirtualNetwork, network: &'w VirtualNetwork) -> &'static str {
        self.see("Private", self.seen.source, None);
        if let Some(endpoint) = self.world.private_endpoint_at(network, self.seen.destination) {
            return self.to_private_endpoint(own, None, endpoint);
        }
        if self.is_blocked(own, network, false) {
            return "peering-blocked";
        }
        self.to_address(network, self.seen.destination, self.seen.source)
    }

    fn beyond(&mut self, gateway: &'w Gateway) -> &'static str {
        let Some(public) = gateway.public.filter(|_| self.seen.destination.is_ipv4()) else { return self.no_public() };
        self.see("Public", IpAddr::V4(public), None);
        self.to_public(public, None, false)
    }

    fn from_internet(&mut self) -> &'static str {
        self.see("Public", self.seen.source, None);
        let IpAddr::V4(source) = self.seen.source else { return self.unknown() };
        // From the internet to the internet: nothing for this network to carry.
        if let Public::Internet = self.world.public(self.seen.destination) {
            return self.unknown();
        }
        self.to_public(source, None, false)
    }

    /// Health probes meet the inbound rules like any packet.
    fn from_platform(&mut self) -> &'static str {
        let holds = |network: &&'w VirtualNetwork| self.world.home_in(network, self.seen.destination).is_some();
        let networks: Vec<&'w VirtualNetwork> = self.world.networks.iter().filter(holds).collect();
        match networks.as_slice() {
            [network] => {
                self.see("Public", self.seen.source, None);
                self.to_address(network, self.seen.destination, self.seen.source)
            }
            [] => self.unknown(),
            _ => "undetermined",
        }
    }

    /// Takes the security groups' word; true where they denied.
    fn denied(&mut self, evaluated: Vec<Evaluated>) -> bool {
        let Some(last) = evaluated.into_iter().last() else { return false };
        self.answer.decided_by = last.rule;
        !last.allow
    }

    fn see(&mut self, kind: &'static str, address: IpAddr, home: Option<Home<'_>>) {
        self.answer.seen_as = Some(SeenAs { kind, address, home: home.map(|home| home.name()) });
    }

    fn leave_by(&mut self, port: Option<&Port>, wire: IpAddr) -> &'static str {
        let Some(port) = port else { return self.unknown() };
        self.answer.out = Some((port.name.clone(), wire));
        "forwarded"
    }

    /// Nobody is there.
    fn unknown(&mut self) -> &'static str {
        self.answer.decided_by = None;
        "destination-unknown"
    }
}
