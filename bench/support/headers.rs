//! Headers to look up, made from rules and a seed.

use std::collections::VecDeque;
use std::ops::RangeInclusive;

use causeway::table::access_list::five_tuple::{FiveTuple, FiveTupleRule, MaskedProtocol};

use super::dice::Dice;

/// Flows whose packets are mixed with each other.
const OPEN_FLOWS: usize = 16;

/// Packets of the longest flow.
const LONGEST: usize = 1_000;

/// What a trace should hold for every rule to be drawn at least once, and no less than takes a while to look up.
pub(crate) fn usual_length(rules: usize) -> usize {
    (rules * 3).max(50_000)
}

/// Traffic: flows drawn from the rules in a random order, each rule once before any is drawn again, a few that nothing is drawn from.
/// Most flows have one packet and few have many (a Pareto distribution with exponent 1.6, 2.3 packets on average); the packets of 16 flows
/// at a time are mixed. A rule that stands behind wider ones is drawn from as well, and then an earlier one matches.
pub(crate) fn trace(rules: &[FiveTupleRule], length: usize, seed: u64) -> Vec<FiveTuple> {
    let dice = Dice::new(seed);
    let mut order: VecDeque<usize> = shuffled_order(rules.len(), &dice).into();
    let mut open: Vec<(FiveTuple, usize)> = Vec::with_capacity(OPEN_FLOWS);
    let mut trace = Vec::with_capacity(length);
    while trace.len() < length {
        while open.len() < OPEN_FLOWS {
            order.rotate_left(usize::from(!order.is_empty()));
            let rule = order.back().and_then(|&index| rules.get(index)).filter(|_| !dice.percent(3));
            open.push((rule.map_or_else(|| random(&dice), |rule| within(rule, &dice)), packets(&dice)));
        }
        let turn = dice.below(open.len());
        if let Some((header, left)) = open.get_mut(turn) {
            trace.push(*header);
            *left -= 1;
            if *left == 0 {
                open.swap_remove(turn);
            }
        }
    }
    trace
}

/// Headers whose fields stand at the bounds of rules, one before, one behind, or at either end of what a field can hold; the fields of
/// a header come from up to five rules.
pub(crate) fn corners(rules: &[FiveTupleRule], length: usize, seed: u64) -> Vec<FiveTuple> {
    let dice = Dice::new(seed);
    (0..length).map(|_| corner(rules, &dice)).collect()
}

/// Headers of any bits at all.
pub(crate) fn randoms(length: usize, seed: u64) -> Vec<FiveTuple> {
    let dice = Dice::new(seed);
    (0..length).map(|_| random(&dice)).collect()
}

/// The same in another order.
pub(crate) fn shuffle(headers: &[FiveTuple], seed: u64) -> Vec<FiveTuple> {
    let order = shuffled_order(headers.len(), &Dice::new(seed));
    order.into_iter().filter_map(|index| headers.get(index).copied()).collect()
}

fn shuffled_order(length: usize, dice: &Dice) -> Vec<usize> {
    let mut order: Vec<usize> = (0..length).collect();
    for last in (1..length).rev() {
        order.swap(last, dice.below(last + 1));
    }
    order
}

/// Only square roots, which round the same everywhere: a seed gives the same trace on every machine.
fn packets(dice: &Dice) -> usize {
    let fraction = (dice.below(1 << 32) + 1) as f64 / 4_294_967_296.0;
    let root = fraction.sqrt();
    let packets = 1.0 / (root * root.sqrt().sqrt());
    (packets as usize).clamp(1, LONGEST)
}

fn within(rule: &FiveTupleRule, dice: &Dice) -> FiveTuple {
    let mut header = FiveTuple {
        source: point(&rule.sources, u32::MAX, dice),
        destination: point(&rule.destinations, u32::MAX, dice),
        source_port: point(&rule.source_ports, u16::MAX, dice),
        destination_port: point(&rule.destination_ports, u16::MAX, dice),
        protocol: number_under(rule.protocol, dice),
    };
    if dice.percent(6) {
        nudge(&mut header, rule, dice);
    }
    header
}

/// One field one step out of the rule.
fn nudge(header: &mut FiveTuple, rule: &FiveTupleRule, dice: &Dice) {
    match dice.below(4) {
        0 => header.source = rule.sources.end().wrapping_add(1),
        1 => header.destination = rule.destinations.start().wrapping_sub(1),
        2 => header.source_port = rule.source_ports.end().wrapping_add(1),
        _ => header.destination_port = rule.destination_ports.start().wrapping_sub(1),
    }
}

/// A number of a range, often its first or last; of a range of everything less often.
fn point<T: Copy + PartialEq + Into<u64> + TryFrom<u64> + Default>(range: &RangeInclusive<T>, most: T, dice: &Dice) -> T {
    let all = *range.start() == T::default() && *range.end() == most;
    let ends = if all { 10 } else { 30 };
    match dice.below(100) {
        chance if chance < ends => *range.start(),
        chance if chance < 2 * ends => *range.end(),
        _ => {
            let (first, last): (u64, u64) = ((*range.start()).into(), (*range.end()).into());
            let steps = usize::try_from(last.saturating_sub(first)).unwrap_or(0);
            T::try_from(first + dice.below(steps + 1) as u64).unwrap_or(*range.start())
        }
    }
}

fn number_under(protocol: MaskedProtocol, dice: &Dice) -> u8 {
    let usual = *dice.pick(&[6, 6, 6, 17, 17, 1]);
    (protocol.value & protocol.mask) | (usual & !protocol.mask)
}

fn corner(rules: &[FiveTupleRule], dice: &Dice) -> FiveTuple {
    let together = dice.below(rules.len().max(1));
    let alone = dice.percent(50);
    let rule = || rules.get(if alone { together } else { dice.below(rules.len().max(1)) });
    FiveTuple {
        source: rule().map_or(0, |rule| beside(*rule.sources.start(), *rule.sources.end(), dice)),
        destination: rule().map_or(0, |rule| beside(*rule.destinations.start(), *rule.destinations.end(), dice)),
        source_port: rule().map_or(0, |rule| beside_port(&rule.source_ports, dice)),
        destination_port: rule().map_or(0, |rule| beside_port(&rule.destination_ports, dice)),
        protocol: rule().map_or(0, |rule| if dice.percent(90) { number_under(rule.protocol, dice) } else { !rule.protocol.value }),
    }
}

fn beside(first: u32, last: u32, dice: &Dice) -> u32 {
    *dice.pick(&[first, first, first, last, last, last, first.wrapping_sub(1), last.wrapping_add(1), 0, u32::MAX])
}

fn beside_port(range: &RangeInclusive<u16>, dice: &Dice) -> u16 {
    let (first, last) = (*range.start(), *range.end());
    *dice.pick(&[first, first, first, last, last, last, first.wrapping_sub(1), last.wrapping_add(1), 0, u16::MAX])
}

fn random(dice: &Dice) -> FiveTuple {
    FiveTuple {
        source: dice.below(1 << 32) as u32,
        destination: dice.below(1 << 32) as u32,
        source_port: dice.below(1 << 16) as u16,
        destination_port: dice.below(1 << 16) as u16,
        protocol: if dice.percent(80) { *dice.pick(&[6, 17]) } else { dice.below(256) as u8 },
    }
}
