//! The character device behind a TAP: opening, taking over, and what it answers (Linux `tuntap.rst`).

use std::fs::OpenOptions;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;

use nix::errno::Errno;

use super::device::OpenError;
use super::{interface, virtio_header};

const TUN_PATH: &str = "/dev/net/tun";

/// One queue of a TAP. The device lives as long as a queue of it is open, unless somebody made it persistent; it may be
/// renamed, taken down or moved to another network namespace meanwhile.
#[derive(Debug)]
pub(super) struct TapDevice {
    file: OwnedFd,
    udp_segments: bool,
}

impl TapDevice {
    /// Makes the TAP `name` in the caller's network namespace, or takes over the one that is there and has no owner.
    /// A persistent device that was made with several queues is taken over too, as one of its queues.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub(super) fn open(name: &str, several_queues: bool) -> Result<Self, OpenError> {
        let failed = |error| OpenError::for_tap(name, error);
        let mut device = Self { file: open_tun()?, udp_segments: false };
        match device.attach(name, several_queues) {
            Err(error) if error.raw_os_error() == Some(libc::EINVAL) => device.attach(name, !several_queues).map_err(|_| failed(error)),
            other => other.map_err(failed),
        }?;
        device.udp_segments = device.set_header_length().and_then(|()| device.set_offloads()).map_err(failed)?;
        Ok(device)
    }

    fn attach(&self, name: &str, several_queues: bool) -> io::Result<()> {
        let mut flags = libc::IFF_TAP | libc::IFF_NO_PI | libc::IFF_VNET_HDR;
        if several_queues {
            flags |= libc::IFF_MULTI_QUEUE;
        }
        let mut request = interface::request(name)?;
        request.ifr_ifru.ifru_flags = libc::c_short::try_from(flags).map_err(io::Error::other)?;
        // SAFETY: TUNSETIFF reads and writes one `ifreq`, which outlives the call.
        Errno::result(unsafe { libc::ioctl(self.file.as_raw_fd(), libc::TUNSETIFF, &raw mut request) })?;
        Ok(())
    }

    fn set_header_length(&self) -> io::Result<()> {
        let length = libc::c_int::try_from(virtio_header::LENGTH).map_err(io::Error::other)?;
        // SAFETY: TUNSETVNETHDRSZ reads one `int`, which outlives the call.
        Errno::result(unsafe { libc::ioctl(self.file.as_raw_fd(), libc::TUNSETVNETHDRSZ, &raw const length) })?;
        Ok(())
    }

    /// Whether the kernel knows UDP segmentation offload. One that does not refuses such frames.
    pub(super) fn knows_udp_segments(&self) -> bool {
        self.udp_segments
    }

    /// Offers super-frames, and says whether UDP's were accepted. Always said, because a persistent device keeps what its
    /// last owner had said.
    fn set_offloads(&self) -> io::Result<bool> {
        let tcp = libc::TUN_F_CSUM | libc::TUN_F_TSO4 | libc::TUN_F_TSO6 | libc::TUN_F_TSO_ECN;
        // UDP segmentation came with Linux 6.2.
        self.offer(tcp | libc::TUN_F_USO4 | libc::TUN_F_USO6).map(|()| true).or_else(|_| self.offer(tcp).map(|()| false))
    }

    fn offer(&self, offloads: libc::c_uint) -> io::Result<()> {
        // SAFETY: TUNSETOFFLOAD takes its argument by value.
        Errno::result(unsafe { libc::ioctl(self.file.as_raw_fd(), libc::TUNSETOFFLOAD, libc::c_ulong::from(offloads)) })?;
        Ok(())
    }

    /// Whether the interface was made with `IFF_MULTI_QUEUE`.
    ///
    /// # Errors
    /// The interface was removed.
    pub(super) fn has_several_queues(&self) -> io::Result<bool> {
        let request = self.describe()?;
        // SAFETY: TUNGETIFF succeeded, so the kernel wrote `ifru_flags`.
        let flags = unsafe { request.ifr_ifru.ifru_flags };
        Ok(libc::c_int::from(flags) & libc::IFF_MULTI_QUEUE != 0)
    }

    /// The interface's name now.
    ///
    /// # Errors
    /// The interface was removed.
    pub(super) fn name(&self) -> io::Result<String> {
        Ok(interface::name_in(&self.describe()?))
    }

    /// The interface's name and flags.
    fn describe(&self) -> io::Result<libc::ifreq> {
        // SAFETY: all zeros is a value of `ifreq`.
        let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
        // SAFETY: TUNGETIFF writes one `ifreq`, which outlives the call.
        Errno::result(unsafe { libc::ioctl(self.file.as_raw_fd(), libc::TUNGETIFF, &raw mut request) })?;
        Ok(request)
    }

    /// The network namespace that the interface is in now. Whoever keeps it keeps the namespace alive.
    ///
    /// # Errors
    /// The interface was removed, the kernel is older than 5.0, or `CAP_NET_ADMIN` over that namespace is missing.
    pub(super) fn network_namespace(&self) -> io::Result<OwnedFd> {
        // SAFETY: TUNGETDEVNETNS takes no argument and returns a new descriptor.
        let descriptor = Errno::result(unsafe { libc::ioctl(self.file.as_raw_fd(), libc::TUNGETDEVNETNS) })?;
        // SAFETY: the kernel just made the descriptor for us; nobody else has it.
        Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
    }
}

impl AsFd for TapDevice {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

fn open_tun() -> Result<OwnedFd, OpenError> {
    let file = OpenOptions::new().read(true).write(true).custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC).open(TUN_PATH);
    file.map(OwnedFd::from).map_err(|error| match error.raw_os_error() {
        Some(libc::ENOENT | libc::ENODEV | libc::ENXIO) => OpenError::NoTun,
        _ => OpenError::Other { name: TUN_PATH.to_owned(), error },
    })
}
