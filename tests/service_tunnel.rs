//! `sourceEncoding: ServiceTunnel` between in-memory hosts: IPv6 at the service, IPv4 at everyone else, both ways.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]

mod rig;

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use causeway::counters::Scalar;
use causeway::packet::{Frame, Gso, Offload, Reason};
use etherparse::icmpv6::DestUnreachableCode;
use etherparse::{Icmpv6Type, Ipv6FragmentHeader, NetSlice, PacketBuilder, SlicedPacket, TransportSlice};
use rig::{GATEWAY, Out, Rig, Seen, mac, seen, tcp, udp};

/// Two networks with one address space, and the vectors of the service tunnel.
const NETWORK: &str = r#"
virtualNetworks:
  - name: red
    addressPrefixes: [10.1.0.0/16]
    defaultOutboundAddress: 192.0.2.1
    tunnelKey: 0xd204
    subnets:
      - { name: app, addressPrefix: 10.1.0.0/22, serviceEndpoints: [Microsoft.Sql], tunnelKey: 0x200 }
      - { name: batch, addressPrefix: 10.1.4.0/24 }
  - name: blue
    addressPrefixes: [10.1.0.0/16]
    tunnelKey: 0xd205
    subnets:
      - { name: app, addressPrefix: 10.1.0.0/22, serviceEndpoints: [Microsoft.Sql], tunnelKey: 0x200, wirePrefix: 192.168.0.0/22 }
      - { name: closed, addressPrefix: 10.1.4.0/24, serviceEndpoints: [Microsoft.Sql], tunnelKey: 0x201 }
services:
  - name: db
    type: Microsoft.Sql/servers
    addresses: [50.1.2.1]
    ports: [1433, 5000]
    sourceEncoding: ServiceTunnel
    tunnelPrefix: "2603:10e1:100:2::/96"
    firewall: { virtualNetworkRules: [red/app, blue/app], ipRules: [192.0.2.1] }
ports:
  - { name: red, attach: red/app }
  - { name: batch, attach: red/batch }
  - { name: blue, attach: blue/app }
  - { name: closed, attach: blue/closed }
  - { name: db, attach: service/db }
"#;

const CLIENT: &str = "10.1.1.1";
const DB: &str = "50.1.2.1";
/// The client and the service, as the service sees them.
const CLIENT6: &str = "fd00:108:0:d204:0:200:a01:101";
const DB6: &str = "2603:10e1:100:2::3201:201";

fn v6(text: &str) -> Ipv6Addr {
    text.parse().unwrap()
}

fn from(address: &str) -> PacketBuilder6 {
    PacketBuilder::ethernet2(mac(IpAddr::V6(v6(address))), GATEWAY)
}

type PacketBuilder6 = etherparse::PacketBuilderStep<etherparse::Ethernet2Header>;

/// A TCP segment from the service. `flags`: any of `S A R`.
fn tcp6(source: (&str, u16), destination: (&str, u16), flags: &str, seq: u32, ack: u32, payload: &[u8]) -> Vec<u8> {
    let step = from(source.0).ipv6(v6(source.0).octets(), v6(destination.0).octets(), 64).tcp(source.1, destination.1, seq, 64_000);
    let step = flags.chars().fold(step, |step, flag| match flag {
        'S' => step.syn(),
        'A' => step.ack(ack),
        _ => step.rst(),
    });
    let mut bytes = Vec::new();
    step.write(&mut bytes, payload).unwrap();
    bytes
}

fn udp6(source: (&str, u16), destination: (&str, u16), payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let step = from(source.0).ipv6(v6(source.0).octets(), v6(destination.0).octets(), 64).udp(source.1, destination.1);
    step.write(&mut bytes, payload).unwrap();
    bytes
}

