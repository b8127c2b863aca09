//! What a result of `scripts/bench` says: a panel of bars for each test, and lines over rules and flows.

use serde_json::Value;

use crate::results::{Figure, Line, Panel, Point, machine};

/// Tests that are drawn as bars; the others show one thing at several sizes.
const BARS: [&str; 7] = ["tcp-1", "tcp-4", "packets", "loss-free", "datagrams", "round-trip", "connects"];
const BY_RULES: [(&str, f64); 3] = [("causeway-10", 10.0), ("causeway-uncoalesced", 1_000.0), ("causeway-10000", 10_000.0)];
const BY_FLOWS: [(&str, f64); 3] = [("flows-1", 1.0), ("flows-1000", 1_000.0), ("flows-100000", 100_000.0)];
/// The device whose flows are counted.
const WITH_FLOWS: &str = "causeway-uncoalesced";

/// A picture of bars.
pub(crate) struct BarFigure {
    /// Above everything.
    pub(crate) title: String,
    /// Machine and date.
    pub(crate) subtitle: String,
    /// At least one, unless there is nothing to draw.
    pub(crate) panels: Vec<BarPanel>,
}

/// One test.
pub(crate) struct BarPanel {
    /// What was measured, and its unit.
    pub(crate) caption: String,
    /// One for each device, in the order of the result.
    pub(crate) bars: Vec<Bar>,
}

/// One device.
pub(crate) struct Bar {
    /// The device's.
    pub(crate) name: String,
    /// One of causeway's own.
    pub(crate) is_ours: bool,
    /// The median, and the span of the rounds.
    pub(crate) median: f64,
    pub(crate) lowest: f64,
    pub(crate) highest: f64,
}

/// Bars of all tests that compare devices.
pub(crate) fn peers(result: &Value) -> BarFigure {
    let panels = BARS.iter().filter_map(|test| {
        let about = result.get("tests")?.get(test)?;
        let bars: Vec<Bar> = result.get("summary")?.get(test)?.as_object()?.keys().filter_map(|peer| bar(result, test, peer)).collect();
        let text = |name: &str| about.get(name).and_then(Value::as_str).unwrap_or_default();
        (!bars.is_empty()).then(|| BarPanel { caption: format!("{}, {}", text("about"), text("unit")), bars })
    });
    BarFigure { title: "causeway beside its peers, between namespaces".to_owned(), subtitle: machine(result), panels: panels.collect() }
}

/// Packets per second over rules, and over flows.
pub(crate) fn sizes(result: &Value) -> Figure {
    let rules = BY_RULES.map(|(peer, rules)| point(result, "rules", peer, rules));
    let flows = BY_FLOWS.map(|(test, flows)| point(result, test, WITH_FLOWS, flows));
    let panels = [("NSG rules", rules), ("flows, in turns", flows)].into_iter().filter_map(|(caption, points)| {
        let points: Vec<Point> = points.into_iter().flatten().collect();
        (points.len() > 1).then(|| Panel { caption: caption.to_owned(), lines: vec![Line { name: "", look: 0, points }] })
    });
    Figure {
        title: "60-byte frames through causeway, flat out, one worker".to_owned(),
        subtitle: machine(result),
        axes: ["rules, flows", "packets per second, millions"],
        panels: panels.collect(),
    }
}

fn bar(result: &Value, test: &str, peer: &str) -> Option<Bar> {
    let Point { y, lowest, highest, .. } = point(result, test, peer, 0.0)?;
    Some(Bar { name: peer.to_owned(), is_ours: peer.starts_with("causeway"), median: y, lowest, highest })
}

/// The figure that the test is about, in its unit.
fn point(result: &Value, test: &str, peer: &str, x: f64) -> Option<Point> {
    let about = result.get("tests")?.get(test)?;
    let scale = about.get("scale")?.as_f64().filter(|scale| *scale > 0.0)?;
    let of = result.get("summary")?.get(test)?.get(peer)?.get(about.get("figure")?.as_str()?)?;
    let value = |name: &str| of.get(name)?.as_f64().filter(|value| *value > 0.0).map(|value| value / scale);
    Some(Point { x, y: value("median")?, lowest: value("lowest")?, highest: value("highest")? })
}
