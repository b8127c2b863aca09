//! Frame → layout: where the headers are, and the fields that the dataplane decides by. Reads each header once.

mod arp;
mod icmp;
mod ipv4;
mod ipv6;
mod neighbour;
mod quoted;
#[cfg(test)]
mod tests;
mod transport;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::Reason;
use crate::wire::ethernet;

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parsed {
    /// An ARP packet for IPv4 over Ethernet.
    Arp(Arp),
    /// An IP packet.
    Ip(Layout),
}

/// The fields of an ARP packet (RFC 826).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arp {
    /// A request, else a reply.
    pub request: bool,
    /// Sender's MAC address.
    pub sender_mac: [u8; 6],
    /// Sender's address.
    pub sender: Ipv4Addr,
    /// Whom it asks for, or answers.
    pub target: Ipv4Addr,
}

/// Source and destination of one family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Addresses {
    /// IPv4.
    V4 {
        /// Source.
        source: Ipv4Addr,
        /// Destination.
        destination: Ipv4Addr,
    },
    /// IPv6.
    V6 {
        /// Source.
        source: Ipv6Addr,
        /// Destination.
        destination: Ipv6Addr,
    },
}

impl Addresses {
    /// Pairs a source and a destination; `None` where they are of two families.
    #[must_use]
    pub const fn pair(source: IpAddr, destination: IpAddr) -> Option<Self> {
        match (source, destination) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => Some(Self::V4 { source, destination }),
            (IpAddr::V6(source), IpAddr::V6(destination)) => Some(Self::V6 { source, destination }),
            _ => None,
        }
    }

    /// Whether they are IPv6 addresses.
    #[must_use]
    pub const fn is_v6(self) -> bool {
        matches!(self, Self::V6 { .. })
    }

    /// The source.
    #[must_use]
    pub const fn source(self) -> IpAddr {
        match self {
            Self::V4 { source, .. } => IpAddr::V4(source),
            Self::V6 { source, .. } => IpAddr::V6(source),
        }
    }

    /// The destination.
    #[must_use]
    pub const fn destination(self) -> IpAddr {
        match self {
            Self::V4 { destination, .. } => IpAddr::V4(destination),
            Self::V6 { destination, .. } => IpAddr::V6(destination),
        }
    }
}

/// Whether a packet is a piece of a larger one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fragment {
    /// A whole packet.
    Whole,
    /// The first piece (offset 0, more to come); it holds the transport header.
    First {
        /// Identification that all pieces share.
        id: u32,
    },
    /// A later piece; it holds no transport header.
    Later {
        /// Identification that all pieces share.
        id: u32,
        /// Nothing comes behind it.
        last: bool,
    },
}

/// The transport header, as far as the dataplane reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// TCP.
    Tcp(Tcp),
    /// UDP.
    Udp,
    /// ICMP or ICMPv6 echo; the identifier stands in for both ports.
    Echo {
        /// A reply, else a request.
        reply: bool,
    },
    /// An ICMP or ICMPv6 error: it quotes the packet that it is about.
    IcmpError(Quoted),
    /// ICMPv6 neighbour discovery (RFC 4861), hop limit 255 and checksum good.
    Neighbour(Neighbour),
    /// Other ICMP (timestamp and the like): carried as a portless protocol.
    OtherIcmp,
    /// A protocol without ports (ESP, AH).
    Portless,
    /// A later fragment: nothing is known.
    Unseen,
}

/// The TCP fields that connection tracking reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tcp {
    /// Flag byte (FIN 0x01, SYN 0x02, RST 0x04, PSH 0x08, ACK 0x10, URG 0x20).
    pub flags: u8,
    /// Sequence number.
    pub sequence: u32,
    /// Acknowledgement number.
    pub acknowledgement: u32,
    /// Where the payload starts, bytes from the frame's start.
    pub payload: usize,
}

/// The packet that an ICMP error quotes: the tuple of what was once sent (so reversed, seen from the error's sender).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quoted {
    /// Where the quoted IP header starts, bytes from the frame's start.
    pub network: usize,
    /// Where the quoted transport header starts.
    pub transport: usize,
    /// Quoted addresses.
    pub addresses: Addresses,
    /// Quoted protocol.
    pub protocol: u8,
    /// Quoted source port, or echo identifier.
    pub source_port: u16,
    /// Quoted destination port, or echo identifier.
    pub destination_port: u16,
}

