//! The ways out that flows take, numbered so that a flow holds one in two bytes.

use std::collections::HashMap;
use std::net::IpAddr;

use foldhash::fast::RandomState;

use crate::policy::ids::PortId;

/// Where packets of one direction leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Exit {
    /// The port.
    pub port: PortId,
    /// Whose MAC address they are sent to, where that is not their destination (an appliance).
    pub appliance: Option<IpAddr>,
}

/// The number of an [`Exit`], good as long as the worker lives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExitId(u16);

/// Numbers below are those of ports, and mean the port without an appliance: nearly all flows need no more.
const FIRST_LISTED: u16 = 0x8000;

impl ExitId {
    const fn is_listed(self) -> bool {
        self.0 >= FIRST_LISTED
    }
}

/// The exits that are more than a port. Nothing is ever taken out: there are as many as configurations had appliances.
#[derive(Debug, Default)]
pub struct Exits {
    listed: Vec<Exit>,
    numbers: HashMap<Exit, ExitId, RandomState>,
}

impl Exits {
    /// The number of an exit. `None` once 32,768 have been listed.
    pub(super) fn number(&mut self, exit: Exit) -> Option<ExitId> {
        match exit {
            Exit { port: PortId(port), appliance: None } if port < FIRST_LISTED => Some(ExitId(port)),
            _ => self.numbers.get(&exit).copied().or_else(|| self.list(exit)),
        }
    }

    /// The exit of a number that was given here.
    #[cfg(test)]
    pub(super) fn get(&self, id: ExitId) -> Exit {
        Exit { port: self.port(id), appliance: self.appliance(id) }
    }

    /// The port of an exit.
    #[inline]
    pub(super) fn port(&self, id: ExitId) -> PortId {
        if id.is_listed() { self.listed(id).map_or(PortId(id.0), |exit| exit.port) } else { PortId(id.0) }
    }

    /// The appliance of an exit.
    #[inline]
    pub(super) fn appliance(&self, id: ExitId) -> Option<IpAddr> {
        if id.is_listed() { self.listed(id)?.appliance } else { None }
    }

    #[cold]
    fn listed(&self, ExitId(number): ExitId) -> Option<&Exit> {
        self.listed.get(usize::from(number.checked_sub(FIRST_LISTED)?))
    }

    fn list(&mut self, exit: Exit) -> Option<ExitId> {
        let number = FIRST_LISTED.checked_add(u16::try_from(self.listed.len()).ok()?).map(ExitId)?;
        self.listed.push(exit);
        self.numbers.insert(exit, number);
        Some(number)
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn every_exit_comes_back_from_its_number() {
        let mut exits = Exits::default();
        for port in [0, 1, FIRST_LISTED - 1, FIRST_LISTED, u16::MAX].map(PortId) {
            for appliance in [None, Some(IpAddr::V4(Ipv4Addr::LOCALHOST)), Some(IpAddr::V4(Ipv4Addr::BROADCAST))] {
                let exit = Exit { port, appliance };
                let number = exits.number(exit).unwrap();
                assert_eq!((exits.get(number), exits.number(exit)), (exit, Some(number)));
            }
        }
        assert_eq!(exits.listed.len(), 12, "a port alone needs no place");
    }

    #[test]
    fn a_full_list_gives_no_number_and_keeps_those_it_gave() {
        let mut exits = Exits::default();
        let exit = |number: u32| Exit { port: PortId(1), appliance: Some(IpAddr::V4(Ipv4Addr::from_bits(number))) };
        let numbers: Vec<_> = (0..0x8000).map(|number| exits.number(exit(number)).unwrap()).collect();
        assert_eq!(exits.number(exit(0x8000)), None);
        assert!((0..).zip(numbers).all(|(number, id)| exits.get(id) == exit(number)));
    }
}
