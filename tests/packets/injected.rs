//! A service inside a subnet, with a private and a public address: reached from everywhere, and reaching out.

use crate::common::Lab;

const NETWORK: &str = r#"
virtualNetworks:
  - name: hub
    addressPrefixes: [10.7.0.0/16]
    subnets:
      - { name: GatewaySubnet, addressPrefix: 10.7.255.0/27 }
      - { name: cache, addressPrefix: 10.7.1.0/24 }
      - { name: app, addressPrefix: 10.7.2.0/24 }
    peerings: [{ remoteVirtualNetwork: spoke, allowGatewayTransit: true }]
  - name: spoke
    addressPrefixes: [10.9.0.0/16]
    subnets: [{ name: app, addressPrefix: 10.9.1.0/24 }]
    peerings: [{ remoteVirtualNetwork: hub, useRemoteGateways: true }]
gateways:
  - { name: hq, type: Vpn, virtualNetwork: hub, addressPrefixes: [172.16.7.0/24] }
services:
  - { name: cache, type: Microsoft.Cache/redis, subnet: hub/cache, addresses: [10.7.1.10], publicIPAddress: 192.0.2.70 }
ports:
  - { name: @cache, attach: hub/cache/10.7.1.10 }
  - { name: @app, attach: hub/app/10.7.2.4 }
  - { name: @peer, attach: spoke/app/10.9.1.4 }
  - { name: @hq, attach: gateway/hq }
  - { name: @inet, attach: internet }
lab:
  hosts:
    - { name: @cache, port: @cache, address: 10.7.1.10, serve: { http: 80 } }
    - { name: @app, port: @app, address: 10.7.2.4, serve: { http: 80 } }
    - { name: @peer, port: @peer, address: 10.9.1.4, serve: { http: 80 } }
    - { name: @hq, port: @hq, address: 172.16.7.9, serve: { http: 80 } }
    - { name: @inet, port: @inet, address: 198.51.100.20, serve: { http: 80 } }
"#;

#[test]
fn it_is_reached_and_reaches_out() {
    let Some(lab) = Lab::up(NETWORK) else { return };
    for (host, address) in [("app", "10.7.2.4"), ("peer", "10.9.1.4"), ("hq", "172.16.7.9")] {
        let seen = lab.curl(host, "http://10.7.1.10/");
        assert!(seen.contains(&format!("seen-from {address} ")), "{host}: {seen}\n{}", lab.metrics().table());
        let seen = lab.curl("cache", &format!("http://{address}/"));
        assert!(seen.contains("seen-from 10.7.1.10 "), "to {host}: {seen}\n{}", lab.metrics().table());
    }
    assert!(lab.curl("inet", "http://192.0.2.70/").contains("seen-from 198.51.100.20 "));
    assert!(lab.curl("cache", "http://198.51.100.20/").contains("seen-from 192.0.2.70 "));
}
