//! Neighbours whose MAC address is known.

use std::cell::Cell;
use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::{Action, Neighbour, RETRY, TRIES};
use crate::policy::ids::PortId;

/// Age from which an entry in use is asked for again, in milliseconds.
const FRESH: u64 = 60_000;
/// Age from which an entry that is not in use is forgotten, in milliseconds.
const UNUSED: u64 = 300_000;
/// Requests per sweep at most: a full table is refreshed over a few seconds, not in one burst.
const REQUESTS_PER_SWEEP: usize = 256;

#[derive(Debug)]
struct Entry {
    mac: [u8; 6],
    /// Requests sent since it last answered.
    tries: u8,
    /// Looked up since it was last confirmed or asked for.
    used: Cell<bool>,
    /// When the neighbour last said so.
    confirmed_at: u64,
    /// When it was last asked for (only with `tries`).
    asked_at: u64,
}

/// The table behind [`lookup`](Known::lookup): fixed in size, never pushed out of by strangers.
#[derive(Debug)]
pub(super) struct Known {
    entries: HashMap<Neighbour, Entry, RandomState>,
    capacity: usize,
    swept_at: u64,
}

impl Known {
    pub(super) fn new(capacity: usize) -> Self {
        Self { entries: HashMap::with_capacity_and_hasher(capacity, RandomState::default()), capacity, swept_at: 0 }
    }

    pub(super) fn lookup(&self, neighbour: &Neighbour) -> Option<[u8; 6]> {
        let entry = self.entries.get(neighbour)?;
        entry.used.set(true);
        Some(entry.mac)
    }

    /// The MAC address, without taking the entry for in use.
    pub(super) fn mac(&self, neighbour: &Neighbour) -> Option<[u8; 6]> {
        self.entries.get(neighbour).map(|entry| entry.mac)
    }

    /// Confirms or adds an entry. Where there is no room a neighbour is not remembered, which costs a request per
    /// packet that waits for it and loses none.
    pub(super) fn learn(&mut self, neighbour: Neighbour, mac: [u8; 6], asked_for: bool, now_ms: u64) {
        let confirmed = Entry { mac, tries: 0, used: Cell::new(false), confirmed_at: now_ms, asked_at: now_ms };
        if let Some(entry) = self.entries.get_mut(&neighbour) {
            *entry = confirmed;
            return;
        }
        let room = if asked_for { self.capacity } else { self.capacity / 2 };
        if self.entries.len() < room {
            self.entries.insert(neighbour, confirmed);
        }
    }

    /// Asks again for old entries that are in use, forgets those that no longer answer or are of no use. Once a
    /// second; says whether this was the time.
    pub(super) fn tick(&mut self, now_ms: u64, actions: &mut Vec<Action>) -> bool {
        if now_ms.saturating_sub(self.swept_at) < RETRY {
            return false;
        }
        self.swept_at = now_ms;
        let mut requests = REQUESTS_PER_SWEEP;
        self.entries.retain(|neighbour, entry| match entry.due(now_ms) {
            Due::Nothing => true,
            Due::End => false,
            Due::Request => {
                if requests > 0 {
                    requests -= 1;
                    entry.asked(now_ms);
                    actions.push(neighbour.request());
                }
                true
            }
        });
        true
    }

    pub(super) fn forget_port(&mut self, port: PortId) {
        self.entries.retain(|neighbour, _| neighbour.port != port);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }
}

enum Due {
    Nothing,
    Request,
    End,
}

impl Entry {
    fn due(&self, now_ms: u64) -> Due {
        let age = now_ms.saturating_sub(self.confirmed_at);
        let waited = now_ms.saturating_sub(self.asked_at) >= RETRY;
        match self.tries {
            0 if age >= FRESH && self.used.get() => Due::Request,
            0 if age >= UNUSED => Due::End,
            0 => Due::Nothing,
            _ if !waited => Due::Nothing,
            TRIES.. => Due::End,
            _ => Due::Request,
        }
    }

    fn asked(&mut self, now_ms: u64) {
        self.tries += 1;
        self.asked_at = now_ms;
        self.used.set(false);
    }
}
