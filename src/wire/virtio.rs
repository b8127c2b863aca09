//! `struct virtio_net_hdr` (virtio 1.2, 5.1.6; `linux/virtio_net.h`): the ten bytes that a TAP with `IFF_VNET_HDR` puts
//! before a frame. Its words have the byte order of the machine, unless `TUNSETVNETLE` or `TUNSETVNETBE` said otherwise.

/// Length of the header, in bytes.
pub const LENGTH: usize = 10;

/// Flag: the transport checksum is still to be completed.
pub const NEEDS_CSUM: u8 = 1;
/// Flag: the transport checksum was verified.
pub const DATA_VALID: u8 = 2;

/// No super-frame.
pub const GSO_NONE: u8 = 0;
/// TCP over IPv4.
pub const GSO_TCPV4: u8 = 1;
/// UDP fragmentation offload: IP fragments, not datagrams.
pub const GSO_UDP: u8 = 3;
/// TCP over IPv6.
pub const GSO_TCPV6: u8 = 4;
/// UDP segmentation offload: datagrams.
pub const GSO_UDP_L4: u8 = 5;
/// Bit beside a TCP type: the first segment carries CWR.
pub const GSO_ECN: u8 = 0x80;

/// The fields of the header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// [`NEEDS_CSUM`], [`DATA_VALID`].
    pub flags: u8,
    /// `GSO_…`, perhaps with [`GSO_ECN`].
    pub gso_type: u8,
    /// Length of all headers (a hint).
    pub header_length: u16,
    /// Payload bytes in each segment.
    pub gso_size: u16,
    /// Where the checksum starts, bytes from the frame's start.
    pub checksum_start: u16,
    /// Where it is stored, bytes from `checksum_start`.
    pub checksum_offset: u16,
}

impl Header {
    /// Reads a header.
    #[inline]
    #[must_use]
    pub const fn decode(bytes: &[u8; LENGTH]) -> Self {
        let [flags, gso_type, h0, h1, g0, g1, s0, s1, o0, o1] = *bytes;
        Self {
            flags,
            gso_type,
            header_length: u16::from_ne_bytes([h0, h1]),
            gso_size: u16::from_ne_bytes([g0, g1]),
            checksum_start: u16::from_ne_bytes([s0, s1]),
            checksum_offset: u16::from_ne_bytes([o0, o1]),
        }
    }

    /// Writes a header.
    #[inline]
    #[must_use]
    pub const fn encode(self) -> [u8; LENGTH] {
        let [h0, h1] = self.header_length.to_ne_bytes();
        let [g0, g1] = self.gso_size.to_ne_bytes();
        let [s0, s1] = self.checksum_start.to_ne_bytes();
        let [o0, o1] = self.checksum_offset.to_ne_bytes();
        [self.flags, self.gso_type, h0, h1, g0, g1, s0, s1, o0, o1]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn fields_are_where_the_kernel_has_them() {
        let bytes = Header { flags: 1, gso_type: 4, header_length: 74, gso_size: 1440, checksum_start: 54, checksum_offset: 16 }.encode();
        assert_eq!(bytes[..2], [1, 4]);
        let words: Vec<u16> = bytes[2..].chunks(2).map(|word| u16::from_ne_bytes([word[0], word[1]])).collect();
        assert_eq!(words, [74, 1440, 54, 16]);
    }

    proptest! {
        #[test]
        fn decode_undoes_encode(bytes: [u8; LENGTH]) {
            prop_assert_eq!(Header::decode(&bytes).encode(), bytes);
        }
    }
}
