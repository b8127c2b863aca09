//! Ports through `AF_XDP`, between namespaces over veths whose far ends are as a user would have them: all offloads on.
//!
//! Needs root, and a kernel that has `AF_XDP`; without them each test prints why it was skipped.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, unreachable_pub, reason = "a test that cannot go on fails")]

#[path = "../common/mod.rs"]
mod common;
mod place;

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::sync::Arc;

use causeway::packet::{Frame, FramePool, Gso, Offload, Reason};
use causeway::policy::ids::PortId;
use causeway::port::device::{Device, Handle, Opened};
use causeway::port::monitor::Monitor;
use causeway::port::{DEFAULT_MTU, Port, PortState};
use causeway::wire::ethernet;
use common::{has_program, text};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use place::{NETWORK, Place, Server, enter, inside, ip, python, serve, wait};

/// Answers each connection with the digest of what it sent, followed by all of it again.
const ECHO: &str = "
import hashlib, socket
l = socket.create_server(('10.9.2.4', 7000)); print('ready', flush=True)
while True:
    c, _ = l.accept(); data = b''
    while block := c.recv(1 << 20): data += block
    c.sendall(hashlib.sha256(data).digest() + data); c.close()
";
const TRANSFER: &str = "
import hashlib, random, socket
data = random.Random(7).randbytes(4 << 20)
s = socket.create_connection(('10.9.2.4', 7000), 20); s.settimeout(30); s.sendall(data); s.shutdown(socket.SHUT_WR)
back = b''
while block := s.recv(1 << 20): back += block
print('same' if back == hashlib.sha256(data).digest() + data else 'different')
";
/// 200 datagrams of lengths around a frame's, and what comes back of them.
const DATAGRAMS: &str = "
import socket, threading
r = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); r.settimeout(5)
got = 0
for n in range(200):
    data = bytes([n]) * (1 + n * 17)
    r.sendto(data, ('10.9.2.4', 7001))
    got += r.recv(65536) == data
print(got)
";
const DATAGRAM_ECHO: &str = "
import socket
r = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); r.bind(('10.9.2.4', 7001)); print('ready', flush=True)
while True:
    data, who = r.recvfrom(65536); r.sendto(data, who)
";

#[test]
fn ping_tcp_and_udp_cross_as_the_far_ends_are() {
    let Some(mut place) = Place::new() else { return };
    place.start();
    assert_eq!(place.kinds(), ["xdp", "xdp"], "{}", place.log());
    assert!(place.pings());
    let _echo = serve(&place.server, ECHO);
    assert_eq!(text(&python(&place.client, TRANSFER).output().unwrap()).trim(), "same");
    let _datagrams = serve(&place.server, DATAGRAM_ECHO);
    assert_eq!(text(&python(&place.client, DATAGRAMS).output().unwrap()).trim(), "200");
    assert!(!place.log().contains("WARN"), "{}", place.log());
}

#[test]
fn iperf_runs_over_tcp_and_udp() {
    let Some(mut place) = Place::new() else { return };
    if has_program("iperf3").is_none() {
        return;
    }
    place.start();
    let _server = Server(inside(&place.server, "iperf3 -s").stdout(Stdio::null()).spawn().unwrap());
    let run = |options: &str| place.client_says(&format!("timeout 30 iperf3 -c 10.9.2.4 {options}"));
    wait("iperf3 answers", || run("-n 100K").contains("iperf Done"));
    for options in ["-n 8M", "-n 8M -R", "-u -b 20M -t 1"] {
        let said = run(options);
        assert!(said.contains("iperf Done"), "{options}: {said}");
    }
}

#[test]
fn what_is_too_big_for_the_far_side_is_told() {
    let Some(mut place) = Place::new() else { return };
    place.start();
    ip(&format!("-n {} link set d1 mtu 1400", place.home));
    wait("the MTU that the interface has now", || place.status()["ports"][1]["mtu"] == 1400);
    // The worker hears of it with its next tick.
    let told = |said: String| said.contains("mtu=1400") || said.contains("mtu = 1400");
    wait("the MTU is told", || told(place.client_says("ping -c 1 -W 1 -M do -s 1400 10.9.2.4")));
    assert!(place.client_says("ping -c 1 -W 2 -M do -s 1372 10.9.2.4").contains("1 received"));
}

