//! IPv6 header and the walk over its extension headers (RFC 8200).

use std::net::Ipv6Addr;

use super::array_at;

/// Length of the fixed header, in bytes.
pub const LENGTH: usize = 40;
/// Offset of the payload length.
pub const PAYLOAD_LENGTH: usize = 4;
/// Offset of the number of what follows.
pub const NEXT_HEADER: usize = 6;
/// Offset of the hop limit.
pub const HOP_LIMIT: usize = 7;
/// Offset of the source address; the destination follows it.
pub const ADDRESSES: usize = 8;

/// More extension headers than any honest packet has; the walk ends there.
const MOST_EXTENSIONS: usize = 8;
const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
/// The fragment header's number among the protocols.
pub const FRAGMENT: u8 = 44;
/// Length of the fragment header, in bytes.
pub const FRAGMENT_LENGTH: usize = 8;
const DESTINATION_OPTIONS: u8 = 60;

/// A view over the fixed IPv6 header.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a>(&'a [u8; LENGTH]);

impl<'a> Header<'a> {
    /// The header at the start of `bytes`; `None` where they are too few.
    #[inline]
    #[must_use]
    pub fn of(bytes: &'a [u8]) -> Option<Self> {
        bytes.first_chunk().map(Self)
    }

    /// The IP version that the packet claims.
    #[inline]
    #[must_use]
    pub const fn version(self) -> u8 {
        self.0[0] >> 4
    }

    /// Traffic class: DSCP and, in the two low bits, ECN.
    #[inline]
    #[must_use]
    pub const fn traffic_class(self) -> u8 {
        self.0[0] << 4 | self.0[1] >> 4
    }

    /// Bytes behind the fixed header.
    #[inline]
    #[must_use]
    pub const fn payload_length(self) -> usize {
        u16::from_be_bytes([self.0[4], self.0[5]]) as usize
    }

    /// What follows the fixed header.
    #[inline]
    #[must_use]
    pub const fn next_header(self) -> u8 {
        self.0[6]
    }

    /// Hop limit.
    #[inline]
    #[must_use]
    pub const fn hop_limit(self) -> u8 {
        self.0[HOP_LIMIT]
    }

    /// Source address.
    #[inline]
    #[must_use]
    pub fn source(self) -> Ipv6Addr {
        array_at::<16>(self.0, ADDRESSES).map_or(Ipv6Addr::UNSPECIFIED, |octets| Ipv6Addr::from(*octets))
    }

    /// Destination address.
    #[inline]
    #[must_use]
    pub fn destination(self) -> Ipv6Addr {
        array_at::<16>(self.0, ADDRESSES + 16).map_or(Ipv6Addr::UNSPECIFIED, |octets| Ipv6Addr::from(*octets))
    }
}

/// A fixed header to be written; its flow label is 0.
#[derive(Clone, Copy, Debug)]
pub struct Fields {
    /// Traffic class: DSCP and, in the two low bits, ECN.
    pub traffic_class: u8,
    /// Bytes behind the fixed header.
    pub payload_length: u16,
    /// What follows the fixed header.
    pub next_header: u8,
    /// Hop limit.
    pub hop_limit: u8,
    /// Source address.
    pub source: Ipv6Addr,
    /// Destination address.
    pub destination: Ipv6Addr,
}

impl Fields {
    /// The header's bytes.
    #[must_use]
    pub fn to_bytes(self) -> [u8; LENGTH] {
        let mut bytes = [0; LENGTH];
        let [l0, l1] = self.payload_length.to_be_bytes();
        bytes[..ADDRESSES].copy_from_slice(&[
            0x60 | self.traffic_class >> 4,
            self.traffic_class << 4,
            0,
            0,
            l0,
            l1,
            self.next_header,
            self.hop_limit,
        ]);
        bytes[ADDRESSES..ADDRESSES + 16].copy_from_slice(&self.source.octets());
        bytes[ADDRESSES + 16..].copy_from_slice(&self.destination.octets());
        bytes
    }
}

/// The fragment header of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FragmentHeader {
    /// Identification that all pieces share.
    pub identification: u32,
    /// Where the payload belongs in the fragmentable part, in bytes.
    pub offset: usize,
    /// This is not the last piece.
    pub more: bool,
}

impl FragmentHeader {
    /// The header's bytes; behind it comes `next_header`.
    #[must_use]
    pub const fn to_bytes(self, next_header: u8) -> [u8; FRAGMENT_LENGTH] {
        let [high, low] = (self.offset as u16 & 0xfff8 | self.more as u16).to_be_bytes();
        let [a, b, c, d] = self.identification.to_be_bytes();
        [next_header, 0, high, low, a, b, c, d]
    }
}

/// What the walk over the extension headers found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chain {
    /// What comes behind the extension headers. In a later fragment: what its fragment header names, which may be another
    /// extension header.
    pub protocol: u8,
    /// Where it starts, bytes from the start of what was walked.
    pub length: usize,
    /// The fragment header, if there is one.
    pub fragment: Option<FragmentHeader>,
    /// Where the payload of the fragment header starts (only with `fragment`).
    pub fragmentable: usize,
    /// A routing header has segments left: the destination in the header is not the last one.
    pub source_routed: bool,
}

