//! Several workers, and yet each flow belongs to one: what a worker receives of another's flows it hands over.
//!
//! A device gives both directions of a flow to the same worker, most of the time. The exceptions are fragments and ICMP
//! errors, which don't show their flow's ports, flows whose replies look different, and whatever a device does otherwise.
//! They miss in the worker's own tables, and only then what the workers share is asked:
//!
//! | what misses | what says whose it is |
//! |---|---|
//! | a first packet, an ICMP error | [`directory`]: the flow's keys |
//! | a later fragment | where the first one went (`shared`) |
//!
//! A packet that was handed over starts anew at its owner, at the port where it came in, but is not counted as received a
//! second time. It may have to go on from there, where its flow ended meanwhile and was opened by another worker: each time
//! takes the opening of a flow, so no packet goes round for ever.
//!
//! What a worker learns of a neighbour goes to those that asked for it too, and to all where it changes what they know.
//!
//! One worker alone shares nothing, and pays nothing but a look at whether it is alone where a flow opens or ends.

pub mod directory;
mod neighbours;
mod parcel;
mod shared;

use std::cell::Cell;
use std::sync::Arc;
use std::time::Instant;

use directory::Taken;
pub use parcel::Parcel;
pub use shared::Shared;

use super::flows::Family;
use super::fragment_table::FragmentKey;
use super::outbox::{Outbox, Sent};
use super::respond::rate_limit::RateLimit;
use super::{Capacity, Packet, Pipeline, Secrets, fragments};
use crate::counters::{PortCell, Reader};
use crate::packet::parse::{Fragment, Layout};
use crate::packet::{FlowKey, Reason};
use crate::policy::ids::PortId;
use crate::policy::snapshot::Snapshot;

/// The most workers that there can be.
pub const MOST_WORKERS: u16 = 64;

/// A worker's number, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WorkerId(pub u16);

/// A pipeline's part in a team of several.
#[derive(Debug)]
pub(super) struct Member {
    shared: Arc<Shared>,
    own: WorkerId,
    /// How often others are told that a neighbour changed its address unasked.
    changes: RateLimit,
}

/// Why a packet that was allowed did not open a flow.
#[derive(Debug)]
pub(super) enum Unopened {
    /// It ends here.
    Refused(Reason),
    /// This worker has just opened the same flow.
    Elsewhere(WorkerId),
}

impl From<Reason> for Unopened {
    fn from(reason: Reason) -> Self {
        Self::Refused(reason)
    }
}

/// The claim on the keys of a flow that is about to be opened.
pub(super) struct Claim<'a, A: Family> {
    member: Option<&'a Member>,
    original: FlowKey<A>,
    /// Who has the flow already.
    elsewhere: Cell<Option<WorkerId>>,
}

impl<'a, A: Family> Claim<'a, A> {
    pub(super) const fn new(member: Option<&'a Member>, original: &FlowKey<A>) -> Self {
        Self { member, original: *original, elsewhere: Cell::new(None) }
    }

    /// Claims the flow with this reply key. True: another flow has that one, and there is nothing to be had. False: the
    /// search for a reply key is over, one way or the other ([`Self::outcome`]).
    pub(super) fn is_lost(&self, reply: &FlowKey<A>) -> bool {
        let Some(member) = self.member else { return false };
        match member.shared.flows.claim(&self.original, reply, member.own) {
            Ok(()) => false,
            Err(Taken::Reply) => true,
            Err(Taken::Original(owner)) if owner == member.own => true,
            Err(Taken::Original(owner)) => {
                self.elsewhere.set(Some(owner));
                false
            }
        }
    }

    /// After a claim that was not lost: the flow is ours, or another worker's.
    pub(super) fn outcome(&self) -> Result<(), Unopened> {
        self.elsewhere.get().map_or(Ok(()), |owner| Err(Unopened::Elsewhere(owner)))
    }
}

impl Pipeline {
    /// The pipelines of `workers` workers that share what has to be, and the reading ends of their counters. Capacities and
    /// limits are divided among them.
    #[must_use]
    pub fn team(workers: u16, snapshot: &Arc<Snapshot>, capacity: Capacity, secrets: Secrets, start: Instant) -> (Vec<Self>, Vec<Reader>) {
        let workers = workers.clamp(1, MOST_WORKERS);
        let shared = (workers > 1).then(|| Arc::new(Shared::new(workers, capacity)));
        let join = |own: u16| {
            let (mut pipeline, reader) = Self::new(Arc::clone(snapshot), capacity.share(workers), secrets.for_worker(own), start);
            if let Some(shared) = &shared {
                pipeline.join(Arc::clone(shared), WorkerId(own));
            }
            (pipeline, reader)
        };
        (0..workers).map(join).unzip()
    }

