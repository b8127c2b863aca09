//! Ports on real devices, inside network namespaces that the tests make: TAPs that are moved about, super-frames,
//! packet sockets on veths, interfaces that vanish and come back.
//!
//! Needs root and `/dev/net/tun`; without them each test prints why it was skipped.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::io;
use std::net::IpAddr;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use causeway::packet::{Frame, Reason, Zone};
use causeway::pipeline::engine::Engine;
use causeway::pipeline::outbox::{Outbox, Sent};
use causeway::policy::ids::PortId;
use causeway::policy::snapshot::Snapshot;
use causeway::port::device::{Device, OpenError, Opened};
use causeway::port::memory::pair;
use causeway::port::monitor::Monitor;
use causeway::port::{DEFAULT_MTU, Port, PortState};
use causeway::worker::{Dataplane, Options};

/// Says why, where a test cannot run here.
macro_rules! needs_devices {
    () => {
        if let Some(reason) = missing() {
            println!("skipped: {reason}");
            return;
        }
    };
}

fn missing() -> Option<&'static str> {
    if !nix::unistd::geteuid().is_root() {
        return Some("needs root");
    }
    (!std::path::Path::new("/dev/net/tun").exists()).then_some("needs /dev/net/tun")
}

fn ip(arguments: &str) -> String {
    let output = Command::new("ip").args(arguments.split_whitespace()).output().unwrap();
    assert!(output.status.success(), "ip {arguments}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A namespace that goes away with the value.
struct Namespace(String);

impl Namespace {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("cwp{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        ip(&format!("netns add {name}"));
        let namespace = Self(name);
        namespace.run("sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1");
        namespace.run("ip link set lo up");
        namespace
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.0]).args(line.split_whitespace());
        command
    }

    fn run(&self, line: &str) -> String {
        let output = self.command(line).output().unwrap();
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Runs `inside` on a thread of this namespace; threads that it starts stay there.
    fn enter<R: Send>(&self, inside: impl FnOnce() -> R + Send) -> R {
        let file = std::fs::File::open(format!("/run/netns/{}", self.0)).unwrap();
        std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                nix::sched::setns(file, nix::sched::CloneFlags::CLONE_NEWNET).unwrap();
                inside()
            });
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    /// Takes `device` in from `from` and gives it an address.
    fn host(&self, from: &Self, device: &str, address: &str) {
        ip(&format!("-n {} link set {device} netns {}", from.0, self.0));
        self.configure(device, address);
    }

    fn configure(&self, device: &str, address: &str) {
        self.run(&format!("ip link set {device} up"));
        self.run(&format!("ip addr add {address}/24 dev {device}"));
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = Command::new("ip").args(["netns", "del", &self.0]).stderr(Stdio::null()).status();
    }
}

/// A wire: port 0 ↔ port 1.
#[derive(Default)]
struct Wire {
    super_frames: usize,
    refused: usize,
    /// The third octet of each address that ARP asked for.
    asked_for: BTreeSet<u8>,
}

impl Engine for Wire {
    fn adopt(&mut self, _snapshot: Arc<Snapshot>) {}
    fn set_mtu(&mut self, _port: PortId, _mtu: u32) {}
    fn process(&mut self, _now: Instant, port: PortId, frames: &mut Vec<Frame>, outbox: &mut Outbox) {
        for frame in frames.drain(..) {
            if frame.bytes().get(12..14) == Some(&[0x08, 0x06]) {
                self.asked_for.extend(frame.bytes().get(40));
            }
            self.super_frames += usize::from(frame.len() > 9000);
            let sent = Sent { forwarded_for: Some(Zone(0)), packets: 1, bytes: frame.len() as u64 };
            assert!(outbox.push(PortId(1 - port.0), frame, sent).is_none());
        }
    }
    fn process_handed_over(&mut self, now: Instant, port: PortId, frames: &mut Vec<Frame>, outbox: &mut Outbox) {
        self.process(now, port, frames, outbox);
    }
    fn hear_of_neighbour(&mut self, _port: PortId, _address: IpAddr, _mac: [u8; 6], _outbox: &mut Outbox) {}
    fn tick(&mut self, _now: Instant, _outbox: &mut Outbox) {}
    fn sent(&mut self, _port: PortId, _sent: &[Sent]) {}
    fn refused(&mut self, _port: PortId, _sent: &Sent, _reason: Reason) {
        self.refused += 1;
    }
}

