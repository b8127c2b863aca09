//! Class → row, for lists that use few of many shared sets.

use foldhash::{HashMap, HashMapExt};

use super::build::OverBudget;
use super::rows::{RowsBuilder, RulesOf};
use crate::table::address_classes::AddressClasses;

/// Classes of a page.
const PAGE: usize = 64;

/// The rows of classes. Most classes have no row, and pages that are equal are kept once.
#[derive(Clone, Debug)]
pub(super) struct ClassRows {
    /// Where the page of each 64 classes begins.
    pages: Box<[u32]>,
    rows: Box<[u32]>,
}

impl ClassRows {
    /// The rows of `classes` by those of its sets that rules have: `used` lists them, ascending.
    pub(super) fn new(classes: &AddressClasses, used: &[usize], rules: &RulesOf, rows: &mut RowsBuilder) -> Result<Self, OverBudget> {
        let numbers = refined(classes, used, rules, rows)?;
        let (mut pages, mut all, mut known) = (Vec::new(), Vec::new(), HashMap::new());
        for page in numbers.chunks(PAGE) {
            let at = *known.entry(page).or_insert_with(|| {
                let at = u32::try_from(all.len()).unwrap_or(u32::MAX);
                all.extend_from_slice(page);
                at
            });
            pages.push(at);
        }
        Ok(Self { pages: pages.into(), rows: all.into() })
    }

    #[inline]
    pub(super) fn row(&self, class: u32) -> u32 {
        let page = self.pages.get(class as usize / PAGE);
        page.and_then(|page| self.rows.get(*page as usize + class as usize % PAGE)).copied().unwrap_or_default()
    }

    pub(super) fn memory(&self) -> usize {
        size_of_val(&*self.pages) + size_of_val(&*self.rows)
    }
}

/// The row of each class: classes are told apart set by set.
fn refined(classes: &AddressClasses, used: &[usize], rules: &RulesOf, rows: &mut RowsBuilder) -> Result<Vec<u32>, OverBudget> {
    // Of each part its bits; part 0 is in no set.
    let mut parts = vec![rows.blank()];
    let mut part_of = vec![0_usize; classes.count()];
    for (set, number) in used.iter().zip(0..) {
        let mut split: HashMap<usize, usize> = HashMap::new();
        for class in classes.of_set(*set) {
            let Some(part) = part_of.get_mut(*class as usize) else { continue };
            *part = *split.entry(*part).or_insert_with_key(|former| {
                let mut bits = parts.get(*former).cloned().unwrap_or_default();
                rules.enter(number, &mut bits);
                parts.push(bits);
                parts.len() - 1
            });
        }
    }
    let mut numbers = HashMap::new();
    let mut row = |part: usize| -> Result<u32, OverBudget> {
        if let Some(known) = numbers.get(&part) {
            return Ok(*known);
        }
        let number = rows.number(parts.get(part).map_or(&[][..], Vec::as_slice))?;
        numbers.insert(part, number);
        Ok(number)
    };
    part_of.into_iter().map(&mut row).collect()
}
