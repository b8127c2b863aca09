//! Rule sets made from a seed, in three shapes that packet filters meet. Same shape, size and seed, same rules.
//!
//! No rule stands twice if that can be helped, but a rule may be hidden by wider ones before it: real lists have such rules as well.

mod firewall;
mod mesh;
mod nsg;

use std::collections::HashSet;
use std::ops::RangeInclusive;

use causeway::table::access_list::five_tuple::{FiveTupleRule, MaskedProtocol};

use super::dice::Dice;
use super::filter_file::prefix;

/// The most rules that a set can have.
pub(crate) const MOST: usize = 200_000;

/// What a rule set looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Shape {
    /// Network security groups written out: lists of prefixes by lists of prefixes by ports, and the default rules at the end
    Nsg,
    /// A firewall at the edge: one side open to anyone, few protocols, many ranges of ports
    Firewall,
    /// Who may talk to whom inside: hosts and small networks on both sides, prefixes within prefixes, narrow before wide
    Mesh,
}

impl Shape {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::Nsg, Self::Firewall, Self::Mesh];

    /// What it is called in options, file names and results.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Nsg => "nsg",
            Self::Firewall => "firewall",
            Self::Mesh => "mesh",
        }
    }
}

/// `size` rules of a shape.
pub(crate) fn rules(shape: Shape, size: usize, seed: u64) -> Vec<FiveTupleRule> {
    let dice = Dice::new(seed);
    match shape {
        Shape::Nsg => nsg::rules(size, &dice),
        Shape::Firewall => firewall::rules(size, &dice),
        Shape::Mesh => mesh::rules(size, &dice),
    }
}

const ANY_ADDRESS: RangeInclusive<u32> = 0..=u32::MAX;
const ANY_PORT: RangeInclusive<u16> = 0..=u16::MAX;
const UNPRIVILEGED: RangeInclusive<u16> = 1024..=u16::MAX;
const ICMP: MaskedProtocol = MaskedProtocol::exactly(1);
const TCP: MaskedProtocol = MaskedProtocol::exactly(6);
const UDP: MaskedProtocol = MaskedProtocol::exactly(17);
const GRE: MaskedProtocol = MaskedProtocol::exactly(47);
const ESP: MaskedProtocol = MaskedProtocol::exactly(50);

/// Ports that services listen on.
const SERVICES: [u16; 32] = [
    20, 21, 22, 23, 25, 53, 67, 80, 88, 110, 123, 135, 139, 143, 161, 389, 443, 445, 500, 514, 636, 993, 1433, 1521, 2049, 3306, 3389,
    5432, 5671, 6379, 8080, 9093,
];

/// Any address at all.
fn anywhere(dice: &Dice) -> u32 {
    dice.below(1 << 32) as u32
}

/// A prefix of one of these lengths within a range that is a prefix itself.
fn prefix_within(range: &RangeInclusive<u32>, shortest: usize, longest: usize, dice: &Dice) -> RangeInclusive<u32> {
    let hosts = range.end() - range.start();
    let length = dice.between(shortest, longest) as u32;
    prefix(range.start() | (anywhere(dice) & hosts), length.max(hosts.leading_zeros()))
}

/// From a port on, as many as a power of two of them.
fn some_ports(dice: &Dice) -> RangeInclusive<u16> {
    let first = dice.below(1 << 16) as u16;
    first..=first.saturating_add((1_u16 << dice.between(1, 13)) - 1)
}

fn one_port(port: u16) -> RangeInclusive<u16> {
    port..=port
}

/// `size` rules from a maker that is asked again, a few times, where it gives a rule that is there already.
fn distinct(size: usize, make: impl Fn() -> FiveTupleRule) -> Vec<FiveTupleRule> {
    let mut seen = HashSet::with_capacity(size);
    let mut rules = Vec::with_capacity(size);
    while rules.len() < size {
        let mut rule = make();
        for _ in 0..8 {
            if !seen.contains(&rule) {
                break;
            }
            rule = make();
        }
        seen.insert(rule.clone());
        rules.push(rule);
    }
    rules
}

/// Narrow rules before wide ones, as whoever writes exceptions does, but only roughly: each may be `disorder` bits out of its place.
fn narrow_first(rules: Vec<FiveTupleRule>, disorder: usize, dice: &Dice) -> Vec<FiveTupleRule> {
    let mut keyed: Vec<(usize, FiveTupleRule)> =
        rules.into_iter().map(|rule| (open_bits(&rule) as usize + dice.below(disorder), rule)).collect();
    keyed.sort_by_key(|(key, _)| *key);
    keyed.into_iter().map(|(_, rule)| rule).collect()
}

/// How many bits of a header a rule leaves open, about.
fn open_bits(rule: &FiveTupleRule) -> u32 {
    let addresses = |range: &RangeInclusive<u32>| 32 - (range.end() - range.start()).leading_zeros();
    let ports = |range: &RangeInclusive<u16>| 16 - (range.end() - range.start()).leading_zeros();
    addresses(&rule.sources)
        + addresses(&rule.destinations)
        + ports(&rule.source_ports)
        + ports(&rule.destination_ports)
        + rule.protocol.mask.count_zeros()
}
