//! What cells have in common: lists, and their shapes.

use std::collections::HashMap;

use super::super::AccessList;
use super::cells::Cells;
use super::pages::Bound;
use super::services::Conditions;

/// Most bytes of lists and shapes: more would take a build too long, and lookups out of the caches.
const MOST_BYTES: usize = 1 << 24;

/// How many words of open services a build looks at for all shapes: some hundredths of a second.
const MOST_LOOKED_AT: usize = 1 << 25;

/// Cells, lists and shapes as lookups read them.
#[derive(Debug)]
pub(super) struct Shared {
    /// Where each cell's list begins.
    pub(super) pages: Bound,
    /// Where the shape begins, then rules, for each list.
    pub(super) lists: Vec<u32>,
    /// A place in the list for each class of services, for each shape.
    pub(super) shapes: Vec<u8>,
}

/// What lists with the same conditions in the same order have in common.
#[derive(Debug)]
struct Shape {
    /// Where its places are.
    at: u32,
    /// Which of a list's rules are the first for any service, ascending; the others need not be kept.
    kept: Vec<u32>,
    /// Some services are taken by no rule.
    has_gap: bool,
}

impl Shared {
    /// Of these cells. `None` where they take more than `budget` bytes, a list has more rules than a shape can name, or lists
    /// have so many that looking at them is not worth it.
    pub(super) fn new(Cells { pages, chains }: Cells, conditions: &Conditions, budget: usize) -> Option<Self> {
        let numbers = chains.shapes(conditions);
        let mut shapes: Vec<Option<Shape>> = Vec::new();
        let mut begins = vec![u32::MAX; numbers.len()];
        let mut left = MOST_LOOKED_AT;
        let mut shared = Self { pages: pages.bound(), lists: Vec::new(), shapes: Vec::new() };
        for cell in &mut shared.pages.cells {
            let list = *cell;
            let begin = begins.get_mut(list as usize)?;
            if *begin == u32::MAX {
                *begin = shared.lists.len() as u32;
                let number = *numbers.get(list as usize)? as usize;
                shapes.resize_with(shapes.len().max(number + 1), || None);
                let known = shapes.get_mut(number)?;
                let shape = match known {
                    Some(shape) => shape,
                    None => known.insert(Shape::new(conditions, chains.rules(list), &mut left, &mut shared.shapes)?),
                };
                shared.lists.push(shape.at);
                chains.at_places(list, &shape.kept, &mut shared.lists);
                shared.lists.extend(shape.has_gap.then_some(AccessList::NO_MATCH));
                if size_of_val(&*shared.lists) + shared.shapes.len() > budget.min(MOST_BYTES) {
                    return None;
                }
            }
            *cell = *begin;
        }
        shared.pages = shared.pages.apart_if_few();
        Some(shared)
    }
}

impl Shape {
    /// In place of a name, where no rule is the first.
    const NONE: u32 = u32::MAX;

    /// Of a list's rules; its places go to `shapes`. `None` where they are more than a place can name, or no look is `left`.
    fn new(conditions: &Conditions, rules: impl Iterator<Item = u32>, left: &mut usize, shapes: &mut Vec<u8>) -> Option<Self> {
        let mut first = vec![Self::NONE; conditions.classes];
        let mut kept: Vec<u32> = Vec::new();
        let mut open = conditions.every_class();
        for (place, rule) in (0..).zip(rules) {
            if open.iter().all(|word| *word == 0) {
                break;
            }
            *left = left.checked_sub(open.len())?;
            // the shape itself stands before the rules
            let name = kept.len() as u32 + 1;
            let mut is_first = false;
            for (word, (open, takes)) in open.iter_mut().zip(conditions.taken_by(rule)).enumerate() {
                let mut taken = *open & takes;
                is_first |= taken != 0;
                *open &= !takes;
                while taken != 0 {
                    first.get_mut(word * 64 + taken.trailing_zeros() as usize).into_iter().for_each(|first| *first = name);
                    taken &= taken - 1;
                }
            }
            kept.extend(is_first.then_some(place));
        }
        let (at, behind) = (shapes.len() as u32, kept.len() as u32 + 1);
        if behind > u32::from(u8::MAX) {
            return None;
        }
        shapes.extend(first.iter().map(|first| if *first == Self::NONE { behind as u8 } else { *first as u8 }));
        Some(Self { at, kept, has_gap: first.contains(&Self::NONE) })
    }
}

/// Gives the same number to what is the same.
#[derive(Debug)]
pub(super) struct Numbers<T>(HashMap<T, u32, foldhash::fast::FixedState>);

impl<T: std::hash::Hash + Eq> Numbers<T> {
    pub(super) fn new() -> Self {
        Self(HashMap::default())
    }

    /// The number of something; numbers begin with 0.
    pub(super) fn of(&mut self, what: T) -> u32 {
        let next = self.0.len() as u32;
        *self.0.entry(what).or_insert(next)
    }

    pub(super) fn count(&self) -> usize {
        self.0.len()
    }
}
