//! Which source port a translated flow shows: its own where it can, another where it must.
//!
//! Whether a port is free is the flow table's to say: it holds the keys of the replies. What is kept here is how many
//! ports are in use towards each remote end, so that a full one is answered at once and not after 64,512 questions.
//! For ICMP echo "port" means the identifier.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;

use foldhash::fast::RandomState;

use crate::packet::flow_key::Address;
use crate::packet::{FlowKey, Zone};
use crate::table::flow::Secret;
use crate::wire::protocol::{ICMP, ICMPV6, TCP, UDP};

/// The lowest port that is given out (ports below are the system's, RFC 6335).
pub const LOWEST_PORT: u16 = 1_024;
/// Ports that are given out, per public address and remote end: 1024 to 65535.
pub const PORTS: u32 = 65_536 - LOWEST_PORT as u32;

/// Refusals after which all ports are asked for again, though none was given back: other flows (inbound ones) may have
/// left ports that are not counted here.
const REFUSALS: u32 = 1_024;

/// Within what a port must be the only one of its number: replies of one scope differ by their destination port alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PortScope {
    /// The address that the remote end sees.
    pub address: IpAddr,
    /// The remote end's address.
    pub remote: IpAddr,
    /// The remote end's port; 0 for ICMP echo and for protocols without ports.
    pub remote_port: u16,
    /// Where replies enter.
    pub zone: Zone,
    /// IP protocol number.
    pub protocol: u8,
}

impl PortScope {
    /// The scope of a flow, and its port there, by the key of its replies.
    #[must_use]
    pub fn of_reply<A: Address>(reply: &FlowKey<A>) -> (Self, u16) {
        let remote_port = if matches!(reply.protocol, ICMP | ICMPV6) { 0 } else { reply.source_port };
        let (address, remote) = (reply.destination.into(), reply.source.into());
        (Self { address, remote, remote_port, zone: reply.zone, protocol: reply.protocol }, reply.destination_port)
    }

    /// Whether there are ports (or identifiers) to choose from.
    const fn has_ports(&self) -> bool {
        matches!(self.protocol, ICMP | TCP | UDP | ICMPV6)
    }
}

/// What a new flow asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Want {
    /// Towards whom, from which address.
    pub scope: PortScope,
    /// The port that the flow's sender chose.
    pub source_port: u16,
    /// The address stands for one sender only: it may keep a port below [`LOWEST_PORT`]. Shared addresses don't show
    /// those, as a remote end may take them for the system's own.
    pub sole: bool,
}

/// Every port of the address is in use towards this remote end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("every source port of the address is in use towards this destination")]
pub struct Exhausted;

#[derive(Clone, Copy, Debug, Default)]
struct Usage {
    /// Flows with a port from [`LOWEST_PORT`] on.
    ports: u32,
    /// Flows with a port below.
    low_ports: u32,
    /// A search found nothing since a port was last given back.
    searched: bool,
    /// Refusals since that search.
    refusals: u32,
}

impl Usage {
    const fn count(&mut self, port: u16) -> &mut u32 {
        if port >= LOWEST_PORT { &mut self.ports } else { &mut self.low_ports }
    }
}

/// Source ports in use, per scope. Each allocation is to be followed by one [`SourceNat::release`] when its flow has left
/// the flow table (not earlier: an entry in time-wait holds its port).
#[derive(Debug)]
pub struct SourceNat {
    used: HashMap<PortScope, Usage, RandomState>,
    secret: Secret,
    drawn: u64,
}

impl SourceNat {
    /// With no port in use; where searches begin is drawn from a random, secret seed (RFC 6056).
    #[must_use]
    pub fn new(seed: [u64; 2]) -> Self {
        Self { used: HashMap::default(), secret: Secret::new(seed), drawn: 0 }
    }

    /// Chooses the port that a new flow shows and counts it: the one it has, if it may keep it and `taken` does not say
    /// that a flow's replies come there already; else a free one from 1024 on, searched from a random place through all.
    ///
    /// # Errors
    /// [`Exhausted`]: every port is taken, or the protocol has none to choose from and its one key is taken.
    pub fn allocate(&mut self, want: &Want, taken: impl Fn(u16) -> bool) -> Result<u16, Exhausted> {
        let port = if Self::may_keep(want) && !taken(want.source_port) { want.source_port } else { self.another(&want.scope, taken)? };
        *self.used.entry(want.scope).or_default().count(port) += 1;
        Ok(port)
    }

