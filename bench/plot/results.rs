//! What a result file says, as figures to draw.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::lab;

/// A picture: panels beside each other with the same axes.
pub(crate) struct Figure {
    /// Above everything.
    pub(crate) title: String,
    /// Machine and date.
    pub(crate) subtitle: String,
    /// What the axes count.
    pub(crate) axes: [&'static str; 2],
    /// At least one, unless there is nothing to draw.
    pub(crate) panels: Vec<Panel>,
}

/// One field of a picture.
pub(crate) struct Panel {
    /// Above it; may be empty.
    pub(crate) caption: String,
    /// Its lines, in the order of the legend.
    pub(crate) lines: Vec<Line>,
}

/// Measurements that belong together, by rising x.
pub(crate) struct Line {
    /// In the legend; a line without a name is not there.
    pub(crate) name: &'static str,
    /// Which colour and mark: the same for a name in every panel.
    pub(crate) look: usize,
    /// Where they are.
    pub(crate) points: Vec<Point>,
}

/// A median, and the span of the rounds.
#[derive(Clone, Copy)]
pub(crate) struct Point {
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) lowest: f64,
    pub(crate) highest: f64,
}

/// The lines of a file, or the one value that it is, and the machine if it is named.
pub(crate) struct Results {
    rows: Vec<Value>,
    machine: String,
}

impl Results {
    /// Reads one JSON value (`{"sets":[…]}`) or a value a line.
    pub(crate) fn read(text: &str) -> Result<Self> {
        let values: Vec<Value> = match serde_json::from_str(text) {
            Ok(value) => vec![value],
            Err(_) => lines(text)?,
        };
        let machine = values.iter().find(|value| value.get("machine").is_some()).map(machine).unwrap_or_default();
        let sets = values.iter().filter_map(|value| value.get("sets")?.as_array()).flatten();
        let rows = sets.chain(values.iter()).cloned().collect();
        Ok(Self { rows, machine })
    }

    /// Lookups per second against rules.
    pub(crate) fn lookups(&self) -> Figure {
        let mut shapes: BTreeMap<&str, [Vec<Point>; 2]> = BTreeMap::new();
        for row in &self.rows {
            let Some((shape, _)) = row.get("set").and_then(Value::as_str).and_then(|name| name.rsplit_once('_')) else { continue };
            let [ours, theirs] = shapes.entry(shape).or_default();
            ours.extend(lookup_point(row, row.get("ours").unwrap_or(row)));
            theirs.extend(row.get("rteAcl").and_then(|of| lookup_point(row, of)));
        }
        let panels = shapes.into_iter().map(|(shape, [ours, theirs])| Panel {
            caption: shape.to_owned(),
            lines: [line("causeway", 0, ours), line("rte_acl", 1, theirs)].into_iter().flatten().collect(),
        });
        Figure {
            title: "First match in a flat access list, one core".to_owned(),
            subtitle: self.machine.clone(),
            axes: ["rules", "lookups per second, millions"],
            panels: panels.filter(|panel| !panel.lines.is_empty()).collect(),
        }
    }

    /// Nanoseconds per packet of a known flow against flows.
    pub(crate) fn flows(&self) -> Figure {
        let hits = self.rows.iter().filter(|row| row.get("case").and_then(Value::as_str) == Some("flow-hit"));
        let points = hits.filter_map(|row| {
            let y = row.get("nanosecondsPerPacket")?.as_f64()?;
            drawable(Point { x: row.get("flows")?.as_f64()?, y, lowest: y, highest: y })
        });
        let lines: Vec<Line> = line("", 0, points.collect()).into_iter().collect();
        let panels = if lines.is_empty() { Vec::new() } else { vec![Panel { caption: String::new(), lines }] };
        Figure {
            title: "The whole pipeline, packets of known flows, one core".to_owned(),
            subtitle: self.machine.clone(),
            axes: ["flows", "nanoseconds per packet"],
            panels,
        }
    }

    /// Bars of the devices that scripts/bench measured.
    pub(crate) fn peers(&self) -> lab::BarFigure {
        lab::peers(self.rows.first().unwrap_or(&Value::Null))
    }

    /// Packets per second against rules and flows, as scripts/bench measured them.
    pub(crate) fn sizes(&self) -> Figure {
        lab::sizes(self.rows.first().unwrap_or(&Value::Null))
    }
}

fn lines(text: &str) -> Result<Vec<Value>> {
    let said = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    said.map(|(index, line)| serde_json::from_str(line).with_context(|| format!("line {}", index + 1))).collect()
}

fn line(name: &'static str, look: usize, mut points: Vec<Point>) -> Option<Line> {
    points.sort_by(|one, other| one.x.total_cmp(&other.x));
    (!points.is_empty()).then_some(Line { name, look, points })
}

/// In millions.
fn lookup_point(row: &Value, of: &Value) -> Option<Point> {
    let rate = |name: &str| Some(of.get(name)?.as_f64()? / 1e6);
    let y = rate("lookupsPerSecond")?;
    let (lowest, highest) = (rate("lowest").unwrap_or(y), rate("highest").unwrap_or(y));
    drawable(Point { x: row.get("rules")?.as_f64()?, y, lowest, highest })
}

/// The axes are logarithmic: nothing at or below zero is on them.
fn drawable(point: Point) -> Option<Point> {
    [point.x, point.y, point.lowest, point.highest].iter().all(|value| *value > 0.0).then_some(point)
}

/// Machine and date of a result.
pub(crate) fn machine(value: &Value) -> String {
    let text = |of: Option<&Value>| of.and_then(Value::as_str).unwrap_or_default().to_owned();
    let machine = value.get("machine");
    let field = |name: &str| text(machine.and_then(|machine| machine.get(name)));
    format!("{}, kernel {}, {}", field("cpu"), field("kernel"), text(value.get("date")))
}
