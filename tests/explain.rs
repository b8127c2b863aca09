//! `causeway explain` from outside: what it cannot know, and the form of its answers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]

use std::fs;
use std::process::{Command, Output};

const NETWORK: &str = "\
virtualNetworks:
  - name: v
    addressPrefixes: [10.0.0.0/16]
    defaultOutboundAddress: 192.0.2.10
    subnets:
      - { name: open, addressPrefix: 10.0.1.0/24 }
      - { name: shut, addressPrefix: 10.0.2.0/24, defaultOutboundAccess: false }
services:
  - name: door
    type: Microsoft.Web/sites
    addresses: [203.0.113.50]
    firewall:
      accessRestrictions:
        - { name: from-us, priority: 100, action: Allow, ipAddress: 192.0.2.10, headers: { x-azure-fdid: [1234] } }
  - name: tool
    type: Microsoft.Web/sites
    addresses: [203.0.113.51]
    scmAddresses: [203.0.113.52]
    firewall:
      scmIpSecurityRestrictions:
        - { name: builder, priority: 100, action: Allow, ipAddress: 198.51.100.20 }
ports:
  - { name: door, attach: service/door }
  - { name: tool, attach: service/tool }
  - { name: internet, attach: internet }
";

fn explain(from: &str, to: &str, more: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("net.yaml");
    fs::write(&file, NETWORK).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_causeway"));
    command.arg("explain").arg(file).args(["--from", from, "--to", to]).args(more).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn a_header_filter_is_what_packets_do_not_show() {
    let asked = explain("v/open/10.0.1.4", "door:80", &[]);
    assert_eq!(asked.status.code(), Some(3), "{}", said(&asked));
    assert!(said(&asked).contains("causeway does not model the request's headers, which door/from-us looks at"), "{}", said(&asked));
    let stranger = explain("internet/198.51.100.20", "door:80", &[]);
    assert_eq!(stranger.status.code(), Some(1), "who does not match the address is refused: {}", said(&stranger));
}

#[test]
fn a_deployment_site_is_asked_by_its_own_name() {
    let status = |from, to| explain(from, to, &[]).status.code();
    assert_eq!((status("internet/198.51.100.20", "tool.scm:443"), status("internet/198.51.100.21", "tool.scm:443")), (Some(0), Some(1)));
    assert_eq!(status("internet/198.51.100.21", "tool:443"), Some(0));
    let shared = explain("internet/198.51.100.20", "door.scm:443", &[]);
    assert_eq!(shared.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&shared.stderr).contains("give the service `scmAddresses`"), "{shared:?}");
}

#[test]
fn without_default_outbound_access_there_is_no_way_out() {
    assert_eq!(explain("v/open/10.0.1.4", "198.51.100.20", &[]).status.code(), Some(0));
    let shut = explain("v/shut/10.0.2.4", "198.51.100.20", &[]);
    assert_eq!(shut.status.code(), Some(1));
    assert!(said(&shut).starts_with("Deny (no-route)"), "{}", said(&shut));
}

#[test]
fn the_json_has_its_fields_in_the_order_of_the_contract() {
    let json = said(&explain("v/open/10.0.1.4", "198.51.100.20", &["-o", "json"]));
    let keys = ["schemaVersion", "verdict", "reason", "source", "destination", "nextHopType", "seenAs", "decidedBy", "steps", "hint"];
    let places: Vec<usize> = keys.iter().map(|key| json.find(&format!("\n  \"{key}\":")).unwrap()).collect();
    assert!(places.is_sorted(), "{json}");
}
