//! Waiting for frames and commands: epoll over the ports' descriptors and the control side's bell.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::eventfd::{EfdFlags, EventFd};

use crate::policy::ids::PortId;

/// The bell's number among the events; ports have 16 bits.
const BELL: u64 = u64::MAX;
/// Ports told of in one call; the next call tells of the others.
const EVENTS: usize = 64;

/// Wakes a worker that sleeps.
#[derive(Clone, Debug)]
pub(super) struct Bell(Arc<EventFd>);

impl Bell {
    /// Wakes the worker; it looks at its commands next.
    pub(super) fn ring(&self) {
        let _ = self.0.write(1);
    }
}

/// What a worker waits on.
#[derive(Debug)]
pub(super) struct Poller {
    epoll: Epoll,
    bell: Bell,
    events: Vec<EpollEvent>,
}

impl Poller {
    /// Nothing to wait on but the bell.
    ///
    /// # Errors
    /// The process has no file descriptor left.
    pub(super) fn new() -> io::Result<Self> {
        let bell = EventFd::from_value_and_flags(0, EfdFlags::EFD_NONBLOCK | EfdFlags::EFD_CLOEXEC)?;
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        epoll.add(bell.as_fd(), EpollEvent::new(EpollFlags::EPOLLIN, BELL))?;
        Ok(Self { epoll, bell: Bell(Arc::new(bell)), events: vec![EpollEvent::empty(); EVENTS] })
    }

    pub(super) fn bell(&self) -> Bell {
        self.bell.clone()
    }

    pub(super) fn add(&self, port: PortId, descriptor: BorrowedFd<'_>) -> io::Result<()> {
        Ok(self.epoll.add(descriptor, EpollEvent::new(EpollFlags::EPOLLIN, u64::from(port.0)))?)
    }

    /// Forgets a descriptor. One that is not waited on is not an error.
    pub(super) fn remove(&self, descriptor: BorrowedFd<'_>) {
        let _ = self.epoll.delete(descriptor);
    }

    /// Waits until something can be received, the bell rings or the time is over, and tells each port that is ready.
    pub(super) fn wait(&mut self, timeout: Duration, mut ready: impl FnMut(PortId)) -> io::Result<()> {
        let count = match self.epoll.wait(&mut self.events, milliseconds(timeout)) {
            Ok(count) => count,
            Err(Errno::EINTR) => 0,
            Err(error) => return Err(error.into()),
        };
        for event in self.events.iter().take(count) {
            match u16::try_from(event.data()) {
                Ok(port) => ready(PortId(port)),
                Err(_) => drop(self.bell.0.read()),
            }
        }
        Ok(())
    }
}

/// Rounded up, so that a worker does not wake a moment too early and spin.
fn milliseconds(timeout: Duration) -> EpollTimeout {
    EpollTimeout::from(u16::try_from(timeout.as_micros().div_ceil(1000)).unwrap_or(u16::MAX))
}