#[test]
fn frames_with_a_tag_and_of_other_kinds_end_as_unsupported() {
    let Some(mut place) = Place::new() else { return };
    place.start();
    let before = place.verdict("v/a", "unsupported");
    // An ARP request behind a VLAN tag, an LLDP frame, and an ARP request that is answered.
    let send = "
import socket
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW); s.bind(('c0', 0))
arp = '0806 0001 0800 06 04 0001 020000000001 0a090104 000000000000 0a090204'
for kind in ['8100 0005' + arp, '88cc' + '00' * 46, arp]: s.send(bytes.fromhex('ffffffffffff 020000000001' + kind))
";
    let answered = place.verdict("v/a", "answered");
    assert!(python(&place.client, send).status().unwrap().success());
    wait("an answer", || place.verdict("v/a", "answered") > answered);
    assert!(place.verdict("v/a", "unsupported") >= before + 2);
}

#[test]
fn a_killed_daemon_leaves_no_program_and_the_next_takes_over() {
    let Some(mut place) = Place::new() else { return };
    place.start();
    assert!(place.link("d0").contains(" xdp "), "{}", place.link("d0"));
    place.signal(Signal::SIGKILL);
    place.reap();
    wait("no program", || !place.link("d0").contains("xdp") && !place.link("d1").contains("xdp"));
    place.start();
    assert_eq!(place.kinds(), ["xdp", "xdp"], "{}", place.log());
    assert!(place.pings());
}

#[test]
fn a_removed_interface_is_picked_up_again_and_one_that_is_down_waits() {
    let Some(mut place) = Place::new() else { return };
    place.start();
    wait("an answer", || place.pings());
    ip(&format!("-n {} link set d0 down", place.home));
    assert!(!place.pings());
    // What cannot be sent has its reason.
    inside(&place.server, "ping -c 2 -W 1 10.9.1.4").output().unwrap();
    wait("refused frames", || place.verdict("v/b", "destination-unknown") > 0);
    ip(&format!("-n {} link set d0 up", place.home));
    wait("an answer after up", || place.pings());
    ip(&format!("-n {} link del d0", place.home));
    wait("a line about it", || place.log().contains("interface vanished; the other ports go on"));
    place.plug_client("");
    wait("an answer after it came back", || place.pings());
    assert_eq!(place.kinds(), ["xdp", "xdp"], "the rights to attach again were kept: {}", place.log());
    assert!(place.link("d0").contains(" xdp "));
}

#[test]
fn where_af_xdp_cannot_be_had_one_line_says_why_and_frames_go_on() {
    let Some(mut place) = Place::new() else { return };
    ip(&format!("-n {} link set d0 mtu 9000", place.home));
    ip(&format!("-n {} link set s0 mtu 9000", place.server));
    place.start();
    let log = place.log();
    let lines: Vec<&str> = log.lines().filter(|line| line.contains("WARN")).collect();
    assert_eq!(lines.len(), 2, "a line for each port: {log}");
    assert!(lines[0].contains("goes through AF_PACKET: the interface has an MTU of 9000"), "{log}");
    assert!(lines[1].contains("goes through AF_PACKET: the driver does not take an XDP program now"), "{log}");
    assert_eq!(place.kinds(), ["interface", "interface"]);
    wait("an answer", || place.pings());
}

#[test]
fn a_program_of_somebody_else_is_an_error_and_stays() {
    let Some(mut place) = Place::new() else { return };
    place.start();
    let second = place.run_second();
    assert_eq!(second.status.code(), Some(1));
    assert!(text(&second).contains("interface 'd0' has an XDP program already"), "{}", text(&second));
    assert!(place.link("d0").contains(" xdp "));
    assert!(place.pings());
}

