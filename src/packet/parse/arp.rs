//! ARP for IPv4 over Ethernet.

use super::Arp;
use crate::packet::Reason;
use crate::wire::{arp, ethernet};

/// Parses what follows the Ethernet header.
pub(super) fn parse(bytes: &[u8]) -> Result<Arp, Reason> {
    let packet = arp::Packet::of(bytes).ok_or(Reason::MalformedIpv4)?;
    if packet.hardware() != arp::ETHERNET || packet.protocol() != ethernet::ethertype::IPV4 {
        return Err(Reason::Unsupported);
    }
    let sender = packet.sender();
    let impossible = sender.is_multicast() || sender.is_broadcast() || sender.is_loopback();
    if packet.address_sizes() != (6, 4) || impossible || ethernet::is_multicast(packet.sender_mac()) {
        return Err(Reason::MalformedIpv4);
    }
    let request = match packet.operation() {
        arp::REQUEST => true,
        arp::REPLY => false,
        _ => return Err(Reason::Unsupported),
    };
    Ok(Arp { request, sender_mac: packet.sender_mac(), sender, target: packet.target() })
}
