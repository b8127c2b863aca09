//! Enabling or disabling an endpoint resets the subnet's open TCP flows to that service, and no others (S15 b).

use crate::rig::{Out, Rig, seen, tcp, udp};

const NET: &str = r#"
location: westeurope
serviceTags: { Storage.westeurope: [203.0.113.16/28], Storage.northeurope: [203.0.113.64/28], Sql.westeurope: [203.0.113.32/28] }
virtualNetworks:
  - name: net
    addressPrefixes: [10.0.0.0/16]
    defaultOutboundAddress: 192.0.2.10
    subnets:
      - { name: app, addressPrefix: 10.0.1.0/24, serviceEndpoints: [] }
      - { name: other, addressPrefix: 10.0.2.0/24, serviceEndpoints: [] }
services:
  - { name: stg, type: Microsoft.Storage/storageAccounts, addresses: [203.0.113.20] }
  - { name: far, type: Microsoft.Storage/storageAccounts, location: northeurope, addresses: [203.0.113.70] }
  - { name: db, type: Microsoft.Sql/servers, addresses: [203.0.113.36], firewall: { defaultAction: Allow } }
ports:
  - { name: app, attach: net/app/10.0.1.4 }
  - { name: vm, attach: net/app/10.0.1.5 }
  - { name: other, attach: net/other/10.0.2.4 }
  - { name: stg, attach: service/stg }
  - { name: far, attach: service/far }
  - { name: db, attach: service/db }
  - { name: internet, attach: internet }
"#;

fn endpoints(list: &str) -> String {
    NET.replacen("serviceEndpoints: []", &format!("serviceEndpoints: [{list}]"), 1)
}

/// Opens a connection and returns the source that the far end sees.
fn open(rig: &mut Rig, (port, source): (&str, &str), (far, address): (&str, &str), number: u16) -> String {
    let out = rig.send(port, &tcp((source, number), (address, 443), "S", 1, 0, b""));
    let there = seen(&out[0].bytes);
    assert_eq!(out[0].port, far);
    rig.send(far, &tcp((address, 443), (&there.source.to_string(), there.ports.0), "SA", 9, 2, b""));
    rig.send(port, &tcp((source, number), (address, 443), "A", 2, 10, b""));
    there.source.to_string()
}

fn ends(out: &[Out]) -> Vec<String> {
    let mut ends: Vec<String> = out.iter().map(|out| format!("{} {}", out.port, seen(&out.bytes).flags)).collect();
    ends.sort();
    ends.dedup();
    ends
}

#[test]
fn flows_to_the_switched_service_end_and_the_others_go_on() {
    let ports = NET.replace("Microsoft.Sql/servers, addresses", "Microsoft.Sql/servers, ports: [443], addresses");
    let file = |list: &str| ports.replacen("serviceEndpoints: []", &format!("serviceEndpoints: [{list}]"), 1);
    let mut rig = Rig::new(&file(""));
    assert_eq!(open(&mut rig, ("app", "10.0.1.4"), ("stg", "203.0.113.20"), 40_000), "192.0.2.10");
    open(&mut rig, ("app", "10.0.1.4"), ("db", "203.0.113.36"), 40_001);
    open(&mut rig, ("other", "10.0.2.4"), ("stg", "203.0.113.20"), 40_002);
    open(&mut rig, ("app", "10.0.1.4"), ("vm", "10.0.1.5"), 40_003);
    open(&mut rig, ("app", "10.0.1.4"), ("internet", "198.51.100.20"), 40_004);
    rig.send("app", &udp(("10.0.1.4", 40_005), ("203.0.113.20", 443), b"x"));
    assert_eq!(rig.flows(), 6);
    let out = rig.reload(&file("Microsoft.Storage"));
    assert!(ends(&out).iter().all(|end| end.contains('R')), "{:?}", ends(&out));
    let ported: Vec<_> = ends(&out).iter().map(|end| end.split(' ').next().unwrap().to_owned()).collect();
    assert_eq!(ported, ["app", "stg"]);
    // The datagrams' flow starts anew with its next packet; the four others are as they were.
    assert_eq!(rig.flows(), 4);
    assert_eq!(open(&mut rig, ("app", "10.0.1.4"), ("stg", "203.0.113.20"), 40_006), "10.0.1.4");
    let datagram = rig.send("app", &udp(("10.0.1.4", 40_005), ("203.0.113.20", 443), b"x"));
    assert_eq!(seen(&datagram[0].bytes).source.to_string(), "10.0.1.4");
    let again = rig.reload(&file("Microsoft.Storage, Microsoft.Sql"));
    assert_eq!(ends(&again).iter().map(|end| end.split(' ').next().unwrap()).collect::<Vec<_>>(), ["app", "db"], "only the database's");
    let off = rig.reload(&file("Microsoft.Sql"));
    assert_eq!(ends(&off).iter().map(|end| end.split(' ').next().unwrap()).collect::<Vec<_>>(), ["app", "stg"]);
}

