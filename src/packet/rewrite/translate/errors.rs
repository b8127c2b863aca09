//! ICMP errors of one family as those of the other: type, code, and what goes with them (RFC 7915, 4.2 and 5.2).

use crate::wire::{icmp, icmpv6, ipv4, ipv6};

/// Bytes that a header of the longer family has more.
const DIFFERENCE: u32 = (ipv6::LENGTH - ipv4::LENGTH) as u32;
/// What every IPv6 link takes.
const LEAST_MTU_V6: u32 = 1_280;
/// What every IPv4 link takes.
const LEAST_MTU_V4: u32 = 68;
/// Sizes that links have (RFC 1191 7), for routers that do not tell theirs.
const PLATEAUS: [u32; 10] = [65_535, 32_000, 17_914, 8_166, 4_352, 2_002, 1_492, 1_006, 508, 296];

/// Codes of ICMP "destination unreachable".
mod v4 {
    pub(super) const HOST: u8 = 1;
    pub(super) const PROTOCOL: u8 = 2;
    pub(super) const PORT: u8 = 3;
    pub(super) const TOO_BIG: u8 = 4;
    pub(super) const HOST_PROHIBITED: u8 = 10;
}

/// Codes of ICMPv6 "destination unreachable" and "parameter problem".
mod v6 {
    pub(super) const NO_ROUTE: u8 = 0;
    pub(super) const PROHIBITED: u8 = 1;
    pub(super) const PORT: u8 = 4;
    pub(super) const UNKNOWN_NEXT_HEADER: u8 = 1;
}

/// An ICMP error's header as ICMPv6's, its checksum 0; `None` where there is no such message. `quoted_length` is that of
/// the packet which the error quotes, in bytes.
pub(super) fn to_v6(header: [u8; icmp::LENGTH], quoted_length: usize) -> Option<[u8; icmp::LENGTH]> {
    let [kind, code, _, _, pointer, _, high, low] = header;
    let (kind, code, rest) = match (kind, code) {
        (icmp::kind::UNREACHABLE, 0 | v4::HOST | 5..=8 | 11 | 12) => (icmpv6::kind::UNREACHABLE, v6::NO_ROUTE, 0),
        (icmp::kind::UNREACHABLE, v4::PROTOCOL) => (icmpv6::kind::PARAMETER_PROBLEM, v6::UNKNOWN_NEXT_HEADER, 6),
        (icmp::kind::UNREACHABLE, v4::PORT) => (icmpv6::kind::UNREACHABLE, v6::PORT, 0),
        (icmp::kind::UNREACHABLE, v4::TOO_BIG) => (icmpv6::kind::PACKET_TOO_BIG, 0, mtu_v6(u16::from_be_bytes([high, low]), quoted_length)),
        (icmp::kind::UNREACHABLE, 9 | v4::HOST_PROHIBITED | 13 | 15) => (icmpv6::kind::UNREACHABLE, v6::PROHIBITED, 0),
        (icmp::kind::TIME_EXCEEDED, code) => (icmpv6::kind::TIME_EXCEEDED, code, 0),
        (icmp::kind::PARAMETER_PROBLEM, 0 | 2) => (icmpv6::kind::PARAMETER_PROBLEM, 0, pointer_v6(pointer)?),
        _ => return None,
    };
    Some(message(kind, code, rest))
}

/// An ICMPv6 error's header as ICMP's, its checksum 0; `None` where there is no such message.
pub(super) fn to_v4(header: [u8; icmp::LENGTH]) -> Option<[u8; icmp::LENGTH]> {
    let [kind, code, _, _, rest @ ..] = header;
    let rest = u32::from_be_bytes(rest);
    let (kind, code, rest) = match (kind, code) {
        (icmpv6::kind::UNREACHABLE, v6::NO_ROUTE | 2 | 3) => (icmp::kind::UNREACHABLE, v4::HOST, 0),
        (icmpv6::kind::UNREACHABLE, v6::PROHIBITED) => (icmp::kind::UNREACHABLE, v4::HOST_PROHIBITED, 0),
        (icmpv6::kind::UNREACHABLE, v6::PORT) => (icmp::kind::UNREACHABLE, v4::PORT, 0),
        (icmpv6::kind::PACKET_TOO_BIG, _) => (icmp::kind::UNREACHABLE, v4::TOO_BIG, mtu_v4(rest)),
        (icmpv6::kind::TIME_EXCEEDED, code) => (icmp::kind::TIME_EXCEEDED, code, 0),
        (icmpv6::kind::PARAMETER_PROBLEM, 0) => (icmp::kind::PARAMETER_PROBLEM, 0, u32::from(pointer_v4(rest)?) << 24),
        (icmpv6::kind::PARAMETER_PROBLEM, v6::UNKNOWN_NEXT_HEADER) => (icmp::kind::UNREACHABLE, v4::PROTOCOL, 0),
        _ => return None,
    };
    Some(message(kind, code, rest))
}

