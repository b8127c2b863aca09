//! ICMP errors: each goes the way of the flow whose packet it quotes, and quotes that packet as its sender knows it.

use std::net::Ipv6Addr;

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
        packet: &mut Packet,
        layout: &Layout,
        quoted: &Quoted,
        outbox: &mut Outbox,
    ) -> Result<Way, Reason> {
        let unknown = Reason::DestinationUnknown;
        let far = quoted.addresses.destination();
        let zone = admission::zone(snapshot, packet.port, far).map_err(|_| unknown)?;
        let (Some(source), Some(destination)) = (A::of(far), A::of(quoted.addresses.source())) else { return Err(unknown) };
        let key = flows::key(zone, source, destination, quoted.protocol, (quoted.destination_port, quoted.source_port));
        if let Some((flow, direction)) = A::table(&self.flows).lookup(&key) {
            return self.relate_to::<A>(snapshot, Way { flow, direction, is_v6: A::IS_V6 }, outbox);
        }
        let Some(way) = self.flows.through_tunnel(&key) else {
            return self.stay_or_hand_over(packet, layout, &key, outbox).and(Err(unknown));
        };
        self.relate_to::<Ipv6Addr>(snapshot, way, outbox)
    }

    /// The way of an ICMP error about a packet of this flow, against which `way` goes.
    fn relate_to<A: Family>(&mut self, snapshot: &Snapshot, way: Way, outbox: &mut Outbox) -> Result<Way, Reason> {
        let goes_on = self.bring_up_to_date::<A>(snapshot, way, outbox)?;
        if goes_on { Ok(way) } else { Err(Reason::DestinationUnknown) }
    }
}
