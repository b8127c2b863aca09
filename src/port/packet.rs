//! An interface that exists already, as a port: an `AF_PACKET` socket driven by pnet's datalink channel.
//!
//! pnet polls and receives (two system calls a frame) into a buffer of its own; both timeouts are zero, so that it never
//! blocks the worker. The socket carries virtio-net headers (see `packet_socket`): a frame's partial checksum and its
//! being a super-frame are known on receipt, and on sending the kernel completes and segments where the interface cannot.
//!
//! The machine's own stack goes on receiving what comes in at the interface: give it no address there. Frames with a VLAN
//! tag are not received at all.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, IntoRawFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use pnet::datalink::{self, Channel, Config, DataLinkReceiver, DataLinkSender, NetworkInterface};

use super::device::OpenError;
use super::sending::{Failure, is_empty, send_each};
use super::{Port, PortState, fanout, interface, packet_socket, virtio_header};
use crate::packet::frame::MAX_FRAME;
use crate::packet::segments::SuperFrames;
use crate::packet::{Frame, FramePool, Reason};

/// An interface through `AF_PACKET`.
pub struct PacketPort {
    sender: Box<dyn DataLinkSender>,
    receiver: Box<dyn DataLinkReceiver>,
    /// A second descriptor of pnet's socket, to wait on and to ask.
    socket: OwnedFd,
    state: Arc<PortState>,
}

impl PacketPort {
    /// Attaches to the interface `name` of the caller's network namespace, in promiscuous mode, with a socket for each of
    /// `queues` queues: each frame arrives at one of them.
    ///
    /// # Errors
    /// See [`OpenError`]: there is no such interface, or no permission.
    pub fn open_queues(name: &str, queues: u16, state: &Arc<PortState>) -> Result<Vec<Self>, OpenError> {
        let failed = |error| OpenError::for_interface(name, error);
        let found = datalink::interfaces().into_iter().find(|interface| interface.name == name);
        let found = found.ok_or_else(|| OpenError::NoInterface(name.to_owned()))?;
        let open = |_| Self::bind(&found, Arc::clone(state));
        let ports = (0..queues.max(1)).map(open).collect::<io::Result<Vec<_>>>().map_err(failed)?;
        fanout::begin_to_receive(ports.iter().map(|port| &port.socket)).map_err(failed)?;
        state.mtu.store(interface::mtu(name).map_err(failed)?, Ordering::Relaxed);
        state.set_present(true);
        Ok(ports)
    }

    /// A socket on the interface that receives nothing yet.
    fn bind(interface: &NetworkInterface, state: Arc<PortState>) -> io::Result<Self> {
        let socket = packet_socket::open()?;
        let (sender, receiver) = channel(interface, socket.try_clone()?)?;
        Ok(Self { sender, receiver, socket, state })
    }

    /// Nothing waits, the interface is down (also: nothing waits), or it is gone.
    fn empty_or_gone(&self, error: io::Error) -> io::Result<()> {
        if is_empty(&error) {
            return Ok(());
        }
        packet_socket::clear_error(&self.socket);
        if packet_socket::is_bound(&self.socket) { Ok(()) } else { Err(error) }
    }

    fn send(&mut self, frame: &mut Frame) -> Result<(), Failure> {
        let area = virtio_header::before(frame).ok_or(Failure::Refused(Reason::TooBig))?;
        let error = match self.sender.send_to(area, None) {
            Some(Ok(())) => return Ok(()),
            Some(Err(error)) => error,
            None => return Err(Failure::Refused(Reason::TooBig)),
        };
        if error.raw_os_error().is_none() && !is_empty(&error) {
            // pnet saw an error on the socket, and does not say which: it is taken off, and the frame with it.
            return match self.empty_or_gone(error) {
                Ok(()) => Err(Failure::Refused(Reason::DestinationUnknown)),
                Err(error) => Err(Failure::Gone(error)),
            };
        }
        Err(Failure::from(error))
    }
}

impl Port for PacketPort {
    fn rx_burst(&mut self, pool: &mut FramePool, frames: &mut Vec<Frame>, limit: usize) -> io::Result<usize> {
        for received in 0..limit {
            let error = match self.receiver.next() {
                Ok(bytes) => {
                    let mut frame = pool.take();
                    if let Some((header, bytes)) = bytes.split_first_chunk() {
                        frame.set_bytes(bytes);
                        frame.offload = virtio_header::decode(header);
                    }
                    frames.push(frame);
                    continue;
                }
                Err(error) => error,
            };
            return self.empty_or_gone(error).map(|()| received);
        }
        Ok(limit)
    }

    fn tx_burst(&mut self, frames: &mut Vec<Frame>, pool: &mut FramePool, refused: &mut Vec<(usize, Reason)>) -> io::Result<()> {
        send_each(frames, pool, refused, |frame, _| self.send(frame))
    }

    fn takes(&self) -> SuperFrames {
        SuperFrames { tcp: true, udp: packet_socket::knows_udp_segments() }
    }

    fn poll_fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.socket.as_fd())
    }

    fn state(&self) -> Arc<PortState> {
        Arc::clone(&self.state)
    }
}

/// pnet's channel over `socket`, which it closes in every case.
fn channel(interface: &NetworkInterface, socket: OwnedFd) -> io::Result<(Box<dyn DataLinkSender>, Box<dyn DataLinkReceiver>)> {
    let config = Config {
        read_buffer_size: virtio_header::LENGTH + MAX_FRAME,
        read_timeout: Some(Duration::ZERO),
        write_timeout: Some(Duration::ZERO),
        promiscuous: true,
        socket_fd: Some(socket.into_raw_fd()),
        ..Config::default()
    };
    match datalink::channel(interface, config)? {
        Channel::Ethernet(sender, receiver) => Ok((sender, receiver)),
        _ => Err(io::Error::other("not an Ethernet channel")),
    }
}
