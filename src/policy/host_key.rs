//! Addresses as keys of the directory.

use std::net::IpAddr;

/// An address in one of many networks or subnets. As numbers: they hash and compare in a few instructions, which an
/// [`IpAddr`] beside a number does not, and every first packet asks several times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HostKey {
    /// The index of the network or subnet, and in the lowest bit the family.
    place: u64,
    address: u128,
}

impl HostKey {
    /// The key of `address` in the network, or in the subnet, with this index.
    #[inline]
    #[must_use]
    pub fn new(place: usize, address: IpAddr) -> Self {
        let place = (place as u64) << 1;
        match address {
            IpAddr::V4(address) => Self { place, address: address.to_bits().into() },
            IpAddr::V6(address) => Self { place: place | 1, address: address.to_bits() },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv6Addr;

    use super::*;

    #[test]
    fn places_and_families_are_told_apart() {
        let v4 = IpAddr::V4([10, 0, 0, 4].into());
        let same_bits = IpAddr::V6(Ipv6Addr::from_bits(0x0a00_0004));
        let keys = [HostKey::new(0, v4), HostKey::new(1, v4), HostKey::new(0, same_bits), HostKey::new(1, same_bits)];
        assert!((0..4).all(|one| (0..4).all(|other| (keys[one] == keys[other]) == (one == other))), "{keys:?}");
        assert_eq!(HostKey::new(1, v4), keys[1]);
    }
}
