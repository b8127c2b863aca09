//! The Prometheus collector over the workers' counters: one function per metric of the contract.

use std::sync::Arc;

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;

use super::family::Definition;
use super::metrics::Metrics;
use super::names::Names;
use crate::counters::{LOOKUP_BOUNDS, PortCell, Scalar};
use crate::packet::Reason;
use crate::policy::ids::{Access, Direction};

macro_rules! definitions {
    ($($constant:ident = $name:literal [$($label:literal)*] $help:literal;)+) => {
        $(const $constant: Definition = Definition { name: concat!("causeway_", $name), help: $help, labels: &[$($label),*] };)+
        /// Every metric there is.
        pub const DEFINITIONS: &[Definition] = &[$($constant),+];
    };
}

definitions! {
    PACKETS = "packets_total" ["port" "direction"] "Packets through a port; a super-frame counts as its segments.";
    BYTES = "bytes_total" ["port" "direction"] "Bytes through a port, Ethernet headers included; a super-frame counts as its segments.";
    SUPER_FRAMES = "super_frames_total" ["port" "direction"] "Super-frames through a port, each of several packets.";
    PORT_DROPS = "port_drops_total" ["port" "direction" "reason"] "Packets that a port dropped and no policy: at its entrance while it was overloaded, or because its device, or the queue before it, did not take them.";
    PORT_KERNEL_DROPS = "port_kernel_drops_total" ["port"] "Packets that the kernel dropped before a port because its queue was full, as the interface counts them; no packet of packets_total.";
    VERDICTS = "verdicts_total" ["subnet" "verdict"] "Packets by the subnet they came from and how they ended.";
    DROPS = "drops_total" ["reason"] "Packets dropped, by reason.";
    ANSWERED = "answered_total" [] "Packets that the dataplane answered itself.";
    RULE_HITS = "rule_hits_total" ["object" "rule" "direction" "access"] "Evaluations that a rule decided, default rules included.";
    REWRITES = "source_rewrites_total" ["kind"] "Flows by the kind of source that their destination sees.";
    FLOWS = "flows" [] "Flows in the table.";
    FLOWS_CREATED = "flows_created_total" [] "Flows ever created.";
    FLOWS_EXPIRED = "flows_expired_total" [] "Flows that ended, by timeout or by the end of their connection.";
    LOOKUP_SECONDS = "lookup_seconds" [] "Time that decisions on first packets took.";
    GENERATION = "config_generation" [] "Generation of the running configuration: 1 at the start, one more for each reload.";
    RELOADS = "config_reloads_total" ["result"] "Reloads of the configuration.";
    BUILD_INFO = "build_info" ["version"] "1, with the version that runs.";
}

/// Turns the workers' counters into families, at each scrape.
#[derive(Debug)]
pub struct WorkerCollector {
    metrics: Arc<Metrics>,
    descriptions: Vec<Desc>,
}

impl WorkerCollector {
    /// A collector over `metrics`.
    ///
    /// # Errors
    /// A definition that Prometheus refuses.
    pub fn new(metrics: Arc<Metrics>) -> prometheus::Result<Self> {
        let describe = |definition: &Definition| {
            let labels = definition.labels.iter().map(|label| (*label).to_owned()).collect();
            Desc::new(definition.name.to_owned(), definition.help.to_owned(), labels, std::collections::HashMap::new())
        };
        let descriptions = DEFINITIONS.iter().map(describe).collect::<prometheus::Result<_>>()?;
        Ok(Self { metrics, descriptions })
    }
}

