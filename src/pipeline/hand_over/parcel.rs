//! What one worker gives another.

use std::net::IpAddr;

use crate::packet::Frame;
use crate::pipeline::outbox::Sent;
use crate::policy::ids::PortId;

/// What one worker gives another.
#[derive(Debug)]
pub enum Parcel {
    /// A packet of a flow that the other has.
    Packet {
        /// Where it came in.
        port: PortId,
        /// As it came in.
        frame: Frame,
        /// How it is to be counted where it cannot be handed over.
        sent: Sent,
    },
    /// A finished frame for a port that only the other can send through.
    Frame {
        /// Where to send it.
        port: PortId,
        /// The frame.
        frame: Frame,
        /// How it is to be counted.
        sent: Sent,
    },
    /// Where a neighbour is.
    Neighbour {
        /// The port that it is behind.
        port: PortId,
        /// Its address.
        address: IpAddr,
        /// Its MAC address.
        mac: [u8; 6],
    },
}
