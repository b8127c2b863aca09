//! The dataplane's counters, from its Prometheus page.

use std::collections::BTreeMap;
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

/// How long a page may take.
const PAGE: Duration = Duration::from_secs(5);
/// Largest page that is read, in bytes.
const PAGE_BYTES: u64 = 64 * 1024 * 1024;

/// One reading: series by name and labels, as the page writes them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Counters(BTreeMap<String, u64>);

/// A rule that decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hit {
    pub(super) object: String,
    pub(super) rule: String,
    pub(super) inbound: bool,
    pub(super) denied: bool,
}

impl Counters {
    /// Reads the page that is served on this port of the loopback.
    pub(super) fn read(port: u16) -> io::Result<Self> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_read_timeout(Some(PAGE))?;
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut page = String::new();
        stream.take(PAGE_BYTES).read_to_string(&mut page)?;
        Ok(Self::parse(&page))
    }

    fn parse(page: &str) -> Self {
        let sample = |line: &str| {
            let (series, value) = line.rsplit_once(' ')?;
            Some((series.to_owned(), value.parse().ok()?))
        };
        Self(page.lines().filter(|line| line.starts_with("causeway_")).filter_map(sample).collect())
    }

    /// What was counted since `before`.
    pub(super) fn since(&self, before: &Self) -> Self {
        let more = self.0.iter().map(|(series, value)| (series.clone(), value.saturating_sub(before.0.get(series).copied().unwrap_or(0))));
        Self(more.filter(|(_, value)| *value > 0).collect())
    }

    /// Series of this name: their labels' values in the labels' order, and their count.
    fn series<'a>(&'a self, name: &'a str, labels: &'a [&'a str]) -> impl Iterator<Item = (Vec<String>, u64)> + 'a {
        self.0.iter().filter_map(move |(series, value)| {
            let rest = series.strip_prefix(name)?;
            let known = pairs(rest.strip_prefix('{').unwrap_or(rest));
            let values = labels.iter().map(|label| known.iter().find(|(key, _)| key == label).map(|(_, value)| value.clone()));
            Some((values.collect::<Option<Vec<String>>>()?, *value)).filter(|_| rest.is_empty() || rest.starts_with('{'))
        })
    }

    /// Packets that came in and did not end yet.
    pub(super) fn in_flight(&self) -> u64 {
        let sum = |name, labels: &[&str], wanted: &str| -> u64 {
            self.series(name, labels).filter(|(values, _)| values.iter().all(|value| value == wanted)).map(|(_, count)| count).sum()
        };
        let ended = sum("causeway_verdicts_total", &["verdict"], "forwarded")
            + sum("causeway_answered_total", &[], "")
            + self.series("causeway_drops_total", &["reason"]).map(|(_, count)| count).sum::<u64>();
        sum("causeway_packets_total", &["direction"], "in").saturating_sub(ended)
    }

    /// Drops by reason, the most frequent first.
    pub(super) fn drops(&self) -> Vec<(String, u64)> {
        let mut drops: Vec<(String, u64)> = self
            .series("causeway_drops_total", &["reason"])
            .filter_map(|(values, count)| Some((values.into_iter().next()?, count)))
            .collect();
        drops.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        drops
    }

    /// Ports that packets left by, and how many.
    pub(super) fn ports_out(&self) -> Vec<(String, u64)> {
        let series = self.series("causeway_packets_total", &["port", "direction"]);
        series
            .filter(|(values, _)| values.get(1).is_some_and(|way| way == "out"))
            .filter_map(|(values, count)| Some((values.into_iter().next()?, count)))
            .collect()
    }

    /// Kinds of sources that new flows were given.
    pub(super) fn rewrites(&self) -> Vec<String> {
        self.series("causeway_source_rewrites_total", &["kind"]).filter_map(|(values, _)| values.into_iter().next()).collect()
    }

    /// Rules that decided.
    pub(super) fn hits(&self) -> Vec<Hit> {
        let series = self.series("causeway_rule_hits_total", &["object", "rule", "direction", "access"]);
        let hit = |values: Vec<String>| {
            let [object, rule, direction, access] = <[String; 4]>::try_from(values).ok()?;
            Some(Hit { object, rule, inbound: direction == "Inbound", denied: access == "Deny" })
        };
        series.filter_map(|(values, _)| hit(values)).collect()
    }
}

/// `port="web1",direction="in"}` → its pairs; names need no escapes.
fn pairs(labels: &str) -> Vec<(String, String)> {
    let labels = labels.trim_end_matches('}');
    let pairs = labels.split("\",").filter_map(|pair| pair.trim_end_matches('"').split_once("=\""));
    pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "\
# HELP causeway_packets_total Packets
causeway_packets_total{direction=\"in\",port=\"web1\"} 5
causeway_packets_total{direction=\"out\",port=\"orders\"} 2
causeway_verdicts_total{subnet=\"shop/web\",verdict=\"forwarded\"} 2
causeway_verdicts_total{subnet=\"shop/web\",verdict=\"nsg-deny\"} 1
causeway_answered_total 1
causeway_drops_total{reason=\"nsg-deny\"} 1
causeway_drops_total{reason=\"no-route\"} 0
causeway_rule_hits_total{access=\"Deny\",direction=\"Outbound\",object=\"web-nsg\",rule=\"deny-internet\"} 3
causeway_source_rewrites_total{kind=\"Private\"} 1
";

    #[test]
    fn a_page_says_what_was_counted_since() {
        let before = Counters::parse(&PAGE.replace("} 3", "} 2").replace("reason=\"nsg-deny\"} 1", "reason=\"nsg-deny\"} 0"));
        let now = Counters::parse(PAGE);
        assert_eq!(now.in_flight(), 1);
        let since = now.since(&before);
        assert_eq!(since.drops(), vec![("nsg-deny".to_owned(), 1)]);
        let hit = Hit { object: "web-nsg".into(), rule: "deny-internet".into(), inbound: false, denied: true };
        assert_eq!((since.hits(), since.ports_out().len(), since.rewrites().len()), (vec![hit], 0, 0));
        let all = now.since(&Counters::default());
        assert_eq!((all.ports_out(), all.rewrites()), (vec![("orders".to_owned(), 2)], vec!["Private".to_owned()]));
    }
}