/// Reads an IPv6 frame with etherparse, checksums verified.
fn seen6(bytes: &[u8]) -> Seen {
    let packet = SlicedPacket::from_ethernet(bytes).unwrap();
    let Some(NetSlice::Ipv6(ip)) = &packet.net else { panic!("not IPv6: {bytes:02x?}") };
    let header = ip.header();
    assert_eq!(usize::from(header.payload_length()), bytes.len() - 54);
    assert_eq!((header.traffic_class(), header.flow_label().value()), (0, 0));
    let (ports, flags) = match &packet.transport {
        Some(TransportSlice::Tcp(tcp)) => {
            assert_eq!(tcp.calc_checksum_ipv6(header.source(), header.destination()).unwrap(), tcp.checksum(), "TCP checksum");
            let flags = [(tcp.syn(), 'S'), (tcp.ack(), 'A'), (tcp.fin(), 'F'), (tcp.rst(), 'R')];
            ((tcp.source_port(), tcp.destination_port()), flags.iter().filter(|(set, _)| *set).map(|(_, name)| *name).collect())
        }
        Some(TransportSlice::Udp(udp)) => {
            let computed = udp.to_header().calc_checksum_ipv6_raw(header.source(), header.destination(), udp.payload()).unwrap();
            assert_eq!(computed, udp.checksum(), "UDP checksum");
            ((udp.source_port(), udp.destination_port()), String::new())
        }
        Some(TransportSlice::Icmpv6(icmp)) => {
            assert!(icmp.is_checksum_valid(header.source(), header.destination()), "ICMPv6 checksum");
            ((0, 0), String::new())
        }
        _ => ((0, 0), String::new()),
    };
    Seen { source: header.source_addr().into(), destination: header.destination_addr().into(), ports, flags, ttl: header.hop_limit() }
}

fn only(out: Vec<Out>, port: &str) -> Vec<u8> {
    assert_eq!(out.iter().map(|out| out.port.as_str()).collect::<Vec<_>>(), [port]);
    out.into_iter().next().unwrap().bytes
}

/// Opens a connection from `red` to `db`.
fn connect(rig: &mut Rig) {
    rig.send("red", &tcp((CLIENT, 40_000), (DB, 1433), "S", 100, 0, b""));
    rig.send("db", &tcp6((DB6, 1433), (CLIENT6, 40_000), "SA", 500, 101, b""));
    rig.send("red", &tcp((CLIENT, 40_000), (DB, 1433), "A", 101, 501, b""));
}

#[test]
fn the_service_sees_the_golden_vector_and_its_answer_comes_back_as_ipv4() {
    let mut rig = Rig::new(NETWORK);
    let there = only(rig.send("red", &tcp((CLIENT, 40_000), (DB, 1433), "S", 1, 0, b"")), "db");
    let expected =
        Seen { source: CLIENT6.parse().unwrap(), destination: DB6.parse().unwrap(), ports: (40_000, 1433), flags: "S".into(), ttl: 63 };
    assert_eq!(seen6(&there), expected);
    assert_eq!(there[..12], [mac(DB6.parse().unwrap()), GATEWAY].concat(), "to whom has the IPv6 address");
    let here = only(rig.send("db", &tcp6((DB6, 1433), (CLIENT6, 40_000), "SA", 9, 2, b"")), "red");
    let expected =
        Seen { source: DB.parse().unwrap(), destination: CLIENT.parse().unwrap(), ports: (1433, 40_000), flags: "SA".into(), ttl: 63 };
    assert_eq!(seen(&here), expected);
    let data = only(rig.send("red", &tcp((CLIENT, 40_000), (DB, 1433), "AP", 2, 10, b"select")), "db");
    assert_eq!(&data[data.len() - 6..], b"select");
    let data = only(rig.send("db", &tcp6((DB6, 1433), (CLIENT6, 40_000), "A", 10, 8, b"answer")), "red");
    assert_eq!(&data[data.len() - 6..], b"answer");
    assert_eq!((rig.scalar(Scalar::RewritesServiceTunnel), rig.scalar(Scalar::RewritesPrivate)), (1, 0));
    assert_eq!((rig.flows(), rig.count(Reason::Forwarded)), (1, 4));
}

