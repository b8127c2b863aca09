//! Inside a host's namespace without a process of its own: sockets that live there, addresses for a while.

use std::fs::File;
use std::io;
use std::net::IpAddr;
use std::thread;

use nix::sched::{CloneFlags, setns};

use super::error::LabError;
use super::ip::ip_in;

/// Does `act` on a thread of its own inside the namespace. Sockets that it opens belong there and stay there.
///
/// # Errors
/// There is no such namespace, or what `act` returns.
pub fn inside<T: Send>(namespace: &str, act: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
    let place = File::open(format!("/run/netns/{namespace}"))?;
    let entered = move || {
        setns(place, CloneFlags::CLONE_NEWNET)?;
        act()
    };
    thread::scope(|scope| {
        let thread = thread::Builder::new().spawn_scoped(scope, entered)?;
        thread.join().unwrap_or_else(|_| Err(io::Error::other("the thread inside the namespace panicked")))
    })
}

/// An address that a host has for a while, beside its own.
#[derive(Debug)]
pub struct Borrowed {
    namespace: String,
    address: IpAddr,
    device: String,
}

impl Borrowed {
    /// Gives the host behind `device` the address.
    ///
    /// # Errors
    /// [`LabError::Command`] with what the system said.
    pub fn new(namespace: &str, device: &str, address: IpAddr) -> Result<Self, LabError> {
        let no_detection: &[&str] = if address.is_ipv6() { &["nodad"] } else { &[] };
        let borrowed = Self { namespace: namespace.to_owned(), address, device: device.to_owned() };
        ip_in(namespace, &[&["address", "add", borrowed.written().as_str(), "dev", device], no_detection].concat())?;
        Ok(borrowed)
    }
}

impl Borrowed {
    /// Whether this is that address in that namespace.
    #[must_use]
    pub fn is(&self, namespace: &str, address: IpAddr) -> bool {
        self.namespace == namespace && self.address == address
    }

    fn written(&self) -> String {
        format!("{}/{}", self.address, if self.address.is_ipv6() { 128 } else { 32 })
    }
}

impl Drop for Borrowed {
    fn drop(&mut self) {
        // It goes with the namespace at the latest.
        let _ = ip_in(&self.namespace, &["address", "delete", &self.written(), "dev", &self.device]);
    }
}
