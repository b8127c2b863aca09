//! What the metrics endpoint and `causeway status` read: counters, names, and the state of the configuration.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use arc_swap::ArcSwap;
use prometheus::{Registry, TextEncoder};

use super::collector::WorkerCollector;
use super::names::Names;
use crate::counters::{PortCell, Reader, Scalar};
use crate::packet::{Reason, Zone};
use crate::policy::ids::{PortId, RuleId};
use crate::port::PortState;

/// The numbers of a running dataplane. Shared between the control thread, which tells it what changed, and any reader.
#[derive(Debug, Default)]
pub struct Metrics {
    readers: RwLock<Vec<Reader>>,
    names: ArcSwap<Names>,
    devices: ArcSwap<Vec<(PortId, Arc<PortState>)>>,
    generation: AtomicU64,
    reloads_succeeded: AtomicU64,
    reloads_failed: AtomicU64,
}

impl Metrics {
    /// Metrics over these readers, one per worker; none yet where the workers start later ([`Self::watch`]).
    #[must_use]
    pub fn new(readers: Vec<Reader>) -> Arc<Self> {
        Arc::new(Self { readers: RwLock::new(readers), ..Self::default() })
    }

    /// Adds the readers of workers that started.
    pub fn watch(&self, readers: impl IntoIterator<Item = Reader>) {
        self.readers.write().unwrap_or_else(PoisonError::into_inner).extend(readers);
    }

    /// The workers run this configuration from now on.
    pub fn adopt(&self, generation: u64, names: Names) {
        self.names.store(Arc::new(names));
        self.generation.store(generation, Ordering::Relaxed);
    }

    /// These devices run from now on.
    pub fn set_devices(&self, devices: Vec<(PortId, Arc<PortState>)>) {
        self.devices.store(Arc::new(devices));
    }

    /// Packets for a port that the kernel dropped before the dataplane saw them, as far as that is known.
    #[must_use]
    pub fn kernel_drops(&self, port: PortId) -> u64 {
        let devices = self.devices.load();
        let state = devices.iter().find(|(id, _)| *id == port);
        state.map_or(0, |(_, state)| state.kernel_drops.load(Ordering::Relaxed))
    }

    /// A reload ended. The start is no reload.
    pub fn reloaded(&self, succeeded: bool) {
        let counter = if succeeded { &self.reloads_succeeded } else { &self.reloads_failed };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Names of the running configuration.
    #[must_use]
    pub fn names(&self) -> Arc<Names> {
        self.names.load_full()
    }

    /// Generation of the running configuration; 0 before the first.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Relaxed)
    }

    /// Reloads that succeeded, and that failed.
    #[must_use]
    pub fn reloads(&self) -> (u64, u64) {
        (self.reloads_succeeded.load(Ordering::Relaxed), self.reloads_failed.load(Ordering::Relaxed))
    }

    /// A port's count, over all workers.
    #[must_use]
    pub fn port(&self, port: PortId, cell: PortCell) -> u64 {
        self.sum(|reader| reader.port(usize::from(port.0), cell))
    }

    /// Packets from `zone` that ended with `reason`, over all workers.
    #[must_use]
    pub fn verdict(&self, zone: Zone, reason: Reason) -> u64 {
        self.sum(|reader| reader.verdict(usize::from(zone.0), reason))
    }

    /// Packets that ended with `reason`, over all workers and all zones that ever were.
    #[must_use]
    pub fn total(&self, reason: Reason) -> u64 {
        self.sum(|reader| reader.total(reason))
    }

    /// Evaluations that `rule` decided, over all workers.
    #[must_use]
    pub fn rule(&self, rule: RuleId) -> u64 {
        self.sum(|reader| reader.rule(rule.0 as usize))
    }

    /// A scalar, over all workers.
    #[must_use]
    pub fn scalar(&self, scalar: Scalar) -> u64 {
        self.sum(|reader| reader.scalar(scalar))
    }

    /// The decision histogram, over all workers: how many fell into each bucket.
    #[must_use]
    pub fn lookups(&self) -> Vec<u64> {
        let mut counts = Vec::new();
        for reader in &*self.readers.read().unwrap_or_else(PoisonError::into_inner) {
            let lookups = reader.lookups();
            counts.resize(lookups.len(), 0);
            counts.iter_mut().zip(lookups).for_each(|(count, more): (&mut u64, u64)| *count += more);
        }
        counts
    }

    /// Everything in Prometheus' text format.
    ///
    /// # Errors
    /// Two metrics of one name, which the definitions exclude.
    pub fn render(self: &Arc<Self>) -> prometheus::Result<String> {
        let registry = Registry::new();
        registry.register(Box::new(WorkerCollector::new(Arc::clone(self))?))?;
        TextEncoder::new().encode_to_string(&registry.gather())
    }

    fn sum(&self, count: impl Fn(&Reader) -> u64) -> u64 {
        self.readers.read().unwrap_or_else(PoisonError::into_inner).iter().map(count).sum()
    }
}
