//! The list of effective routes.

use super::*;
use crate::config::load::load_text;

const FILE: &str = "\
location: westeurope
serviceTags:
  Storage.westeurope: [203.0.113.16/28, 203.0.113.64/28, 203.0.113.96/28, 203.0.113.128/28]
virtualNetworks:
  - name: hub
    addressPrefixes: [10.0.0.0/16, 'fd00:1::/48']
    subnets:
      - { name: GatewaySubnet, addressPrefix: 10.0.255.0/27 }
      - { name: fw, addressPrefix: 10.0.9.0/24 }
      - { name: app, addressPrefix: 10.0.1.0/24, routeTable: t, serviceEndpoints: [Microsoft.Storage] }
    peerings:
      - { remoteVirtualNetwork: spoke }
  - name: spoke
    addressPrefixes: [10.1.0.0/16]
    subnets: [{ name: s, addressPrefix: 10.1.1.0/24, routeTable: quiet }]
    peerings:
      - { remoteVirtualNetwork: hub }
networkInterfaces:
  - { name: nva, subnet: hub/fw, privateIPAddress: 10.0.9.4, enableIPForwarding: true }
  - { name: vm, subnet: hub/app, privateIPAddress: 10.0.1.4 }
gateways:
  - { name: hq, type: Vpn, virtualNetwork: hub, addressPrefixes: [172.16.0.0/16, 10.1.9.0/24], publicIPAddress: 198.51.100.7 }
routeTables:
  - name: t
    routes:
      - { name: all, addressPrefix: 0.0.0.0/0, nextHopType: VirtualAppliance, nextHopIpAddress: 10.0.9.4 }
      - { name: storage, addressPrefix: Storage, nextHopType: Internet }
  - { name: quiet, disableBgpRoutePropagation: true }
";

fn network() -> Network {
    let loaded = load_text("net.yaml", FILE);
    loaded.network.unwrap_or_else(|| panic!("{}", loaded.findings.render(false)))
}

fn listed(name: &str) -> serde_json::Value {
    serde_json::from_str(&output::versioned(&answer(&network(), name).unwrap()).unwrap()).unwrap()
}

#[test]
fn json_has_the_shape_of_azures_answer() {
    let answer = listed("hub/app");
    let route = |source: &str, state: &str, prefixes: &[&str], hop: &str, at: &[&str], name: Option<&str>| {
        serde_json::json!({
            "source": source, "state": state, "addressPrefix": prefixes, "nextHopType": hop, "nextHopIpAddress": at,
            "name": name, "disableBgpRoutePropagation": false,
        })
    };
    let storage = ["203.0.113.16/28", "203.0.113.64/28", "203.0.113.96/28", "203.0.113.128/28"];
    let expected = [
        route("Default", "Active", &["10.0.0.0/16"], "VnetLocal", &[], None),
        route("Default", "Active", &["fd00:1::/48"], "VnetLocal", &[], None),
        route("Default", "Active", &["10.1.0.0/16"], "VNetPeering", &[], None),
        route("Default", "Active", &["::/0"], "Internet", &[], None),
        route("Default", "Invalid", &["0.0.0.0/0"], "Internet", &[], None),
        route("VirtualNetworkGateway", "Active", &["172.16.0.0/16"], "VirtualNetworkGateway", &[], None),
        route("VirtualNetworkGateway", "Invalid", &["10.1.9.0/24"], "VirtualNetworkGateway", &[], None),
        route("User", "Active", &["0.0.0.0/0"], "VirtualAppliance", &["10.0.9.4"], Some("all")),
        route("User", "Invalid", &storage, "Internet", &[], Some("storage")),
        route("Default", "Active", &storage, "VirtualNetworkServiceEndpoint", &[], None),
    ];
    assert_eq!(answer, serde_json::json!({ "schemaVersion": 1, "value": expected }));
}

#[test]
fn an_interface_stands_for_its_subnet_and_case_does_not_matter() {
    assert_eq!(listed("VM"), listed("Hub/App"));
    let spoke = listed("spoke/s");
    assert!(spoke["value"].as_array().unwrap().iter().all(|route| route["disableBgpRoutePropagation"] == true), "{spoke}");
    let prefixes: Vec<_> = spoke["value"].as_array().unwrap().iter().map(|route| route["addressPrefix"][0].as_str().unwrap()).collect();
    assert_eq!(
        prefixes,
        ["10.1.0.0/16", "10.0.0.0/16", "fd00:1::/48", "0.0.0.0/0", "10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16"]
    );
}

#[test]
fn an_unknown_name_suggests_the_nearest() {
    assert_eq!(answer(&network(), "hub/ap").unwrap_err(), "there is no subnet `hub/ap`; did you mean `hub/app`?");
}

#[test]
fn the_text_is_an_aligned_table() {
    let text = text(&answer(&network(), "hub/app").unwrap());
    let lines: Vec<&str> = text.lines().collect();
    let column = lines[0].find("State").unwrap();
    assert!(lines[0].starts_with("Source"), "{text}");
    assert!(lines[1..].iter().all(|line| line[column..].starts_with("Active") || line[column..].starts_with("Invalid")), "{text}");
    assert!(text.contains("203.0.113.16/28, 203.0.113.64/28, 203.0.113.96/28, 1 more"), "{text}");
    let user = lines.iter().find(|line| line.ends_with(" all")).unwrap();
    assert!(user.starts_with("User") && user.contains("10.0.9.4"), "{text}");
}
