//! An `AF_XDP` socket on one queue of an interface: set-up, waking the kernel, and what the kernel lost
//! (kernel documentation, `networking/af_xdp.rst`).

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, getsockopt, recv, send, setsockopt, sockopt};

use super::memory::{CHUNK, Mapping, Umem};
use super::ring::{Consumer, Entry, Offsets, Producer};
use super::unavailable::{Step, Unavailable};

/// Entries of each ring: some milliseconds of small frames.
pub(super) const RING: u32 = 2048;
/// Bytes that may be on their way out at once: more than all chunks together, so that the ring is the only limit.
const SEND_BUFFER: usize = 16 << 20;
/// Frames that one call may send (Linux 6.17; before, and by default, 32).
const SENT_IN_A_CALL: libc::c_int = 9;
/// How often a queue is asked for that a closed socket still holds, and how long after.
const TRIES: usize = 50;
const BETWEEN_TRIES: Duration = Duration::from_millis(10);

/// A bound socket.
#[derive(Debug)]
pub(super) struct Socket {
    descriptor: OwnedFd,
}

/// The socket's rings.
#[derive(Debug)]
pub(super) struct Rings {
    /// Chunks for the kernel to receive into.
    pub(super) fill: Producer<u64>,
    /// Frames received.
    pub(super) receive: Consumer<libc::xdp_desc>,
    /// Frames to send.
    pub(super) transmit: Producer<libc::xdp_desc>,
    /// Chunks whose frames were sent.
    pub(super) completion: Consumer<u64>,
}

impl Socket {
    /// Opens and binds a socket on `queue` of the interface with index `interface`. The kernel receives into the chunks at
    /// `addresses` of `umem`. Zero-copy where the driver has it, else the kernel copies.
    ///
    /// # Errors
    /// See [`Unavailable`].
    pub(super) fn open(
        interface: u32,
        queue: u32,
        umem: &Umem,
        addresses: impl Iterator<Item = u64>,
    ) -> Result<(Self, Rings), Unavailable> {
        let socket = Self { descriptor: new_socket().map_err(Unavailable::at(Step::Socket))? };
        socket.register(umem).map_err(|error| Unavailable::for_memory(error, umem.mapping().len()))?;
        let mut rings = socket.rings().map_err(Unavailable::at(Step::Rings))?;
        addresses.take_while(|address| rings.fill.push(*address)).for_each(drop);
        rings.fill.publish();
        socket.make_room();
        socket.bind(interface, queue).map_err(Unavailable::at(Step::Queue(queue)))?;
        Ok((socket, rings))
    }

    fn register(&self, umem: &Umem) -> io::Result<()> {
        let area = umem.mapping();
        let registration = libc::xdp_umem_reg {
            addr: area.start().as_ptr() as u64,
            len: area.len() as u64,
            chunk_size: u32::try_from(CHUNK).map_err(io::Error::other)?,
            headroom: 0,
            flags: 0,
            tx_metadata_len: 0,
        };
        self.set(libc::SOL_XDP, libc::XDP_UMEM_REG, &registration)
    }

    fn rings(&self) -> io::Result<Rings> {
        for ring in [libc::XDP_UMEM_FILL_RING, libc::XDP_UMEM_COMPLETION_RING, libc::XDP_RX_RING, libc::XDP_TX_RING] {
            self.set(libc::SOL_XDP, ring, &RING)?;
        }
        // SAFETY: all zeros is a value of this struct of integers.
        let mut all: libc::xdp_mmap_offsets = unsafe { std::mem::zeroed() };
        self.get(libc::SOL_XDP, libc::XDP_MMAP_OFFSETS, &mut all)?;
        let (fill, completion) = (libc::XDP_UMEM_PGOFF_FILL_RING.cast_signed(), libc::XDP_UMEM_PGOFF_COMPLETION_RING.cast_signed());
        let (fill, fill_at) = self.map::<u64>(fill, all.fr)?;
        let (completion, completion_at) = self.map::<u64>(completion, all.cr)?;
        let (receive, receive_at) = self.map::<libc::xdp_desc>(libc::XDP_PGOFF_RX_RING, all.rx)?;
        let (transmit, transmit_at) = self.map::<libc::xdp_desc>(libc::XDP_PGOFF_TX_RING, all.tx)?;
        Ok(Rings {
            fill: Producer::new(fill, fill_at, RING)?,
            receive: Consumer::new(receive, receive_at, RING)?,
            transmit: Producer::new(transmit, transmit_at, RING)?,
            completion: Consumer::new(completion, completion_at, RING)?,
        })
    }

    fn map<T: Entry>(&self, place: libc::off_t, told: libc::xdp_ring_offset) -> io::Result<(Arc<Mapping>, Offsets)> {
        let offset = |told: u64| usize::try_from(told).map_err(io::Error::other);
        let offsets = Offsets {
            producer: offset(told.producer)?,
            consumer: offset(told.consumer)?,
            flags: offset(told.flags)?,
            entries: offset(told.desc)?,
        };
        let length = offsets.entries + RING as usize * size_of::<T>();
        Ok((Arc::new(Mapping::shared(self.descriptor.as_fd(), place, length)?), offsets))
    }

