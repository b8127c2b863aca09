//! Records and the blocks behind them, and how headers are compared with both.

use std::hint::select_unpredictable;

use super::super::AccessList;
use super::super::five_tuple::{FiveTuple, FiveTupleRule};
use super::super::wide::Class;
use super::home::Home;
use super::lookup::Unfinished;
use super::record::{FIRST, Record};
use crate::table::simd::{BLOCK, Block, Lanes, Probe};

/// The lists of a home.
#[derive(Clone, Debug)]
pub(super) struct Records {
    pub(super) records: Vec<Record>,
    blocks: Vec<Block>,
}

impl Records {
    /// With room for these lists.
    pub(super) fn for_lists<'a>(lists: impl Iterator<Item = &'a [u32]>) -> Self {
        let blocks = |list: &[u32]| list.len().saturating_sub(FIRST).div_ceil(BLOCK);
        let (records, blocks) = lists.fold((0, 0), |(records, before), list| (records + 1, before + blocks(list)));
        Self { records: Vec::with_capacity(records), blocks: Vec::with_capacity(blocks) }
    }

    /// Adds the record of a list, ascending; the number that it has.
    pub(super) fn add(&mut self, rules: &[FiveTupleRule], list: &[u32], home: Home, class: Class) -> u32 {
        self.records.push(Record::new(rules, list, home, class, &mut self.blocks));
        (self.records.len() - 1) as u32
    }

    /// Bytes of memory.
    pub(super) fn memory(&self) -> usize {
        size_of_val(&*self.records) + size_of_val(&*self.blocks)
    }

    /// Compares the records' own rules. Left is where a list goes on with rules before the one found.
    #[inline(always)]
    pub(super) fn read_records<const N: usize>(
        &self,
        lanes: impl Lanes,
        home: Home,
        headers: &[FiveTuple; N],
        numbers: &[u32; N],
        wanted: Unfinished,
        matches: &mut [u32; N],
    ) -> Unfinished {
        let mut unfinished = Unfinished::NONE;
        for at in wanted {
            let (Some(header), Some(found), Some(number)) = (headers.get(at), matches.get_mut(at), numbers.get(at)) else { continue };
            let Some(record) = self.records.get(*number as usize) else { continue };
            let ports = [header.source_port, header.destination_port];
            let [within, _] = lanes.within_pairs([record.bounds(); 2], [home.other_address(header); 2], ports);
            *found = record.first_match(within, header.protocol).min(*found);
            unfinished.add_if(record.may_improve(*found), at);
        }
        unfinished
    }

    /// Compares the rest of the lists, up to what was found already: the first block of all of them, then the second of those
    /// that may still have an earlier rule. How long a list is nobody could predict; how many there are is less of a matter.
    #[inline(always)]
    pub(super) fn read_blocks<const N: usize>(
        &self,
        lanes: impl Lanes,
        home: Home,
        headers: &[FiveTuple; N],
        numbers: &[u32; N],
        mut unfinished: Unfinished,
        matches: &mut [u32; N],
    ) {
        let first_block = |at: usize| Some(self.records.get(*numbers.get(at)? as usize)?.first_block);
        // a list's last block says that none comes after it
        for block in 0.. {
            if unfinished.is_empty() {
                return;
            }
            let mut go_on = Unfinished::NONE;
            for at in unfinished {
                let (Some(header), Some(found), Some(first)) = (headers.get(at), matches.get_mut(at), first_block(at)) else {
                    continue;
                };
                let Some(block) = self.blocks.get((first + block) as usize) else { continue };
                *found = first_in_block(lanes, block, &home.probe(header)).min(*found);
                go_on.add_if(block.next < *found, at);
            }
            unfinished = go_on;
        }
    }
}

/// The first rule of a block that the probe is within.
#[inline(always)]
fn first_in_block(lanes: impl Lanes, block: &Block, probe: &Probe) -> u32 {
    let within = lanes.within_block(block, probe);
    // no branch: nobody could predict it
    select_unpredictable(within != 0, block.rules[within.trailing_zeros() as usize % BLOCK], AccessList::NO_MATCH)
}
