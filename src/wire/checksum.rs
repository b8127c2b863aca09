//! The Internet checksum (RFC 1071) and its incremental update (RFC 1624).
//!
//! Sums here are one's complement sums of big-endian 16-bit words. A *sum* is uncomplemented; a *checksum*, as headers
//! hold it, is the complement of a sum.

use std::net::IpAddr;

/// A one's complement sum in the making. Every slice but the last must have an even length.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sum(u64);

impl Sum {
    /// The sum of the pseudo-header of a TCP, UDP or ICMPv6 packet (RFC 9293 3.1, RFC 8200 8.1). `length` is that of
    /// the transport header with its payload, in bytes. Addresses of two families make no pseudo-header: their sum is
    /// merely a number.
    #[must_use]
    pub fn pseudo_header(source: IpAddr, destination: IpAddr, protocol: u8, length: usize) -> Self {
        let mut sum = Self::default();
        for address in [source, destination] {
            match address {
                IpAddr::V4(address) => sum.add_slice(&address.octets()),
                IpAddr::V6(address) => sum.add_slice(&address.octets()),
            }
        }
        sum.add_slice(&(length as u64).to_be_bytes());
        sum.add_word(u16::from(protocol));
        sum
    }

    /// Adds one word.
    #[inline]
    pub fn add_word(&mut self, word: u16) {
        self.0 += u64::from(word);
    }

    /// Adds a slice; an odd last byte counts as the high half of a word.
    #[inline]
    pub fn add_slice(&mut self, bytes: &[u8]) {
        self.0 += u64::from(sum(bytes));
    }

    /// The sum, folded to 16 bits.
    #[inline]
    #[must_use]
    pub const fn fold(self) -> u16 {
        fold(self.0)
    }

    /// The checksum that a header with this sum (its checksum field taken as 0) holds.
    #[inline]
    #[must_use]
    pub const fn checksum(self) -> u16 {
        !self.fold()
    }

    /// Whether the bytes summed, their checksum field included, agree with it.
    #[inline]
    #[must_use]
    pub const fn is_valid(self) -> bool {
        self.fold() == 0xffff
    }
}

/// The folded sum of a slice.
///
/// Adds native 32-bit words, which the compiler does many at a time, and turns the bytes round at the end: one's
/// complement sums do not mind (RFC 1071 section 2, B).
#[inline]
#[must_use]
pub fn sum(bytes: &[u8]) -> u16 {
    let (words, rest) = bytes.as_chunks::<4>();
    let mut total: u64 = words.iter().map(|word| u64::from(u32::from_ne_bytes(*word))).sum();
    let mut last = [0; 4];
    for (to, from) in last.iter_mut().zip(rest) {
        *to = *from;
    }
    total += u64::from(u32::from_ne_bytes(last));
    u16::from_be(fold(total))
}

/// Adds both halves, and again both halves of that: the upper half of a number plus itself turned round is the one's
/// complement sum of its halves.
#[inline]
const fn fold(total: u64) -> u16 {
    let halves = (total.wrapping_add(total.rotate_left(32)) >> 32) as u32;
    (halves.wrapping_add(halves.rotate_left(16)) >> 16) as u16
}

/// What a change of some words does to a sum over them: Σ (~m + m'), equation 3 of RFC 1624.
#[derive(Clone, Copy, Debug, Default)]
pub struct Delta(u64);

impl Delta {
    /// A 16-bit word changed.
    #[inline]
    pub fn replace_u16(&mut self, old: u16, new: u16) {
        self.0 += u64::from(!old) + u64::from(new);
    }

    /// A 32-bit word changed: two 16-bit ones.
    #[inline]
    pub fn replace_u32(&mut self, old: u32, new: u32) {
        self.0 += u64::from(!old) + u64::from(new);
    }

    /// Bytes changed, an IPv6 address for one; both slices start at an even offset of what the checksum covers and have
    /// one even length.
    #[inline]
    pub fn replace_slice(&mut self, old: &[u8], new: &[u8]) {
        self.replace_u16(sum(old), sum(new));
    }

    /// What changed in another place that the checksum covers too.
    #[inline]
    pub fn join(&mut self, other: Self) {
        self.0 += other.0;
    }

