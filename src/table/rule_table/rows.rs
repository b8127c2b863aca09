//! Rows of bits, one for every rule.

use foldhash::HashMap;

use super::build::OverBudget;

/// Bits of a word.
const WORD: usize = 64;

/// Rows of one length, no two of them equal. Each has a bit for every rule, and in front of these, where they are several
/// words, a summary: a bit for every word that is not empty.
#[derive(Clone, Debug)]
pub(super) struct Rows {
    words: Box<[u64]>,
    /// Words of a summary; none where a row's bits are one word.
    summary: usize,
    /// Words of a row.
    stride: usize,
}

impl Rows {
    /// The row without a bit.
    pub(super) const EMPTY: u32 = 0;

    /// The first bit that is in one row of each pair and in all three others.
    #[inline]
    pub(super) fn first_common(&self, pairs: [[u32; 2]; 2], others: [u32; 3]) -> Option<usize> {
        let [[a, b], [c, d]] = pairs;
        let [e, f, g] = others;
        let rows = [self.row(a)?, self.row(b)?, self.row(c)?, self.row(d)?, self.row(e)?, self.row(f)?, self.row(g)?];
        let word = |at: usize| {
            let [a, b, c, d, e, f, g] = rows.map(|row| row.get(at).copied().unwrap_or_default());
            (a | b) & (c | d) & e & f & g
        };
        if self.summary == 0 {
            return first_bit(0, word(0));
        }
        (0..self.summary).find_map(|head| {
            let mut candidates = word(head);
            while candidates != 0 {
                let at = head * WORD + candidates.trailing_zeros() as usize;
                if let Some(found) = first_bit(at, word(self.summary + at)) {
                    return Some(found);
                }
                candidates &= candidates - 1;
            }
            None
        })
    }

    #[inline]
    fn row(&self, number: u32) -> Option<&[u64]> {
        let from = number as usize * self.stride;
        self.words.get(from..from + self.stride)
    }

    pub(super) fn memory(&self) -> usize {
        size_of_val(&*self.words)
    }
}

#[inline]
fn first_bit(at: usize, word: u64) -> Option<usize> {
    (word != 0).then(|| at * WORD + word.trailing_zeros() as usize)
}

/// Rows in the making.
pub(super) struct RowsBuilder {
    words: Vec<u64>,
    summary: usize,
    /// Words of a row's bits.
    bits: usize,
    known: HashMap<Box<[u64]>, u32>,
    budget: usize,
}

impl RowsBuilder {
    /// Rows for lists of so many rules, of at most `budget` bytes.
    pub(super) fn new(rules: usize, budget: usize) -> Self {
        let bits = rules.div_ceil(WORD).max(1);
        let summary = if bits > 1 { bits.div_ceil(WORD) } else { 0 };
        let known = HashMap::from_iter([(vec![0; bits].into_boxed_slice(), Rows::EMPTY)]);
        Self { words: vec![0; summary + bits], summary, bits, known, budget }
    }

    /// A row without a bit, to be filled.
    pub(super) fn blank(&self) -> Vec<u64> {
        vec![0; self.bits]
    }

    /// The number of a row with these bits.
    pub(super) fn number(&mut self, bits: &[u64]) -> Result<u32, OverBudget> {
        if let Some(known) = self.known.get(bits) {
            return Ok(*known);
        }
        let number = u32::try_from(self.known.len()).map_err(|_| OverBudget { budget: self.budget })?;
        let summary = bits.chunks(WORD).map(|words| words.iter().rev().fold(0, |summary, word| summary << 1 | u64::from(*word != 0)));
        self.words.extend(summary.take(self.summary));
        self.words.extend_from_slice(bits);
        self.known.insert(bits.into(), number);
        // Beside the rows themselves, their copies as keys while the table is built.
        if 2 * size_of_val(&*self.words) > self.budget {
            return Err(OverBudget { budget: self.budget });
        }
        Ok(number)
    }

    pub(super) fn finish(self) -> Rows {
        Rows { words: self.words.into(), summary: self.summary, stride: self.summary + self.bits }
    }
}

/// Which rules have a set, set by set.
#[derive(Debug, Default)]
pub(super) struct RulesOf {
    /// The rules of each set; of sets that more rules have than a row has words, as a row.
    sets: Vec<(Vec<u32>, Option<Vec<u64>>)>,
}

impl RulesOf {
    /// A rule has this set, which may be new.
    pub(super) fn add(&mut self, set: usize, rule: usize) {
        if self.sets.len() <= set {
            self.sets.resize_with(set + 1, Default::default);
        }
        if let (Some((rules, _)), Ok(rule)) = (self.sets.get_mut(set), u32::try_from(rule)) {
            rules.push(rule);
        }
    }

    /// Makes rows where that is quicker.
    pub(super) fn settle(&mut self, rows: &RowsBuilder) {
        for (rules, row) in &mut self.sets {
            if rules.len() > rows.bits {
                let mut bits = rows.blank();
                rules.iter().for_each(|rule| set_bit(&mut bits, *rule));
                *row = Some(bits);
            }
        }
    }

    /// Adds the rules of a set to a row.
    pub(super) fn enter(&self, set: u32, bits: &mut [u64]) {
        match self.sets.get(set as usize) {
            Some((_, Some(row))) => bits.iter_mut().zip(row).for_each(|(word, more)| *word |= more),
            Some((rules, None)) => rules.iter().for_each(|rule| set_bit(bits, *rule)),
            None => {}
        }
    }
}

pub(super) fn set_bit(bits: &mut [u64], rule: u32) {
    if let Some(word) = bits.get_mut(rule as usize / WORD) {
        *word |= 1 << (rule as usize % WORD);
    }
}
