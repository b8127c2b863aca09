//! IPv6 inside a network.

use std::process::Command;

use crate::common::networks::PLAIN;
use crate::common::{CAUSEWAY, Lab};

#[test]
fn it_is_forwarded_between_subnets() {
    let Some(lab) = Lab::up(PLAIN) else { return };
    let said = lab.say("a", "ping -6 -c 3 -i 0.1 -W 2 fd07:0:0:2::4");
    assert!(said.contains(" 0% packet loss"), "{said}");
    assert!(lab.curl("a", "'http://[fd07:0:0:2::4]/'").contains("seen-from fd07:0:0:1::4 "));
}

#[test]
fn it_is_filtered() {
    let closed = PLAIN.replace(r#""fd07:0:0:2::/64"] }"#, r#""fd07:0:0:2::/64"], networkSecurityGroup: nsg }"#)
        + r#"
networkSecurityGroups:
  - name: nsg
    securityRules:
      - { name: no-tcp6, priority: 100, direction: Inbound, access: Deny, protocol: Tcp, sourceAddressPrefix: "fd07::/48", sourcePortRange: "*", destinationAddressPrefix: "*", destinationPortRange: "*" }
"#;
    let Some(lab) = Lab::up(&closed) else { return };
    assert!(!lab.curl("a", "'http://[fd07:0:0:2::4]/'").contains("seen-from"));
    assert!(lab.metrics().hits("nsg", "no-tcp6") >= 1, "{}", lab.metrics().table());
    assert!(lab.curl("a", "http://10.7.2.4/").contains("seen-from 10.7.1.4 "));
}

#[test]
fn explain_takes_the_hosts_address_of_the_family_that_is_asked_for() {
    let Some(lab) = Lab::prepare(PLAIN) else { return };
    let explain = |from: &str, to: &str| {
        let output =
            Command::new(CAUSEWAY).arg("explain").arg(lab.file()).args(["--from", from, "--to", to, "-o", "json"]).output().unwrap();
        let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        (output.status.code(), answer["seenAs"]["address"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(explain(&lab.host("a"), "[fd07:0:0:2::4]:80"), (Some(0), "fd07:0:0:1::4".to_owned()));
    assert_eq!(explain(&lab.host("a"), "fd07:0:0:2::4"), (Some(0), "fd07:0:0:1::4".to_owned()));
    assert_eq!(explain(&lab.host("a"), "10.7.2.4:80"), (Some(0), "10.7.1.4".to_owned()));
    assert_eq!(explain(&lab.host("a"), &lab.host("b")), (Some(0), "10.7.1.4".to_owned()));
    assert_eq!(explain("net/left/10.7.1.4", "[fd07:0:0:2::4]:80").0, Some(2), "no packet goes from one family to the other");
}
