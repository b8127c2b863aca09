//! ICMP errors: the dataplane's own, and those that belong to a flow.

use crate::common::networks::{PLAIN, SHOP};
use crate::common::{Lab, has_program};

#[test]
fn a_time_to_live_that_runs_out_is_told_from_the_subnets_first_address() {
    let Some(lab) = Lab::up(PLAIN) else { return };
    let said = lab.say("a", "ping -c 1 -W 2 -t 1 10.7.2.4");
    assert!(said.contains("From 10.7.1.1") && said.contains("Time to live exceeded"), "{said}");
    assert_eq!(lab.metrics().drops("ttl-exceeded"), 1, "{}", lab.metrics().table());
}

#[test]
fn traceroute_sees_the_dataplane_as_one_hop() {
    let Some(lab) = Lab::up(PLAIN) else { return };
    let Some(()) = has_program("traceroute") else { return };
    let said = lab.say("a", "traceroute -n -I -q 1 -w 2 -m 4 10.7.2.4");
    let hops: Vec<&str> = said.lines().skip(1).filter_map(|line| line.split_whitespace().nth(1)).collect();
    assert_eq!(hops, ["10.7.1.1", "10.7.2.4"], "{said}");
}

#[test]
fn a_packet_larger_than_the_way_out_is_refused_with_its_size() {
    let Some(lab) = Lab::up(PLAIN) else { return };
    lab.say("b", &format!("ip link set {} mtu 1300", lab.namespace("b")));
    // The monitor looks at the devices now and then: until it has, the packet passes.
    let said = lab.say("a", "for i in 1 2 3 4 5 6 7 8; do ping -M do -s 1400 -c 1 -W 2 10.7.2.4 | grep 'mtu *=' && break; sleep 0.5; done");
    assert!(said.contains("mtu = 1300") || said.contains("mtu=1300"), "{said}");
    assert!(lab.metrics().drops("too-big") >= 1, "{}", lab.metrics().table());
}

#[test]
fn a_closed_port_behind_address_translation_is_told_to_the_client() {
    let open = SHOP.replace("ports: [1433, 5000]", "ports: [1433, 5000, 5001]");
    let Some(lab) = Lab::up(&open) else { return };
    let said = lab.say(
        "batch",
        r#"python3 -c '
import socket
client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
client.settimeout(3)
client.connect(("203.0.113.36", 5001))
client.send(b"x")
try: print(client.recv(100))
except ConnectionRefusedError: print("unreachable")
except TimeoutError: print("silence")'"#,
    );
    assert_eq!(said, "unreachable\n");
}
