//! Packets for tests, and their layouts as an independent parser (etherparse) sees them.

use std::net::IpAddr;

use etherparse::{IpHeaders, Ipv4Header, Ipv6Header, LaxNetSlice, LaxSlicedPacket, NetSlice, PacketBuilder, SlicedPacket, TcpHeader};

use crate::packet::parse::{Addresses, Fragment, Layout, Tcp, Transport};

pub(crate) const CLIENT_MAC: [u8; 6] = [2, 0, 0, 0, 0, 4];
pub(crate) const ETHERNET: usize = 14;

/// Source and destination from text, of either family.
pub(crate) fn addresses(source: &str, destination: &str) -> Addresses {
    match (source.parse().unwrap(), destination.parse().unwrap()) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => Addresses::V4 { source, destination },
        (IpAddr::V6(source), IpAddr::V6(destination)) => Addresses::V6 { source, destination },
        _ => panic!("two families"),
    }
}

pub(crate) fn ip(addresses: Addresses) -> IpHeaders {
    match addresses {
        Addresses::V4 { source, destination } => {
            let header = Ipv4Header { source: source.octets(), destination: destination.octets(), time_to_live: 63, ..Default::default() };
            IpHeaders::Ipv4(header, Default::default())
        }
        Addresses::V6 { source, destination } => {
            let header = Ipv6Header { source: source.octets(), destination: destination.octets(), hop_limit: 63, ..Default::default() };
            IpHeaders::Ipv6(header, Default::default())
        }
    }
}

/// A frame from the client to the gateway.
pub(crate) fn udp(addresses: Addresses, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    PacketBuilder::ethernet2(CLIENT_MAC, super::GATEWAY_MAC).ip(ip(addresses)).udp(40_000, 53).write(&mut bytes, payload).unwrap();
    bytes
}

/// A frame from the client to the gateway.
pub(crate) fn tcp(addresses: Addresses, header: TcpHeader, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    PacketBuilder::ethernet2(CLIENT_MAC, super::GATEWAY_MAC).ip(ip(addresses)).tcp_header(header).write(&mut bytes, payload).unwrap();
    bytes
}

/// The layout of a well-formed TCP or UDP packet, or of an ICMP one (as [`Transport::OtherIcmp`]).
pub(crate) fn layout(frame: &[u8]) -> Layout {
    let packet = LaxSlicedPacket::from_ethernet(frame).unwrap();
    let (addresses, protocol, ttl, transport, length, dont_fragment) = match packet.net.unwrap() {
        LaxNetSlice::Ipv4(slice) => {
            let header = slice.header();
            let addresses = Addresses::V4 { source: header.source_addr(), destination: header.destination_addr() };
            let start = ETHERNET + header.slice().len();
            (addresses, header.protocol(), header.ttl(), start, usize::from(header.total_len()), header.dont_fragment())
        }
        LaxNetSlice::Ipv6(slice) => {
            let header = slice.header();
            let addresses = Addresses::V6 { source: header.source_addr(), destination: header.destination_addr() };
            (addresses, header.next_header(), header.hop_limit(), ETHERNET + 40, 40 + usize::from(header.payload_length()), true)
        }
        LaxNetSlice::Arp(_) => panic!("ARP"),
    };
    let (transport_header, source_port, destination_port) = transport_of(frame, transport, protocol.0);
    let end = ETHERNET + length;
    let fragment = Fragment::Whole;
    let protocol = protocol.0;
    Layout {
        network: ETHERNET,
        transport,
        end,
        addresses,
        protocol,
        ttl,
        dont_fragment,
        fragment,
        transport_header,
        source_port,
        destination_port,
    }
}

fn transport_of(frame: &[u8], start: usize, protocol: u8) -> (Transport, u16, u16) {
    match protocol {
        6 => {
            let header = etherparse::TcpHeaderSlice::from_slice(&frame[start..]).unwrap();
            let (sequence, acknowledgement) = (header.sequence_number(), header.acknowledgment_number());
            let tcp = Tcp { flags: frame[start + 13], sequence, acknowledgement, payload: start + header.slice().len() };
            (Transport::Tcp(tcp), header.source_port(), header.destination_port())
        }
        17 => {
            let header = etherparse::UdpHeaderSlice::from_slice(&frame[start..]).unwrap();
            (Transport::Udp, header.source_port(), header.destination_port())
        }
        _ => (Transport::OtherIcmp, 0, 0),
    }
}

/// Dissects a TCP segment of ours and checks both its checksums.
pub(crate) fn segment(frame: &[u8]) -> (Addresses, TcpHeader, Vec<u8>) {
    let packet = SlicedPacket::from_ethernet(frame).unwrap();
    let tcp = match packet.transport.unwrap() {
        etherparse::TransportSlice::Tcp(tcp) => tcp,
        other => panic!("not TCP: {other:?}"),
    };
    let (addresses, checksum) = match packet.net.unwrap() {
        NetSlice::Ipv4(slice) => {
            let header = slice.header();
            assert_eq!(header.header_checksum(), header.to_header().calc_header_checksum());
            let addresses = Addresses::V4 { source: header.source_addr(), destination: header.destination_addr() };
            (addresses, tcp.calc_checksum_ipv4(header.source(), header.destination()).unwrap())
        }
        NetSlice::Ipv6(slice) => {
            let header = slice.header();
            let addresses = Addresses::V6 { source: header.source_addr(), destination: header.destination_addr() };
            (addresses, tcp.calc_checksum_ipv6(header.source(), header.destination()).unwrap())
        }
        NetSlice::Arp(_) => panic!("ARP"),
    };
    assert_eq!(tcp.checksum(), checksum);
    (addresses, tcp.to_header(), tcp.payload().to_vec())
}
