//! Addresses of a prefix that no host can have.

use std::net::IpAddr;

use ipnet::IpNet;

/// Whether an address is the prefix' own, the first behind it (the gateway's) or, of an IPv4 prefix, the last (broadcast).
/// No address outside the prefix is.
pub(super) fn is_reserved(prefix: &IpNet, address: IpAddr) -> bool {
    match (prefix, address) {
        (IpNet::V4(net), IpAddr::V4(address)) => {
            let (mask, address) = (net.netmask().to_bits(), address.to_bits());
            let host = address & !mask;
            (address ^ net.addr().to_bits()) & mask == 0 && (host <= 1 || host == !mask)
        }
        (IpNet::V6(net), IpAddr::V6(address)) => {
            let (mask, address) = (net.netmask().to_bits(), address.to_bits());
            (address ^ net.addr().to_bits()) & mask == 0 && address & !mask <= 1
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::policy::topology::first_address;

    /// As it is said.
    fn reference(prefix: &IpNet, address: IpAddr) -> bool {
        let last = prefix.addr().is_ipv4() && address == prefix.broadcast();
        prefix.contains(&address) && (address == prefix.network() || address == first_address(prefix) || last)
    }

    fn check(prefix: IpNet, any: IpAddr) {
        let near = [prefix.network(), first_address(&prefix), prefix.broadcast(), prefix.addr(), any];
        for address in near.into_iter().chain(near.into_iter().flat_map(neighbours)) {
            assert_eq!(is_reserved(&prefix, address), reference(&prefix, address), "{prefix} {address}");
        }
    }

    fn neighbours(address: IpAddr) -> [IpAddr; 2] {
        let next = |step: u32| match address {
            IpAddr::V4(address) => IpAddr::V4(address.to_bits().wrapping_add(step).into()),
            IpAddr::V6(address) => IpAddr::V6(address.to_bits().wrapping_add(step.cast_signed() as u128).into()),
        };
        [next(1), next(u32::MAX)]
    }

    proptest! {
        #[test]
        fn as_it_is_said(own: u32, own_v6: u128, length in 0_u8..=32, length_v6 in 0_u8..=128, any: u32, any_v6: u128) {
            let (v4, v6) = (IpAddr::V4(own.into()), IpAddr::V6(own_v6.into()));
            for any in [IpAddr::V4(any.into()), IpAddr::V6(any_v6.into())] {
                check(IpNet::new(v4, length).unwrap(), any);
                check(IpNet::new(v6, length_v6).unwrap(), any);
            }
        }
    }
}
