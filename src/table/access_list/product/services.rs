//! Ports and protocol of a header → the class of its service: alike are services that the same conditions hold for.

use super::super::bit_rows::{BitRows, LAST_PORT, Numbering, Rows, protocol_rows, sweep, wide};
use super::super::five_tuple::{FiveTuple, FiveTupleRule, MaskedProtocol};
use super::super::ports::Ports;
use super::lists::Numbers;
use crate::table::simd::Row;

/// Rows of as many × 256 bits, one for each condition on ports and protocol that rules have.
const W: usize = 4;

/// Most combinations of source port, destination port and protocol rows: their numbers have 16 bits.
const MOST_COMBINED: usize = 1 << 16;

/// Service → class. Numbers of ports and protocols are added.
#[derive(Clone, Debug)]
pub(super) struct Services {
    destination_ports: Ports,
    /// `None` where all source ports are alike.
    source_ports: Option<Ports>,
    protocols: Box<[u16; 256]>,
    classes: Vec<u16>,
}

/// The conditions on ports and protocol that rules have, each once, and the classes that they hold for.
#[derive(Debug)]
pub(super) struct Conditions {
    /// The number of each rule's condition.
    pub(super) of_rules: Vec<u16>,
    /// How many classes there are.
    pub(super) classes: usize,
    /// Words that have a bit for each class.
    words: usize,
    /// As many words for each condition: the classes for which it holds.
    taken: Vec<u64>,
}

impl Services {
    /// Of the rules' conditions; `None` where there are too many.
    pub(super) fn new(rules: &[FiveTupleRule]) -> Option<(Self, Conditions)> {
        let (of_rules, distinct) = conditions(rules)?;
        let (destination_numbers, destination_rows) = sweep::<W>(distinct.iter().map(|rule| wide(&rule.destination_ports)), LAST_PORT);
        let (source_numbers, source_rows) = sweep::<W>(distinct.iter().map(|rule| wide(&rule.source_ports)), LAST_PORT);
        let (protocols, protocol_rows) = protocol_rows::<W>(&distinct);
        let [of_protocols, of_sources] = [protocol_rows.count(), source_rows.count()];
        if destination_rows.count() * of_protocols * of_sources > MOST_COMBINED {
            return None;
        }
        let mut numbering = Numbering::<W>::default();
        let combined = destination_rows.with_each(&protocol_rows);
        let pairs: Vec<u16> = combined.all().map(|row| numbering.number(row)).collect();
        let (pair_rows, mut numbering) = (numbering.finish(), Numbering::<W>::default());
        let triples: Vec<u16> = pair_rows.with_each(&source_rows).all().map(|row| numbering.number(row)).collect();
        let triples_of = |pair: &u16| triples.get(usize::from(*pair) * of_sources..).unwrap_or_default().iter().take(of_sources);
        let step = (of_protocols * of_sources) as u16;
        let in_steps: Vec<u16> = destination_numbers.rows.iter().map(|row| row * step).collect();
        let services = Self {
            destination_ports: Ports::new(&destination_numbers.starts, &in_steps),
            source_ports: (of_sources > 1).then(|| Ports::new(&source_numbers.starts, &source_numbers.rows)),
            protocols: Box::new(protocols.map(|number| u16::from(number) * of_sources as u16)),
            classes: pairs.iter().flat_map(triples_of).copied().collect(),
        };
        Some((services, Conditions::new(of_rules, distinct.len(), &numbering.finish())))
    }

    /// The class of a header's service.
    #[inline(always)]
    pub(super) fn find(&self, header: &FiveTuple) -> u32 {
        let source_port = self.source_ports.as_ref().map_or(0, |ports| ports.find(header.source_port));
        let protocol = u32::from(self.protocols[usize::from(header.protocol)]);
        let at = self.destination_ports.find(header.destination_port) + protocol + source_port;
        self.classes.get(at as usize).map_or(0, |class| u32::from(*class))
    }

    /// Bytes of memory.
    pub(super) fn memory(&self) -> usize {
        let source_ports = self.source_ports.as_ref().map_or(0, Ports::memory);
        self.destination_ports.memory() + source_ports + size_of_val(&*self.protocols) + size_of_val(&*self.classes)
    }
}

/// Each rule's condition, and a rule that has it for each; `None` where a row has no room for them.
fn conditions(rules: &[FiveTupleRule]) -> Option<(Vec<u16>, Vec<&FiveTupleRule>)> {
    let (mut numbers, mut distinct) = (Numbers::new(), Vec::new());
    let mut of_rules = Vec::with_capacity(rules.len());
    for rule in rules {
        let MaskedProtocol { value, mask } = rule.protocol;
        let number = numbers.of((wide(&rule.source_ports), wide(&rule.destination_ports), value & mask, mask));
        if number as usize == distinct.len() {
            distinct.push(rule);
        }
        if distinct.len() > BitRows::<W>::ROOM {
            return None;
        }
        of_rules.push(number as u16);
    }
    Some((of_rules, distinct))
}

impl Conditions {
    /// Of so many conditions; a row of bits for each class says which hold.
    fn new(of_rules: Vec<u16>, count: usize, rows: &Rows<W>) -> Self {
        let words = rows.count().div_ceil(64);
        let mut taken = vec![0; count * words];
        for (class, row) in rows.all().enumerate() {
            for condition in (0..count).filter(|condition| has(row, *condition)) {
                taken.get_mut(condition * words + class / 64).into_iter().for_each(|word| *word |= 1 << (class % 64));
            }
        }
        Self { of_rules, classes: rows.count(), words, taken }
    }

    /// The classes that a rule takes, a bit for each.
    pub(super) fn taken_by(&self, rule: u32) -> &[u64] {
        let condition = self.of_rules.get(rule as usize).map_or(0, |condition| usize::from(*condition));
        self.taken.get(condition * self.words..(condition + 1) * self.words).unwrap_or_default()
    }

    /// A bit for each class.
    pub(super) fn every_class(&self) -> Vec<u64> {
        (0..self.words).map(|word| u64::MAX >> (64 - (self.classes - word * 64).min(64))).collect()
    }
}

/// Whether a condition's bit is set.
fn has(row: &Row<W>, condition: usize) -> bool {
    row.as_flattened().get(condition / 64).is_some_and(|word| word >> (condition % 64) & 1 == 1)
}