    /// Gives back what [`SourceNat::allocate`] gave.
    pub fn release(&mut self, scope: &PortScope, port: u16) {
        let Entry::Occupied(mut used) = self.used.entry(*scope) else { return };
        let usage = used.get_mut();
        let count = usage.count(port);
        *count = count.saturating_sub(1);
        usage.searched = false;
        if usage.ports == 0 && usage.low_ports == 0 {
            used.remove();
        }
    }

    /// Ports of a scope that are in use.
    #[must_use]
    pub fn in_use(&self, scope: &PortScope) -> u32 {
        self.used.get(scope).map_or(0, |usage| usage.ports + usage.low_ports)
    }

    const fn may_keep(want: &Want) -> bool {
        let is_echo = matches!(want.scope.protocol, ICMP | ICMPV6);
        want.sole || is_echo || !want.scope.has_ports() || want.source_port >= LOWEST_PORT
    }

    fn another(&mut self, scope: &PortScope, taken: impl Fn(u16) -> bool) -> Result<u16, Exhausted> {
        if !scope.has_ports() || self.is_known_full(scope) {
            return Err(Exhausted);
        }
        let found = self.search(taken);
        if found.is_none()
            && let Some(usage) = self.used.get_mut(scope)
        {
            (usage.searched, usage.refusals) = (true, 0);
        }
        found.ok_or(Exhausted)
    }

    /// Whether a search can be spared.
    fn is_known_full(&mut self, scope: &PortScope) -> bool {
        let Some(usage) = self.used.get_mut(scope) else { return false };
        usage.refusals = usage.refusals.saturating_add(1);
        usage.ports >= PORTS || (usage.searched && usage.refusals < REFUSALS)
    }