#[test]
fn what_does_not_come_over_an_endpoint_stays_ipv4() {
    let mut rig = Rig::new(NETWORK);
    let there = seen(&only(rig.send("batch", &tcp(("10.1.4.4", 40_000), (DB, 1433), "S", 1, 0, b"")), "db"));
    assert_eq!((there.source.to_string().as_str(), there.destination.to_string().as_str()), ("192.0.2.1", DB));
    let here = seen(&only(rig.send("db", &tcp((DB, 1433), ("192.0.2.1", there.ports.0), "SA", 9, 2, b"")), "batch"));
    assert_eq!((here.destination.to_string().as_str(), here.ports), ("10.1.4.4", (1433, 40_000)));
}

#[test]
fn two_networks_with_one_address_space_need_no_port_translation() {
    let mut rig = Rig::new(NETWORK);
    let red = seen6(&only(rig.send("red", &tcp((CLIENT, 40_000), (DB, 1433), "S", 1, 0, b"")), "db"));
    // behind a wire prefix: its host is the private address with the same host bits
    let blue = seen6(&only(rig.send("blue", &tcp(("192.168.1.1", 40_000), (DB, 1433), "S", 1, 0, b"")), "db"));
    assert_eq!((red.ports, blue.ports), ((40_000, 1433), (40_000, 1433)));
    assert_eq!(blue.source.to_string(), "fd00:108:0:d205:0:200:a01:101");
    let here = only(rig.send("db", &tcp6((DB6, 1433), ("fd00:108:0:d205:0:200:a01:101", 40_000), "SA", 9, 2, b"")), "blue");
    assert_eq!(seen(&here).destination.to_string(), "192.168.1.1");
    assert_eq!(rig.flows(), 2);
}

#[test]
fn any_prefix_length_is_taken() {
    for (prefix, seen) in [
        ("2603:10e1:100:2::4601:203/128", "2603:10e1:100:2::4601:203"),
        ("2603:10e1:100:2::3c00:0/104", "2603:10e1:100:2::3c01:201"),
        ("2603:10e1:100::/48", "2603:10e1:100::3201:201"),
    ] {
        let mut rig = Rig::new(&NETWORK.replace("2603:10e1:100:2::/96", prefix));
        let there = seen6(&only(rig.send("red", &tcp((CLIENT, 40_000), (DB, 1433), "S", 1, 0, b"")), "db"));
        assert_eq!(there.destination.to_string(), seen, "{prefix}");
        assert_eq!(rig.send("db", &tcp6((seen, 1433), (CLIENT6, 40_000), "SA", 9, 2, b"")).len(), 1, "{prefix}");
    }
}

#[test]
fn two_addresses_that_one_prefix_makes_one_are_told_apart_by_port() {
    let text = NETWORK.replace("[50.1.2.1]", "[50.1.2.1, 50.1.2.2]").replace("2603:10e1:100:2::/96", "2603:10e1:100:2::9/128");
    let mut rig = Rig::new(&text);
    let mut ports = Vec::new();
    for db in ["50.1.2.1", "50.1.2.2"] {
        let there = seen6(&only(rig.send("red", &tcp((CLIENT, 40_000), (db, 1433), "S", 1, 0, b"")), "db"));
        let back = tcp6(("2603:10e1:100:2::9", 1433), (CLIENT6, there.ports.0), "SA", 9, 2, b"");
        let here = seen(&only(rig.send("db", &back), "red"));
        assert_eq!((here.source.to_string().as_str(), here.ports), (db, (1433, 40_000)));
        ports.push(there.ports.0);
    }
    assert_ne!(ports[0], ports[1]);
}

#[test]
fn nothing_unsolicited_has_a_way_in() {
    let mut rig = Rig::new(NETWORK);
    assert!(rig.send("db", &tcp6((DB6, 1433), (CLIENT6, 40_000), "S", 9, 0, b"")).is_empty());
    assert_eq!(rig.count(Reason::ServiceInitiated), 1);
    assert!(rig.send("db", &tcp6(("2603:10e1:100:2::1", 1433), (CLIENT6, 40_000), "S", 9, 0, b"")).is_empty());
    assert_eq!(rig.count(Reason::SourceSpoofed), 1, "another address of the prefix is not the service's");
    // An IPv4-mapped address is an IPv4 node's, and on no wire.
    connect(&mut rig);
    assert!(rig.send("red", &tcp6(("::ffff:10.1.1.1", 40_000), ("::ffff:50.1.2.1", 1433), "A", 101, 501, b"x")).is_empty());
    assert_eq!(rig.count(Reason::MalformedIpv6), 1);
    // The same client's packet to the service's IPv6 address is none of the tunnel's.
    assert!(rig.send("db", &tcp((DB, 1433), (CLIENT, 40_000), "A", 501, 101, b"x")).is_empty());
    assert_eq!(rig.count(Reason::ServiceInitiated), 2, "nor does the service answer by IPv4");
}

