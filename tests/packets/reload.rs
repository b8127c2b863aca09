//! A new file under running traffic.

use crate::common::networks::SHOP;
use crate::common::{Lab, text};
use crate::conversation::{Conversation, ECHO};

/// The shop, where web may reach batch on port 7000 by a rule of its own and no other.
fn with_rule(access: &str) -> String {
    let rule = format!(
        r#"securityRules:
      - {{ name: to-batch, priority: 105, direction: Outbound, access: {access}, protocol: Tcp, sourceAddressPrefix: "*", sourcePortRange: "*", destinationAddressPrefix: 10.1.2.4, destinationPortRange: "7000" }}"#
    );
    SHOP.replacen("securityRules:", &rule, 1)
}

#[test]
fn an_open_connection_outlives_its_rule_and_a_new_one_is_denied() {
    let Some(lab) = Lab::up(&with_rule("Allow")) else { return };
    let _server = lab.spawn("batch", &format!("python3 -c '{ECHO}' 7000"));
    let mut open = Conversation::open(&lab, "web", "10.1.2.4", 7000);
    assert_eq!(open.say("before"), "before");
    lab.write(&with_rule("Deny"));
    let reloaded = lab.reload();
    assert!(reloaded.status.success(), "{}", text(&reloaded));
    assert_eq!(open.say("after"), "after");
    assert!(!lab.nc("web", "10.1.2.4", 7000).contains("succeeded"));
    assert!(lab.metrics().hits("web-nsg", "to-batch") >= 2);
}

#[test]
fn a_broken_file_keeps_the_old_one() {
    let Some(lab) = Lab::up(SHOP) else { return };
    let generation = lab.metrics().total("causeway_config_generation", &[]);
    lab.write(&SHOP.replace("networkSecurityGroup: web-nsg", "networkSecurityGroup: web-ngs"));
    let refused = lab.reload();
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused).contains("web-nsg"), "the nearest name is suggested: {}", text(&refused));
    assert_eq!(lab.metrics().total("causeway_config_generation", &[]), generation);
    assert!(lab.curl("web", "http://orders/").contains("seen-from 10.1.1.4 "));
}

#[test]
fn a_hangup_reloads_too() {
    let Some(lab) = Lab::up(SHOP) else { return };
    let generation = lab.metrics().total("causeway_config_generation", &[]);
    lab.write(&SHOP.replace("virtualNetworkRules: [shop/web]", "virtualNetworkRules: []"));
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(lab.daemon()), nix::sys::signal::Signal::SIGHUP).unwrap();
    lab.wait_for("causeway_config_generation", &[], generation + 1);
    let refused = lab.nc("web", "203.0.113.20", 80);
    assert!(refused.contains("refused"), "{refused}");
}