#[test]
fn all_receive_queues_are_read() {
    let Some(mut place) = Place::new() else { return };
    ip(&format!("-n {} link del d0", place.home));
    place.plug_client("numrxqueues 2 numtxqueues 2");
    place.start();
    assert!(place.log().contains("queues=2"), "{}", place.log());
    // Each connection has a queue of its own: of twelve, surely not all the same one.
    let _echo = serve(&place.server, DATAGRAM_ECHO);
    for _ in 0..12 {
        let one = "import socket; r = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); r.settimeout(3); r.sendto(b'x', ('10.9.2.4', 7001)); print(r.recv(9))";
        assert_eq!(text(&python(&place.client, one).output().unwrap()).trim(), "b'x'");
    }
}

#[test]
fn rights_to_load_programs_are_kept_only_where_a_port_needs_them() {
    let Some(mut place) = Place::new() else { return };
    let held = |place: &Place| {
        let status = fs::read_to_string(format!("/proc/{}/status", place.status()["pid"])).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("CapPrm:")).unwrap().trim().to_owned();
        u64::from_str_radix(&line, 16).unwrap()
    };
    // CAP_IPC_LOCK (14), CAP_BPF (39).
    const FOR_XDP: u64 = 1 << 14 | 1 << 39;
    place.start();
    assert_eq!(held(&place) & FOR_XDP, FOR_XDP);
    place.signal(Signal::SIGTERM);
    place.reap();
    place.write(&NETWORK.replace(", mode: xdp", ""));
    place.start();
    assert_eq!(held(&place) & FOR_XDP, 0);
    assert_eq!(place.kinds(), ["interface", "interface"]);
}

/// The port `d0` itself, without a daemon, and what its monitor needs.
fn open(place: &Place, state: &Arc<PortState>) -> (Box<dyn Port>, Handle) {
    let Opened { mut ports, handle } = enter(&place.home, || Device::Xdp("d0".to_owned()).open(state, 1)).unwrap();
    (ports.pop().unwrap(), handle)
}

#[test]
fn more_frames_than_the_ring_holds_are_refused_and_the_others_arrive() {
    let Some(place) = Place::new() else { return };
    let (mut port, _) = open(&place, &PortState::new(DEFAULT_MTU));
    let mut pool = FramePool::new(4);
    let mut burst = |port: &mut Box<dyn Port>, count: usize| {
        let mut bytes = [0; 60];
        ethernet::set_macs(&mut bytes, [0xff; 6], [2, 0, 0, 0, 0, 1]);
        let mut frames: Vec<_> = (0..count).map(|_| Frame::from_bytes(&bytes)).collect();
        let mut refused = Vec::new();
        port.tx_burst(&mut frames, &mut pool, &mut refused).unwrap();
        assert!(frames.is_empty());
        refused
    };
    let refused = burst(&mut port, 2100);
    assert_eq!(refused.len(), 52);
    assert!(refused.iter().zip(2048..).all(|(found, index)| *found == (index, Reason::QueueFull)));
    // What was sent makes room again, over the rings' ends.
    for _ in 0..6 {
        wait("room", || burst(&mut port, 1000).is_empty());
    }
    let mut long = vec![Frame::from_bytes(&[0; 3841]), Frame::from_bytes(&[0; 60])];
    let mut refused = Vec::new();
    port.tx_burst(&mut long, &mut FramePool::new(1), &mut refused).unwrap();
    assert_eq!(refused, [(0, Reason::TooBig)]);
}

/// Sends so many frames from the client.
fn flood(frames: usize) -> String {
    format!(
        "
import socket
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW); s.bind(('c0', 0))
for n in range({frames}): s.send(bytes.fromhex('ffffffffffff 020000000001 88cc') + bytes(46))
"
    )
}

