//! Who may talk to whom inside: hosts and small networks on both sides.

use std::ops::RangeInclusive;

use causeway::table::access_list::five_tuple::{FiveTupleRule, MaskedProtocol};

use super::{
    ANY_ADDRESS, ANY_PORT, Dice, ICMP, SERVICES, TCP, UDP, UNPRIVILEGED, anywhere, distinct, narrow_first, one_port, prefix, prefix_within,
    some_ports,
};

pub(super) fn rules(size: usize, dice: &Dice) -> Vec<FiveTupleRule> {
    let sites: Vec<RangeInclusive<u32>> = (0..(size / 150).clamp(2, 600)).map(|_| prefix(anywhere(dice), 16)).collect();
    let hosts: Vec<u32> = (0..(size / 3).max(8)).map(|_| *prefix_within(dice.pick(&sites), 32, 32, dice).start()).collect();
    narrow_first(distinct(size, || rule(&hosts, dice)), 12, dice)
}

fn rule(hosts: &[u32], dice: &Dice) -> FiveTupleRule {
    let protocol = *dice.pick(&[TCP, TCP, TCP, TCP, TCP, TCP, UDP, UDP, UDP, ICMP, MaskedProtocol::ANY]);
    let speaks = protocol == TCP || protocol == UDP;
    FiveTupleRule {
        sources: side(hosts, dice),
        destinations: side(hosts, dice),
        source_ports: if speaks && dice.percent(15) { one_port(*dice.pick(&SERVICES)) } else { ANY_PORT },
        destination_ports: if speaks { destination_ports(dice) } else { ANY_PORT },
        protocol,
    }
}

/// A host, what is around it, or its site.
fn side(hosts: &[u32], dice: &Dice) -> RangeInclusive<u32> {
    let host = *dice.pick(hosts);
    match dice.below(100) {
        0..=54 => prefix(host, 32),
        55..=74 => prefix(host, dice.between(28, 31) as u32),
        75..=90 => prefix(host, dice.between(22, 27) as u32),
        91..=96 => prefix(host, dice.between(16, 20) as u32),
        97 | 98 => prefix(host, dice.between(8, 12) as u32),
        _ => ANY_ADDRESS,
    }
}

fn destination_ports(dice: &Dice) -> RangeInclusive<u16> {
    match dice.below(100) {
        0..=44 => one_port(*dice.pick(&SERVICES)),
        45..=69 => one_port(dice.below(1 << 16) as u16),
        70..=79 => some_ports(dice),
        80..=84 => UNPRIVILEGED,
        _ => ANY_PORT,
    }
}
