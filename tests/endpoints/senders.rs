//! Services that send: to other services as what they are, and nowhere else.

use crate::asked::ask;
use crate::rig::{Rig, seen, tcp};
use causeway::packet::Reason;

pub const NET: &str = r#"
location: westeurope
virtualNetworks:
  - name: net
    addressPrefixes: [10.0.0.0/16]
    subnets: [{ name: app, addressPrefix: 10.0.1.0/24 }, { name: redis, addressPrefix: 10.0.2.0/24 }]
networkInterfaces:
  - { name: vm, subnet: net/app, privateIPAddress: 10.0.1.4, publicIPAddress: 192.0.2.30 }
services:
  - { name: func, type: Microsoft.Web/sites, addresses: [203.0.113.50] }
  - { name: sender, type: Microsoft.Web/sites, addresses: [203.0.113.51], outboundIpAddresses: "203.0.113.55" }
  - { name: open, type: Microsoft.KeyVault/vaults, addresses: [203.0.113.60] }
  - { name: listed, type: Microsoft.KeyVault/vaults, addresses: [203.0.113.61], firewall: { defaultAction: Deny, ipRules: [203.0.113.50] } }
  - { name: cache, type: Microsoft.Cache/redis, subnet: net/redis, addresses: [10.0.2.10], publicIPAddress: 203.0.113.90 }
ports:
  - { name: vm, attach: net/app/10.0.1.4 }
  - { name: func, attach: service/func }
  - { name: sender, attach: service/sender }
  - { name: open, attach: service/open }
  - { name: listed, attach: service/listed }
  - { name: cache, attach: net/redis/10.0.2.10 }
  - { name: internet, attach: internet }
"#;

#[test]
fn a_service_is_judged_by_its_own_address_at_another() {
    let open = ask(NET, "service/func", "open:443");
    assert_eq!((open.reason().as_str(), open.seen().as_str(), open.next_hop().as_str()), ("forwarded", "Public 203.0.113.50", "null"));
    assert_eq!(ask(NET, "service/func", "listed:443").gist(), ("forwarded".into(), "listed/ipRules[0]".into(), "null".into()));
    let refused = ask(NET, "service/sender", "listed:443");
    assert_eq!(
        (refused.gist().1.as_str(), refused.seen().as_str()),
        ("listed/defaultAction", "Public 203.0.113.55"),
        "by what it sends from"
    );
}

#[test]
fn into_networks_and_to_the_internet_it_opens_nothing() {
    for to in ["10.0.1.4:80", "192.0.2.30:80", "203.0.113.90:6379", "10.0.2.10:6379", "198.51.100.20:80", "203.0.113.50:80"] {
        let answer = ask(NET, "service/func", to);
        assert_eq!(answer.gist(), ("service-initiated".into(), "func".into(), "null".into()), "{to}\n{}", answer.text);
    }
    // An injected service is a host, and may.
    assert_eq!(ask(NET, "service/cache", "10.0.1.4:80").reason(), "forwarded");
}

#[test]
fn packets_go_from_port_to_port_and_back() {
    let mut rig = Rig::new(NET);
    let out = rig.send("func", &tcp(("203.0.113.50", 40_000), ("203.0.113.61", 443), "S", 1, 0, b""));
    assert_eq!((out[0].port.as_str(), seen(&out[0].bytes).source.to_string().as_str()), ("listed", "203.0.113.50"));
    let back = rig.send("listed", &tcp(("203.0.113.61", 443), ("203.0.113.50", 40_000), "SA", 9, 2, b""));
    assert_eq!((back[0].port.as_str(), seen(&back[0].bytes).ports), ("func", (443, 40_000)));
    // With an outbound address, that is what arrives, and what is answered to.
    let out = rig.send("sender", &tcp(("203.0.113.51", 40_001), ("203.0.113.60", 443), "S", 1, 0, b""));
    let there = seen(&out[0].bytes);
    assert_eq!((out[0].port.as_str(), there.source.to_string().as_str()), ("open", "203.0.113.55"));
    let back = rig.send("open", &tcp(("203.0.113.60", 443), ("203.0.113.55", there.ports.0), "SA", 9, 2, b""));
    let here = seen(&back[0].bytes);
    assert_eq!((back[0].port.as_str(), here.destination.to_string().as_str(), here.ports), ("sender", "203.0.113.51", (443, 40_001)));
    assert!(rig.send("func", &tcp(("203.0.113.50", 40_002), ("10.0.1.4", 80), "S", 1, 0, b"")).is_empty());
    assert_eq!(rig.count(Reason::ServiceInitiated), 1);
}
