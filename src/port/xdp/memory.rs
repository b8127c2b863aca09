//! Memory that is shared with the kernel: rings and the frames' area (UMEM).

use std::io;
use std::num::NonZeroUsize;
use std::os::fd::BorrowedFd;
use std::ptr::NonNull;

use nix::sys::mman::{MapFlags, ProtFlags, mmap, mmap_anonymous, munmap};

/// Bytes of a chunk, the place of one frame: a page, the largest that every kernel takes.
pub(super) const CHUNK: usize = 4096;
/// Bytes that the kernel keeps free before each received frame (`XDP_PACKET_HEADROOM`, `linux/bpf.h`).
const KERNEL_HEADROOM: usize = 256;
/// The longest frame that is received or sent, Ethernet header included.
pub(super) const LONGEST_FRAME: usize = CHUNK - KERNEL_HEADROOM;

/// A mapping that ends with the value.
#[derive(Debug)]
pub(super) struct Mapping {
    start: NonNull<libc::c_void>,
    length: NonZeroUsize,
}

// SAFETY: a mapping belongs to the process, not to the thread that made it; who may touch which bytes when is up to those
// who hold it.
unsafe impl Send for Mapping {}
// SAFETY: as above; nothing here reads or writes the mapped bytes through a shared reference.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Zeroed memory of the process's own, rounded up to whole pages, present from the start.
    ///
    /// # Errors
    /// No memory is left.
    pub(super) fn anonymous(length: usize) -> io::Result<Self> {
        let length = NonZeroUsize::new(length).ok_or(io::ErrorKind::InvalidInput)?;
        let flags = MapFlags::MAP_PRIVATE | MapFlags::MAP_POPULATE;
        // SAFETY: a new mapping at a place of the kernel's choice touches nothing that is there.
        let start = unsafe { mmap_anonymous(None, length, ProtFlags::PROT_READ | ProtFlags::PROT_WRITE, flags)? };
        Ok(Self { start, length })
    }

    /// What `descriptor` offers at `offset`.
    ///
    /// # Errors
    /// It offers nothing of this length there.
    pub(super) fn shared(descriptor: BorrowedFd<'_>, offset: libc::off_t, length: usize) -> io::Result<Self> {
        let length = NonZeroUsize::new(length).ok_or(io::ErrorKind::InvalidInput)?;
        let flags = MapFlags::MAP_SHARED | MapFlags::MAP_POPULATE;
        // SAFETY: as above.
        let start = unsafe { mmap(None, length, ProtFlags::PROT_READ | ProtFlags::PROT_WRITE, flags, descriptor, offset)? };
        Ok(Self { start, length })
    }

    /// Where it starts: aligned to a page.
    pub(super) fn start(&self) -> NonNull<u8> {
        self.start.cast()
    }

    /// Its length in bytes.
    pub(super) fn len(&self) -> usize {
        self.length.get()
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours, and whoever points into it holds this value.
        let _ = unsafe { munmap(self.start, self.length.get()) };
    }
}

/// The area that frames are received into and sent from. A chunk belongs either to the kernel (it stands in the fill or the
/// transmit ring, or is in flight) or to us; only ours are touched.
#[derive(Debug)]
pub(super) struct Umem {
    mapping: Mapping,
}

impl Umem {
    /// An area of `chunks` chunks.
    ///
    /// # Errors
    /// No memory is left.
    pub(super) fn new(chunks: u32) -> io::Result<Self> {
        Ok(Self { mapping: Mapping::anonymous(chunks as usize * CHUNK)? })
    }

    pub(super) fn mapping(&self) -> &Mapping {
        &self.mapping
    }

    /// The bytes of a received frame at `address`, of a chunk that is ours; `None` where the kernel told nonsense.
    #[inline]
    pub(super) fn received(&self, address: u64, length: u32) -> Option<&[u8]> {
        let start = self.inside(address, length as usize)?;
        // SAFETY: the range lies in the mapping (`inside`), and its chunk came out of the receive ring: the kernel does not
        // touch it until it stands in the fill ring again, which takes `&mut` of the queue that holds this area.
        Some(unsafe { std::slice::from_raw_parts(self.mapping.start().add(start).as_ptr(), length as usize) })
    }

    /// Copies a frame to the chunk at `address`, which is ours. False, and nothing written, where it is too long.
    #[inline]
    pub(super) fn write(&mut self, address: u64, bytes: &[u8]) -> bool {
        let Some(start) = self.inside(address, bytes.len()).filter(|_| bytes.len() <= LONGEST_FRAME) else { return false };
        // SAFETY: the range lies in the mapping, and its chunk is on the list of free ones: neither the kernel nor a slice
        // from `received` (which borrows this area) looks at it.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), self.mapping.start().add(start).as_ptr(), bytes.len()) };
        true
    }

    #[inline]
    fn inside(&self, address: u64, length: usize) -> Option<usize> {
        let start = usize::try_from(address).ok()?;
        (start.checked_add(length)? <= self.mapping.len()).then_some(start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_stay_inside_the_area() {
        let mut umem = Umem::new(2).unwrap();
        assert!(umem.write(CHUNK as u64, b"a frame"));
        assert_eq!(umem.received(CHUNK as u64, 7), Some(b"a frame".as_slice()));
        assert!(umem.received(CHUNK as u64, CHUNK as u32).is_some());
        assert!(umem.received(CHUNK as u64 + 1, CHUNK as u32).is_none());
        assert!(umem.received(u64::MAX, 2).is_none());
        assert!(!umem.write(CHUNK as u64 + 4090, b"a frame"));
        assert!(!umem.write(0, &[0; LONGEST_FRAME + 1]));
    }
}
