//! IPv4 header (RFC 791).

use std::net::Ipv4Addr;

use super::checksum::sum;

/// Length of the header without options, in bytes.
pub const LENGTH: usize = 20;
/// Offset of the total length.
pub const TOTAL_LENGTH: usize = 2;
/// Offset of the identification.
pub const IDENTIFICATION: usize = 4;
/// Offset of the flags and the fragment offset.
pub const FRAGMENT: usize = 6;
/// Offset of the 16-bit word that TTL and protocol make.
pub const TTL_AND_PROTOCOL: usize = 8;
/// Offset of the header checksum.
pub const CHECKSUM: usize = 10;
/// Offset of the source address; the destination follows it.
pub const ADDRESSES: usize = 12;

/// The header checksum after the TTL, the upper half of its word, went down by one: the checksum goes up by as much, carry
/// round the end (RFC 1141). The checksum of a header is never 0xffff, which is 0 then (RFC 1624).
#[inline(always)]
#[must_use]
pub const fn checksum_of_one_hop_less(checksum: u16) -> u16 {
    let (more, carry) = checksum.overflowing_add(0x0100);
    more.wrapping_add((carry || more == u16::MAX) as u16)
}

/// A view over the fixed part of an IPv4 header.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a>(&'a [u8; LENGTH]);

impl<'a> Header<'a> {
    /// The header at the start of `bytes`; `None` where they are too few.
    #[inline]
    #[must_use]
    pub fn of(bytes: &'a [u8]) -> Option<Self> {
        bytes.first_chunk().map(Self)
    }

    /// The sum of the fixed part: 0xffff where there are no options and its checksum is right.
    #[inline]
    #[must_use]
    pub fn sum(self) -> u16 {
        sum(self.0)
    }

    /// The IP version that the packet claims.
    #[inline]
    #[must_use]
    pub const fn version(self) -> u8 {
        self.0[0] >> 4
    }

    /// Length of the header with its options, in bytes; below [`LENGTH`] it is wrong.
    #[inline]
    #[must_use]
    pub const fn header_length(self) -> usize {
        (self.0[0] & 0x0f) as usize * 4
    }

    /// Type of service: DSCP and, in the two low bits, ECN.
    #[inline]
    #[must_use]
    pub const fn type_of_service(self) -> u8 {
        self.0[1]
    }

    /// Length of the packet, header included.
    #[inline]
    #[must_use]
    pub const fn total_length(self) -> usize {
        u16::from_be_bytes([self.0[2], self.0[3]]) as usize
    }

    /// Identification that the fragments of a packet share.
    #[inline]
    #[must_use]
    pub const fn identification(self) -> u16 {
        u16::from_be_bytes([self.0[4], self.0[5]])
    }

    /// "Don't fragment".
    #[inline]
    #[must_use]
    pub const fn dont_fragment(self) -> bool {
        self.0[6] & 0x40 != 0
    }

    /// "More fragments": this is not the last.
    #[inline]
    #[must_use]
    pub const fn more_fragments(self) -> bool {
        self.0[6] & 0x20 != 0
    }

    /// Where the payload belongs in the whole packet's, in bytes.
    #[inline]
    #[must_use]
    pub const fn fragment_offset(self) -> usize {
        (u16::from_be_bytes([self.0[6], self.0[7]]) & 0x1fff) as usize * 8
    }

    /// Whether this is no fragment: neither an offset nor "more fragments".
    #[inline]
    #[must_use]
    pub const fn is_whole(self) -> bool {
        u16::from_be_bytes([self.0[6], self.0[7]]) & 0x3fff == 0
    }

    /// Time to live.
    #[inline]
    #[must_use]
    pub const fn ttl(self) -> u8 {
        self.0[8]
    }

    /// Protocol of the payload.
    #[inline]
    #[must_use]
    pub const fn protocol(self) -> u8 {
        self.0[9]
    }

    /// Source address.
    #[inline]
    #[must_use]
    pub const fn source(self) -> Ipv4Addr {
        Ipv4Addr::new(self.0[12], self.0[13], self.0[14], self.0[15])
    }

