//! [`Offload`] as a virtio-net header and back.

use super::{Gso, Offload};
use crate::wire::virtio::{self, Header};

impl Offload {
    /// What a virtio-net header says. `None` for super-frames that the dataplane never asks for (UDP fragmentation
    /// offload) or does not know.
    #[inline]
    #[must_use]
    pub fn decode(bytes: &[u8; virtio::LENGTH]) -> Option<Self> {
        let header = Header::decode(bytes);
        let ecn = header.gso_type & virtio::GSO_ECN != 0;
        let gso = match header.gso_type & !virtio::GSO_ECN {
            virtio::GSO_NONE => Gso::None,
            virtio::GSO_TCPV4 => Gso::Tcp4 { ecn },
            virtio::GSO_TCPV6 => Gso::Tcp6 { ecn },
            virtio::GSO_UDP_L4 => Gso::UdpSegments,
            _ => return None,
        };
        Some(Self {
            needs_checksum: header.flags & virtio::NEEDS_CSUM != 0,
            checksum_start: header.checksum_start,
            checksum_offset: header.checksum_offset,
            gso,
            gso_size: header.gso_size,
            header_length: header.header_length,
        })
    }

    /// The virtio-net header that says this.
    #[inline]
    #[must_use]
    pub fn encode(&self) -> [u8; virtio::LENGTH] {
        let mark = |ecn: bool| if ecn { virtio::GSO_ECN } else { 0 };
        let gso_type = match self.gso {
            Gso::None => virtio::GSO_NONE,
            Gso::Tcp4 { ecn } => virtio::GSO_TCPV4 | mark(ecn),
            Gso::Tcp6 { ecn } => virtio::GSO_TCPV6 | mark(ecn),
            Gso::UdpSegments => virtio::GSO_UDP_L4,
        };
        Header {
            flags: if self.needs_checksum { virtio::NEEDS_CSUM } else { 0 },
            gso_type,
            header_length: self.header_length,
            gso_size: self.gso_size,
            checksum_start: self.checksum_start,
            checksum_offset: self.checksum_offset,
        }
        .encode()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_survives_the_road() {
        for gso in [Gso::None, Gso::Tcp4 { ecn: false }, Gso::Tcp4 { ecn: true }, Gso::Tcp6 { ecn: true }, Gso::UdpSegments] {
            for needs_checksum in [false, true] {
                let offload = Offload { needs_checksum, checksum_start: 34, checksum_offset: 16, gso, gso_size: 1448, header_length: 66 };
                assert_eq!(Offload::decode(&offload.encode()), Some(offload));
            }
        }
    }

    #[test]
    fn the_kernels_numbers() {
        let tcp = Offload::decode(&Header { flags: 3, gso_type: 0x81, ..Header::default() }.encode()).unwrap();
        assert_eq!((tcp.needs_checksum, tcp.gso), (true, Gso::Tcp4 { ecn: true }));
        let udp = Offload::decode(&Header { flags: 2, gso_type: 5, ..Header::default() }.encode()).unwrap();
        assert_eq!((udp.needs_checksum, udp.gso), (false, Gso::UdpSegments));
    }

    #[test]
    fn fragmentation_offload_and_the_unknown_are_refused() {
        for gso_type in [virtio::GSO_UDP, 2, 6, 0x7f] {
            assert_eq!(Offload::decode(&Header { gso_type, ..Header::default() }.encode()), None);
        }
    }
}
