//! Security rules with real packets: a network manager's before the groups', the platform past them, its probes not.

use crate::common::Lab;

const NETWORK: &str = r#"
virtualNetworks:
  - name: net
    addressPrefixes: [10.8.0.0/16]
    subnets:
      - { name: left, addressPrefix: 10.8.1.0/24, networkSecurityGroup: left-nsg }
      - { name: right, addressPrefix: 10.8.2.0/24, networkSecurityGroup: right-nsg }
applicationSecurityGroups: [web]
networkInterfaces:
  - { name: b, subnet: net/right, privateIPAddress: 10.8.2.4, networkSecurityGroup: b-nsg, applicationSecurityGroups: [web] }
networkManagers:
  - name: org
    networkGroups: [{ name: all, members: [net] }]
    securityAdminConfigurations:
      - name: base
        ruleCollections:
          - name: ops
            appliesToGroups: [all]
            rules:
              - { name: monitoring, priority: 10, direction: Inbound, access: AlwaysAllow, protocol: Tcp, sources: [10.8.1.0/24], destinationPortRanges: [80] }
              - { name: no-5001, priority: 20, direction: Inbound, access: Deny, protocol: Tcp, destinationPortRanges: [5001] }
              - { name: out-80, priority: 5, direction: Outbound, access: AlwaysAllow, protocol: Tcp, sources: [10.8.1.0/24], destinationPortRanges: [80, "5000-5002"] }
networkSecurityGroups:
  - name: left-nsg
    securityRules:
      - { name: ping, priority: 100, direction: Outbound, access: Allow, protocol: Icmp, sourceAddressPrefix: "*", sourcePortRange: "*", destinationAddressPrefix: VirtualNetwork, destinationPortRange: "*" }
      - { name: nothing-else, priority: 4096, direction: Outbound, access: Deny, protocol: "*", sourceAddressPrefix: "*", sourcePortRange: "*", destinationAddressPrefix: "*", destinationPortRange: "*" }
  - name: right-nsg
    securityRules:
      - { name: five-thousand, priority: 100, direction: Inbound, access: Allow, protocol: Tcp, sourceAddressPrefix: VirtualNetwork, sourcePortRange: "*", destinationApplicationSecurityGroups: [web], destinationPortRange: 5000-5001 }
      - { name: ping, priority: 110, direction: Inbound, access: Allow, protocol: Icmp, sourceAddressPrefix: "*", sourcePortRange: "*", destinationAddressPrefix: "*", destinationPortRange: "*" }
      - { name: shut, priority: 200, direction: Inbound, access: Deny, protocol: "*", sourceAddressPrefix: "*", sourcePortRange: "*", destinationAddressPrefix: "*", destinationPortRange: "*" }
  - { name: b-nsg }
ports:
  - { name: @a, attach: net/left/10.8.1.4 }
  - { name: @b, attach: net/right/10.8.2.4 }
  - { name: @plat, attach: platform }
lab:
  hosts:
    - { name: @a, port: @a, address: 10.8.1.4 }
    - { name: @b, port: @b, address: 10.8.2.4, serve: { http: 80, tcp: 5000 } }
    - { name: @plat, port: @plat, address: 168.63.129.16, serve: { udp: 53, tcp: 80 } }
"#;

#[test]
fn admin_rules_groups_and_the_platform() {
    let Some(lab) = Lab::up(NETWORK) else { return };
    // Both sides' groups would refuse it.
    assert!(lab.curl("a", "http://10.8.2.4/").contains("seen-from 10.8.1.4 "), "AlwaysAllow");
    // Past the sender's group by the manager's leave, into the receiver's two groups.
    assert!(lab.nc("a", "10.8.2.4", 5000).contains("seen-from 10.8.1.4 "), "a rule for the group's member");
    assert!(!lab.nc("a", "10.8.2.4", 5001).contains("seen-from"), "the manager's Deny");
    assert!(!lab.nc("a", "10.8.2.4", 5002).contains("seen-from"), "the receiver's Deny");
    assert!(!lab.nc("a", "10.8.2.4", 22).contains("seen-from"), "the sender's Deny");
    assert!(lab.say("a", "ping -c 2 -i 0.1 -W 2 10.8.2.4").contains(" 0% packet loss"), "ICMP");
    // To the platform in spite of `nothing-else`; from it only what the rules take.
    assert!(lab.say("a", "echo x | nc -nuw 1 168.63.129.16 53").contains("seen-from 10.8.1.4 "), "DNS");
    assert!(lab.nc("a", "168.63.129.16", 80).contains("seen-from 10.8.1.4 "), "the platform's own service");
    assert!(!lab.nc("plat", "10.8.2.4", 22).contains("seen-from"), "a probe that a rule refuses");
    assert!(lab.nc("plat", "10.8.2.4", 5000).contains("seen-from 168.63.129.16 "), "a probe that a rule takes");
    let metrics = lab.metrics();
    for (object, rule, least) in [
        ("ops", "monitoring", 1),
        ("ops", "out-80", 4),
        ("ops", "no-5001", 1),
        ("right-nsg", "five-thousand", 2),
        ("b-nsg", "AllowVnetInBound", 2),
        ("right-nsg", "shut", 2),
        ("left-nsg", "nothing-else", 1),
        ("left-nsg", "ping", 1),
    ] {
        assert!(metrics.hits(object, rule) >= least, "{object}/{rule}\n{}", metrics.table());
    }
    assert!(metrics.drops("nsg-deny") >= 4, "{}", metrics.table());
}
