//! One number after the other: what the vector code must agree with, and what runs where there is none.

use super::{BLOCK, Block, Lanes, PairBounds, Probe, Row};

/// Plain code, for any machine.
#[derive(Clone, Copy, Debug)]
pub struct Portable;

impl Lanes for Portable {
    #[inline(always)]
    fn below16(self, ends: &[i16; 32], count: u32, value: i16) -> u32 {
        ends.iter().zip(0..count).map(|(end, _)| u32::from(*end < value)).sum()
    }

    #[inline(always)]
    fn below32(self, ends: &[i32; 16], value: i32) -> u32 {
        ends.iter().map(|end| u32::from(*end < value)).sum()
    }

    #[inline(always)]
    fn within_pairs(self, bounds: [&PairBounds; 2], addresses: [u32; 2], ports: [u16; 2]) -> [[bool; 2]; 2] {
        let ports = with_inverses(ports);
        [0, 1].map(|pair| {
            let address = [addresses[pair], !addresses[pair]];
            [0, 1].map(|rule| {
                bounds[pair].addresses[rule].iter().zip(address).all(|(bound, value)| *bound <= value)
                    && bounds[pair].ports[rule].iter().zip(ports).all(|(bound, value)| *bound <= value)
            })
        })
    }

    #[inline(always)]
    fn within_block(self, block: &Block, probe: &Probe) -> u32 {
        let Probe { address, source_port: [source_low, source_high], destination_port: [low, high], .. } = *probe;
        let ports = [source_low, source_high, low, high];
        (0..BLOCK).fold(0, |bits, rule| {
            let here = block.addresses.iter().zip(address).all(|(bounds, value)| bounds[rule] <= value);
            let open = block.ports.iter().zip(ports).all(|(bounds, value)| bounds[rule] <= value);
            let protocol = (block.protocols[rule] ^ probe.protocol) & block.masks[rule] == 0;
            bits | u32::from(here && open && protocol) << rule
        })
    }

    #[inline(always)]
    fn have_common<const W: usize>(self, one: &Row<W>, other: &Row<W>) -> bool {
        one.as_flattened().iter().zip(other.as_flattened()).any(|(one, other)| one & other != 0)
    }

    #[inline(always)]
    fn first_common<const W: usize, const ROWS: usize>(self, rows: [&Row<W>; ROWS]) -> Option<u32> {
        let mut bit = 0;
        for quad in 0..W {
            for word in 0..4 {
                let common = rows.iter().fold(u64::MAX, |common, row| common & row[quad][word]);
                if common != 0 {
                    return Some(bit + common.trailing_zeros());
                }
                bit += u64::BITS;
            }
        }
        None
    }
}

/// Ports as bounds are laid out.
const fn with_inverses([source, destination]: [u16; 2]) -> [u16; 4] {
    [source, !source, destination, !destination]
}
