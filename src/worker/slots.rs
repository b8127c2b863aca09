//! The ports of a worker, by number.

use std::sync::Arc;

use super::appetite::Appetite;
use super::departure::Attention;
use super::load::Load;
use crate::packet::segments::SuperFrames;
use crate::pipeline::hand_over::WorkerId;
use crate::policy::ids::PortId;
use crate::port::{Port, PortState};

/// How a worker reaches a port.
pub(super) enum Place {
    /// It has a queue of the device.
    Own(Box<dyn Port>),
    /// The device has fewer queues than there are workers: this worker receives nothing there, and sends through another.
    Through(WorkerId, Arc<PortState>),
}

/// A port and what the loop knows of it.
pub(super) struct Slot {
    pub(super) id: PortId,
    pub(super) place: Place,
    pub(super) state: Arc<PortState>,
    /// The kinds of super-frame that it takes whole.
    pub(super) takes: SuperFrames,
    /// Whether its queues are worth looking through.
    pub(super) attention: Attention,
    /// How many frames it is asked for.
    pub(super) appetite: Appetite,
    /// Whether it is overloaded.
    pub(super) load: Load,
    /// The MTU that the engine was told.
    pub(super) mtu: u32,
    /// To be received from in the next pass.
    pub(super) active: bool,
    /// The poller tells of it, or there is nothing to tell; else it is looked at in every pass.
    pub(super) is_waited_on: bool,
}

impl Slot {
    pub(super) fn new(id: PortId, place: Place, is_waited_on: bool) -> Self {
        let (state, takes, active) = match &place {
            Place::Own(port) => (port.state(), port.takes(), true),
            Place::Through(_, state) => (Arc::clone(state), SuperFrames::NONE, false),
        };
        let (attention, appetite, load) = (Attention::default(), Appetite::default(), Load::default());
        Self { id, mtu: state.mtu(), state, place, takes, attention, appetite, load, active, is_waited_on }
    }
}

/// Slots by port number.
#[derive(Default)]
pub(super) struct Slots {
    slots: Vec<Option<Slot>>,
}

impl Slots {
    pub(super) fn get_mut(&mut self, id: PortId) -> Option<&mut Slot> {
        self.slots.get_mut(usize::from(id.0))?.as_mut()
    }

    /// Puts the slot under its number; returns the one before.
    pub(super) fn insert(&mut self, slot: Slot) -> Option<Slot> {
        let index = usize::from(slot.id.0);
        if self.slots.len() <= index {
            self.slots.resize_with(index + 1, || None);
        }
        self.slots.get_mut(index).and_then(|place| place.replace(slot))
    }

    pub(super) fn remove(&mut self, id: PortId) -> Option<Slot> {
        self.slots.get_mut(usize::from(id.0))?.take()
    }

    /// One more than the highest number ever used.
    pub(super) fn bound(&self) -> u16 {
        u16::try_from(self.slots.len()).unwrap_or(u16::MAX)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Slot> {
        self.slots.iter_mut().flatten()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Slot> {
        self.slots.iter().flatten()
    }
}