    /// Whether no word was replaced.
    #[inline]
    #[must_use]
    pub const fn is_none(self) -> bool {
        self.0 == 0
    }

    /// The new checksum. A valid one stays valid and a wrong one wrong.
    #[inline]
    #[must_use]
    pub const fn update(self, checksum: u16) -> u16 {
        !self.update_sum(!checksum)
    }

    /// The new checksum of a UDP header: 0 says that there is none and stays, and a computed 0 is sent as 0xffff
    /// (RFC 768).
    #[inline]
    #[must_use]
    pub const fn update_udp(self, checksum: u16) -> u16 {
        match checksum {
            0 => 0,
            checksum => nonzero(self.update(checksum)),
        }
    }

    /// The new value of an uncomplemented sum, such as a header holds whose checksum is left to the device.
    #[inline]
    #[must_use]
    pub const fn update_sum(self, sum: u16) -> u16 {
        fold(fold(self.0) as u64 + sum as u64)
    }
}

/// A UDP checksum as it is sent: a computed 0 becomes 0xffff, which means the same number (RFC 768).
#[inline]
#[must_use]
pub const fn nonzero(checksum: u16) -> u16 {
    if checksum == 0 { 0xffff } else { checksum }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// RFC 1071, word by word.
    fn reference(bytes: &[u8]) -> u16 {
        let mut total: u32 = 0;
        for pair in bytes.chunks(2) {
            total += u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0));
            total = (total & 0xffff) + (total >> 16);
        }
        total as u16
    }

    #[test]
    fn sums_the_example_of_rfc_1071() {
        assert_eq!(sum(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]), 0xddf2);
    }

    #[test]
    fn updates_the_example_of_rfc_1624() {
        let mut delta = Delta::default();
        delta.replace_u16(0x5555, 0x3285);
        assert_eq!(delta.update(0xdd2f), 0x0000);
    }

    #[test]
    fn a_full_slice_of_ones_does_not_overflow() {
        assert_eq!(sum(&[0xff; 65_536]), 0xffff);
    }

    #[test]
    fn udp_without_checksum_stays_without() {
        let mut delta = Delta::default();
        delta.replace_u32(0x0a01_0104, 0xc000_020a);
        assert_eq!(delta.update_udp(0), 0);
    }

    #[test]
    fn udp_that_computes_to_zero_is_sent_as_ones() {
        let mut delta = Delta::default();
        delta.replace_u16(0x5555, 0x3285);
        assert_eq!(delta.update_udp(0xdd2f), 0xffff);
    }

    proptest! {
        #[test]
        fn sum_is_the_reference(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(sum(&bytes), reference(&bytes));
        }

        #[test]
        fn split_sums_add_up(bytes in prop::collection::vec(any::<u8>(), 0..200), at in 0_usize..100) {
            let (head, tail) = bytes.split_at((at * 2).min(bytes.len() & !1));
            let mut total = Sum::default();
            total.add_slice(head);
            total.add_slice(tail);
            prop_assert_eq!(total.fold(), reference(&bytes));
        }

        #[test]
        fn incremental_is_recomputed(
            bytes in prop::collection::vec(any::<u8>(), 20..60), at in 0_usize..5, word: u16, long: u32, address: [u8; 16],
        ) {
            let (mut bytes, at) = (bytes, at * 2);
            bytes[19] |= 1; // a sum of nothing but zeros is the one that RFC 1624 cannot tell from 0xffff
            let before = !reference(&bytes);
            let mut delta = Delta::default();
            delta.replace_u16(u16_of(&bytes, at), word);
            bytes[at..at + 2].copy_from_slice(&word.to_be_bytes());
            delta.replace_u32(u32::from_be_bytes(bytes[12..16].try_into().unwrap()), long);
            bytes[12..16].copy_from_slice(&long.to_be_bytes());
            delta.replace_slice(&bytes[2..18], &address);
            bytes[2..18].copy_from_slice(&address);
            prop_assert_eq!(delta.update(before), !reference(&bytes));
            prop_assert_eq!(delta.update_sum(!before), reference(&bytes));
        }
    }

    fn u16_of(bytes: &[u8], at: usize) -> u16 {
        u16::from_be_bytes([bytes[at], bytes[at + 1]])
    }
}
