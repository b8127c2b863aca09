//! A network security group says "these sources to these destinations on these ports"; written out in five fields, that is one line
//! for each combination. So few addresses and ports make many lines, and the last ones match everything.

use std::ops::RangeInclusive;

use causeway::table::access_list::five_tuple::{FiveTupleRule, MaskedProtocol};

use super::{ANY_ADDRESS, ANY_PORT, Dice, ICMP, SERVICES, TCP, UDP, anywhere, one_port, prefix, prefix_within, some_ports};

type Addresses = RangeInclusive<u32>;

/// What the group's rules name.
struct Network {
    space: Addresses,
    subnets: Vec<Addresses>,
    hosts: Vec<Addresses>,
    tags: Vec<Vec<Addresses>>,
    /// No list is longer: a short group has short lists.
    longest_list: usize,
}

pub(super) fn rules(size: usize, dice: &Dice) -> Vec<FiveTupleRule> {
    let network = Network::new(size, dice);
    let mut defaults = defaults(&network.space);
    let wanted = size.saturating_sub(defaults.len());
    let mut rules = Vec::with_capacity(size);
    while rules.len() < wanted {
        write_out(&network, dice, &mut rules);
    }
    rules.truncate(wanted);
    rules.extend(defaults.split_off(defaults.len().saturating_sub(size)));
    rules
}

/// Inside to inside, the load balancer's probes, and everything else.
fn defaults(space: &Addresses) -> Vec<FiveTupleRule> {
    let load_balancer = prefix(u32::from_be_bytes([168, 63, 129, 16]), 32);
    let pairs = [(space.clone(), space.clone()), (load_balancer, ANY_ADDRESS), (ANY_ADDRESS, ANY_ADDRESS)];
    let rule = |(sources, destinations)| FiveTupleRule {
        sources,
        destinations,
        source_ports: ANY_PORT,
        destination_ports: ANY_PORT,
        protocol: MaskedProtocol::ANY,
    };
    pairs.map(rule).into()
}

/// The lines of one security rule.
fn write_out(network: &Network, dice: &Dice, rules: &mut Vec<FiveTupleRule>) {
    let (sources, destinations) = (network.side(dice), network.side(dice));
    let ports = ports(dice);
    let protocol = *dice.pick(&[TCP, TCP, TCP, TCP, UDP, MaskedProtocol::ANY, MaskedProtocol::ANY, ICMP]);
    let source_ports = if dice.percent(95) { ANY_PORT } else { some_ports(dice) };
    for from in &sources {
        for to in &destinations {
            for destination_ports in &ports {
                rules.push(FiveTupleRule {
                    sources: from.clone(),
                    destinations: to.clone(),
                    source_ports: source_ports.clone(),
                    destination_ports: if protocol == ICMP { ANY_PORT } else { destination_ports.clone() },
                    protocol,
                });
                if protocol == ICMP {
                    break;
                }
            }
        }
    }
}

fn ports(dice: &Dice) -> Vec<RangeInclusive<u16>> {
    match dice.below(10) {
        0 | 1 => vec![ANY_PORT],
        2 => vec![some_ports(dice)],
        _ => {
            let mut services: Vec<u16> = (0..dice.between(1, 3)).map(|_| *dice.pick(&SERVICES)).collect();
            services.sort_unstable();
            services.dedup();
            services.into_iter().map(one_port).collect()
        }
    }
}

impl Network {
    fn new(size: usize, dice: &Dice) -> Self {
        let space = prefix(u32::from_be_bytes([10, dice.below(256) as u8, 0, 0]), 16);
        let subnets: Vec<Addresses> = (0..(4 + size / 400).min(250)).map(|_| prefix_within(&space, 22, 27, dice)).collect();
        let hosts = (0..(8 + size / 20).min(4_000)).map(|_| prefix_within(dice.pick(&subnets), 32, 32, dice)).collect();
        let tags = (0..(4 + size / 2_000).min(40)).map(|_| tag(dice)).collect();
        Self { space, subnets, hosts, tags, longest_list: (size / 40).clamp(1, 150) }
    }

    /// What one side of a rule names.
    fn side(&self, dice: &Dice) -> Vec<Addresses> {
        match dice.below(20) {
            0..=4 => cut(dice.pick(&self.tags).as_slice(), self.longest_list),
            5..=10 => several(&self.subnets, 4.min(self.longest_list), dice),
            11..=15 => several(&self.hosts, 12.min(self.longest_list), dice),
            16 | 17 => vec![self.space.clone()],
            _ => vec![ANY_ADDRESS],
        }
    }
}

/// The addresses of a service: some blocks, and small prefixes within them.
fn tag(dice: &Dice) -> Vec<Addresses> {
    let blocks: Vec<Addresses> = (0..dice.between(2, 6)).map(|_| prefix(anywhere(dice), dice.between(10, 16) as u32)).collect();
    (0..dice.between(8, 150)).map(|_| prefix_within(dice.pick(&blocks), 18, 31, dice)).collect()
}

fn cut(list: &[Addresses], most: usize) -> Vec<Addresses> {
    list.iter().take(most).cloned().collect()
}

fn several(of: &[Addresses], most: usize, dice: &Dice) -> Vec<Addresses> {
    (0..dice.between(1, most.max(1))).map(|_| dice.pick(of).clone()).collect()
}
