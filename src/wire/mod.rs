//! Views over header bytes, checksums. Knows formats, not policy; allocates nothing; reads no byte it has not checked.
//!
//! A view borrows the fixed part of a header as an array, so that its length is checked once, when the view is made, and
//! every field after that is a plain load.

pub mod arp;
pub mod checksum;
pub mod ethernet;
pub mod icmp;
pub mod icmpv6;
pub mod ipv4;
pub mod ipv6;
pub mod ndp;
pub mod tcp;
pub mod udp;

/// IP protocol numbers (IANA "Assigned Internet Protocol Numbers") of what the dataplane carries.
pub mod protocol {
    /// ICMP (RFC 792).
    pub const ICMP: u8 = 1;
    /// TCP (RFC 9293).
    pub const TCP: u8 = 6;
    /// UDP (RFC 768).
    pub const UDP: u8 = 17;
    /// Encapsulating security payload (RFC 4303).
    pub const ESP: u8 = 50;
    /// Authentication header (RFC 4302).
    pub const AH: u8 = 51;
    /// ICMPv6 (RFC 4443).
    pub const ICMPV6: u8 = 58;
}

/// The `N` bytes from `at` on, if they are there.
#[inline]
#[must_use]
pub fn array_at<const N: usize>(bytes: &[u8], at: usize) -> Option<&[u8; N]> {
    bytes.get(at..)?.first_chunk()
}

/// The `N` bytes from `at` on, to be changed, if they are there.
#[inline]
#[must_use]
pub fn array_at_mut<const N: usize>(bytes: &mut [u8], at: usize) -> Option<&mut [u8; N]> {
    bytes.get_mut(at..)?.first_chunk_mut()
}

/// The big-endian 16-bit word at `at`, if it is there.
#[inline]
#[must_use]
pub fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    array_at(bytes, at).map(|word| u16::from_be_bytes(*word))
}

/// Writes a big-endian 16-bit word at `at`; false, and nothing written, where it does not fit.
#[inline]
pub fn set_u16_at(bytes: &mut [u8], at: usize, value: u16) -> bool {
    array_at_mut(bytes, at).map(|word| *word = value.to_be_bytes()).is_some()
}
