//! ICMP errors: each goes the way of the flow whose packet it quotes, and quotes that packet as its sender knows it.

use std::net::Ipv6Addr;

use super::fast_path::Onward;
use super::flows::{self, Family, Way};
use super::outbox::Outbox;
use super::{Packet, Pipeline};
use crate::packet::Reason;
use crate::packet::parse::{Layout, Quoted};
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
        if let Some((flow, direction)) = A::table(&self.flows).lookup(&key) {
            return self.relate_to::<A>(snapshot, Way { flow, direction }, (layout, quoted), outbox);
        }
        let way = self.flows.through_tunnel(&key).ok_or(unknown)?;
        self.relate_to::<Ipv6Addr>(snapshot, way, (layout, quoted), outbox)
    }

    /// The way of an ICMP error about a packet of this flow, against which `way` goes.
    fn relate_to<A: Family>(
        &mut self,
        snapshot: &Snapshot,
        way: Way,
        (layout, quoted): (&Layout, &Quoted),
        outbox: &mut Outbox,
    ) -> Result<Onward, Reason> {
        let unknown = Reason::DestinationUnknown;
        if !self.bring_up_to_date::<A>(snapshot, way, outbox)? {
            return Err(unknown);
        }
        let onward = self.onward::<A>(way).ok_or(unknown)?;
        // The far end is shown as the flow shows it. So is a router on its side of a tunnel: it has no address on the other.
        let own = layout.addresses.source() == quoted.addresses.destination();
        let source = if own || onward.translates { onward.tuple.addresses.source() } else { layout.addresses.source() };
        Ok(Onward { error_from: Some(source), ..onward })
    }
}
