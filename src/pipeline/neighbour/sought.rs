//! Neighbours that are asked for, and those that did not answer.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::{Action, NeedsRequest, Neighbour, RETRY, Refused, TRIES, Waiting};
use crate::packet::Reason;
use crate::policy::ids::PortId;

/// How long an address that did not answer refuses packets at once, in milliseconds.
const SILENT: u64 = 5_000;

#[derive(Debug)]
enum State {
    /// Asked for; packets wait.
    Asked { queue: Vec<Waiting>, tries: u8, asked_at: u64 },
    /// Did not answer; nothing waits, nobody asks, until a host speaks up or this time has come.
    Silent { until: u64 },
}

/// What is looked for, within fixed bounds.
#[derive(Debug)]
pub(super) struct Sought {
    entries: HashMap<Neighbour, State, RandomState>,
    capacity: usize,
    queue_per_neighbour: usize,
    queue_total: usize,
    /// Packets in all queues.
    queued: usize,
}

impl Sought {
    pub(super) fn new(capacity: usize, queue_per_neighbour: usize, queue_total: usize) -> Self {
        Self { entries: HashMap::default(), capacity, queue_per_neighbour, queue_total, queued: 0 }
    }

    pub(super) fn wait(&mut self, neighbour: Neighbour, packet: Waiting, now_ms: u64) -> Result<NeedsRequest, Refused> {
        let full = self.queued >= self.queue_total || self.queue_per_neighbour == 0;
        match self.entries.get_mut(&neighbour) {
            Some(State::Silent { until }) if now_ms < *until => Err(refuse(packet, Reason::DestinationUnknown)),
            _ if full => Err(refuse(packet, Reason::QueueFull)),
            Some(State::Asked { queue, .. }) if queue.len() >= self.queue_per_neighbour => Err(refuse(packet, Reason::QueueFull)),
            Some(State::Asked { queue, .. }) => {
                queue.push(packet);
                self.queued += 1;
                Ok(NeedsRequest(false))
            }
            Some(state @ State::Silent { .. }) => {
                *state = State::asked(packet, now_ms);
                self.queued += 1;
                Ok(NeedsRequest(true))
            }
            None => self.start(neighbour, packet, now_ms),
        }
    }

    fn start(&mut self, neighbour: Neighbour, packet: Waiting, now_ms: u64) -> Result<NeedsRequest, Refused> {
        if self.entries.len() >= self.capacity && !self.forget_silent() {
            return Err(refuse(packet, Reason::QueueFull));
        }
        self.entries.insert(neighbour, State::asked(packet, now_ms));
        self.queued += 1;
        Ok(NeedsRequest(true))
    }

    /// Makes room: forgets the addresses that did not answer. Whether there were any.
    fn forget_silent(&mut self) -> bool {
        let before = self.entries.len();
        self.entries.retain(|_, state| matches!(state, State::Asked { .. }));
        self.entries.len() < before
    }

    /// Ends the search; what waited. `None` where nobody looked for the neighbour.
    pub(super) fn found(&mut self, neighbour: &Neighbour) -> Option<Vec<Waiting>> {
        if self.entries.is_empty() {
            return None;
        }
        let queue = self.entries.remove(neighbour)?.into_queue();
        self.queued -= queue.len();
        Some(queue)
    }

    pub(super) fn tick(&mut self, now_ms: u64, actions: &mut Vec<Action>) {
        let queued = &mut self.queued;
        self.entries.retain(|neighbour, state| match state {
            State::Silent { until } => now_ms < *until,
            State::Asked { asked_at, .. } if now_ms.saturating_sub(*asked_at) < RETRY => true,
            State::Asked { tries, asked_at, .. } if *tries < TRIES => {
                *tries += 1;
                *asked_at = now_ms;
                actions.push(neighbour.request());
                true
            }
            State::Asked { queue, .. } => {
                *queued -= queue.len();
                actions.extend(queue.drain(..).map(Action::GiveUp));
                *state = State::Silent { until: now_ms.saturating_add(SILENT) };
                true
            }
        });
    }

    pub(super) fn forget_port(&mut self, port: PortId) -> Vec<Waiting> {
        let gone: Vec<_> =
            self.entries.extract_if(|neighbour, _| neighbour.port == port).flat_map(|(_, state)| state.into_queue()).collect();
        self.queued -= gone.len();
        gone
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }
}

impl State {
    fn asked(packet: Waiting, now_ms: u64) -> Self {
        Self::Asked { queue: vec![packet], tries: 1, asked_at: now_ms }
    }

    fn into_queue(self) -> Vec<Waiting> {
        match self {
            Self::Asked { queue, .. } => queue,
            Self::Silent { .. } => Vec::new(),
        }
    }
}

fn refuse(packet: Waiting, reason: Reason) -> Refused {
    Refused { frame: packet.frame, sent: packet.sent, reason }
}
