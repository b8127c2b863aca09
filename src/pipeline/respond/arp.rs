//! Address resolution for IPv4 (RFC 826).

use std::net::Ipv4Addr;

use etherparse::{ArpEthIpv4Packet, ArpOperation};

use super::GATEWAY_MAC;
use super::build::{Link, write};
use crate::packet::Frame;
use crate::packet::parse::Arp;

const BROADCAST: [u8; 6] = [0xff; 6];

/// Makes `into` the answer to `request`: the target is at [`GATEWAY_MAC`].
pub fn reply(request: &Arp, into: &mut Frame) {
    let packet = ArpEthIpv4Packet {
        operation: ArpOperation::REPLY,
        sender_mac: GATEWAY_MAC,
        sender_ipv4: request.target.octets(),
        target_mac: request.sender_mac,
        target_ipv4: request.sender.octets(),
    };
    build(request.sender_mac, packet, into);
}

/// Makes `into` a broadcast that asks who has `target`. `sender` is an address of ours in the target's subnet;
/// 0.0.0.0 where there is none (a probe, RFC 5227 2.1.1), which hosts answer without learning anything of us.
pub fn request(target: Ipv4Addr, sender: Ipv4Addr, into: &mut Frame) {
    let packet = ArpEthIpv4Packet {
        operation: ArpOperation::REQUEST,
        sender_mac: GATEWAY_MAC,
        sender_ipv4: sender.octets(),
        target_mac: [0; 6],
        target_ipv4: target.octets(),
    };
    build(BROADCAST, packet, into);
}

fn build(destination: [u8; 6], packet: ArpEthIpv4Packet, into: &mut Frame) {
    let step = Link::from_gateway(destination).step().arp(packet.into());
    write(into, step.size(), |buffer| step.write_to_slice(buffer));
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST_MAC: [u8; 6] = [2, 0, 0, 0, 0, 7];

    #[test]
    fn a_reply_tells_the_gateways_mac_for_the_asked_address() {
        let asked = Arp { request: true, sender_mac: HOST_MAC, sender: Ipv4Addr::new(10, 1, 1, 4), target: Ipv4Addr::new(10, 1, 1, 1) };
        let mut frame = Frame::new();
        reply(&asked, &mut frame);
        let expected = [
            [2, 0, 0, 0, 0, 7, 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 8, 6].as_slice(),
            &[0, 1, 8, 0, 6, 4, 0, 2],
            &[0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 10, 1, 1, 1],
            &[2, 0, 0, 0, 0, 7, 10, 1, 1, 4],
        ];
        assert_eq!(frame.bytes(), expected.concat());
    }

    #[test]
    fn a_request_is_broadcast_and_may_be_a_probe() {
        let mut frame = Frame::new();
        request(Ipv4Addr::new(10, 1, 1, 4), Ipv4Addr::UNSPECIFIED, &mut frame);
        let expected = [
            [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 8, 6].as_slice(),
            &[0, 1, 8, 0, 6, 4, 0, 1],
            &[0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0, 0, 0, 0],
            &[0, 0, 0, 0, 0, 0, 10, 1, 1, 4],
        ];
        assert_eq!(frame.bytes(), expected.concat());
    }
}
