//! The lookup, a batch at a time: each step asks the memory for what the next one reads.

use super::super::Batch;
use super::super::five_tuple::FiveTuple;
use super::super::rooted::Slot;
use super::super::wide::{Search, Wide};
use super::home::Home;
use super::record::Record;
use super::side::Side;
use super::{Homes, WideRules};
use crate::table::simd::{Lanes, prefetch_at};

/// Where the headers of a batch are in one direction's tables.
struct Places<const N: usize> {
    slots: [Slot; N],
    /// Interval numbers, then record numbers.
    numbers: [u32; N],
}

/// The places in a batch for which something is left to do: a bit for each.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unfinished(u64);

impl Batch for Homes {
    #[inline(always)]
    fn batch<const N: usize>(&self, lanes: impl Lanes, headers: &[FiveTuple; N], matches: &mut [u32; N]) {
        const { assert!(N <= 64, "places have a bit each") };
        let mut sources = Places::new();
        let mut destinations = Places::new();
        self.sources.find_records(lanes, headers, |header| header.source, &mut sources);
        self.destinations.find_records(lanes, headers, |header| header.destination, &mut destinations);
        let [from, to] = self.read_records(lanes, headers, [&sources, &destinations], matches);
        self.sources.lists.read_blocks(lanes, Home::Source, headers, &sources.numbers, from, matches);
        self.destinations.lists.read_blocks(lanes, Home::Destination, headers, &destinations.numbers, to, matches);
        self.anywhere.improve(lanes, headers, matches);
        match &self.wide {
            WideRules::None => {}
            WideRules::Few(wide) => self.try_wide(wide, lanes, headers, [&sources, &destinations], matches),
            WideRules::Many(wide) => self.try_wide(wide, lanes, headers, [&sources, &destinations], matches),
        }
    }
}

impl Homes {
    /// Compares the records' own rules, of both directions at once. Lists that go on with rules before the one found are
    /// left for [`super::records::Records::read_blocks`].
    #[inline(always)]
    fn read_records<const N: usize>(
        &self,
        lanes: impl Lanes,
        headers: &[FiveTuple; N],
        [sources, destinations]: [&Places<N>; 2],
        matches: &mut [u32; N],
    ) -> [Unfinished; 2] {
        let mut unfinished = [Unfinished::NONE; 2];
        let numbers = sources.numbers.iter().zip(&destinations.numbers);
        for (at, ((header, (from, to)), found)) in headers.iter().zip(numbers).zip(matches).enumerate() {
            let (Some(from), Some(to)) =
                (self.sources.lists.records.get(*from as usize), self.destinations.lists.records.get(*to as usize))
            else {
                continue;
            };
            let ports = [header.source_port, header.destination_port];
            let within = lanes.within_pairs([from.bounds(), to.bounds()], [header.destination, header.source], ports);
            *found = from.first_match(within[0], header.protocol).min(to.first_match(within[1], header.protocol));
            unfinished[0].add_if(from.may_improve(*found), at);
            unfinished[1].add_if(to.may_improve(*found), at);
        }
        unfinished
    }

    /// The wide rules, where one of them could come before what was found: a group at a time for all headers.
    #[inline(always)]
    fn try_wide<const W: usize, const N: usize>(
        &self,
        wide: &Wide<W>,
        lanes: impl Lanes,
        headers: &[FiveTuple; N],
        [sources, destinations]: [&Places<N>; 2],
        matches: &mut [u32; N],
    ) {
        let mut unfinished = Unfinished::where_above(matches, wide.first_rule());
        if unfinished.is_empty() {
            return;
        }
        let mut searches = [Search::NONE; N];
        for at in unfinished {
            let (Some(search), Some(found)) = (searches.get_mut(at), matches.get(at)) else { continue };
            let (Some(from), Some(to)) = (self.sources.record(sources, at), self.destinations.record(destinations, at)) else { continue };
            *search = Search::of([from.class, to.class]);
            wide.prefetch_groups(search);
            unfinished.remove_if(from.first_wide.max(to.first_wide) >= *found, at);
        }
        while !unfinished.is_empty() {
            for at in unfinished {
                let (Some(search), Some(found)) = (searches.get_mut(at), matches.get(at)) else { continue };
                unfinished.remove_if(!wide.next_group(search, *found), at);
            }
            for at in unfinished {
                let (Some(search), Some(found), Some(header)) = (searches.get(at), matches.get_mut(at), headers.get(at)) else { continue };
                if let Some(rule) = wide.first_match(lanes, search, header) {
                    *found = rule.min(*found);
                    unfinished.remove_if(true, at);
                }
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
        self.intervals.slots(lanes, headers.iter().map(&address), &mut places.slots);
        for ((header, slot), number) in headers.iter().zip(&places.slots).zip(&mut places.numbers) {
            *number = self.intervals.within(lanes, *slot, address(header));
            prefetch_at(&self.numbers, *number);
        }
        for (_, number) in headers.iter().zip(&mut places.numbers) {
            *number = self.numbers.get(*number as usize).copied().unwrap_or_default();
            prefetch_at(&self.lists.records, *number);
        }
    }

    #[inline(always)]
    fn record<const N: usize>(&self, places: &Places<N>, at: usize) -> Option<&Record> {
        self.lists.records.get(*places.numbers.get(at)? as usize)
    }
}

impl Unfinished {
    pub(super) const NONE: Self = Self(0);

    /// Where a rule was found that does not come before `bound`, or none.
    #[inline(always)]
    pub(super) fn where_above<const N: usize>(matches: &[u32; N], bound: u32) -> Self {
        Self((0..).zip(matches).fold(0, |bits, (at, found)| bits | u64::from(*found > bound) << at))
    }

    #[inline(always)]
    pub(super) const fn add_if(&mut self, is_one: bool, at: usize) {
        self.0 |= (is_one as u64) << at;
    }

    #[inline(always)]
    const fn remove_if(&mut self, is_none: bool, at: usize) {
        self.0 &= !((is_none as u64) << at);
    }

    #[inline(always)]
    pub(super) const fn is_empty(self) -> bool {
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
