//! Rows of bits, one for every rule.

use foldhash::HashMap;

use super::build::OverBudget;
use crate::table::simd::Aligned;

/// Bits of a word.
const WORD: usize = u64::BITS as usize;
/// Words of a line.
const WORDS: usize = 8;
/// Bits of a line.
const LINE: usize = WORD * WORDS;

/// A cache line of bits, which a few vector instructions compare.
type Line = Aligned<[u64; WORDS]>;

/// Rows of one length, no two of them equal. Each has a bit for every rule: in a word, or in lines. In front of these, where
/// they are several, stands a summary: lines with a bit for every line that is not empty.
#[derive(Clone, Debug)]
pub(super) enum Rows {
    Words(Box<[u64]>),
    Lines {
        lines: Box<[Line]>,
        /// Lines of a summary; none where a row's bits are one line.
        summary: usize,
        /// Lines of a row.
        stride: usize,
    },
}

impl Rows {
    /// The row without a bit.
    pub(super) const EMPTY: u32 = 0;

    /// The first bit that is in one row of each pair and in all three others.
    #[inline]
    pub(super) fn first_common(&self, pairs: [[u32; 2]; 2], others: [u32; 3]) -> Option<usize> {
        let ([[a, b], [c, d]], [e, f, g]) = (pairs, others);
        let rows = [a, b, c, d, e, f, g];
        match self {
            Self::Words(words) => {
                let word = common(rows.map(|row| words.get(row as usize).copied().unwrap_or_default()));
                (word != 0).then(|| word.trailing_zeros() as usize)
            }
            Self::Lines { lines, summary: 0, .. } => first_bit(&common_line(lines, rows.map(|row| row as usize))),
            Self::Lines { lines, summary, stride } => first_behind(lines, *summary, rows.map(|row| row as usize * stride)),
        }
    }

    pub(super) fn memory(&self) -> usize {
        match self {
            Self::Words(words) => size_of_val(&**words),
            Self::Lines { lines, .. } => size_of_val(&**lines),
        }
    }
}

/// The bits that are in one of the first two, one of the next two, and all others.
#[inline(always)]
const fn common([a, b, c, d, e, f, g]: [u64; 7]) -> u64 {
    (a | b) & (c | d) & e & f & g
}

/// The same for all words of lines, by their places.
#[inline(always)]
fn common_line(lines: &[Line], places: [usize; 7]) -> [u64; WORDS] {
    const EMPTY: &Line = &Aligned([0; WORDS]);
    let lines = places.map(|place| &lines.get(place).unwrap_or(EMPTY).0);
    std::array::from_fn(|word| common(lines.map(|line| line[word])))
}

#[inline(always)]
fn first_bit(line: &[u64; WORDS]) -> Option<usize> {
    let word = line.iter().position(|word| *word != 0)?;
    line.get(word).map(|bits| word * WORD + bits.trailing_zeros() as usize)
}

/// The first common bit of rows that begin at `rows` with summaries.
#[inline(never)]
fn first_behind(lines: &[Line], summary: usize, rows: [usize; 7]) -> Option<usize> {
    (0..summary).find_map(|head| {
        let mut candidates = common_line(lines, rows.map(|row| row + head));
        while let Some(bit) = first_bit(&candidates) {
            let line = head * LINE + bit;
            if let Some(found) = first_bit(&common_line(lines, rows.map(|row| row + summary + line))) {
                return Some(line * LINE + found);
            }
            candidates.iter_mut().skip(bit / WORD).take(1).for_each(|word| *word &= *word - 1);
        }
        None
    })
}

/// Rows in the making.
pub(super) struct RowsBuilder {
    /// Of rows of one word.
    words: Vec<u64>,
    /// Of longer ones.
    lines: Vec<Line>,
    /// Lines of a summary.
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
        let lines = bits.div_ceil(WORDS);
        let summary = if lines > 1 { lines.div_ceil(LINE) } else { 0 };
        let mut rows = Self { words: Vec::new(), lines: Vec::new(), summary, bits, known: HashMap::default(), budget };
        rows.enter(vec![0; bits].into_boxed_slice(), Rows::EMPTY);
        rows
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
        self.enter(bits.into(), number);
        // Beside the rows themselves, their copies as keys while the table is built.
        if 2 * (size_of_val(&*self.words) + size_of_val(&*self.lines)) > self.budget {
            return Err(OverBudget { budget: self.budget });
        }
        Ok(number)
    }

    /// Puts down a row behind the others.
    fn enter(&mut self, bits: Box<[u64]>, number: u32) {
        if self.bits == 1 {
            self.words.extend_from_slice(&bits);
        } else {
            let mut summary = vec![Aligned([0; WORDS]); self.summary];
            let filled = bits.chunks(WORDS).enumerate().filter(|(_, line)| line.iter().any(|word| *word != 0));
            for (line, _) in filled {
                let head = summary.get_mut(line / LINE).and_then(|head| head.0.get_mut(line % LINE / WORD));
                head.into_iter().for_each(|word| *word |= 1 << (line % WORD));
            }
            self.lines.extend(summary);
            self.lines.extend(bits.chunks(WORDS).map(|words| {
                let mut line = [0; WORDS];
                line.iter_mut().zip(words).for_each(|(word, own)| *word = *own);
                Aligned(line)
            }));
        }
        self.known.insert(bits, number);
    }

    pub(super) fn finish(self) -> Rows {
        if self.bits == 1 {
            return Rows::Words(self.words.into());
        }
        let stride = self.summary + self.bits.div_ceil(WORDS);
        Rows::Lines { lines: self.lines.into(), summary: self.summary, stride }
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
