//! What a worker runs between receiving and sending: the pipeline, seen from the thread that drives it.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use super::outbox::{Outbox, Sent};
use crate::packet::{Frame, Reason};
use crate::policy::ids::PortId;
use crate::policy::snapshot::Snapshot;

/// The packet path of one worker. It sees no file descriptor and no clock: the worker hands it frames and the time.
pub trait Engine: Send {
    /// Takes a new snapshot. Called between two batches, so that a batch sees exactly one.
    fn adopt(&mut self, snapshot: Arc<Snapshot>);

    /// The MTU of `port`, in bytes: when the port is attached, after each [`Engine::adopt`], and when it changes.
    fn set_mtu(&mut self, port: PortId, mtu: u32);

    /// A burst begins: how many first packets the next [`Engine::process`] may decide where there are known flows to make
    /// room for; what is above ends as [`Reason::QueueFull`]. `None`: all.
    fn limit_first_packets(&mut self, _limit: Option<u32>) {}

    /// Takes the frames that came in at `port`; drains `frames` and leaves what is to be sent in `outbox`.
    fn process(&mut self, now: Instant, port: PortId, frames: &mut Vec<Frame>, outbox: &mut Outbox);

    /// Takes frames that came in at `port` at another worker, which counted them there and handed them over: packets of
    /// flows that this one has. Like [`Engine::process`] otherwise.
    fn process_handed_over(&mut self, now: Instant, port: PortId, frames: &mut Vec<Frame>, outbox: &mut Outbox);

    /// Takes note of what another worker learnt of a neighbour.
    fn hear_of_neighbour(&mut self, port: PortId, address: IpAddr, mac: [u8; 6], outbox: &mut Outbox);

    /// Time goes by without packets too: ageing, resolution retries. Called about every [`TICK`].
    fn tick(&mut self, now: Instant, outbox: &mut Outbox);

    /// Frames of the outbox were taken by `port`.
    fn sent(&mut self, port: PortId, sent: &[Sent]);

    /// A frame of the outbox was not taken by `port`, or a packet that came in there not by another worker.
    fn refused(&mut self, port: PortId, sent: &Sent, reason: Reason);
}

/// How often [`Engine::tick`] is called.
pub const TICK: std::time::Duration = std::time::Duration::from_millis(125);
