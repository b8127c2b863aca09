//! Two networks with the same addresses are told apart at one service.

use crate::common::Lab;

const NETWORK: &str = r#"
serviceTags:
  Storage: [203.0.113.16/28]
virtualNetworks:
  - name: red
    addressPrefixes: [10.0.0.0/16]
    subnets:
      - { name: app, addressPrefix: 10.0.1.0/24, serviceEndpoints: [Microsoft.Storage] }
  - name: blue
    addressPrefixes: [10.0.0.0/16]
    subnets:
      - { name: app, addressPrefix: 10.0.1.0/24, serviceEndpoints: [Microsoft.Storage] }
services:
  - name: both
    type: Microsoft.Storage/storageAccounts
    addresses: [203.0.113.20]
    firewall: { defaultAction: Deny, virtualNetworkRules: [red/app, blue/app] }
  - name: redonly
    type: Microsoft.Storage/storageAccounts
    addresses: [203.0.113.21]
    firewall: { defaultAction: Deny, virtualNetworkRules: [red/app] }
ports:
  - { name: @red, attach: red/app/10.0.1.4 }
  - { name: @blue, attach: blue/app/10.0.1.4 }
  - { name: @both, attach: service/both }
  - { name: @only, attach: service/redonly }
lab:
  hosts:
    - { name: @red, port: @red, address: 10.0.1.4 }
    - { name: @blue, port: @blue, address: 10.0.1.4 }
    - { name: @both, port: @both, address: 203.0.113.20, serve: { tcp: 445 } }
    - { name: @only, port: @only, address: 203.0.113.21, serve: { tcp: 445 } }
"#;

#[test]
fn the_same_source_address_and_port_from_both_is_answered_to_each() {
    let Some(lab) = Lab::up(NETWORK) else { return };
    let same = "sleep 0.2; nc -nw 3 -p 40000 203.0.113.20 445";
    let (red, blue) = (lab.spawn("red", same), lab.spawn("blue", same));
    let said = [red.output(), blue.output()];
    assert!(said.iter().all(|line| line.starts_with("seen-from 10.0.1.4 ")), "{said:?}");
    assert_ne!(said[0], said[1], "the later flow gets another port");
}

#[test]
fn identity_is_the_network_not_the_address() {
    let Some(lab) = Lab::up(NETWORK) else { return };
    assert!(lab.nc("red", "203.0.113.21", 445).contains("seen-from 10.0.1.4 "));
    let refused = lab.nc("blue", "203.0.113.21", 445);
    assert!(refused.contains("refused"), "{refused}");
}
