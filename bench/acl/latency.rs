//! How long lookups take at worst.
//!
//! Two views. As headers come, a few in a call: what a burst waits. And each header alone, many copies of it in a call and the quickest
//! of several calls: what this header costs, without what the machine did meanwhile, so that a header which is slow by the shape of the
//! table stands out.

use std::collections::HashSet;
use std::fmt;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use causeway::table::access_list::AccessList;
use causeway::table::access_list::five_tuple::FiveTuple;
use hdrhistogram::Histogram;
use serde::Serialize;

/// Headers in a timed call.
const CALL: usize = 16;

/// Calls for each header, of which the quickest counts.
const TRIES: usize = 7;

/// Each of the two views takes about this long at most, and one pass at least for headers as they come.
const LIMIT: Duration = Duration::from_secs(2);

/// Nanoseconds for one lookup.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Latency {
    as_they_come: Distribution,
    each_header: Distribution,
    /// Headers that were measured alone: fewer than there are where time ran out.
    headers: usize,
    worst_header: String,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Distribution {
    median_nanoseconds: f64,
    p99_nanoseconds: f64,
    p999_nanoseconds: f64,
    worst_nanoseconds: f64,
    /// The 99.9th percentile over the median.
    p999_ratio: f64,
}

/// Measures both; nothing for no headers.
pub(crate) fn measure(list: &AccessList, headers: &[FiveTuple]) -> Option<Latency> {
    let as_they_come = as_they_come(list, headers)?;
    let (each, measured, worst) = each_header(list, headers)?;
    Some(Latency { as_they_come: as_they_come.into(), each_header: each.into(), headers: measured, worst_header: written(&worst) })
}

fn as_they_come(list: &AccessList, headers: &[FiveTuple]) -> Option<Histogram<u64>> {
    let mut histogram = histogram()?;
    let begin = Instant::now();
    while !headers.is_empty() && begin.elapsed() < LIMIT {
        // A last call of fewer headers would count as a slow one.
        for call in headers.chunks(CALL).filter(|call| call.len() == CALL.min(headers.len())) {
            histogram.saturating_record(picoseconds(list, call));
        }
    }
    (!histogram.is_empty()).then_some(histogram)
}

fn each_header(list: &AccessList, headers: &[FiveTuple]) -> Option<(Histogram<u64>, usize, FiveTuple)> {
    let (mut histogram, mut seen) = (histogram()?, HashSet::new());
    let mut worst: Option<(u64, FiveTuple)> = None;
    let begin = Instant::now();
    for header in headers {
        if !seen.insert(*header) {
            continue;
        }
        let copies = [*header; CALL];
        let took = (0..TRIES).map(|_| picoseconds(list, &copies)).min().unwrap_or_default();
        histogram.saturating_record(took);
        if worst.is_none_or(|(longest, _)| took > longest) {
            worst = Some((took, *header));
        }
        if begin.elapsed() > LIMIT {
            break;
        }
    }
    worst.map(|(_, header)| (histogram, seen.len(), header))
}

/// One call's time for each of its headers. The clock's own time is part of it.
fn picoseconds(list: &AccessList, call: &[FiveTuple]) -> u64 {
    let mut matches = [0; CALL];
    let start = Instant::now();
    list.first_matches(std::hint::black_box(call), &mut matches);
    let took = start.elapsed();
    std::hint::black_box(matches);
    u64::try_from(took.as_nanos() * 1_000 / call.len().max(1) as u128).unwrap_or(u64::MAX)
}

/// From a picosecond to ten seconds, three digits.
fn histogram() -> Option<Histogram<u64>> {
    Histogram::new_with_bounds(1, 10_000_000_000_000, 3).ok()
}

impl From<Histogram<u64>> for Distribution {
    fn from(histogram: Histogram<u64>) -> Self {
        let nanoseconds = |picoseconds: u64| (picoseconds as f64 / 100.0).round() / 10.0;
        let at = |quantile| nanoseconds(histogram.value_at_quantile(quantile));
        let (median, p999) = (at(0.5), at(0.999));
        Self {
            median_nanoseconds: median,
            p99_nanoseconds: at(0.99),
            p999_nanoseconds: p999,
            worst_nanoseconds: nanoseconds(histogram.max()),
            p999_ratio: if median > 0.0 { (p999 / median * 100.0).round() / 100.0 } else { 0.0 },
        }
    }
}

fn written(header: &FiveTuple) -> String {
    let (source, destination) = (Ipv4Addr::from(header.source), Ipv4Addr::from(header.destination));
    format!("{source}:{} > {destination}:{} protocol {}", header.source_port, header.destination_port, header.protocol)
}

impl fmt::Display for Latency {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "    as they come: {}", self.as_they_come)?;
        write!(out, "    each of {} headers: {}; worst {}", self.headers, self.each_header, self.worst_header)
    }
}

impl fmt::Display for Distribution {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "median {:.1} ns, 99 % {:.1}, 99.9 % {:.1} ({:.1} times the median), worst {:.1}",
            self.median_nanoseconds, self.p99_nanoseconds, self.p999_nanoseconds, self.p999_ratio, self.worst_nanoseconds
        )
    }
}
