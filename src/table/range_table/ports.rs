//! Ranges of ports.

use super::buckets::{Block, Buckets, Builder};

/// An immutable table of port ranges that cover all ports, each with a value.
#[derive(Clone, Debug)]
pub struct PortTable {
    firsts: Buckets,
    block: Block,
    values: Box<[u32]>,
}

impl PortTable {
    /// A table of ranges by their first ports, ascending from port 0, each with the value of its ports up to the next one's.
    #[must_use]
    pub fn from_starts(starts: &[(u16, u32)]) -> Self {
        let mut firsts = Builder::default();
        let block = firsts.block(&starts.iter().map(|(first, _)| *first).collect::<Vec<_>>());
        Self { firsts: firsts.finish(), block, values: starts.iter().map(|(_, value)| *value).collect() }
    }

    /// The value at a port.
    #[inline]
    #[must_use]
    pub fn get(&self, port: u16) -> u32 {
        if let [only] = &*self.values {
            // Rules hardly ever ask for source ports.
            return *only;
        }
        let range = self.firsts.last_at_most(self.firsts.bucket(self.block, port), port);
        self.values.get(range).copied().unwrap_or_default()
    }

    /// Bytes of memory.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.firsts.memory() + size_of_val(&*self.values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_table_answers_like_the_plain_way(starts in prop::collection::btree_set(any::<u16>(), 0..900), dense: bool) {
            let firsts = std::iter::once(0).chain(starts.into_iter().map(|start| if dense { start % 1024 + 1 } else { start.max(1) }));
            let mut starts: Vec<(u16, u32)> = firsts.zip(1..).collect();
            starts.sort_unstable();
            starts.dedup_by_key(|(start, _)| *start);
            let table = PortTable::from_starts(&starts);
            for port in starts.iter().flat_map(|(start, _)| [start.wrapping_sub(1), *start, start.wrapping_add(1)]) {
                let at = starts.partition_point(|(start, _)| *start <= port) - 1;
                prop_assert_eq!(table.get(port), starts[at].1, "{}", port);
            }
        }
    }
}
