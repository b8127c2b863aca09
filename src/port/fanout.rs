//! Several packet sockets on one interface, each frame at one of them (`PACKET_FANOUT`, packet(7), Linux 3.1).
//!
//! The kernel picks the socket by the hash that a TAP picks its queue by: both directions of a flow have the same. Fragments
//! are told apart by their addresses alone, so all of a packet meet one worker. `PACKET_FANOUT_FLAG_DEFRAG` would put them
//! together before we see them: packets longer than the wire carries, and none ever out of order, which is not what
//! the network between real machines delivers.
//!
//! A socket that is bound and not yet in its group receives every frame, as the others do. So all are bound deaf
//! (`packet_socket`), and hear only when all have joined.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use nix::errno::Errno;

use super::packet_socket::{receive, set};

/// Has bound sockets receive; several share what comes in.
pub(super) fn begin_to_receive<'a>(sockets: impl Iterator<Item = &'a OwnedFd> + Clone) -> io::Result<()> {
    if sockets.clone().nth(1).is_some() {
        join_all(sockets.clone())?;
    }
    sockets.into_iter().try_for_each(receive)
}

/// The first socket founds a group whose number is nobody else's (Linux 4.13), the others join it.
fn join_all<'a>(mut sockets: impl Iterator<Item = &'a OwnedFd>) -> io::Result<()> {
    let Some(first) = sockets.next() else { return Ok(()) };
    join(first, libc::PACKET_FANOUT_FLAG_UNIQUEID << 16)?;
    // The number in the lower half, how frames are spread in the upper one, without the flag that was for the founder.
    let group = group(first)? & 0xffff;
    sockets.try_for_each(|socket| join(socket, group))
}

fn join(socket: &OwnedFd, group: u32) -> io::Result<()> {
    set(socket, libc::SOL_PACKET, libc::PACKET_FANOUT, &(group | libc::PACKET_FANOUT_HASH << 16))
}

/// The group that a socket is in.
fn group(socket: &OwnedFd) -> io::Result<u32> {
    let mut group: u32 = 0;
    let mut length = libc::socklen_t::try_from(size_of::<u32>()).map_err(io::Error::other)?;
    // SAFETY: the kernel writes at most `length` bytes to `group` and their number to `length`; both outlive the call.
    let result = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_PACKET,
            libc::PACKET_FANOUT,
            std::ptr::from_mut(&mut group).cast(),
            std::ptr::from_mut(&mut length),
        )
    };
    Errno::result(result)?;
    Ok(group)
}
