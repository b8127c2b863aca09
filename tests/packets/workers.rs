//! Two workers on queues of their own: what one does, two do together.

use std::fs;
use std::thread::sleep;
use std::time::Duration;

use crate::common::networks::{PLAIN, SHOP};
use crate::common::{Lab, has_program, text};
use crate::transfer::transfer;

const TWO: [&str; 2] = ["--workers", "2"];

/// Nothing went wrong between the workers. (Hosts send router solicitations, which end as `unsupported`.)
fn assert_no_drops(lab: &Lab) {
    for reason in ["queue-full", "flow-table-full", "snat-ports-exhausted", "fragment-without-first"] {
        assert_eq!(lab.metrics().drops(reason), 0, "{reason}\n{}", lab.metrics().table());
    }
}

#[test]
fn there_are_as_many_workers_as_asked_for() {
    let Some(lab) = Lab::up_with(PLAIN, &TWO) else { return };
    let tasks = fs::read_dir(format!("/proc/{}/task", lab.daemon())).unwrap().flatten();
    let mut names: Vec<String> = tasks.filter_map(|task| fs::read_to_string(task.path().join("comm")).ok()).collect();
    names.retain(|name| name.starts_with("worker-"));
    names.sort();
    assert_eq!(names, ["worker-0\n", "worker-1\n"]);
}

#[test]
fn much_data_arrives_byte_for_byte_translated_or_not() {
    let Some(lab) = Lab::up_with(PLAIN, &TWO) else { return };
    transfer(&lab, "a", "b", "10.7.2.4", 6000, "10.7.1.4");
    assert_no_drops(&lab);
    let Some(lab) = Lab::up_with(&SHOP.replace("ports: [1433, 5000]", "ports: [1433, 6000]"), &TWO) else { return };
    transfer(&lab, "batch", "ledgr", "203.0.113.36", 6000, "192.0.2.10");
    assert_no_drops(&lab);
}

/// Opens so many connections and sends so many datagrams, one after the other, and says how many were answered from where.
const MANY: &str = r#"
import socket, sys
address, port, count, kind = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
seen = {}
for _ in range(count):
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        client.connect((address, port))
        client.send(b"x")
        try: answer = " ".join(client.recv(100).decode().split()[:2])
        except ConnectionRefusedError: answer = "unreachable"
        except TimeoutError: answer = "silence"
        seen[answer] = seen.get(answer, 0) + 1
print(seen)
"#;

fn many(lab: &Lab, host: &str, address: &str, port: u16, count: u32, kind: &str) -> String {
    lab.say(host, &format!("python3 -c '{MANY}' {address} {port} {count} {kind}"))
}

#[test]
fn many_connections_and_datagrams_are_answered_from_the_address_that_is_seen() {
    let Some(lab) = Lab::up_with(SHOP, &TWO) else { return };
    assert_eq!(many(&lab, "batch", "203.0.113.36", 1433, 200, "tcp"), "{'seen-from 192.0.2.10': 200}\n");
    assert_eq!(many(&lab, "batch", "203.0.113.36", 5000, 200, "udp"), "{'seen-from 192.0.2.10': 200}\n");
    assert_eq!(many(&lab, "web", "10.1.2.4", 53, 200, "udp"), "{'seen-from 10.1.1.4': 200}\n");
    // Linux gives a port again now and then: its datagram belongs to a flow that is there.
    let flows = lab.metrics().total("causeway_flows_created_total", &[]);
    assert!((570..=600).contains(&flows), "{}", lab.metrics().table());
    assert_no_drops(&lab);
}

#[test]
fn errors_about_translated_packets_reach_their_sender() {
    let Some(lab) = Lab::up_with(&SHOP.replace("ports: [1433, 5000]", "ports: [1433, 5000, 5001]"), &TWO) else { return };
    // Linux tells of few closed ports a second to one host (net.ipv4.icmp_ratelimit): not so here.
    lab.say("ledgr", "sysctl -qw net.ipv4.icmp_ratelimit=0");
    assert_eq!(many(&lab, "batch", "203.0.113.36", 5001, 40, "udp"), "{'unreachable': 40}\n");
    assert_no_drops(&lab);
}

#[test]
fn fragments_reach_the_other_end_and_come_back() {
    let Some(lab) = Lab::up_with(PLAIN, &TWO) else { return };
    for (from, to) in [("a", "10.7.2.4"), ("b", "10.7.1.4"), ("a", "198.51.100.20"), ("a", "fd07:0:0:2::4")] {
        let said = lab.say(from, &format!("for i in 1 2 3 4 5; do ping -s 3000 -c 4 -i 0.02 -W 2 {to} & done; wait"));
        assert_eq!(said.matches(" 0% packet loss").count(), 5, "{from} {to}: {said}");
    }
    assert_no_drops(&lab);
}

#[test]
fn a_trace_sees_the_dataplane_as_one_hop() {
    let Some(lab) = Lab::up_with(PLAIN, &TWO) else { return };
    let Some(()) = has_program("traceroute") else { return };
    for manner in ["-I", "-U", "-T -p 5000"] {
        let said = lab.say("a", &format!("traceroute -n {manner} -q 3 -w 2 -m 3 10.7.2.4"));
        let hops: Vec<&str> = said.lines().skip(1).filter_map(|line| line.split_whitespace().nth(1)).collect();
        assert_eq!(hops, ["10.7.1.1", "10.7.2.4"], "{manner}: {said}");
    }
}

#[test]
fn reloads_under_load_lose_nothing() {
    let Some(lab) = Lab::up_with(SHOP, &TWO) else { return };
    let generation = lab.metrics().total("causeway_config_generation", &[]);
    std::thread::scope(|scope| {
        let connections = scope.spawn(|| many(&lab, "batch", "203.0.113.36", 1433, 400, "tcp"));
        let datagrams = scope.spawn(|| many(&lab, "web", "10.1.2.4", 53, 400, "udp"));
        for round in 0..8 {
            lab.write(&SHOP.replace("ports: [1433, 5000]", &format!("ports: [1433, 5000, 700{round}]")));
            let reloaded = lab.reload();
            assert!(reloaded.status.success(), "{}", text(&reloaded));
            sleep(Duration::from_millis(100));
        }
        assert_eq!(connections.join().unwrap(), "{'seen-from 192.0.2.10': 400}\n");
        assert_eq!(datagrams.join().unwrap(), "{'seen-from 10.1.1.4': 400}\n");
    });
    assert_eq!(lab.metrics().total("causeway_config_generation", &[]), generation + 8);
    assert_no_drops(&lab);
}
