//! Networks that several tests share. `@` stands for the test's tag.

/// The quickstart, with one more database port, a datagram service and the stranger listening.
pub const SHOP: &str = r#"
location: westeurope
serviceTags:
  Storage.westeurope: [203.0.113.16/28]
  Sql.westeurope: [203.0.113.32/28]
  AppService.westeurope: [203.0.113.48/28]
virtualNetworks:
  - name: shop
    addressPrefixes: [10.1.0.0/16]
    defaultOutboundAddress: 192.0.2.10
    subnets:
      - name: web
        addressPrefix: 10.1.1.0/24
        networkSecurityGroup: web-nsg
        serviceEndpoints: [Microsoft.Web, Microsoft.Storage]
      - name: batch
        addressPrefix: 10.1.2.0/24
networkSecurityGroups:
  - name: web-nsg
    securityRules:
      - { name: allow-storage, priority: 100, direction: Outbound, access: Allow, protocol: Tcp, sourceAddressPrefix: "*", sourcePortRange: "*", destinationAddressPrefix: Storage, destinationPortRange: "80" }
      - { name: allow-functions, priority: 110, direction: Outbound, access: Allow, protocol: Tcp, sourceAddressPrefix: "*", sourcePortRange: "*", destinationAddressPrefix: AppService, destinationPortRange: "80" }
      - { name: deny-internet, priority: 4000, direction: Outbound, access: Deny, protocol: "*", sourceAddressPrefix: "*", sourcePortRange: "*", destinationAddressPrefix: Internet, destinationPortRange: "*" }
services:
  - name: func
    type: Microsoft.Web/sites
    addresses: [203.0.113.50]
    ports: [80, 443]
    firewall:
      defaultAction: Deny
      accessRestrictions:
        - { name: from-web, priority: 100, action: Allow, subnet: shop/web }
  - name: orders
    type: Microsoft.Storage/storageAccounts
    addresses: [203.0.113.20]
    firewall:
      defaultAction: Deny
      virtualNetworkRules: [shop/web]
  - name: ledger
    type: Microsoft.Sql/servers
    addresses: [203.0.113.36]
    ports: [1433, 5000]
    firewall:
      defaultAction: Deny
      ipRules: [192.0.2.10]
ports:
  - { name: @web, attach: shop/web/10.1.1.4 }
  - { name: @batch, attach: shop/batch/10.1.2.4 }
  - { name: @func, attach: service/func }
  - { name: @ordrs, attach: service/orders }
  - { name: @ledgr, attach: service/ledger }
  - { name: @inet, attach: internet }
lab:
  hosts:
    - { name: @web, port: @web, address: 10.1.1.4, serve: { http: 80 } }
    - { name: @batch, port: @batch, address: 10.1.2.4, serve: { http: 80, udp: 53 } }
    - { name: @func, port: @func, address: 203.0.113.50, serve: { http: 80 } }
    - { name: @ordrs, port: @ordrs, address: 203.0.113.20, serve: { http: 80 } }
    - { name: @ledgr, port: @ledgr, address: 203.0.113.36, serve: { tcp: 1433, udp: 5000 } }
    - { name: @inet, port: @inet, address: 198.51.100.20, serve: { http: 80, tcp: 5000 } }
"#;

/// One subnet, two hosts, no rules: for the behaviour of packets rather than of policy.
pub const PLAIN: &str = r#"
virtualNetworks:
  - name: net
    addressPrefixes: [10.7.0.0/16, "fd07::/48"]
    defaultOutboundAddress: 192.0.2.7
    subnets:
      - { name: left, addressPrefixes: [10.7.1.0/24, "fd07:0:0:1::/64"] }
      - { name: right, addressPrefixes: [10.7.2.0/24, "fd07:0:0:2::/64"] }
networkInterfaces:
  - { name: a, subnet: net/left, privateIPAddresses: [10.7.1.4, "fd07:0:0:1::4"] }
  - { name: b, subnet: net/right, privateIPAddresses: [10.7.2.4, "fd07:0:0:2::4"] }
ports:
  - { name: @a, attach: net/left }
  - { name: @b, attach: net/right }
  - { name: @inet, attach: internet }
lab:
  hosts:
    - { name: @a, port: @a, address: [10.7.1.4, "fd07:0:0:1::4"], serve: { tcp: 5000 } }
    - { name: @b, port: @b, address: [10.7.2.4, "fd07:0:0:2::4"], serve: { http: 80, tcp: 5000, udp: 5001 } }
    - { name: @inet, port: @inet, address: 198.51.100.20, serve: { http: 80 } }
"#;
