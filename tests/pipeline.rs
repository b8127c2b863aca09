//! The packet path between in-memory hosts: what leaves, where, rewritten how, counted as what.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]

mod rig;

use std::time::Duration;

use causeway::counters::Scalar;
use causeway::packet::Reason;
use rig::{Rig, echo, quickstart, seen, tcp, udp};

const WEB: &str = "10.1.1.4";
const BATCH: &str = "10.1.2.4";
const FUNC: &str = "203.0.113.50";
const ORDERS: &str = "203.0.113.20";
const LEDGER: &str = "203.0.113.36";

#[test]
fn an_endpoint_shows_the_private_address_and_replies_come_back() {
    let mut rig = Rig::new(&quickstart());
    let out = rig.send("web1", &tcp((WEB, 40_000), (ORDERS, 80), "S", 1, 0, b""));
    assert_eq!(out.len(), 1);
    assert_eq!(out[0].port, "orders");
    let there = seen(&out[0].bytes);
    assert_eq!((there.source.to_string().as_str(), there.ports, there.ttl), (WEB, (40_000, 80), 63));
    let back = rig.send("orders", &tcp((ORDERS, 80), (WEB, 40_000), "SA", 9, 2, b""));
    assert_eq!((back[0].port.as_str(), seen(&back[0].bytes).ports), ("web1", (80, 40_000)));
    assert_eq!(rig.scalar(Scalar::RewritesPrivate), 1);
    assert_eq!((rig.flows(), rig.count(Reason::Forwarded)), (1, 2));
}

#[test]
fn without_endpoint_the_public_address_is_seen_and_replies_find_the_host() {
    let mut rig = Rig::new(&quickstart());
    let out = rig.send("batch1", &tcp((BATCH, 40_000), (LEDGER, 1433), "S", 1, 0, b""));
    let there = seen(&out[0].bytes);
    assert_eq!((out[0].port.as_str(), there.source.to_string().as_str()), ("ledger", "192.0.2.10"));
    let back = rig.send("ledger", &tcp((LEDGER, 1433), ("192.0.2.10", there.ports.0), "SA", 9, 2, b""));
    let here = seen(&back[0].bytes);
    assert_eq!((back[0].port.as_str(), here.destination.to_string().as_str(), here.ports), ("batch1", BATCH, (1433, 40_000)));
    assert_eq!(rig.scalar(Scalar::RewritesPublic), 1);
}

#[test]
fn a_refused_storage_client_gets_a_reset_once() {
    let mut rig = Rig::new(&quickstart());
    let out = rig.send("batch1", &tcp((BATCH, 40_000), (ORDERS, 80), "S", 77, 0, b""));
    let reset = seen(&out[0].bytes);
    assert_eq!((out[0].port.as_str(), reset.flags.as_str(), reset.source.to_string().as_str()), ("batch1", "AR", ORDERS));
    assert_eq!((rig.count(Reason::ServiceFirewallDeny), rig.flows()), (1, 0));
}

#[test]
fn a_refused_web_client_gets_the_page_and_only_the_first_packet_is_a_denial() {
    let mut rig = Rig::new(&quickstart());
    let out = rig.send("batch1", &tcp((BATCH, 40_000), (FUNC, 80), "S", 100, 0, b""));
    assert_eq!(seen(&out[0].bytes).flags, "SA");
    let sequence = sequence(&out[0].bytes).wrapping_add(1);
    assert!(rig.send("batch1", &tcp((BATCH, 40_000), (FUNC, 80), "A", 101, sequence, b"")).is_empty());
    let request = b"GET / HTTP/1.1\r\nHost: func\r\n\r\n";
    let out = rig.send("batch1", &tcp((BATCH, 40_000), (FUNC, 80), "AP", 101, sequence, request));
    let page: Vec<u8> = out.iter().flat_map(|out| out.bytes[54..].to_vec()).collect();
    let page = String::from_utf8_lossy(&page);
    assert!(page.contains("HTTP/1.1 403 Ip Forbidden"), "{page}");
    assert!(page.contains("\r\nx-ms-forbidden-ip: 192.0.2.10\r\n"), "the address that was judged: {page}");
    assert_eq!((rig.count(Reason::ServiceFirewallDeny), rig.count(Reason::Answered)), (1, 2), "the SYN; then the ACK and the request");
}

