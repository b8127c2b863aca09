//! The first fragment decides for the others; an orphan is dropped.

use etherparse::{IpNumber, Ipv4Header};

use crate::common::Lab;
use crate::common::namespace::{GATEWAY, Wire, on_wire};
use crate::common::networks::PLAIN;

#[test]
fn a_ping_of_many_fragments_is_answered() {
    let Some(lab) = Lab::up(PLAIN) else { return };
    let said = lab.say("a", "ping -s 4000 -c 3 -i 0.1 -W 2 10.7.2.4");
    assert!(said.contains(" 0% packet loss"), "{said}");
}

#[test]
fn a_later_fragment_without_its_first_is_dropped() {
    let Some(lab) = Lab::up(PLAIN) else { return };
    on_wire(&lab.namespace("a"), |wire| send_fragment(wire, 0x1234, 185, b"the end of nothing"));
    lab.wait_for("causeway_drops_total", &[("reason", "fragment-without-first")], 1);
}

#[test]
fn a_fragment_that_overtakes_its_first_is_dropped_and_the_rest_passes() {
    let Some(lab) = Lab::up(PLAIN) else { return };
    let before = lab.metrics().total("causeway_verdicts_total", &[("verdict", "forwarded")]);
    on_wire(&lab.namespace("a"), |wire| {
        send_fragment(wire, 0x4321, 2, b"too early");
        send_fragment(wire, 0x4321, 0, &[0x30, 0x39, 0x13, 0x89, 0, 40, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]);
        send_fragment(wire, 0x4321, 2, b"in time");
    });
    lab.wait_for("causeway_drops_total", &[("reason", "fragment-without-first")], 1);
    lab.wait_for("causeway_verdicts_total", &[("verdict", "forwarded")], before + 2);
    assert_eq!(lab.metrics().drops("fragment-without-first"), 1);
}

/// A UDP fragment from `a` to `b`; `offset` in units of eight bytes. Only offset 2 is a last one.
fn send_fragment(wire: &mut Wire, identification: u16, offset: u16, payload: &[u8]) {
    let length = payload.len().try_into().unwrap();
    let mut header = Ipv4Header::new(length, 64, IpNumber::UDP, [10, 7, 1, 4], [10, 7, 2, 4]).unwrap();
    header.identification = identification;
    header.fragment_offset = offset.try_into().unwrap();
    header.more_fragments = offset == 0;
    header.header_checksum = header.calc_header_checksum();
    let mut frame = [GATEWAY.as_slice(), &wire.mac, &[0x08, 0x00]].concat();
    header.write(&mut frame).unwrap();
    frame.extend_from_slice(payload);
    wire.send(&frame);
}
