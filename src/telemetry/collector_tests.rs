//! Scrapes, parsed back.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::*;
use crate::counters::{Reader, Writer};
use crate::policy::ids::{Ids, PortId, RuleName, Zone};
use crate::port::PortState;
use crate::telemetry::names::shape;

/// A scrape in the text format, as series → value. Fails on anything that is neither a comment nor a sample.
fn parse(text: &str) -> BTreeMap<String, f64> {
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    samples
        .map(|line| {
            let (series, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("no value in {line:?}"));
            (series.to_owned(), value.parse().unwrap_or_else(|error| panic!("{line:?}: {error}")))
        })
        .collect()
}

fn ids() -> Ids {
    let mut ids = Ids::default();
    ids.ports.intern("web1".to_owned());
    ids.ports.intern("laptop".to_owned());
    ids.zones.intern("shop/web".to_owned());
    ids.zones.intern("internet".to_owned());
    ids.rules.intern(RuleName {
        object: "web-nsg".to_owned(),
        rule: "DenyAllInBound".to_owned(),
        direction: Direction::Inbound,
        access: Access::Deny,
    });
    ids
}

fn workers(ids: &Ids) -> (Vec<Writer>, Vec<Reader>) {
    [(); 2].map(|()| Writer::new(shape(ids))).into_iter().unzip()
}

fn scrape(metrics: &Arc<Metrics>) -> BTreeMap<String, f64> {
    parse(&metrics.render().expect("a scrape"))
}

