//! The `AF_PACKET` socket that pnet gets to drive: made here, because two things must be said before it is bound.
//!
//! - `PACKET_VNET_HDR` (packet(7), Linux 2.6.27): each frame carries the virtio-net header that a TAP's frames carry. Without
//!   it, frames of a veth peer would come with transport checksums that only hold the pseudo-header sum, nothing would
//!   say so, and super-frames could be neither told from broken ones nor sent.
//! - A filter: what this machine sends through the interface is not received, nor is a frame with a VLAN tag. The kernel
//!   takes the tag out of the bytes before a packet socket sees them, so such a frame would pass as an untagged one.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, LinkAddr, SockFlag, SockType, getsockname, getsockopt, setsockopt, socket, sockopt};

/// Buffer of the socket in each direction, in bytes: a few hundred super-frames.
const BUFFER: usize = 8 << 20;

/// A packet socket that receives nothing, bound or not, until [`receive`].
///
/// # Errors
/// `CAP_NET_RAW` is missing.
pub(super) fn open() -> io::Result<OwnedFd> {
    let socket = socket(AddressFamily::Packet, SockType::Raw, SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK, None)?;
    set(&socket, libc::SOL_PACKET, libc::PACKET_VNET_HDR, &1)?;
    attach_filter(&socket, &mut [instruction(RETURN, 0, 0, 0)])?;
    // Only a matter of room: without CAP_NET_ADMIN it stays at what the system allows.
    let _ = setsockopt(&socket, sockopt::RcvBufForce, &BUFFER);
    let _ = setsockopt(&socket, sockopt::SndBufForce, &BUFFER);
    Ok(socket)
}

/// A socket that receives nothing and sends through the interface with this index, each frame behind a virtio-net header.
///
/// # Errors
/// `CAP_NET_RAW` is missing, or the interface is.
pub(super) fn sender(interface: u32) -> io::Result<OwnedFd> {
    let socket = socket(AddressFamily::Packet, SockType::Raw, SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK, None)?;
    set(&socket, libc::SOL_PACKET, libc::PACKET_VNET_HDR, &1)?;
    // Only a matter of room, as above.
    let _ = setsockopt(&socket, sockopt::SndBufForce, &BUFFER);
    bind_without_protocol(&socket, interface)?;
    Ok(socket)
}

/// Protocol 0 is none (packet(7)): nothing is received.
fn bind_without_protocol(socket: &OwnedFd, interface: u32) -> io::Result<()> {
    let address = libc::sockaddr_ll {
        sll_family: libc::AF_PACKET as u16,
        sll_protocol: 0,
        sll_ifindex: libc::c_int::try_from(interface).map_err(io::Error::other)?,
        sll_hatype: 0,
        sll_pkttype: 0,
        sll_halen: 0,
        sll_addr: [0; 8],
    };
    let length = size_of_val(&address) as libc::socklen_t;
    // SAFETY: the address is a `sockaddr_ll` of this length; the kernel copies it.
    Errno::result(unsafe { libc::bind(socket.as_raw_fd(), std::ptr::from_ref(&address).cast(), length) })?;
    Ok(())
}

/// Takes the error that the socket holds (`ENETDOWN` after the interface went down), so that it can be used again.
pub(super) fn clear_error(socket: &OwnedFd) {
    let _ = getsockopt(socket, sockopt::SocketError);
}

/// Whether the socket still belongs to an interface. The kernel unbinds it when the interface is removed or moved to
/// another namespace.
pub(super) fn is_bound(socket: &OwnedFd) -> bool {
    const UNBOUND: usize = u32::MAX as usize;
    getsockname::<LinkAddr>(socket.as_raw_fd()).is_ok_and(|address| !matches!(address.ifindex(), 0 | UNBOUND | usize::MAX))
}

/// Whether the kernel knows UDP segmentation offload (Linux 6.2): an older one refuses such frames.
pub(super) fn knows_udp_segments() -> bool {
    std::fs::read_to_string("/proc/sys/kernel/osrelease").is_ok_and(|release| is_at_least(&release, (6, 2)))
}

