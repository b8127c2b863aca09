//! A frame in a buffer of its own, and the pool that the buffers come from.

/// Bytes kept free before the frame: a virtio-net header, and room for a longer IP header (IPv4 → IPv6).
pub const HEADROOM: usize = 64;
/// The longest frame: a 64 KiB IP packet (GSO super-frame) behind an Ethernet header with one VLAN tag.
pub const MAX_FRAME: usize = 65_535 + 18;

/// What a port with offloads says of a frame, and expects to be told: the meaning of `struct virtio_net_hdr`
/// (virtio 1.2, 5.1.6), without its layout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offload {
    /// The transport checksum field holds only the uncomplemented pseudo-header sum; whoever takes the frame off the
    /// virtual wire completes it (`VIRTIO_NET_HDR_F_NEEDS_CSUM`).
    pub needs_checksum: bool,
    /// Where the checksum starts, bytes from the start of the frame (only with `needs_checksum`).
    pub checksum_start: u16,
    /// Where the checksum is stored, bytes from `checksum_start` (only with `needs_checksum`).
    pub checksum_offset: u16,
    /// The kind of super-frame.
    pub gso: Gso,
    /// Payload bytes in each segment of a super-frame.
    pub gso_size: u16,
    /// Length of all headers in front of the payload of a super-frame, as the kernel gave it (a hint).
    pub header_length: u16,
}

/// Kinds of super-frame (generic segmentation offload).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Gso {
    /// An ordinary frame.
    #[default]
    None,
    /// TCP over IPv4; the flag says that segments carry congestion notification (`VIRTIO_NET_HDR_GSO_ECN`).
    Tcp4 {
        /// CWR is set on the first segment only.
        ecn: bool,
    },
    /// TCP over IPv6.
    Tcp6 {
        /// CWR is set on the first segment only.
        ecn: bool,
    },
    /// UDP segmentation offload (USO): a datagram per segment.
    UdpSegments,
}

/// A frame: bytes from the Ethernet header on, in a buffer with headroom, and what its port said of it.
#[derive(Debug)]
pub struct Frame {
    storage: Box<[u8]>,
    start: usize,
    end: usize,
    /// Offload state; kept truthful by whoever changes the bytes.
    pub offload: Offload,
}

impl Frame {
    /// An empty frame with headroom and room for [`MAX_FRAME`] bytes.
    #[must_use]
    pub fn new() -> Self {
        Self { storage: vec![0; HEADROOM + MAX_FRAME].into_boxed_slice(), start: HEADROOM, end: HEADROOM, offload: Offload::default() }
    }

    /// A frame that holds a copy of `bytes`, cut to [`MAX_FRAME`].
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let mut frame = Self::new();
        frame.set_bytes(bytes);
        frame
    }

    /// Replaces the content by a copy of `bytes` (cut to [`MAX_FRAME`]) and clears the offload state.
    pub fn set_bytes(&mut self, bytes: &[u8]) {
        let length = bytes.len().min(MAX_FRAME);
        self.clear();
        self.end = self.start + length;
        self.storage[self.start..self.end].copy_from_slice(&bytes[..length]);
    }

    /// Back to an empty frame with full headroom.
    #[inline]
    pub fn clear(&mut self) {
        self.start = HEADROOM;
        self.end = HEADROOM;
        self.offload = Offload::default();
    }

    /// The frame's bytes, Ethernet header first.
    #[inline]
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.storage[self.start..self.end]
    }

    /// The frame's bytes, to be changed in place.
    #[inline]
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.storage[self.start..self.end]
    }

    /// The whole receive area from `prefix` bytes before the frame's start: where a port reads a `prefix`-byte
    /// virtio-net header and the frame behind it in one call. Follow with [`Frame::set_length`].
    pub fn receive_area(&mut self, prefix: usize) -> &mut [u8] {
        self.clear();
        &mut self.storage[HEADROOM - prefix.min(HEADROOM)..]
    }

    /// The bytes with the last `prefix` bytes of headroom before them: what a port writes in one call.
    pub fn send_area(&mut self, prefix: usize) -> &mut [u8] {
        let from = self.start.saturating_sub(prefix);
        &mut self.storage[from..self.end]
    }

    /// Sets the frame's length, cut to what the buffer holds.
    pub fn set_length(&mut self, length: usize) {
        self.end = (self.start + length).min(self.storage.len());
    }

    /// Appends bytes; false, and nothing appended, where the buffer has no room for them.
    #[inline]
    pub fn append(&mut self, bytes: &[u8]) -> bool {
        let end = self.end + bytes.len();
        let place = self.storage.get_mut(self.end..end);
        let fits = place.is_some();
        if let Some(place) = place {
            place.copy_from_slice(bytes);
            self.end = end;
        }
        fits
    }

    /// Moves the start by `bytes` (negative: into the headroom, for a longer header). False, and nothing changed,
    /// where there is no room.
    pub fn move_start(&mut self, bytes: isize) -> bool {
        match self.start.checked_add_signed(bytes) {
            Some(start) if start <= self.end => {
                self.start = start;
                true
            }
            _ => false,
        }
    }

    /// Takes the frame out and leaves one without a buffer, as [`Frame::default`] makes it.
    #[inline]
    #[must_use]
    pub fn take(&mut self) -> Self {
        let taken = Self { storage: std::mem::take(&mut self.storage), start: self.start, end: self.end, offload: self.offload };
        (self.start, self.end) = (0, 0);
        taken
    }

    /// Length in bytes.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.end - self.start
    }

    /// Whether it holds no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.start == self.end
    }
}

impl Default for Frame {
    /// A frame without a buffer: what is left behind where a frame is taken out. Costs no allocation, holds nothing.
    fn default() -> Self {
        Self { storage: Box::default(), start: 0, end: 0, offload: Offload::default() }
    }
}

/// Frames of one worker that wait to be used again, so that the loop allocates nothing once it is warm.
#[derive(Debug, Default)]
pub struct FramePool {
    free: Vec<Frame>,
    limit: usize,
}

impl FramePool {
    /// A pool that keeps at most `limit` idle frames; buffers are made when first asked for.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { free: Vec::with_capacity(limit), limit }
    }

    /// An empty frame.
    #[inline]
    pub fn take(&mut self) -> Frame {
        match self.free.pop() {
            Some(frame) => frame,
            // not the default, which has no buffer
            None => Frame::new(),
        }
    }

    /// A frame that is there already, if there is one.
    pub fn take_idle(&mut self) -> Option<Frame> {
        self.free.pop()
    }

    /// Gives a frame back; one without a buffer is forgotten.
    #[inline]
    pub fn give(&mut self, mut frame: Frame) {
        if self.free.len() < self.limit && !frame.storage.is_empty() {
            frame.clear();
            self.free.push(frame);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_frame_of_a_pool_has_a_buffer() {
        let mut pool = FramePool::new(1);
        pool.give(Frame::default());
        let (mut first, mut second) = (pool.take(), pool.take());
        first.set_bytes(b"first");
        second.set_bytes(b"second");
        pool.give(first);
        pool.give(second);
        assert_eq!(pool.take().bytes(), b"");
        assert_eq!(pool.take().receive_area(0).len(), MAX_FRAME);
    }
}
