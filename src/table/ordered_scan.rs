//! The first rule that matches, by looking at them in order.

use std::net::IpAddr;
use std::sync::Arc;

use super::port_set::PortSet;
use super::prefix_set::PrefixSet;

/// What a rule is matched against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Source address.
    pub source: IpAddr,
    /// Destination address.
    pub destination: IpAddr,
    /// IP protocol number.
    pub protocol: u8,
    /// Source and destination port, where the protocol has ports.
    pub ports: Option<(u16, u16)>,
}

/// The conditions of one rule; all must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conditions {
    /// Protocol numbers; empty: any.
    pub protocols: Vec<u8>,
    /// Sources.
    pub sources: Arc<PrefixSet>,
    /// Source ports.
    pub source_ports: PortSet,
    /// Destinations.
    pub destinations: Arc<PrefixSet>,
    /// Destination ports.
    pub destination_ports: PortSet,
}

impl Conditions {
    /// Whether all conditions hold. A header without ports meets only conditions that take every port.
    #[must_use]
    pub fn hold(&self, header: &Header) -> bool {
        (self.protocols.is_empty() || self.protocols.contains(&header.protocol))
            && self.ports_hold(header.ports)
            && self.sources.contains(header.source)
            && self.destinations.contains(header.destination)
    }

    fn ports_hold(&self, ports: Option<(u16, u16)>) -> bool {
        match ports {
            Some((source, destination)) => self.source_ports.contains(source) && self.destination_ports.contains(destination),
            None => self.source_ports.is_all() && self.destination_ports.is_all(),
        }
    }
}

/// Rules in the order in which they are tried.
#[derive(Clone, Debug, Default)]
pub struct OrderedScan {
    rules: Vec<Conditions>,
}

impl OrderedScan {
    /// A table of `rules`, first to be tried first.
    #[must_use]
    pub fn new(rules: Vec<Conditions>) -> Self {
        Self { rules }
    }

    /// The rules' conditions, first to be tried first.
    #[must_use]
    pub fn all_conditions(&self) -> &[Conditions] {
        &self.rules
    }

    /// The conditions of the rule at `index`.
    #[must_use]
    pub fn conditions(&self, index: usize) -> Option<&Conditions> {
        self.rules.get(index)
    }

    /// Index of the first rule whose conditions hold.
    #[must_use]
    pub fn first_match(&self, header: &Header) -> Option<usize> {
        self.rules.iter().position(|rule| rule.hold(header))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::net::Ipv4Addr;

    type Plain = (Option<u8>, (u32, u8), (u16, u16), (u32, u8), (u16, u16));

    fn plain() -> impl Strategy<Value = Plain> {
        let prefix = || (0u32..4, prop_oneof![30u8..=32, Just(0)]);
        let ports = || prop_oneof![Just((0u16, u16::MAX)), (0u16..3, 0u16..3)];
        (prop::option::of(prop_oneof![Just(6u8), Just(17), Just(1)]), prefix(), ports(), prefix(), ports())
    }

    fn net((bits, length): (u32, u8)) -> ipnet::IpNet {
        ipnet::IpNet::new(Ipv4Addr::from_bits(bits).into(), length).unwrap()
    }

    fn compiled(rule: &Plain) -> Conditions {
        Conditions {
            protocols: rule.0.into_iter().collect(),
            sources: Arc::new(PrefixSet::from_prefixes([net(rule.1)])),
            source_ports: PortSet::from_ranges([rule.2.0..=rule.2.1]),
            destinations: Arc::new(PrefixSet::from_prefixes([net(rule.3)])),
            destination_ports: PortSet::from_ranges([rule.4.0..=rule.4.1]),
        }
    }

    /// The rule as written, condition by condition.
    fn matches(rule: &Plain, header: &Header) -> bool {
        let everything = |range: (u16, u16)| range == (0, u16::MAX);
        let ports = match header.ports {
            Some((source, destination)) => (rule.2.0..=rule.2.1).contains(&source) && (rule.4.0..=rule.4.1).contains(&destination),
            None => everything(rule.2) && everything(rule.4),
        };
        rule.0.is_none_or(|protocol| protocol == header.protocol)
            && ports
            && net(rule.1).contains(&header.source)
            && net(rule.3).contains(&header.destination)
    }

    proptest! {
        #[test]
        fn the_first_matching_rule_is_found(
            rules in prop::collection::vec(plain(), 0..8),
            source in 0u32..5, destination in 0u32..5,
            protocol in prop_oneof![Just(6u8), Just(17), Just(1)], ports in (0u16..4, 0u16..4),
        ) {
            let header = Header {
                source: Ipv4Addr::from_bits(source).into(),
                destination: Ipv4Addr::from_bits(destination).into(),
                protocol,
                ports: (protocol != 1).then_some(ports),
            };
            let table = OrderedScan::new(rules.iter().map(compiled).collect());
            prop_assert_eq!(table.first_match(&header), rules.iter().position(|rule| matches(rule, &header)));
        }
    }
}
