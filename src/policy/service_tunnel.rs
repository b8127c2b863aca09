//! The ServiceTunnel source encoding: IPv6 addresses that carry, beside an IPv4 address, network and subnet
//! (DASH's service tunnel: per side `v6 = (v4 & ~mask) | (prefix & mask)`).

use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::Ipv6Net;

use super::decide::{Decision, Stop};
use super::question::Observer;

/// First of the source prefixes' words, in front of the network's key.
const SOURCE: [u16; 3] = [0xfd00, 0x0108, 0];

/// The IPv6 address that stands for an IPv4 address under a prefix. The IPv4 address is the low 32 bits of what the
/// prefix, of any length, leaves free: one longer than /96 covers some of them, a /128 all.
#[must_use]
pub fn embed(prefix: Ipv6Net, address: Ipv4Addr) -> Ipv6Addr {
    let mask = prefix.netmask().to_bits();
    Ipv6Addr::from_bits(u128::from(address.to_bits()) & !mask | prefix.network().to_bits() & mask)
}

/// The prefix of a subnet's sources: `fd00:108:0:<network key>:0:<subnet key>::/96`.
#[must_use]
pub fn source_prefix(network_key: u16, subnet_key: u16) -> Ipv6Net {
    let [a, b, c] = SOURCE;
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, network_key, 0, subnet_key, 0, 0), 96)
}

/// The source that a tunnelled service sees of `source` in `subnet`; `None` where no such service is at the destination.
pub(super) fn source(decision: &Decision<'_, impl Observer>, subnet: usize, source: Ipv4Addr) -> Result<Option<Ipv6Addr>, Stop> {
    let snapshot = decision.snapshot;
    let service = snapshot.directory.services.get(&decision.question.destination).and_then(|index| snapshot.services.get(*index));
    if service.is_none_or(|service| service.tunnel_prefix.is_none()) {
        return Ok(None);
    }
    match snapshot.subnet(subnet).and_then(|subnet| subnet.tunnel_prefix) {
        Some(prefix) => Ok(Some(embed(prefix, source))),
        // A file that says so is refused.
        None => Err(Stop::Undetermined("a ServiceTunnel service, from a subnet without tunnelKey".into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn stands_for(prefix: &str, address: [u8; 4]) -> String {
        embed(prefix.parse().unwrap(), address.into()).to_string()
    }

    #[test]
    fn the_golden_vectors() {
        let source = source_prefix(0xd204, 0x200);
        assert_eq!(source.to_string(), "fd00:108:0:d204:0:200::/96");
        assert_eq!(embed(source, [10, 1, 1, 1].into()).to_string(), "fd00:108:0:d204:0:200:a01:101");
        assert_eq!(stands_for("2603:10e1:100:2::/96", [50, 1, 2, 1]), "2603:10e1:100:2::3201:201");
        assert_eq!(stands_for("2603:10e1:100:2::/96", [60, 1, 2, 1]), "2603:10e1:100:2::3c01:201");
        assert_eq!(stands_for("2603:10e1:100:2::4601:203/128", [70, 1, 2, 3]), "2603:10e1:100:2::4601:203");
    }

    #[test]
    fn a_longer_prefix_covers_the_first_bits_of_the_address_and_a_shorter_one_leaves_zeros() {
        assert_eq!(stands_for("2603:10e1:100:2::3200:0/104", [60, 1, 2, 1]), "2603:10e1:100:2::3201:201");
        assert_eq!(stands_for("2603:10e1:100:2::/64", [50, 1, 2, 1]), "2603:10e1:100:2::3201:201");
        assert_eq!(stands_for("2603:10e1:100:2::4601:203/128", [1, 1, 1, 1]), "2603:10e1:100:2::4601:203");
    }

    proptest! {
        #[test]
        fn up_to_96_bits_both_parts_can_be_read_back(prefix: u128, length in 0_u8..=96, address: u32) {
            let prefix = Ipv6Net::new_assert(prefix.into(), length).trunc();
            let embedded = embed(prefix, address.into());
            prop_assert!(prefix.contains(&embedded));
            prop_assert_eq!(embedded.to_bits() as u32, address);
        }

        #[test]
        fn no_two_subnets_show_one_source(keys: (u16, u16), others: (u16, u16), addresses: (u32, u32)) {
            let first = embed(source_prefix(keys.0, keys.1), addresses.0.into());
            let second = embed(source_prefix(others.0, others.1), addresses.1.into());
            prop_assert_eq!(first == second, keys == others && addresses.0 == addresses.1);
        }
    }
}
