//! Conditions → table.

use std::hash::Hash;
use std::sync::Arc;

use foldhash::{HashMap, HashMapExt};

use super::class_rows::ClassRows;
use super::rows::{Rows, RowsBuilder, RulesOf, set_bit};
use super::{RuleTable, Side};
use crate::table::address_classes::sweep::Classes;
use crate::table::address_classes::{self, AddressClasses};
use crate::table::ordered_scan::Conditions;
use crate::table::port_set::PortSet;
use crate::table::prefix_set::PrefixSet;
use crate::table::range_table::ports::PortTable;

/// A table was not built: it would take more memory than it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("more than the {budget} bytes that it may take")]
pub struct OverBudget {
    /// Bytes that it may take.
    pub budget: usize,
}

/// Sets that several tables have in common.
#[derive(Clone, Copy)]
pub struct SharedSets<'a> {
    /// Their classes.
    pub classes: Option<&'a AddressClasses>,
    /// The number that a set has among them, where it is one of them.
    pub number: &'a dyn Fn(&Arc<PrefixSet>) -> Option<usize>,
}

impl RuleTable {
    /// The table of `rules`, first to be tried first, within about `budget` bytes.
    ///
    /// # Errors
    /// [`OverBudget`].
    pub fn build(rules: &[Conditions], shared: SharedSets<'_>, budget: usize) -> Result<Self, OverBudget> {
        let mut rows = RowsBuilder::new(rules.len(), budget);
        Ok(Self {
            sources: side(rules.iter().map(|rule| &rule.sources), shared, &mut rows, budget)?,
            destinations: side(rules.iter().map(|rule| &rule.destinations), shared, &mut rows, budget)?,
            protocols: protocols(rules, &mut rows)?,
            source_ports: ports(rules.iter().map(|rule| &rule.source_ports), &mut rows, budget)?,
            destination_ports: ports(rules.iter().map(|rule| &rule.destination_ports), &mut rows, budget)?,
            portless: portless(rules, &mut rows)?,
            rows: rows.finish(),
        })
    }
}

/// Distinct sets of one dimension, numbered as they come, and the rules that have each.
struct Distinct<T> {
    sets: Vec<T>,
    rules: RulesOf,
    numbers: HashMap<T, usize>,
}

impl<T: Hash + Eq + Clone> Distinct<T> {
    fn new() -> Self {
        Self { sets: Vec::new(), rules: RulesOf::default(), numbers: HashMap::new() }
    }

    fn add(&mut self, set: &T, rule: usize) -> usize {
        let number = *self.numbers.entry(set.clone()).or_insert_with(|| {
            self.sets.push(set.clone());
            self.sets.len() - 1
        });
        self.rules.add(number, rule);
        number
    }
}

fn side<'a>(
    sets: impl Iterator<Item = &'a Arc<PrefixSet>>,
    shared: SharedSets<'_>,
    rows: &mut RowsBuilder,
    budget: usize,
) -> Result<Side, OverBudget> {
    let (mut own, mut common) = (Distinct::new(), Distinct::new());
    // Equal sets are mostly one: their contents are looked at once.
    let mut seen: HashMap<*const PrefixSet, (bool, usize)> = HashMap::new();
    for (rule, set) in sets.enumerate() {
        match seen.get(&Arc::as_ptr(set)) {
            Some((true, number)) => common.rules.add(*number, rule),
            Some((false, number)) => own.rules.add(*number, rule),
            None => {
                let entry = match shared.classes.and_then(|_| (shared.number)(set)) {
                    Some(known) => (true, common.add(&known, rule)),
                    None => (false, own.add(set, rule)),
                };
                seen.insert(Arc::as_ptr(set), entry);
            }
        }
    }
    common.rules.settle(rows);
    let shared = match shared.classes.filter(|_| !common.sets.is_empty()) {
        Some(classes) => Some(ClassRows::new(classes, &common.sets, &common.rules, rows)?),
        None => None,
    };
    Ok(Side { own: own_table(&own.sets, own.rules, rows, budget)?, shared })
}

fn own_table(
    sets: &[Arc<PrefixSet>],
    mut rules: RulesOf,
    rows: &mut RowsBuilder,
    budget: usize,
) -> Result<crate::table::range_table::both::AddressTable, OverBudget> {
    let mut classes = Classes::within(budget);
    let sets: Vec<&PrefixSet> = sets.iter().map(|set| &**set).collect();
    let (mut v4, mut v6) = address_classes::stretches(&sets, &mut classes);
    let numbers = rows_of(&classes, &mut rules, rows, budget)?;
    let number = |class: u32| numbers.get(class as usize).copied().unwrap_or(Rows::EMPTY);
    v4.iter_mut().for_each(|(_, class)| *class = number(*class));
    v6.iter_mut().for_each(|(_, class)| *class = number(*class));
    Ok(address_classes::table(&(v4, v6)))
}

/// The row of each class.
fn rows_of(classes: &Classes, rules: &mut RulesOf, rows: &mut RowsBuilder, budget: usize) -> Result<Vec<u32>, OverBudget> {
    if classes.is_over() {
        return Err(OverBudget { budget });
    }
    rules.settle(rows);
    let mut bits = rows.blank();
    let mut row = |sets: &[u32]| {
        bits.fill(0);
        sets.iter().for_each(|set| rules.enter(*set, &mut bits));
        rows.number(&bits)
    };
    classes.iter().map(&mut row).collect()
}

fn ports<'a>(sets: impl Iterator<Item = &'a PortSet>, rows: &mut RowsBuilder, budget: usize) -> Result<PortTable, OverBudget> {
    let mut distinct = Distinct::new();
    for (rule, set) in sets.enumerate() {
        distinct.add(&set, rule);
    }
    let mut classes = Classes::within(budget);
    let ranges = |set: &&PortSet| set.ranges().iter().map(|range| (*range.start(), range.end().checked_add(1))).collect::<Vec<_>>();
    let mut starts = classes.sweep(0, distinct.sets.iter().map(ranges));
    let numbers = rows_of(&classes, &mut distinct.rules, rows, budget)?;
    starts.iter_mut().for_each(|(_, class)| *class = numbers.get(*class as usize).copied().unwrap_or(Rows::EMPTY));
    Ok(PortTable::from_starts(&starts))
}

fn protocols(rules: &[Conditions], rows: &mut RowsBuilder) -> Result<Box<[u32; 256]>, OverBudget> {
    let mut distinct = Distinct::new();
    for (rule, conditions) in rules.iter().enumerate() {
        distinct.add(&&conditions.protocols, rule);
    }
    distinct.rules.settle(rows);
    let mut all = Box::new([Rows::EMPTY; 256]);
    let mut bits = rows.blank();
    for (protocol, row) in (0..=u8::MAX).zip(all.iter_mut()) {
        bits.fill(0);
        let holding = (0..).zip(&distinct.sets).filter(|(_, set)| set.is_empty() || set.contains(&protocol));
        holding.for_each(|(set, _)| distinct.rules.enter(set, &mut bits));
        *row = rows.number(&bits)?;
    }
    Ok(all)
}

fn portless(rules: &[Conditions], rows: &mut RowsBuilder) -> Result<u32, OverBudget> {
    let mut bits = rows.blank();
    let every = |rule: &Conditions| rule.source_ports.is_all() && rule.destination_ports.is_all();
    (0..).zip(rules).filter(|(_, rule)| every(rule)).for_each(|(rule, _)| set_bit(&mut bits, rule));
    rows.number(&bits)
}