#[test]
fn the_gateway_answers_for_the_clients_and_not_for_the_service() {
    let mut rig = Rig::new(NETWORK);
    for (target, answers) in [(CLIENT6, 1), ("fe80::1234:5678:9abc", 1), (DB6, 0)] {
        let mut bytes = Vec::new();
        let group = Ipv6Addr::from_bits(v6("ff02::1:ff00:0").to_bits() | (v6(target).to_bits() & 0xff_ffff));
        let step = from(DB6).ipv6(v6(DB6).octets(), group.octets(), 255).icmpv6(Icmpv6Type::NeighborSolicitation);
        step.write(&mut bytes, &v6(target).octets()).unwrap();
        assert_eq!(rig.send("db", &bytes).len(), answers, "{target}");
    }
}

#[test]
fn a_denial_is_shown_to_the_client_in_its_family() {
    let mut rig = Rig::new(NETWORK);
    let reset = seen(&only(rig.send("closed", &tcp(("10.1.4.4", 40_000), (DB, 1433), "S", 77, 0, b"")), "closed"));
    assert_eq!((reset.flags.as_str(), reset.source.to_string().as_str()), ("AR", DB));
    let unreachable = only(rig.send("closed", &udp(("10.1.4.4", 40_000), (DB, 5000), b"x")), "closed");
    assert_eq!((unreachable[34], unreachable[35]), (3, 3));
    assert_eq!((rig.count(Reason::ServiceFirewallDeny), rig.flows()), (2, 0));
}

#[test]
fn datagrams_get_the_checksum_that_ipv6_asks_for() {
    let mut rig = Rig::new(NETWORK);
    let mut without = udp((CLIENT, 40_000), (DB, 5000), b"question");
    without[40..42].fill(0);
    let there = only(rig.send("red", &without), "db");
    assert_eq!(seen6(&there).ports, (40_000, 5000));
    assert_eq!(&there[62..], b"question");
    let here = only(rig.send("db", &udp6((DB6, 5000), (CLIENT6, 40_000), b"answer")), "red");
    assert_eq!((seen(&here).ports, &here[42..]), ((5000, 40_000), &b"answer"[..]));
}

/// The fragment headers and payloads of IPv6 pieces.
fn pieces(out: &[Out]) -> Vec<(u32, u16, bool, Vec<u8>)> {
    let piece = |out: &Out| {
        assert_eq!((out.port.as_str(), out.bytes[20]), ("db", 44));
        let (header, _) = Ipv6FragmentHeader::from_slice(&out.bytes[54..]).unwrap();
        (header.identification, header.fragment_offset.value() * 8, header.more_fragments, out.bytes[62..].to_vec())
    };
    out.iter().map(piece).collect()
}

/// A datagram that may be cut, longer than the way out takes.
fn long_datagram(dont_fragment: bool) -> Vec<u8> {
    let mut bytes = udp((CLIENT, 40_000), (DB, 5000), &[7; 1460]);
    bytes[18..20].copy_from_slice(&0xbeef_u16.to_be_bytes());
    set_flags(&mut bytes, if dont_fragment { 0x4000 } else { 0 });
    bytes
}

fn set_flags(bytes: &mut [u8], flags_and_offset: u16) {
    bytes[20..22].copy_from_slice(&flags_and_offset.to_be_bytes());
    bytes[24..26].fill(0);
    let checksum = etherparse::Ipv4HeaderSlice::from_slice(&bytes[14..]).unwrap().to_header().calc_header_checksum();
    bytes[24..26].copy_from_slice(&checksum.to_be_bytes());
}

