//! The plain ordered scan over rules as they are written, for many headers: what a table must agree with.
//!
//! Rules are looked at in order, a block at a time, and a header is done with at its first match; a block stays in the nearest cache
//! while all headers that are still open pass over it. A header that was seen before is not scanned again.

use std::collections::HashMap;

use causeway::table::access_list::AccessList;
use causeway::table::access_list::five_tuple::{FiveTuple, FiveTupleRule, MaskedProtocol};

/// Rules in a block: 16 columns of it take less than 32 KiB.
const BLOCK: usize = 512;

/// Rules that are compared without a branch between them.
const STRIDE: usize = 16;

/// Index of the first rule that matches each header, or [`AccessList::NO_MATCH`].
pub(crate) fn first_matches(rules: &[FiveTupleRule], headers: &[FiveTuple]) -> Vec<u32> {
    let mut numbers = HashMap::new();
    let mut distinct = Vec::new();
    let which: Vec<usize> = headers
        .iter()
        .map(|header| {
            *numbers.entry(*header).or_insert_with(|| {
                distinct.push(*header);
                distinct.len() - 1
            })
        })
        .collect();
    let found = scan(rules, &distinct);
    which.iter().map(|&index| found.get(index).copied().unwrap_or(AccessList::NO_MATCH)).collect()
}

fn scan(rules: &[FiveTupleRule], headers: &[FiveTuple]) -> Vec<u32> {
    let mut found = vec![AccessList::NO_MATCH; headers.len()];
    let mut open: Vec<usize> = (0..headers.len()).collect();
    for (number, block) in rules.chunks(BLOCK).enumerate() {
        let strides: Vec<Columns> = block.chunks(STRIDE).map(Columns::new).collect();
        open.retain(|&index| {
            let (Some(header), Some(slot)) = (headers.get(index), found.get_mut(index)) else { return false };
            let Some(rule) = first_of(&strides, header) else { return true };
            *slot = u32::try_from(number * BLOCK + rule).unwrap_or(AccessList::NO_MATCH);
            false
        });
    }
    found
}

fn first_of(strides: &[Columns], header: &FiveTuple) -> Option<usize> {
    strides.iter().enumerate().find_map(|(number, stride)| Some(number * STRIDE + stride.first_match(header)?))
}

/// The bounds of some rules, a column for each bound.
struct Columns {
    source: [[u32; STRIDE]; 2],
    destination: [[u32; STRIDE]; 2],
    source_port: [[u16; STRIDE]; 2],
    destination_port: [[u16; STRIDE]; 2],
    protocol: [MaskedProtocol; STRIDE],
}

impl Columns {
    fn new(rules: &[FiveTupleRule]) -> Self {
        // Columns beyond the last rule keep a backwards range of sources, which holds for nothing.
        let mut columns = Self {
            source: [[1; STRIDE], [0; STRIDE]],
            destination: [[0; STRIDE]; 2],
            source_port: [[0; STRIDE]; 2],
            destination_port: [[0; STRIDE]; 2],
            protocol: [MaskedProtocol::ANY; STRIDE],
        };
        for (index, rule) in rules.iter().enumerate().take(STRIDE) {
            columns.source[0][index] = *rule.sources.start();
            columns.source[1][index] = *rule.sources.end();
            columns.destination[0][index] = *rule.destinations.start();
            columns.destination[1][index] = *rule.destinations.end();
            columns.source_port[0][index] = *rule.source_ports.start();
            columns.source_port[1][index] = *rule.source_ports.end();
            columns.destination_port[0][index] = *rule.destination_ports.start();
            columns.destination_port[1][index] = *rule.destination_ports.end();
            columns.protocol[index] = rule.protocol;
        }
        columns
    }

    fn first_match(&self, header: &FiveTuple) -> Option<usize> {
        let mut addresses = [false; STRIDE];
        for (index, holds) in addresses.iter_mut().enumerate() {
            *holds = (self.source[0][index] <= header.source)
                & (header.source <= self.source[1][index])
                & (self.destination[0][index] <= header.destination)
                & (header.destination <= self.destination[1][index]);
        }
        if addresses == [false; STRIDE] {
            return None;
        }
        addresses.iter().enumerate().position(|(index, &holds)| holds && self.ports_and_protocol_hold(index, header))
    }

    fn ports_and_protocol_hold(&self, index: usize, header: &FiveTuple) -> bool {
        self.source_port[0][index] <= header.source_port
            && header.source_port <= self.source_port[1][index]
            && self.destination_port[0][index] <= header.destination_port
            && header.destination_port <= self.destination_port[1][index]
            && self.protocol[index].matches(header.protocol)
    }
}