/// A wire between two devices of a namespace, watched.
struct Cable {
    monitor: Monitor,
    dataplane: Dataplane<Wire>,
}

impl Cable {
    fn between(home: &Namespace, devices: [&Device; 2]) -> Self {
        Self::of_workers(1, home, devices)
    }

    fn of_workers(workers: u16, home: &Namespace, devices: [&Device; 2]) -> Self {
        home.enter(|| {
            let snapshot = Arc::new(Snapshot { generation: 1, ..Snapshot::default() });
            let dataplane =
                Dataplane::start(&Options::default(), (0..workers).map(|_| Wire::default()).collect(), snapshot, vec![]).unwrap();
            let monitor = Monitor::start(dataplane.lost_ports(), dataplane.attacher()).unwrap();
            for (number, device) in (0..).zip(devices) {
                let state = PortState::new(1500);
                let Opened { ports, handle } = device.open(&state, workers).unwrap();
                dataplane.attach(PortId(number), ports).unwrap();
                monitor.watch(PortId(number), device.name(), device, handle, state);
            }
            Self { monitor, dataplane }
        })
    }

    /// Frames that any worker's port refused.
    fn refused(&self) -> usize {
        (0..self.dataplane.workers()).map(|worker| self.dataplane.inspect(worker, |wire| wire.refused).unwrap()).sum()
    }

    fn look<R: Send + 'static>(&self, question: impl FnOnce(&mut Wire) -> R + Send + 'static) -> R {
        self.dataplane.inspect(0, question).unwrap()
    }
}

fn taps() -> [Device; 2] {
    [Device::Tap("c0".to_owned()), Device::Tap("s0".to_owned())]
}

