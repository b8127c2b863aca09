//! Families in the shape that the `prometheus` crate encodes.

use prometheus::proto::{Bucket, Counter, Gauge, Histogram, LabelPair, Metric, MetricFamily, MetricType};

/// One metric: its full name, its help text and its label names. Everything a scrape says of it but the values.
#[derive(Clone, Copy, Debug)]
pub struct Definition {
    /// Full name, `causeway_…`.
    pub name: &'static str,
    /// One sentence.
    pub help: &'static str,
    /// Label names, in the order in which values are given.
    pub labels: &'static [&'static str],
}

/// A value with its label values, in the order of the definition's label names.
pub type Sample<'a, const LABELS: usize> = ([&'a str; LABELS], u64);

impl Definition {
    /// A family of counters.
    pub fn counters<'a, const LABELS: usize>(&self, samples: impl IntoIterator<Item = Sample<'a, LABELS>>) -> MetricFamily {
        let metrics = samples.into_iter().map(|(values, value)| {
            let mut counter = Counter::default();
            counter.set_value(exact(value));
            let mut metric = Metric::from_label(self.pairs(&values));
            metric.set_counter(counter);
            metric
        });
        self.family(MetricType::COUNTER, metrics.collect())
    }

    /// A family of one counter without labels.
    #[must_use]
    pub fn counter(&self, value: u64) -> MetricFamily {
        self.counters([([], value)])
    }

    /// A family of one gauge.
    #[must_use]
    pub fn gauge<const LABELS: usize>(&self, values: [&str; LABELS], value: u64) -> MetricFamily {
        let mut gauge = Gauge::default();
        gauge.set_value(exact(value));
        let mut metric = Metric::from_label(self.pairs(&values));
        metric.set_gauge(gauge);
        self.family(MetricType::GAUGE, vec![metric])
    }

    /// A family of one histogram in seconds. `bounds` are the upper bounds in nanoseconds; `counts` how many fell into
    /// each bucket, not cumulative, the last lying above all bounds; `sum` is in nanoseconds.
    #[must_use]
    pub fn histogram(&self, bounds: &[u64], counts: &[u64], sum: u64) -> MetricFamily {
        let mut below = 0;
        let buckets = bounds.iter().zip(counts).map(|(bound, count)| {
            below += count;
            let mut bucket = Bucket::default();
            bucket.set_upper_bound(seconds(*bound));
            bucket.set_cumulative_count(below);
            bucket
        });
        let mut histogram = Histogram::default();
        histogram.set_bucket(buckets.collect());
        histogram.set_sample_count(counts.iter().sum());
        histogram.set_sample_sum(seconds(sum));
        let mut metric = Metric::default();
        metric.set_histogram(histogram);
        self.family(MetricType::HISTOGRAM, vec![metric])
    }

    fn pairs(&self, values: &[&str]) -> Vec<LabelPair> {
        debug_assert_eq!(values.len(), self.labels.len(), "{}", self.name);
        self.labels.iter().zip(values).map(|(name, value)| pair(name, value)).collect()
    }

    fn family(&self, kind: MetricType, metrics: Vec<Metric>) -> MetricFamily {
        let mut family = MetricFamily::default();
        family.set_name(self.name.to_owned());
        family.set_help(self.help.to_owned());
        family.set_field_type(kind);
        family.set_metric(metrics);
        family
    }
}

fn pair(name: &str, value: &str) -> LabelPair {
    let mut pair = LabelPair::default();
    pair.set_name(name.to_owned());
    pair.set_value(value.to_owned());
    pair
}

/// Prometheus values are doubles: exact up to 2⁵³, which a counter of packets reaches after centuries at a million a
/// second.
#[expect(clippy::cast_precision_loss, reason = "the text format has no wider number")]
const fn exact(value: u64) -> f64 {
    value as f64
}

/// Divided, not multiplied by 1e-9: 25 600 ns is then written `0.0000256`, as a person would write the bound.
const fn seconds(nanoseconds: u64) -> f64 {
    exact(nanoseconds) / 1e9
}
