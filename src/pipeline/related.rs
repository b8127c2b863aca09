//! ICMP errors: each goes the way of the flow whose packet it quotes, and quotes that packet as its sender knows it.

use super::fast_path::{Change, Onward};
use super::flows::{self, Family, Way};
use super::outbox::Outbox;
use super::{Packet, Pipeline};
use crate::packet::Reason;
use crate::packet::parse::{Layout, Quoted};
use crate::packet::rewrite::Tuple;
use crate::policy::admission;
use crate::policy::snapshot::Snapshot;

impl Pipeline {
    /// The way of an ICMP error.
    ///
    /// The quoted packet is one that left through the error's port, so turned round it is the key of a packet that
    /// would enter there: that is how its flow is found.
    pub(super) fn relate<A: Family>(
        &mut self,
        snapshot: &Snapshot,
        packet: &Packet,
        layout: &Layout,
        quoted: &Quoted,
        outbox: &mut Outbox,
    ) -> Result<Onward, Reason> {
        let unknown = Reason::DestinationUnknown;
        let far = quoted.addresses.destination();
        let zone = admission::zone(snapshot, packet.port, far).map_err(|_| unknown)?;
        let (Some(source), Some(destination)) = (A::of(far), A::of(quoted.addresses.source())) else { return Err(unknown) };
        let key = flows::key(zone, source, destination, quoted.protocol, (quoted.destination_port, quoted.source_port));
        let (flow, direction) = A::table(&self.flows).lookup(&key).ok_or(unknown)?;
        let way = Way { flow, direction };
        let stale = A::table(&self.flows).get(flow).is_none_or(|flow| flow.generation != self.generation);
        if stale && !self.revalidate::<A>(snapshot, way, outbox)? {
            return Err(unknown);
        }
        let entry = A::table(&self.flows).get(flow).ok_or(unknown)?;
        let ahead = self.change::<A>(way).ok_or(unknown)?;
        let (Some(error_source), Some(there)) = (A::of(layout.addresses.source()), A::of(ahead.addresses.destination())) else {
            return Err(unknown);
        };
        let (Some(seen_source), true) = (A::of(ahead.addresses.source()), error_source == source) else {
            return Ok(onward::<A>(entry.exit(direction), *quoted, (error_source, there), ahead));
        };
        Ok(onward::<A>(entry.exit(direction), *quoted, (seen_source, there), ahead))
    }
}

fn onward<A: Family>(exit: flows::Exit, quoted: Quoted, (source, destination): (A, A), ahead: Tuple) -> Onward {
    let inner = match (A::of(ahead.addresses.source()), A::of(ahead.addresses.destination())) {
        (Some(source), Some(destination)) => {
            Tuple { addresses: A::addresses(destination, source), source_port: ahead.destination_port, destination_port: ahead.source_port }
        }
        _ => ahead,
    };
    Onward { exit, change: Change::Quoted { quoted, outer: A::addresses(source, destination), inner } }
}
