//! Frames in and out. All unsafe code is here (and in one SIMD module of `table`).
//!
//! | file | what it is |
//! |---|---|
//! | [`tap`] | a TAP: one read or write a frame, super-frames through its virtio-net header |
//! | [`packet`] | an interface that exists already, through an `AF_PACKET` socket and pnet |
//! | [`xdp`] | an interface that exists already, through `AF_XDP` sockets: no system call a frame |
//! | [`memory`] | two queues: tests and benchmarks |
//! | [`device`] | what a port is opened from, and opening it |
//! | [`monitor`] | the thread that keeps [`PortState`] true and opens again what had vanished |

#![allow(unsafe_code)]

use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use crate::packet::segments::SuperFrames;
use crate::packet::{Frame, FramePool, Reason};

pub mod device;
mod ethtool;
mod fanout;
mod interface;
pub mod memory;
pub mod monitor;
mod namespace;
pub mod packet;
mod packet_socket;
mod plain;
mod sending;
pub mod tap;
mod tap_device;
mod virtio_header;
pub mod xdp;

/// Where frames come from and go to. Owned by one worker; never blocks.
pub trait Port: Send {
    /// Appends up to `limit` received frames to `frames` (buffers from `pool`) and says how many. Fewer than `limit`:
    /// nothing waits any more.
    ///
    /// # Errors
    /// The device is gone (closed, or its interface was removed): the worker lets go of the port. Frames that were
    /// appended before are good.
    fn rx_burst(&mut self, pool: &mut FramePool, frames: &mut Vec<Frame>, limit: usize) -> std::io::Result<usize>;

    /// Sends the frames in order and drains `frames` back into `pool`. For each frame that was not taken, its index and
    /// the reason that it ends under are appended to `refused`, in order: [`Reason::QueueFull`] where the device has no
    /// room, [`Reason::DestinationUnknown`] where it is down or gone, [`Reason::TooBig`] where it cannot take the frame.
    ///
    /// # Errors
    /// The device is gone. Even then all frames are drained, and those that were not sent stand in `refused`.
    fn tx_burst(&mut self, frames: &mut Vec<Frame>, pool: &mut FramePool, refused: &mut Vec<(usize, Reason)>) -> std::io::Result<()>;

    /// The kinds of super-frame that it takes whole; others are taken apart before they are sent.
    fn takes(&self) -> SuperFrames {
        SuperFrames::NONE
    }

    /// What to wait on for the next frame; `None` for a port that has to be polled. Who never waits does not ask: being told of
    /// frames may cost those who send them.
    fn poll_fd(&self) -> Option<BorrowedFd<'_>>;

    /// What others may know of the port while the worker has it.
    fn state(&self) -> Arc<PortState>;
}

/// What is known of a port's device; written by the port and its monitor, read by anyone.
#[derive(Debug)]
pub struct PortState {
    /// Largest IP packet that the far end takes, in bytes (the device's MTU).
    pub mtu: AtomicU32,
    /// The device is there.
    pub present: AtomicBool,
    /// A port that was to go through `AF_XDP` goes through `AF_PACKET`.
    pub fell_back: AtomicBool,
    /// Packets for the dataplane that the kernel dropped because the port had no room for them: of a TAP as the interface
    /// counts them (`tx_dropped`; a new interface starts at zero), through `AF_XDP` since the start. Not known of
    /// `AF_PACKET`.
    pub kernel_drops: AtomicU64,
}

impl PortState {
    /// A device that is there, with this MTU.
    #[must_use]
    pub fn new(mtu: u32) -> Arc<Self> {
        Arc::new(Self {
            mtu: AtomicU32::new(mtu),
            present: AtomicBool::new(true),
            fell_back: AtomicBool::new(false),
            kernel_drops: AtomicU64::new(0),
        })
    }

    /// The MTU now.
    #[must_use]
    pub fn mtu(&self) -> u32 {
        self.mtu.load(Ordering::Relaxed)
    }

    /// Whether the device is there.
    #[must_use]
    pub fn is_present(&self) -> bool {
        self.present.load(Ordering::Relaxed)
    }

    /// Whether a port that was to go through `AF_XDP` goes through `AF_PACKET`.
    #[must_use]
    pub fn has_fallen_back(&self) -> bool {
        self.fell_back.load(Ordering::Relaxed)
    }

    /// Frames that came in and that the kernel dropped because the port had no room for them, since the start.
    #[must_use]
    pub fn kernel_drops(&self) -> u64 {
        self.kernel_drops.load(Ordering::Relaxed)
    }

    /// Says that the device is there, or is not.
    pub fn set_present(&self, present: bool) {
        self.present.store(present, Ordering::Relaxed);
    }
}

/// Ethernet's MTU: what a device has until it is asked.
pub const DEFAULT_MTU: u32 = 1500;
