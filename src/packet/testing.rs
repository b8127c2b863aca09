//! Frames for tests, built by etherparse, and its opinion of their checksums.

use etherparse::{NetSlice, PacketBuilder, SlicedPacket, TransportSlice};
use proptest::prelude::*;

use super::parse::{Addresses, parse};
use super::{Layout, Parsed};

/// What a frame carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Tcp,
    Udp,
    Request,
    Reply,
    /// An ICMP error about a packet of the kind (and family) given by the number: TCP, UDP, echo request, echo reply.
    Error(u8),
}

/// What a frame is built from.
#[derive(Clone, Debug)]
pub(crate) struct Recipe {
    pub(crate) v6: bool,
    pub(crate) kind: Kind,
    pub(crate) source: [u8; 16],
    pub(crate) destination: [u8; 16],
    pub(crate) ports: (u16, u16),
    pub(crate) payload: Vec<u8>,
}

pub(crate) const SOURCE_MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];
pub(crate) const DESTINATION_MAC: [u8; 6] = [2, 0, 0, 0, 0, 2];

/// A unicast address with these bits.
pub(crate) fn v4(bits: [u8; 16]) -> [u8; 4] {
    [1 + bits[0] % 126, bits[1], bits[2], bits[3]]
}

/// A unicast address with these bits.
pub(crate) fn v6(mut bits: [u8; 16]) -> [u8; 16] {
    bits[0] = 0x20 | bits[0] & 0x0f;
    bits
}

pub(crate) fn addresses(is_v6: bool, source: [u8; 16], destination: [u8; 16]) -> Addresses {
    if is_v6 {
        Addresses::V6 { source: v6(source).into(), destination: v6(destination).into() }
    } else {
        Addresses::V4 { source: v4(source).into(), destination: v4(destination).into() }
    }
}

impl Recipe {
    pub(crate) fn addresses(&self) -> Addresses {
        addresses(self.v6, self.source, self.destination)
    }

    pub(crate) fn build(&self) -> Vec<u8> {
        match self.kind {
            Kind::Error(about) => self.error(about),
            kind => self.plain(kind, &self.payload),
        }
    }

    /// The packet that the error quotes: sent the other way.
    pub(crate) fn quoted(&self, about: u8) -> Self {
        let kind = [Kind::Tcp, Kind::Udp, Kind::Request, Kind::Reply][usize::from(about) % 4];
        let ports = (self.ports.1, self.ports.0);
        Self { kind, source: self.destination, destination: self.source, ports, ..self.clone() }
    }

    fn error(&self, about: u8) -> Vec<u8> {
        let mut quote = self.quoted(about).build().split_off(14);
        quote.truncate(if about & 0x80 == 0 { 28 + usize::from(self.v6) * 20 } else { quote.len() });
        let step = PacketBuilder::ethernet2(SOURCE_MAC, DESTINATION_MAC);
        let mut bytes = Vec::new();
        if self.v6 {
            let step = step.ipv6(v6(self.source), v6(self.destination), 64);
            step.icmpv6_raw(3, 0, [0; 4]).write(&mut bytes, &quote).unwrap();
        } else {
            let step = step.ipv4(v4(self.source), v4(self.destination), 64);
            step.icmpv4_raw(11, 0, [0; 4]).write(&mut bytes, &quote).unwrap();
        }
        bytes
    }

    fn plain(&self, kind: Kind, payload: &[u8]) -> Vec<u8> {
        let step = PacketBuilder::ethernet2(SOURCE_MAC, DESTINATION_MAC);
        let step = if self.v6 {
            step.ipv6(v6(self.source), v6(self.destination), 64)
        } else {
            step.ipv4(v4(self.source), v4(self.destination), 64)
        };
        let (source, destination) = self.ports;
        let mut bytes = Vec::new();
        match (kind, self.v6) {
            (Kind::Tcp, _) => step.tcp(source, destination, 7, 512).psh().ack(9).write(&mut bytes, payload).unwrap(),
            (Kind::Udp, _) => step.udp(source, destination).write(&mut bytes, payload).unwrap(),
            (Kind::Request, false) => step.icmpv4_echo_request(source, 1).write(&mut bytes, payload).unwrap(),
            (Kind::Reply, false) => step.icmpv4_echo_reply(source, 1).write(&mut bytes, payload).unwrap(),
            (Kind::Request, true) => step.icmpv6_echo_request(source, 1).write(&mut bytes, payload).unwrap(),
            (Kind::Reply, true) => step.icmpv6_echo_reply(source, 1).write(&mut bytes, payload).unwrap(),
            (Kind::Error(_), _) => unreachable!("built by error()"),
        }
        bytes
    }
}

