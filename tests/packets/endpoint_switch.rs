//! Enabling or disabling an endpoint resets the subnet's open connections to that service, at both ends.

use std::io::BufRead as _;

use crate::common::Lab;
use crate::common::networks::SHOP;
use crate::conversation::{Conversation, ECHO};

#[test]
fn both_ends_are_reset() {
    let open = SHOP.replacen("defaultAction: Deny\n      virtualNetworkRules: [shop/web]", "defaultAction: Allow", 1);
    let Some(lab) = Lab::up(
        &open
            .replace("destinationPortRange: \"80\"", "destinationPortRange: \"*\"")
            .replace("addresses: [203.0.113.20]", "addresses: [203.0.113.20]\n    ports: [80, 7000]"),
    ) else {
        return;
    };
    let mut server = lab.spawn("ordrs", &format!("python3 -c '{ECHO}' 7000"));
    let mut open = Conversation::open(&lab, "web", "203.0.113.20", 7000);
    assert_eq!(open.say("before"), "before");
    let file = std::fs::read_to_string(lab.file()).unwrap();
    lab.write(&file.replace("serviceEndpoints: [Microsoft.Web, Microsoft.Storage]", "serviceEndpoints: [Microsoft.Web]"));
    assert!(lab.reload().status.success());
    assert_eq!(open.say("after"), "ConnectionResetError");
    let mut said = String::new();
    std::io::BufReader::new(server.0.stdout.take().unwrap()).read_line(&mut said).unwrap();
    assert_eq!(said.trim(), "ConnectionResetError");
}
