//! What a port is opened from, and opening it.

use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};

use super::packet::PacketPort;
use super::tap::{TapOptions, TapPort};
use super::tap_device::TapDevice;
use super::xdp::{Attachment, Unavailable, XdpPort};
use super::{Port, PortState};

/// A port's device, as the network file names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Device {
    /// `tap: NAME`: a TAP that is made, or taken over.
    Tap(String),
    /// `interface: NAME`: an interface that is there, through `AF_PACKET`.
    Interface(String),
    /// `interface: NAME` with `mode: xdp`: an interface that is there, through `AF_XDP`, or `AF_PACKET` where that cannot be had.
    Xdp(String),
}

impl Device {
    /// The interface's name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Tap(name) | Self::Interface(name) | Self::Xdp(name) => name,
        }
    }

    /// Opens the device in the caller's network namespace, with `queues` queues if it can have so many, one at least;
    /// `state` is what others will see of it.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(&self, state: &Arc<PortState>, queues: u16) -> Result<Opened, OpenError> {
        let (watched, ports) = match self {
            Self::Tap(name) => {
                let ports = TapPort::open_queues(name, TapOptions { queues }, state)?;
                (ports.first().map(|port| Watched::Tap(port.device())), boxed(ports))
            }
            Self::Interface(name) => open_packet(name, queues, state)?,
            Self::Xdp(name) => open_xdp(name, queues, state)?,
        };
        let watched = watched.ok_or_else(|| OpenError::NoInterface(self.name().to_owned()))?;
        Ok(Opened { ports, handle: Handle { watched, queues } })
    }
}

/// What the monitor asks, and a port for each queue.
type Opening = (Option<Watched>, Vec<Box<dyn Port>>);

fn open_packet(name: &str, queues: u16, state: &Arc<PortState>) -> Result<Opening, OpenError> {
    Ok((Some(Watched::Interface(name.to_owned())), boxed(PacketPort::open_queues(name, queues, state)?)))
}

fn open_xdp(name: &str, queues: u16, state: &Arc<PortState>) -> Result<Opening, OpenError> {
    match XdpPort::open_shares(name, usize::from(queues), state) {
        Ok(ports) => {
            state.fell_back.store(false, Ordering::Relaxed);
            Ok((ports.first().map(|port| Watched::Xdp(name.to_owned(), port.attachment())), boxed(ports)))
        }
        Err(Unavailable::Taken) => Err(OpenError::XdpProgram(name.to_owned())),
        Err(Unavailable::Gone) => Err(OpenError::NoInterface(name.to_owned())),
        Err(missing) => {
            let opened = open_packet(name, queues, state)?;
            tracing::warn!(interface = name, "AF_XDP cannot be had, the port goes through AF_PACKET: {missing}");
            state.fell_back.store(true, Ordering::Relaxed);
            Ok(opened)
        }
    }
}

fn boxed<P: Port + 'static>(ports: Vec<P>) -> Vec<Box<dyn Port>> {
    ports.into_iter().map(|port| Box::new(port) as Box<dyn Port>).collect()
}

/// An open device: the ports for the workers, the handle for the monitor.
pub struct Opened {
    /// A port for each queue, for a worker each. All have the same state.
    pub ports: Vec<Box<dyn Port>>,
    /// For the monitor.
    pub handle: Handle,
}

/// What the monitor needs to ask after a device. It does not keep the device open.
#[derive(Debug)]
pub struct Handle {
    pub(super) watched: Watched,
    /// As many as were asked for, to be asked for again.
    pub(super) queues: u16,
}

#[derive(Debug)]
pub(super) enum Watched {
    Tap(Weak<TapDevice>),
    Interface(String),
    Xdp(String, Weak<Attachment>),
}

/// Why a device could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// This machine has no TAP driver.
    #[error("/dev/net/tun is missing: load the kernel module 'tun', or run where it is available")]
    NoTun,
    /// Somebody holds the TAP open.
    #[error("TAP '{0}' is in use by another process")]
    Busy(String),
    /// The name belongs to something else.
    #[error("'{0}' exists and is not a TAP")]
    NotTap(String),
    /// Frames go to somebody else's program, and replacing it is not for us to do.
    #[error("interface '{0}' has an XDP program already: end what put it there (ip -d link show dev {0}), or leave out `mode: xdp`")]
    XdpProgram(String),
    /// There is no such interface to attach to.
    #[error("there is no interface '{0}'")]
    NoInterface(String),
    /// The caller lacks the capability.
    #[error("no permission to open '{name}': it takes {capability}")]
    Permission {
        /// The interface.
        name: String,
        /// What is missing.
        capability: &'static str,
    },
    /// Anything else.
    #[error("cannot open '{name}': {error}")]
    Other {
        /// The interface.
        name: String,
        /// What the system said.
        error: io::Error,
    },
}

impl OpenError {
    pub(super) fn for_tap(name: &str, error: io::Error) -> Self {
        let name = name.to_owned();
        match error.raw_os_error() {
            Some(libc::EBUSY) => Self::Busy(name),
            Some(libc::EINVAL) => Self::NotTap(name),
            Some(libc::EPERM | libc::EACCES) => Self::Permission { name, capability: "CAP_NET_ADMIN" },
            _ => Self::Other { name, error },
        }
    }

    pub(super) fn for_interface(name: &str, error: io::Error) -> Self {
        let name = name.to_owned();
        match error.raw_os_error() {
            Some(libc::ENODEV | libc::ENXIO) => Self::NoInterface(name),
            Some(libc::EPERM | libc::EACCES) => Self::Permission { name, capability: "CAP_NET_RAW" },
            _ => Self::Other { name, error },
        }
    }
}
