//! Network interfaces.

use std::net::{IpAddr, Ipv4Addr};

use super::{AsgIndex, Named, NsgIndex, SubnetIndex};

/// A network interface.
#[derive(Clone, Debug)]
pub struct NetworkInterface {
    /// Name and place.
    pub named: Named,
    /// Its subnet.
    pub subnet: SubnetIndex,
    /// Private addresses: IPv4 and, on dual-stack subnets, perhaps IPv6.
    pub private_addresses: Vec<IpAddr>,
    /// Its own public address.
    pub public_address: Option<Ipv4Addr>,
    /// NSG.
    pub network_security_group: Option<NsgIndex>,
    /// ASGs that it is a member of.
    pub application_security_groups: Vec<AsgIndex>,
    /// May send and receive for others.
    pub enable_ip_forwarding: bool,
}
