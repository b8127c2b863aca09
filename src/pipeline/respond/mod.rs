//! Frames that the dataplane makes itself: address resolution, errors, resets, the 403 page, fragments.
//!
//! Every function here is pure: bytes and a layout in, a frame out. None is on the way of a packet of a known flow, so
//! headers are built and checksummed by `etherparse`. A frame that could not be built is left empty.

pub mod arp;
mod build;
pub mod forbidden;
mod forbidden_page;
pub mod fragment;
pub mod icmp_error;
pub mod ndp;
pub mod rate_limit;
pub mod reset;
#[cfg(test)]
pub(crate) mod testing;

use std::net::Ipv6Addr;

/// The MAC address that the dataplane answers with for everything that is not behind the asking port; Azure's hosts see
/// the same one as their gateway's.
pub const GATEWAY_MAC: [u8; 6] = [0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc];

/// The gateway's link-local IPv6 address: the source of our neighbour solicitations.
pub const GATEWAY_LINK_LOCAL: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0x1234, 0x5678, 0x9abc);
