//! ICMP errors about a packet: RFC 792 and 1812 for IPv4, RFC 4443 for IPv6.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use etherparse::icmpv4::{DestUnreachableHeader, TimeExceededCode};
use etherparse::icmpv6::{DestUnreachableCode, TimeExceededCode as HopLimitCode};
use etherparse::{Icmpv4Type, Icmpv6Type, IpDscp, IpHeaders};

use super::build::{Link, ipv4, ipv6, write};
use crate::packet::Frame;
use crate::packet::parse::{Addresses, Fragment, Layout, Transport};

/// Longest IPv4 error: what every host can reassemble (RFC 1812 4.3.2.3).
const LONGEST_V4: usize = 576;
/// Longest IPv6 error: the smallest MTU (RFC 4443 2.4 c).
const LONGEST_V6: usize = 1_280;
const ICMP_HEADER: usize = 8;

/// What is wrong with a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// Its TTL or hop limit ran out here.
    TimeExceeded,
    /// It is larger than the way out takes, and not to be fragmented here (IPv6: packet too big).
    FragmentationNeeded {
        /// Largest IP packet that the way out takes, in bytes.
        mtu: u16,
    },
    /// Nothing listens there.
    PortUnreachable,
    /// Policy refuses it.
    AdministrativelyProhibited,
}

/// Makes `into` an error about the packet in `frame`, to its sender, from our address `from`.
///
/// `frame` is the packet as the sender sent it, before any rewrite: the sender finds its own socket by the quote.
///
/// False, and `into` untouched, where no error may be sent (RFC 1122 3.2.2, RFC 4443 2.4 e): about an ICMP error or
/// redirect, a later fragment, a packet to a group of hosts, or from a source that is not one host; and where `from` is
/// of the other family.
pub fn icmp_error(frame: &[u8], layout: &Layout, error: Error, from: IpAddr, into: &mut Frame) -> bool {
    let Some(packet) = frame.get(layout.network..layout.end) else { return false };
    let Some(Link { destination: sender_mac, .. }) = Link::back(frame) else { return false };
    if !may_be_answered(packet, layout) {
        return false;
    }
    let link = Link::from_gateway(sender_mac);
    match (layout.addresses, from) {
        (Addresses::V4 { source, .. }, IpAddr::V4(from)) => error_v4(link, from, source, error, packet, into),
        (Addresses::V6 { source, .. }, IpAddr::V6(from)) => error_v6(link, from, source, error, packet, into),
        _ => false,
    }
}

fn error_v4(link: Link, from: Ipv4Addr, to: Ipv4Addr, error: Error, packet: &[u8], into: &mut Frame) -> bool {
    let mut header = ipv4(from, to);
    // RFC 1812 4.3.2.5: errors go with the precedence of network control.
    header.dscp = IpDscp::CS6;
    let quote = &packet[..packet.len().min(LONGEST_V4 - header.header_len() - ICMP_HEADER)];
    let step = link.step().ip(IpHeaders::Ipv4(header, Default::default())).icmpv4(message_v4(error));
    write(into, step.size(quote.len()), |buffer| step.write_to_slice(buffer, quote))
}

fn error_v6(link: Link, from: Ipv6Addr, to: Ipv6Addr, error: Error, packet: &[u8], into: &mut Frame) -> bool {
    let header = ipv6(from, to, super::build::DEFAULT_TTL);
    let quote = &packet[..packet.len().min(LONGEST_V6 - header.header_len() - ICMP_HEADER)];
    let step = link.step().ip(IpHeaders::Ipv6(header, Default::default())).icmpv6(message_v6(error));
    write(into, step.size(quote.len()), |buffer| step.write_to_slice(buffer, quote))
}

const fn message_v4(error: Error) -> Icmpv4Type {
    match error {
        Error::TimeExceeded => Icmpv4Type::TimeExceeded(TimeExceededCode::TtlExceededInTransit),
        Error::FragmentationNeeded { mtu } => {
            Icmpv4Type::DestinationUnreachable(DestUnreachableHeader::FragmentationNeeded { next_hop_mtu: mtu })
        }
        Error::PortUnreachable => Icmpv4Type::DestinationUnreachable(DestUnreachableHeader::Port),
        Error::AdministrativelyProhibited => Icmpv4Type::DestinationUnreachable(DestUnreachableHeader::FilterProhibited),
    }
}

const fn message_v6(error: Error) -> Icmpv6Type {
    match error {
        Error::TimeExceeded => Icmpv6Type::TimeExceeded(HopLimitCode::HopLimitExceeded),
        Error::FragmentationNeeded { mtu } => Icmpv6Type::PacketTooBig { mtu: mtu as u32 },
        Error::PortUnreachable => Icmpv6Type::DestinationUnreachable(DestUnreachableCode::Port),
        Error::AdministrativelyProhibited => Icmpv6Type::DestinationUnreachable(DestUnreachableCode::Prohibited),
    }
}

fn may_be_answered(packet: &[u8], layout: &Layout) -> bool {
    let later = matches!(layout.fragment, Fragment::Later { .. });
    let one_host_each = match layout.addresses {
        Addresses::V4 { source, destination } => is_host(source) && !destination.is_multicast() && !destination.is_broadcast(),
        Addresses::V6 { source, destination } => {
            !source.is_unspecified() && !source.is_multicast() && !source.is_loopback() && !destination.is_multicast()
        }
    };
    !later && one_host_each && !is_error(packet, layout)
}

/// Whether the address can be one host's (RFC 1122 3.2.1.3; 240.0.0.0/4 is nobody's).
const fn is_host(address: Ipv4Addr) -> bool {
    let first = address.octets()[0];
    first != 0 && first != 127 && first < 224
}

/// Whether it is an ICMP error or redirect. Where the parser could not read the quote, the message's type tells.
fn is_error(packet: &[u8], layout: &Layout) -> bool {
    match layout.transport_header {
        Transport::IcmpError(_) | Transport::Neighbour(_) => true,
        Transport::OtherIcmp => {
            let kind = packet.get(layout.transport.saturating_sub(layout.network));
            match layout.addresses {
                Addresses::V4 { .. } => matches!(kind, None | Some(3 | 4 | 5 | 11 | 12)),
                Addresses::V6 { .. } => matches!(kind, None | Some(0..=127 | 137)),
            }
        }
        _ => false,
    }
}

#[cfg(test)]
#[path = "icmp_error_tests.rs"]
mod tests;