fn message(kind: u8, code: u8, rest: u32) -> [u8; icmp::LENGTH] {
    let [a, b, c, d] = rest.to_be_bytes();
    [kind, code, 0, 0, a, b, c, d]
}

/// A router that does not tell its size has the next smaller one that links have. Below the least nobody goes: what is
/// that short may be cut.
fn mtu_v6(told: u16, quoted_length: usize) -> u32 {
    let guessed = || PLATEAUS.into_iter().find(|plateau| (*plateau as usize) < quoted_length).unwrap_or(LEAST_MTU_V4);
    let mtu = if told == 0 { guessed() } else { u32::from(told) };
    (mtu + DIFFERENCE).max(LEAST_MTU_V6)
}

fn mtu_v4(told: u32) -> u32 {
    told.saturating_sub(DIFFERENCE).clamp(LEAST_MTU_V4, u32::from(u16::MAX))
}

/// The field of an IPv6 header that corresponds to that of an IPv4 header.
const fn pointer_v6(field: u8) -> Option<u32> {
    Some(match field {
        0 | 1 => field as u32,
        2 | 3 => 4,
        8 => 7,
        9 => 6,
        12..=15 => 8,
        16..=19 => 24,
        _ => return None,
    })
}

const fn pointer_v4(field: u32) -> Option<u8> {
    Some(match field {
        0 | 1 => field as u8,
        4 | 5 => 2,
        6 => protocol_field(),
        7 => 8,
        8..=23 => 12,
        24..=39 => 16,
        _ => return None,
    })
}

/// Where an IPv4 header holds its protocol.
const fn protocol_field() -> u8 {
    ipv4::TTL_AND_PROTOCOL as u8 + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v6_of(kind: u8, code: u8, rest: u32) -> Option<(u8, u8, u32)> {
        to_v6(message(kind, code, rest), 1500).map(taken_apart)
    }

    fn v4_of(kind: u8, code: u8, rest: u32) -> Option<(u8, u8, u32)> {
        to_v4(message(kind, code, rest)).map(taken_apart)
    }

    fn taken_apart([kind, code, _, _, a, b, c, d]: [u8; 8]) -> (u8, u8, u32) {
        (kind, code, u32::from_be_bytes([a, b, c, d]))
    }

    #[test]
    fn unreachables_follow_the_tables_of_rfc_7915() {
        for code in [0, 1, 5, 6, 7, 8, 11, 12] {
            assert_eq!(v6_of(3, code, 0), Some((1, 0, 0)), "{code}");
        }
        for code in [9, 10, 13, 15] {
            assert_eq!(v6_of(3, code, 0), Some((1, 1, 0)), "{code}");
        }
        assert_eq!((v6_of(3, 2, 0), v6_of(3, 3, 0), v6_of(3, 14, 0)), (Some((4, 1, 6)), Some((1, 4, 0)), None));
        for code in [0, 2, 3] {
            assert_eq!(v4_of(1, code, 0), Some((3, 1, 0)), "{code}");
        }
        assert_eq!((v4_of(1, 1, 0), v4_of(1, 4, 0), v4_of(1, 5, 0)), (Some((3, 10, 0)), Some((3, 3, 0)), None));
    }

    #[test]
    fn sizes_are_those_of_the_other_family() {
        assert_eq!(v6_of(3, 4, 1400), Some((2, 0, 1420)));
        assert_eq!(v6_of(3, 4, 600), Some((2, 0, 1280)), "no IPv6 link takes less");
        assert_eq!(v6_of(3, 4, 0), Some((2, 0, 1512)), "the next smaller than 1500");
        assert_eq!(v4_of(2, 0, 1400), Some((3, 4, 1380)));
        assert_eq!((v4_of(2, 0, 0), v4_of(2, 0, u32::MAX)), (Some((3, 4, 68)), Some((3, 4, 65_535))));
    }

    #[test]
    fn times_and_parameters() {
        assert_eq!((v6_of(11, 1, 0), v4_of(3, 1, 0)), (Some((3, 1, 0)), Some((11, 1, 0))));
        assert_eq!((v6_of(12, 0, 9 << 24), v4_of(4, 0, 6)), (Some((4, 0, 6)), Some((12, 0, 9 << 24))));
        assert_eq!((v6_of(12, 1, 0), v6_of(12, 0, 4 << 24), v4_of(4, 2, 0), v4_of(4, 0, 40)), (None, None, None, None));
        assert_eq!(v4_of(4, 1, 6), Some((3, 2, 0)), "an unknown next header is an unknown protocol");
    }

    #[test]
    fn what_is_no_error_has_no_other_form() {
        assert_eq!((v6_of(8, 0, 0), v6_of(13, 0, 0), v4_of(128, 0, 0), v4_of(135, 0, 0)), (None, None, None, None));
    }
}
