//! What a port's queues have in common: the program on the interface, and what the monitor may know.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::sys::eventfd::{EfdFlags, EventFd};

use super::bpf::{self, Mode};
use super::program;
use super::queue::Queue;
use super::socket::Socket;
use super::unavailable::{Step, Unavailable};
use crate::port::packet_socket;

/// An interface whose frames come to our sockets. Dropped, the program is off the interface.
#[derive(Debug)]
pub(in crate::port) struct Attachment {
    /// First, so that it is closed first: a program without sockets would hand the frames to the stack.
    _link: OwnedFd,
    /// Keeps the interface in promiscuous mode: the dataplane has a MAC address of its own.
    _promiscuous: OwnedFd,
    sockets: Vec<Arc<Socket>>,
    /// Where the program runs.
    pub(super) mode: Mode,
    /// Wakes whoever has the port, so that it looks at `gone`.
    pub(super) bell: EventFd,
    gone: AtomicBool,
}

impl Attachment {
    /// Attaches the program to the interface with index `interface`, and hands the frames of each queue to its socket.
    /// Native mode where the driver has it, else generic.
    ///
    /// # Errors
    /// See [`Unavailable`].
    pub(super) fn new(interface: u32, queues: &[Queue]) -> Result<Self, Unavailable> {
        let sockets: Vec<_> = queues.iter().map(|queue| Arc::clone(queue.socket())).collect();
        let program = load(&sockets).map_err(Unavailable::at(Step::Program))?;
        let promiscuous = packet_socket::promiscuous(interface).map_err(Unavailable::at(Step::Interface))?;
        let bell = EventFd::from_flags(EfdFlags::EFD_NONBLOCK | EfdFlags::EFD_CLOEXEC);
        let bell = bell.map_err(io::Error::from).map_err(Unavailable::at(Step::Interface))?;
        let (link, mode) = attach(&program, interface).map_err(Unavailable::at(Step::Link))?;
        Ok(Self { _link: link, _promiscuous: promiscuous, sockets, mode, bell, gone: AtomicBool::new(false) })
    }

    /// Whether the interface is gone, as far as the monitor has told.
    #[inline]
    pub(super) fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Relaxed)
    }

    /// Looks whether the interface was removed or moved to another namespace, and wakes the port if so. Called by the
    /// monitor, which has the time.
    pub(in crate::port) fn look(&self) {
        if self.sockets.iter().any(|socket| socket.has_lost_interface()) {
            self.gone.store(true, Ordering::Relaxed);
            // Full only after 2^64 rings that nobody heard.
            let _ = self.bell.write(1);
        }
    }

    /// Frames that came in and found no room in our rings.
    pub(in crate::port) fn lost(&self) -> u64 {
        self.sockets.iter().map(|socket| socket.lost()).sum()
    }
}

fn load(sockets: &[Arc<Socket>]) -> io::Result<OwnedFd> {
    let places = u32::try_from(sockets.len()).map_err(io::Error::other)?;
    let map = bpf::create_socket_map(places)?;
    for (queue, socket) in (0..).zip(sockets) {
        bpf::put_socket(map.as_fd(), queue, socket.as_fd())?;
    }
    bpf::load_program(&program::redirect_to(map.as_fd()))
}

/// Generic mode is for drivers without XDP. One that has it and refuses (a veth with a large MTU) would hand over
/// super-frames in generic mode, which fit no chunk.
fn attach(program: &OwnedFd, interface: u32) -> io::Result<(OwnedFd, Mode)> {
    let attach = |mode| Ok((bpf::attach(program.as_fd(), interface, mode)?, mode));
    match attach(Mode::Native) {
        Err::<_, io::Error>(error) if error.raw_os_error() == Some(libc::EOPNOTSUPP) => attach(Mode::Generic),
        outcome => outcome,
    }
}