fn is_at_least(release: &str, least: (u32, u32)) -> bool {
    let mut numbers = release.split(|character: char| !character.is_ascii_digit()).map(str::parse);
    matches!((numbers.next(), numbers.next()), (Some(Ok(major)), Some(Ok(minor))) if (major, minor) >= least)
}

/// Return from the filter: 0 drops, else so many bytes are delivered.
const RETURN: u32 = libc::BPF_RET | libc::BPF_K;

/// Has the socket receive from now on, by the filter above.
pub(super) fn receive(socket: &OwnedFd) -> io::Result<()> {
    const LOAD: u32 = libc::BPF_LD | libc::BPF_W | libc::BPF_ABS;
    const JUMP_EQUAL: u32 = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
    let ancillary = |offset: i32| u32::from_ne_bytes((libc::SKF_AD_OFF + offset).to_ne_bytes());
    attach_filter(
        socket,
        &mut [
            instruction(LOAD, 0, 0, ancillary(libc::SKF_AD_PKTTYPE)),
            instruction(JUMP_EQUAL, 3, 0, u32::from(libc::PACKET_OUTGOING)),
            instruction(LOAD, 0, 0, ancillary(libc::SKF_AD_VLAN_TAG_PRESENT)),
            instruction(JUMP_EQUAL, 0, 1, 0),
            instruction(RETURN, 0, 0, u32::MAX),
            instruction(RETURN, 0, 0, 0),
        ],
    )
}

/// Attaches a program of classic BPF in place of the one before.
fn attach_filter(socket: &OwnedFd, program: &mut [libc::sock_filter]) -> io::Result<()> {
    let length = libc::c_ushort::try_from(program.len()).map_err(io::Error::other)?;
    set(socket, libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, &libc::sock_fprog { len: length, filter: program.as_mut_ptr() })
}

fn instruction(code: u32, if_true: u8, if_false: u8, operand: u32) -> libc::sock_filter {
    // All codes of classic BPF fit 16 bits.
    libc::sock_filter { code: code as u16, jt: if_true, jf: if_false, k: operand }
}

/// A socket that receives nothing and keeps the interface with this index in promiscuous mode until it is closed
/// (packet(7), `PACKET_ADD_MEMBERSHIP`).
///
/// # Errors
/// `CAP_NET_RAW` is missing, or the interface is.
pub(super) fn promiscuous(interface: u32) -> io::Result<OwnedFd> {
    let socket = socket(AddressFamily::Packet, SockType::Raw, SockFlag::SOCK_CLOEXEC, None)?;
    let index = libc::c_int::try_from(interface).map_err(io::Error::other)?;
    let kind = libc::c_ushort::try_from(libc::PACKET_MR_PROMISC).map_err(io::Error::other)?;
    let membership = libc::packet_mreq { mr_ifindex: index, mr_type: kind, mr_alen: 0, mr_address: [0; 8] };
    set(&socket, libc::SOL_PACKET, libc::PACKET_ADD_MEMBERSHIP, &membership)?;
    Ok(socket)
}

/// Sets an option that takes a plain C value: an integer, or a struct of the kernel's.
pub(super) fn set<T>(socket: &OwnedFd, level: libc::c_int, option: libc::c_int, value: &T) -> io::Result<()> {
    let length = libc::socklen_t::try_from(size_of::<T>()).map_err(io::Error::other)?;
    // SAFETY: `value` is what the option takes (an integer, or a C struct; what a `sock_fprog` and an `xdp_umem_reg` point to
    // is alive in the caller), and `length` is its size; the kernel copies before it returns.
    Errno::result(unsafe { libc::setsockopt(socket.as_raw_fd(), level, option, std::ptr::from_ref(value).cast(), length) })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_compared_by_number() {
        for (release, expected) in
            [("6.2.0-39-generic", true), ("6.18.5", true), ("10.0", true), ("6.1.0-30-amd64", false), ("5.14.0", false), ("", false)]
        {
            assert_eq!(is_at_least(release, (6, 2)), expected, "{release}");
        }
    }
}