#[test]
fn a_policy_that_widens_the_endpoint_resets_what_it_takes_over() {
    let far = NET.replace("location: northeurope", "location: eastus").replace("Storage.northeurope", "Storage.eastus");
    let file = |policies: &str| {
        let file = far.replacen(
            "serviceEndpoints: []",
            &format!("serviceEndpoints: [Microsoft.Storage], serviceEndpointPolicies: [{policies}]"),
            1,
        );
        format!("{file}serviceEndpointPolicies: [{{ name: all, services: [stg, far] }}]\n")
    };
    let mut rig = Rig::new(&file(""));
    assert_eq!(open(&mut rig, ("app", "10.0.1.4"), ("far", "203.0.113.70"), 40_000), "192.0.2.10");
    assert_eq!(open(&mut rig, ("app", "10.0.1.4"), ("stg", "203.0.113.20"), 40_001), "10.0.1.4");
    let out = rig.reload(&file("all"));
    assert_eq!(ends(&out).iter().map(|end| end.split(' ').next().unwrap()).collect::<Vec<_>>(), ["app", "far"]);
    assert_eq!(open(&mut rig, ("app", "10.0.1.4"), ("far", "203.0.113.70"), 40_002), "10.0.1.4");
}

#[test]
fn the_global_endpoint_takes_over_the_regional_ones_flows() {
    let mut rig = Rig::new(&endpoints("Microsoft.Storage"));
    open(&mut rig, ("app", "10.0.1.4"), ("stg", "203.0.113.20"), 40_000);
    assert!(rig.reload(&endpoints("Microsoft.Storage.Global")).is_empty(), "the source stays the same");
    assert_eq!(rig.flows(), 1);
}

#[test]
fn a_rule_that_came_before_its_endpoint_begins_to_match_with_it() {
    // S3: the rule alone does nothing; the endpoint makes it match at the next connection.
    let rule = "firewall: { virtualNetworkRules: [{ subnet: net/app, ignoreMissingVnetServiceEndpoint: true }] }, ports: [443], addresses: [203.0.113.36]";
    let file = |list: &str| endpoints(list).replace("addresses: [203.0.113.36], firewall: { defaultAction: Allow }", rule);
    let refused = crate::asked::ask(&file(""), "net/app/10.0.1.4", "db:443");
    assert_eq!((refused.reason().as_str(), refused.seen().as_str()), ("service-firewall-deny", "Public 192.0.2.10"));
    assert!(refused.hint().contains("NO_SE_ON_SUBNET"), "{}", refused.hint());
    let mut rig = Rig::new(&file(""));
    let denied = rig.send("app", &tcp(("10.0.1.4", 40_000), ("203.0.113.36", 443), "S", 1, 0, b""));
    assert_eq!((denied[0].port.as_str(), seen(&denied[0].bytes).flags.as_str()), ("app", "AR"));
    rig.reload(&file("Microsoft.Sql"));
    assert_eq!(open(&mut rig, ("app", "10.0.1.4"), ("db", "203.0.113.36"), 40_001), "10.0.1.4");
}
