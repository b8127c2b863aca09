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
        let mut by_port = Vec::with_capacity(1 << 16);
        for (at, number) in numbers.iter().enumerate() {
            let end = starts.get(at + 1).map_or(1 << 16, |start| *start as usize);
            by_port.resize(end, *number);
        }
        let mut rows: Vec<[u16; PAGE]> = Vec::new();
        let mut known: HashMap<[u16; PAGE], u8> = HashMap::new();
        let mut pages = [0; 256];
        let (chunks, _) = by_port.as_chunks::<PAGE>();
        for (page, chunk) in pages.iter_mut().zip(chunks) {
            *page = *known.entry(*chunk).or_insert_with(|| {
                rows.push(*chunk);
                (rows.len() - 1) as u8
            });
        }
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
