//! What the control side asks of a worker, between two batches.

use std::io;

use crossbeam::channel::Sender;

use super::slots::Place;
use crate::policy::ids::PortId;
use crate::port::Port;

/// A port that the worker gives up: closing it takes milliseconds, so the asker does it.
pub(super) type GivenUp = Option<Box<dyn Port>>;

/// A request. Its answer goes back over a channel with room for it, so that the worker never waits.
pub(super) enum Command<E> {
    /// Take the snapshot that was published last.
    Adopt(Sender<()>),
    /// Reach this port so; the answer is the port that had the number before.
    Attach(PortId, Place, Sender<io::Result<GivenUp>>),
    /// Give this port up.
    Detach(PortId, Sender<GivenUp>),
    /// Let somebody look at the engine.
    Inspect(Box<dyn FnOnce(&mut E) + Send>),
    /// End.
    Stop,
}
