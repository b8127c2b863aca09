//! Ports and the lab hosts behind them.

use std::net::IpAddr;

use super::{Device, GatewayIndex, Named, PortIndex, ServiceIndex, SubnetIndex, VirtualNetworkIndex};

/// A port.
#[derive(Clone, Debug)]
pub struct Port {
    /// Name and place.
    pub named: Named,
    /// Device.
    pub device: Device,
    /// What is behind it.
    pub attachment: Attachment,
}

/// What is behind a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attachment {
    /// A whole network.
    VirtualNetwork(VirtualNetworkIndex),
    /// A subnet.
    Subnet(SubnetIndex),
    /// One address (private) of a subnet.
    Address(SubnetIndex, IpAddr),
    /// A service.
    Service(ServiceIndex),
    /// On-premises.
    Gateway(GatewayIndex),
    /// The internet.
    Internet,
    /// 168.63.129.16.
    Platform,
}

/// A lab host.
#[derive(Clone, Debug)]
pub struct Host {
    /// Name and place.
    pub named: Named,
    /// Its port.
    pub port: PortIndex,
    /// Its addresses on the wire: IPv4, and perhaps IPv6.
    pub addresses: Vec<IpAddr>,
    /// Listeners.
    pub serve: Serve,
    /// A command of the user's.
    pub run: Option<String>,
    /// Forwards packets.
    pub forward: bool,
}

/// Listeners of a lab host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Serve {
    /// Ports that answer HTTP.
    pub http: Vec<u16>,
    /// Ports that answer TCP.
    pub tcp: Vec<u16>,
    /// Ports that answer UDP.
    pub udp: Vec<u16>,
}
