//! Questions to an interface by name, in the calling thread's network namespace (netdevice(7)).

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};

/// Longest interface name in bytes.
pub(super) const MAX_NAME: usize = libc::IFNAMSIZ - 1;

/// An empty request about `name`.
///
/// # Errors
/// The name is empty, longer than [`MAX_NAME`] or holds a NUL.
pub(super) fn request(name: &str) -> io::Result<libc::ifreq> {
    if name.is_empty() || name.len() > MAX_NAME || name.contains('\0') {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("'{name}' is no interface name")));
    }
    // SAFETY: `ifreq` is a C struct of integers, arrays and a union of such (plus one pointer that may be null);
    // all zeros is a value of it.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *to = libc::c_char::from_ne_bytes([from]);
    }
    Ok(request)
}

/// The name in a request that the kernel answered.
pub(super) fn name_in(request: &libc::ifreq) -> String {
    let bytes: Vec<u8> = request.ifr_name.iter().map(|byte| byte.to_ne_bytes()[0]).take_while(|byte| *byte != 0).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The interface's MTU in bytes.
///
/// # Errors
/// There is no such interface here.
pub(super) fn mtu(name: &str) -> io::Result<u32> {
    let mut request = request(name)?;
    ask(&control_socket()?, libc::SIOCGIFMTU, &mut request)?;
    // SAFETY: SIOCGIFMTU succeeded, so the kernel wrote `ifru_mtu`.
    let mtu = unsafe { request.ifr_ifru.ifru_mtu };
    u32::try_from(mtu).map_err(io::Error::other)
}

/// The interface's index.
///
/// # Errors
/// There is no such interface here.
pub(super) fn index(name: &str) -> io::Result<u32> {
    let mut request = request(name)?;
    ask(&control_socket()?, libc::SIOCGIFINDEX, &mut request)?;
    // SAFETY: SIOCGIFINDEX succeeded, so the kernel wrote `ifru_ifindex`.
    let index = unsafe { request.ifr_ifru.ifru_ifindex };
    u32::try_from(index).map_err(io::Error::other)
}

/// Puts an ethtool(8) request, a struct of integers that starts with its command, and leaves the answer in it.
///
/// # Errors
/// There is no such interface here, or its driver does not answer that (`EOPNOTSUPP`).
pub(super) fn ethtool<T: Copy>(name: &str, question: &mut T) -> io::Result<()> {
    let mut request = request(name)?;
    request.ifr_ifru.ifru_data = std::ptr::from_mut(question).cast();
    ask(&control_socket()?, libc::SIOCETHTOOL as libc::Ioctl, &mut request)
}

/// Packets that the kernel was to send through the interface and dropped, since the interface was made.
///
/// # Errors
/// There is no such interface here.
pub(super) fn transmit_drops(name: &str) -> io::Result<u64> {
    // Of the thread's own network namespace, wherever /sys was mounted.
    let table = std::fs::read_to_string("/proc/thread-self/net/dev")?;
    drops_in(&table, name).ok_or_else(|| io::Error::from_raw_os_error(libc::ENODEV))
}

/// Behind a name stand eight columns of what was received, then bytes, packets, errors and drops of what was sent.
fn drops_in(table: &str, name: &str) -> Option<u64> {
    const DROPS: usize = 8 + 3;
    let columns = table.lines().find_map(|line| line.trim_start().strip_prefix(name)?.strip_prefix(':'))?;
    columns.split_ascii_whitespace().nth(DROPS)?.parse().ok()
}

/// Has the kernel give the interface no IPv6 address of its own (link-local, autoconfigured) and so send nothing by
/// itself. It does not last: an interface that is moved to another namespace starts anew there.
///
/// Where the setting is out of reach (no IPv6, /proc/sys read-only), there is at worst a link-local address too many.
pub(super) fn no_own_address(name: &str) {
    const NONE: &str = "1";
    let _ = std::fs::write(format!("/proc/sys/net/ipv6/conf/{name}/addr_gen_mode"), NONE);
}

/// Takes the interface up.
///
/// # Errors
/// There is no such interface here, or the caller lacks `CAP_NET_ADMIN`.
pub(super) fn set_up(name: &str) -> io::Result<()> {
    let socket = control_socket()?;
    let mut request = request(name)?;
    ask(&socket, libc::SIOCGIFFLAGS, &mut request)?;
    // SAFETY: SIOCGIFFLAGS succeeded, so the kernel wrote `ifru_flags`.
    let flags = unsafe { request.ifr_ifru.ifru_flags };
    let up = libc::c_short::try_from(libc::IFF_UP).map_err(io::Error::other)?;
    if flags & up == 0 {
        request.ifr_ifru.ifru_flags = flags | up;
        ask(&socket, libc::SIOCSIFFLAGS, &mut request)?;
    }
    Ok(())
}

/// A socket that only carries requests; it belongs to the namespace that it was made in, and keeps that alive.
fn control_socket() -> io::Result<OwnedFd> {
    Ok(socket(AddressFamily::Inet, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None)?)
}

fn ask(socket: &OwnedFd, question: libc::Ioctl, request: &mut libc::ifreq) -> io::Result<()> {
    // SAFETY: the questions above read and write one `ifreq`, which `request` points to for the length of the call.
    Errno::result(unsafe { libc::ioctl(socket.as_raw_fd(), question, std::ptr::from_mut(request)) })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked_before_the_kernel_cuts_them() {
        for bad in ["", "sixteen-letters.", "a\0b"] {
            assert!(request(bad).is_err(), "{bad:?}");
        }
        assert_eq!(name_in(&request("fifteen-letters").unwrap()), "fifteen-letters");
    }

    #[test]
    fn drops_are_the_twelfth_column_of_the_interface_itself() {
        let table = "Inter-|   Receive                                                |  Transmit\n face |bytes    packets errs drop\n\
            cw-a10: 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1\n  cw-a1: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n";
        assert_eq!((drops_in(table, "cw-a1"), drops_in(table, "cw-a10"), drops_in(table, "cw-a")), (Some(12), Some(1), None));
        assert_eq!(transmit_drops("lo").unwrap(), 0);
    }

    #[test]
    fn the_loopback_interface_has_an_mtu_and_a_missing_one_is_an_error() {
        assert!(mtu("lo").unwrap() >= 1280);
        assert!(mtu("cw-none-such").is_err());
    }
}
