//! Ethernet II header (IEEE 802.3): destination, source, ethertype.

/// Length of the header without tags, in bytes.
pub const LENGTH: usize = 14;
/// Offset of the ethertype.
pub const ETHERTYPE: usize = 12;
/// Smallest ethertype; anything below is the length field of an 802.3 frame with LLC.
pub const FIRST_ETHERTYPE: u16 = 0x0600;

/// Ethertypes that the dataplane reads (IANA "IEEE 802 Numbers").
pub mod ethertype {
    /// IPv4.
    pub const IPV4: u16 = 0x0800;
    /// ARP.
    pub const ARP: u16 = 0x0806;
    /// IPv6.
    pub const IPV6: u16 = 0x86dd;
}

/// A view over an Ethernet header.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a>(&'a [u8; LENGTH]);

impl<'a> Header<'a> {
    /// The header and what is behind it; `None` where the frame is too short.
    #[inline]
    #[must_use]
    pub fn split(frame: &'a [u8]) -> Option<(Self, &'a [u8])> {
        frame.split_first_chunk().map(|(header, rest)| (Self(header), rest))
    }

    /// To whom.
    #[inline]
    #[must_use]
    pub const fn destination(self) -> [u8; 6] {
        let [a, b, c, d, e, f, ..] = *self.0;
        [a, b, c, d, e, f]
    }

    /// From whom.
    #[inline]
    #[must_use]
    pub const fn source(self) -> [u8; 6] {
        let [_, _, _, _, _, _, a, b, c, d, e, f, ..] = *self.0;
        [a, b, c, d, e, f]
    }

    /// What is inside, or below [`FIRST_ETHERTYPE`] a length.
    #[inline]
    #[must_use]
    pub const fn ethertype(self) -> u16 {
        u16::from_be_bytes([self.0[12], self.0[13]])
    }
}

/// Whether an address names a group (broadcast included): never a sender.
#[inline]
#[must_use]
pub const fn is_multicast(mac: [u8; 6]) -> bool {
    mac[0] & 1 != 0
}

/// Writes both addresses; false, and nothing written, where the frame is too short.
#[inline]
pub fn set_macs(frame: &mut [u8], destination: [u8; 6], source: [u8; 6]) -> bool {
    let Some((to, rest)) = frame.split_first_chunk_mut::<6>() else { return false };
    let Some(from) = rest.first_chunk_mut::<6>() else { return false };
    *to = destination;
    *from = source;
    true
}
