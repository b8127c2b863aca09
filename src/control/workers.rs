//! The real dataplane behind [`Dataplane`]: workers, their ports, and the monitor that watches them.

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

/// Running workers with their ports.
pub struct Workers<E: Engine + 'static> {
    workers: worker::Dataplane<E>,
    monitor: Monitor,
    readers: Vec<Reader>,
    failure: Arc<OnceLock<Failure>>,
}

impl<E: Engine + 'static> Workers<E> {
    /// Starts a worker for each engine, which has adopted `snapshot` and has no port yet. `readers` read the counters of the
    /// engines.
    ///
    /// # Errors
    /// No thread or descriptor is left.
    pub fn start(options: worker::Options, engines: Vec<E>, readers: Vec<Reader>, snapshot: Arc<Snapshot>) -> io::Result<Self> {
        let failure = Arc::new(OnceLock::new());
        let told = Arc::clone(&failure);
        let on_failure = Arc::new(move |ended: &Failure| drop(told.set(ended.clone())));
        let options = worker::Options { on_failure: Some(on_failure), ..options };
        let workers = worker::Dataplane::start(&options, engines, snapshot, Vec::new())?;
        let monitor = Monitor::start(workers.lost_ports(), workers.attacher())?;
        Ok(Self { workers, monitor, readers, failure })
    }
}

impl<E: Engine + 'static> Dataplane for Workers<E> {
    type Configuration = Arc<Snapshot>;
    type Opened = (Opened, Arc<PortState>);

    fn readers(&self) -> Vec<Reader> {
        self.readers.clone()
    }

    fn open(&mut self, plan: &PortPlan) -> Result<Self::Opened, String> {
        let state = PortState::new(DEFAULT_MTU);
        let queues = u16::try_from(self.workers.workers()).unwrap_or(u16::MAX);
        let opened = plan.device.open(&state, queues).map_err(|error| error.to_string())?;
        Ok((opened, state))
    }

    fn attach(&mut self, plan: &PortPlan, (opened, state): Self::Opened) -> Result<Arc<PortState>, String> {
        self.workers.attach(plan.id, opened.ports).map_err(|error| error.to_string())?;
        self.monitor.watch(plan.id, &plan.name, &plan.device, opened.handle, Arc::clone(&state));
        Ok(state)
    }

    fn detach(&mut self, port: PortId) {
        self.monitor.forget(port);
        // Dropped here: closed when this returns. A worker that does not answer is told of by `check`.
        drop(self.workers.detach(port));
    }

    fn publish(&mut self, snapshot: Arc<Snapshot>) -> Result<(), String> {
        self.workers.publish(snapshot).map_err(|error| error.to_string())
    }

    fn check(&self) -> Result<(), String> {
        self.failure.get().map_or(Ok(()), |failure| Err(failure.to_string()))
    }

    fn stop(self) {
        drop(self.monitor);
        if let Err(failure) = self.workers.stop() {
            tracing::debug!("{failure}");
        }
    }
}