/// A neighbour solicitation or advertisement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Neighbour {
    /// Who has this address? With the asker's link-layer address, where it gives one.
    Solicitation {
        /// Whom it asks for.
        target: Ipv6Addr,
        /// Source link-layer address option.
        source_mac: Option<[u8; 6]>,
    },
    /// I have this address.
    Advertisement {
        /// Whose address it tells.
        target: Ipv6Addr,
        /// Target link-layer address option.
        target_mac: Option<[u8; 6]>,
    },
    /// Router solicitation and the like: heard and not answered.
    Other,
}

/// What a frame is, where the headers of an IP packet went into a [`Layout`] of the caller's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An ARP packet, not read yet: see [`arp()`].
    Arp,
    /// An IP packet.
    Ip,
}

/// Where the parts of an IP packet are, and what they say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Start of the IP header, bytes from the frame's start.
    pub network: usize,
    /// Start of the transport header (of the payload, in a later fragment).
    pub transport: usize,
    /// End of the IP packet; what follows is Ethernet padding.
    pub end: usize,
    /// Addresses.
    pub addresses: Addresses,
    /// Transport protocol (behind IPv6 extension headers).
    pub protocol: u8,
    /// TTL or hop limit.
    pub ttl: u8,
    /// "Don't fragment" is set (IPv6: always true).
    pub dont_fragment: bool,
    /// Piece of a larger packet?
    pub fragment: Fragment,
    /// Transport header.
    pub transport_header: Transport,
    /// Source port, echo identifier, or 0.
    pub source_port: u16,
    /// Destination port, echo identifier, or 0.
    pub destination_port: u16,
}

impl Default for Layout {
    /// Of no packet: to be filled by [`parse_into`].
    fn default() -> Self {
        Self {
            network: 0,
            transport: 0,
            end: 0,
            addresses: Addresses::V4 { source: Ipv4Addr::UNSPECIFIED, destination: Ipv4Addr::UNSPECIFIED },
            protocol: 0,
            ttl: 0,
            dont_fragment: false,
            fragment: Fragment::Whole,
            transport_header: Transport::Unseen,
            source_port: 0,
            destination_port: 0,
        }
    }
}

impl Layout {
    /// Bytes behind the TCP header, of the whole super-frame; 0 for other protocols.
    #[must_use]
    pub fn payload_length(&self) -> u32 {
        match self.transport_header {
            Transport::Tcp(tcp) => u32::try_from(self.end.saturating_sub(tcp.payload)).unwrap_or(0),
            _ => 0,
        }
    }
}

/// Parses an Ethernet frame. Padding behind the IP packet is accepted.
///
/// `needs_checksum` tells that the transport checksum is still to be completed and so is not looked at. The IPv4 header
/// checksum is verified always, the transport checksum never (end hosts do), but for neighbour discovery.
///
/// # Errors
/// The malformed-… reason of the first header that is cut short or contradicts itself; [`Reason::Unsupported`] for VLAN
/// tags, other ethertypes, multicast and broadcast destinations (but neighbour discovery), source-routed packets, and
/// transport protocols other than TCP, UDP, ICMP, ICMPv6, ESP and AH.
#[inline]
pub fn parse(frame: &[u8], needs_checksum: bool) -> Result<Parsed, Reason> {
    let mut layout = Layout::default();
    match parse_into(&mut layout, frame, needs_checksum)? {
        Kind::Arp => arp(frame).map(Parsed::Arp),
        Kind::Ip => Ok(Parsed::Ip(layout)),
    }
}

/// The same for an IP packet whose layout has its place already: to hand on so large a thing costs more than to find it
/// out. Of any other frame, and on an error, the layout holds nothing that means anything.
///
/// # Errors
/// Those of [`parse`].
#[inline]
pub fn parse_into(layout: &mut Layout, frame: &[u8], needs_checksum: bool) -> Result<Kind, Reason> {
    let (header, payload) = ethernet::Header::split(frame).ok_or(Reason::MalformedEthernet)?;
    if ethernet::is_multicast(header.source()) {
        return Err(Reason::MalformedEthernet);
    }
    match header.ethertype() {
        ethernet::ethertype::IPV4 => ipv4::parse(layout, payload).map(|()| Kind::Ip),
        ethernet::ethertype::IPV6 => ipv6::parse(layout, payload, needs_checksum).map(|()| Kind::Ip),
        ethernet::ethertype::ARP => Ok(Kind::Arp),
        // 802.3 lengths, VLAN tags, everything else
        _ => Err(Reason::Unsupported),
    }
}

/// Reads a frame of [`Kind::Arp`].
///
/// # Errors
/// The malformed-… reason, or [`Reason::Unsupported`] where it is not for IPv4 over Ethernet.
pub fn arp(frame: &[u8]) -> Result<Arp, Reason> {
    let (_, payload) = ethernet::Header::split(frame).ok_or(Reason::MalformedEthernet)?;
    arp::parse(payload)
}