#[test]
fn an_nsg_denial_is_silent_and_counted() {
    let mut rig = Rig::new(&quickstart());
    assert!(rig.send("web1", &tcp((WEB, 40_000), ("198.51.100.20", 443), "S", 1, 0, b"")).is_empty());
    assert_eq!(rig.count(Reason::NsgDeny), 1);
}

#[test]
fn a_service_never_opens_a_connection() {
    let mut rig = Rig::new(&quickstart());
    assert!(rig.send("func", &tcp((FUNC, 4000), (WEB, 80), "S", 1, 0, b"")).is_empty());
    assert_eq!(rig.count(Reason::ServiceInitiated), 1);
}

#[test]
fn a_foreign_source_is_spoofed() {
    let mut rig = Rig::new(&quickstart());
    assert!(rig.send("web1", &tcp(("10.1.1.5", 40_000), (ORDERS, 80), "S", 1, 0, b"")).is_empty());
    assert_eq!(rig.count(Reason::SourceSpoofed), 1);
}

#[test]
fn nobody_at_home_ends_as_destination_unknown() {
    let mut rig = Rig::new(&quickstart());
    rig.silent.push(LEDGER.parse().unwrap());
    assert!(rig.send("batch1", &tcp((BATCH, 40_000), (LEDGER, 1433), "S", 1, 0, b"")).is_empty());
    rig.after(Duration::from_secs(6));
    assert_eq!(rig.count(Reason::DestinationUnknown), 1);
}

#[test]
fn the_last_hop_is_told_and_no_flow_goes_on() {
    let mut rig = Rig::new(&quickstart());
    let mut frame = tcp((WEB, 40_000), (ORDERS, 80), "S", 1, 0, b"");
    set_ttl(&mut frame, 1);
    let out = rig.send("web1", &frame);
    assert_eq!((out.len(), out[0].port.as_str(), seen(&out[0].bytes).source.to_string().as_str()), (1, "web1", "10.1.1.1"));
    assert_eq!(out[0].bytes[34], 11, "ICMP time exceeded");
    assert_eq!(rig.count(Reason::TtlExceeded), 1);
}

#[test]
fn two_hosts_behind_one_public_address_never_share_a_port() {
    let text = quickstart().replace(
        "  - { name: batch1,   attach: shop/batch/10.1.2.4 }",
        "  - { name: batch1,   attach: shop/batch/10.1.2.4 }\n  - { name: batch2,   attach: shop/batch/10.1.2.5 }",
    );
    let mut rig = Rig::new(&text);
    let first = rig.send("batch1", &udp((BATCH, 5000), ("198.51.100.20", 9000), b"a"));
    let second = rig.send("batch2", &udp(("10.1.2.5", 5000), ("198.51.100.20", 9000), b"b"));
    let (first, second) = (seen(&first[0].bytes), seen(&second[0].bytes));
    assert_eq!(first.source, second.source);
    assert_ne!(first.ports.0, second.ports.0);
    let back = rig.send("internet", &udp(("198.51.100.20", 9000), ("192.0.2.10", second.ports.0), b"c"));
    assert_eq!((back[0].port.as_str(), seen(&back[0].bytes).ports), ("batch2", (9000, 5000)));
}

#[test]
fn an_icmp_error_reaches_the_host_whose_packet_it_quotes() {
    let mut rig = Rig::new(&quickstart());
    let out = rig.send("batch1", &udp((BATCH, 5000), ("198.51.100.20", 9000), b"hello"));
    let quoted = &out[0].bytes[14..];
    let icmp = etherparse::Icmpv4Type::DestinationUnreachable(etherparse::icmpv4::DestUnreachableHeader::Port);
    let builder = etherparse::PacketBuilder::ethernet2(rig::mac("198.51.100.20".parse().unwrap()), rig::GATEWAY)
        .ipv4([198, 51, 100, 20], [192, 0, 2, 10], 64)
        .icmpv4(icmp);
    let mut error = Vec::new();
    builder.write(&mut error, quoted).unwrap();
    let back = rig.send("internet", &error);
    assert_eq!(back[0].port, "batch1");
    assert_eq!(seen(&back[0].bytes).destination.to_string(), BATCH);
    let inner = etherparse::Ipv4HeaderSlice::from_slice(&back[0].bytes[42..]).unwrap();
    assert_eq!(inner.source_addr().to_string(), BATCH);
    assert_eq!(u16::from_be_bytes([back[0].bytes[62], back[0].bytes[63]]), 5000);
}

