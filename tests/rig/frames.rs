//! Frames as hosts make them, and what a frame says.

use std::net::{IpAddr, Ipv4Addr};

use etherparse::{PacketBuilder, TransportSlice};

use super::GATEWAY;

/// The MAC address of whoever has this address.
pub fn mac(address: IpAddr) -> [u8; 6] {
    match address {
        IpAddr::V4(address) => {
            let [a, b, c, d] = address.octets();
            [0x02, 0x00, a, b, c, d]
        }
        IpAddr::V6(address) => {
            let o = address.octets();
            [0x02, 0x06, o[12], o[13], o[14], o[15]]
        }
    }
}

pub(super) fn build(size: usize, write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(size);
    write(&mut bytes);
    bytes
}

pub(super) fn arp_reply(owner: Ipv4Addr, asker: Ipv4Addr) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend(GATEWAY);
    bytes.extend(mac(owner.into()));
    bytes.extend([0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 2]);
    bytes.extend(mac(owner.into()));
    bytes.extend(owner.octets());
    bytes.extend(GATEWAY);
    bytes.extend(asker.octets());
    bytes
}

fn v4(text: &str) -> Ipv4Addr {
    text.parse().unwrap()
}

/// A TCP segment. `flags`: any of `S A F R P`.
pub fn tcp(source: (&str, u16), destination: (&str, u16), flags: &str, seq: u32, ack: u32, payload: &[u8]) -> Vec<u8> {
    let (from, to) = (v4(source.0), v4(destination.0));
    let mut builder =
        PacketBuilder::ethernet2(mac(from.into()), GATEWAY).ipv4(from.octets(), to.octets(), 64).tcp(source.1, destination.1, seq, 64_000);
    for flag in flags.chars() {
        builder = match flag {
            'S' => builder.syn(),
            'A' => builder.ack(ack),
            'F' => builder.fin(),
            'R' => builder.rst(),
            'P' => builder.psh(),
            other => panic!("no flag {other}"),
        };
    }
    build(builder.size(payload.len()), |bytes| builder.write(bytes, payload).unwrap())
}

/// A UDP datagram.
pub fn udp(source: (&str, u16), destination: (&str, u16), payload: &[u8]) -> Vec<u8> {
    let (from, to) = (v4(source.0), v4(destination.0));
    let builder = PacketBuilder::ethernet2(mac(from.into()), GATEWAY).ipv4(from.octets(), to.octets(), 64).udp(source.1, destination.1);
    build(builder.size(payload.len()), |bytes| builder.write(bytes, payload).unwrap())
}

/// An ICMP echo request or reply.
pub fn echo(source: &str, destination: &str, id: u16, reply: bool) -> Vec<u8> {
    let (from, to) = (v4(source), v4(destination));
    let builder = PacketBuilder::ethernet2(mac(from.into()), GATEWAY).ipv4(from.octets(), to.octets(), 64);
    let builder = if reply { builder.icmpv4_echo_reply(id, 1) } else { builder.icmpv4_echo_request(id, 1) };
    build(builder.size(8), |bytes| builder.write(bytes, b"causeway").unwrap())
}

/// What a frame says: addresses, ports and TCP flags, for comparing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub source: IpAddr,
    pub destination: IpAddr,
    pub ports: (u16, u16),
    pub flags: String,
    pub ttl: u8,
}

/// Reads an IPv4 frame with etherparse, checksums verified.
pub fn seen(bytes: &[u8]) -> Seen {
    let packet = etherparse::SlicedPacket::from_ethernet(bytes).unwrap();
    let Some(etherparse::NetSlice::Ipv4(ip)) = &packet.net else { panic!("not IPv4: {bytes:02x?}") };
    let header = ip.header().to_header();
    assert_eq!(header.calc_header_checksum(), header.header_checksum, "IPv4 header checksum");
    let (ports, flags) = match &packet.transport {
        Some(TransportSlice::Tcp(tcp)) => {
            assert_eq!(tcp.calc_checksum_ipv4(header.source, header.destination).unwrap(), tcp.checksum(), "TCP checksum");
            let flags = [(tcp.syn(), 'S'), (tcp.ack(), 'A'), (tcp.fin(), 'F'), (tcp.rst(), 'R')];
            ((tcp.source_port(), tcp.destination_port()), flags.iter().filter(|(set, _)| *set).map(|(_, name)| *name).collect())
        }
        Some(TransportSlice::Udp(udp)) => {
            let expected = udp.to_header().calc_checksum_ipv4(&header, udp.payload()).unwrap();
            assert_eq!(expected, udp.checksum(), "UDP checksum");
            ((udp.source_port(), udp.destination_port()), String::new())
        }
        _ => ((0, 0), String::new()),
    };
    Seen { source: header.source.into(), destination: header.destination.into(), ports, flags, ttl: header.time_to_live }
}
