//! What a worker counts. One writer, any number of readers, no lock and no read-modify-write on the packet's way.
//!
//! Each worker owns a [`Writer`]; a cell is bumped by a relaxed load and store, which costs what a plain addition does.
//! Readers hold a [`Reader`] per worker and add up. A reload may need more cells (new ports, zones, rules): numbers are
//! stable, so the writer moves to a larger block at the swap and takes its counts along.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;

use crate::packet::Reason;

/// How many ports, zones and rules there are to count for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// Ports ever named.
    pub ports: usize,
    /// Zones ever named.
    pub zones: usize,
    /// Rules ever named.
    pub rules: usize,
}

impl Shape {
    fn covering(self, other: Self) -> Self {
        Self { ports: self.ports.max(other.ports), zones: self.zones.max(other.zones), rules: self.rules.max(other.rules) }
    }

    const fn cells(self) -> usize {
        SCALARS + self.ports * PORT_CELLS + self.zones * Reason::COUNT + self.rules
    }
}

/// Counters that have no label but their own name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Scalar {
    /// Flows in the table now (a gauge).
    Flows,
    /// Flows ever created.
    FlowsCreated,
    /// Flows that ended, by timeout or by the end of their connection.
    FlowsExpired,
    /// Flows whose destination sees a private source.
    RewritesPrivate,
    /// Flows whose destination sees a public source.
    RewritesPublic,
    /// Flows whose destination sees a ServiceTunnel source.
    RewritesServiceTunnel,
    /// Sum of first-packet decision times, in nanoseconds.
    LookupNanoseconds,
}

const PLAIN_SCALARS: usize = Scalar::LookupNanoseconds as usize + 1;
/// Upper bounds of the first-packet decision histogram, in nanoseconds; one more bucket lies above the last.
pub const LOOKUP_BOUNDS: [u64; 12] = [100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 51_200, 102_400, 1_000_000];
const SCALARS: usize = PLAIN_SCALARS + LOOKUP_BOUNDS.len() + 1;

/// What is counted for each port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum PortCell {
    /// Packets (segments, for a super-frame) from the port.
    PacketsIn,
    /// Bytes from the port, Ethernet header included, as segments on a wire would hold them.
    BytesIn,
    /// Packets to the port.
    PacketsOut,
    /// Bytes to the port.
    BytesOut,
    /// Super-frames from the port.
    SuperFramesIn,
    /// Super-frames to the port.
    SuperFramesOut,
    /// First packets from the port that were not decided, because it was overloaded.
    ShedIn,
    /// Packets to the port that found its queue full, or that of their neighbour's.
    QueueFullOut,
    /// Packets to the port that its device did not take because it was down or gone.
    DownOut,
    /// Packets to the port that its device could not take.
    TooBigOut,
}

impl PortCell {
    /// All of them, in the order of their discriminants.
    pub const ALL: [Self; 10] = [
        Self::PacketsIn,
        Self::BytesIn,
        Self::PacketsOut,
        Self::BytesOut,
        Self::SuperFramesIn,
        Self::SuperFramesOut,
        Self::ShedIn,
        Self::QueueFullOut,
        Self::DownOut,
        Self::TooBigOut,
    ];

    /// Where packets are counted that a port did not take, by the reason that `Port::tx_burst` gives.
    #[must_use]
    pub const fn of_refusal(reason: Reason) -> Option<Self> {
        match reason {
            Reason::QueueFull => Some(Self::QueueFullOut),
            Reason::DestinationUnknown => Some(Self::DownOut),
            Reason::TooBig => Some(Self::TooBigOut),
            _ => None,
        }
    }
}

const PORT_CELLS: usize = PortCell::ALL.len();
/// Cells that nobody uses at the end of a block: two cache lines, as processors fetch them in pairs. What another worker
/// counts in lies behind them.
const PADDING: usize = 16;

#[derive(Debug)]
struct Block {
    shape: Shape,
    cells: Box<[AtomicU64]>,
}

