//! Rules for any source and any destination: in the lists of their destination ports. Whatever they take of a service, no
//! later rule takes, wherever that is at home.

use super::super::five_tuple::{FiveTuple, FiveTupleRule};
use super::super::intervals::Intervals;
use super::super::ports::Ports;
use super::super::wide::Class;
use super::home::Home;
use super::listed::Listed;
use super::lookup::Unfinished;
use super::records::Records;
use super::shadow::Lit;
use crate::table::simd::{self, Lanes, Work, prefetch_at};

/// With so many rules for several ports each of the others is compared before lists are made.
const COMPARED: usize = 512;

/// How many intervals of ports the rules cover at most, all together.
const MOST_COVERED: u64 = 1 << 19;

/// The lists of ports.
#[derive(Clone, Debug)]
pub(super) struct Anywhere {
    /// Port → record.
    ports: Ports,
    lists: Records,
    /// The first rule in any of them.
    first: u32,
}

/// Rules that a build has to do with, ascending.
#[derive(Debug)]
pub(super) struct Rest {
    /// Rules with addresses that some header could be for.
    pub(super) live: Vec<u32>,
    /// Rules for any address that have no place in the lists of ports.
    pub(super) wide: Vec<u32>,
}

impl Anywhere {
    /// The lists of those of `rules` that ask for no address, and the other rules.
    pub(super) fn new(rules: &[FiveTupleRule]) -> (Self, Rest) {
        let (anywhere, others): (Vec<u32>, Vec<u32>) = (0..)
            .zip(rules)
            .filter(|(_, rule)| !rule.is_empty())
            .map(|(number, _)| number)
            .partition(|number| rules.get(*number as usize).is_some_and(FiveTupleRule::is_anywhere));
        let [chosen, mut wide] = chosen(rules, simd::run(Uncovered { rules, numbers: anywhere }));
        let listed = Listed::new(rules, &chosen, Home::Port);
        wide.extend(&listed.left_over);
        wide.sort_unstable();
        let mut lists = Records::for_lists(listed.lists());
        for list in listed.lists() {
            lists.add(rules, list, Home::Port, Class::NONE);
        }
        // a record has its list's number, of which there is at most one for each port
        let numbers: Vec<u16> = listed.list_at.iter().map(|list| *list as u16).collect();
        let ports = Ports::new(&listed.starts, &numbers);
        let is_live = |number: &u32| {
            rules.get(*number as usize).is_some_and(|rule| {
                let earlier = listed.list(ports.find(*rule.destination_ports.start())).iter().take_while(|earlier| *earlier < number);
                !earlier.filter_map(|earlier| rules.get(*earlier as usize)).any(|earlier| earlier.takes_services_of(rule))
            })
        };
        let live = others.into_iter().filter(is_live).collect();
        let first = chosen.first().copied().unwrap_or(u32::MAX);
        (Self { ports, lists, first }, Rest { live, wide })
    }

    /// Looks whether rules here come before what was found.
    #[inline(always)]
    pub(super) fn improve<const N: usize>(&self, lanes: impl Lanes, headers: &[FiveTuple; N], matches: &mut [u32; N]) {
        let behind = Unfinished::where_above(matches, self.first);
        if behind.is_empty() {
            return;
        }
        let mut numbers = [0; N];
        for at in behind {
            let (Some(header), Some(number)) = (headers.get(at), numbers.get_mut(at)) else { continue };
            *number = self.ports.find(header.destination_port);
            prefetch_at(&self.lists.records, *number);
        }
        let unfinished = self.lists.read_records(lanes, Home::Port, headers, &numbers, behind, matches);
        self.lists.read_blocks(lanes, Home::Port, headers, &numbers, unfinished, matches);
    }

    /// Bytes of memory.
    pub(super) fn memory(&self) -> usize {
        self.ports.memory() + self.lists.memory()
    }
}

/// Those that lists of ports have room for, and the others.
fn chosen(rules: &[FiveTupleRule], numbers: Vec<u32>) -> [Vec<u32>; 2] {
    let ranges: Vec<(u32, u32)> =
        numbers.iter().filter_map(|number| rules.get(*number as usize)).map(|rule| Home::Port.own(rule)).collect();
    let spans = Intervals::new(ranges.into_iter(), Home::Port.last()).spans;
    let mut covered = 0;
    let mut has_room = |(first, last): (u32, u32)| {
        let with_it = covered + u64::from(last - first) + 1;
        let has_room = with_it <= MOST_COVERED;
        covered = if has_room { with_it } else { covered };
        has_room
    };
    let (chosen, others): (Vec<_>, Vec<_>) = numbers.into_iter().zip(spans).partition(|(_, span)| has_room(*span));
    [chosen, others].map(|rules| rules.into_iter().map(|(number, _)| number).collect())
}

/// Leaves out rules that an earlier one for several ports covers.
pub(super) struct Uncovered<'a> {
    pub(super) rules: &'a [FiveTupleRule],
    pub(super) numbers: Vec<u32>,
}

impl Work for Uncovered<'_> {
    type Output = Vec<u32>;

    #[inline(always)]
    fn run(self, lanes: impl Lanes) -> Vec<u32> {
        let mut lit = Lit::new(self.rules, Home::Port);
        let mut uncovered = Vec::with_capacity(self.numbers.len());
        for number in self.numbers {
            let Some(rule) = self.rules.get(number as usize) else { continue };
            if lit.covers(lanes, number) {
                continue;
            }
            if rule.destination_ports.start() < rule.destination_ports.end() && lit.numbers.len() < COMPARED {
                lit.add(number);
            }
            uncovered.push(number);
        }
        uncovered
    }
}
