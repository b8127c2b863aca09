//! Neighbour solicitations and advertisements (RFC 4861 sections 4.3 and 4.4).

use std::net::Ipv6Addr;

use super::array_at;

/// Length of both messages without options, in bytes, ICMPv6 header included.
pub const LENGTH: usize = 24;
/// Hop limit that every message of neighbour discovery arrives with: it proves that no router passed it on.
pub const HOP_LIMIT: u8 = 255;
/// Option: link-layer address of the asker.
pub const SOURCE_LINK_LAYER_ADDRESS: u8 = 1;
/// Option: link-layer address of the one told about.
pub const TARGET_LINK_LAYER_ADDRESS: u8 = 2;
/// Flag of an advertisement, in the byte behind the checksum: it answers a solicitation.
pub const SOLICITED: u8 = 0x40;

/// A view over a solicitation or an advertisement, with its options.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a>(&'a [u8]);

impl<'a> Message<'a> {
    /// The message in `bytes`, the whole ICMPv6 message; `None` where they are too few, or an option is cut short or has
    /// length 0.
    #[must_use]
    pub fn of(bytes: &'a [u8]) -> Option<Self> {
        let mut options = bytes.get(LENGTH..)?;
        while !options.is_empty() {
            let length = usize::from(*options.get(1)?) * 8;
            options = options.get(length.max(1)..).filter(|_| length > 0)?;
        }
        Some(Self(bytes))
    }

    /// Whom it is about.
    #[must_use]
    pub fn target(self) -> Ipv6Addr {
        array_at::<16>(self.0, 8).map_or(Ipv6Addr::UNSPECIFIED, |octets| Ipv6Addr::from(*octets))
    }

    /// Whether an advertisement answers a solicitation.
    #[must_use]
    pub fn is_solicited(self) -> bool {
        self.0.get(4).is_some_and(|flags| flags & SOLICITED != 0)
    }

    /// The Ethernet address in the first option of this kind.
    #[must_use]
    pub fn link_layer_address(self, kind: u8) -> Option<[u8; 6]> {
        let mut options = self.0.get(LENGTH..)?;
        while let &[found, length, ..] = options {
            if found == kind {
                return array_at::<6>(options, 2).copied();
            }
            options = options.get(usize::from(length.max(1)) * 8..)?;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(options: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; LENGTH];
        bytes[23] = 7;
        bytes.extend_from_slice(options);
        bytes
    }

    #[test]
    fn options_are_found_behind_others() {
        let bytes = message(&[14, 1, 0, 0, 0, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7]);
        let message = Message::of(&bytes).unwrap();
        assert_eq!(message.target(), "::7".parse::<Ipv6Addr>().unwrap());
        assert_eq!(message.link_layer_address(SOURCE_LINK_LAYER_ADDRESS), Some([2, 3, 4, 5, 6, 7]));
        assert_eq!(message.link_layer_address(TARGET_LINK_LAYER_ADDRESS), None);
    }

    #[test]
    fn an_option_without_length_or_cut_short_spoils_the_message() {
        assert!(Message::of(&message(&[1, 0, 2, 3, 4, 5, 6, 7])).is_none());
        assert!(Message::of(&message(&[1, 2, 2, 3, 4, 5, 6, 7])).is_none());
        assert!(Message::of(&message(&[1])).is_none());
        assert!(Message::of(&[0; 23]).is_none());
    }
}
