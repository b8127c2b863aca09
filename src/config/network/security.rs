//! Network security groups and their rules.

use std::ops::RangeInclusive;

use ipnet::IpNet;

use super::{Access, AsgIndex, Direction, Named};

/// A network security group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkSecurityGroup {
    /// Name and place.
    pub named: Named,
    /// Rule changes are applied to open flows too.
    pub flush_connection: bool,
    /// The user's rules, in file order (default rules are added by `compile`).
    pub rules: Vec<SecurityRule>,
}

/// A security rule; singular and plural forms have become lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecurityRule {
    /// Name and place.
    pub named: Named,
    /// 100 to 4096, unique per direction.
    pub priority: u16,
    /// Direction.
    pub direction: Direction,
    /// Allow or Deny.
    pub access: Access,
    /// Protocol.
    pub protocol: RuleProtocol,
    /// Sources.
    pub sources: Vec<RuleAddress>,
    /// Source ports; `*` is `0..=65535`.
    pub source_ports: Vec<RangeInclusive<u16>>,
    /// Destinations.
    pub destinations: Vec<RuleAddress>,
    /// Destination ports.
    pub destination_ports: Vec<RangeInclusive<u16>>,
}

/// Protocol of a security rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleProtocol {
    /// `*`.
    Any,
    /// `Tcp`.
    Tcp,
    /// `Udp`.
    Udp,
    /// `Icmp` (ICMPv6 as well).
    Icmp,
    /// `Esp`.
    Esp,
    /// `Ah`.
    Ah,
}

/// One entry of a rule's source or destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RuleAddress {
    /// `*`, `Any`, `0.0.0.0/0`: both families.
    Any,
    /// An address or prefix.
    Prefix(IpNet),
    /// A service tag or special tag, canonical spelling where known.
    Tag(String),
    /// An application security group.
    Asg(AsgIndex),
}
