//! ARP (RFC 826).

use std::net::Ipv4Addr;

/// Length of a packet for IPv4 over Ethernet, in bytes.
pub const LENGTH: usize = 28;
/// Operation: who has this address?
pub const REQUEST: u16 = 1;
/// Operation: I have it.
pub const REPLY: u16 = 2;
/// Hardware type Ethernet.
pub const ETHERNET: u16 = 1;

/// A view over an ARP packet with the address sizes of IPv4 over Ethernet.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a>(&'a [u8; LENGTH]);

impl<'a> Packet<'a> {
    /// The packet at the start of `bytes`; `None` where they are too few.
    #[must_use]
    pub fn of(bytes: &'a [u8]) -> Option<Self> {
        bytes.first_chunk().map(Self)
    }

    /// Hardware type: [`ETHERNET`].
    #[must_use]
    pub const fn hardware(self) -> u16 {
        u16::from_be_bytes([self.0[0], self.0[1]])
    }

    /// Protocol type, an ethertype.
    #[must_use]
    pub const fn protocol(self) -> u16 {
        u16::from_be_bytes([self.0[2], self.0[3]])
    }

    /// Sizes of a hardware and of a protocol address; the view holds only where they are (6, 4).
    #[must_use]
    pub const fn address_sizes(self) -> (u8, u8) {
        (self.0[4], self.0[5])
    }

    /// [`REQUEST`], [`REPLY`], or something else.
    #[must_use]
    pub const fn operation(self) -> u16 {
        u16::from_be_bytes([self.0[6], self.0[7]])
    }

    /// Sender's MAC address.
    #[must_use]
    pub const fn sender_mac(self) -> [u8; 6] {
        let [_, _, _, _, _, _, _, _, a, b, c, d, e, f, ..] = *self.0;
        [a, b, c, d, e, f]
    }

    /// Sender's IPv4 address.
    #[must_use]
    pub const fn sender(self) -> Ipv4Addr {
        Ipv4Addr::new(self.0[14], self.0[15], self.0[16], self.0[17])
    }

    /// Target's IPv4 address.
    #[must_use]
    pub const fn target(self) -> Ipv4Addr {
        Ipv4Addr::new(self.0[24], self.0[25], self.0[26], self.0[27])
    }
}
