//! Rules of a list that never are the first to match: whatever they take an earlier one takes as well.

use super::super::five_tuple::FiveTupleRule;
use super::home::Home;
use super::record::{NO_RULES, put};
use crate::table::simd::{BLOCK, Block, Lanes};

/// The rules of a list that are not in the shadow of others, as they are added one by one, in order.
#[derive(Debug)]
pub(super) struct Lit<'a> {
    rules: &'a [FiveTupleRule],
    home: Home,
    /// Their numbers.
    pub(super) numbers: Vec<u32>,
    blocks: Vec<Block>,
}

impl<'a> Lit<'a> {
    /// None yet.
    pub(super) const fn new(rules: &'a [FiveTupleRule], home: Home) -> Self {
        Self { rules, home, numbers: Vec::new(), blocks: Vec::new() }
    }

    /// Whether one of the rules takes all that this one takes, of what finds the list.
    #[inline(always)]
    pub(super) fn covers(&self, lanes: impl Lanes, number: u32) -> bool {
        let Some(rule) = self.rules.get(number as usize) else { return false };
        let probe = self.home.probe_of_rule(rule);
        self.blocks.iter().any(|block| {
            let within = lanes.within_block(block, &probe);
            // a rule under a wider mask is for fewer protocols, though it would take this number
            within != 0 && (0..BLOCK).any(|place| within >> place & 1 == 1 && block.masks[place] & !rule.protocol.mask == 0)
        })
    }

    /// Adds a rule.
    pub(super) fn add(&mut self, number: u32) {
        let (Some(rule), place) = (self.rules.get(number as usize), self.numbers.len() % BLOCK) else { return };
        self.numbers.push(number);
        if place == 0 {
            self.blocks.push(NO_RULES);
        }
        if let Some(block) = self.blocks.last_mut() {
            put(block, place, number, rule, self.home);
        }
    }

    /// Begins anew.
    pub(super) fn clear(&mut self) {
        self.numbers.clear();
        self.blocks.clear();
    }
}
