//! A list of rules for one interval of addresses (or of ports): the first two in a cache line, the others in blocks.

use std::hint::select_unpredictable;

use super::super::AccessList;
use super::super::five_tuple::FiveTupleRule;
use super::super::wide::Class;
use super::home::Home;
use crate::table::simd::{BLOCK, Block, PairBounds};

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
    /// The first wide rule that takes addresses of this class.
    pub(super) first_wide: u32,
}

impl Record {
    /// The record of a list, ascending; what the record has no place for is added to `blocks`.
    pub(super) fn new(rules: &[FiveTupleRule], list: &[u32], home: Home, class: Class, blocks: &mut Vec<Block>) -> Self {
        let (first, others) = list.split_at(list.len().min(FIRST));
        let first_block = blocks.len() as u32;
        for (list, behind) in others.chunks(BLOCK).zip((BLOCK..).step_by(BLOCK)) {
            blocks.push(block(rules, list, home, others.get(behind).copied()));
        }
        let next = others.first().copied().unwrap_or(AccessList::NO_MATCH);
        let mut record = Self { first_block, class: class.number, first_wide: class.first_rule, next, ..NOTHING };
        for (place, number) in first.iter().enumerate() {
            let Some(rule) = rules.get(*number as usize) else { continue };
            record.rules[place] = *number;
            record.bounds.addresses[place] = home.other(rule);
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
    first_wide: AccessList::NO_MATCH,
};

/// A block without rules.
pub(super) const NO_RULES: Block = Block {
    addresses: [[u32::MAX; BLOCK]; 2],
    ports: [[u16::MAX; BLOCK]; 4],
    protocols: [0; BLOCK],
    masks: [0; BLOCK],
    next: AccessList::NO_MATCH,
    rules: [AccessList::NO_MATCH; BLOCK],
};

/// The block of these rules, before one that begins with `next`.
fn block(rules: &[FiveTupleRule], list: &[u32], home: Home, next: Option<u32>) -> Block {
    let mut block = Block { next: next.unwrap_or(AccessList::NO_MATCH), ..NO_RULES };
    for (place, number) in list.iter().enumerate() {
        if let Some(rule) = rules.get(*number as usize) {
            put(&mut block, place, *number, rule, home);
        }
    }
    block
}

/// Puts a rule in its place in a block.
pub(super) fn put(block: &mut Block, place: usize, number: u32, rule: &FiveTupleRule, home: Home) {
    let place = place % BLOCK;
    block.rules[place] = number;
    block.protocols[place] = rule.protocol.value;
    block.masks[place] = rule.protocol.mask;
    block.addresses.iter_mut().zip(home.other(rule)).for_each(|(bounds, bound)| bounds[place] = bound);
    block.ports.iter_mut().zip(ports(rule)).for_each(|(bounds, bound)| bounds[place] = bound);
}

fn ports(rule: &FiveTupleRule) -> [u16; 4] {
    let (source, destination) = (&rule.source_ports, &rule.destination_ports);
    [*source.start(), !*source.end(), *destination.start(), !*destination.end()]
}