impl Block {
    fn new(shape: Shape) -> Self {
        Self { shape, cells: (0..shape.cells() + PADDING).map(|_| AtomicU64::new(0)).collect() }
    }

    fn port(&self, port: usize, cell: PortCell) -> Option<&AtomicU64> {
        (port < self.shape.ports).then(|| self.cells.get(SCALARS + port * PORT_CELLS + cell as usize)).flatten()
    }

    fn verdict(&self, zone: usize, reason: Reason) -> Option<&AtomicU64> {
        let zones = SCALARS + self.shape.ports * PORT_CELLS;
        (zone < self.shape.zones).then(|| self.cells.get(zones + zone * Reason::COUNT + reason as usize)).flatten()
    }

    fn rule(&self, rule: usize) -> Option<&AtomicU64> {
        let rules = SCALARS + self.shape.ports * PORT_CELLS + self.shape.zones * Reason::COUNT;
        (rule < self.shape.rules).then(|| self.cells.get(rules + rule)).flatten()
    }

    fn lookup_bucket(&self, bucket: usize) -> Option<&AtomicU64> {
        (bucket <= LOOKUP_BOUNDS.len()).then(|| self.cells.get(PLAIN_SCALARS + bucket)).flatten()
    }

    fn take_from(&self, old: &Self) {
        for index in 0..SCALARS {
            copy(old.cells.get(index), self.cells.get(index));
        }
        for port in 0..old.shape.ports {
            for cell in PortCell::ALL {
                copy(old.port(port, cell), self.port(port, cell));
            }
        }
        for zone in 0..old.shape.zones {
            for &reason in Reason::ALL {
                copy(old.verdict(zone, reason), self.verdict(zone, reason));
            }
        }
        for rule in 0..old.shape.rules {
            copy(old.rule(rule), self.rule(rule));
        }
    }
}

fn copy(from: Option<&AtomicU64>, to: Option<&AtomicU64>) {
    if let (Some(from), Some(to)) = (from, to) {
        to.store(from.load(Ordering::Relaxed), Ordering::Relaxed);
    }
}

#[inline]
fn add(cell: Option<&AtomicU64>, amount: u64) {
    if let Some(cell) = cell {
        cell.store(cell.load(Ordering::Relaxed).wrapping_add(amount), Ordering::Relaxed);
    }
}

fn read(cell: Option<&AtomicU64>) -> u64 {
    cell.map_or(0, |cell| cell.load(Ordering::Relaxed))
}

/// The counting end: one per worker, never shared. A number outside the shape is not counted.
#[derive(Debug)]
pub struct Writer {
    block: Arc<Block>,
    published: Arc<ArcSwap<Block>>,
}

impl Writer {
    /// Zeroed counters and their reading end.
    #[must_use]
    pub fn new(shape: Shape) -> (Self, Reader) {
        let block = Arc::new(Block::new(shape));
        let published = Arc::new(ArcSwap::new(Arc::clone(&block)));
        (Self { block, published: Arc::clone(&published) }, Reader { published })
    }

    /// Makes room for at least `shape`; what was counted stays. Allocates: for a swap, not for a packet.
    pub fn grow(&mut self, shape: Shape) {
        let wanted = self.block.shape.covering(shape);
        if wanted != self.block.shape {
            let block = Arc::new(Block::new(wanted));
            block.take_from(&self.block);
            self.published.store(Arc::clone(&block));
            self.block = block;
        }
    }

    /// Counts `packets` and `bytes` into a port's cells.
    #[inline]
    pub fn port(&mut self, port: usize, packets: PortCell, bytes: PortCell, packet_count: u64, byte_count: u64) {
        add(self.block.port(port, packets), packet_count);
        add(self.block.port(port, bytes), byte_count);
    }

    /// Counts into one of a port's cells.
    #[inline]
    pub fn port_cell(&mut self, port: usize, cell: PortCell, amount: u64) {
        add(self.block.port(port, cell), amount);
    }

