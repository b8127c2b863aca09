//! Whatever goes in comes out again, in order.

use proptest::prelude::*;

use super::*;

/// A packet of a few flows that often go on, in sizes that often agree, with every fault now and then.
#[derive(Clone, Debug)]
struct Step {
    flow: u8,
    size: usize,
    partial: bool,
    damage: Option<usize>,
    fault: u8,
}

prop_compose! {
    fn step()(
        flow in 0_u8..6, size in prop_oneof![4 => Just(40_usize), 1 => Just(24), 1 => 0_usize..60],
        partial in prop::bool::weighted(0.5), damaged in prop::bool::weighted(0.06), at in 14_usize..1000, fault in 0_u8..40,
    ) -> Step {
        Step { flow, size, partial, damage: damaged.then_some(at), fault }
    }
}

/// The packets, each flow going on where it was; flows differ in family, protocol and "don't fragment".
fn frames(steps: &[Step]) -> Vec<Frame> {
    let (mut next, mut identification) = ([7_u32; 6], [65_530_u16; 6]);
    let make = |step: &Step| {
        let flow = usize::from(step.flow);
        let flags = tcp::ACK | [tcp::PSH, tcp::FIN, tcp::CWR].get(usize::from(step.fault)).copied().unwrap_or(0);
        let payload: Vec<u8> = (0..step.size).map(|at| (next[flow] as u8).wrapping_mul(31).wrapping_add(at as u8)).collect();
        let made = Made {
            v6: flow.is_multiple_of(3),
            tcp: flow < 4,
            flow: step.flow,
            identification: identification[flow],
            dont_fragment: flow.is_multiple_of(2),
            sequence: next[flow],
            flags,
            payload,
        };
        next[flow] = next[flow].wrapping_add(step.size as u32 + u32::from(step.fault == 3));
        identification[flow] = identification[flow].wrapping_add(1 + u16::from(step.fault == 4));
        let mut frame = if step.partial { made.partial() } else { made.frame() };
        if let Some(at) = step.damage {
            let last = frame.len() - 1;
            frame.bytes_mut()[at.min(last)] ^= 0x40;
        }
        frame
    };
    steps.iter().map(make).collect()
}

/// What a receiver sees of a packet: with finished checksum, and without the field that nobody reads.
fn seen(mut bytes: Vec<u8>) -> Vec<u8> {
    if bytes[12] == 0x08 && bytes[20] & 0x40 != 0 && crate::wire::checksum::sum(&bytes[14..34]) == 0xffff {
        bytes[18..20].fill(0);
        finish_network(&mut bytes);
    }
    bytes
}

fn is_ip(bytes: &[u8]) -> bool {
    matches!(crate::packet::parse::parse(bytes, false), Ok(crate::packet::Parsed::Ip(found)) if matches!(found.transport_header, Transport::Tcp(_) | Transport::Udp))
}

/// What frames stand for. One that cannot be read is itself.
fn all(frames: &[Frame]) -> Vec<Vec<u8>> {
    let one = |frame: &Frame| if is_ip(frame.bytes()) { apart(std::slice::from_ref(frame)) } else { vec![frame.bytes().to_vec()] };
    frames.iter().flat_map(one).map(seen).collect()
}

/// The packets of each flow, in order; those that cannot be read under no flow.
fn by_flow(packets: &[Vec<u8>]) -> Vec<(String, Vec<&Vec<u8>>)> {
    let mut flows = std::collections::BTreeMap::<String, Vec<&Vec<u8>>>::new();
    for packet in packets {
        let flow = if is_ip(packet) { format!("{:?}", flow_of(packet)) } else { String::new() };
        flows.entry(flow).or_default().push(packet);
    }
    flows.into_iter().collect()
}

proptest! {
    #[test]
    fn what_is_joined_comes_apart_as_it_was(steps in prop::collection::vec(step(), 0..90)) {
        let frames = frames(&steps);
        let expected = all(&frames);
        let got = all(&joined(frames));
        prop_assert_eq!(by_flow(&got), by_flow(&expected));
    }

    #[test]
    fn nothing_is_joined_twice_over(steps in prop::collection::vec(step(), 0..90)) {
        let once = joined(frames(&steps));
        let before: Vec<_> = once.iter().map(|frame| (frame.bytes().to_vec(), frame.offload)).collect();
        let expected = all(&once);
        let twice = joined(once);
        prop_assert!(twice.len() <= before.len());
        let got = all(&twice);
        prop_assert_eq!(by_flow(&got), by_flow(&expected));
    }
}
