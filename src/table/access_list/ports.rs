//! Port → row number: 256 pages of 256 ports, equal pages kept once.

use std::collections::HashMap;

const PAGE: usize = 256;

/// A row number for each port.
#[derive(Clone, Debug)]
pub(super) struct Ports {
    pages: [u8; 256],
    rows: Vec<[u16; PAGE]>,
}

impl Ports {
    /// Of the intervals that begin at `starts` and their row numbers.
    pub(super) fn new(starts: &[u32], numbers: &[u16]) -> Self {
        let mut intervals = starts.iter().copied().zip(numbers.iter().copied()).peekable();
        let mut known: HashMap<[u16; PAGE], u8, foldhash::fast::FixedState> = HashMap::default();
        let (mut rows, mut number) = (Vec::new(), 0);
        // the page before, where it had one number only
        let mut same = None;
        let pages = std::array::from_fn(|page| {
            let first = page * PAGE;
            if let (Some((before, same)), true) = (same, intervals.peek().is_none_or(|(start, _)| *start as usize >= first + PAGE))
                && before == number
            {
                return same;
            }
            let ports = std::array::from_fn(|port| {
                while let Some((_, next)) = intervals.next_if(|(start, _)| *start as usize <= first + port) {
                    number = next;
                }
                number
            });
            let place = *known.entry(ports).or_insert_with(|| {
                rows.push(ports);
                (rows.len() - 1) as u8
            });
            same = ports.iter().all(|port| *port == number).then_some((number, place));
            place
        });
        Self { pages, rows }
    }

    /// The row number of a port.
    #[inline(always)]
    pub(super) fn find(&self, port: u16) -> u32 {
        let [page, place] = port.to_be_bytes();
        let page = self.pages[usize::from(page)];
        self.rows.get(usize::from(page)).map_or(0, |rows| u32::from(rows[usize::from(place)]))
    }

    /// Bytes of memory.
    pub(super) fn memory(&self) -> usize {
        size_of_val(&self.pages) + size_of_val(&*self.rows)
    }
}