    /// Counts packets from `zone` that ended with `reason`.
    #[inline]
    pub fn verdict(&mut self, zone: usize, reason: Reason, packets: u64) {
        add(self.block.verdict(zone, reason), packets);
    }

    /// Counts one evaluation that `rule` decided.
    #[inline]
    pub fn rule(&mut self, rule: usize) {
        add(self.block.rule(rule), 1);
    }

    /// Adds to a scalar.
    #[inline]
    pub fn scalar(&mut self, scalar: Scalar, amount: u64) {
        add(self.block.cells.get(scalar as usize), amount);
    }

    /// Sets a gauge.
    #[inline]
    pub fn set(&mut self, scalar: Scalar, value: u64) {
        if let Some(cell) = self.block.cells.get(scalar as usize) {
            cell.store(value, Ordering::Relaxed);
        }
    }

    /// Counts one first-packet decision that took this long.
    pub fn lookup(&mut self, nanoseconds: u64) {
        let bucket = LOOKUP_BOUNDS.partition_point(|bound| *bound < nanoseconds);
        add(self.block.lookup_bucket(bucket), 1);
        self.scalar(Scalar::LookupNanoseconds, nanoseconds);
    }
}

/// The reading end of one worker's counters.
#[derive(Clone, Debug)]
pub struct Reader {
    published: Arc<ArcSwap<Block>>,
}

impl Reader {
    /// A port's count.
    #[must_use]
    pub fn port(&self, port: usize, cell: PortCell) -> u64 {
        read(self.published.load().port(port, cell))
    }

    /// Packets from `zone` that ended with `reason`.
    #[must_use]
    pub fn verdict(&self, zone: usize, reason: Reason) -> u64 {
        read(self.published.load().verdict(zone, reason))
    }

    /// Packets of all zones that ended with `reason`.
    #[must_use]
    pub fn total(&self, reason: Reason) -> u64 {
        let block = self.published.load();
        (0..block.shape.zones).map(|zone| read(block.verdict(zone, reason))).sum()
    }

    /// Evaluations that `rule` decided.
    #[must_use]
    pub fn rule(&self, rule: usize) -> u64 {
        read(self.published.load().rule(rule))
    }

    /// A scalar.
    #[must_use]
    pub fn scalar(&self, scalar: Scalar) -> u64 {
        read(self.published.load().cells.get(scalar as usize))
    }

    /// The decision histogram: how many fell into each bucket (not cumulative; the last lies above all bounds).
    #[must_use]
    pub fn lookups(&self) -> [u64; LOOKUP_BOUNDS.len() + 1] {
        let block = self.published.load();
        std::array::from_fn(|bucket| read(block.lookup_bucket(bucket)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growing_keeps_every_count_and_adds_room() {
        let (mut writer, reader) = Writer::new(Shape { ports: 1, zones: 2, rules: 1 });
        writer.port(0, PortCell::PacketsIn, PortCell::BytesIn, 3, 180);
        writer.port_cell(0, PortCell::TooBigOut, 5);
        writer.verdict(1, Reason::NsgDeny, 2);
        writer.rule(0);
        writer.lookup(150);
        writer.rule(5); // outside: not counted, not a crash
        writer.grow(Shape { ports: 4, zones: 3, rules: 6 });
        writer.rule(5);
        writer.verdict(2, Reason::NsgDeny, 1);
        assert_eq!(reader.port(0, PortCell::PacketsIn), 3);
        assert_eq!(reader.port(0, PortCell::BytesIn), 180);
        assert_eq!(reader.port(0, PortCell::TooBigOut), 5);
        assert_eq!(reader.port(3, PortCell::BytesIn), 0);
        assert_eq!(reader.total(Reason::NsgDeny), 3);
        assert_eq!(reader.verdict(1, Reason::NsgDeny), 2);
        assert_eq!((reader.rule(0), reader.rule(5), reader.rule(6)), (1, 1, 0));
        assert_eq!(reader.lookups()[1], 1);
        assert_eq!(reader.scalar(Scalar::LookupNanoseconds), 150);
    }
}