    fn search(&mut self, taken: impl Fn(u16) -> bool) -> Option<u16> {
        self.drawn = self.drawn.wrapping_add(1);
        let start = u32::try_from(self.secret.number(self.drawn) >> 32).unwrap_or_default() % PORTS;
        let ports = (start..PORTS).chain(0..start).filter_map(|offset| u16::try_from(offset + u32::from(LOWEST_PORT)).ok());
        ports.into_iter().find(|&port| !taken(port))
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::net::Ipv4Addr;

    use proptest::prelude::*;

    use super::*;

    fn scope(protocol: u8) -> PortScope {
        let (address, remote) = (Ipv4Addr::new(20, 0, 0, 1).into(), Ipv4Addr::new(50, 0, 0, 1).into());
        PortScope { address, remote, remote_port: 443, zone: Zone(2), protocol }
    }

    fn want(source_port: u16) -> Want {
        Want { scope: scope(TCP), source_port, sole: false }
    }

    #[test]
    fn a_free_port_is_kept() {
        let mut nat = SourceNat::new([1, 2]);
        assert_eq!(nat.allocate(&want(1_024), |_| false), Ok(1_024));
        assert_eq!(nat.allocate(&want(65_535), |_| false), Ok(65_535));
        assert_eq!(nat.in_use(&scope(TCP)), 2);
    }

    #[test]
    fn a_low_port_is_kept_by_a_sole_sender_and_by_echo_only() {
        let mut nat = SourceNat::new([1, 2]);
        assert!(nat.allocate(&want(123), |_| false).unwrap() >= LOWEST_PORT);
        assert_eq!(nat.allocate(&Want { sole: true, ..want(123) }, |_| false), Ok(123));
        assert_eq!(nat.allocate(&Want { scope: scope(ICMP), ..want(7) }, |_| false), Ok(7));
        assert_eq!(nat.allocate(&Want { scope: scope(ICMPV6), ..want(7) }, |_| false), Ok(7));
    }

    #[test]
    fn a_portless_protocol_gets_its_one_key_or_nothing() {
        let mut nat = SourceNat::new([1, 2]);
        let esp = Want { scope: scope(50), ..want(0) };
        assert_eq!(nat.allocate(&esp, |_| false), Ok(0));
        assert_eq!(nat.allocate(&esp, |port| port == 0), Err(Exhausted));
    }

    #[test]
    fn all_ports_are_given_out_once_and_come_back() {
        let mut nat = SourceNat::new([1, 2]);
        let mut used = vec![false; 65_536];
        for number in 0..64_512 {
            let port = nat.allocate(&want(number), |port| used[usize::from(port)]).unwrap();
            assert!(port >= LOWEST_PORT && !used[usize::from(port)]);
            used[usize::from(port)] = true;
        }
        assert_eq!(nat.in_use(&scope(TCP)), 64_512);
        let asked = Cell::new(0_u32);
        let refused = nat.allocate(&want(5_000), |port| {
            asked.set(asked.get() + 1);
            used[usize::from(port)]
        });
        assert_eq!((refused, asked.get()), (Err(Exhausted), 1), "a full scope is answered without a search");
        let other = Want { scope: PortScope { remote_port: 80, ..scope(TCP) }, ..want(5_000) };
        assert_eq!(nat.allocate(&other, |_| false), Ok(5_000));
        nat.release(&scope(TCP), 40_000);
        used[40_000] = false;
        assert_eq!(nat.allocate(&want(5_000), |port| used[usize::from(port)]), Ok(40_000));
        assert_eq!(nat.allocate(&want(5_000), |_| true), Err(Exhausted));
    }

    #[test]
    fn ports_that_others_hold_do_not_make_every_refusal_a_search() {
        let mut nat = SourceNat::new([1, 2]);
        assert_eq!(nat.allocate(&want(5_000), |_| false), Ok(5_000));
        let asked = Cell::new(0_u32);
        let all_taken = |_| {
            asked.set(asked.get() + 1);
            true
        };
        for _ in 0..REFUSALS {
            assert_eq!(nat.allocate(&want(5_000), all_taken), Err(Exhausted));
        }
        assert_eq!(asked.get(), PORTS + REFUSALS, "one search, and one question each");
        for _ in 0..REFUSALS {
            let _ = nat.allocate(&want(5_000), |port| port != 6_000);
        }
        assert!(nat.in_use(&scope(TCP)) > 1, "what others gave back is found in time");
    }

    #[test]
    fn a_release_ends_the_refusals_and_forgets_idle_scopes() {
        let mut nat = SourceNat::new([1, 2]);
        nat.allocate(&want(5_000), |_| false).unwrap();
        nat.allocate(&want(5_001), |_| false).unwrap();
        assert_eq!(nat.allocate(&want(5_000), |_| true), Err(Exhausted));
        nat.release(&scope(TCP), 5_001);
        assert_eq!(nat.allocate(&want(5_000), |port| port != 5_001), Ok(5_001));
        nat.release(&scope(TCP), 5_000);
        nat.release(&scope(TCP), 5_001);
        nat.release(&scope(TCP), 5_001);
        assert!(nat.used.is_empty());
    }

    #[test]
    fn a_scope_is_read_from_the_reply() {
        let reply = FlowKey {
            source: Ipv4Addr::new(50, 0, 0, 1),
            destination: Ipv4Addr::new(20, 0, 0, 1),
            source_port: 443,
            destination_port: 5_000,
            zone: Zone(2),
            protocol: TCP,
        };
        assert_eq!(PortScope::of_reply(&reply), (scope(TCP), 5_000));
        let echo = FlowKey { source_port: 5_000, protocol: ICMP, ..reply };
        assert_eq!(PortScope::of_reply(&echo), (PortScope { remote_port: 0, ..scope(ICMP) }, 5_000));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn the_last_free_port_is_found(seed: [u64; 2], source_port: u16, free in LOWEST_PORT..) {
            let mut nat = SourceNat::new(seed);
            prop_assert_eq!(nat.allocate(&want(source_port), |port| port != free), Ok(free));
        }

        #[test]
        fn a_taken_port_is_never_given(seed: [u64; 2], wants in prop::collection::vec((1_000..1_100_u16, any::<bool>()), 0..300)) {
            let mut nat = SourceNat::new(seed);
            let mut used = Vec::new();
            for (source_port, gives_back) in wants {
                let port = nat.allocate(&want(source_port), |port| used.contains(&port)).unwrap();
                prop_assert!(!used.contains(&port));
                prop_assert_eq!(port == source_port, source_port >= LOWEST_PORT && !used.contains(&source_port));
                used.push(port);
                if gives_back {
                    nat.release(&scope(TCP), used.swap_remove(used.len() / 2));
                }
                prop_assert_eq!(nat.in_use(&scope(TCP)) as usize, used.len());
            }
        }
    }
}
