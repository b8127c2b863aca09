//! What others may read of a running daemon, at any time and without disturbing it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use arc_swap::{ArcSwap, ArcSwapOption};

use super::parts::PortPlan;
use crate::port::PortState;
use crate::telemetry::Metrics;

/// Written by the supervisor, read by the endpoints.
#[derive(Debug)]
pub struct Board {
    /// Counters and configuration.
    pub metrics: Arc<Metrics>,
    /// The network file, as given at the start.
    pub file: PathBuf,
    /// The Unix socket.
    pub socket: PathBuf,
    /// When the daemon started.
    pub started: Instant,
    ready: AtomicBool,
    ports: ArcSwap<Vec<BoardPort>>,
    failure: ArcSwapOption<String>,
}

/// A port that runs.
#[derive(Clone, Debug)]
pub struct BoardPort {
    /// What it is.
    pub plan: PortPlan,
    /// How its device is; `None` where it could not be opened.
    pub state: Option<Arc<PortState>>,
}

impl Board {
    /// The board of a daemon that starts now and is not ready.
    #[must_use]
    pub fn new(file: PathBuf, socket: PathBuf) -> Arc<Self> {
        Arc::new(Self {
            metrics: Metrics::new(Vec::new()),
            file,
            socket,
            started: Instant::now(),
            ready: AtomicBool::new(false),
            ports: ArcSwap::default(),
            failure: ArcSwapOption::empty(),
        })
    }

    /// Whether packets can flow: the ports are open and every worker has a configuration.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Acquire)
    }

    /// Says whether packets can flow.
    pub fn set_ready(&self, ready: bool) {
        self.ready.store(ready, Ordering::Release);
    }

    /// The ports that run.
    #[must_use]
    pub fn ports(&self) -> Arc<Vec<BoardPort>> {
        self.ports.load_full()
    }

    /// Says which ports run.
    pub fn set_ports(&self, ports: Vec<BoardPort>) {
        self.ports.store(Arc::new(ports));
    }

    /// Why the last reload failed; `None` where it succeeded or there was none.
    #[must_use]
    pub fn failure(&self) -> Option<Arc<String>> {
        self.failure.load_full()
    }

    /// A reload ended: counts it and keeps why it failed.
    pub fn reloaded(&self, failure: Option<String>) {
        self.metrics.reloaded(failure.is_none());
        self.failure.store(failure.map(Arc::new));
    }
}
