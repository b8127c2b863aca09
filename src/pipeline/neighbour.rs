//! Who is behind a port: IP address → MAC address, asked for and remembered, per worker.
//!
//! Two rooms, so that strangers cannot disturb those we know: `known` holds MAC addresses, and only it is looked at for
//! every packet (through `recent`, a cache); `sought` holds the addresses that we ask for or that did not answer, and is
//! all that a scan over a large prefix can fill.

mod known;
mod recent;
mod sought;

use std::net::IpAddr;

use crate::packet::{Frame, Reason};
use crate::pipeline::outbox::Sent;
use crate::policy::ids::PortId;

use known::Known;
use recent::Recent;
use sought::Sought;

/// Time between two requests for one address, in milliseconds (RFC 4861 10: RETRANS_TIMER).
const RETRY: u64 = 1_000;
/// Requests before an address is given up (RFC 4861 10: MAX_UNICAST_SOLICIT).
const TRIES: u8 = 3;

/// A neighbour: an address behind a port. Kept as plain numbers so that a lookup hashes two words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Neighbour {
    bits: u128,
    port: PortId,
    is_v6: bool,
}

impl Neighbour {
    /// Whoever has `address` behind `port`.
    #[inline(always)]
    #[must_use]
    pub const fn new(port: PortId, address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => Self { bits: address.to_bits() as u128, port, is_v6: false },
            IpAddr::V6(address) => Self { bits: address.to_bits(), port, is_v6: true },
        }
    }

    /// The port.
    #[inline]
    #[must_use]
    pub const fn port(self) -> PortId {
        self.port
    }

    /// The address.
    #[must_use]
    pub const fn address(self) -> IpAddr {
        if self.is_v6 {
            IpAddr::V6(std::net::Ipv6Addr::from_bits(self.bits))
        } else {
            IpAddr::V4(std::net::Ipv4Addr::from_bits(self.bits as u32))
        }
    }

    const fn request(self) -> Action {
        Action::Request { port: self.port, address: self.address() }
    }
}

impl std::hash::Hash for Neighbour {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        state.write_u128(self.bits);
        state.write_u32(u32::from(self.port.0) << 1 | u32::from(self.is_v6));
    }
}

/// A packet that waits for its next hop's MAC address.
#[derive(Debug)]
pub struct Waiting {
    /// The packet, ready but for its destination MAC address.
    pub frame: Frame,
    /// How it is to be counted once sent.
    pub sent: Sent,
}

/// Whether the caller has to send a request now. Later ones come from [`NeighbourTable::tick`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NeedsRequest(pub bool);

/// A packet that may not wait.
#[derive(Debug)]
pub struct Refused {
    /// The packet, given back.
    pub frame: Frame,
    /// Its account.
    pub sent: Sent,
    /// [`Reason::QueueFull`], or [`Reason::DestinationUnknown`] while the address is known not to answer.
    pub reason: Reason,
}

/// What a tick asks of the caller.
#[derive(Debug)]
pub enum Action {
    /// Ask (again) who has the address.
    Request {
        /// The port to ask at.
        port: PortId,
        /// The address to ask for.
        address: IpAddr,
    },
    /// Nobody answered: the packet ends as [`Reason::DestinationUnknown`].
    GiveUp(Waiting),
}

/// The neighbours of one worker's ports. All bounds are fixed when it is made; time is what [`NeighbourTable::tick`] and
/// [`NeighbourTable::wait`] were last told (monotonic milliseconds).
#[derive(Debug)]
pub struct NeighbourTable {
    recent: Recent,
    known: Known,
    sought: Sought,
    now_ms: u64,
}

impl NeighbourTable {
    /// An empty table that remembers up to `capacity` MAC addresses, looks for up to `capacity` others at a time, and
    /// lets `queue_per_neighbour` packets wait for each, `queue_total` in all.
    #[must_use]
    pub fn new(capacity: usize, queue_per_neighbour: usize, queue_total: usize) -> Self {
        let sought = Sought::new(capacity, queue_per_neighbour, queue_total);
        Self { recent: Recent::new(), known: Known::new(capacity), sought, now_ms: 0 }
    }

    /// The MAC address of a neighbour. One compare, or one hash lookup; marks the entry as in use (at least once a second),
    /// so that it is kept fresh.
    #[inline(always)]
    #[must_use]
    pub fn lookup(&mut self, neighbour: Neighbour) -> Option<[u8; 6]> {
        self.recent.lookup(&neighbour).or_else(|| self.lookup_known(neighbour))
    }

    #[inline(never)]
    fn lookup_known(&mut self, neighbour: Neighbour) -> Option<[u8; 6]> {
        let mac = self.known.lookup(&neighbour)?;
        self.recent.keep(neighbour, mac);
        Some(mac)
    }

    /// Takes note of what a neighbour says of itself (ARP, neighbour discovery), and returns the packets that waited for
    /// it, in order; an empty vector does not allocate. What cannot be one interface's address (a group's, all zeros) is
    /// not believed.
    ///
    /// An address that nobody asked for is remembered while half of the table is free, so that announcements of
    /// made-up addresses cannot keep out those that we have packets for.
    pub fn learn(&mut self, port: PortId, address: IpAddr, mac: [u8; 6]) -> Vec<Waiting> {
        if !is_one_interface(mac) {
            return Vec::new();
        }
        let neighbour = Neighbour::new(port, address);
        let found = self.sought.found(&neighbour);
        self.recent.forget(&neighbour);
        self.known.learn(neighbour, mac, found.is_some(), self.now_ms);
        found.unwrap_or_default()
    }

    /// Whether the neighbour is known by another MAC address than this one, which it may have.
    #[must_use]
    pub fn is_known_otherwise(&self, neighbour: Neighbour, mac: [u8; 6]) -> bool {
        is_one_interface(mac) && self.known.mac(&neighbour).is_some_and(|known| known != mac)
    }

    /// Lets a packet wait for a neighbour that [`NeighbourTable::lookup`] did not find.
    ///
    /// # Errors
    /// The packet may not wait: the queues are full, or the neighbour did not answer a moment ago.
    pub fn wait(&mut self, neighbour: Neighbour, frame: Frame, sent: Sent, now_ms: u64) -> Result<NeedsRequest, Refused> {
        self.now_ms = self.now_ms.max(now_ms);
        self.sought.wait(neighbour, Waiting { frame, sent }, self.now_ms)
    }

    /// Appends what is due at `now_ms`: requests, and packets whose neighbour does not answer. To be called a few times
    /// a second.
    pub fn tick(&mut self, now_ms: u64, actions: &mut Vec<Action>) {
        self.now_ms = self.now_ms.max(now_ms);
        self.sought.tick(self.now_ms, actions);
        if self.known.tick(self.now_ms, actions) {
            self.recent.forget_all();
        }
    }

    /// Forgets all neighbours of a port that is gone, and returns the packets that waited for them.
    pub fn forget_port(&mut self, port: PortId) -> Vec<Waiting> {
        self.recent.forget_all();
        self.known.forget_port(port);
        self.sought.forget_port(port)
    }
}

/// Whether this can be one interface's address: neither a group's nor all zeros.
fn is_one_interface(mac: [u8; 6]) -> bool {
    mac[0] & 1 == 0 && mac != [0; 6]
}

#[cfg(test)]
#[path = "neighbour/tests.rs"]
mod tests;