#[test]
fn what_is_too_long_in_ipv6_is_cut_or_refused_with_the_size_in_ipv4() {
    let mut rig = Rig::new(NETWORK);
    let cut = rig.send("red", &long_datagram(false));
    let pieces = pieces(&cut);
    assert_eq!(
        pieces.iter().map(|(id, offset, more, _)| (*id, *offset, *more)).collect::<Vec<_>>(),
        [(0xbeef, 0, true), (0xbeef, 1448, false)]
    );
    assert!(cut.iter().all(|piece| piece.bytes.len() <= 1514));
    let datagram: Vec<u8> = pieces.iter().flat_map(|(_, _, _, payload)| payload.clone()).collect();
    assert_eq!(datagram[8..], [7; 1460]);
    let error = only(rig.send("red", &long_datagram(true)), "red");
    assert_eq!((error[34], error[35], u16::from_be_bytes([error[40], error[41]])), (3, 4, 1480), "fragmentation needed");
    assert_eq!(rig.count(Reason::TooBig), 1);
    let mut fits = udp((CLIENT, 40_000), (DB, 5000), &[7; 1452]);
    set_flags(&mut fits, 0x4000);
    assert_eq!(only(rig.send("red", &fits), "db").len(), 1514);
}

#[test]
fn fragments_follow_their_first_and_keep_their_place() {
    let mut rig = Rig::new(NETWORK);
    let mut first = udp((CLIENT, 40_000), (DB, 5000), &[1; 24]);
    set_flags(&mut first, 0x2000);
    let mut last = first.clone();
    last[34..].fill(2);
    set_flags(&mut last, 4);
    let there = [rig.send("red", &first), rig.send("red", &last)].concat();
    let there = pieces(&there);
    assert_eq!(there.iter().map(|(_, offset, more, _)| (*offset, *more)).collect::<Vec<_>>(), [(0, true), (32, false)]);
    assert_eq!(there[1].3, [2; 32]);
    // and from the service
    let whole = udp6((DB6, 5000), (CLIENT6, 40_000), &[3; 24]);
    let piece = |offset: u8, more: u8, payload: &[u8]| {
        let mut bytes = whole[..54].to_vec();
        bytes[20] = 44;
        bytes[18..20].copy_from_slice(&u16::try_from(payload.len() + 8).unwrap().to_be_bytes());
        bytes.extend([17, 0, 0, offset << 3 | more, 0, 0, 0x12, 0x34]);
        bytes.extend_from_slice(payload);
        bytes
    };
    let first = only(rig.send("db", &piece(0, 1, &whole[54..70])), "red");
    let last = only(rig.send("db", &piece(2, 0, &whole[70..])), "red");
    let headers: Vec<_> = [&first, &last].map(|bytes| etherparse::Ipv4HeaderSlice::from_slice(&bytes[14..]).unwrap().to_header()).into();
    let shown: Vec<_> =
        headers.iter().map(|header| (header.identification, header.fragment_offset.byte_offset(), header.more_fragments)).collect();
    assert_eq!(shown, [(0x1234, 0, true), (0x1234, 16, false)]);
    assert_eq!(last[34..], whole[70..]);
    let orphan = rig.send("db", &[&piece(2, 0, &whole[70..])[..57], &[0xf1], &[9; 20]].concat());
    assert!(orphan.is_empty(), "nobody has seen its first");
}

#[test]
fn the_service_is_told_the_size_that_ipv4_has() {
    let mut rig = Rig::new(NETWORK);
    connect(&mut rig);
    let red = rig.port("red");
    rig.set_mtu(red, 1300);
    let segment = |length: usize| tcp6((DB6, 1433), (CLIENT6, 40_000), "A", 501, 101, &vec![5; length]);
    assert_eq!(only(rig.send("db", &segment(1260)), "red").len(), 1314, "1320 bytes of IPv6 are 1300 of IPv4");
    let error = only(rig.send("db", &segment(1300)), "db");
    assert_eq!((error[54], u32::from_be_bytes([error[58], error[59], error[60], error[61]])), (2, 1320), "packet too big");
    rig.set_mtu(red, 1000);
    let cut = rig.send("db", &segment(1220));
    assert_eq!(cut.len(), 2, "what no IPv6 sender cuts smaller is cut here");
    assert!(cut.iter().all(|piece| piece.port == "red" && piece.bytes.len() <= 1014));
    assert_eq!(only(rig.send("db", &segment(1300)), "db")[58..62], 1280_u32.to_be_bytes());
}

