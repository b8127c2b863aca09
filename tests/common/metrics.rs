//! The daemon's counters, as its Prometheus page says them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long packets may be in flight.
const IN_FLIGHT: Duration = Duration::from_secs(5);

/// One reading.
#[derive(Clone, Debug)]
pub struct Metrics(Vec<Sample>);

#[derive(Clone, Debug)]
struct Sample {
    name: String,
    labels: BTreeMap<String, String>,
    value: f64,
}

impl Metrics {
    /// Reads `/metrics` on this port.
    pub fn scrape(port: u16) -> Self {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(IN_FLIGHT)).unwrap();
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
        let mut page = String::new();
        stream.read_to_string(&mut page).unwrap();
        assert!(page.starts_with("HTTP/1.1 200"), "{page}");
        Self(page.lines().filter_map(Sample::parse).collect())
    }

    /// Reads until nothing is in flight any more, or for as long as something may be.
    pub fn balanced(port: u16) -> Self {
        let start = Instant::now();
        loop {
            let metrics = Self::scrape(port);
            if metrics.imbalance() == 0 || start.elapsed() > IN_FLIGHT {
                return metrics;
            }
            sleep(Duration::from_millis(50));
        }
    }

    /// The sum of all samples of this name that have these labels.
    pub fn total(&self, name: &str, labels: &[(&str, &str)]) -> u64 {
        let has = |sample: &&Sample| labels.iter().all(|(key, value)| sample.labels.get(*key).is_some_and(|known| known == value));
        self.0.iter().filter(|sample| sample.name == name).filter(has).map(|sample| sample.value as u64).sum()
    }

    /// Packets dropped for this reason.
    pub fn drops(&self, reason: &str) -> u64 {
        self.total("causeway_drops_total", &[("reason", reason)])
    }

    /// Evaluations that this rule decided.
    pub fn hits(&self, object: &str, rule: &str) -> u64 {
        self.total("causeway_rule_hits_total", &[("object", object), ("rule", rule)])
    }

    fn imbalance(&self) -> i64 {
        let forwarded = self.total("causeway_verdicts_total", &[("verdict", "forwarded")]);
        let ended = forwarded + self.total("causeway_answered_total", &[]) + self.total("causeway_drops_total", &[]);
        self.total("causeway_packets_total", &[("direction", "in")]) as i64 - ended as i64
    }

    /// Packets in = forwarded + answered + Σ drops.
    pub fn assert_conserved(&self) {
        assert_eq!(self.imbalance(), 0, "packets that came in without an end (or ended without coming in):\n{}", self.table());
    }

    /// Every counter that moved, for failures.
    pub fn table(&self) -> String {
        let mut table = String::new();
        for sample in self.0.iter().filter(|sample| sample.value != 0.0 && !sample.name.contains("_bucket")) {
            let _ = writeln!(table, "{:>12} {} {:?}", sample.value, sample.name, sample.labels);
        }
        table
    }
}

impl Sample {
    /// `name{label="value",…} number`
    fn parse(line: &str) -> Option<Self> {
        let (key, value) = line.rsplit_once(' ')?;
        let (name, labels) = key.split_once('{').unwrap_or((key, ""));
        let pairs = labels.trim_end_matches('}').split("\",").filter_map(|pair| pair.trim_end_matches('"').split_once("=\""));
        let labels = pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        (!name.starts_with('#')).then(|| value.parse().ok().map(|value| Self { name: name.to_owned(), labels, value }))?
    }
}
