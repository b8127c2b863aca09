//! The last stages: TTL, size, rewrite, and delivery to a neighbour whose MAC address is known or asked for.

use std::net::{IpAddr, Ipv4Addr};

use super::fast_path::{Onward, error_change};
use super::flows::leaving;
use super::neighbour::{NeedsRequest, Neighbour, Waiting};
use super::outbox::{Outbox, Sent};
use super::respond::fragment::{fragment_ipv4, fragment_ipv6};
use super::respond::icmp_error::{Error, icmp_error};
use super::respond::{GATEWAY_MAC, arp, ndp};
use super::{Packet, Pipeline};
use crate::packet::parse::{Layout, Transport};
use crate::packet::rewrite::Tuple;
use crate::packet::rewrite::translate::{self, Manner};
use crate::packet::{Frame, FramePool, Gso, Reason, rewrite, segments};
use crate::policy::admission;
use crate::policy::ids::PortId;
use crate::policy::snapshot::Snapshot;

/// Whether a packet leaves as it is or in pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Split {
    /// As it is.
    Whole,
    /// In fragments of at most this many bytes.
    Fragments(usize),
}

impl Pipeline {
    /// A packet whose time to live ends here is answered with time-exceeded.
    #[inline(always)]
    pub(super) fn check_ttl(&mut self, snapshot: &Snapshot, packet: &Packet, layout: &Layout, outbox: &mut Outbox) -> Result<(), Reason> {
        if layout.ttl > 1 {
            return Ok(());
        }
        self.send_icmp_error(snapshot, packet, layout, Error::TimeExceeded, outbox);
        Err(Reason::TtlExceeded)
    }

    /// A packet larger than the way out allows is fragmented where it may be, else answered with fragmentation-needed.
    #[inline(always)]
    pub(super) fn check_size(
        &mut self,
        snapshot: &Snapshot,
        packet: &Packet,
        layout: &Layout,
        onward: &Onward,
        outbox: &mut Outbox,
    ) -> Result<Split, Reason> {
        let mtu = self.mtus.get(usize::from(self.flows.exits.port(onward.exit).0)).copied().unwrap_or(1500);
        let limit = mtu as usize;
        let here = segments::largest_packet(packet.frame, layout);
        let there = if onward.translates { translate::size_there(here, layout) } else { here };
        if there <= limit {
            return Ok(Split::Whole);
        }
        let may_be_cut = if onward.translates { translate::may_be_cut(here, layout) } else { !layout.dont_fragment };
        // A super-frame through a service tunnel is answered: its segments would need fragment headers of their own.
        if may_be_cut && (packet.frame.offload.gso == Gso::None || !onward.translates) {
            return Ok(Split::Fragments(limit));
        }
        let told = if onward.translates { translate::mtu_here(limit, layout) } else { limit };
        self.send_icmp_error(snapshot, packet, layout, Error::FragmentationNeeded { mtu: u16::try_from(told).unwrap_or(u16::MAX) }, outbox);
        Err(Reason::TooBig)
    }

    /// TTL, addresses, ports and their checksums. Where the packet leaves in the other family, its layout changes too.
    #[inline(always)]
    pub(super) fn rewrite(&mut self, packet: &mut Packet, layout: &mut Layout, onward: &Onward, split: Split) -> Result<(), Reason> {
        rewrite::decrement_ttl(packet.frame, layout);
        if onward.translates {
            return self.rewrite_in_other_family(packet, layout, onward, split);
        }
        if onward.unchanged && !matches!(layout.transport_header, Transport::IcmpError(_)) {
            return Ok(());
        }
        // Each family makes its tuple where it is used: to hand one on would cost more than to make it.
        let (way, other) = (onward.way, onward.way.direction.opposite());
        if way.is_v6 {
            let other = self.flows.v6.key(way.flow, other).ok_or(Reason::DestinationUnknown)?;
            return apply(packet, layout, &leaving(&other));
        }
        let other = self.flows.v4.key(way.flow, other).ok_or(Reason::DestinationUnknown)?;
        apply(packet, layout, &leaving(&other))
    }

