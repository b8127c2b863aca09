//! Apps that send: into the subnet that they are integrated with, to other services, and by private endpoints.

use crate::common::Lab;

const NETWORK: &str = r#"
location: westeurope
serviceTags:
  Storage.westeurope: [203.0.113.16/28]
  AppService.westeurope: [203.0.113.48/28]
virtualNetworks:
  - name: net
    addressPrefixes: [10.0.0.0/16]
    subnets:
      - { name: vms, addressPrefix: 10.0.1.0/24 }
      - { name: apps, addressPrefix: 10.0.2.0/26, delegation: Microsoft.Web/serverFarms, serviceEndpoints: [Microsoft.Storage, Microsoft.Web] }
      - { name: links, addressPrefix: 10.0.3.0/24 }
services:
  - { name: web, type: Microsoft.Web/sites, addresses: [203.0.113.50], virtualNetworkSubnetId: net/apps, vnetRouteAllEnabled: false }
  - name: func
    type: Microsoft.Web/sites
    addresses: [203.0.113.51]
    firewall:
      accessRestrictions: [{ name: apps-only, priority: 100, action: Allow, subnet: net/apps }]
  - { name: stg, type: Microsoft.Storage/storageAccounts, addresses: [203.0.113.20], firewall: { defaultAction: Deny, virtualNetworkRules: [net/apps] } }
  - { name: kv, type: Microsoft.KeyVault/vaults, ports: [80, 443], addresses: [203.0.113.100], firewall: { defaultAction: Deny, bypass: None, ipRules: [203.0.113.51] } }
privateEndpoints:
  - { name: to-kv, subnet: net/links, privateIPAddress: 10.0.3.5, service: kv }
ports:
  - { name: @vm, attach: net/vms/10.0.1.4 }
  - { name: @web, attach: service/web }
  - { name: @func, attach: service/func }
  - { name: @stg, attach: service/stg }
  - { name: @kv, attach: service/kv }
  - { name: @inet, attach: internet }
lab:
  hosts:
    - { name: @vm, port: @vm, address: 10.0.1.4, serve: { http: 80 } }
    - { name: @web, port: @web, address: 203.0.113.50, serve: { http: 80 } }
    - { name: @func, port: @func, address: 203.0.113.51, serve: { http: 80 } }
    - { name: @stg, port: @stg, address: 203.0.113.20, serve: { tcp: 445 } }
    - { name: @kv, port: @kv, address: 203.0.113.100, serve: { http: 80, tcp: 443 } }
    - { name: @inet, port: @inet, address: 198.51.100.20, serve: { http: 80 } }
"#;

#[test]
fn an_integrated_app_is_a_host_of_its_subnet_where_its_traffic_enters_it() {
    let Some(lab) = Lab::up(NETWORK) else { return };
    assert!(lab.curl("web", "http://10.0.1.4/").contains("seen-from 10.0.2.4 "), "private addresses are reached either way");
    let page = lab.curl("web", "http://203.0.113.51/");
    assert!(page.contains("403 Ip Forbidden") && page.contains("x-ms-forbidden-ip: 203.0.113.50"), "{page}");
    assert!(lab.nc("web", "203.0.113.20", 445).contains("refused"));
    assert!(lab.curl("web", "http://198.51.100.20/").contains("seen-from 203.0.113.50 "));
    lab.write(&NETWORK.replace("vnetRouteAllEnabled: false", "vnetRouteAllEnabled: true"));
    assert!(lab.reload().status.success());
    assert!(lab.curl("web", "http://203.0.113.51/").contains("seen-from 10.0.2.4 "));
    assert!(lab.nc("web", "203.0.113.20", 445).contains("seen-from 10.0.2.4 "));
    assert!(lab.curl("web", "http://198.51.100.20/").contains("seen-from 203.0.113.50 "), "nothing leads elsewhere");
    assert!(lab.curl("inet", "http://203.0.113.50/").contains("seen-from 198.51.100.20 "), "the app still answers");
    assert!(!lab.nc("vm", "10.0.2.4", 80).contains("succeeded"), "a way out only");
}

#[test]
fn a_service_reaches_another_as_itself_and_no_host() {
    let Some(lab) = Lab::up(NETWORK) else { return };
    assert!(lab.nc("func", "203.0.113.100", 443).contains("seen-from 203.0.113.51 "), "the vault lists it");
    assert!(lab.nc("stg", "203.0.113.100", 443).contains("refused"), "and not the account");
    let before = lab.metrics().drops("service-initiated");
    assert!(!lab.nc("func", "10.0.1.4", 80).contains("succeeded"));
    assert!(lab.metrics().drops("service-initiated") > before);
}

#[test]
fn a_private_endpoint_leads_past_the_firewall() {
    let Some(lab) = Lab::up(NETWORK) else { return };
    assert!(lab.curl("vm", "http://10.0.3.5/").contains("seen-from 10.0.1.4 "));
    assert!(lab.nc("web", "10.0.3.5", 443).contains("seen-from 10.0.2.4 "), "an integrated app reaches it too");
    assert!(!lab.nc("vm", "203.0.113.100", 443).contains("succeeded"), "the public side stays shut");
    assert!(!lab.nc("inet", "10.0.3.5", 443).contains("succeeded"), "from outside there is no way to it");
}
