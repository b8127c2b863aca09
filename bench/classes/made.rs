//! Service tags made from a seed, of the shape that Azure's have: services by regions. A prefix belongs to a service in a region,
//! and so to four tags: the service there, the service everywhere, the cloud there, the cloud everywhere. Three prefixes in four
//! are IPv4, in 760 blocks of /16 that belong to a region each.

use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::dice::Dice;

/// Services, the cloud as a whole being the first.
const SERVICES: usize = 50;

/// Places, everywhere being the first and the others regions.
const PLACES: usize = 52;

/// Prefixes, each of which stands in four tags: 2,600 tags have 65,000 together.
const PREFIXES: usize = 16_250;

const BLOCKS_OF_A_REGION: usize = 15;

const FIRST_OCTETS: [u32; 24] = [4, 13, 20, 23, 40, 48, 51, 52, 57, 65, 68, 70, 72, 74, 102, 104, 108, 132, 135, 137, 138, 157, 168, 191];

const LENGTHS_V4: [u8; 20] = [32, 32, 32, 32, 32, 31, 30, 29, 29, 28, 28, 27, 27, 26, 26, 25, 24, 24, 23, 20];

const LENGTHS_V6: [u8; 12] = [128, 126, 125, 124, 123, 123, 122, 121, 64, 63, 56, 48];

/// The prefixes of each tag.
pub(crate) fn tags() -> Vec<Vec<IpNet>> {
    let dice = Dice::new(0x7a65);
    let blocks: Vec<u32> =
        (0..PLACES * BLOCKS_OF_A_REGION).map(|_| *dice.pick(&FIRST_OCTETS) << 24 | (dice.below(256) as u32) << 16).collect();
    let mut tags = vec![Vec::new(); SERVICES * PLACES];
    for number in 0..PREFIXES {
        let (service, region) = owner(number, &dice);
        let prefix = if dice.percent(75) { v4(region, &blocks, &dice) } else { v6(region, &dice) };
        for tag in [service * PLACES + region, service * PLACES, region, 0] {
            if let Some(prefixes) = tags.get_mut(tag) {
                prefixes.push(prefix);
            }
        }
    }
    tags
}

/// The service and region that a prefix belongs to: first each of them once, then the first ones more often than the last.
fn owner(number: usize, dice: &Dice) -> (usize, usize) {
    let (services, regions) = (SERVICES - 1, PLACES - 1);
    let often = |of: usize| dice.below(of).min(dice.below(of));
    if number < services * regions { (1 + number / regions, 1 + number % regions) } else { (1 + often(services), 1 + often(regions)) }
}

fn v4(region: usize, blocks: &[u32], dice: &Dice) -> IpNet {
    let block = blocks.get(region * BLOCKS_OF_A_REGION + dice.below(BLOCKS_OF_A_REGION)).copied().unwrap_or_default();
    let address = Ipv4Addr::from_bits(block | dice.below(1 << 16) as u32);
    Ipv4Net::new_assert(address, *dice.pick(&LENGTHS_V4)).trunc().into()
}

/// In one of sixteen sites of a region, a /48 each.
fn v6(region: usize, dice: &Dice) -> IpNet {
    let site = 0x2603_1000_0000 | (region as u128) << 16 | (dice.below(16) as u128) << 8;
    let address = Ipv6Addr::from_bits(site << 80 | (dice.below(64) as u128) << 64 | dice.below(1 << 12) as u128);
    Ipv6Net::new_assert(address, *dice.pick(&LENGTHS_V6)).trunc().into()
}
