//! The keyed hash of flow keys: folded 64 × 64 → 128 bit multiplications over the packed key.
//!
//! Senders choose nearly every bit of a key, so the operands of each multiplication depend on secrets: without them
//! nobody can aim at one bucket. This is no cryptographic hash; it needs a seed from the kernel's random numbers, per
//! process, that never leaves it.

use crate::packet::FlowKey;
use crate::packet::flow_key::Address;

/// Secret numbers that a process draws its hashes with.
#[derive(Clone, Copy)]
pub struct Secret([u64; 4]);

impl std::fmt::Debug for Secret {
    /// Hides the numbers: a secret in a log is none.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

impl Secret {
    /// Spreads a seed over all that the rounds need.
    #[must_use]
    pub const fn new(seed: [u64; 2]) -> Self {
        let [low, high] = seed;
        Self([scramble(low), scramble(high ^ 0x6a09_e667_f3bc_c909), scramble(low ^ high.rotate_left(32)), scramble(!low ^ high)])
    }

    /// The hash of a flow key.
    #[inline]
    #[must_use]
    pub fn key<A: Address>(&self, key: &FlowKey<A>) -> u64 {
        self.packed::<A>(&A::pack(key))
    }

    /// The hash of a packed flow key.
    #[inline]
    #[must_use]
    pub fn packed<A: Address>(&self, key: &A::Packed) -> u64 {
        let [first, second, third, fourth] = self.0;
        match *key.as_ref() {
            [addresses, tail] => fold(fold(addresses ^ first, tail ^ second) ^ third, fourth),
            [source_high, source_low, destination_high, destination_low, tail] => {
                let sources = fold(source_low ^ first, source_high ^ second);
                let both = fold(destination_low ^ third ^ sources, destination_high ^ fourth);
                fold(both ^ first, tail ^ second ^ sources.rotate_left(32))
            }
            // There are two families.
            ref words => words.iter().fold(first, |hash, word| fold(hash ^ word, second)),
        }
    }

    /// A number that looks random to whoever does not know the secret: the hash of a counter or the like.
    #[inline]
    #[must_use]
    pub const fn number(&self, number: u64) -> u64 {
        let [first, second, third, fourth] = self.0;
        fold(fold(number ^ first, second) ^ third, fourth)
    }
}

#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the lower half is what is asked for")]
const fn low(bits: u128) -> u64 {
    bits as u64
}

/// Both halves of the full product, laid over each other.
#[inline]
const fn fold(left: u64, right: u64) -> u64 {
    let product = left as u128 * right as u128;
    low(product) ^ low(product >> 64)
}

/// A bijection that leaves no bit where it was (the finaliser of splitmix64), odd so that it serves as a multiplier.
const fn scramble(seed: u64) -> u64 {
    let step = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let step = (step ^ (step >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let step = (step ^ (step >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (step ^ (step >> 31)) | 1
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;
    use crate::packet::Zone;

    fn key<A: Address>(source: A, destination: A, source_port: u16) -> FlowKey<A> {
        FlowKey { source, destination, source_port, destination_port: 443, zone: Zone(3), protocol: 6 }
    }

    #[test]
    fn every_field_counts() {
        let secret = Secret::new([1, 2]);
        let base = key(Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 2), 1);
        let others = [
            FlowKey { source: base.destination, destination: base.source, ..base },
            FlowKey { source_port: 2, ..base },
            FlowKey { source_port: 443, destination_port: 1, ..base },
            FlowKey { zone: Zone(4), ..base },
            FlowKey { protocol: 17, ..base },
        ];
        let hashes: HashSet<u64> = others.iter().chain([&base]).map(|key| secret.key(key)).collect();
        assert_eq!(hashes.len(), 6);
        assert_ne!(secret.key(&base), Secret::new([1, 3]).key(&base));
        assert_ne!(secret.key(&base), Secret::new([2, 2]).key(&base));
    }

    #[test]
    fn every_half_of_a_long_address_counts() {
        let secret = Secret::new([7, 9]);
        let addresses = [0_u128, 1, 1 << 64, 1 << 127].map(Ipv6Addr::from_bits);
        let keys = addresses.iter().flat_map(|&source| addresses.iter().map(move |&destination| key(source, destination, 1)));
        assert_eq!(keys.map(|key| secret.key(&key)).collect::<HashSet<u64>>().len(), 16);
    }

    /// Neighbouring ports and addresses, the usual case and the usual attack, fill 256 bins about evenly.
    #[test]
    fn neighbours_scatter() {
        let secret = Secret::new([0, 0]);
        let mut high = [0_u32; 256];
        let mut low = [0_u32; 256];
        for number in 0..65_536_u32 {
            let [_, _, third, fourth] = number.to_be_bytes();
            let hash = secret.key(&key(Ipv4Addr::new(10, 0, 0, third), Ipv4Addr::new(10, 0, 0, 2), u16::from(fourth)));
            high[usize::try_from(hash >> 56).unwrap()] += 1;
            low[usize::try_from(hash & 0xff).unwrap()] += 1;
        }
        assert!(high.iter().chain(&low).all(|&count| (170..=350).contains(&count)), "{high:?} {low:?}");
    }
}