impl Collector for WorkerCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.descriptions.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let metrics = &*self.metrics;
        let names = metrics.names();
        let mut families = vec![
            ports(&PACKETS, metrics, &names, [PortCell::PacketsIn, PortCell::PacketsOut]),
            ports(&BYTES, metrics, &names, [PortCell::BytesIn, PortCell::BytesOut]),
            ports(&SUPER_FRAMES, metrics, &names, [PortCell::SuperFramesIn, PortCell::SuperFramesOut]),
            port_drops(metrics, &names),
            PORT_KERNEL_DROPS.counters(names.ports.iter().map(|(port, name)| ([name.as_str()], metrics.kernel_drops(*port)))),
            verdicts(metrics, &names),
            drops(metrics),
            ANSWERED.counter(metrics.total(Reason::Answered)),
            rule_hits(metrics, &names),
            rewrites(metrics),
            FLOWS.gauge([], metrics.scalar(Scalar::Flows)),
            FLOWS_CREATED.counter(metrics.scalar(Scalar::FlowsCreated)),
            FLOWS_EXPIRED.counter(metrics.scalar(Scalar::FlowsExpired)),
            LOOKUP_SECONDS.histogram(&LOOKUP_BOUNDS, &metrics.lookups(), metrics.scalar(Scalar::LookupNanoseconds)),
            GENERATION.gauge([], metrics.generation()),
            reloads(metrics),
            BUILD_INFO.gauge([env!("CARGO_PKG_VERSION")], 1),
        ];
        // The text format has no family without a sample, and the encoder refuses one.
        families.retain(|family| !family.get_metric().is_empty());
        families
    }
}

fn ports(definition: &Definition, metrics: &Metrics, names: &Names, [inward, outward]: [PortCell; 2]) -> MetricFamily {
    definition.counters(names.ports.iter().flat_map(|(port, name)| {
        [([name.as_str(), "in"], metrics.port(*port, inward)), ([name.as_str(), "out"], metrics.port(*port, outward))]
    }))
}

/// Overload, and devices that are down: what is lost at a port whatever the policy says.
fn port_drops(metrics: &Metrics, names: &Names) -> MetricFamily {
    let cells = [
        ("in", Reason::QueueFull, PortCell::ShedIn),
        ("out", Reason::QueueFull, PortCell::QueueFullOut),
        ("out", Reason::DestinationUnknown, PortCell::DownOut),
        ("out", Reason::TooBig, PortCell::TooBigOut),
    ];
    PORT_DROPS.counters(names.ports.iter().flat_map(|(port, name)| {
        cells.map(|(direction, reason, cell)| ([name.as_str(), direction, reason.name()], metrics.port(*port, cell)))
    }))
}

/// A zone that is there shows `forwarded` from the start, and each other verdict once it happened: subnets times
/// reasons would be mostly zeros.
fn verdicts(metrics: &Metrics, names: &Names) -> MetricFamily {
    VERDICTS.counters(names.zones.iter().flat_map(|(zone, name)| {
        let counts = Reason::ALL.iter().map(|reason| (*reason, metrics.verdict(*zone, *reason)));
        let shown = counts.filter(|(reason, count)| *count > 0 || *reason == Reason::Forwarded);
        shown.map(|(reason, count)| ([name.as_str(), reason.name()], count))
    }))
}

fn drops(metrics: &Metrics) -> MetricFamily {
    let reasons = Reason::ALL.iter().filter(|reason| reason.is_drop());
    DROPS.counters(reasons.map(|reason| ([reason.name()], metrics.total(*reason))))
}

fn rule_hits(metrics: &Metrics, names: &Names) -> MetricFamily {
    RULE_HITS.counters(names.rules.iter().map(|(id, name)| {
        let labels = [name.object.as_str(), name.rule.as_str(), direction(name.direction), access(name.access)];
        (labels, metrics.rule(*id))
    }))
}

fn rewrites(metrics: &Metrics) -> MetricFamily {
    let kinds =
        [("Private", Scalar::RewritesPrivate), ("Public", Scalar::RewritesPublic), ("ServiceTunnel", Scalar::RewritesServiceTunnel)];
    REWRITES.counters(kinds.map(|(kind, scalar)| ([kind], metrics.scalar(scalar))))
}

fn reloads(metrics: &Metrics) -> MetricFamily {
    let (succeeded, failed) = metrics.reloads();
    RELOADS.counters([(["success"], succeeded), (["failure"], failed)])
}

const fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::Inbound => "Inbound",
        Direction::Outbound => "Outbound",
    }
}

const fn access(access: Access) -> &'static str {
    match access {
        Access::Allow => "Allow",
        Access::Deny => "Deny",
    }
}

#[cfg(test)]
#[path = "collector_tests.rs"]
mod tests;
