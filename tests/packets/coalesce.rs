//! Packets that wait together leave together, and the receiver notices nothing. The daemon is stopped while they are sent,
//! so that it finds all of them waiting.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::common::Lab;
use crate::common::networks::PLAIN;

/// Sends 240 numbered datagrams from three ports in turn, of two sizes and now and then a third, to 10.7.2.4 port 6001.
const SEND: &str = r#"
import socket
for family, address in ((socket.AF_INET, "10.7.2.4"), (socket.AF_INET6, "fd07:0:0:2::4")):
    sockets = []
    for port in (7001, 7002, 7003):
        s = socket.socket(family, socket.SOCK_DGRAM)
        s.bind(("", port))
        s.connect((address, 6001))
        sockets.append(s)
    for number in range(120):
        length = 18 if number % 3 else 700
        if number % 40 == 39: length = 7
        sockets[number % 3].send(number.to_bytes(2, "big") + bytes([number]) * length)
"#;

/// An ordinary socket (no UDP_GRO): counts what comes, and checks every datagram and the order of each sender's.
const RECEIVE: &str = r#"
import socket
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
s.bind(("::", 6001))
s.settimeout(20)
print("ready", flush=True)
last, good = {}, 0
while good < 240:
    data, (host, port, *_) = s.recvfrom(2000)
    number = int.from_bytes(data[:2], "big")
    length = 18 if number % 3 else 700
    if number % 40 == 39: length = 7
    assert data[2:] == bytes([number]) * length, (number, data)
    assert port == 7001 + number % 3 and last.get((host, port), -1) < number, (number, host, port)
    last[host, port] = number
    good += 1
s.settimeout(0.3)
try: print("too many", s.recvfrom(2000))
except TimeoutError: print("all good")
"#;

#[test]
fn datagrams_that_wait_together_leave_in_super_frames_and_arrive_one_by_one() {
    let Some(lab) = Lab::up(PLAIN) else { return };
    exchange(&lab);
    let (left, right) = (lab.host("a"), lab.host("b"));
    let frames = |port: &str, direction| lab.metrics().total("causeway_super_frames_total", &[("port", port), ("direction", direction)]);
    assert_eq!(frames(&left, "in"), 0);
    assert!((1..60).contains(&frames(&right, "out")), "{}", lab.metrics().table());
}

#[test]
fn where_nothing_is_to_be_joined_every_frame_leaves_by_itself() {
    let Some(lab) = Lab::prepare(PLAIN) else { return };
    assert!(lab.start(&["--no-coalesce"]).status.success());
    exchange(&lab);
    assert_eq!(lab.metrics().total("causeway_super_frames_total", &[]), 0);
}

#[test]
fn a_sender_without_segmentation_gets_64_mib_across_in_super_frames() {
    let Some(lab) = Lab::up(PLAIN) else { return };
    lab.say("a", "ip link set cw-@a gso_max_segs 1");
    super::transfer::transfer(&lab, "a", "b", "10.7.2.4", 6000, "10.7.1.4");
    let (left, right) = (lab.host("a"), lab.host("b"));
    let metrics = lab.metrics();
    let frames = |port: &str, direction| metrics.total("causeway_super_frames_total", &[("port", port), ("direction", direction)]);
    assert_eq!(frames(&left, "in"), 0, "{}", metrics.table());
    assert!(frames(&right, "out") > 0, "{}", metrics.table());
}

#[test]
fn what_the_kernel_dropped_before_a_port_is_told() {
    let Some(lab) = Lab::up(PLAIN) else { return };
    let flood = r#"
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for _ in range(3000): s.sendto(b"flood", ("10.7.2.4", 5001))
"#;
    lab.say("a", "ping -c 1 -W 2 10.7.2.4");
    stopped(&lab, || drop(lab.say("a", &format!("python3 -c '{flood}'"))));
    let left = lab.host("a");
    lab.wait_for("causeway_port_kernel_drops_total", &[("port", &left)], 2000);
    assert_eq!(lab.metrics().total("causeway_port_drops_total", &[("port", &left)]), 0, "nothing that the dataplane dropped");
}

fn exchange(lab: &Lab) {
    let receiver = lab.spawn("b", &format!("python3 -c '{RECEIVE}'"));
    // Both ends are known, and the receiver listens.
    lab.say("a", "ping -c 1 -W 2 10.7.2.4; ping -6 -c 1 -W 2 fd07:0:0:2::4; sleep 1");
    stopped(lab, || assert_eq!(lab.say("a", &format!("python3 -c '{SEND}'")), ""));
    let said = receiver.output();
    assert!(said.ends_with("all good\n"), "{said}");
}

/// Does something while the daemon stands still.
fn stopped(lab: &Lab, act: impl FnOnce()) {
    let daemon = Pid::from_raw(lab.daemon());
    kill(daemon, Signal::SIGSTOP).unwrap();
    act();
    kill(daemon, Signal::SIGCONT).unwrap();
}
