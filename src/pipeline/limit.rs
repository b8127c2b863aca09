//! First packets of a burst are limited while its port is overloaded: what is above is not decided, and dropped at once. Only
//! where there are known flows to make room for: a flood of nothing but first packets is decided as fast as it goes.

use super::{Packet, Pipeline};
use crate::counters::PortCell;
use crate::packet::Reason;

/// How many may still be decided.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct FirstPackets {
    /// `None`: all.
    left: Option<u32>,
    /// Packets of known flows came since the burst before began.
    know_flows: bool,
}

impl FirstPackets {
    /// A burst begins.
    pub(super) fn begin(&mut self, limit: Option<u32>) {
        *self = Self { left: limit.filter(|_| self.know_flows), know_flows: false };
    }

    /// Takes note whether there were packets of known flows.
    pub(super) const fn note(&mut self, known: bool) {
        self.know_flows |= known;
    }

    /// Takes one, if one is left.
    #[inline]
    const fn take(&mut self) -> bool {
        match &mut self.left {
            None => true,
            Some(0) => false,
            Some(left) => {
                *left -= 1;
                true
            }
        }
    }
}

impl Pipeline {
    /// Whether one more first packet may be decided. An overloaded port drops it, not the policy: it is counted as the
    /// port's.
    pub(super) fn enter_slow_path(&mut self, packet: &Packet) -> Result<(), Reason> {
        if self.first_packets.take() {
            return Ok(());
        }
        self.counters.port_cell(usize::from(packet.port.0), PortCell::ShedIn, packet.packets);
        Err(Reason::QueueFull)
    }
}
