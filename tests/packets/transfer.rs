//! Much data through offloads arrives as it was sent.

use crate::common::networks::{PLAIN, SHOP};
use crate::common::{Lab, has_program};

/// Makes 64 MiB that no two parts of are alike, sends them and prints their SHA-256.
const SEND: &str = r#"
import hashlib, random, socket, sys
data = random.Random(7).randbytes(64 << 20)
stream = socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=10)
stream.sendall(data)
stream.shutdown(socket.SHUT_WR)
print(hashlib.sha256(data).hexdigest(), stream.recv(100).decode())
"#;

/// Receives until the end and prints how many bytes came, and their SHA-256.
const RECEIVE: &str = r#"
import hashlib, socket, sys
server = socket.create_server(("0.0.0.0", int(sys.argv[1])))
server.settimeout(30)
stream, peer = server.accept()
digest, count = hashlib.sha256(), 0
while part := stream.recv(1 << 20):
    digest.update(part)
    count += len(part)
stream.sendall(peer[0].encode())
print(digest.hexdigest(), count)
"#;

#[test]
fn inside_a_network_64_mib_arrive_byte_for_byte() {
    let Some(lab) = Lab::up(PLAIN) else { return };
    transfer(&lab, "a", "b", "10.7.2.4", 6000, "10.7.1.4");
}

#[test]
fn through_address_translation_64_mib_arrive_byte_for_byte() {
    let Some(lab) = Lab::up(&SHOP.replace("ports: [1433, 5000]", "ports: [1433, 6000]")) else { return };
    transfer(&lab, "batch", "ledgr", "203.0.113.36", 6000, "192.0.2.10");
}

#[test]
fn iperf_runs_both_ways() {
    let Some(lab) = Lab::up(PLAIN) else { return };
    let Some(()) = has_program("iperf3") else { return };
    let _server = lab.spawn("b", "iperf3 -s -p 5201");
    let said = lab.say("a", "sleep 0.5; iperf3 -c 10.7.2.4 -t 1 -J >/dev/null && iperf3 -c 10.7.2.4 -t 1 -R -J >/dev/null && echo good");
    assert!(said.contains("good"), "{said}");
}

pub fn transfer(lab: &Lab, from: &str, to: &str, address: &str, port: u16, seen: &str) {
    let receiver = lab.spawn(to, &format!("python3 -c '{RECEIVE}' {port}"));
    // The listener needs a moment to open its port; a refused attempt costs nothing but another.
    let sent = lab.say(from, &format!("for i in 1 2 3 4 5; do sleep 0.5; python3 -c '{SEND}' {address} {port} 2>/dev/null && break; done"));
    let received = receiver.output();
    let (digest, source) = sent.trim().split_once(' ').unwrap_or_else(|| panic!("nothing sent: {sent:?}"));
    assert_eq!(received.trim(), format!("{digest} {}", 64 << 20));
    assert_eq!(source, seen);
}