/// An ICMPv6 error of the service about `offender`.
fn error6(kind: Icmpv6Type, offender: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    from(DB6).ipv6(v6(DB6).octets(), v6(CLIENT6).octets(), 64).icmpv6(kind).write(&mut bytes, &offender[14..]).unwrap();
    bytes
}

#[test]
fn errors_of_the_service_reach_the_client_as_its_own_familys() {
    let mut rig = Rig::new(NETWORK);
    let sent = udp((CLIENT, 40_000), (DB, 5000), b"question");
    let there = only(rig.send("red", &sent), "db");
    let unreachable = error6(Icmpv6Type::DestinationUnreachable(DestUnreachableCode::Port), &there);
    for (error, told) in [(unreachable, [3, 3, 0, 0, 0, 0]), (error6(Icmpv6Type::PacketTooBig { mtu: 1400 }, &there), [3, 4, 0, 0, 5, 100])]
    {
        let here = only(rig.send("db", &error), "red");
        let outer = seen(&here);
        assert_eq!((outer.source.to_string().as_str(), outer.destination.to_string().as_str()), (DB, CLIENT));
        assert_eq!([here[34], here[35], here[38], here[39], here[40], here[41]], told);
        assert_eq!(causeway_sum(&here[34..]), 0xffff, "ICMP checksum");
        // The quote is what the client sent, but for its TTL.
        assert_eq!((&here[54..62], &here[62..]), (&sent[26..34], &sent[34..]));
    }
}

#[test]
fn errors_of_the_client_reach_the_service() {
    let mut rig = Rig::new(NETWORK);
    rig.send("red", &udp((CLIENT, 40_000), (DB, 5000), b"question"));
    let answer = udp6((DB6, 5000), (CLIENT6, 40_000), b"answer");
    let here = only(rig.send("db", &answer), "red");
    let mut error = Vec::new();
    let step = PacketBuilder::ethernet2(mac(CLIENT.parse().unwrap()), GATEWAY).ipv4([10, 1, 1, 1], [50, 1, 2, 1], 64);
    step.icmpv4_raw(3, 3, [0; 4]).write(&mut error, &here[14..]).unwrap();
    let there = only(rig.send("red", &error), "db");
    let outer = seen6(&there);
    assert_eq!((outer.source.to_string().as_str(), outer.destination.to_string().as_str()), (CLIENT6, DB6));
    assert_eq!((there[54], there[55]), (1, 4), "port unreachable");
    assert_eq!((&there[70..102], &there[102..]), (&answer[22..54], &answer[54..]), "the quote is what the service sent");
}

#[test]
fn an_error_that_quotes_mapped_addresses_belongs_to_no_tunnelled_flow() {
    let forwarder = "networkInterfaces:\n  - { name: nva, subnet: red/app, privateIPAddress: 10.1.1.9, enableIPForwarding: true }\nports:";
    let mut rig = Rig::new(&NETWORK.replace("ports:\n  - { name: red,", &format!("{forwarder}\n  - {{ name: red,")));
    connect(&mut rig);
    // What the service would have sent, had it been an IPv6 packet with the addresses of the flow's key.
    let offender = tcp6(("::ffff:50.1.2.1", 1433), ("::ffff:10.1.1.1", 40_000), "A", 501, 101, b"x");
    let mut error = Vec::new();
    let step = from("2001:db8::9").ipv6(v6("2001:db8::9").octets(), v6(DB6).octets(), 64);
    step.icmpv6(Icmpv6Type::PacketTooBig { mtu: 1280 }).write(&mut error, &offender[14..]).unwrap();
    assert!(rig.send("red", &error).is_empty());
    assert_eq!(rig.count(Reason::MalformedTransport), 1);
}

