//! Which ports a reload opens, moves and closes.

use super::parts::PortPlan;
use crate::policy::ids::PortId;

/// The difference between the ports that run and those that a configuration wants.
#[derive(Debug, PartialEq, Eq)]
pub struct Change {
    /// To be opened before anything changes: their devices are free, so a failure costs nothing.
    pub fresh: Vec<PortPlan>,
    /// To be opened once a port that goes has let go of the device.
    pub inherited: Vec<PortPlan>,
    /// To be closed: no longer wanted, or wanted on another device.
    pub gone: Vec<PortId>,
}

impl Change {
    /// What leads from `running` to `wanted`. A port whose name and device stay is left alone, whatever else changes.
    #[must_use]
    pub fn between(running: &[PortPlan], wanted: &[PortPlan]) -> Self {
        let stays = |one: &PortPlan, others: &[PortPlan]| others.iter().any(|other| other.id == one.id && other.device == one.device);
        let gone: Vec<&PortPlan> = running.iter().filter(|port| !stays(port, wanted)).collect();
        let opened = wanted.iter().filter(|port| !stays(port, running)).cloned();
        let (inherited, fresh) = opened.partition(|port| gone.iter().any(|old| old.device == port.device));
        Self { fresh, inherited, gone: gone.iter().map(|port| port.id).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::fake::plan;

    #[test]
    fn ports_that_stay_are_left_alone_even_when_attached_elsewhere() {
        let running = [plan(0, "web1", "cw-web1")];
        let mut wanted = running.clone();
        wanted[0].attachment = "shop/batch".to_owned();
        assert_eq!(Change::between(&running, &wanted), Change { fresh: vec![], inherited: vec![], gone: vec![] });
    }

    #[test]
    fn a_moved_port_closes_one_device_and_opens_another() {
        let running = [plan(0, "web1", "cw-web1"), plan(1, "laptop", "cw-laptop")];
        let wanted = [plan(0, "web1", "tap7"), plan(2, "hq", "cw-laptop")];
        let change = Change::between(&running, &wanted);
        assert_eq!(change.fresh, vec![wanted[0].clone()]);
        assert_eq!(change.inherited, vec![wanted[1].clone()], "its device is held by a port that goes");
        assert_eq!(change.gone, vec![PortId(0), PortId(1)]);
    }
}
