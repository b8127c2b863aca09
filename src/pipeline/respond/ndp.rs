//! Address resolution for IPv6: neighbour discovery (RFC 4861).

use std::net::Ipv6Addr;

use etherparse::icmpv6::NeighborAdvertisementHeader;
use etherparse::{Icmpv6Type, IpHeaders};

use super::build::{Link, ipv6, write};
use super::{GATEWAY_LINK_LOCAL, GATEWAY_MAC};
use crate::packet::Frame;

/// Receivers discard neighbour discovery that a router could have forwarded (RFC 4861 7.1).
const HOP_LIMIT: u8 = 255;
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
const SOURCE_LINK_LAYER_ADDRESS: u8 = 1;
const TARGET_LINK_LAYER_ADDRESS: u8 = 2;

/// Makes `into` the answer to a solicitation for `target` that came from `solicitor` at `solicitor_mac`: the target is
/// at [`GATEWAY_MAC`]. An unspecified solicitor (duplicate address detection, RFC 4862 5.4) cannot be written to, so
/// all nodes hear the answer.
pub fn advertisement(target: Ipv6Addr, solicitor: Ipv6Addr, solicitor_mac: [u8; 6], into: &mut Frame) {
    let solicited = !solicitor.is_unspecified();
    let (destination, mac) = if solicited { (solicitor, solicitor_mac) } else { (ALL_NODES, multicast_mac(ALL_NODES)) };
    let flags = NeighborAdvertisementHeader { router: true, solicited, r#override: true };
    let message = Icmpv6Type::NeighborAdvertisement(flags);
    build(mac, target, destination, message, target, TARGET_LINK_LAYER_ADDRESS, into);
}

/// Makes `into` a multicast to the target's solicited-node address that asks who has `target`.
pub fn solicitation(target: Ipv6Addr, into: &mut Frame) {
    let destination = solicited_node(target);
    let mac = multicast_mac(destination);
    build(mac, GATEWAY_LINK_LOCAL, destination, Icmpv6Type::NeighborSolicitation, target, SOURCE_LINK_LAYER_ADDRESS, into);
}

fn build(mac: [u8; 6], source: Ipv6Addr, destination: Ipv6Addr, message: Icmpv6Type, target: Ipv6Addr, option: u8, into: &mut Frame) {
    let mut body = [0; 24];
    body[..16].copy_from_slice(&target.octets());
    // type, length in units of 8 bytes, our address
    body[16..18].copy_from_slice(&[option, 1]);
    body[18..].copy_from_slice(&GATEWAY_MAC);
    let header = IpHeaders::Ipv6(ipv6(source, destination, HOP_LIMIT), Default::default());
    let step = Link::from_gateway(mac).step().ip(header).icmpv6(message);
    write(into, step.size(body.len()), |buffer| step.write_to_slice(buffer, &body));
}

/// `ff02::1:ff00:0/104` with the last 24 bits of the address (RFC 4291 2.7.1).
fn solicited_node(target: Ipv6Addr) -> Ipv6Addr {
    const PREFIX: u128 = 0xff02_0000_0000_0000_0000_0001_ff00_0000;
    Ipv6Addr::from_bits(PREFIX | (target.to_bits() & 0xff_ffff))
}

/// 33:33 and the last 32 bits of the group (RFC 2464 7).
const fn multicast_mac(group: Ipv6Addr) -> [u8; 6] {
    let [.., a, b, c, d] = group.octets();
    [0x33, 0x33, a, b, c, d]
}

#[cfg(test)]
mod tests {
    use etherparse::{NetSlice, SlicedPacket, TransportSlice};

    use super::*;

    const HOST_MAC: [u8; 6] = [2, 0, 0, 0, 0, 7];

    /// MACs, source, destination, ICMPv6 message after its checksum was verified.
    fn dissect(frame: &Frame) -> ([u8; 12], Ipv6Addr, Ipv6Addr, Vec<u8>) {
        let packet = SlicedPacket::from_ethernet(frame.bytes()).unwrap();
        let Some(NetSlice::Ipv6(ip)) = packet.net else { panic!("not IPv6") };
        let header = ip.header();
        assert_eq!(header.hop_limit(), 255);
        let Some(TransportSlice::Icmpv6(icmp)) = packet.transport else { panic!("not ICMPv6") };
        assert!(icmp.is_checksum_valid(header.source(), header.destination()));
        (*frame.bytes().first_chunk().unwrap(), header.source_addr(), header.destination_addr(), icmp.slice().to_vec())
    }

    #[test]
    fn an_advertisement_answers_the_solicitor() {
        let target = "fd00:1::1".parse().unwrap();
        let solicitor = "fd00:1::4".parse().unwrap();
        let mut frame = Frame::new();
        advertisement(target, solicitor, HOST_MAC, &mut frame);
        let (macs, source, destination, message) = dissect(&frame);
        assert_eq!(macs, [2, 0, 0, 0, 0, 7, 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc]);
        assert_eq!((source, destination), (target, solicitor));
        assert_eq!(message[0], 136);
        assert_eq!(message[4], 0b1110_0000, "router, solicited, override");
        assert_eq!(message[8..24], target.octets());
        assert_eq!(message[24..], [2, 1, 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc]);
    }

    #[test]
    fn duplicate_address_detection_is_answered_to_all_nodes() {
        let target = "fd00:1::1".parse().unwrap();
        let mut frame = Frame::new();
        advertisement(target, Ipv6Addr::UNSPECIFIED, HOST_MAC, &mut frame);
        let (macs, source, destination, message) = dissect(&frame);
        assert_eq!(macs[..6], [0x33, 0x33, 0, 0, 0, 1]);
        assert_eq!((source, destination), (target, ALL_NODES));
        assert_eq!(message[4], 0b1010_0000, "not solicited");
    }

    #[test]
    fn a_solicitation_asks_the_solicited_node_group() {
        let target = "fd00:1::12:3456".parse().unwrap();
        let mut frame = Frame::new();
        solicitation(target, &mut frame);
        let (macs, source, destination, message) = dissect(&frame);
        assert_eq!(macs[..6], [0x33, 0x33, 0xff, 0x12, 0x34, 0x56]);
        assert_eq!(source, "fe80::1234:5678:9abc".parse::<Ipv6Addr>().unwrap());
        assert_eq!(destination, "ff02::1:ff12:3456".parse::<Ipv6Addr>().unwrap());
        assert_eq!(message[0], 135);
        assert_eq!(message[8..24], target.octets());
        assert_eq!(message[24..], [1, 1, 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc]);
    }
}
