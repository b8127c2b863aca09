//! A 32-ary tree over a few intervals: one comparison of 32 numbers a level.

use crate::table::simd::{Aligned, Lanes};

type Node = Aligned<[i32; 32]>;

/// Which interval holds an address. Nodes hold the last addresses of intervals, or of all in a child; as signed numbers,
/// which is what vector instructions compare, and filled up with the largest, which nothing lies behind.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    top: Option<Box<Node>>,
    middle: Vec<Node>,
    leaves: Vec<Node>,
}

impl Tree {
    /// A tree of the intervals (at most 32³) that begin at `starts`, of which the first is 0.
    pub(super) fn new(starts: &[u32]) -> Self {
        let ends: Vec<i32> = starts.iter().skip(1).map(|start| signed(start - 1)).chain([i32::MAX]).collect();
        let leaves = nodes(&ends);
        let middle = if leaves.len() > 1 { nodes(&last_of(&leaves)) } else { Vec::new() };
        let top = (middle.len() > 1).then(|| nodes(&last_of(&middle)).first().copied().map(Box::new)).flatten();
        Self { top, middle, leaves }
    }

    /// The number of the interval that holds `address`.
    #[inline(always)]
    pub(super) fn find(&self, lanes: impl Lanes, address: u32) -> u32 {
        let address = signed(address);
        let child = |nodes: &[Node], at: u32| nodes.get(at as usize).map_or(0, |node| at * 32 + lanes.below32(&node.0, address));
        let mut at = 0;
        if let Some(top) = &self.top {
            at = lanes.below32(&top.0, address);
        }
        if !self.middle.is_empty() {
            at = child(&self.middle, at);
        }
        child(&self.leaves, at)
    }

    /// Bytes of memory.
    pub(super) fn memory(&self) -> usize {
        size_of_val(&*self.leaves) + size_of_val(&*self.middle) + self.top.as_ref().map_or(0, |_| size_of::<Node>())
    }
}

/// In the order of unsigned numbers.
const fn signed(address: u32) -> i32 {
    (address ^ 1 << 31).cast_signed()
}

fn nodes(ends: &[i32]) -> Vec<Node> {
    ends.chunks(32).map(|chunk| Aligned(std::array::from_fn(|at| chunk.get(at).copied().unwrap_or(i32::MAX)))).collect()
}

fn last_of(nodes: &[Node]) -> Vec<i32> {
    nodes.iter().map(|Aligned([.., last])| *last).collect()
}