    /// Destination address.
    #[inline]
    #[must_use]
    pub const fn destination(self) -> Ipv4Addr {
        Ipv4Addr::new(self.0[16], self.0[17], self.0[18], self.0[19])
    }
}

/// A header to be written, without options.
#[derive(Clone, Copy, Debug)]
pub struct Fields {
    /// Type of service: DSCP and, in the two low bits, ECN.
    pub type_of_service: u8,
    /// Length of the packet, header included.
    pub total_length: u16,
    /// Identification that the fragments of a packet share.
    pub identification: u16,
    /// "Don't fragment".
    pub dont_fragment: bool,
    /// "More fragments".
    pub more_fragments: bool,
    /// Where the payload belongs in the whole packet's, in bytes: a multiple of eight.
    pub fragment_offset: usize,
    /// Time to live.
    pub ttl: u8,
    /// Protocol of the payload.
    pub protocol: u8,
    /// Source address.
    pub source: Ipv4Addr,
    /// Destination address.
    pub destination: Ipv4Addr,
}

impl Fields {
    /// The header's bytes, checksum included.
    #[must_use]
    pub fn to_bytes(self) -> [u8; LENGTH] {
        let [l0, l1] = self.total_length.to_be_bytes();
        let [i0, i1] = self.identification.to_be_bytes();
        let flags = u16::from(self.dont_fragment) << 14 | u16::from(self.more_fragments) << 13;
        let [f0, f1] = (flags | (self.fragment_offset / 8) as u16 & 0x1fff).to_be_bytes();
        let [s0, s1, s2, s3] = self.source.octets();
        let [d0, d1, d2, d3] = self.destination.octets();
        let Self { type_of_service, ttl, protocol, .. } = self;
        let mut bytes = [0x45, type_of_service, l0, l1, i0, i1, f0, f1, ttl, protocol, 0, 0, s0, s1, s2, s3, d0, d1, d2, d3];
        let checksum = !sum(&bytes);
        super::set_u16_at(&mut bytes, CHECKSUM, checksum);
        bytes
    }
}

/// What the options of a header say to a router.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Options {
    /// Nothing that changes the packet's way.
    Plain,
    /// Loose or strict source routing: the destination in the header is not the last one.
    SourceRouted,
    /// An option is cut short.
    Malformed,
}

/// Reads the options, the bytes between the fixed part and the payload (RFC 791 section 3.1).
#[must_use]
pub fn options(mut bytes: &[u8]) -> Options {
    const END: u8 = 0;
    const NO_OPERATION: u8 = 1;
    const LOOSE_SOURCE_ROUTE: u8 = 131;
    const STRICT_SOURCE_ROUTE: u8 = 137;
    loop {
        bytes = match *bytes {
            [] | [END, ..] => return Options::Plain,
            [NO_OPERATION, ref rest @ ..] => rest,
            [LOOSE_SOURCE_ROUTE | STRICT_SOURCE_ROUTE, ..] => return Options::SourceRouted,
            [_, length, ..] if length >= 2 => match bytes.get(usize::from(length)..) {
                Some(rest) => rest,
                None => return Options::Malformed,
            },
            _ => return Options::Malformed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_walked_to_their_end() {
        assert_eq!(options(&[]), Options::Plain);
        assert_eq!(options(&[1, 1, 1, 0]), Options::Plain);
        assert_eq!(options(&[7, 7, 4, 0, 0, 0, 0, 0]), Options::Plain);
        assert_eq!(options(&[0, 131, 7, 4]), Options::Plain, "behind the end nothing counts");
    }

    #[test]
    fn source_routes_are_seen() {
        assert_eq!(options(&[1, 131, 7, 4, 1, 2, 3, 4]), Options::SourceRouted);
        assert_eq!(options(&[137, 3, 4, 0]), Options::SourceRouted);
    }

    #[test]
    fn options_cut_short_are_malformed() {
        for bytes in [&[7][..], &[7, 0, 0, 0], &[7, 1, 0, 0], &[7, 5, 0, 0]] {
            assert_eq!(options(bytes), Options::Malformed, "{bytes:?}");
        }
    }
}