/// Walks the extension headers in `bytes`, which follow the fixed header, and stops at the first header of another kind,
/// or behind the fragment header of a later fragment. `None` where a header is cut short, hop-by-hop options are not
/// first, fragment headers are nested, or there are too many.
#[inline]
#[must_use]
pub fn walk(next_header: u8, bytes: &[u8]) -> Option<Chain> {
    let mut chain = Chain { protocol: next_header, length: 0, fragment: None, fragmentable: 0, source_routed: false };
    for step in 0..=MOST_EXTENSIONS {
        match chain.protocol {
            HOP_BY_HOP if step > 0 => return None,
            HOP_BY_HOP | DESTINATION_OPTIONS | ROUTING => skip_options(&mut chain, bytes)?,
            FRAGMENT => {
                if skip_fragment(&mut chain, bytes)?.offset > 0 {
                    return Some(chain);
                }
            }
            _ => return Some(chain),
        }
    }
    None
}

fn skip_options(chain: &mut Chain, bytes: &[u8]) -> Option<()> {
    let &[next, length, _, segments_left] = array_at(bytes, chain.length)?;
    chain.source_routed |= chain.protocol == ROUTING && segments_left > 0;
    chain.length += (usize::from(length) + 1) * 8;
    chain.protocol = next;
    (chain.length <= bytes.len()).then_some(())
}

fn skip_fragment(chain: &mut Chain, bytes: &[u8]) -> Option<FragmentHeader> {
    let &[next, _, high, low, a, b, c, d] = array_at(bytes, chain.length)?;
    if chain.fragment.is_some() {
        return None;
    }
    let word = u16::from_be_bytes([high, low]);
    let fragment =
        FragmentHeader { identification: u32::from_be_bytes([a, b, c, d]), offset: usize::from(word & 0xfff8), more: word & 1 != 0 };
    chain.length += 8;
    chain.fragmentable = chain.length;
    chain.protocol = next;
    chain.fragment = Some(fragment);
    Some(fragment)
}

/// Whether a protocol number is an extension header that may lie behind a fragment header.
#[must_use]
pub const fn is_fragmentable_extension(protocol: u8) -> bool {
    matches!(protocol, DESTINATION_OPTIONS | ROUTING)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: [u8; 8] = [17, 0, 1, 4, 0, 0, 0, 0];

    #[test]
    fn nothing_to_walk() {
        let chain = walk(6, &[]).unwrap();
        assert_eq!((chain.protocol, chain.length, chain.fragment), (6, 0, None));
    }

    #[test]
    fn options_are_skipped() {
        let chain = walk(HOP_BY_HOP, &OPTIONS).unwrap();
        assert_eq!((chain.protocol, chain.length), (17, 8));
    }

    #[test]
    fn a_header_cut_short_ends_the_walk() {
        for end in 0..8 {
            assert_eq!(walk(DESTINATION_OPTIONS, &OPTIONS[..end]), None, "{end}");
            assert_eq!(walk(FRAGMENT, &OPTIONS[..end]), None, "{end}");
        }
        assert_eq!(walk(DESTINATION_OPTIONS, &[17, 1, 1, 4, 0, 0, 0, 0]), None);
    }

    #[test]
    fn hop_by_hop_options_come_first_or_never() {
        assert_eq!(walk(DESTINATION_OPTIONS, &[HOP_BY_HOP, 0, 1, 4, 0, 0, 0, 0, 17, 0, 1, 4, 0, 0, 0, 0]), None);
    }

    #[test]
    fn a_later_fragment_ends_the_walk_a_first_one_does_not() {
        let fragment = |offset: u8| [[DESTINATION_OPTIONS, 0, 0, offset | 1, 0, 0, 0, 9], OPTIONS].concat();
        let first = walk(FRAGMENT, &fragment(0)).unwrap();
        assert_eq!((first.protocol, first.length, first.fragmentable), (17, 16, 8));
        let later = walk(FRAGMENT, &fragment(8)).unwrap();
        assert_eq!((later.protocol, later.length, later.fragmentable), (DESTINATION_OPTIONS, 8, 8));
        assert_eq!(later.fragment, Some(FragmentHeader { identification: 9, offset: 8, more: true }));
    }

    #[test]
    fn nested_fragment_headers_are_refused() {
        assert_eq!(walk(FRAGMENT, &[[FRAGMENT, 0, 0, 1, 0, 0, 0, 9], [17, 0, 0, 1, 0, 0, 0, 9]].concat()), None);
    }

    #[test]
    fn a_routing_header_with_segments_left_is_seen() {
        assert!(walk(ROUTING, &[17, 0, 0, 1, 0, 0, 0, 0]).unwrap().source_routed);
        assert!(!walk(ROUTING, &[17, 0, 0, 0, 0, 0, 0, 0]).unwrap().source_routed);
    }

    #[test]
    fn the_walk_is_bounded() {
        let chain = [DESTINATION_OPTIONS, 0, 1, 4, 0, 0, 0, 0].repeat(100);
        assert_eq!(walk(DESTINATION_OPTIONS, &chain), None);
    }
}
