//! Questions in words.

use super::*;
use crate::ask::ends;
use crate::config::compile::tests::build::*;
use crate::config::compile::tests::quickstart::quickstart;
use crate::config::network::{Host, PortIndex, Serve};

fn network() -> Network {
    let mut build = quickstart();
    let internet = build.network.ports.iter().position(|port| port.named.name == "internet").unwrap();
    build.network.hosts.push(Host {
        named: named("laptop", 70),
        port: PortIndex(internet),
        addresses: vec![address("198.51.100.20")],
        serve: Serve::default(),
        run: None,
        forward: false,
    });
    build.network
}

fn asked(from: &str, to: &str) -> (u8, serde_json::Value, String) {
    let args = Args { file: "quickstart.yaml".into(), from: from.into(), to: to.into(), source: None, source_port: 40000 };
    match answer(&network(), &args) {
        Ok(explanation) => {
            let json = output::versioned(&explanation).unwrap();
            (exit_of(explanation.verdict) as u8, serde_json::from_str(&json).unwrap(), String::new())
        }
        Err(error) => (Exit::Usage as u8, serde_json::Value::Null, error),
    }
}

#[test]
fn the_five_promises_of_quickstart() {
    let cases = [
        ("web1", "orders:80/tcp", 0, "forwarded", Some("orders/virtualNetworkRules[0]")),
        ("batch1", "orders:80/tcp", 1, "service-firewall-deny", Some("orders/defaultAction")),
        ("batch1", "ledger:1433/tcp", 0, "forwarded", Some("ledger/ipRules[0]")),
        ("web1", "198.51.100.20:443/tcp", 1, "nsg-deny", Some("web-nsg/deny-internet")),
        ("service/func", "10.1.1.4:80/tcp", 1, "service-initiated", Some("func")),
    ];
    for (from, to, status, reason, decided_by) in cases {
        let (found, answer, errors) = asked(from, to);
        assert_eq!(
            (found, answer["reason"].as_str(), answer["decidedBy"].as_str()),
            (status, Some(reason), decided_by),
            "{from} {to} {errors}"
        );
        assert_eq!(answer["hint"].is_null(), status == 0, "{from} {to}");
    }
}

#[test]
fn the_json_has_the_form_of_the_contract() {
    let (_, answer, _) = asked("web1", "orders:80/tcp");
    assert_eq!(answer["schemaVersion"], 1);
    assert_eq!(answer["source"], serde_json::json!({ "virtualNetwork": "shop", "subnet": "web", "address": "10.1.1.4" }));
    assert_eq!(answer["destination"], serde_json::json!({ "address": "203.0.113.20", "service": "orders" }));
    assert_eq!(answer["nextHopType"], "VirtualNetworkServiceEndpoint");
    assert_eq!(
        answer["seenAs"],
        serde_json::json!({ "kind": "Private", "address": "10.1.1.4", "virtualNetwork": "shop", "subnet": "web" })
    );
    assert_eq!(
        answer["steps"][0],
        serde_json::json!({ "stage": "nsg-outbound", "object": "web-nsg", "rule": "allow-storage", "access": "Allow", "at": "quickstart.yaml:100:5" })
    );
    let route = &answer["steps"][1];
    assert_eq!(
        (&route["prefix"], &route["source"], &route["nextHopIpAddress"]),
        (&"203.0.113.16/28".into(), &"Default".into(), &serde_json::Value::Null)
    );
}

#[test]
fn unknown_names_suggest_the_nearest() {
    for (from, to, part) in [
        ("wbe1", "orders", "did you mean `web1`?"),
        ("web1", "order", "did you mean `orders`?"),
        ("internet", "orders", "stands for many addresses"),
        ("shop/webb/10.1.1.4", "orders", "did you mean `web`?"),
        ("shop/web/10.1.2.4", "orders", "is not an address of shop/web"),
        ("web1", "orders:99999", "is not a port"),
        ("web1", "orders:80/sctp", "is not a protocol"),
    ] {
        let (status, _, errors) = asked(from, to);
        assert_eq!(status, 2, "{from} {to}");
        assert!(errors.contains(part), "{errors}");
    }
}

#[test]
fn senders_are_named_in_every_form() {
    for (from, address) in [
        ("laptop", "198.51.100.20"),
        ("internet/198.51.100.7", "198.51.100.7"),
        ("shop/batch/10.1.2.77", "10.1.2.77"),
        ("SERVICE/Func", "203.0.113.50"),
        ("platform", "168.63.129.16"),
        ("orders", "203.0.113.20"),
    ] {
        let (_, answer, errors) = asked(from, "ledger:1433");
        assert_eq!(answer["source"]["address"], address, "{from} {errors}");
    }
    let (_, answer, _) = asked("internet/10.1.1.4", "ledger:1433");
    assert_eq!(answer["reason"], "source-spoofed");
}

#[test]
fn destinations_are_split_into_name_port_and_protocol() {
    let build = quickstart();
    let asked = build.compile();
    let to = |text| ends::destination(&build.network, &asked.snapshot, text, false).unwrap();
    assert_eq!(to("orders"), ends::To { address: address("203.0.113.20"), protocol: 6, port: 80 });
    assert_eq!(to("ledger:1433/udp"), ends::To { address: address("203.0.113.36"), protocol: 17, port: 1433 });
    assert_eq!(to("web1/icmp"), ends::To { address: address("10.1.1.4"), protocol: 1, port: 0 });
    assert_eq!(to("[fd00::4]:443"), ends::To { address: address("fd00::4"), protocol: 6, port: 443 });
    assert_eq!(to("fd00::4/icmp"), ends::To { address: address("fd00::4"), protocol: 58, port: 0 });
}

#[test]
fn the_text_names_verdict_rule_and_place() {
    let args = Args { file: "quickstart.yaml".into(), from: "web1".into(), to: "198.51.100.20:443".into(), source: None, source_port: 1 };
    let text = text::render(&args, &answer(&network(), &args).unwrap());
    for part in ["Deny (nsg-deny)", "web-nsg/deny-internet", "quickstart.yaml:4000:5", "decided by  web-nsg/deny-internet", "hint"] {
        assert!(text.contains(part), "{part} in:\n{text}");
    }
}
