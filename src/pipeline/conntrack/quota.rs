//! How many flows may wait for their first answer.

use crate::packet::Zone;

/// Counts half-open flows, in all and per zone they come from, so that a flood of first packets leaves room for the
/// flows that are answered, and one subnet's flood leaves room for the other subnets' first packets.
#[derive(Debug)]
pub struct HalfOpenQuota {
    limit: u32,
    zone_limit: u32,
    used: u32,
    zones: Vec<u32>,
}

impl HalfOpenQuota {
    /// A quota of `limit` half-open flows, `zone_limit` of them from one zone.
    #[must_use]
    pub const fn new(limit: u32, zone_limit: u32) -> Self {
        Self { limit, zone_limit, used: 0, zones: Vec::new() }
    }

    /// Half of a flow table's capacity, half of that for one zone (but one flow always).
    #[must_use]
    pub fn for_capacity(capacity: usize) -> Self {
        let capacity = u32::try_from(capacity).unwrap_or(u32::MAX);
        Self::new((capacity / 2).max(1), (capacity / 4).max(1))
    }

    /// Counts one more half-open flow from `zone`. False, and nothing counted, where there is no room: the new flow's
    /// packet ends as `flow-table-full`. Takes memory only when it meets a zone with a higher number than all before.
    pub fn enter(&mut self, zone: Zone) -> bool {
        let at = usize::from(zone.0);
        if self.zones.len() <= at {
            self.zones.resize(at + 1, 0);
        }
        match self.zones.get_mut(at) {
            Some(used) if self.used < self.limit && *used < self.zone_limit => {
                *used += 1;
                self.used += 1;
                true
            }
            _ => false,
        }
    }

    /// A flow that was counted is half-open no more, or gone.
    pub fn leave(&mut self, zone: Zone) {
        if let Some(used) = self.zones.get_mut(usize::from(zone.0))
            && *used > 0
        {
            *used -= 1;
            self.used = self.used.saturating_sub(1);
        }
    }

    /// Half-open flows now.
    #[must_use]
    pub const fn used(&self) -> u32 {
        self.used
    }
}
