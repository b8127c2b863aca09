//! A router in a subnet with an endpoint: what it forwards has that subnet's identity at the service.

use crate::common::Lab;

const NETWORK: &str = r#"
location: westeurope
serviceTags: { Storage.westeurope: [203.0.113.16/28] }
virtualNetworks:
  - name: hub
    addressPrefixes: [10.0.0.0/16]
    subnets: [{ name: fw, addressPrefix: 10.0.9.0/24, serviceEndpoints: [Microsoft.Storage] }]
    peerings: [{ remoteVirtualNetwork: spoke, allowForwardedTraffic: true }]
  - name: spoke
    addressPrefixes: [10.1.0.0/16]
    subnets: [{ name: app, addressPrefix: 10.1.1.0/24, routeTable: to-fw, serviceEndpoints: [] }]
    peerings: [{ remoteVirtualNetwork: hub, allowForwardedTraffic: true }]
routeTables:
  - { name: to-fw, routes: [{ name: all, addressPrefix: 0.0.0.0/0, nextHopType: VirtualAppliance, nextHopIpAddress: 10.0.9.4 }] }
networkInterfaces:
  - { name: fw, subnet: hub/fw, privateIPAddress: 10.0.9.4, enableIPForwarding: true }
services:
  - { name: stg, type: Microsoft.Storage/storageAccounts, addresses: [203.0.113.20], firewall: { defaultAction: Deny, virtualNetworkRules: [hub/fw] } }
ports:
  - { name: @app, attach: spoke/app/10.1.1.4 }
  - { name: @fw, attach: hub/fw/10.0.9.4 }
  - { name: @stg, attach: service/stg }
lab:
  hosts:
    - { name: @app, port: @app, address: 10.1.1.4 }
    - { name: @fw, port: @fw, address: 10.0.9.4, forward: true }
    - { name: @stg, port: @stg, address: 203.0.113.20, serve: { tcp: 445 } }
"#;

#[test]
fn a_spoke_behind_a_router_has_the_routers_subnet_as_identity() {
    let Some(lab) = Lab::up(NETWORK) else { return };
    assert!(lab.nc("app", "203.0.113.20", 445).contains("seen-from 10.1.1.4 "), "by way of the router");
    assert!(lab.nc("fw", "203.0.113.20", 445).contains("seen-from 10.0.9.4 "), "what a proxy there would be seen as");
    lab.write(&NETWORK.replace("serviceEndpoints: []", "serviceEndpoints: [Microsoft.Storage]"));
    assert!(lab.reload().status.success());
    let refused = lab.nc("app", "203.0.113.20", 445);
    assert!(refused.contains("refused"), "its own endpoint goes past the router: {refused}");
}