#[test]
fn echo_identifiers_are_translated_like_ports() {
    let mut rig = Rig::new(&quickstart());
    let out = rig.send("batch1", &echo(BATCH, "198.51.100.20", 77, false));
    let id = u16::from_be_bytes([out[0].bytes[38], out[0].bytes[39]]);
    assert_eq!(seen(&out[0].bytes).source.to_string(), "192.0.2.10");
    let back = rig.send("internet", &echo("198.51.100.20", "192.0.2.10", id, true));
    assert_eq!((back[0].port.as_str(), u16::from_be_bytes([back[0].bytes[38], back[0].bytes[39]])), ("batch1", 77));
}

#[test]
fn switching_the_endpoint_off_resets_both_ends() {
    let mut rig = Rig::new(&quickstart());
    rig.send("web1", &tcp((WEB, 40_000), (ORDERS, 80), "S", 100, 0, b""));
    rig.send("orders", &tcp((ORDERS, 80), (WEB, 40_000), "SA", 500, 101, b""));
    rig.send("web1", &tcp((WEB, 40_000), (ORDERS, 80), "A", 101, 501, b""));
    let text = quickstart()
        .replace("[Microsoft.Web, Microsoft.Storage]", "[Microsoft.Web]")
        .replace("virtualNetworkRules: [shop/web]", "ipRules: [192.0.2.77]");
    let out = rig.reload(&text);
    let mut ends: Vec<_> = out.iter().map(|out| (out.port.as_str(), seen(&out.bytes).flags, sequence(&out.bytes))).collect();
    ends.sort();
    assert_eq!(ends.iter().map(|(port, _, sequence)| (*port, *sequence)).collect::<Vec<_>>(), [("orders", 101), ("web1", 501)]);
    assert!(ends.iter().all(|(_, flags, _)| flags.contains('R')));
    assert_eq!(rig.flows(), 0);
}

#[test]
fn switching_the_endpoint_off_resets_both_ends_where_nothing_else_leads_to_the_service() {
    let without = |text: &str| {
        let text = text.replace("[Microsoft.Web, Microsoft.Storage]", "[Microsoft.Web]");
        text.replace("virtualNetworkRules: [shop/web]", "ipRules: [192.0.2.77]")
    };
    let private = quickstart().lines().filter(|line| !line.contains("defaultOutboundAddress")).collect::<Vec<_>>().join("\n");
    let mut rig = Rig::new(&private);
    connect(&mut rig);
    assert_eq!(reset_ports(&rig.reload(&without(&private))), ["orders", "web1"], "no public address to leave with");

    let blackhole = without(&quickstart())
        .replace("networkSecurityGroup: web-nsg", "networkSecurityGroup: web-nsg\n        routeTable: nowhere")
        + "\nrouteTables: [{ name: nowhere, routes: [{ name: all, addressPrefix: 0.0.0.0/0, nextHopType: None }] }]\n";
    let mut rig = Rig::new(&quickstart());
    connect(&mut rig);
    assert_eq!(reset_ports(&rig.reload(&blackhole)), ["orders", "web1"], "a route that leads nowhere");
}

#[test]
fn ends_that_have_long_been_silent_are_reset_too() {
    let mut rig = Rig::new(&quickstart());
    connect(&mut rig);
    rig.after(Duration::from_secs(200));
    let text = quickstart()
        .replace("[Microsoft.Web, Microsoft.Storage]", "[Microsoft.Web]")
        .replace("virtualNetworkRules: [shop/web]", "ipRules: [192.0.2.77]");
    assert_eq!(reset_ports(&rig.reload(&text)), ["orders", "web1"]);
}

