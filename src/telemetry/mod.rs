//! Metrics over the counters: what Prometheus sees of the workers.

pub mod collector;
pub mod family;
pub mod metrics;
pub mod names;

pub use metrics::Metrics;
pub use names::Names;