/// The one's complement sum of these bytes.
fn causeway_sum(bytes: &[u8]) -> u16 {
    causeway::wire::checksum::sum(bytes)
}

/// The ends that got a reset, with the families that they got it in.
fn resets(out: &[Out]) -> Vec<(&str, bool)> {
    let mut ends: Vec<_> = out
        .iter()
        .map(|out| {
            let v6 = out.bytes[12..14] == [0x86, 0xdd];
            let seen = if v6 { seen6(&out.bytes) } else { seen(&out.bytes) };
            assert!(seen.flags.contains('R'), "{seen:?}");
            assert_eq!(seen.source.to_string(), if v6 { CLIENT6 } else { DB });
            (out.port.as_str(), v6)
        })
        .collect();
    ends.sort_unstable();
    ends.dedup();
    ends
}

#[test]
fn switching_the_endpoint_off_resets_each_end_in_its_family() {
    let mut rig = Rig::new(NETWORK);
    connect(&mut rig);
    let off = NETWORK.replacen("serviceEndpoints: [Microsoft.Sql], ", "", 1).replacen(
        "virtualNetworkRules: [red/app, blue/app]",
        "virtualNetworkRules: [blue/app]",
        1,
    );
    assert_eq!(resets(&rig.reload(&off)), [("db", true), ("red", false)]);
    assert_eq!(rig.flows(), 0);
    let there = seen(&only(rig.send("red", &tcp((CLIENT, 40_001), (DB, 1433), "S", 1, 0, b"")), "db"));
    assert_eq!(there.source.to_string(), "192.0.2.1");
}

#[test]
fn switching_the_endpoint_on_resets_what_was_ipv4_on_both_sides() {
    let off = NETWORK.replacen("serviceEndpoints: [Microsoft.Sql], ", "", 1).replacen(
        "virtualNetworkRules: [red/app, blue/app]",
        "virtualNetworkRules: [blue/app]",
        1,
    );
    let mut rig = Rig::new(&off);
    let there = seen(&only(rig.send("red", &tcp((CLIENT, 40_000), (DB, 1433), "S", 1, 0, b"")), "db"));
    rig.send("db", &tcp((DB, 1433), ("192.0.2.1", there.ports.0), "SA", 9, 2, b""));
    let mut ports: Vec<_> =
        rig.reload(NETWORK).iter().filter(|out| seen(&out.bytes).flags.contains('R')).map(|out| out.port.clone()).collect();
    ports.sort_unstable();
    ports.dedup();
    assert_eq!(ports, ["db", "red"]);
    assert_eq!(seen6(&only(rig.send("red", &tcp((CLIENT, 40_001), (DB, 1433), "S", 1, 0, b"")), "db")).source.to_string(), CLIENT6);
}

#[test]
fn an_open_connection_outlives_a_reload_with_the_source_it_was_admitted_with() {
    let mut rig = Rig::new(NETWORK);
    connect(&mut rig);
    assert!(
        rig.reload(
            &NETWORK
                .replace("tunnelKey: 0xd204", "tunnelKey: 0x9999")
                .replace("virtualNetworkRules: [red/app, blue/app]", "virtualNetworkRules: [blue/app]")
        )
        .is_empty()
    );
    let there = only(rig.send("red", &tcp((CLIENT, 40_000), (DB, 1433), "A", 101, 501, b"x")), "db");
    assert_eq!(seen6(&there).source.to_string(), CLIENT6);
    assert_eq!(rig.send("db", &tcp6((DB6, 1433), (CLIENT6, 40_000), "A", 501, 102, b"y")).len(), 1);
}

#[test]
fn without_the_encoding_new_connections_are_ipv4() {
    let mut rig = Rig::new(NETWORK);
    connect(&mut rig);
    let private = NETWORK.replace("    sourceEncoding: ServiceTunnel\n    tunnelPrefix: \"2603:10e1:100:2::/96\"\n", "");
    rig.reload(&private);
    assert_eq!(rig.flows(), 0, "it cannot go on");
    let there = seen(&only(rig.send("red", &tcp((CLIENT, 40_001), (DB, 1433), "S", 1, 0, b"")), "db"));
    assert_eq!(there.source.to_string(), CLIENT);
}

