//! The lookup, a batch at a time: each step asks the memory for what the next one reads.

use std::hint::select_unpredictable;

use super::super::five_tuple::FiveTuple;
use super::super::rooted::Slot;
use super::super::wide::Wide;
use super::super::{AccessList, Batch};
use super::record::Record;
use super::side::{Direction, Side};
use super::{Homes, WideRules};
use crate::table::simd::{Block, Lanes, Probe, prefetch_at};

/// Where the headers of a batch are in one direction's tables.
struct Places<const N: usize> {
    slots: [Slot; N],
    /// Interval numbers, then record numbers.
    numbers: [u32; N],
}

/// The places in a batch whose lists are not decided by their records: a bit for each.
#[derive(Clone, Copy, Debug)]
struct Unfinished(u64);

impl Batch for Homes {
    #[inline(always)]
    fn batch<const N: usize>(&self, lanes: impl Lanes, headers: &[FiveTuple; N], matches: &mut [u32; N]) {
        let mut sources = Places::new();
        let mut destinations = Places::new();
        self.sources.find_records(lanes, headers, |header| header.source, &mut sources);
        self.destinations.find_records(lanes, headers, |header| header.destination, &mut destinations);
        let [from, to] = self.read_records(lanes, headers, [&sources, &destinations], matches);
        self.sources.read_blocks(lanes, Direction::Source, headers, &sources, from, matches);
        self.destinations.read_blocks(lanes, Direction::Destination, headers, &destinations, to, matches);
        match &self.wide {
            WideRules::None => {}
            WideRules::Few(wide) => self.try_wide(wide, lanes, headers, [&sources, &destinations], matches),
            WideRules::Many(wide) => self.try_wide(wide, lanes, headers, [&sources, &destinations], matches),
        }
    }
}

impl Homes {
    /// Compares the records' own rules, of both directions at once. Lists that go on with rules before the one found are
    /// left for [`Side::read_blocks`].
    #[inline(always)]
    fn read_records<const N: usize>(
        &self,
        lanes: impl Lanes,
        headers: &[FiveTuple; N],
        [sources, destinations]: [&Places<N>; 2],
        matches: &mut [u32; N],
    ) -> [Unfinished; 2] {
        let mut unfinished = [0; 2];
        let numbers = sources.numbers.iter().zip(&destinations.numbers);
        for (at, ((header, (from, to)), found)) in headers.iter().zip(numbers).zip(matches).enumerate() {
            let (Some(from), Some(to)) = (self.sources.records.get(*from as usize), self.destinations.records.get(*to as usize)) else {
                continue;
            };
            let ports = [header.source_port, header.destination_port];
            let within = lanes.within_pairs([from.bounds(), to.bounds()], [header.destination, header.source], ports);
            *found = from.first_match(within[0], header.protocol).min(to.first_match(within[1], header.protocol));
            unfinished[0] |= u64::from(from.may_improve(*found)) << at;
            unfinished[1] |= u64::from(to.may_improve(*found)) << at;
        }
        unfinished.map(Unfinished)
    }

    /// The wide rules, where one of them could come before what was found.
    #[inline(always)]
    fn try_wide<const W: usize, const N: usize>(
        &self,
        wide: &Wide<W>,
        lanes: impl Lanes,
        headers: &[FiveTuple; N],
        [sources, destinations]: [&Places<N>; 2],
        matches: &mut [u32; N],
    ) {
        let first = wide.first_rule();
        for (at, (header, found)) in headers.iter().zip(matches).enumerate().filter(|(_, (_, found))| **found > first) {
            let classes = [self.sources.class(sources, at), self.destinations.class(destinations, at)];
            if let Some(rule) = wide.first_match(lanes, classes, header, *found) {
                *found = rule.min(*found);
            }
        }
    }
}

impl Side {
    /// Address → slot → interval → record number.
    #[inline(always)]
    fn find_records<const N: usize>(
        &self,
        lanes: impl Lanes,
        headers: &[FiveTuple; N],
        address: impl Fn(&FiveTuple) -> u32,
        places: &mut Places<N>,
    ) {
        for (header, slot) in headers.iter().zip(&mut places.slots) {
            *slot = self.intervals.slot(address(header));
            self.intervals.prefetch_bounds(*slot);
        }
        for ((header, slot), number) in headers.iter().zip(&places.slots).zip(&mut places.numbers) {
            *number = self.intervals.within(lanes, *slot, address(header));
            prefetch_at(&self.numbers, *number);
        }
        for (_, number) in headers.iter().zip(&mut places.numbers) {
            *number = self.numbers.get(*number as usize).copied().unwrap_or_default();
            prefetch_at(&self.records, *number);
        }
    }

    /// Compares the rest of the lists, up to what was found already: the first block of all of them, then the second of those
    /// that may still have an earlier rule. How long a list is nobody could predict; how many there are is less of a matter.
    #[inline(always)]
    fn read_blocks<const N: usize>(
        &self,
        lanes: impl Lanes,
        direction: Direction,
        headers: &[FiveTuple; N],
        places: &Places<N>,
        mut unfinished: Unfinished,
        matches: &mut [u32; N],
    ) {
        // a list's last block says that none comes after it
        for block in 0.. {
            if unfinished.is_empty() {
                return;
            }
            let mut go_on = 0;
            for at in unfinished {
                let (Some(header), Some(found), Some(record)) = (headers.get(at), matches.get_mut(at), self.record(places, at)) else {
                    continue;
                };
                let Some(block) = self.blocks.get((record.first_block + block) as usize) else { continue };
                *found = first_in_block(lanes, block, &direction.probe(header)).min(*found);
                go_on |= u64::from(block.next < *found) << at;
            }
            unfinished = Unfinished(go_on);
        }
    }

    #[inline(always)]
    fn record<const N: usize>(&self, places: &Places<N>, at: usize) -> Option<&Record> {
        self.records.get(*places.numbers.get(at)? as usize)
    }

    #[inline(always)]
    fn class<const N: usize>(&self, places: &Places<N>, at: usize) -> u32 {
        self.record(places, at).map_or(0, |record| record.class)
    }
}

/// The first rule of a block that the probe is within.
#[inline(always)]
fn first_in_block(lanes: impl Lanes, block: &Block, probe: &Probe) -> u32 {
    let within = lanes.within_block(block, probe);
    // no branch: nobody could predict it
    select_unpredictable(within != 0, block.rules[within.trailing_zeros() as usize % 8], AccessList::NO_MATCH)
}

impl Unfinished {
    const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl<const N: usize> Places<N> {
    const fn new() -> Self {
        Self { slots: [Slot::NONE; N], numbers: [0; N] }
    }
}

impl Iterator for Unfinished {
    type Item = usize;

    #[inline(always)]
    fn next(&mut self) -> Option<usize> {
        let place = self.0.trailing_zeros();
        self.0 &= self.0.wrapping_sub(1);
        (place < u64::BITS).then_some(place as usize)
    }
}
