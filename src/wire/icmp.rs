//! ICMP header (RFC 792); ICMPv6 has the same eight bytes with other types.

/// Length of the header, in bytes; an error quotes its packet behind it.
pub const LENGTH: usize = 8;
/// Offset of the checksum.
pub const CHECKSUM: usize = 2;
/// Offset of the identifier of an echo.
pub const IDENTIFIER: usize = 4;

/// Types of the messages that the dataplane tells apart.
pub mod kind {
    /// Echo reply.
    pub const ECHO_REPLY: u8 = 0;
    /// Destination unreachable, fragmentation needed among others.
    pub const UNREACHABLE: u8 = 3;
    /// Echo request.
    pub const ECHO_REQUEST: u8 = 8;
    /// Time exceeded.
    pub const TIME_EXCEEDED: u8 = 11;
    /// Parameter problem.
    pub const PARAMETER_PROBLEM: u8 = 12;
}

/// A view over an ICMP or ICMPv6 header.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a>(&'a [u8; LENGTH]);

impl<'a> Header<'a> {
    /// The header at the start of `bytes`; `None` where they are too few.
    #[inline]
    #[must_use]
    pub fn of(bytes: &'a [u8]) -> Option<Self> {
        bytes.first_chunk().map(Self)
    }

    /// Type.
    #[inline]
    #[must_use]
    pub const fn kind(self) -> u8 {
        self.0[0]
    }

    /// Code.
    #[inline]
    #[must_use]
    pub const fn code(self) -> u8 {
        self.0[1]
    }

    /// Identifier (of an echo).
    #[inline]
    #[must_use]
    pub const fn identifier(self) -> u16 {
        u16::from_be_bytes([self.0[4], self.0[5]])
    }
}

/// Whether a type is an error about a packet that it quotes. Source quench (RFC 6633) and redirect are none: nobody
/// is to act on them across a router.
#[inline]
#[must_use]
pub const fn is_error(kind: u8) -> bool {
    matches!(kind, kind::UNREACHABLE | kind::TIME_EXCEEDED | kind::PARAMETER_PROBLEM)
}