    /// What this pipeline shares with others; `None` where it is alone.
    #[must_use]
    pub fn shared(&self) -> Option<&Shared> {
        self.member.as_ref().map(|member| &*member.shared)
    }

    fn join(&mut self, shared: Arc<Shared>, own: WorkerId) {
        let workers = shared.workers();
        self.icmp_errors = RateLimit::new((1000 / u32::from(workers)).max(1), (100 / u32::from(workers)).max(1));
        // Pieces of packets that two workers send to one end must not pass for pieces of one.
        self.identification = u16::MAX / workers * own.0;
        self.member = Some(Member { shared, own, changes: RateLimit::new(100, 100) });
    }

    /// Counts what came in at a port; what was handed over was counted where it came in.
    #[inline]
    pub(super) fn count_received(&mut self, port: PortId, packets: u64, bytes: u64, super_frames: u64) {
        if !self.at_second_hand {
            self.counters.port(usize::from(port.0), PortCell::PacketsIn, PortCell::BytesIn, packets, bytes);
            self.counters.port_cell(usize::from(port.0), PortCell::SuperFramesIn, super_frames);
        }
    }

    /// The worker, if it is another, that has the flow of packets with this key.
    fn other_owner<A: Family>(&self, key: &FlowKey<A>) -> Option<WorkerId> {
        let member = self.member.as_ref()?;
        member.shared.flows.owner(key).filter(|owner| *owner != member.own)
    }

    /// Hands a packet over whose flow, that of `key`, another worker has. Nothing is to be done here for one that nobody has.
    ///
    /// # Errors
    /// It was handed over: its way ends here.
    pub(super) fn stay_or_hand_over<A: Family>(
        &self,
        packet: &mut Packet,
        layout: &Layout,
        key: &FlowKey<A>,
        outbox: &mut Outbox,
    ) -> Result<(), Reason> {
        self.other_owner(key).map_or(Ok(()), |owner| Err(self.pass_on(packet, layout, owner, outbox)))
    }

    /// How a packet ends here that opened no flow.
    pub(super) fn not_opened(&self, unopened: Unopened, packet: &mut Packet, layout: &Layout, outbox: &mut Outbox) -> Reason {
        match unopened {
            Unopened::Refused(reason) => reason,
            Unopened::Elsewhere(owner) => self.pass_on(packet, layout, owner, outbox),
        }
    }

    /// Hands a later fragment over whose first one another worker has.
    #[cold]
    #[inline(never)]
    pub(super) fn hand_over_fragment(&self, packet: &mut Packet, layout: &Layout, key: &FragmentKey, outbox: &mut Outbox) -> Reason {
        let owner = self.member.as_ref().and_then(|member| {
            let owner = member.shared.fragments.owner(key, self.clock.milliseconds)?;
            (owner != member.own).then_some(owner)
        });
        owner.map_or(Reason::FragmentWithoutFirst, |owner| self.pass_on(packet, layout, owner, outbox))
    }

    /// Tells the others that the fragments of this packet belong here.
    pub(super) fn claim_fragments(&self, key: FragmentKey) {
        if let Some(member) = &self.member {
            member.shared.fragments.insert(key, member.own, self.clock.milliseconds);
        }
    }

    /// A flow has left its table.
    pub(super) fn release_claim<A: Family>(&self, original: &FlowKey<A>, reply: &FlowKey<A>) {
        if let Some(member) = &self.member {
            member.shared.flows.release(original, reply);
        }
    }

    /// Puts a packet among what goes to another worker. Its account goes with it: nothing of it is left to be counted here,
    /// whatever it is said to have ended with.
    fn pass_on(&self, packet: &mut Packet, layout: &Layout, owner: WorkerId, outbox: &mut Outbox) -> Reason {
        if let (Some(member), Fragment::First { id }) = (&self.member, layout.fragment) {
            // Before it is there: its later fragments may be right behind it.
            member.shared.fragments.insert(fragments::key(packet.zone, layout, id), owner, self.clock.milliseconds);
        }
        let sent = Sent { forwarded_for: Some(packet.zone), packets: packet.packets, bytes: packet.bytes };
        outbox.parcels.push((owner, Parcel::Packet { port: packet.port, frame: packet.frame.take(), sent }));
        packet.packets = 0;
        Reason::QueueFull
    }
}

impl Capacity {
    /// What each of several workers reserves: its share of the flows and fragments. Each knows all neighbours.
    fn share(self, workers: u16) -> Self {
        let share = |whole: usize| whole.div_ceil(usize::from(workers));
        Self { flows_v4: share(self.flows_v4), flows_v6: share(self.flows_v6), fragments: share(self.fragments), ..self }
    }
}

impl Secrets {
    /// Workers look for free ports from different places on.
    const fn for_worker(mut self, worker: u16) -> Self {
        self.source_ports[0] ^= worker as u64;
        self
    }
}
