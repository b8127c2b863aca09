//! When to look at an entry again: a ring of lists, one per tick, threaded through the entries.
//!
//! A place in the ring is a promise to look at the entry no later than its deadline, not the deadline itself. Deadlines
//! move with every packet, places only when their tick comes: the packet path never touches this. What lies beyond the
//! ring's horizon is looked at there and queued again.

use crate::table::simd::prefer_large_pages;

/// Ticks that the ring spans (512 s at 8 ticks a second).
const SPAN: u32 = 4_096;
/// The list of entries that are not in use.
const FREE: u32 = SPAN;
/// Nodes in front of the entries' own: the heads of all lists.
const HEADS: u32 = SPAN + 1;

/// Neighbours in a circular list.
#[derive(Clone, Copy, Debug)]
struct Link {
    previous: u32,
    next: u32,
}

/// The ring, and the list of free entries, which shares its links: an entry is in exactly one list.
#[derive(Debug)]
pub(super) struct Wheel {
    links: Vec<Link>,
    /// The tick looked at last; all before are done.
    now: u32,
}

impl Wheel {
    /// Most entries that the links can number, with the direction bit of a slot to spare.
    pub(super) const MOST: usize = 1 << 30;

    /// An empty ring for `capacity` entries, each in no list; all memory is taken and touched here.
    pub(super) fn new(capacity: usize) -> Self {
        let count = HEADS as usize + capacity;
        let mut links = Vec::with_capacity(count);
        prefer_large_pages(&links);
        links.extend((0..u32::MAX).take(count).map(|node| Link { previous: node, next: node }));
        Self { links, now: 0 }
    }

    /// Bytes of memory.
    pub(super) const fn memory(&self) -> usize {
        self.links.capacity() * size_of::<Link>()
    }

    /// Takes an entry from the free list.
    pub(super) fn take_free(&mut self) -> Option<u32> {
        self.pop(FREE)
    }

    /// Takes an entry out of the ring, into the free list; the next to be taken, as its memory is warm.
    pub(super) fn set_free(&mut self, entry: u32) {
        self.move_to(entry, FREE);
    }

    /// Queues an entry, wherever it was, to be looked at by its deadline.
    pub(super) fn queue(&mut self, entry: u32, deadline: u32) {
        let tick = deadline.clamp(self.now, self.now.saturating_add(SPAN - 1));
        self.move_to(entry, tick % SPAN);
    }

    /// Nothing is queued: the ring turns freely.
    pub(super) fn skip_to(&mut self, tick: u32) {
        self.now = self.now.max(tick);
    }

    /// The end of what one call may work through: `tick`, or a turn of the ring from here.
    pub(super) fn horizon(&self, tick: u32) -> u32 {
        tick.min(self.now.saturating_add(SPAN))
    }

    /// Takes out an entry whose time to be looked at is `until` or before, and turns the ring up to there.
    pub(super) fn pop_until(&mut self, until: u32) -> Option<u32> {
        loop {
            let found = self.pop(self.now % SPAN);
            if found.is_some() || self.now >= until {
                return found;
            }
            self.now += 1;
        }
    }

    fn pop(&mut self, head: u32) -> Option<u32> {
        let node = self.link(head).next;
        if node == head {
            return None;
        }
        self.unlink(node);
        node.checked_sub(HEADS)
    }

    fn move_to(&mut self, entry: u32, head: u32) {
        let node = HEADS + entry;
        self.unlink(node);
        let next = self.link(head).next;
        self.set(node, Link { previous: head, next });
        self.set(head, Link { next: node, ..self.link(head) });
        self.set(next, Link { previous: node, ..self.link(next) });
    }

    /// Closes the gap; the node is a list of its own afterwards.
    fn unlink(&mut self, node: u32) {
        let Link { previous, next } = self.link(node);
        self.set(previous, Link { next, ..self.link(previous) });
        self.set(next, Link { previous, ..self.link(next) });
        self.set(node, Link { previous: node, next: node });
    }

    /// A node's links; a number that is no node is alone.
    fn link(&self, node: u32) -> Link {
        self.links.get(node as usize).copied().unwrap_or(Link { previous: node, next: node })
    }

    fn set(&mut self, node: u32, link: Link) {
        if let Some(own) = self.links.get_mut(node as usize) {
            *own = link;
        }
    }
}
