//! Rows of cells in pages that rows share.

use super::lists::Numbers;
use crate::table::simd::prefetch_at;

/// How many columns a page has.
pub(super) const WIDTH: usize = 16;

/// So many cells are faster looked up in than shared: caches near the core hold them.
const MOST_APART: usize = 1 << 19;

/// The cells of a row in the columns of one position.
pub(super) type Page = [u32; WIDTH];

/// Rows of cells, cut into pages: at each position, rows that were always changed alike have one page.
#[derive(Clone, Debug)]
pub(super) struct Pages {
    positions: Vec<Position>,
    /// How many pages there are, with those that are free.
    count: usize,
    /// How many were made or changed.
    work: usize,
}

/// What rows have in the columns of one position.
#[derive(Clone, Debug)]
struct Position {
    /// The page of each row.
    numbers: Vec<u32>,
    pages: Vec<Page>,
    states: Vec<State>,
    /// Pages that no row has any more.
    free: Vec<u32>,
    /// How many changes there were.
    changes: u32,
}

/// What a build has to know of a page.
#[derive(Clone, Copy, Debug, Default)]
struct State {
    /// How many rows have it.
    rows: u32,
    /// Which change it was last a part of, and what it became.
    change: u32,
    became: u32,
}

/// Pages as lookups read them.
#[derive(Clone, Debug)]
pub(super) struct Bound {
    /// The page of each row, position after position. Where there are none, each row has its own.
    pub(super) numbers: Vec<u32>,
    /// The cells of each page.
    pub(super) cells: Vec<u32>,
}

/// How many pages a row of so many columns has.
pub(super) const fn positions(columns: usize) -> usize {
    columns.div_ceil(WIDTH)
}

/// A column as lookups add it to a row: how many page numbers are before those of its position, times the width, and the
/// place in the page.
pub(super) const fn spread(column: u32, rows: u32) -> u32 {
    let width = WIDTH as u32;
    column / width * rows * width + column % width
}

impl Bound {
    /// Whether rows share pages, and lookups take the second step.
    #[inline(always)]
    pub(super) fn are_shared(&self) -> bool {
        !self.numbers.is_empty()
    }

    /// Where the page's number is, of a row and a column that is spread; or, where rows share nothing, the cell.
    #[inline(always)]
    pub(super) fn first_step(&self, row: u32, column: u32) -> u32 {
        let number = column / WIDTH as u32 + row;
        if self.are_shared() {
            prefetch_at(&self.numbers, number);
            return number;
        }
        self.cell_of(number, column)
    }

    /// Where the cell is, of the place of its page's number.
    #[inline(always)]
    pub(super) fn second_step(&self, number: u32, column: u32) -> u32 {
        self.cell_of(self.numbers.get(number as usize).copied().unwrap_or_default(), column)
    }

    #[inline(always)]
    fn cell_of(&self, page: u32, column: u32) -> u32 {
        let cell = page * WIDTH as u32 + column % WIDTH as u32;
        prefetch_at(&self.cells, cell);
        cell
    }

    /// Where all cells are few, pages that no rows share: none has to be looked up.
    pub(super) fn apart_if_few(self) -> Self {
        if self.numbers.len() * WIDTH > MOST_APART {
            return self;
        }
        let (pages, _) = self.cells.as_chunks::<WIDTH>();
        let cells = self.numbers.iter().flat_map(|page| pages.get(*page as usize).copied().unwrap_or_default()).collect();
        Self { numbers: Vec::new(), cells }
    }

    /// Bytes of memory.
    pub(super) fn memory(&self) -> usize {
        size_of_val(&*self.numbers) + size_of_val(&*self.cells)
    }
}

impl Pages {
    /// So many rows and columns of zeros.
    pub(super) fn new(rows: usize, columns: usize) -> Self {
        let count = positions(columns);
        Self { positions: vec![Position::new(rows); count], count, work: 0 }
    }

    /// How many pages there are, with those that are free.
    pub(super) const fn count(&self) -> usize {
        self.count
    }

    /// How many pages were made or changed.
    pub(super) const fn work(&self) -> usize {
        self.work
    }

    /// Changes the pages that these rows, each named once, have at a position. What is one page and changes, stays one.
    pub(super) fn change(&mut self, position: usize, rows: &[u32], mut change: impl FnMut(&mut Page)) {
        let Some(position) = self.positions.get_mut(position) else { return };
        let counted = |page: &mut Page| {
            self.work += 1;
            change(page);
        };
        let before = position.pages.len();
        if rows.len() == position.numbers.len() {
            position.change_all(counted)
        } else {
            position.change_some(rows, counted)
        }
        self.count += position.pages.len() - before;
    }

    /// For lookups: equal pages, wherever they are, once.
    pub(super) fn bound(self) -> Bound {
        let mut known = Numbers::new();
        let (mut numbers, mut cells) = (Vec::new(), Vec::new());
        for Position { numbers: of_rows, pages, states, .. } in &self.positions {
            let number = |(page, state): (&Page, &State)| {
                // what is free needs no number
                if state.rows == 0 {
                    return 0;
                }
                let number = known.of(*page);
                if number as usize == cells.len() {
                    cells.push(*page);
                }
                number
            };
            let renumbered: Vec<u32> = pages.iter().zip(states).map(number).collect();
            numbers.extend(of_rows.iter().map(|page| renumbered.get(*page as usize).copied().unwrap_or_default()));
        }
        Bound { numbers, cells: cells.into_flattened() }
    }
}

