//! A list of rules for one interval of addresses: the first two in a cache line, the others eight at a time.

use std::hint::select_unpredictable;

use super::super::AccessList;
use super::super::five_tuple::FiveTupleRule;
use super::side::Direction;
use crate::table::simd::{Block, PairBounds};

/// Rules in the record itself.
pub(super) const FIRST: usize = 2;

/// A list's first rules, and where the others are: one cache line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(64))]
pub(super) struct Record {
    /// What the header's other address, and its ports, are compared with.
    bounds: PairBounds,
    rules: [u32; FIRST],
    /// Protocols under the masks, and the masks; the first rule's in the lower byte.
    protocols: u16,
    masks: u16,
    /// The first rule in the blocks: nothing there comes before it.
    next: u32,
    /// The number of the first block.
    pub(super) first_block: u32,
    /// The addresses' class among wide rules.
    pub(super) class: u32,
}

impl Record {
    /// The record of a list, ascending; what the record has no place for is added to `blocks`.
    pub(super) fn new(rules: &[FiveTupleRule], list: &[u32], direction: Direction, class: u32, blocks: &mut Vec<Block>) -> Self {
        let (first, others) = list.split_at(list.len().min(FIRST));
        let first_block = blocks.len() as u32;
        let first_of_next = others.chunks(8).skip(1).filter_map(|list| list.first().copied()).chain([AccessList::NO_MATCH]);
        blocks.extend(others.chunks(8).zip(first_of_next).map(|(list, next)| Block { next, ..block(rules, list, direction) }));
        let next = others.first().copied().unwrap_or(AccessList::NO_MATCH);
        let mut record = Self { first_block, class, next, ..NOTHING };
        for (place, number) in first.iter().enumerate() {
            let Some(rule) = rules.get(*number as usize) else { continue };
            record.rules[place] = *number;
            record.bounds.addresses[place] = addresses(rule, direction);
            record.bounds.ports[place] = ports(rule);
            record.protocols |= u16::from(rule.protocol.value) << (8 * place);
            record.masks |= u16::from(rule.protocol.mask) << (8 * place);
        }
        record
    }

    /// What the header's other address, and its ports, are compared with.
    #[inline(always)]
    pub(super) const fn bounds(&self) -> &PairBounds {
        &self.bounds
    }

    /// The first of its own rules that takes the protocol, of those whose `bounds` hold.
    #[inline(always)]
    pub(super) fn first_match(&self, [first, second]: [bool; 2], protocol: u8) -> u32 {
        let differ = ((u16::from(protocol) * 0x0101) ^ self.protocols) & self.masks;
        // no branches: mostly nobody could predict them
        let second = select_unpredictable(second & (differ & 0xff00 == 0), self.rules[1], AccessList::NO_MATCH);
        select_unpredictable(first & (differ & 0x00ff == 0), self.rules[0], second)
    }

    /// Whether a rule behind the first ones could come before the one that was found.
    #[inline(always)]
    pub(super) const fn may_improve(&self, found: u32) -> bool {
        self.next < found
    }
}

/// A record without rules: its bounds are above every value.
const NOTHING: Record = Record {
    bounds: PairBounds { addresses: [[u32::MAX; 2]; 2], ports: [[u16::MAX; 4]; 2] },
    rules: [AccessList::NO_MATCH; FIRST],
    protocols: 0,
    masks: 0,
    next: AccessList::NO_MATCH,
    first_block: 0,
    class: 0,
};

fn block(rules: &[FiveTupleRule], list: &[u32], direction: Direction) -> Block {
    let mut block = Block {
        addresses: [[u32::MAX; 8]; 2],
        ports: [[u16::MAX; 8]; 4],
        protocols: [0; 8],
        masks: [0; 8],
        rules: [AccessList::NO_MATCH; 8],
        next: AccessList::NO_MATCH,
    };
    for (place, number) in list.iter().enumerate() {
        let Some(rule) = rules.get(*number as usize) else { continue };
        block.rules[place] = *number;
        block.protocols[place] = rule.protocol.value;
        block.masks[place] = rule.protocol.mask;
        block.addresses.iter_mut().zip(addresses(rule, direction)).for_each(|(bounds, bound)| bounds[place] = bound);
        block.ports.iter_mut().zip(ports(rule)).for_each(|(bounds, bound)| bounds[place] = bound);
    }
    block
}

/// The bounds of the other side's addresses.
fn addresses(rule: &FiveTupleRule, direction: Direction) -> [u32; 2] {
    let (low, high) = direction.opposite().own(rule);
    [low, !high]
}

fn ports(rule: &FiveTupleRule) -> [u16; 4] {
    let (source, destination) = (&rule.source_ports, &rule.destination_ports);
    [*source.start(), !*source.end(), *destination.start(), !*destination.end()]
}
