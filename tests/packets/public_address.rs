//! An interface's own public address, both ways.

use crate::common::Lab;

const NETWORK: &str = r#"
virtualNetworks:
  - name: net
    addressPrefixes: [10.8.0.0/16]
    defaultOutboundAddress: 192.0.2.8
    subnets:
      - { name: web, addressPrefix: 10.8.1.0/24, networkSecurityGroup: nsg }
networkSecurityGroups:
  - name: nsg
    securityRules:
      - { name: allow-web, priority: 100, direction: Inbound, access: Allow, protocol: Tcp, sourceAddressPrefix: Internet, sourcePortRange: "*", destinationAddressPrefix: 10.8.1.4, destinationPortRange: "80" }
networkInterfaces:
  - { name: vm, subnet: net/web, privateIPAddress: 10.8.1.4, publicIPAddress: 192.0.2.30 }
ports:
  - { name: @vm, attach: net/web/10.8.1.4 }
  - { name: @inet, attach: internet }
lab:
  hosts:
    - { name: @vm, port: @vm, address: 10.8.1.4, serve: { http: 80, tcp: 5000 } }
    - { name: @inet, port: @inet, address: 198.51.100.20, serve: { http: 80 } }
"#;

#[test]
fn it_is_reached_from_the_internet_where_the_nsg_allows() {
    let Some(lab) = Lab::up(NETWORK) else { return };
    assert!(lab.curl("inet", "http://192.0.2.30/").contains("seen-from 198.51.100.20 "));
    assert_eq!(lab.metrics().hits("nsg", "allow-web"), 1, "{}", lab.metrics().table());
    let refused = lab.nc("inet", "192.0.2.30", 5000);
    assert!(!refused.contains("seen-from"), "{refused}");
    assert!(lab.metrics().hits("nsg", "DenyAllInBound") >= 1, "{}", lab.metrics().table());
}

#[test]
fn it_is_what_the_internet_sees() {
    let Some(lab) = Lab::up(NETWORK) else { return };
    assert!(lab.curl("vm", "http://198.51.100.20/").contains("seen-from 192.0.2.30 "));
    assert!(lab.say("vm", "ping -c 2 -i 0.1 -W 2 198.51.100.20").contains(" 0% packet loss"));
}
