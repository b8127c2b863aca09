//! Which of a header's fields finds a list, and what its rules are compared with.

use super::super::five_tuple::{FiveTuple, FiveTupleRule};
use crate::table::simd::Probe;

/// Where a rule is at home.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Home {
    /// With its source addresses.
    Source = 0,
    /// With its destination addresses.
    Destination = 1,
    /// With its destination ports: its addresses are all there are.
    Port = 2,
}

impl Home {
    /// The home with the header's other address. Rules at home with ports take all addresses: any of the two will do.
    pub(super) const fn opposite(self) -> Self {
        match self {
            Self::Source => Self::Destination,
            Self::Destination | Self::Port => Self::Source,
        }
    }

    /// What finds a rule here, the first and the last number.
    pub(super) fn own(self, rule: &FiveTupleRule) -> (u32, u32) {
        match self {
            Self::Source => (*rule.sources.start(), *rule.sources.end()),
            Self::Destination => (*rule.destinations.start(), *rule.destinations.end()),
            Self::Port => (u32::from(*rule.destination_ports.start()), u32::from(*rule.destination_ports.end())),
        }
    }

    /// The largest number that [`Home::own`] can be.
    pub(super) const fn last(self) -> u32 {
        match self {
            Self::Source | Self::Destination => u32::MAX,
            Self::Port => u16::MAX as u32,
        }
    }

    /// The bounds of the address that rules here are compared with.
    pub(super) fn other(self, rule: &FiveTupleRule) -> [u32; 2] {
        let (low, high) = self.opposite().own(rule);
        [low, !high]
    }

    /// The address of a header that rules here are compared with.
    #[inline(always)]
    pub(super) const fn other_address(self, header: &FiveTuple) -> u32 {
        match self {
            Self::Source => header.destination,
            Self::Destination | Self::Port => header.source,
        }
    }

    /// What rules here are compared with: the header's other address and the rest.
    #[inline(always)]
    pub(super) const fn probe(self, header: &FiveTuple) -> Probe {
        let address = self.other_address(header);
        let FiveTuple { source_port, destination_port, protocol, .. } = *header;
        Probe {
            address: [address, !address],
            source_port: [source_port, !source_port],
            destination_port: [destination_port, !destination_port],
            protocol,
        }
    }

    /// All that a rule takes, to be compared with other rules that are at home here.
    pub(super) fn probe_of_rule(self, rule: &FiveTupleRule) -> Probe {
        Probe {
            address: self.other(rule),
            source_port: [*rule.source_ports.start(), !*rule.source_ports.end()],
            destination_port: [*rule.destination_ports.start(), !*rule.destination_ports.end()],
            protocol: rule.protocol.value,
        }
    }
}
