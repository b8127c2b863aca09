//! A firewall at the edge: from anywhere to servers, from inside to anywhere, and services whoever speaks them.

use std::ops::RangeInclusive;

use causeway::table::access_list::five_tuple::{FiveTupleRule, MaskedProtocol};

use super::{
    ANY_ADDRESS, ANY_PORT, Dice, ESP, GRE, ICMP, SERVICES, TCP, UDP, UNPRIVILEGED, anywhere, distinct, narrow_first, one_port, prefix,
    prefix_within, some_ports,
};

type Addresses = RangeInclusive<u32>;
type Ports = RangeInclusive<u16>;

pub(super) fn rules(size: usize, dice: &Dice) -> Vec<FiveTupleRule> {
    let blocks: Vec<Addresses> = (0..6).map(|_| prefix(anywhere(dice), dice.between(14, 18) as u32)).collect();
    let inside: Vec<Addresses> = (0..(size / 12).clamp(4, 6_000)).map(|_| prefix_within(dice.pick(&blocks), 20, 32, dice)).collect();
    let partners: Vec<Addresses> = (0..(size / 40).clamp(2, 1_500)).map(|_| prefix(anywhere(dice), dice.between(8, 29) as u32)).collect();
    narrow_first(distinct(size, || rule(&inside, &partners, dice)), 48, dice)
}

fn rule(inside: &[Addresses], partners: &[Addresses], dice: &Dice) -> FiveTupleRule {
    let (sources, destinations) = sides(inside, partners, dice);
    let protocol = protocol(dice);
    let (source_ports, destination_ports) =
        if protocol == TCP || protocol == UDP { (source_ports(dice), destination_ports(dice)) } else { (ANY_PORT, ANY_PORT) };
    FiveTupleRule { sources, destinations, source_ports, destination_ports, protocol }
}

fn sides(inside: &[Addresses], partners: &[Addresses], dice: &Dice) -> (Addresses, Addresses) {
    let (server, partner) = (dice.pick(inside).clone(), dice.pick(partners).clone());
    match dice.below(100) {
        0..=39 => (ANY_ADDRESS, server),
        40..=62 => (server, ANY_ADDRESS),
        63..=77 => (partner, server),
        78..=87 => (server, partner),
        88..=93 => (partner, ANY_ADDRESS),
        _ => (ANY_ADDRESS, ANY_ADDRESS),
    }
}

fn protocol(dice: &Dice) -> MaskedProtocol {
    match dice.below(100) {
        0..=57 => TCP,
        58..=88 => UDP,
        89..=92 => ICMP,
        93 | 94 => GRE,
        95 | 96 => ESP,
        _ => MaskedProtocol::ANY,
    }
}

fn source_ports(dice: &Dice) -> Ports {
    match dice.below(100) {
        0..=54 => ANY_PORT,
        55..=79 => UNPRIVILEGED,
        80..=89 => one_port(*dice.pick(&SERVICES)),
        _ => some_ports(dice),
    }
}

fn destination_ports(dice: &Dice) -> Ports {
    match dice.below(100) {
        0..=39 => one_port(*dice.pick(&SERVICES)),
        40..=59 => one_port(dice.below(1 << 16) as u16),
        60..=84 => some_ports(dice),
        85..=92 => UNPRIVILEGED,
        _ => ANY_PORT,
    }
}
