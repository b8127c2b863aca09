//! First packets of a burst are limited while its port is overloaded: what is above is not decided, and dropped at once.

use super::{Packet, Pipeline};
use crate::counters::PortCell;
use crate::packet::Reason;

/// How many may still be decided. `None`: all.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct FirstPackets {
    left: Option<u32>,
}

impl FirstPackets {
    /// For one burst.
    pub(super) const fn new(limit: Option<u32>) -> Self {
        Self { left: limit }
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
