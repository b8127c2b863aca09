//! Why an interface cannot be a port through `AF_XDP`.

use std::fmt;
use std::io;

use super::memory::{CHUNK, LONGEST_FRAME};
use crate::wire::ethernet;

/// Largest IP packet that a port carries, in bytes.
pub(in crate::port) const LARGEST_PACKET: u32 = (LONGEST_FRAME - ethernet::LENGTH) as u32;
/// Receive queues that a port takes.
pub(super) const MOST_QUEUES: u32 = 64;

/// What is missing: said in the one line that tells of the fall-back, or in the error where there is none.
#[derive(Debug, thiserror::Error)]
pub enum Unavailable {
    /// The kernel was built without.
    #[error("the kernel has no AF_XDP sockets (CONFIG_XDP_SOCKETS)")]
    Sockets,
    /// The process has too few rights.
    #[error("it takes {0}")]
    Capability(&'static str),
    /// The process may not lock the memory that frames are in, of this many bytes.
    #[error("the frames' memory, {} KiB a queue, is more than RLIMIT_MEMLOCK allows without CAP_IPC_LOCK", .0 / 1024)]
    LockedMemory(usize),
    /// The interface has this MTU.
    #[error("the interface has an MTU of {0}, and the largest packet that fits a chunk of {CHUNK} bytes has {LARGEST_PACKET}")]
    Mtu(u32),
    /// The interface has this many receive queues.
    #[error("the interface has {0} receive queues, more than {MOST_QUEUES}")]
    Queues(u32),
    /// The driver has XDP, and refuses.
    #[error("the driver does not take an XDP program now: {0}")]
    Driver(&'static str),
    /// Anything else.
    #[error("{step} failed: {error}")]
    Other {
        /// What was tried.
        step: Step,
        /// What the system said.
        error: io::Error,
    },
    /// Another program is attached to the interface, or another socket bound to a queue. Nobody falls back then: who has it
    /// takes frames away.
    #[error("another process has an XDP program or AF_XDP socket there")]
    Taken,
    /// The interface is not there, or no longer.
    #[error("there is no such interface")]
    Gone,
}

/// A step on the way to an open port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Asking for the interface's properties.
    Interface,
    /// Making the socket.
    Socket,
    /// Making the memory that frames are in.
    Memory,
    /// Making and mapping the rings.
    Rings,
    /// Binding the socket to this queue.
    Queue(u32),
    /// Making the map and loading the program.
    Program,
    /// Attaching the program.
    Link,
}

impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interface => formatter.write_str("asking the interface"),
            Self::Socket => formatter.write_str("making the AF_XDP socket"),
            Self::Memory => formatter.write_str("making the frames' memory"),
            Self::Rings => formatter.write_str("making the rings"),
            Self::Queue(queue) => write!(formatter, "binding to receive queue {queue}"),
            Self::Program => formatter.write_str("loading the XDP program"),
            Self::Link => formatter.write_str("attaching the XDP program"),
        }
    }
}

impl Unavailable {
    /// What an error in this step means.
    pub(super) fn at(step: Step) -> impl Fn(io::Error) -> Self {
        move |error| match (step, error.raw_os_error()) {
            (Step::Socket, Some(libc::EAFNOSUPPORT)) => Self::Sockets,
            (Step::Program, Some(libc::EINVAL | libc::ENOSYS)) => Self::Sockets,
            (Step::Socket | Step::Interface, Some(libc::EPERM | libc::EACCES)) => Self::Capability("CAP_NET_RAW"),
            (Step::Program, Some(libc::EPERM | libc::EACCES)) => Self::Capability("CAP_BPF and CAP_NET_ADMIN"),
            (Step::Link, Some(libc::EPERM | libc::EACCES)) => Self::Capability("CAP_NET_ADMIN"),
            (Step::Link, Some(libc::EBUSY | libc::EEXIST)) | (Step::Queue(_), Some(libc::EBUSY)) => Self::Taken,
            // What veth and other drivers answer; their words stay in the kernel.
            (Step::Link, Some(libc::ERANGE)) => Self::Driver("an MTU, its own or its peer's, is too large for it"),
            (Step::Link, Some(libc::ENOSPC)) => Self::Driver("it has fewer receive queues than its peer sends on"),
            (Step::Link, Some(libc::EINVAL)) => Self::Driver("see the kernel's log; an MTU above a page or LRO are usual reasons"),
            (_, Some(libc::ENODEV | libc::ENXIO)) => Self::Gone,
            _ => Self::Other { step, error },
        }
    }

    /// What an error on registering `bytes` bytes of memory means.
    pub(super) fn for_memory(error: io::Error, bytes: usize) -> Self {
        match error.raw_os_error() {
            Some(libc::ENOBUFS) => Self::LockedMemory(bytes),
            _ => Self::at(Step::Memory)(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_missing_thing_is_named() {
        let text = |step, code| Unavailable::at(step)(io::Error::from_raw_os_error(code)).to_string();
        assert_eq!(text(Step::Socket, libc::EAFNOSUPPORT), "the kernel has no AF_XDP sockets (CONFIG_XDP_SOCKETS)");
        assert_eq!(text(Step::Program, libc::EPERM), "it takes CAP_BPF and CAP_NET_ADMIN");
        for step in [Step::Link, Step::Queue(0)] {
            assert!(matches!(Unavailable::at(step)(io::Error::from_raw_os_error(libc::EBUSY)), Unavailable::Taken));
        }
        assert!(text(Step::Link, libc::ERANGE).contains("MTU"));
        assert!(text(Step::Queue(3), libc::EINVAL).starts_with("binding to receive queue 3 failed: "));
        let memory = Unavailable::for_memory(io::Error::from_raw_os_error(libc::ENOBUFS), 16 << 20).to_string();
        assert_eq!(memory, "the frames' memory, 16384 KiB a queue, is more than RLIMIT_MEMLOCK allows without CAP_IPC_LOCK");
    }
}
