//! Fragments: the first one decides, the later ones follow, one without a first is dropped (AZURE: the platform drops
//! fragments that arrive out of order).

use super::fragment_table::FragmentKey;
use super::outbox::Outbox;
use super::{Packet, Pipeline};
use crate::packet::parse::{Fragment, Layout};
use crate::packet::{Reason, Zone};

/// What the first fragment of a packet met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It belongs to a flow with these ports.
    Passed {
        /// Source port.
        source_port: u16,
        /// Destination port.
        destination_port: u16,
        /// Transport protocol: later IPv6 fragments may name an extension header instead (RFC 8200, 4.5).
        protocol: u8,
    },
    /// It ended for this reason, and so do the others.
    Ended(Reason),
}

impl Pipeline {
    /// Gives a later fragment the ports of its first.
    #[inline]
    pub(super) fn follow_first_fragment(&mut self, packet: &mut Packet, layout: &mut Layout, outbox: &mut Outbox) -> Result<(), Reason> {
        let Fragment::Later { id, .. } = layout.fragment else { return Ok(()) };
        let key = key(packet.zone, layout, id);
        match self.fragments.get(&key, self.clock.milliseconds) {
            None => Err(self.hand_over_fragment(packet, layout, &key, outbox)),
            Some(Fate::Ended(reason)) => Err(reason),
            Some(Fate::Passed { source_port, destination_port, protocol }) => {
                layout.protocol = protocol;
                layout.source_port = source_port;
                layout.destination_port = destination_port;
                Ok(())
            }
        }
    }

    /// Remembers the ports of a first fragment that passed. Where there is no room, its later fragments are dropped as
    /// fragments without a first.
    #[inline]
    pub(super) fn remember_first_fragment(&mut self, zone: Zone, layout: &Layout) {
        let (source_port, destination_port, protocol) = (layout.source_port, layout.destination_port, layout.protocol);
        self.remember_fate(zone, layout, Fate::Passed { source_port, destination_port, protocol });
    }

    /// Remembers what a first fragment met.
    #[inline]
    pub(super) fn remember_fate(&mut self, zone: Zone, layout: &Layout, fate: Fate) {
        if let Fragment::First { id } = layout.fragment {
            let key = key(zone, layout, id);
            self.fragments.insert(key, fate, self.clock.milliseconds);
            self.claim_fragments(key);
        }
    }
}

/// What all fragments of a packet have in common.
pub(super) fn key(zone: Zone, layout: &Layout, id: u32) -> FragmentKey {
    let (source, destination) = (layout.addresses.source(), layout.addresses.destination());
    let protocol = if source.is_ipv4() { layout.protocol } else { 0 };
    FragmentKey { zone, source, destination, id, protocol }
}
