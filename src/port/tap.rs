//! A TAP as a port: one system call a frame, behind a virtio-net header, so that super-frames (64 KiB) cross whole.
//!
//! Sending: each frame is one `write` with the header in the frame's headroom. Receiving: each frame is one `read` of
//! header and bytes into the frame's buffer, until nothing waits.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, Weak};

use nix::unistd::{read, write};

use super::device::OpenError;
use super::sending::{Failure, is_empty};
use super::tap_device::TapDevice;
use super::{Port, PortState, interface, virtio_header};
use crate::packet::segments::SuperFrames;
use crate::packet::{Frame, FramePool, Reason};

/// How a TAP is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TapOptions {
    /// Queues, one for each worker. The kernel spreads flows over them (both directions of a flow meet the same queue).
    pub queues: u16,
}

impl Default for TapOptions {
    fn default() -> Self {
        Self { queues: 1 }
    }
}

/// One queue of a TAP. Closing the last removes an interface that was made here, wherever it was moved to; one that was
/// taken over (made by `ip tuntap`, say) stays.
#[derive(Debug)]
pub struct TapPort {
    device: Arc<TapDevice>,
    state: Arc<PortState>,
}

impl TapPort {
    /// Makes the TAP `name` in the caller's network namespace and takes it up, or takes over one that is there and that
    /// nobody holds open. `state` is what others will see of it. One that was made with one queue has only that, however
    /// many are asked for.
    ///
    /// # Errors
    /// See [`OpenError`]: a name in use, no permission, no `/dev/net/tun`.
    pub fn open_queues(name: &str, options: TapOptions, state: &Arc<PortState>) -> Result<Vec<Self>, OpenError> {
        let several = options.queues > 1;
        let open = || TapDevice::open(name, several);
        let first = open()?;
        let more = if several && first.has_several_queues().unwrap_or(true) { options.queues - 1 } else { 0 };
        if several && more == 0 {
            tracing::warn!(
                interface = name,
                "the TAP was made with one queue: one worker receives there for all (`ip tuntap add … multi_queue` makes more)"
            );
        }
        let devices = std::iter::once(Ok(first)).chain((0..more).map(|_| open())).collect::<Result<Vec<_>, _>>()?;
        Self::set_up(name, state)?;
        Ok(devices.into_iter().map(|device| Self { device: Arc::new(device), state: Arc::clone(state) }).collect())
    }

    fn set_up(name: &str, state: &PortState) -> Result<(), OpenError> {
        interface::no_own_address(name);
        let mtu = interface::set_up(name).and_then(|()| interface::mtu(name)).map_err(|error| OpenError::for_tap(name, error))?;
        state.mtu.store(mtu, std::sync::atomic::Ordering::Relaxed);
        state.set_present(true);
        Ok(())
    }

    /// What the monitor asks; it must not keep the device open.
    pub(super) fn device(&self) -> Weak<TapDevice> {
        Arc::downgrade(&self.device)
    }

    fn receive(&self, frame: &mut Frame) -> io::Result<()> {
        let area = frame.receive_area(virtio_header::LENGTH);
        let received = read(&self.device, area)?;
        let Some((header, _)) = area.split_first_chunk() else { return Err(io::ErrorKind::UnexpectedEof.into()) };
        let offload = virtio_header::decode(header);
        frame.set_length(received.saturating_sub(virtio_header::LENGTH));
        frame.offload = offload;
        Ok(())
    }

    fn send(&self, frame: &mut Frame) -> Result<(), Failure> {
        let area = virtio_header::before(frame).ok_or(Failure::Refused(Reason::TooBig))?;
        write(&self.device, area).map(drop).map_err(|error| Failure::from(io::Error::from(error)))
    }
}

impl Port for TapPort {
    fn rx_burst(&mut self, pool: &mut FramePool, frames: &mut Vec<Frame>, limit: usize) -> io::Result<usize> {
        for received in 0..limit {
            let mut frame = pool.take();
            match self.receive(&mut frame) {
                Ok(()) => frames.push(frame),
                Err(error) => {
                    pool.give(frame);
                    return if is_empty(&error) { Ok(received) } else { Err(error) };
                }
            }
        }
        Ok(limit)
    }

    fn tx_burst(&mut self, frames: &mut Vec<Frame>, pool: &mut FramePool, refused: &mut Vec<(usize, Reason)>) -> io::Result<()> {
        super::sending::send_each(frames, pool, refused, |frame, _| self.send(frame))
    }

    fn takes(&self) -> SuperFrames {
        SuperFrames { tcp: true, udp: self.device.knows_udp_segments() }
    }

    fn poll_fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.device.as_fd())
    }

    fn state(&self) -> Arc<PortState> {
        Arc::clone(&self.state)
    }
}