#[test]
fn what_is_sent_to_another_mac_address_is_not_the_gateways_to_forward() {
    for another in [[2, 0, 0, 0, 0, 9], [0xff; 6]] {
        let mut rig = Rig::new(&quickstart());
        let mut frame = tcp((WEB, 40_000), (ORDERS, 80), "S", 1, 0, b"");
        frame[..6].copy_from_slice(&another);
        assert!(rig.send("web1", &frame).is_empty());
        assert_eq!((rig.count(Reason::DestinationUnknown), rig.flows()), (1, 0));
    }
}

#[test]
fn a_rule_change_leaves_open_connections_alone() {
    let mut rig = Rig::new(&quickstart());
    rig.send("web1", &tcp((WEB, 40_000), (ORDERS, 80), "S", 100, 0, b""));
    rig.send("orders", &tcp((ORDERS, 80), (WEB, 40_000), "SA", 500, 101, b""));
    let text = quickstart().replace(
        "name: allow-storage, priority: 100, direction: Outbound, access: Allow",
        "name: allow-storage, priority: 100, direction: Outbound, access: Deny",
    );
    assert!(rig.reload(&text).is_empty());
    assert_eq!(rig.send("web1", &tcp((WEB, 40_000), (ORDERS, 80), "A", 101, 501, b"")).len(), 1);
    assert!(rig.send("web1", &tcp((WEB, 40_001), (ORDERS, 80), "S", 100, 0, b"")).is_empty());
}

#[test]
fn replies_to_what_an_appliance_forwards_go_to_the_appliance() {
    let interfaces = "networkInterfaces:\n  - { name: fw, subnet: shop/batch, privateIPAddress: 10.1.2.4, enableIPForwarding: true }\n";
    let text = format!("{}\n{interfaces}", quickstart());
    let mut rig = Rig::new(&text);
    let mut frame = udp((WEB, 5000), ("198.51.100.20", 9000), b"forwarded");
    frame[6..12].copy_from_slice(&rig::mac(BATCH.parse().unwrap()));
    let there = seen(&rig.send("batch1", &frame)[0].bytes);
    let reply = udp(("198.51.100.20", 9000), (&there.source.to_string(), there.ports.0), b"back");
    for _ in 0..2 {
        let back = rig.send("internet", &reply);
        assert_eq!((back[0].port.as_str(), seen(&back[0].bytes).destination.to_string().as_str()), ("batch1", WEB));
        assert_eq!(back[0].bytes[..6], rig::mac(BATCH.parse().unwrap()));
        // long enough for the neighbour to be asked for again
        rig.after(Duration::from_secs(90));
    }
}

/// Opens a connection from `web1` to `orders`.
fn connect(rig: &mut Rig) {
    rig.send("web1", &tcp((WEB, 40_000), (ORDERS, 80), "S", 100, 0, b""));
    rig.send("orders", &tcp((ORDERS, 80), (WEB, 40_000), "SA", 500, 101, b""));
    rig.send("web1", &tcp((WEB, 40_000), (ORDERS, 80), "A", 101, 501, b""));
}

/// The ports that got a reset, in the order of their names.
fn reset_ports(out: &[rig::Out]) -> Vec<&str> {
    let mut ports: Vec<_> = out.iter().filter(|out| seen(&out.bytes).flags.contains('R')).map(|out| out.port.as_str()).collect();
    ports.sort_unstable();
    ports.dedup();
    ports
}

fn sequence(bytes: &[u8]) -> u32 {
    u32::from_be_bytes([bytes[38], bytes[39], bytes[40], bytes[41]])
}

fn set_ttl(frame: &mut [u8], ttl: u8) {
    frame[22] = ttl;
    frame[24..26].fill(0);
    let header = etherparse::Ipv4HeaderSlice::from_slice(&frame[14..]).unwrap().to_header();
    let sum = header.calc_header_checksum();
    frame[24..26].copy_from_slice(&sum.to_be_bytes());
}
