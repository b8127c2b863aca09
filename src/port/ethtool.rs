//! What ethtool(8) asks of an interface and tells it (`linux/ethtool.h`), in the calling thread's network namespace.

use std::io;

use super::interface;

const GET_DRIVER: u32 = 0x03;
const GET_FLAGS: u32 = 0x25;
const SET_FLAGS: u32 = 0x26;
const GET_CHANNELS: u32 = 0x3c;
/// The interface takes VLAN tags out of the frames that it receives.
const RECEIVE_VLAN: u32 = 1 << 8;

/// `struct ethtool_channels`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Channels {
    command: u32,
    most_receive: u32,
    most_transmit: u32,
    most_other: u32,
    most_combined: u32,
    receive: u32,
    transmit: u32,
    other: u32,
    combined: u32,
}

/// `struct ethtool_drvinfo`.
#[repr(C)]
#[derive(Clone, Copy)]
struct Driver {
    command: u32,
    name: [u8; 32],
    others: [u8; 140],
    lengths: [u32; 5],
}

/// `struct ethtool_value`.
#[repr(C)]
#[derive(Clone, Copy)]
struct Value {
    command: u32,
    data: u32,
}

/// How many receive queues the interface uses.
///
/// # Errors
/// There is no such interface here.
pub(super) fn receive_queues(name: &str) -> io::Result<u32> {
    let mut channels = Channels { command: GET_CHANNELS, ..Channels::default() };
    match interface::ethtool(name, &mut channels) {
        Ok(()) => Ok((channels.receive + channels.combined).max(1)),
        // A driver that does not say has one.
        Err(error) if error.raw_os_error() == Some(libc::EOPNOTSUPP) => Ok(1),
        Err(error) => Err(error),
    }
}

/// Whether what several sockets send through the interface arrives in the order of their calls: a veth with one transmit
/// queue hands each frame to its far end at once.
pub(super) fn keeps_order(name: &str) -> bool {
    let mut driver = Driver { command: GET_DRIVER, name: [0; 32], others: [0; 140], lengths: [0; 5] };
    let mut channels = Channels { command: GET_CHANNELS, ..Channels::default() };
    interface::ethtool(name, &mut driver).is_ok()
        && driver.name.starts_with(b"veth\0")
        && interface::ethtool(name, &mut channels).is_ok()
        && channels.transmit + channels.combined <= 1
}

/// Has the interface leave VLAN tags where they are, so that a tagged frame is told from an untagged one. Not undone.
/// Where it cannot be had (no permission, a driver that always takes tags out) tagged frames pass as untagged ones.
pub(super) fn keep_vlan_tags(name: &str) {
    let mut flags = Value { command: GET_FLAGS, data: 0 };
    if interface::ethtool(name, &mut flags).is_ok() && flags.data & RECEIVE_VLAN != 0 {
        let _ = interface::ethtool(name, &mut Value { command: SET_FLAGS, data: flags.data & !RECEIVE_VLAN });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interface_that_does_not_say_has_one_queue_and_a_missing_one_none() {
        assert_eq!(receive_queues("lo").unwrap(), 1);
        assert!(receive_queues("cw-none-such").is_err());
        assert!(!keeps_order("lo"));
        assert!(!keeps_order("cw-none-such"));
    }
}
