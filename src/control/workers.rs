//! The real dataplane behind [`Dataplane`]: a worker, its ports, and the monitor that watches them.

use std::io;
use std::sync::{Arc, OnceLock};

use super::parts::{Dataplane, PortPlan};
use crate::counters::Reader;
use crate::pipeline::engine::Engine;
use crate::policy::ids::PortId;
use crate::policy::snapshot::Snapshot;
use crate::port::device::Opened;
use crate::port::monitor::Monitor;
use crate::port::{DEFAULT_MTU, PortState};
use crate::worker::{self, Failure};

/// A running worker with its ports.
pub struct Workers<E: Engine + 'static> {
    worker: worker::Dataplane<E>,
    monitor: Monitor,
    reader: Reader,
    failure: Arc<OnceLock<Failure>>,
}

impl<E: Engine + 'static> Workers<E> {
    /// Starts a worker that has adopted `snapshot` and has no port yet. `reader` reads the counters of `engine`.
    ///
    /// # Errors
    /// No thread or descriptor is left.
    pub fn start(options: worker::Options, engine: E, reader: Reader, snapshot: Arc<Snapshot>) -> io::Result<Self> {
        let failure = Arc::new(OnceLock::new());
        let told = Arc::clone(&failure);
        let on_failure = Box::new(move |ended: &Failure| drop(told.set(ended.clone())));
        let options = worker::Options { on_failure: Some(on_failure), ..options };
        let worker = worker::Dataplane::start(options, engine, snapshot, Vec::new())?;
        let monitor = Monitor::start(worker.lost_ports(), worker.attacher())?;
        Ok(Self { worker, monitor, reader, failure })
    }
}

impl<E: Engine + 'static> Dataplane for Workers<E> {
    type Configuration = Arc<Snapshot>;
    type Opened = (Opened, Arc<PortState>);

    fn readers(&self) -> Vec<Reader> {
        vec![self.reader.clone()]
    }

    fn open(&mut self, plan: &PortPlan) -> Result<Self::Opened, String> {
        let state = PortState::new(DEFAULT_MTU);
        let opened = plan.device.open(&state).map_err(|error| error.to_string())?;
        Ok((opened, state))
    }

    fn attach(&mut self, plan: &PortPlan, (opened, state): Self::Opened) -> Result<Arc<PortState>, String> {
        self.worker.attach(plan.id, opened.port).map_err(|error| error.to_string())?;
        self.monitor.watch(plan.id, &plan.name, &plan.device, opened.handle, Arc::clone(&state));
        Ok(state)
    }

    fn detach(&mut self, port: PortId) {
        self.monitor.forget(port);
        // Dropped here: closed when this returns. A worker that does not answer is told of by `check`.
        drop(self.worker.detach(port));
    }

    fn publish(&mut self, snapshot: Arc<Snapshot>) -> Result<(), String> {
        self.worker.publish(snapshot).map_err(|error| error.to_string())
    }

    fn check(&self) -> Result<(), String> {
        self.failure.get().map_or(Ok(()), |failure| Err(failure.to_string()))
    }

    fn stop(self) {
        drop(self.monitor);
        if let Err(failure) = self.worker.stop() {
            tracing::debug!("{failure}");
        }
    }
}
