//! Which rules of a list meet, without comparing each with each.

use std::sync::Arc;

use foldhash::{HashMap, HashMapExt};

use super::bits::{Bits, add, count, members, put};
use super::{Region, meet};

/// Which rules of a list have packets in common, found without comparing each with each: of every dimension the rules that
/// hold a class.
#[derive(Debug)]
pub struct Crossings<'r> {
    rules: &'r [Vec<Region>],
    /// For each dimension and each of its classes, the rules that hold it.
    holders: [Vec<Bits>; 5],
}

/// Sides of a box by which rules are looked up. What two of them let through is compared in full.
const SIDES_LOOKED_AT: usize = 2;

impl<'r> Crossings<'r> {
    /// Of rules as boxes over common classes.
    #[must_use]
    pub fn new(rules: &'r [Vec<Region>]) -> Self {
        Self { rules, holders: std::array::from_fn(|side| holders(rules, side)) }
    }

    /// The rules before the one at `index` that have a packet in common with it, in their order.
    #[must_use]
    pub fn before(&self, index: usize) -> Vec<usize> {
        let Some(wanted) = self.rules.get(index) else { return Vec::new() };
        let mut candidates = vec![0; self.rules.len().div_ceil(64)];
        for region in wanted {
            add(&mut candidates, &self.candidates(region));
        }
        let meets = |rule: &usize| self.rules.get(*rule).is_some_and(|rule| meet(wanted, rule));
        members(&candidates).take_while(|rule| *rule < index).filter(meets).collect()
    }

    /// Rules that meet a box in those of its sides that have the fewest classes, whatever the others say.
    fn candidates(&self, region: &Region) -> Bits {
        let mut sides: Vec<(u32, &Bits, &[Bits])> =
            region.sides.iter().zip(&self.holders).map(|(side, holders)| (count(side), &**side, holders.as_slice())).collect();
        sides.sort_by_key(|(classes, ..)| *classes);
        let mut common = vec![u64::MAX; self.rules.len().div_ceil(64)];
        for (_, side, holders) in sides.into_iter().take(SIDES_LOOKED_AT) {
            let mut any = vec![0; common.len()];
            members(side).filter_map(|class| holders.get(class)).for_each(|rules| add(&mut any, rules));
            common.iter_mut().zip(&any).for_each(|(word, other)| *word &= other);
        }
        common
    }
}

fn holders(rules: &[Vec<Region>], side: usize) -> Vec<Bits> {
    let sides =
        || rules.iter().enumerate().flat_map(|(rule, boxes)| boxes.iter().filter_map(move |region| Some((rule, region.sides.get(side)?))));
    // Wide sides are few and shared: their classes are gone through once for all rules that have them.
    let mut rules_of: HashMap<*const Bits, (&Bits, Bits)> = HashMap::new();
    for (rule, set) in sides() {
        let (_, holding) = rules_of.entry(Arc::as_ptr(set)).or_insert_with(|| (set, vec![0; rules.len().div_ceil(64)]));
        put(holding, rule);
    }
    let classes = sides().map(|(_, set)| set.len() * 64).max().unwrap_or(0);
    let mut holders = vec![vec![0; rules.len().div_ceil(64)]; classes];
    for (set, holding) in rules_of.values() {
        for class in members(set) {
            if let Some(holder) = holders.get_mut(class) {
                add(holder, holding);
            }
        }
    }
    holders
}
