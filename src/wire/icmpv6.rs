//! ICMPv6 message types (RFC 4443). The header is that of [`super::icmp`].

/// Types of the messages that the dataplane tells apart.
pub mod kind {
    /// Destination unreachable.
    pub const UNREACHABLE: u8 = 1;
    /// Packet too big.
    pub const PACKET_TOO_BIG: u8 = 2;
    /// Time exceeded.
    pub const TIME_EXCEEDED: u8 = 3;
    /// Parameter problem.
    pub const PARAMETER_PROBLEM: u8 = 4;
    /// Echo request.
    pub const ECHO_REQUEST: u8 = 128;
    /// Echo reply.
    pub const ECHO_REPLY: u8 = 129;
    /// Router solicitation (RFC 4861).
    pub const ROUTER_SOLICITATION: u8 = 133;
    /// Neighbour solicitation (RFC 4861).
    pub const NEIGHBOUR_SOLICITATION: u8 = 135;
    /// Neighbour advertisement (RFC 4861).
    pub const NEIGHBOUR_ADVERTISEMENT: u8 = 136;
    /// Redirect (RFC 4861).
    pub const REDIRECT: u8 = 137;
}

/// Whether a type is an error about a packet that it quotes.
#[inline]
#[must_use]
pub const fn is_error(kind: u8) -> bool {
    matches!(kind, kind::UNREACHABLE..=kind::PARAMETER_PROBLEM)
}

/// Whether a type belongs to neighbour discovery (RFC 4861), which never crosses a router.
#[inline]
#[must_use]
pub const fn is_neighbour_discovery(kind: u8) -> bool {
    matches!(kind, kind::ROUTER_SOLICITATION..=kind::REDIRECT)
}
