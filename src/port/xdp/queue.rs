//! One queue of an interface: frames out of its receive ring, and into its transmit ring.
//!
//! The area has two halves. Chunks of the first go round between fill and receive ring, as many as the rings have places, so
//! neither ever lacks room for one. Chunks of the second are free, or on their way out until the completion ring tells.
//! Frames are copied between chunks and the pipeline's buffers, which are larger and outlive the port.

use std::io;
use std::sync::Arc;

use super::memory::{CHUNK, LONGEST_FRAME, Umem};
use super::partial_checksum;
use super::socket::{RING, Rings, Socket};
use super::unavailable::{Step, Unavailable};
use crate::packet::{Frame, FramePool};

/// What a call sends at least, where there is so much.
const LEAST_SENT_IN_A_CALL: u32 = 32;

/// A queue that is bound.
#[derive(Debug)]
pub(super) struct Queue {
    umem: Umem,
    rings: Rings,
    socket: Arc<Socket>,
    /// Chunks to send from.
    free: Vec<u64>,
}

/// How far the kernel came with the transmit ring.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// It took all.
    All,
    /// The device has no room now: the rest waits in the ring.
    Some,
}

impl Queue {
    /// Binds to `queue` of the interface with index `interface`.
    ///
    /// # Errors
    /// See [`Unavailable`].
    pub(super) fn open(interface: u32, queue: u32) -> Result<Self, Unavailable> {
        let umem = Umem::new(2 * RING).map_err(Unavailable::at(Step::Memory))?;
        let address = |chunk: u32| u64::from(chunk) * CHUNK as u64;
        let (socket, rings) = Socket::open(interface, queue, &umem, (0..RING).map(address))?;
        Ok(Self { umem, rings, socket: Arc::new(socket), free: (RING..2 * RING).map(address).collect() })
    }

    pub(super) fn socket(&self) -> &Arc<Socket> {
        &self.socket
    }

    /// Appends up to `limit` received frames and says how many.
    pub(super) fn receive(&mut self, pool: &mut FramePool, frames: &mut Vec<Frame>, limit: usize) -> usize {
        let mut received = 0;
        while received < limit
            && let Some(descriptor) = self.rings.receive.pop()
        {
            if let Some(bytes) = self.umem.received(descriptor.addr, descriptor.len) {
                let mut frame = pool.take();
                frame.set_bytes(bytes);
                frame.offload = partial_checksum::offload_of(frame.bytes());
                frames.push(frame);
                received += 1;
            }
            // There is room: the chunk came from there. The kernel wants the chunk, wherever in it the frame was.
            self.rings.fill.push(descriptor.addr & !(CHUNK as u64 - 1));
        }
        if received > 0 {
            self.rings.receive.release();
            self.rings.fill.publish();
            if self.rings.fill.needs_wakeup() {
                self.socket.wake_receiver();
            }
        }
        received
    }

    /// Takes back the chunks of frames that were sent.
    pub(super) fn reclaim(&mut self) {
        while let Some(address) = self.rings.completion.pop() {
            self.free.push(address & !(CHUNK as u64 - 1));
        }
        self.rings.completion.release();
    }

    /// Frames that there is room for.
    pub(super) fn room(&self) -> usize {
        self.free.len()
    }

    /// Puts a frame into the transmit ring; false where there is no room. [`Queue::flush`] sends it.
    #[inline]
    pub(super) fn push(&mut self, bytes: &[u8]) -> bool {
        let Some(address) = self.free.pop() else { return false };
        let descriptor = libc::xdp_desc { addr: address, len: bytes.len() as u32, options: 0 };
        // As many chunks as places: where a chunk is free, so is a place.
        let pushed = self.umem.write(address, bytes) && self.rings.transmit.push(descriptor);
        if !pushed {
            self.free.push(address);
        }
        pushed
    }

    /// Whether a frame of this length can be sent at all.
    pub(super) const fn takes(length: usize) -> bool {
        length <= LONGEST_FRAME
    }

    /// Has the kernel send what stands in the transmit ring.
    ///
    /// # Errors
    /// `ENETDOWN` where the interface is down, `ENXIO` where it is gone. What stands in the ring stays there.
    pub(super) fn flush(&mut self) -> io::Result<Sent> {
        self.rings.transmit.publish();
        let waiting = self.rings.transmit.unread();
        if waiting == 0 || !self.rings.transmit.needs_wakeup() {
            return Ok(Sent::All);
        }
        // Before Linux 6.17 a call sends no more than this, and does not show how far it came until all is sent.
        let calls = waiting / LEAST_SENT_IN_A_CALL + 1;
        for _ in 0..calls {
            match self.socket.kick() {
                Ok(()) => return Ok(Sent::All),
                Err(error) if matches!(error.raw_os_error(), Some(libc::EAGAIN | libc::EINTR)) => {}
                Err(error) if matches!(error.raw_os_error(), Some(libc::EBUSY | libc::ENOBUFS | libc::ENOMEM)) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(Sent::Some)
    }
}
