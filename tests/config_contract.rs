//! The two sample files of the format load, and their findings are the expected ones.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]

use causeway::config::finding::Severity;
use causeway::config::load::{load_text, schema};

const QUICKSTART: &str = include_str!("../configs/quickstart.yaml");
const EVERYTHING: &str = include_str!("files/everything.yaml");

#[test]
fn quickstart_is_valid_without_a_warning() {
    let loaded = load_text("quickstart.yaml", QUICKSTART);
    assert_eq!(loaded.findings.render(false), "");
    let network = loaded.network.expect("a network");
    assert_eq!((network.subnets.len(), network.services.len(), network.ports.len(), network.hosts.len()), (2, 3, 6, 6));
    let rule = &network.network_security_groups[0].rules[0];
    assert_eq!((rule.named.name.as_str(), rule.named.position.line, rule.named.position.column), ("allow-storage", 31, 9));
}

#[test]
fn everything_is_valid_with_warnings_only() {
    let loaded = load_text("everything.yaml", EVERYTHING);
    let errors: Vec<_> = loaded.findings.iter().filter(|finding| finding.severity() == Severity::Error).collect();
    assert!(errors.is_empty(), "{}", loaded.findings.render(false));
    let network = loaded.network.expect("a network");
    assert_eq!(network.virtual_networks[0].tunnel_key, Some(0xd204));
    assert_eq!(network.hosts[2].serve.tcp, [445]);
    println!("{}", loaded.findings.render(false));
}

#[test]
fn the_schema_names_its_draft() {
    let schema = schema();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert_eq!(schema["additionalProperties"], false);
    assert_eq!(schema["$defs"]["Port"]["properties"]["mode"]["enum"], serde_json::json!(["packet", "xdp", null]));
    println!("{}", serde_json::to_string_pretty(&schema).expect("json"));
}