impl Position {
    /// So many rows that have one page of zeros.
    fn new(rows: usize) -> Self {
        let state = State { rows: rows as u32, ..State::default() };
        Self { numbers: vec![0; rows], pages: vec![Page::default()], states: vec![state], free: Vec::new(), changes: 0 }
    }

    /// Changes what all rows have, in its place.
    fn change_all(&mut self, change: impl FnMut(&mut Page)) {
        let used = self.pages.iter_mut().zip(&self.states).filter(|(_, state)| state.rows > 0);
        used.map(|(page, _)| page).for_each(change);
    }

    /// Changes what these rows have, in copies: others may have it, too.
    fn change_some(&mut self, rows: &[u32], mut change: impl FnMut(&mut Page)) {
        self.changes += 1;
        for row in rows {
            let Some(old) = self.numbers.get(*row as usize).copied() else { continue };
            let Some(state) = self.states.get_mut(old as usize) else { continue };
            state.rows -= 1;
            let (is_changed, is_left) = (state.change == self.changes, state.rows == 0);
            let new = if is_changed { state.became } else { self.copy(old, &mut change) };
            self.free.extend(is_left.then_some(old));
            self.numbers.get_mut(*row as usize).into_iter().for_each(|number| *number = new);
            self.states.get_mut(new as usize).into_iter().for_each(|state| state.rows += 1);
        }
    }

    /// A changed copy of a page, in the place of one that is free.
    fn copy(&mut self, old: u32, change: impl FnOnce(&mut Page)) -> u32 {
        let mut page = self.pages.get(old as usize).copied().unwrap_or_default();
        change(&mut page);
        let new = self.free.pop().unwrap_or(self.pages.len() as u32);
        match self.pages.get_mut(new as usize) {
            Some(free) => *free = page,
            None => {
                self.pages.push(page);
                self.states.push(State::default());
            }
        }
        if let Some(state) = self.states.get_mut(old as usize) {
            (state.change, state.became) = (self.changes, new);
        }
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What lookups find in a row and a column.
    fn cell(bound: &Bound, rows: usize, row: usize, column: usize) -> u32 {
        let column = spread(column as u32, rows as u32);
        let mut at = bound.first_step(row as u32, column);
        if bound.are_shared() {
            at = bound.second_step(at, column);
        }
        bound.cells[at as usize]
    }

    fn expect(pages: &Pages, matrix: &[Vec<u32>]) {
        let bound = pages.clone().bound();
        for bound in [bound.clone().apart_if_few(), bound] {
            for (row, cells) in matrix.iter().enumerate() {
                for (column, expected) in cells.iter().enumerate() {
                    assert_eq!(cell(&bound, matrix.len(), row, column), *expected, "row {row} column {column}");
                }
            }
        }
    }

    /// Changes a column of these rows, in pages and in the plain matrix.
    fn change(pages: &mut Pages, matrix: &mut [Vec<u32>], rows: &[u32], column: usize, to: impl Fn(u32) -> u32) {
        pages.change(column / WIDTH, rows, |page| page[column % WIDTH] = to(page[column % WIDTH]));
        rows.iter().for_each(|row| matrix[*row as usize][column] = to(matrix[*row as usize][column]));
    }

    #[test]
    fn pages_hold_what_a_matrix_does() {
        let mut random = 1_u64;
        let mut below = |bound: u32| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) as u32 % bound
        };
        for columns in [1, 15, 16, 17, 31, 32, 33] {
            for rows in [1, 2, 3, 9] {
                let (mut pages, mut matrix) = (Pages::new(rows, columns), vec![vec![0; columns]; rows]);
                for step in 0..120 {
                    let all = below(4) == 0;
                    let some: Vec<u32> = (0..rows as u32).filter(|_| all || below(2) == 0).collect();
                    // what is overwritten becomes equal again
                    let (column, is_overwritten) = (below(columns as u32) as usize, below(3) == 0);
                    let to = |cell: u32| if is_overwritten { step % 3 } else { cell * 7 + step };
                    change(&mut pages, &mut matrix, &some, column, |cell| to(cell % 1_000_000));
                    expect(&pages, &matrix);
                }
            }
        }
    }

    #[test]
    fn rows_share_pages_until_they_part() {
        let mut pages = Pages::new(4, WIDTH + 1);
        assert_eq!(pages.count(), 2);
        pages.change(0, &[0, 1, 2], |page| page[3] = 5);
        assert_eq!(pages.count(), 3);
        pages.change(0, &[1], |page| page[4] = 6);
        assert_eq!(pages.count(), 4);
        // the position beside it has a page like that of the last row
        assert_eq!(pages.clone().bound().cells.len(), 3 * WIDTH);
        pages.change(0, &[0, 1, 2, 3], |page| page[5] = 7);
        assert_eq!((pages.count(), pages.work()), (4, 5));
        pages.change(0, &[0, 1, 2, 3], |page| *page = [8; WIDTH]);
        assert_eq!(pages.bound().cells.len(), 2 * WIDTH);
    }

    #[test]
    fn pages_that_no_row_has_are_used_again() {
        let (mut pages, mut matrix) = (Pages::new(3, 5), vec![vec![0; 5]; 3]);
        for step in 0..100 {
            change(&mut pages, &mut matrix, &[step % 2, 2], 4, |cell| cell + 1);
            expect(&pages, &matrix);
        }
        assert!(pages.count() <= 6, "{} pages", pages.count());
    }

    #[test]
    fn many_cells_stay_shared() {
        let is_shared = |rows: usize| Pages::new(rows, WIDTH).bound().apart_if_few().are_shared();
        assert!(!is_shared(MOST_APART / WIDTH));
        assert!(is_shared(MOST_APART / WIDTH + 1));
    }
}