    /// The same for what enters or leaves a service tunnel: its length on the wire changes too.
    #[inline(never)]
    fn rewrite_in_other_family(&mut self, packet: &mut Packet, layout: &mut Layout, onward: &Onward, split: Split) -> Result<(), Reason> {
        let manner = Manner { to_be_cut: split != Split::Whole, identification: self.identification };
        let ahead = self.change(onward.way).ok_or(Reason::DestinationUnknown)?;
        *layout = match &layout.transport_header {
            Transport::IcmpError(quoted) => {
                let (outer, inner) = error_change(layout, quoted, &ahead, true).ok_or(Reason::DestinationUnknown)?;
                translate::error(packet.frame, layout, quoted, outer, &inner)?
            }
            _ => translate::packet(packet.frame, layout, &ahead, manner)?,
        };
        (packet.packets, packet.bytes) = segments::wire_size(packet.frame, Some(layout));
        // One for each segment of a super-frame.
        self.identification = self.identification.wrapping_add(packet.packets as u16);
        Ok(())
    }

    /// Into the outbox, or into the queue of packets that wait for their neighbour.
    #[inline(always)]
    pub(super) fn deliver(
        &mut self,
        snapshot: &Snapshot,
        packet: &mut Packet,
        layout: &Layout,
        onward: &Onward,
        split: Split,
        outbox: &mut Outbox,
    ) -> Result<(), Reason> {
        let neighbour = self.neighbour(onward).ok_or(Reason::DestinationUnknown)?;
        let frame = packet.frame.take();
        match split {
            Split::Whole => {
                let sent = Sent { forwarded_for: Some(packet.zone), packets: packet.packets, bytes: packet.bytes };
                self.hand_over(snapshot, neighbour, frame, sent, outbox)
            }
            Split::Fragments(mtu) => self.deliver_fragments(snapshot, packet, (frame, layout), neighbour, mtu, outbox),
        }
    }

    /// Sends the pieces of a packet; it counts as forwarded once, with its last piece. So does each segment of a
    /// super-frame.
    #[cold]
    #[inline(never)]
    fn deliver_fragments(
        &mut self,
        snapshot: &Snapshot,
        packet: &Packet,
        (mut frame, layout): (Frame, &Layout),
        neighbour: Neighbour,
        mtu: usize,
        outbox: &mut Outbox,
    ) -> Result<(), Reason> {
        let whole = if frame.offload.gso == Gso::None {
            rewrite::complete_checksum(&mut frame);
            vec![(frame, layout.end)]
        } else {
            segments_of(frame, layout, &mut outbox.pool)
        };
        let cut = cut_all(whole, layout, mtu, &mut outbox.pool).ok_or(Reason::TooBig)?;
        for (piece, is_last) in cut {
            let sent = Sent { forwarded_for: is_last.then_some(packet.zone), packets: 1, bytes: piece.len() as u64 };
            if let (Err(reason), true) = (self.hand_over(snapshot, neighbour, piece, sent, outbox), is_last) {
                self.counters.verdict(usize::from(packet.zone.0), reason, 1);
            }
        }
        Ok(())
    }

    /// Sends a frame whose MAC addresses are still to be set, or lets it wait for its neighbour.
    #[inline(always)]
    pub(super) fn hand_over(
        &mut self,
        snapshot: &Snapshot,
        neighbour: Neighbour,
        mut frame: Frame,
        sent: Sent,
        outbox: &mut Outbox,
    ) -> Result<(), Reason> {
        if let Some(mac) = self.neighbours.lookup(neighbour) {
            rewrite::set_macs(&mut frame, mac, GATEWAY_MAC);
            return outbox.send(neighbour.port(), frame, sent);
        }
        self.let_wait(snapshot, neighbour, frame, sent, outbox)
    }

    #[inline(never)]
    fn let_wait(&mut self, snapshot: &Snapshot, neighbour: Neighbour, frame: Frame, sent: Sent, outbox: &mut Outbox) -> Result<(), Reason> {
        match self.neighbours.wait(neighbour, frame, sent, self.clock.milliseconds) {
            Ok(NeedsRequest(needed)) => {
                if needed {
                    self.request_neighbour(snapshot, neighbour.port(), neighbour.address(), outbox);
                }
                Ok(())
            }
            Err(refused) => {
                outbox.pool.give(refused.frame);
                self.count_refusal(neighbour.port(), &sent, refused.reason);
                Err(refused.reason)
            }
        }
    }

    /// Asks who has an address.
    pub(super) fn request_neighbour(&mut self, snapshot: &Snapshot, port: PortId, neighbour: IpAddr, outbox: &mut Outbox) {
        self.note_question(Neighbour::new(port, neighbour));
        let mut frame = outbox.pool.take();
        match neighbour {
            IpAddr::V4(target) => arp::request(target, arp_sender(snapshot, port, target), &mut frame),
            IpAddr::V6(target) => ndp::solicitation(target, &mut frame),
        }
        let sent = Sent { forwarded_for: None, packets: 1, bytes: frame.len() as u64 };
        if let Some(frame) = outbox.push(port, frame, sent) {
            outbox.pool.give(frame);
        }
    }