fn eventually(what: &str, mut happened: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !happened() {
        assert!(Instant::now() < end, "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Whether `from` hears from 10.9.9.2 on a fresh attempt.
fn answers(from: &Namespace) -> bool {
    from.command("ping -c 1 -W 1 10.9.9.2").stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success()
}

const SEND: &str = "
import hashlib, random, socket, sys
data = random.Random(7).randbytes(64 << 20)
s = socket.create_connection(('10.9.9.2', 7000), 20); s.sendall(data); s.shutdown(socket.SHUT_WR)
there = b''
while block := s.recv(100): there += block
print('same' if there.decode() == hashlib.sha256(data).hexdigest() else 'different')
";
const RECEIVE: &str = "
import hashlib, socket
l = socket.create_server(('10.9.9.2', 7000)); l.settimeout(30); print('ready', flush=True)
c, _ = l.accept(); c.settimeout(30); h = hashlib.sha256()
while block := c.recv(1 << 20): h.update(block)
c.sendall(h.hexdigest().encode())
";

/// An ARP request for 10.9.8.2 with VLAN tag 5.
const TAGGED: &str = "
import socket
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW); s.bind(('c0', 0))
s.send(bytes.fromhex('ffffffffffff 020000000001 8100 0005 0806 0001 0800 06 04 0001 020000000001 0a090801 000000000000 0a090802'))
";

/// A child that is killed where the test ends early.
struct Child(std::process::Child);

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// 64 MB by TCP, compared at the far end by their digest.
fn transfer(client: &Namespace, server: &Namespace) {
    use std::io::BufRead;
    let mut receiver = Child(server.command("python3 -c").arg(RECEIVE).stdout(Stdio::piped()).spawn().unwrap());
    let mut line = String::new();
    io::BufReader::new(receiver.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line.trim(), "ready");
    let output = client.command("timeout 60 python3 -c").arg(SEND).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "same", "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn taps_that_were_moved_carry_64_megabytes_in_super_frames() {
    needs_devices!();
    let (home, client, server) = (Namespace::new(), Namespace::new(), Namespace::new());
    let [c0, s0] = taps();
    let cable = Cable::between(&home, [&c0, &s0]);
    client.host(&home, "c0", "10.9.9.1");
    server.host(&home, "s0", "10.9.9.2");
    transfer(&client, &server);
    assert!(cable.look(|wire| wire.super_frames) > 100, "TCP must cross in super-frames");
    // Down and up again, under another name: still the same port.
    client.run("ip link set c0 down");
    client.run("ip link set c0 name renamed");
    client.run("ip link set renamed mtu 1400 up");
    assert!(answers(&client));
    let cable = cable.dataplane.detach(PortId(0)).unwrap();
    eventually("the MTU that the interface has now", || cable[0].state().mtu() == 1400);
}

#[test]
fn a_tap_vanishes_with_its_port_unless_it_was_there_before() {
    needs_devices!();
    let (home, far) = (Namespace::new(), Namespace::new());
    home.run("ip tuntap add dev s0 mode tap");
    home.run("ip tuntap add dev many mode tap multi_queue");
    let state = PortState::new(DEFAULT_MTU);
    let open = |name: &str| home.enter(|| Device::Tap(name.to_owned()).open(&state, 1));
    let ports = [open("c0").unwrap(), open("s0").unwrap(), open("many").unwrap()];
    assert!(home.run("ip link show c0").contains("UP"));
    assert!(matches!(open("s0"), Err(OpenError::Busy(_))));
    assert!(matches!(open("lo"), Err(OpenError::NotTap(_))));
    ip(&format!("-n {} link set c0 netns {}", home.0, far.0));
    drop(ports);
    assert!(!far.run("ip link").contains("c0"));
    assert!(home.run("ip link").contains("s0"));
    // Left behind by its last owner, it is taken over by the next.
    assert!(open("s0").is_ok());
}

#[test]
fn an_interface_carries_super_frames_and_partial_checksums() {
    needs_devices!();
    let (home, client, server) = (Namespace::new(), Namespace::new(), Namespace::new());
    ip(&format!("link add d0 netns {} type veth peer name c0 netns {}", home.0, client.0));
    home.run("ip link set d0 up");
    client.configure("c0", "10.9.9.1");
    let cable = Cable::between(&home, [&Device::Interface("d0".to_owned()), &Device::Tap("s0".to_owned())]);
    server.host(&home, "s0", "10.9.9.2");
    transfer(&client, &server);
    assert!(cable.look(|wire| wire.super_frames) > 100, "TCP must cross in super-frames");
    // What the machine itself sends there is not received, nor what carries a VLAN tag.
    assert!(client.command("python3 -c").arg(TAGGED).status().unwrap().success());
    home.configure("d0", "10.9.7.1");
    client.configure("c0", "10.9.6.1");
    for (from, to) in [(&home, "10.9.7.2"), (&client, "10.9.6.2")] {
        from.command("ping -c 1 -W 1").arg(to).stdout(Stdio::null()).status().unwrap();
    }
    assert_eq!(cable.look(|wire| wire.asked_for.clone()), BTreeSet::from([9, 6]));
}

/// A datagram each from many ports, to nobody.
const DATAGRAMS: &str = r#"
import socket
for port in range(20000, 20400):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.bind(("", port))
        sender.sendto(b"x", ("10.9.9.2", 9))
"#;

#[test]
fn each_frame_arrives_at_one_queue_and_all_queues_get_some() {
    needs_devices!();
    let (home, client) = (Namespace::new(), Namespace::new());
    ip(&format!("link add d0 netns {} type veth peer name c0 netns {}", home.0, client.0));
    home.run("ip link set d0 up");
    client.configure("c0", "10.9.9.1");
    client.run("ip neigh replace 10.9.9.2 lladdr 02:00:00:00:00:02 dev c0");
    for device in [Device::Interface("d0".to_owned()), Device::Tap("t0".to_owned())] {
        let (sinks, wires): (Vec<_>, Vec<_>) = (0..2).map(|_| pair(1000, 1500).unwrap()).unzip();
        let sinks = sinks.into_iter().map(|sink| Box::new(sink) as Box<dyn Port>).collect();
        let _dataplane = home.enter(|| {
            let queues = device.open(&PortState::new(1500), 2).unwrap().ports;
            let (snapshot, ports) = (Arc::new(Snapshot::default()), vec![(PortId(0), queues), (PortId(1), sinks)]);
            Dataplane::start(&Options::default(), vec![Wire::default(), Wire::default()], snapshot, ports).unwrap()
        });
        if device.name() == "t0" {
            client.run("ip link del c0");
            client.host(&home, "t0", "10.9.9.1");
            client.run("ip neigh replace 10.9.9.2 lladdr 02:00:00:00:00:02 dev t0");
        }
        assert!(client.command("python3 -c").arg(DATAGRAMS).status().unwrap().success());
        let mut counts = [0, 0];
        eventually("all have arrived", || {
            for (count, wire) in counts.iter_mut().zip(&wires) {
                *count += std::iter::from_fn(|| wire.take()).filter(|frame| frame.bytes()[12..14] == [8, 0]).count();
            }
            counts.iter().sum::<usize>() >= 400
        });
        assert!(counts.iter().sum::<usize>() == 400 && !counts.contains(&0), "{counts:?}");
    }
}

#[test]
fn a_tap_that_was_made_with_one_queue_has_one() {
    needs_devices!();
    let home = Namespace::new();
    home.run("ip tuntap add dev s0 mode tap");
    home.run("ip tuntap add dev many mode tap multi_queue");
    let queues = |name: &str| home.enter(|| Device::Tap(name.to_owned()).open(&PortState::new(1500), 3).unwrap().ports.len());
    assert_eq!(["s0", "many", "new"].map(queues), [1, 3, 3]);
}

#[test]
fn a_vanished_interface_does_not_stop_the_others_and_comes_back() {
    needs_devices!();
    [1, 2].into_iter().for_each(vanish_and_come_back);
}

fn vanish_and_come_back(workers: u16) {
    let (home, client, server) = (Namespace::new(), Namespace::new(), Namespace::new());
    let veth = format!("link add d0 netns {} type veth peer name c0 netns {}", home.0, client.0);
    let plug = || {
        ip(&veth);
        home.run("ip link set d0 up");
        client.configure("c0", "10.9.9.1");
    };
    plug();
    let cable = Cable::of_workers(workers, &home, [&Device::Interface("d0".to_owned()), &Device::Tap("s0".to_owned())]);
    server.host(&home, "s0", "10.9.9.2");
    eventually("an answer", || answers(&client));
    // Down for a while is not gone.
    home.run("ip link set d0 down");
    assert!(!answers(&client));
    home.run("ip link set d0 up");
    eventually("an answer after up", || answers(&client));
    home.run("ip link del d0");
    let before = cable.refused();
    server.command("ping -c 1 -W 1 10.9.9.1").stdout(Stdio::null()).status().unwrap();
    assert!(cable.refused() > before, "the other port goes on, and its frames are refused");
    plug();
    eventually("an answer after it came back", || answers(&client));
    drop(cable.monitor);
}

#[test]
fn a_tap_whose_namespace_was_deleted_is_made_again_at_home() {
    needs_devices!();
    [1, 2].into_iter().for_each(deleted_and_made_again);
}

fn deleted_and_made_again(workers: u16) {
    let (home, client, server) = (Namespace::new(), Namespace::new(), Namespace::new());
    let [c0, s0] = taps();
    let _cable = Cable::of_workers(workers, &home, [&c0, &s0]);
    client.host(&home, "c0", "10.9.9.1");
    server.host(&home, "s0", "10.9.9.2");
    eventually("an answer", || answers(&client));
    drop(client);
    eventually("the TAP at home", || home.run("ip link").contains("c0"));
    let client = Namespace::new();
    client.host(&home, "c0", "10.9.9.1");
    eventually("an answer from the new host", || answers(&client));
}
