//! Destination port and protocol of a header → what its service has in the rows.

use super::bit_rows::{RowNumbers, Rows};
use super::five_tuple::FiveTuple;
use super::ports::Ports;
use crate::table::simd::Row;

/// As many rows at most stand for pairs of port and protocol; where there are more pairs, both keep their own.
const PAIRS: usize = 512;

/// Rows of services.
#[derive(Clone, Debug)]
pub(super) struct Services<const W: usize> {
    ports: Ports,
    protocols: [u8; 256],
    rows: ServiceRows<W>,
}

#[derive(Clone, Debug)]
enum ServiceRows<const W: usize> {
    /// One for each pair: what its port and its protocol have in common. Numbers of ports and of protocols are added.
    Pairs(Rows<W>),
    /// Of ports, and of protocols.
    Apart(Rows<W>, Rows<W>),
}

/// The rows of one service.
pub(super) enum Service<'a, const W: usize> {
    /// All in one.
    Pair(&'a Row<W>),
    /// Of its port, of its protocol.
    Apart(&'a Row<W>, &'a Row<W>),
}

impl<const W: usize> Services<W> {
    /// Of ports and protocols with their rows.
    pub(super) fn new((ports, port_rows): (RowNumbers, Rows<W>), (protocols, protocol_rows): ([u8; 256], Rows<W>)) -> Self {
        let each = protocol_rows.count();
        if port_rows.count() * each > PAIRS {
            let ports = Ports::new(&ports.starts, &ports.rows);
            return Self { ports, protocols, rows: ServiceRows::Apart(port_rows, protocol_rows) };
        }
        let numbers: Vec<u16> = ports.rows.iter().map(|port| port * each as u16).collect();
        let rows = ServiceRows::Pairs(port_rows.with_each(&protocol_rows));
        Self { ports: Ports::new(&ports.starts, &numbers), protocols, rows }
    }

    /// The rows of a header's service.
    #[inline(always)]
    pub(super) fn find(&self, header: &FiveTuple) -> Option<Service<'_, W>> {
        let (port, protocol) = (self.ports.find(header.destination_port), u32::from(self.protocols[usize::from(header.protocol)]));
        Some(match &self.rows {
            ServiceRows::Pairs(rows) => Service::Pair(rows.row(port + protocol)?),
            ServiceRows::Apart(ports, protocols) => Service::Apart(ports.row(port)?, protocols.row(protocol)?),
        })
    }

    /// Bytes of memory.
    pub(super) fn memory(&self) -> usize {
        let rows = match &self.rows {
            ServiceRows::Pairs(rows) => rows.memory(),
            ServiceRows::Apart(ports, protocols) => ports.memory() + protocols.memory(),
        };
        self.ports.memory() + size_of_val(&self.protocols) + rows
    }
}