    /// Matters of speed: without them the socket works as well.
    fn make_room(&self) {
        let _ = setsockopt(&self.descriptor, sockopt::SndBufForce, &SEND_BUFFER);
        let _ = self.set(libc::SOL_XDP, SENT_IN_A_CALL, &RING);
    }

    /// The kernel lets go of a closed socket's queue a moment after the process that held it was killed.
    fn bind(&self, interface: u32, queue: u32) -> io::Result<()> {
        let address = libc::sockaddr_xdp {
            sxdp_family: libc::AF_XDP as u16,
            sxdp_flags: libc::XDP_USE_NEED_WAKEUP,
            sxdp_ifindex: interface,
            sxdp_queue_id: queue,
            sxdp_shared_umem_fd: 0,
        };
        let length = size_of_val(&address) as libc::socklen_t;
        let bind = || {
            // SAFETY: the address is a `sockaddr_xdp` of this length; the kernel copies it.
            Errno::result(unsafe { libc::bind(self.descriptor.as_raw_fd(), std::ptr::from_ref(&address).cast(), length) })
        };
        for _ in 1..TRIES {
            match bind() {
                Err(Errno::EBUSY) => std::thread::sleep(BETWEEN_TRIES),
                outcome => return Ok(outcome.map(drop)?),
            }
        }
        Ok(bind().map(drop)?)
    }

    /// Has the kernel send what stands in the transmit ring.
    ///
    /// # Errors
    /// `EAGAIN` where more stands there than it sends in one call, `EBUSY` and `ENOBUFS` where the device has no room now,
    /// `ENETDOWN` where it is down, `ENXIO` where it is gone.
    #[inline]
    pub(super) fn kick(&self) -> io::Result<()> {
        send(self.descriptor.as_raw_fd(), &[], MsgFlags::MSG_DONTWAIT)?;
        Ok(())
    }

    /// Tells a driver that ran out of chunks that there are some again.
    pub(super) fn wake_receiver(&self) {
        // Whatever it says: nothing is received this way.
        let _ = recv(self.descriptor.as_raw_fd(), &mut [], MsgFlags::MSG_DONTWAIT);
    }

    /// Whether the interface was removed or moved to another namespace since the last call. The kernel leaves an error on
    /// the socket then, and tells epoll of nothing.
    pub(super) fn has_lost_interface(&self) -> bool {
        getsockopt(&self.descriptor, sockopt::SocketError).is_ok_and(|error| error != 0)
    }

    /// Frames that the kernel could not put into the receive ring since the socket was made.
    pub(super) fn lost(&self) -> u64 {
        // SAFETY: all zeros is a value of this struct of integers.
        let mut counted: libc::xdp_statistics = unsafe { std::mem::zeroed() };
        match self.get(libc::SOL_XDP, libc::XDP_STATISTICS, &mut counted) {
            // Too long for a chunk; no place in the ring; no chunk was left, which some kernels count as dropped too.
            Ok(()) => counted.rx_dropped + counted.rx_ring_full,
            Err(_) => 0,
        }
    }

    /// Whether the driver receives into our area itself; else the kernel copies.
    pub(super) fn is_zero_copy(&self) -> bool {
        let mut options = libc::xdp_options { flags: 0 };
        self.get(libc::SOL_XDP, libc::XDP_OPTIONS, &mut options).is_ok() && options.flags & libc::XDP_OPTIONS_ZEROCOPY != 0
    }

    fn set<T>(&self, level: libc::c_int, option: libc::c_int, value: &T) -> io::Result<()> {
        super::super::packet_socket::set(&self.descriptor, level, option, value)
    }

    fn get<T>(&self, level: libc::c_int, option: libc::c_int, value: &mut T) -> io::Result<()> {
        let mut length = size_of::<T>() as libc::socklen_t;
        // SAFETY: the options above write a struct of integers of at most this length to where `value` is.
        Errno::result(unsafe {
            libc::getsockopt(self.descriptor.as_raw_fd(), level, option, std::ptr::from_mut(value).cast(), &raw mut length)
        })?;
        // Linux before 5.4 tells a shorter struct, without flags: too old for what is asked of it here.
        if length as usize == size_of::<T>() { Ok(()) } else { Err(Errno::EOPNOTSUPP.into()) }
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

fn new_socket() -> io::Result<OwnedFd> {
    // SAFETY: takes its arguments by value.
    let descriptor = Errno::result(unsafe { libc::socket(libc::AF_XDP, libc::SOCK_RAW | libc::SOCK_CLOEXEC, 0) })?;
    // SAFETY: the kernel just made the descriptor for us; nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}
