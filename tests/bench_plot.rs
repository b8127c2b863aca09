//! Pictures of results: what of a file is drawn.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

#[path = "../bench/plot/bars.rs"]
mod bars;
#[path = "../bench/plot/draw.rs"]
mod draw;
#[path = "../bench/plot/lab.rs"]
mod lab;
#[path = "../bench/plot/results.rs"]
mod results;
#[path = "../bench/plot/theme.rs"]
mod theme;

use results::Results;

const BESIDE: &str = r#"{"date": "2026-01-02", "machine": {"cpu": "A processor", "kernel": "6.1"}, "sets": [
  {"set": "nsg_1000", "rules": 1000, "ours": {"lookupsPerSecond": 7e7, "lowest": 6e7, "highest": 8e7}, "rteAcl": {"lookupsPerSecond": 5e6, "lowest": 4e6, "highest": 6e6}},
  {"set": "nsg_100", "rules": 100, "ours": {"lookupsPerSecond": 9e7, "lowest": 9e7, "highest": 9e7}, "rteAcl": {"error": "no memory"}},
  {"set": "mesh_100", "rules": 100, "ours": {"lookupsPerSecond": 0}, "rteAcl": {"lookupsPerSecond": 3e6}}
]}"#;

const TABLES: &str = r#"{"bench": "machine", "date": "2026-01-02", "machine": {"cpu": "A processor", "kernel": "6.1"}}

{"bench": "acl", "set": "mesh_1000", "rules": 1000, "lookupsPerSecond": 1e6}
{"bench": "pipeline", "case": "flow-hit", "flows": 10000, "nanosecondsPerPacket": 40.5}
{"bench": "pipeline", "case": "flow-hit", "flows": 1, "nanosecondsPerPacket": 20}
{"bench": "pipeline", "case": "deny", "flows": 0, "nanosecondsPerPacket": 9}
"#;

const LAB: &str = r#"{"schemaVersion": 1, "date": "2026-01-02", "machine": {"cpu": "A processor", "kernel": "6.1"},
  "tests": {
    "packets": {"about": "frames", "figure": "packetsPerSecond", "unit": "M/s", "scale": 1e6},
    "flows-1": {"about": "one", "figure": "packetsPerSecond", "unit": "M/s", "scale": 1e6},
    "flows-100000": {"about": "many", "figure": "packetsPerSecond", "unit": "M/s", "scale": 1e6}},
  "summary": {
    "packets": {
      "causeway": {"packetsPerSecond": {"median": 4e5, "lowest": 3e5, "highest": 5e5}},
      "copy": {"packetsPerSecond": {"median": 5e5, "lowest": 5e5, "highest": 5e5}},
      "ovs": {}},
    "flows-1": {"causeway-uncoalesced": {"packetsPerSecond": {"median": 4e5, "lowest": 4e5, "highest": 4e5}}},
    "flows-100000": {"causeway-uncoalesced": {"packetsPerSecond": {"median": 2e5, "lowest": 2e5, "highest": 2e5}}}}
}"#;

fn points(line: &results::Line) -> Vec<(f64, f64)> {
    line.points.iter().map(|point| (point.x, point.y)).collect()
}

#[test]
fn a_panel_for_each_shape_and_a_line_for_each_program() {
    let figure = Results::read(BESIDE).unwrap().lookups();
    assert_eq!(figure.subtitle, "A processor, kernel 6.1, 2026-01-02");
    let drawn: Vec<(&str, Vec<&str>)> =
        figure.panels.iter().map(|panel| (panel.caption.as_str(), panel.lines.iter().map(|line| line.name).collect())).collect();
    // Nothing is drawn of a rate of zero: it has no place on the axis.
    assert_eq!(drawn, [("mesh", vec!["rte_acl"]), ("nsg", vec!["causeway", "rte_acl"])]);
    assert_eq!(points(&figure.panels[1].lines[0]), [(100.0, 90.0), (1000.0, 70.0)]);
    let first = &figure.panels[1].lines[1].points;
    assert_eq!((first.len(), first[0].lowest, first[0].highest), (1, 4.0, 6.0));
}

#[test]
fn known_flows_are_drawn_and_other_cases_are_not() {
    let results = Results::read(TABLES).unwrap();
    assert_eq!(points(&results.flows().panels[0].lines[0]), [(1.0, 20.0), (10_000.0, 40.5)]);
    assert_eq!(points(&results.lookups().panels[0].lines[0]), [(1_000.0, 1.0)]);
    assert!(Results::read(BESIDE).unwrap().flows().panels.is_empty());
}

#[test]
fn a_picture_names_what_it_shows_and_has_two_themes() {
    let svg = draw::svg(&Results::read(BESIDE).unwrap().lookups()).unwrap();
    for part in [
        "<title>First match in a flat access list, one core</title>",
        "prefers-color-scheme: dark",
        "causeway",
        "rte_acl",
        "lookups per second, millions",
        "A processor, kernel 6.1, 2026-01-02",
        "\n70\n",
    ] {
        assert!(svg.contains(part), "{part}");
    }
    // Every colour that is drawn has another in the dark.
    for colour in svg.split("fill=\"#").skip(1).filter_map(|rest| rest.get(..6)) {
        assert!(svg.contains(&format!("[fill=\"#{colour}\"]{{fill:")), "{colour}");
    }
}

#[test]
fn devices_are_drawn_as_bars_and_sizes_as_lines() {
    let results = Results::read(LAB).unwrap();
    let bars = results.peers();
    assert_eq!((bars.panels.len(), bars.panels[0].caption.as_str()), (1, "frames, M/s"));
    let drawn: Vec<(&str, bool, f64)> = bars.panels[0].bars.iter().map(|bar| (bar.name.as_str(), bar.is_ours, bar.median)).collect();
    // Nothing is drawn of a device that gave no figure.
    assert_eq!(drawn, [("causeway", true, 0.4), ("copy", false, 0.5)]);
    let sizes = results.sizes();
    assert_eq!(sizes.panels.len(), 1);
    assert_eq!(points(&sizes.panels[0].lines[0]), [(1.0, 0.4), (100_000.0, 0.2)]);
    assert!(results.flows().panels.is_empty() && Results::read(TABLES).unwrap().peers().panels.is_empty());
    let svg = bars::svg(&bars).unwrap();
    for part in ["prefers-color-scheme: dark", "causeway", "copy", "frames, M/s", "\n0.4\n"] {
        assert!(svg.contains(part), "{part}");
    }
}

#[test]
fn a_line_that_is_no_json_is_named() {
    let error = Results::read("{\"case\": \"deny\"}\nnonsense\n").err().unwrap();
    assert_eq!(error.to_string(), "line 2");
    assert!(Results::read("").unwrap().lookups().panels.is_empty());
}
