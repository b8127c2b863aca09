//! TCP header (RFC 9293).

/// Length of the header without options, in bytes.
pub const LENGTH: usize = 20;
/// Offset of the sequence number.
pub const SEQUENCE: usize = 4;
/// Offset of the acknowledgement number.
pub const ACKNOWLEDGEMENT: usize = 8;
/// Offset of the flag byte.
pub const FLAGS: usize = 13;
/// Offset of the window.
pub const WINDOW: usize = 14;
/// Offset of the checksum.
pub const CHECKSUM: usize = 16;
/// Offset of the urgent pointer.
pub const URGENT: usize = 18;

/// No more data from the sender.
pub const FIN: u8 = 0x01;
/// Opens a connection.
pub const SYN: u8 = 0x02;
/// Aborts it.
pub const RST: u8 = 0x04;
/// To be handed to the application now.
pub const PSH: u8 = 0x08;
/// The acknowledgement number counts.
pub const ACK: u8 = 0x10;
/// The urgent pointer counts.
pub const URG: u8 = 0x20;
/// Congestion was seen (RFC 3168).
pub const ECE: u8 = 0x40;
/// The congestion window was reduced (RFC 3168).
pub const CWR: u8 = 0x80;

/// A view over the fixed part of a TCP header.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a>(&'a [u8; LENGTH]);

impl<'a> Header<'a> {
    /// The header at the start of `bytes`; `None` where they are too few.
    #[inline]
    #[must_use]
    pub fn of(bytes: &'a [u8]) -> Option<Self> {
        bytes.first_chunk().map(Self)
    }

    /// Source port.
    #[inline]
    #[must_use]
    pub const fn source_port(self) -> u16 {
        u16::from_be_bytes([self.0[0], self.0[1]])
    }

    /// Destination port.
    #[inline]
    #[must_use]
    pub const fn destination_port(self) -> u16 {
        u16::from_be_bytes([self.0[2], self.0[3]])
    }

    /// Sequence number.
    #[inline]
    #[must_use]
    pub const fn sequence(self) -> u32 {
        u32::from_be_bytes([self.0[4], self.0[5], self.0[6], self.0[7]])
    }

    /// Acknowledgement number.
    #[inline]
    #[must_use]
    pub const fn acknowledgement(self) -> u32 {
        u32::from_be_bytes([self.0[8], self.0[9], self.0[10], self.0[11]])
    }

    /// Length of the header with its options, in bytes; below [`LENGTH`] it is wrong.
    #[inline]
    #[must_use]
    pub const fn header_length(self) -> usize {
        (self.0[12] >> 4) as usize * 4
    }

    /// Flag byte.
    #[inline]
    #[must_use]
    pub const fn flags(self) -> u8 {
        self.0[FLAGS]
    }
}

/// Whether a conforming sender can send these flags: at most one of SYN, FIN and RST, and ACK on everything but a first
/// SYN or a RST (RFC 9293 3.10). What is left are probes made to tell stacks apart: no flags, FIN alone, all flags.
#[inline]
#[must_use]
pub const fn are_flags_legal(flags: u8) -> bool {
    match flags & (SYN | FIN | RST) {
        SYN | RST => true,
        0 | FIN => flags & ACK != 0,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_of_a_connection_are_legal() {
        for flags in [SYN, SYN | ACK, ACK, ACK | PSH, FIN | ACK, RST, RST | ACK, SYN | ECE | CWR, ACK | URG] {
            assert!(are_flags_legal(flags), "{flags:#04x}");
        }
    }

    #[test]
    fn flags_of_probes_are_not() {
        for flags in [0, FIN, PSH, URG, SYN | FIN, SYN | RST, FIN | RST | ACK, FIN | PSH | URG, 0xff] {
            assert!(!are_flags_legal(flags), "{flags:#04x}");
        }
    }
}
