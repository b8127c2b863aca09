//! What the first fragment of a packet was told, for the later ones, which hold no ports.
//!
//! A later fragment that arrives before its first finds nothing and is dropped, as Azure's hosts drop fragments out of
//! order (Azure documentation, virtual-network-tcpip-performance-tuning). An entry ends by time alone: the last fragment does not
//! end it, because others may still be under way behind it.
//!
//! The table is a set-associative cache: fixed memory, no list to keep. The sender picks the set (by a keyed hash), and in
//! it may hold half of the places; so a sender that opens packet after packet only loses its own oldest ones.

use std::hash::BuildHasher;
use std::net::IpAddr;

use foldhash::fast::RandomState;

use crate::packet::Zone;

/// How long an entry lives, in milliseconds: as long as Linux waits for the missing pieces of a packet.
const LIFETIME: u64 = 30_000;

/// What all fragments of one packet share (RFC 791, RFC 8200 4.5), and where they enter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FragmentKey {
    /// Identification.
    pub id: u32,
    /// Where the packet enters.
    pub zone: Zone,
    /// Transport protocol.
    pub protocol: u8,
    /// Source address.
    pub source: IpAddr,
    /// Destination address.
    pub destination: IpAddr,
}

impl FragmentKey {
    fn same_sender(&self, other: &Self) -> bool {
        self.source == other.source && self.zone == other.zone
    }
}

#[derive(Clone, Copy, Debug)]
struct Entry<V> {
    key: FragmentKey,
    value: V,
    inserted_at: u64,
}

/// First fragments of the last 30 seconds, each with a value (the flow or verdict that its packet got).
#[derive(Debug)]
pub struct FragmentTable<V> {
    places: Vec<Option<Entry<V>>>,
    per_source: usize,
    seed: RandomState,
}

impl<V: Copy> FragmentTable<V> {
    /// An empty table for about `capacity` packets, of which one sender may hold `per_source` (at least 1 each).
    #[must_use]
    pub fn new(capacity: usize, per_source: usize) -> Self {
        let per_source = per_source.max(1);
        let sets = capacity.div_ceil(2 * per_source).max(1);
        Self { places: vec![None; sets * 2 * per_source], per_source, seed: RandomState::default() }
    }

    /// Remembers `value` for the packet's later fragments, for 30 seconds from now. A sender that holds its share loses its
    /// oldest entry; a full set its oldest.
    pub fn insert(&mut self, key: FragmentKey, value: V, now_ms: u64) {
        let per_source = self.per_source;
        let set = self.set_mut(&key);
        if let Some(place) = choose(set, &key, per_source, now_ms).and_then(|index| set.get_mut(index)) {
            *place = Some(Entry { key, value, inserted_at: now_ms });
        }
    }

    /// What the packet's first fragment got. `None`: not seen, or too long ago.
    #[must_use]
    pub fn get(&self, key: &FragmentKey, now_ms: u64) -> Option<V> {
        let set = self.places.chunks_exact(2 * self.per_source).nth(self.set_index(key))?;
        set.iter().flatten().find(|entry| entry.key == *key && entry.lives(now_ms)).map(|entry| entry.value)
    }

    /// Frees what is too old. Only tidies up: [`FragmentTable::get`] looks at the age itself.
    pub fn expire(&mut self, now_ms: u64) {
        for place in &mut self.places {
            place.take_if(|entry| !entry.lives(now_ms));
        }
    }

    /// How many packets are remembered, those included that are too old and not expired yet.
    #[must_use]
    pub fn len(&self) -> usize {
        self.places.iter().flatten().count()
    }

    /// Whether nothing is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn set_index(&self, key: &FragmentKey) -> usize {
        let sets = self.places.len() / (2 * self.per_source);
        (self.seed.hash_one((key.zone, key.source)) as usize) % sets.max(1)
    }

    fn set_mut(&mut self, key: &FragmentKey) -> &mut [Option<Entry<V>>] {
        let index = self.set_index(key);
        self.places.chunks_exact_mut(2 * self.per_source).nth(index).unwrap_or_default()
    }
}

impl<V> Entry<V> {
    const fn lives(&self, now_ms: u64) -> bool {
        now_ms.saturating_sub(self.inserted_at) < LIFETIME
    }
}

/// The place for a key: its own, else (share held) its sender's oldest, else a free one, else the oldest of all.
fn choose<V: Copy>(set: &[Option<Entry<V>>], key: &FragmentKey, per_source: usize, now_ms: u64) -> Option<usize> {
    let living = || set.iter().enumerate().filter_map(|(index, place)| Some((index, place.filter(|entry| entry.lives(now_ms))?)));
    let oldest = |(index, entry): &(usize, Entry<V>)| (entry.inserted_at, *index);
    let own = || living().filter(|(_, entry)| entry.key.same_sender(key));
    if let Some((index, _)) = own().find(|(_, entry)| entry.key == *key) {
        return Some(index);
    }
    if own().count() >= per_source {
        return own().min_by_key(oldest).map(|(index, _)| index);
    }
    let free = set.iter().position(|place| place.is_none_or(|entry| !entry.lives(now_ms)));
    free.or_else(|| living().min_by_key(oldest).map(|(index, _)| index))
}

#[cfg(test)]
#[path = "fragment_table_tests.rs"]
mod tests;
