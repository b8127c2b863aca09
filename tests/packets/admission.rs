//! Frames that are not let in, each under its reason.

use etherparse::PacketBuilder;

use crate::common::Lab;
use crate::common::namespace::{GATEWAY, on_wire};
use crate::common::networks::SHOP;

const WEB: [u8; 4] = [10, 1, 1, 4];
const BATCH: [u8; 4] = [10, 1, 2, 4];

#[test]
fn a_source_that_does_not_belong_behind_the_port_is_spoofed() {
    let Some(lab) = Lab::up(SHOP) else { return };
    on_wire(&lab.namespace("web"), |wire| {
        let builder = PacketBuilder::ethernet2(wire.mac, GATEWAY).ipv4([10, 1, 1, 5], BATCH, 64).udp(40_000, 53);
        let mut frame = Vec::new();
        builder.write(&mut frame, b"x").unwrap();
        wire.send(&frame);
    });
    lab.wait_for("causeway_drops_total", &[("reason", "source-spoofed")], 1);
}

#[test]
fn what_a_bridge_floods_is_not_the_gateways_to_forward() {
    let Some(lab) = Lab::up(SHOP) else { return };
    on_wire(&lab.namespace("web"), |wire| {
        for destination in [[2, 0, 0, 0, 0, 9], [0xff; 6]] {
            let mut frame = Vec::new();
            PacketBuilder::ethernet2(wire.mac, destination).ipv4(WEB, BATCH, 64).udp(40_000, 53).write(&mut frame, b"x").unwrap();
            wire.send(&frame);
        }
    });
    lab.wait_for("causeway_drops_total", &[("reason", "destination-unknown")], 2);
    assert_eq!(lab.metrics().total("causeway_flows_created_total", &[]), 0, "{}", lab.metrics().table());
}

#[test]
fn a_tagged_frame_is_unsupported() {
    let Some(lab) = Lab::up(SHOP) else { return };
    on_wire(&lab.namespace("web"), |wire| {
        let builder = PacketBuilder::ethernet2(wire.mac, GATEWAY).single_vlan(7.try_into().unwrap()).ipv4(WEB, BATCH, 64);
        let mut frame = Vec::new();
        builder.udp(40_000, 53).write(&mut frame, b"x").unwrap();
        wire.send(&frame);
    });
    lab.wait_for("causeway_drops_total", &[("reason", "unsupported")], 1);
}

#[test]
fn a_header_that_lies_about_its_length_is_malformed() {
    let Some(lab) = Lab::up(SHOP) else { return };
    on_wire(&lab.namespace("web"), |wire| {
        let mut frame = Vec::new();
        PacketBuilder::ethernet2(wire.mac, GATEWAY).ipv4(WEB, BATCH, 64).udp(40_000, 53).write(&mut frame, b"x").unwrap();
        frame[14] = 0x4f;
        wire.send(&frame);
    });
    lab.wait_for("causeway_drops_total", &[("reason", "malformed-ipv4")], 1);
}

#[test]
fn the_gateway_answers_for_everything_that_is_not_behind_the_port() {
    let Some(lab) = Lab::up(SHOP) else { return };
    let said = lab.say("web", "ip neighbour flush all; ping -c 1 -W 2 10.1.2.4 >/dev/null; ip neighbour show");
    assert!(said.contains("12:34:56:78:9a:bc"), "{said}");
}
