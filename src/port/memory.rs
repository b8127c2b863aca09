//! A port without a device: two bounded queues. For tests and benchmarks.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam::queue::ArrayQueue;
use nix::sys::eventfd::{EfdFlags, EventFd};

use super::{Port, PortState};
use crate::packet::segments::SuperFrames;
use crate::packet::{Frame, FramePool, Reason};

#[derive(Debug)]
struct Link {
    to_port: ArrayQueue<Frame>,
    from_port: ArrayQueue<Frame>,
    bell: EventFd,
    rung: AtomicBool,
    down: AtomicBool,
    unplugged: AtomicBool,
}

impl Link {
    fn ring(&self) {
        if !self.rung.swap(true, Ordering::SeqCst) {
            // Full only after 2^64 rings that nobody heard.
            let _ = self.bell.write(1);
        }
    }

    /// Silences the bell. Whoever calls it looks at the queue once more afterwards: what is injected later rings again.
    fn silence(&self) {
        let _ = self.bell.read();
        self.rung.store(false, Ordering::SeqCst);
    }
}

/// A port whose other end is a [`MemoryWire`].
#[derive(Debug)]
pub struct MemoryPort {
    link: Arc<Link>,
    state: Arc<PortState>,
    takes: SuperFrames,
}

/// The other end of a [`MemoryPort`]: injects what the port receives, takes what it sent.
#[derive(Clone, Debug)]
pub struct MemoryWire {
    link: Arc<Link>,
}

/// A port and its wire, with room for `capacity` frames (at least one) each way.
///
/// # Errors
/// The process has no file descriptor left.
pub fn pair(capacity: usize, mtu: u32) -> io::Result<(MemoryPort, MemoryWire)> {
    let link = Arc::new(Link {
        to_port: ArrayQueue::new(capacity.max(1)),
        from_port: ArrayQueue::new(capacity.max(1)),
        bell: EventFd::from_value_and_flags(0, EfdFlags::EFD_NONBLOCK | EfdFlags::EFD_CLOEXEC)?,
        rung: AtomicBool::new(false),
        down: AtomicBool::new(false),
        unplugged: AtomicBool::new(false),
    });
    Ok((MemoryPort { link: Arc::clone(&link), state: PortState::new(mtu), takes: SuperFrames::ALL }, MemoryWire { link }))
}

impl MemoryWire {
    /// Gives the port a frame to receive. Gives it back where the queue is full.
    ///
    /// # Errors
    /// The frame, where there is no room.
    #[allow(clippy::result_large_err, reason = "the frame is what the caller wants back")]
    pub fn inject(&self, frame: Frame) -> Result<(), Frame> {
        self.link.to_port.push(frame)?;
        self.link.ring();
        Ok(())
    }

    /// The next frame that the port sent.
    #[must_use]
    pub fn take(&self) -> Option<Frame> {
        self.link.from_port.pop()
    }

    /// Frames injected that the port has not received yet.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.link.to_port.len()
    }

    /// Takes the interface down (frames sent to it end as `destination-unknown`) or up again.
    pub fn set_down(&self, down: bool) {
        self.link.down.store(down, Ordering::SeqCst);
    }

    /// Removes the device: the port's next call fails.
    pub fn unplug(&self) {
        self.link.unplugged.store(true, Ordering::SeqCst);
        self.link.ring();
    }
}

impl MemoryPort {
    /// The same port, taking these kinds of super-frame only.
    #[must_use]
    pub fn with(self, takes: SuperFrames) -> Self {
        Self { takes, ..self }
    }

    fn receive(&self, frames: &mut Vec<Frame>, limit: usize) -> usize {
        let before = frames.len();
        frames.extend(std::iter::from_fn(|| self.link.to_port.pop()).take(limit));
        frames.len() - before
    }

    /// Sends the frame, or gives it back with why not.
    #[allow(clippy::result_large_err, reason = "the frame is what the caller wants back")]
    fn send(&self, frame: Frame) -> Result<(), (Frame, Reason)> {
        if self.link.down.load(Ordering::SeqCst) || self.link.unplugged.load(Ordering::SeqCst) {
            return Err((frame, Reason::DestinationUnknown));
        }
        self.link.from_port.push(frame).map_err(|frame| (frame, Reason::QueueFull))
    }
}

impl Port for MemoryPort {
    fn rx_burst(&mut self, _pool: &mut FramePool, frames: &mut Vec<Frame>, limit: usize) -> io::Result<usize> {
        if self.link.unplugged.load(Ordering::SeqCst) {
            return Err(gone());
        }
        let mut received = self.receive(frames, limit);
        if received < limit {
            self.link.silence();
            received += self.receive(frames, limit - received);
        }
        Ok(received)
    }

    fn tx_burst(&mut self, frames: &mut Vec<Frame>, pool: &mut FramePool, refused: &mut Vec<(usize, Reason)>) -> io::Result<()> {
        for (index, frame) in frames.drain(..).enumerate() {
            if let Err((frame, reason)) = self.send(frame) {
                refused.push((index, reason));
                pool.give(frame);
            }
        }
        if self.link.unplugged.load(Ordering::SeqCst) { Err(gone()) } else { Ok(()) }
    }

    fn takes(&self) -> SuperFrames {
        self.takes
    }

    fn poll_fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.link.bell.as_fd())
    }

    fn state(&self) -> Arc<PortState> {
        Arc::clone(&self.state)
    }
}

fn gone() -> io::Error {
    io::Error::from_raw_os_error(libc::ENODEV)
}
