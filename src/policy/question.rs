//! What is asked of the policy, and what it answers.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use serde::Serialize;

use super::ids::{Access, PortId, RuleId, Zone};
use super::position::Position;
use crate::packet::Reason;
use crate::wire::protocol;

/// Who sends: the identity that admission and classification give to a packet. Indices are the snapshot's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// A host of a subnet.
    Subnet {
        /// The subnet whose rules apply.
        subnet: usize,
        /// The network interface that owns the sending address, where the file declares one.
        interface: Option<usize>,
        /// The source is foreign: the interface forwards for somebody else.
        forwarded: bool,
    },
    /// A service (not an injected one: that is a host of its subnet).
    Service(usize),
    /// An on-premises host behind a gateway.
    Gateway(usize),
    /// A host of the internet.
    Internet,
    /// 168.63.129.16.
    Platform,
}

/// A packet, as far as policy goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    /// Who sends it.
    pub sender: Sender,
    /// Its source, the private address where a wire prefix is in force.
    pub source: IpAddr,
    /// Its destination as sent.
    pub destination: IpAddr,
    /// IP protocol number.
    pub protocol: u8,
    /// Source port; ICMP echo identifier or 0 elsewhere.
    pub source_port: u16,
    /// Destination port; 0 where the protocol has none.
    pub destination_port: u16,
}

impl Question {
    /// Whether the protocol has ports that rules look at (TCP, UDP).
    #[must_use]
    pub const fn has_ports(&self) -> bool {
        matches!(self.protocol, protocol::TCP | protocol::UDP)
    }

    /// ICMP or ICMPv6.
    #[must_use]
    pub const fn is_icmp(&self) -> bool {
        matches!(self.protocol, protocol::ICMP | protocol::ICMPV6)
    }
}

/// How much is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The first packet of a flow: everything.
    FirstPacket,
    /// An established flow after a reload: routes, ports and removed objects. NSGs only where they have
    /// `flushConnection`; firewalls and endpoint policies not at all.
    Established,
}

/// What the policy answers.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It goes on.
    Forward(Forward),
    /// It ends here.
    Deny(Denial),
    /// It meets something that causeway does not model; says what. Never forwarded: dropped as `unsupported`.
    Undetermined(Cow<'static, str>),
}

/// Where and how a packet goes on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Forward {
    /// The way out.
    pub delivery: Delivery,
    /// What the destination sees as source.
    pub source: Source,
    /// The destination after translation of a public address to an interface's private one (before any wire prefix).
    pub destination: IpAddr,
    /// The service it reaches, if it is one.
    pub service: Option<usize>,
    /// Next hop type of the route, where a subnet route was looked up.
    pub next_hop_type: Option<NextHopType>,
    /// TCP idle timeout that the network or NAT gateway asks for, where given.
    pub tcp_idle: Option<Duration>,
}

/// A port, and who is behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The port to send to.
    pub port: PortId,
    /// The zone that replies come from.
    pub zone: Zone,
    /// The destination address on the wire (wire prefix applied).
    pub wire_destination: IpAddr,
    /// Whose MAC address to send to: the wire destination, or an appliance.
    pub neighbour: IpAddr,
}

/// What the destination sees as source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The (private) source as it is: inside a network, to a peer, or from outside.
    Unchanged(IpAddr),
    /// Over a service endpoint, the private address with its network and subnet as identity; or by a private endpoint.
    Private(Ipv4Addr),
    /// To the internet or a public service: a public address. Ports are translated where they collide.
    Public(Ipv4Addr),
    /// Over a service endpoint to a service with `sourceEncoding: ServiceTunnel`: an IPv6 address that carries network,
    /// subnet and private address.
    ServiceTunnel(Ipv6Addr),
}

impl Source {
    /// The address itself.
    #[must_use]
    pub const fn address(self) -> IpAddr {
        match self {
            Self::Unchanged(address) => address,
            Self::Private(address) | Self::Public(address) => IpAddr::V4(address),
            Self::ServiceTunnel(address) => IpAddr::V6(address),
        }
    }
}

/// A refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Denial {
    /// Why; always a drop reason.
    pub reason: Reason,
    /// What the client is shown.
    pub shown: Shown,
}

/// What a refused client is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// Nothing: it times out.
    Nothing,
    /// TCP reset; ICMP port unreachable for UDP, administratively prohibited for others.
    Reset,
    /// The 403 page (only where the destination is a plain-HTTP port over TCP).
    Http403,
}

/// Next hop types, by Azure's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum NextHopType {
    /// Inside the network.
    VnetLocal,
    /// A peered network.
    VNetPeering,
    /// A peered network in another region, where deployments name that apart.
    VNetGlobalPeering,
    /// A gateway.
    VirtualNetworkGateway,
    /// A service endpoint.
    VirtualNetworkServiceEndpoint,
    /// A private endpoint.
    InterfaceEndpoint,
    /// An appliance.
    VirtualAppliance,
    /// The internet.
    Internet,
    /// Dropped.
    None,
}

/// Where a route comes from, by Azure's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum RouteSource {
    /// The platform.
    Default,
    /// A route table.
    User,
    /// A gateway.
    VirtualNetworkGateway,
}

/// A stage of the decision, as `explain` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Does the source belong behind the port?
    Admission,
    /// Which network and subnet?
    Classification,
    /// The sender's NSGs.
    NsgOutbound,
    /// The subnet's routes.
    Route,
    /// What the destination sees.
    SourceRewrite,
    /// Service endpoint policies.
    EndpointPolicy,
    /// The service's firewall.
    ServiceFirewall,
    /// The receiver's NSGs.
    NsgInbound,
    /// Which port, which host.
    Delivery,
}

/// One step of a decision, told while it is made.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The stage.
    pub stage: Stage,
    /// Bare name of the NSG, route table, policy or service.
    pub object: Option<String>,
    /// Rule name.
    pub rule: Option<String>,
    /// What it decided, where it decides.
    pub access: Option<Access>,
    /// Where the rule stands in the file; `None` for what the file does not hold.
    pub at: Option<Position>,
    /// Route steps: the winning prefix.
    pub prefix: Option<ipnet::IpNet>,
    /// Route steps: where the route comes from.
    pub route_source: Option<RouteSource>,
    /// Route steps: the next hop type.
    pub next_hop_type: Option<NextHopType>,
    /// Route steps: the appliance.
    pub next_hop_address: Option<IpAddr>,
    /// A sentence for people, where the fields above do not say it all.
    pub note: Option<String>,
}

impl Step {
    /// A step of this stage that says nothing yet.
    #[must_use]
    pub const fn new(stage: Stage) -> Self {
        Self {
            stage,
            object: None,
            rule: None,
            access: None,
            at: None,
            prefix: None,
            route_source: None,
            next_hop_type: None,
            next_hop_address: None,
            note: None,
        }
    }
}

/// Listens to a decision while it is made. Forwarding counts rules; `explain` keeps the steps.
pub trait Observer {
    /// A rule decided an evaluation.
    fn rule(&mut self, rule: RuleId);
    /// A step was taken; `tell` makes its description, and is not called by those who do not care.
    fn step(&mut self, tell: impl FnOnce() -> Step);
    /// The source that the destination will see was decided.
    fn seen_as(&mut self, source: Source);
}

/// An observer that hears nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Observer for Silent {
    fn rule(&mut self, _: RuleId) {}
    fn step(&mut self, _: impl FnOnce() -> Step) {}
    fn seen_as(&mut self, _: Source) {}
}