#[test]
fn a_scrape_adds_up_the_workers_under_the_contracts_names() {
    let ids = ids();
    let (mut writers, readers) = workers(&ids);
    let metrics = Metrics::new(readers);
    metrics.adopt(1, Names::all(&ids));
    for (writer, packets) in writers.iter_mut().zip([3, 4]) {
        writer.port(0, PortCell::PacketsIn, PortCell::BytesIn, packets, packets * 60);
        writer.port(1, PortCell::PacketsOut, PortCell::BytesOut, packets, packets * 100);
        writer.port_cell(1, PortCell::SuperFramesOut, packets);
        writer.port_cell(0, PortCell::ShedIn, packets);
        writer.port_cell(1, PortCell::QueueFullOut, 1);
        writer.verdict(0, Reason::NsgDeny, packets);
        writer.verdict(1, Reason::Answered, 1);
        writer.rule(0);
        writer.scalar(Scalar::RewritesPrivate, 1);
        writer.scalar(Scalar::FlowsCreated, packets);
        writer.set(Scalar::Flows, packets);
    }
    let device = PortState::new(1500);
    device.kernel_drops.store(11, Ordering::Relaxed);
    metrics.set_devices(vec![(PortId(1), device)]);
    let series = scrape(&metrics);
    let expected = [
        (r#"causeway_packets_total{port="web1",direction="in"}"#, 7.0),
        (r#"causeway_packets_total{port="web1",direction="out"}"#, 0.0),
        (r#"causeway_bytes_total{port="web1",direction="in"}"#, 420.0),
        (r#"causeway_bytes_total{port="laptop",direction="out"}"#, 700.0),
        (r#"causeway_super_frames_total{port="laptop",direction="out"}"#, 7.0),
        (r#"causeway_super_frames_total{port="web1",direction="in"}"#, 0.0),
        (r#"causeway_port_drops_total{port="web1",direction="in",reason="queue-full"}"#, 7.0),
        (r#"causeway_port_drops_total{port="laptop",direction="out",reason="queue-full"}"#, 2.0),
        (r#"causeway_port_drops_total{port="laptop",direction="out",reason="too-big"}"#, 0.0),
        (r#"causeway_port_kernel_drops_total{port="laptop"}"#, 11.0),
        (r#"causeway_port_kernel_drops_total{port="web1"}"#, 0.0),
        (r#"causeway_verdicts_total{subnet="shop/web",verdict="nsg-deny"}"#, 7.0),
        (r#"causeway_verdicts_total{subnet="shop/web",verdict="forwarded"}"#, 0.0),
        (r#"causeway_verdicts_total{subnet="internet",verdict="answered"}"#, 2.0),
        (r#"causeway_drops_total{reason="nsg-deny"}"#, 7.0),
        ("causeway_answered_total", 2.0),
        (r#"causeway_rule_hits_total{object="web-nsg",rule="DenyAllInBound",direction="Inbound",access="Deny"}"#, 2.0),
        (r#"causeway_source_rewrites_total{kind="Private"}"#, 2.0),
        (r#"causeway_source_rewrites_total{kind="ServiceTunnel"}"#, 0.0),
        ("causeway_flows", 7.0),
        ("causeway_flows_created_total", 7.0),
        ("causeway_flows_expired_total", 0.0),
        ("causeway_config_generation", 1.0),
        (r#"causeway_config_reloads_total{result="success"}"#, 0.0),
        (concat!(r#"causeway_build_info{version=""#, env!("CARGO_PKG_VERSION"), r#""}"#), 1.0),
    ];
    for (name, value) in expected {
        assert_eq!(series.get(name), Some(&value), "{name} in {series:#?}");
    }
}

#[test]
fn every_drop_reason_is_there_before_the_first_packet() {
    let series = scrape(&Metrics::new(Vec::new()));
    for reason in Reason::ALL {
        let name = format!("causeway_drops_total{{reason=\"{reason}\"}}");
        assert_eq!(series.contains_key(&name), reason.is_drop(), "{name}");
    }
}

#[test]
fn the_histogram_is_cumulative_and_in_seconds() {
    let ids = ids();
    let (mut writers, readers) = workers(&ids);
    let metrics = Metrics::new(readers);
    for (worker, nanoseconds) in [(0, 90), (1, 150), (0, 200), (1, 2_000_000)] {
        writers[worker].lookup(nanoseconds);
    }
    let series = scrape(&metrics);
    let bucket = |bound: &str| series.get(&format!("causeway_lookup_seconds_bucket{{le=\"{bound}\"}}")).copied();
    assert_eq!(bucket("0.0000001"), Some(1.0), "{series:#?}");
    assert_eq!(bucket("0.0000002"), Some(3.0));
    assert_eq!(bucket("0.001"), Some(3.0));
    assert_eq!(bucket("+Inf"), Some(4.0));
    assert_eq!(series.get("causeway_lookup_seconds_count"), Some(&4.0));
    assert_eq!(series.get("causeway_lookup_seconds_sum"), Some(&0.002_000_44));
}

#[test]
fn what_the_configuration_no_longer_has_is_not_shown_and_totals_keep_it() {
    let ids = ids();
    let (mut writers, readers) = workers(&ids);
    let metrics = Metrics::new(readers);
    metrics.adopt(1, Names::all(&ids));
    writers[0].verdict(1, Reason::NoRoute, 5);
    metrics.adopt(2, Names::of(&ids, [PortId(0)], [Zone(0)], []));
    metrics.reloaded(true);
    metrics.reloaded(false);
    let series = scrape(&metrics);
    assert!(series.keys().all(|name| !name.contains("laptop") && !name.contains("internet") && !name.contains("rule_hits")));
    assert_eq!(series.get(r#"causeway_drops_total{reason="no-route"}"#), Some(&5.0));
    assert_eq!(series.get("causeway_config_generation"), Some(&2.0));
    assert_eq!(series.get(r#"causeway_config_reloads_total{result="failure"}"#), Some(&1.0));
}

#[test]
fn every_family_says_what_it_is() {
    let ids = ids();
    let metrics = Metrics::new(workers(&ids).1);
    metrics.adopt(1, Names::all(&ids));
    let text = metrics.render().expect("a scrape");
    for definition in DEFINITIONS {
        assert!(text.contains(&format!("# HELP {} {}", definition.name, definition.help)), "{}", definition.name);
        assert!(text.contains(&format!("# TYPE {} ", definition.name)), "{}", definition.name);
    }
}
