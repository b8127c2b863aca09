//! The bpf(2) calls that an XDP port makes. A command's arguments are the first fields of `union bpf_attr` for it
//! (`linux/bpf.h`); what follows them is zero to the kernel.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use nix::errno::Errno;

const MAP_CREATE: libc::c_int = 0;
const MAP_UPDATE: libc::c_int = 2;
const PROGRAM_LOAD: libc::c_int = 5;
const LINK_CREATE: libc::c_int = 28;

const MAP_TYPE_XSKMAP: u32 = 17;
const PROGRAM_TYPE_XDP: u32 = 6;
const ATTACH_TYPE_XDP: u32 = 37;

/// Kernel objects have names of up to 15 bytes; `bpftool` shows them.
const NAME: [u8; 16] = *b"causeway_xsk\0\0\0\0";

#[repr(C)]
struct MapCreate {
    map_type: u32,
    key_size: u32,
    value_size: u32,
    max_entries: u32,
    flags: u32,
    inner_map: u32,
    numa_node: u32,
    name: [u8; 16],
}

#[repr(C)]
struct MapUpdate {
    map: u32,
    padding: u32,
    key: u64,
    value: u64,
    flags: u64,
}

#[repr(C)]
struct ProgramLoad {
    program_type: u32,
    instruction_count: u32,
    instructions: u64,
    license: u64,
    log_level: u32,
    log_size: u32,
    log: u64,
    kernel_version: u32,
    flags: u32,
    name: [u8; 16],
}

#[repr(C)]
struct LinkCreate {
    program: u32,
    interface: u32,
    attach_type: u32,
    flags: u32,
}

/// How a program is attached to an interface (`XDP_FLAGS_…`, `linux/if_link.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// In the driver, before anything else is made of the frame.
    Native = 1 << 2,
    /// In the stack, for drivers without XDP.
    Generic = 1 << 1,
}

/// A map from receive queue to `AF_XDP` socket, with `queues` places.
///
/// # Errors
/// `EPERM` without `CAP_BPF` or `CAP_NET_ADMIN`, `EINVAL` where the kernel has no such map.
pub(super) fn create_socket_map(queues: u32) -> io::Result<OwnedFd> {
    let size = size_of::<u32>() as u32;
    let arguments = MapCreate {
        map_type: MAP_TYPE_XSKMAP,
        key_size: size,
        value_size: size,
        max_entries: queues,
        flags: 0,
        inner_map: 0,
        numa_node: 0,
        name: NAME,
    };
    new_descriptor(MAP_CREATE, &arguments)
}

/// Puts a socket at its queue's place.
///
/// # Errors
/// The queue has no place in the map.
pub(super) fn put_socket(map: BorrowedFd<'_>, queue: u32, socket: BorrowedFd<'_>) -> io::Result<()> {
    let value = number(socket);
    let (key, value) = (std::ptr::from_ref(&queue) as u64, std::ptr::from_ref(&value) as u64);
    call(MAP_UPDATE, &MapUpdate { map: number(map), padding: 0, key, value, flags: 0 }).map(drop)
}

/// Loads an XDP program.
///
/// # Errors
/// `EPERM` without `CAP_BPF` or `CAP_NET_ADMIN`, and what the verifier holds against it.
pub(super) fn load_program(instructions: &[u64]) -> io::Result<OwnedFd> {
    let license = c"MIT";
    let arguments = ProgramLoad {
        program_type: PROGRAM_TYPE_XDP,
        instruction_count: u32::try_from(instructions.len()).map_err(io::Error::other)?,
        instructions: instructions.as_ptr() as u64,
        license: license.as_ptr() as u64,
        log_level: 0,
        log_size: 0,
        log: 0,
        kernel_version: 0,
        flags: 0,
        name: NAME,
    };
    new_descriptor(PROGRAM_LOAD, &arguments)
}

/// Attaches a program to the interface with this index by a link: it is taken off when the link is closed, however the
/// process ends. Never takes the place of another program.
///
/// # Errors
/// `EBUSY` or `EEXIST` where a program is attached, `EOPNOTSUPP` where the driver has no XDP, others where it has it and
/// does not want it now.
pub(super) fn attach(program: BorrowedFd<'_>, interface: u32, mode: Mode) -> io::Result<OwnedFd> {
    new_descriptor(LINK_CREATE, &LinkCreate { program: number(program), interface, attach_type: ATTACH_TYPE_XDP, flags: mode as u32 })
}

/// A descriptor as bpf(2) takes it.
pub(super) fn number(descriptor: BorrowedFd<'_>) -> u32 {
    // An open descriptor is never negative.
    descriptor.as_raw_fd().unsigned_abs()
}

fn new_descriptor<T>(command: libc::c_int, arguments: &T) -> io::Result<OwnedFd> {
    let descriptor = call(command, arguments)?;
    // SAFETY: the kernel just made the descriptor (close-on-exec, as all of bpf's are) for us; nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

fn call<T>(command: libc::c_int, arguments: &T) -> io::Result<libc::c_int> {
    // SAFETY: `arguments` is the first part of `bpf_attr` for this command, of the length that is told; the kernel reads
    // it, and what it points to (alive in the callers), during the call only.
    let result = unsafe { libc::syscall(libc::SYS_bpf, command, std::ptr::from_ref(arguments), size_of::<T>()) };
    libc::c_int::try_from(Errno::result(result)?).map_err(io::Error::other)
}
