//! Rules over the classic five fields of an IPv4 packet, and the ordered scan that says what they mean.

use std::ops::RangeInclusive;

/// The fields that a flat access list looks at. Ports are 0 for protocols that have none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct FiveTuple {
    /// Source address.
    pub source: u32,
    /// Destination address.
    pub destination: u32,
    /// Source port.
    pub source_port: u16,
    /// Destination port.
    pub destination_port: u16,
    /// IP protocol number.
    pub protocol: u8,
}

/// A protocol number under a mask, as filter files write it: `0x06/0xFF` is TCP, `0x00/0x00` any.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MaskedProtocol {
    /// The bits under the mask.
    pub value: u8,
    /// Which bits count.
    pub mask: u8,
}

impl MaskedProtocol {
    /// Any protocol.
    pub const ANY: Self = Self { value: 0, mask: 0 };

    /// Exactly this protocol.
    #[must_use]
    pub const fn exactly(number: u8) -> Self {
        Self { value: number, mask: u8::MAX }
    }

    /// Whether every protocol that the other one means is meant.
    #[must_use]
    pub const fn takes_all_of(self, other: Self) -> bool {
        self.mask & !other.mask == 0 && self.matches(other.value)
    }

    /// Whether a protocol is meant.
    #[must_use]
    pub const fn matches(self, protocol: u8) -> bool {
        (protocol ^ self.value) & self.mask == 0
    }
}

/// One rule; all of its conditions must hold. A backwards range holds for nothing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FiveTupleRule {
    /// Source addresses.
    pub sources: RangeInclusive<u32>,
    /// Destination addresses.
    pub destinations: RangeInclusive<u32>,
    /// Source ports.
    pub source_ports: RangeInclusive<u16>,
    /// Destination ports.
    pub destination_ports: RangeInclusive<u16>,
    /// Protocols.
    pub protocol: MaskedProtocol,
}

impl FiveTupleRule {
    /// Whether no header can match.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sources.is_empty() || self.destinations.is_empty() || self.source_ports.is_empty() || self.destination_ports.is_empty()
    }

    /// Whether it asks for no address.
    #[must_use]
    pub fn is_anywhere(&self) -> bool {
        self.sources == (0..=u32::MAX) && self.destinations == (0..=u32::MAX)
    }

    /// Whether it takes all ports and protocols that the other one takes.
    #[must_use]
    pub fn takes_services_of(&self, other: &Self) -> bool {
        self.destination_ports.start() <= other.destination_ports.start()
            && other.destination_ports.end() <= self.destination_ports.end()
            && self.source_ports.start() <= other.source_ports.start()
            && other.source_ports.end() <= self.source_ports.end()
            && self.protocol.takes_all_of(other.protocol)
    }

    /// Whether all conditions hold.
    #[must_use]
    pub fn matches(&self, header: &FiveTuple) -> bool {
        self.protocol.matches(header.protocol)
            && self.destination_ports.contains(&header.destination_port)
            && self.source_ports.contains(&header.source_port)
            && self.destinations.contains(&header.destination)
            && self.sources.contains(&header.source)
    }
}

/// Index of the first rule that matches, by looking at them in order: what every faster way must agree with.
#[must_use]
pub fn ordered_scan(rules: &[FiveTupleRule], header: &FiveTuple) -> Option<usize> {
    rules.iter().position(|rule| rule.matches(header))
}