#[test]
fn flows_through_the_tunnel_end_in_time_and_leave_nothing() {
    let mut rig = Rig::new(NETWORK);
    for _ in 0..2 {
        connect(&mut rig);
        assert_eq!(rig.flows(), 1);
        rig.send("red", &tcp((CLIENT, 40_000), (DB, 1433), "R", 101, 0, b""));
        rig.after(Duration::from_secs(60));
        assert_eq!(rig.flows(), 0);
        assert!(rig.send("db", &tcp6((DB6, 1433), (CLIENT6, 40_000), "A", 501, 101, b"")).is_empty());
    }
}

#[test]
fn super_frames_stay_whole_and_count_as_their_segments_in_either_family() {
    let mut rig = Rig::new(NETWORK);
    connect(&mut rig);
    let bytes = tcp((CLIENT, 40_000), (DB, 1433), "A", 101, 501, &vec![1; 4 * 1440]);
    let mut frame = Frame::from_bytes(&bytes);
    let offload = Offload {
        needs_checksum: false,
        checksum_start: 34,
        checksum_offset: 16,
        gso: Gso::Tcp4 { ecn: false },
        gso_size: 1440,
        header_length: 54,
    };
    frame.offload = offload;
    let before = rig.count_of(|reader| reader.port(usize::from(rig.port("db").0), causeway::counters::PortCell::BytesOut));
    let there = only(rig.send_frame("red", frame), "db");
    assert_eq!(there.len(), bytes.len() + 20);
    let counted = rig.count_of(|reader| reader.port(usize::from(rig.port("db").0), causeway::counters::PortCell::BytesOut)) - before;
    assert_eq!(counted, 4 * (14 + 60 + 1440), "segments with IPv6 headers");
    let mut long = Frame::from_bytes(&bytes);
    long.offload = Offload { gso_size: 1460, ..offload };
    let error = only(rig.send_frame("red", long), "red");
    assert_eq!(u16::from_be_bytes([error[40], error[41]]), 1480, "its segments would be too long in IPv6");
}

#[test]
fn explain_says_what_the_service_sees_and_the_other_ways_round_still_answer() {
    let file = tempfile::Builder::new().suffix(".yaml").tempfile().unwrap();
    std::fs::write(file.path(), NETWORK).unwrap();
    let explain = |from: &str, to: &str| -> (Option<i32>, serde_json::Value) {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_causeway"));
        let output = command.arg("explain").arg(file.path()).args(["--from", from, "--to", to, "-o", "json"]).output().unwrap();
        (output.status.code(), serde_json::from_slice(&output.stdout).unwrap_or_default())
    };
    let (code, answer) = explain("red/app/10.1.1.1", "db:1433");
    assert_eq!((code, answer["verdict"].as_str()), (Some(0), Some("Allow")));
    let expected = serde_json::json!({ "kind": "ServiceTunnel", "address": CLIENT6, "virtualNetwork": "red", "subnet": "app" });
    assert_eq!(answer["seenAs"], expected);
    assert_eq!(answer["decidedBy"], "db/virtualNetworkRules[0]");
    let (code, refused) = explain("blue/closed/10.1.4.4", "db:1433");
    assert_eq!(
        (code, refused["reason"].as_str(), refused["seenAs"]["kind"].as_str()),
        (Some(1), Some("service-firewall-deny"), Some("ServiceTunnel"))
    );
    assert_eq!(explain("red/batch/10.1.4.4", "db:1433").1["seenAs"]["kind"], "Public");
    assert_eq!(explain("service/db", "red/app/10.1.1.1").0, Some(2), "a destination is an address or a name");
    assert_eq!(explain("service/db", "10.1.1.1").1["reason"], "service-initiated");
    assert_eq!(explain("red/app/10.1.1.1", "db/icmp").1["seenAs"]["kind"], "Public", "ICMP does not use endpoints");
}
