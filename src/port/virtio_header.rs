//! The ten bytes before each frame on a TAP or packet socket with offloads: `struct virtio_net_hdr` (virtio 1.2, 5.1.6)
//! in the machine's byte order, as Linux's tun and packet sockets speak it by default.

use crate::packet::{Frame, Gso, Offload};

/// Length of the header in bytes.
pub(super) const LENGTH: usize = 10;

const NEEDS_CHECKSUM: u8 = 1;
const GSO_NONE: u8 = 0;
const GSO_TCP4: u8 = 1;
const GSO_TCP6: u8 = 4;
const GSO_UDP_SEGMENTS: u8 = 5;
const GSO_ECN: u8 = 0x80;

/// What the header says. A kind of super-frame that was not offered to the kernel counts as none: the frame is then an
/// oversized ordinary one, and ends as such.
pub(super) fn decode(header: &[u8; LENGTH]) -> Offload {
    let [flags, kind, length @ ..] = header;
    let [h0, h1, s0, s1, c0, c1, o0, o1] = *length;
    let ecn = kind & GSO_ECN != 0;
    let gso = match kind & !GSO_ECN {
        GSO_TCP4 => Gso::Tcp4 { ecn },
        GSO_TCP6 => Gso::Tcp6 { ecn },
        GSO_UDP_SEGMENTS => Gso::UdpSegments,
        _ => Gso::None,
    };
    Offload {
        needs_checksum: flags & NEEDS_CHECKSUM != 0,
        checksum_start: u16::from_ne_bytes([c0, c1]),
        checksum_offset: u16::from_ne_bytes([o0, o1]),
        gso,
        gso_size: u16::from_ne_bytes([s0, s1]),
        header_length: u16::from_ne_bytes([h0, h1]),
    }
}

/// The frame with its header before it, as it is handed to the kernel; `None` where it has no headroom left (nothing in the
/// pipeline uses up 54 of its 64 bytes).
#[inline]
pub(super) fn before(frame: &mut Frame) -> Option<&[u8]> {
    let (header, length) = (encode(&frame.offload, frame.len()), frame.len());
    let area = frame.send_area(LENGTH);
    match area.split_first_chunk_mut() {
        Some((place, rest)) if rest.len() == length => *place = header,
        _ => return None,
    }
    Some(area)
}

/// The header for a frame of `frame_length` bytes. The header length is a hint that the kernel refuses only when it is
/// longer than the frame.
fn encode(offload: &Offload, frame_length: usize) -> [u8; LENGTH] {
    let kind = match offload.gso {
        Gso::None => GSO_NONE,
        Gso::Tcp4 { ecn } => GSO_TCP4 | if ecn { GSO_ECN } else { 0 },
        Gso::Tcp6 { ecn } => GSO_TCP6 | if ecn { GSO_ECN } else { 0 },
        Gso::UdpSegments => GSO_UDP_SEGMENTS,
    };
    let mut header = [0; LENGTH];
    header[0] = if offload.needs_checksum { NEEDS_CHECKSUM } else { 0 };
    header[1] = kind;
    if kind != GSO_NONE {
        let hint = usize::from(offload.header_length).min(frame_length);
        header[2..4].copy_from_slice(&u16::try_from(hint).unwrap_or(u16::MAX).to_ne_bytes());
        header[4..6].copy_from_slice(&offload.gso_size.to_ne_bytes());
    }
    if offload.needs_checksum {
        header[6..8].copy_from_slice(&offload.checksum_start.to_ne_bytes());
        header[8..10].copy_from_slice(&offload.checksum_offset.to_ne_bytes());
    }
    header
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_gso() -> impl Strategy<Value = Gso> {
        prop_oneof![
            any::<bool>().prop_map(|ecn| Gso::Tcp4 { ecn }),
            any::<bool>().prop_map(|ecn| Gso::Tcp6 { ecn }),
            Just(Gso::UdpSegments)
        ]
    }

    proptest! {
        #[test]
        fn a_super_frame_survives_the_round_trip(gso in any_gso(), start: u16, offset: u16, size: u16, hint: u16) {
            let offload = Offload { needs_checksum: true, checksum_start: start, checksum_offset: offset, gso, gso_size: size, header_length: hint };
            prop_assert_eq!(decode(&encode(&offload, 65_535)), offload);
        }
    }

    #[test]
    fn an_ordinary_frame_has_a_header_of_zeros_whatever_is_left_in_the_fields() {
        let offload = Offload { checksum_start: 34, checksum_offset: 16, gso_size: 1448, header_length: 66, ..Offload::default() };
        assert_eq!(encode(&offload, 60), [0; LENGTH]);
    }

    #[test]
    fn the_header_length_never_exceeds_the_frame() {
        let offload = Offload { gso: Gso::UdpSegments, header_length: 500, ..Offload::default() };
        assert_eq!(decode(&encode(&offload, 60)).header_length, 60);
    }

    #[test]
    fn a_kind_never_offered_is_none_and_data_valid_is_not_needs_checksum() {
        assert_eq!(decode(&[2, 3, 0, 0, 0, 0, 0, 0, 0, 0]), Offload::default());
    }
}
