//! Agreement with etherparse's strict slicing, on good frames, on changed ones and on noise.

use etherparse::{IpNumber, NetSlice, SlicedPacket, TransportSlice};
use proptest::prelude::*;

use super::*;
use crate::packet::testing::recipe;
use crate::wire::tcp::are_flags_legal;

/// What both parsers say of an unfragmented IP packet.
#[derive(Debug, PartialEq)]
struct Facts {
    addresses: Addresses,
    protocol: u8,
    ttl: u8,
    ports: Option<(u16, u16)>,
}

fn theirs(bytes: &[u8]) -> Option<Facts> {
    let packet = SlicedPacket::from_ethernet(bytes).ok()?;
    let (addresses, protocol, ttl) = match packet.net.as_ref()? {
        NetSlice::Ipv4(ip) => {
            let (source, destination) = (ip.header().source_addr(), ip.header().destination_addr());
            (Addresses::V4 { source, destination }, ip.payload_ip_number(), ip.header().ttl())
        }
        NetSlice::Ipv6(ip) => {
            let (source, destination) = (ip.header().source_addr(), ip.header().destination_addr());
            (Addresses::V6 { source, destination }, ip.payload().ip_number, ip.header().hop_limit())
        }
        NetSlice::Arp(_) => return None,
    };
    let ports = match packet.transport.as_ref() {
        Some(TransportSlice::Tcp(tcp)) => Some((tcp.source_port(), tcp.destination_port())),
        Some(TransportSlice::Udp(udp)) => Some((udp.source_port(), udp.destination_port())),
        _ => None,
    };
    Some(Facts { addresses, protocol: protocol.0, ttl, ports })
}

fn ours(bytes: &[u8]) -> Option<Facts> {
    let Ok(Parsed::Ip(layout)) = parse(bytes, false) else { return None };
    let has_ports = matches!(layout.transport_header, Transport::Tcp(_) | Transport::Udp);
    let ports = has_ports.then_some((layout.source_port, layout.destination_port));
    Some(Facts { addresses: layout.addresses, protocol: layout.protocol, ttl: layout.ttl, ports })
}

/// Where the two mean to differ: etherparse looks behind AH, takes an IPv6 payload length of 0 for "the rest", wants an
/// ICMP timestamp to be whole, and parses no transport header in a first fragment.
fn comparable(bytes: &[u8]) -> bool {
    let Ok(Parsed::Ip(layout)) = parse(bytes, false) else { return true };
    let is_v4 = matches!(layout.addresses, Addresses::V4 { .. });
    let timestamp = is_v4 && matches!(bytes.get(layout.transport), Some(13 | 14));
    let has_payload = is_v4 || layout.end > layout.network + 40;
    layout.protocol != 51 && has_payload && !timestamp && layout.fragment == Fragment::Whole
}

/// The rules that go beyond etherparse's, written plainly over its view of the packet: true where they let it pass.
fn passes_our_rules(bytes: &[u8]) -> bool {
    let Ok(packet) = SlicedPacket::from_ethernet(bytes) else { return false };
    if bytes[6] & 1 != 0 || packet.is_ip_payload_fragmented() || !packet.link_exts.is_empty() {
        return false;
    }
    let network = match packet.net.as_ref() {
        Some(NetSlice::Ipv4(ip)) => {
            let header = ip.header().to_header();
            header.header_checksum == header.calc_header_checksum()
                && header.options.is_empty()
                && [ip.header().source_addr(), ip.header().destination_addr()]
                    .iter()
                    .all(|address| !(address.is_multicast() || address.is_broadcast() || address.is_loopback() || address.is_unspecified()))
        }
        Some(NetSlice::Ipv6(ip)) => {
            ip.extensions().is_empty()
                && ip.header().payload_length() > 0
                && [ip.header().source_addr(), ip.header().destination_addr()]
                    .iter()
                    .all(|address| !(address.is_multicast() || address.is_loopback() || address.is_unspecified()))
        }
        _ => false,
    };
    network
        && match packet.transport.as_ref() {
            Some(TransportSlice::Tcp(tcp)) => are_flags_legal(tcp.slice()[13]),
            Some(TransportSlice::Udp(udp)) => udp.length() >= 8,
            _ => false,
        }
}

fn agree(bytes: &[u8]) -> Result<(), TestCaseError> {
    let (mine, other) = (ours(bytes), theirs(bytes));
    if let Some(mine) = &mine
        && comparable(bytes)
    {
        prop_assert_eq!(Some(mine), other.as_ref(), "accepted here: {:02x?}", bytes);
    }
    if passes_our_rules(bytes) {
        prop_assert_eq!(mine, other, "accepted there: {:02x?}", bytes);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn good_frames_are_accepted_alike(recipe in recipe()) {
        let bytes = recipe.build();
        prop_assert!(ours(&bytes).is_some());
        agree(&bytes)?;
    }

    #[test]
    fn changed_frames_are_judged_alike(
        recipe in recipe(), changes in prop::collection::vec((14_usize..80, any::<u8>()), 0..4), cut in 0_usize..160, reseal: bool,
    ) {
        let mut bytes = recipe.build();
        for (at, value) in changes {
            let at = at % bytes.len();
            bytes[at] = value;
        }
        bytes.truncate(bytes.len().min(cut.max(14) + usize::from(cut > 120) * 1000));
        if reseal && !recipe.v6 && bytes.len() >= 34 {
            seal(&mut bytes);
        }
        agree(&bytes)?;
    }

    #[test]
    fn noise_is_judged_alike_and_never_panics(
        noise in prop::collection::vec(any::<u8>(), 0..200), ethertype in 0_usize..4, version: bool, needs_checksum: bool,
    ) {
        let mut bytes = noise;
        let kind = [[0x08, 0x00], [0x86, 0xdd], [0x08, 0x06]].get(ethertype).copied();
        if let (Some(kind), true) = (kind, bytes.len() > 34) {
            bytes[6] &= 0xfe;
            bytes[12..14].copy_from_slice(&kind);
            if version {
                bytes[14] = if ethertype == 0 { 0x45 } else { 0x60 };
                let length = (bytes.len() - if ethertype == 0 { 14 } else { 54.min(bytes.len()) }) as u16;
                let at = if ethertype == 0 { 16 } else { 18 };
                bytes[at..at + 2].copy_from_slice(&length.to_be_bytes());
                seal_if_v4(&mut bytes, ethertype);
            }
        }
        let _ = parse(&bytes, needs_checksum);
        agree(&bytes)?;
    }
}

fn seal_if_v4(bytes: &mut [u8], ethertype: usize) {
    if ethertype == 0 {
        seal(bytes);
    }
}

#[test]
fn the_oracle_rejects_what_it_should() {
    let mut bytes = sample(Kind::Udp, false).build();
    assert!(passes_our_rules(&bytes));
    assert_eq!(theirs(&bytes).map(|facts| IpNumber(facts.protocol)), Some(IpNumber::UDP));
    bytes[IP + 8] ^= 1;
    assert!(!passes_our_rules(&bytes));
}