    /// Remembers what a neighbour said of itself, sends what waited for it, and tells other workers.
    pub(super) fn learn(&mut self, port: PortId, neighbour: IpAddr, mac: [u8; 6], outbox: &mut Outbox) {
        self.share_neighbour(port, neighbour, mac, outbox);
        self.take_note(port, neighbour, mac, outbox);
    }

    /// Remembers where a neighbour is, and sends what waited for it.
    pub(super) fn take_note(&mut self, port: PortId, neighbour: IpAddr, mac: [u8; 6], outbox: &mut Outbox) {
        for Waiting { mut frame, sent } in self.neighbours.learn(port, neighbour, mac) {
            rewrite::set_macs(&mut frame, mac, GATEWAY_MAC);
            if let (Err(reason), Some(zone)) = (outbox.send(port, frame, sent), sent.forwarded_for) {
                self.counters.verdict(usize::from(zone.0), reason, sent.packets);
            }
        }
    }

    /// Tells the sender of `packet` what went wrong, within the rate limit.
    #[cold]
    #[inline(never)]
    pub(super) fn send_icmp_error(&mut self, snapshot: &Snapshot, packet: &Packet, layout: &Layout, error: Error, outbox: &mut Outbox) {
        if !self.icmp_errors.allow(self.clock.milliseconds) {
            return;
        }
        let from = gateway_of(snapshot, packet.port, layout);
        self.emit_from(packet, outbox, |offender, frame| icmp_error(offender.bytes(), layout, error, from, frame));
    }
}

/// The segments of a super-frame, each with its end.
fn segments_of(frame: Frame, layout: &Layout, pool: &mut FramePool) -> Vec<(Frame, usize)> {
    let mut segments = Vec::new();
    segments::split(&frame, layout, pool, &mut segments);
    pool.give(frame);
    let with_end = |segment: Frame| {
        let end = segment.len();
        (segment, end)
    };
    segments.into_iter().map(with_end).collect()
}

/// The fragments of all these packets, and which is the last of its packet. `None` where one cannot be cut.
fn cut_all(packets: Vec<(Frame, usize)>, layout: &Layout, mtu: usize, pool: &mut FramePool) -> Option<Vec<(Frame, bool)>> {
    let cut = if layout.addresses.is_v6() { fragment_ipv6 } else { fragment_ipv4 };
    let (mut all, mut pieces, mut done) = (Vec::new(), Vec::new(), true);
    for (packet, end) in packets {
        done = done && cut(&packet, &Layout { end, ..*layout }, mtu, pool, &mut pieces);
        pool.give(packet);
        let last = pieces.len().saturating_sub(1);
        all.extend(pieces.drain(..).enumerate().map(|(index, piece)| (piece, index == last)));
    }
    if !done {
        all.drain(..).for_each(|(piece, _)| pool.give(piece));
    }
    done.then_some(all)
}

/// Who asks: the gateway of the neighbour's subnet; nobody (an ARP probe, RFC 5227) where there is none.
fn arp_sender(snapshot: &Snapshot, port: PortId, target: Ipv4Addr) -> Ipv4Addr {
    let target = IpAddr::V4(target);
    match admission::admit(snapshot, port, target, target).map(|neighbour| snapshot.gateway_address(&neighbour.sender, false)) {
        Ok(IpAddr::V4(gateway)) => gateway,
        _ => Ipv4Addr::UNSPECIFIED,
    }
}

/// The source of our own ICMP errors: the gateway of the sender's subnet.
fn gateway_of(snapshot: &Snapshot, port: PortId, layout: &Layout) -> IpAddr {
    let (source, destination) = (layout.addresses.source(), layout.addresses.destination());
    match admission::admit(snapshot, port, source, destination) {
        Ok(sender) => snapshot.gateway_address(&sender.sender, source.is_ipv6()),
        Err(_) => destination,
    }
}

/// Gives a packet the addresses and ports of `ahead`; an ICMP error those that go with them.
#[inline(always)]
fn apply(packet: &mut Packet, layout: &Layout, ahead: &Tuple) -> Result<(), Reason> {
    match &layout.transport_header {
        Transport::IcmpError(quoted) => {
            let (outer, inner) = error_change(layout, quoted, ahead, false).ok_or(Reason::DestinationUnknown)?;
            rewrite::apply_quoted(packet.frame, layout, quoted, outer, &inner);
        }
        _ => rewrite::apply(packet.frame, layout, ahead),
    }
    Ok(())
}
