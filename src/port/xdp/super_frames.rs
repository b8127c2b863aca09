//! Super-frames out: whole, through a packet socket beside the `AF_XDP` one, whose rings take ordinary frames only.
//!
//! On a veth the frames of a transmit ring leave one by one, and each takes the far end's receive work with it (a softirq a
//! frame): most of what a frame costs. A super-frame is one of those to the kernel, however many frames it stands for, and
//! where the interface has segmentation offload it stays whole up to the far end. Both sockets send within the call, so
//! frames keep their order as long as the transmit ring is empty when a super-frame leaves. A network card has queues of
//! its own for each socket: there super-frames leave in pieces, through the ring.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use nix::sys::socket::{MsgFlags, send};

use crate::packet::segments::SuperFrames;
use crate::packet::{Frame, Reason};
use crate::port::sending::Failure;
use crate::port::{packet_socket, virtio_header};

/// A way out for super-frames.
#[derive(Debug)]
pub(super) struct SuperFrameSocket {
    descriptor: OwnedFd,
}

impl SuperFrameSocket {
    /// On the interface with this index.
    ///
    /// # Errors
    /// `CAP_NET_RAW` is missing, or the interface is.
    pub(super) fn open(interface: u32) -> io::Result<Self> {
        Ok(Self { descriptor: packet_socket::sender(interface)? })
    }

    /// The kinds that the kernel knows.
    pub(super) fn takes() -> SuperFrames {
        SuperFrames { tcp: true, udp: packet_socket::knows_udp_segments() }
    }

    /// Sends a frame of one of these kinds.
    pub(super) fn send(&self, frame: &mut Frame) -> Result<(), Failure> {
        let bytes = virtio_header::before(frame).ok_or(Failure::Refused(Reason::TooBig))?;
        send(self.descriptor.as_raw_fd(), bytes, MsgFlags::MSG_DONTWAIT).map(drop).map_err(|error| Failure::from(io::Error::from(error)))
    }
}
