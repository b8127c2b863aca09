//! The four rings of an `AF_XDP` socket (kernel documentation, `networking/af_xdp.rst`, "Rings"): one side writes entries,
//! the other reads them, and each owns one index. Indices run through all 32 bits and are masked at each access.
//!
//! The kernel reads what is published with acquire and publishes with release (`net/xdp/xsk_queue.h`), and so do we.

use std::io;
use std::marker::PhantomData;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::memory::Mapping;

/// An entry: plain old data of the kernel's (`u64`, `xdp_desc`).
pub(super) trait Entry: Copy {}

impl Entry for u64 {}
impl Entry for libc::xdp_desc {}

/// Where the parts of a ring are in its mapping, in bytes (`struct xdp_ring_offset`).
#[derive(Clone, Copy, Debug)]
pub(super) struct Offsets {
    pub(super) producer: usize,
    pub(super) consumer: usize,
    pub(super) flags: usize,
    pub(super) entries: usize,
}

/// What both sides of a ring share.
#[derive(Debug)]
struct Ring<T> {
    producer: NonNull<AtomicU32>,
    consumer: NonNull<AtomicU32>,
    flags: NonNull<AtomicU32>,
    entries: NonNull<T>,
    size: u32,
    /// Keeps what the pointers point into.
    _mapping: Arc<Mapping>,
    _entries: PhantomData<T>,
}

// SAFETY: the pointers lead into a mapping of the process, which the ring keeps; entries are plain data.
unsafe impl<T: Entry> Send for Ring<T> {}

impl<T: Entry> Ring<T> {
    /// # Errors
    /// The size is no power of two, or a part lies outside of the mapping or is not aligned.
    fn new(mapping: Arc<Mapping>, offsets: Offsets, size: u32) -> io::Result<Self> {
        let index = |offset| part::<AtomicU32>(&mapping, offset, 1);
        let ring = || {
            Some(Self {
                producer: index(offsets.producer)?,
                consumer: index(offsets.consumer)?,
                flags: index(offsets.flags)?,
                entries: part(&mapping, offsets.entries, size as usize)?,
                size,
                _mapping: Arc::clone(&mapping),
                _entries: PhantomData,
            })
        };
        ring().filter(|_| size.is_power_of_two()).ok_or_else(|| io::Error::other("the kernel's ring is not where it says"))
    }

    fn producer(&self) -> &AtomicU32 {
        // SAFETY: inside the mapping and aligned (`new`); both sides access it atomically only.
        unsafe { self.producer.as_ref() }
    }

    fn consumer(&self) -> &AtomicU32 {
        // SAFETY: as above.
        unsafe { self.consumer.as_ref() }
    }

    fn needs_wakeup(&self) -> bool {
        // SAFETY: as above.
        unsafe { self.flags.as_ref() }.load(Ordering::Relaxed) & libc::XDP_RING_NEED_WAKEUP != 0
    }

    /// The place of the entry with this index.
    #[inline]
    fn place(&self, index: u32) -> NonNull<T> {
        // SAFETY: masked, the index is below `size`, and all places lie in the mapping (`new`).
        unsafe { self.entries.add((index & (self.size - 1)) as usize) }
    }
}

fn part<T>(mapping: &Mapping, offset: usize, count: usize) -> Option<NonNull<T>> {
    let end = offset.checked_add(count.checked_mul(size_of::<T>())?)?;
    if end > mapping.len() || !offset.is_multiple_of(align_of::<T>()) {
        return None;
    }
    // SAFETY: the offset is inside the mapping.
    Some(unsafe { mapping.start().add(offset) }.cast())
}

/// The writing side.
#[derive(Debug)]
pub(super) struct Producer<T> {
    ring: Ring<T>,
    /// Next entry to write; published by [`Producer::publish`].
    next: u32,
    /// How far the other side had read when last looked at.
    seen: u32,
}

impl<T: Entry> Producer<T> {
    /// The writing side of the ring in `mapping`; there is no other.
    ///
    /// # Errors
    /// The ring does not lie in the mapping.
    pub(super) fn new(mapping: Arc<Mapping>, offsets: Offsets, size: u32) -> io::Result<Self> {
        let ring = Ring::new(mapping, offsets, size)?;
        let (next, seen) = (ring.producer().load(Ordering::Relaxed), ring.consumer().load(Ordering::Acquire));
        Ok(Self { ring, next, seen })
    }

    /// Writes an entry that [`Producer::publish`] will show. False where the ring is full.
    #[inline]
    pub(super) fn push(&mut self, entry: T) -> bool {
        if self.next.wrapping_sub(self.seen) == self.ring.size {
            self.seen = self.ring.consumer().load(Ordering::Acquire);
            if self.next.wrapping_sub(self.seen) == self.ring.size {
                return false;
            }
        }
        // SAFETY: the place is free: the other side has read what stood there (the acquire above), and reads it again only
        // once it is published.
        unsafe { self.ring.place(self.next).write(entry) };
        self.next = self.next.wrapping_add(1);
        true
    }

    /// Shows the other side all entries so far.
    #[inline]
    pub(super) fn publish(&mut self) {
        self.ring.producer().store(self.next, Ordering::Release);
    }

    /// Published entries that the other side has not read.
    #[inline]
    pub(super) fn unread(&mut self) -> u32 {
        self.seen = self.ring.consumer().load(Ordering::Acquire);
        self.next.wrapping_sub(self.seen)
    }

    /// The other side sleeps and wants to be told of new entries (`XDP_USE_NEED_WAKEUP`).
    #[inline]
    pub(super) fn needs_wakeup(&self) -> bool {
        self.ring.needs_wakeup()
    }
}

/// The reading side.
#[derive(Debug)]
pub(super) struct Consumer<T> {
    ring: Ring<T>,
    /// Next entry to read; given back by [`Consumer::release`].
    next: u32,
    /// How far the other side had written when last looked at.
    seen: u32,
}

impl<T: Entry> Consumer<T> {
    /// The reading side of the ring in `mapping`; there is no other.
    ///
    /// # Errors
    /// The ring does not lie in the mapping.
    pub(super) fn new(mapping: Arc<Mapping>, offsets: Offsets, size: u32) -> io::Result<Self> {
        let ring = Ring::new(mapping, offsets, size)?;
        let (next, seen) = (ring.consumer().load(Ordering::Relaxed), ring.producer().load(Ordering::Acquire));
        Ok(Self { ring, next, seen })
    }

    /// The next entry. Its place stays taken until [`Consumer::release`].
    #[inline]
    pub(super) fn pop(&mut self) -> Option<T> {
        if self.next == self.seen {
            self.seen = self.ring.producer().load(Ordering::Acquire);
            if self.next == self.seen {
                return None;
            }
        }
        // SAFETY: the other side has published the entry (the acquire above), and writes there again only once it is
        // released.
        let entry = unsafe { self.ring.place(self.next).read() };
        self.next = self.next.wrapping_add(1);
        Some(entry)
    }

    /// Gives the places of all entries read so far back to the other side.
    #[inline]
    pub(super) fn release(&mut self) {
        self.ring.consumer().store(self.next, Ordering::Release);
    }
}

#[cfg(test)]
#[path = "ring_tests.rs"]
mod tests;
