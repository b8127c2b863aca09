//! A running daemon as a document: `/v1/status`, and what `causeway status -o json` prints.

use serde::{Deserialize, Serialize};

use super::board::{Board, BoardPort};
use crate::config::network::Device;
use crate::counters::{PortCell, Scalar};
use crate::packet::Reason;
use crate::telemetry::Metrics;

/// What a daemon is and does. Packets and bytes count as in the metrics: a super-frame is its segments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// The daemon's version.
    pub version: String,
    /// Its process.
    pub pid: u32,
    /// The network file, as given at its start.
    pub file: String,
    /// Its socket.
    pub socket: String,
    /// How long it has been up, in seconds.
    pub uptime_seconds: u64,
    /// Whether packets can flow.
    pub ready: bool,
    /// 1 for the first configuration, one more for each reload.
    pub generation: u64,
    /// Reloads that succeeded.
    pub reloads_succeeded: u64,
    /// Reloads that failed.
    pub reloads_failed: u64,
    /// Why the last reload failed; null where it succeeded or there was none.
    pub last_reload_error: Option<String>,
    /// Flows.
    pub flows: Flows,
    /// Packets by how they ended, from all subnets that ever were.
    pub totals: Totals,
    /// Ports, in the file's order.
    pub ports: Vec<PortStatus>,
    /// Packets by the subnet they came from and how they ended; what never happened is left out.
    pub verdicts: Vec<VerdictCount>,
}

/// Flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flows {
    /// In the table now.
    pub current: u64,
    /// Ever created.
    pub created: u64,
    /// Ended.
    pub expired: u64,
}

/// How packets ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Sent on.
    pub forwarded: u64,
    /// Answered by the dataplane.
    pub answered: u64,
    /// Dropped, for whatever reason.
    pub dropped: u64,
}

/// A port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PortStatus {
    /// Its name.
    pub name: String,
    /// What is behind it.
    pub attach: String,
    /// The interface's name.
    pub device: String,
    /// `tap`, `interface` (AF_PACKET) or `xdp`.
    pub kind: String,
    /// Whether the device is there.
    pub present: bool,
    /// Its MTU in bytes; null where it was never there.
    pub mtu: Option<u32>,
    /// Packets from it.
    pub packets_in: u64,
    /// Bytes from it.
    pub bytes_in: u64,
    /// Packets to it.
    pub packets_out: u64,
    /// Bytes to it.
    pub bytes_out: u64,
    /// Frames from it that the kernel dropped before the dataplane saw them (not known of `AF_PACKET`).
    pub kernel_drops: u64,
}

/// Packets of a subnet that ended in one way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerdictCount {
    /// `VNET/SUBNET`, or the attachment of a port without a subnet.
    pub subnet: String,
    /// How they ended.
    pub verdict: String,
    /// How many.
    pub packets: u64,
}

impl Status {
    /// The daemon behind `board`, now.
    #[must_use]
    pub fn of(board: &Board) -> Self {
        let metrics = &*board.metrics;
        let (reloads_succeeded, reloads_failed) = metrics.reloads();
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            file: board.file.display().to_string(),
            socket: board.socket.display().to_string(),
            uptime_seconds: board.started.elapsed().as_secs(),
            ready: board.is_ready(),
            generation: metrics.generation(),
            reloads_succeeded,
            reloads_failed,
            last_reload_error: board.failure().map(|failure| (*failure).clone()),
            flows: Flows {
                current: metrics.scalar(Scalar::Flows),
                created: metrics.scalar(Scalar::FlowsCreated),
                expired: metrics.scalar(Scalar::FlowsExpired),
            },
            totals: totals(metrics),
            ports: board.ports().iter().map(|port| port_status(metrics, port)).collect(),
            verdicts: verdicts(metrics),
        }
    }
}

fn totals(metrics: &Metrics) -> Totals {
    let drops = Reason::ALL.iter().filter(|reason| reason.is_drop());
    Totals {
        forwarded: metrics.total(Reason::Forwarded),
        answered: metrics.total(Reason::Answered),
        dropped: drops.map(|reason| metrics.total(*reason)).sum(),
    }
}

fn port_status(metrics: &Metrics, port: &BoardPort) -> PortStatus {
    let (kind, device) = match &port.plan.device {
        Device::Tap(name) => ("tap", name),
        // What carries its frames, not what the file asks for.
        Device::Xdp(name) if !port.state.as_ref().is_some_and(|state| state.has_fallen_back()) => ("xdp", name),
        Device::Interface(name) | Device::Xdp(name) => ("interface", name),
    };
    let count = |cell| metrics.port(port.plan.id, cell);
    PortStatus {
        name: port.plan.name.clone(),
        attach: port.plan.attachment.clone(),
        device: device.clone(),
        kind: kind.to_owned(),
        present: port.state.as_ref().is_some_and(|state| state.is_present()),
        mtu: port.state.as_ref().map(|state| state.mtu()),
        packets_in: count(PortCell::PacketsIn),
        bytes_in: count(PortCell::BytesIn),
        packets_out: count(PortCell::PacketsOut),
        bytes_out: count(PortCell::BytesOut),
        kernel_drops: port.state.as_ref().map_or(0, |state| state.kernel_drops()),
    }
}

fn verdicts(metrics: &Metrics) -> Vec<VerdictCount> {
    let names = metrics.names();
    let counted = names.zones.iter().flat_map(|(zone, subnet)| {
        let all = Reason::ALL.iter().map(|reason| (reason.name(), metrics.verdict(*zone, *reason)));
        all.map(|(verdict, packets)| VerdictCount { subnet: subnet.to_string(), verdict: verdict.to_owned(), packets })
    });
    counted.filter(|count| count.packets > 0).collect()
}