prop_compose! {
    /// Any frame of the kinds above.
    pub(crate) fn recipe()(
        v6: bool,
        kind in prop_oneof![
            Just(Kind::Tcp), Just(Kind::Udp), Just(Kind::Request), Just(Kind::Reply), any::<u8>().prop_map(Kind::Error),
        ],
        source: [u8; 16], destination: [u8; 16], ports: (u16, u16),
        payload in prop::collection::vec(any::<u8>(), 0..80),
    ) -> Recipe {
        Recipe { v6, kind, source, destination, ports, payload }
    }
}

/// The layout of a frame that is known to be an IP packet.
pub(crate) fn layout(bytes: &[u8]) -> Layout {
    match parse(bytes, false) {
        Ok(Parsed::Ip(layout)) => layout,
        other => panic!("{other:?}: {bytes:02x?}"),
    }
}

/// The checksums that etherparse computes for a frame, beside those that the frame holds.
pub(crate) fn checksums(bytes: &[u8]) -> Vec<(&'static str, u16, u16)> {
    let packet = SlicedPacket::from_ethernet(bytes).unwrap();
    let mut found = Vec::new();
    match packet.net.as_ref().unwrap() {
        NetSlice::Ipv4(ip) => {
            let header = ip.header().to_header();
            found.push(("ipv4", header.header_checksum, header.calc_header_checksum()));
            found.extend(over_v4(packet.transport.as_ref(), header.source, header.destination));
        }
        NetSlice::Ipv6(ip) => found.extend(over_v6(packet.transport.as_ref(), ip.header().source(), ip.header().destination())),
        NetSlice::Arp(_) => {}
    }
    found
}

fn over_v4(transport: Option<&TransportSlice<'_>>, source: [u8; 4], destination: [u8; 4]) -> Option<(&'static str, u16, u16)> {
    Some(match transport? {
        TransportSlice::Tcp(tcp) => ("tcp", tcp.checksum(), tcp.calc_checksum_ipv4(source, destination).unwrap()),
        TransportSlice::Udp(udp) => {
            ("udp", udp.checksum(), udp.to_header().calc_checksum_ipv4_raw(source, destination, udp.payload()).unwrap())
        }
        TransportSlice::Icmpv4(icmp) => ("icmp", icmp.checksum(), icmp.icmp_type().calc_checksum(icmp.payload())),
        _ => return None,
    })
}

fn over_v6(transport: Option<&TransportSlice<'_>>, source: [u8; 16], destination: [u8; 16]) -> Option<(&'static str, u16, u16)> {
    Some(match transport? {
        TransportSlice::Tcp(tcp) => ("tcp", tcp.checksum(), tcp.calc_checksum_ipv6(source, destination).unwrap()),
        TransportSlice::Udp(udp) => {
            ("udp", udp.checksum(), udp.to_header().calc_checksum_ipv6_raw(source, destination, udp.payload()).unwrap())
        }
        TransportSlice::Icmpv6(icmp) => ("icmpv6", 1, u16::from(icmp.is_checksum_valid(source, destination))),
        _ => return None,
    })
}

/// Fails unless every checksum of the frame is the one that etherparse computes.
pub(crate) fn assert_checksums(bytes: &[u8]) {
    let found = checksums(bytes);
    assert!(!found.is_empty(), "nothing to check in {bytes:02x?}");
    for (name, held, computed) in found {
        assert_eq!(held, computed, "{name} checksum of {bytes:02x?}");
    }
}
