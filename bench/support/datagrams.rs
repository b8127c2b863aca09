//! Frames that benchmarks send, and the order that they send them in.

/// The dataplane's MAC address.
pub(crate) const GATEWAY: [u8; 6] = [0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc];

/// What a host says of itself: where its address is.
pub(crate) fn arp(address: [u8; 4]) -> [u8; 60] {
    let mut frame = [0; 60];
    let own = mac(address);
    let said = [GATEWAY.as_slice(), &own, &[8, 6, 0, 1, 8, 0, 6, 4, 0, 2], &own, &address, &GATEWAY, &address].concat();
    frame.iter_mut().zip(said).for_each(|(to, from)| *to = from);
    frame
}

/// The MAC address of whoever has this address.
pub(crate) fn mac([a, b, c, d]: [u8; 4]) -> [u8; 6] {
    [2, 0, a, b, c, d]
}

/// A UDP datagram of 18 bytes without checksum.
pub(crate) fn udp(from: [u8; 4], to: [u8; 4], source_port: u16, destination_port: u16) -> [u8; 60] {
    let mut frame = [0; 60];
    frame[..6].copy_from_slice(&GATEWAY);
    frame[6..12].copy_from_slice(&mac(from));
    frame[12..24].copy_from_slice(&[8, 0, 0x45, 0, 0, 46, 0, 1, 0x40, 0, 64, 17]);
    frame[26..30].copy_from_slice(&from);
    frame[30..34].copy_from_slice(&to);
    let sum: u32 = frame[14..34].chunks(2).map(|word| u32::from(word[0]) << 8 | u32::from(word[1])).sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    let checksum = !((folded & 0xffff) + (folded >> 16)) as u16;
    frame[24..26].copy_from_slice(&checksum.to_be_bytes());
    frame[34..36].copy_from_slice(&source_port.to_be_bytes());
    frame[36..38].copy_from_slice(&destination_port.to_be_bytes());
    frame[38..40].copy_from_slice(&[0, 26]);
    frame
}

/// A small generator (splitmix64): the order need not be good, only not sorted.
pub(crate) struct Shuffle(pub(crate) u64);

impl Shuffle {
    /// A number below `limit`.
    pub(crate) fn below(&mut self, limit: u32) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed >> 33) % u64::from(limit)) as usize
    }
}
