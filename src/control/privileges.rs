//! The daemon keeps only the capabilities that its ports need.
//!
//! Linux has capabilities per thread, and a new thread inherits them: this is done on the first thread before it starts
//! another. A reload may bring a port of any kind, so what any port needs is kept; but for `mode: xdp`, which has to stand in
//! the file that the daemon starts with, else the port falls back to AF_PACKET where more would be needed. Without `CAP_DAC_OVERRIDE` a file that
//! root may not read by its mode (another user's `0600`) can be loaded at the start, but not reloaded.

use caps::{CapSet, Capability, CapsHashSet};
use nix::sys::prctl;

/// What ports need, and why.
pub const KEPT: [(Capability, &str); 3] = [
    (Capability::CAP_NET_ADMIN, "to create TAPs and set their offloads, and promiscuous mode of an interface"),
    (Capability::CAP_NET_RAW, "to open AF_PACKET sockets"),
    (Capability::CAP_SYS_ADMIN, "to ask for the MTU of a TAP that was moved into another network namespace"),
];

/// What ports through AF_XDP need beside that, and why.
pub const KEPT_FOR_XDP: [(Capability, &str); 2] = [
    (Capability::CAP_BPF, "to load the XDP program, again when an interface is back"),
    (Capability::CAP_IPC_LOCK, "to lock the memory that frames are in, beyond RLIMIT_MEMLOCK"),
];

/// Gives up every capability of the calling thread, and of all that it starts, but [`KEPT`], and [`KEPT_FOR_XDP`] where there
/// is such a port; none that it does not have is gained. Programs that it executes gain none either.
///
/// # Errors
/// The system refuses.
pub fn keep_only_what_ports_need(has_xdp_ports: bool) -> Result<(), PrivilegeError> {
    let for_xdp = KEPT_FOR_XDP.iter().filter(|_| has_xdp_ports);
    let wanted: CapsHashSet = KEPT.iter().chain(for_xdp).map(|(capability, _)| *capability).collect();
    let held = caps::read(None, CapSet::Permitted)?;
    shrink_bounding_set(&wanted)?;
    let kept: CapsHashSet = held.intersection(&wanted).copied().collect();
    caps::clear(None, CapSet::Ambient)?;
    caps::set(None, CapSet::Inheritable, &CapsHashSet::new())?;
    caps::set(None, CapSet::Effective, &kept)?;
    caps::set(None, CapSet::Permitted, &kept)?;
    prctl::set_no_new_privs()?;
    Ok(())
}

/// The bounding set takes `CAP_SETPCAP` to change; who lacks it has little to lose.
fn shrink_bounding_set(wanted: &CapsHashSet) -> Result<(), PrivilegeError> {
    if !caps::has_cap(None, CapSet::Effective, Capability::CAP_SETPCAP)? {
        return Ok(());
    }
    let bounding = caps::read(None, CapSet::Bounding)?;
    for capability in bounding.difference(wanted) {
        caps::drop(None, CapSet::Bounding, *capability)?;
    }
    Ok(())
}

/// Why capabilities could not be given up.
#[derive(Debug, thiserror::Error)]
pub enum PrivilegeError {
    /// The capability calls failed.
    #[error("cannot give up capabilities: {0}")]
    Capabilities(#[from] caps::errors::CapsError),
    /// The kernel refused `no_new_privs`.
    #[error("cannot set no_new_privs: {0}")]
    NoNewPrivileges(#[from] nix::Error),
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Capabilities are the thread's own: those of one that has given up the rest, and of a thread that it starts.
    fn left(has_xdp_ports: bool) -> [CapsHashSet; 2] {
        let inner = || [CapSet::Permitted, CapSet::Effective].map(|set| caps::read(None, set).unwrap());
        let outer = std::thread::spawn(move || {
            keep_only_what_ports_need(has_xdp_ports).expect("to give up capabilities");
            std::thread::spawn(inner).join()
        });
        outer.join().unwrap().unwrap()
    }

    #[test]
    fn only_what_ports_need_is_left_and_new_threads_have_no_more() {
        for set in left(false) {
            assert!(set.iter().all(|held| KEPT.iter().any(|(kept, _)| kept == held)), "{set:?}");
        }
    }

    #[test]
    fn ports_through_xdp_keep_two_more() {
        let held = caps::read(None, CapSet::Permitted).unwrap();
        let wanted: CapsHashSet = KEPT.iter().chain(&KEPT_FOR_XDP).map(|(capability, _)| *capability).collect();
        for set in left(true) {
            assert_eq!(set, held.intersection(&wanted).copied().collect());
        }
    }
}
