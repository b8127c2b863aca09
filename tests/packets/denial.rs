//! A service firewall's denial is visible: a page, a reset, an ICMP error.

use crate::common::Lab;
use crate::common::networks::SHOP;

#[test]
fn a_web_app_says_403_with_a_page() {
    let Some(lab) = Lab::up(SHOP) else { return };
    for client in ["batch", "inet"] {
        let said = lab.curl(client, "http://func/");
        assert!(said.contains("HTTP/1.1 403"), "{said}");
        assert!(said.to_lowercase().contains("<html"), "{said}");
    }
    assert_eq!(lab.metrics().drops("service-firewall-deny"), 2, "one refused packet a connection: {}", lab.metrics().table());
}

#[test]
fn on_another_port_it_resets() {
    let Some(lab) = Lab::up(SHOP) else { return };
    assert!(lab.nc("inet", "203.0.113.50", 443).contains("refused"));
}

#[test]
fn others_reset_a_tcp_client_at_once() {
    let Some(lab) = Lab::up(SHOP) else { return };
    for (client, address, port) in [("batch", "203.0.113.20", 80), ("inet", "203.0.113.20", 80), ("inet", "203.0.113.36", 1433)] {
        let said = lab.nc(client, address, port);
        assert!(said.contains("refused"), "{client} to {address}: {said}");
    }
    assert_eq!(lab.metrics().drops("service-firewall-deny"), 3, "{}", lab.metrics().table());
    assert_eq!(lab.metrics().hits("orders", "defaultAction"), 2, "{}", lab.metrics().table());
}

#[test]
fn a_datagram_is_answered_with_port_unreachable() {
    let Some(lab) = Lab::up(SHOP) else { return };
    let refused = lab.say(
        "inet",
        r#"python3 -c '
import socket
client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
client.settimeout(3)
client.connect(("203.0.113.36", 5000))
client.send(b"x")
try: print(client.recv(100))
except ConnectionRefusedError: print("unreachable")
except TimeoutError: print("silence")'"#,
    );
    assert_eq!(refused, "unreachable\n");
    assert!(lab.say("batch", "echo x | nc -nuw 1 203.0.113.36 5000").contains("seen-from 192.0.2.10 "));
}

#[test]
fn dropping_says_nothing() {
    let silent = SHOP.replace("type: Microsoft.Storage/storageAccounts\n", "type: Microsoft.Storage/storageAccounts\n    denial: Drop\n");
    let Some(lab) = Lab::up(&silent) else { return };
    let said = lab.curl("batch", "http://orders/");
    assert!(said.contains("timed out") || said.contains("Timeout"), "{said}");
}