#[test]
fn frames_that_found_no_room_are_counted() {
    let Some(place) = Place::new() else { return };
    let state = PortState::new(DEFAULT_MTU);
    let (mut port, handle) = open(&place, &state);
    let (_keep, lost) = crossbeam::channel::unbounded();
    let monitor = enter(&place.home, || Monitor::start(lost, Box::new(|_, _| Ok(()))).unwrap());
    monitor.watch(PortId(0), "a", &Device::Xdp("d0".to_owned()), handle, Arc::clone(&state));
    assert!(python(&place.client, &flood(6000)).status().unwrap().success());
    wait("lost frames", || state.kernel_drops() > 0);
    // What was received is good, and makes room for more.
    let (mut pool, mut frames) = (FramePool::new(64), Vec::new());
    while port.rx_burst(&mut pool, &mut frames, 64).unwrap() > 0 {}
    assert!(frames.len() >= 2048, "{}", frames.len());
    frames.clear();
    assert!(python(&place.client, &flood(10)).status().unwrap().success());
    wait("frames", || port.rx_burst(&mut pool, &mut frames, 64).unwrap() > 0);
}

#[test]
fn who_waits_hears_of_frames_that_came_before_and_after() {
    let Some(place) = Place::new() else { return };
    let (mut port, _handle) = open(&place, &PortState::new(DEFAULT_MTU));
    let (mut pool, mut frames) = (FramePool::new(64), Vec::new());
    for sent in 1..=2 {
        assert!(python(&place.client, &flood(1)).status().unwrap().success());
        // The first time, nobody had asked before the frame came.
        let mut waited_on = [PollFd::new(port.poll_fd().unwrap(), PollFlags::POLLIN)];
        assert_eq!(poll(&mut waited_on, PollTimeout::from(10_000u16)), Ok(1));
        wait("the frame", || {
            port.rx_burst(&mut pool, &mut frames, 64).unwrap();
            frames.len() >= sent
        });
    }
}

/// Tells of the lengths of what comes in at `c0` until a last frame of 70 bytes.
const LENGTHS: &str = "
import socket
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800)); s.bind(('c0', 0x0800)); s.settimeout(20); print('ready', flush=True)
lengths = []
while lengths[-1:] != [70]: lengths.append(len(s.recv(65536)))
print(*lengths)
";

/// Datagrams of 100 bytes in a super-frame where it is more.
fn datagram(payload: usize) -> Frame {
    let mut bytes = Vec::new();
    let builder = etherparse::PacketBuilder::ethernet2([2, 0, 0, 0, 0, 1], [0xff; 6]).ipv4([10, 9, 1, 1], [10, 9, 1, 4], 64);
    builder.udp(7000, 7001).write(&mut bytes, &vec![7; payload]).unwrap();
    let mut frame = Frame::from_bytes(&bytes);
    if payload > 100 {
        let (checksum_start, checksum_offset) = (34, 6);
        frame.offload =
            Offload { needs_checksum: true, checksum_start, checksum_offset, gso: Gso::UdpSegments, gso_size: 100, header_length: 42 };
    }
    frame
}

/// What the far end sees of a frame, a super-frame of three datagrams, a frame, another super-frame and a last frame.
fn lengths_at_the_far_end(place: &Place) -> String {
    let (mut port, _) = open(place, &PortState::new(DEFAULT_MTU));
    let mut reader = python(&place.client, LENGTHS).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(reader.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert_eq!(lines.next().unwrap(), "ready");
    let mut frames: Vec<_> = [18, 300, 19, 200, 28].map(datagram).into();
    let mut refused = Vec::new();
    port.tx_burst(&mut frames, &mut FramePool::new(4), &mut refused).unwrap();
    assert!(frames.is_empty() && refused.is_empty(), "{refused:?}");
    let lengths = lines.next().unwrap();
    reader.wait().unwrap();
    lengths
}

#[test]
fn super_frames_leave_whole_and_in_their_place() {
    let Some(place) = Place::new() else { return };
    assert_eq!(lengths_at_the_far_end(&place), "60 342 61 242 70");
}

#[test]
fn where_frames_could_overtake_them_super_frames_leave_in_pieces() {
    let Some(place) = Place::new() else { return };
    ip(&format!("-n {} link del d0", place.home));
    place.plug_client("numtxqueues 2 numrxqueues 2");
    assert_eq!(lengths_at_the_far_end(&place), "60 142 142 142 61 142 142 70");
}
