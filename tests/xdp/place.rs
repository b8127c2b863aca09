//! Two hosts behind veths, and a daemon between them.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::common::{CAUSEWAY, PATIENCE, skip, text};

/// A network of two subnets, an interface each.
pub const NETWORK: &str = "virtualNetworks:\n  - name: v\n    addressPrefixes: [10.9.0.0/16]\n    subnets:\n      \
                       - { name: a, addressPrefix: 10.9.1.0/24 }\n      - { name: b, addressPrefix: 10.9.2.0/24 }\n\
                       ports:\n  - { name: a, attach: v/a, interface: d0, mode: xdp }\n  - { name: b, attach: v/b, interface: d1, mode: xdp }\n";

/// Two hosts, each behind a veth whose near end is a port of the dataplane's namespace: c0 – d0 | d1 – s0.
pub struct Place {
    pub client: String,
    pub home: String,
    pub server: String,
    directory: tempfile::TempDir,
    daemon: Option<Child>,
}

impl Place {
    /// `None`, and a line for `scripts/test` to count, where this machine cannot.
    pub fn new() -> Option<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        if !nix::unistd::geteuid().is_root() {
            skip("needs root")?;
        }
        if !has_af_xdp() {
            skip("needs a kernel with AF_XDP")?;
        }
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = |end| format!("cwx{}-{number}{end}", std::process::id());
        let [client, home, server] = ["c", "d", "s"].map(name);
        let place = Self { client, home, server, directory: tempfile::tempdir().unwrap(), daemon: None };
        for namespace in [&place.client, &place.home, &place.server] {
            ip(&format!("netns add {namespace}"));
            ip(&format!("-n {namespace} link set lo up"));
        }
        place.plug_client("");
        place.plug(&place.server, "d1", "s0", "10.9.2", "");
        place.write(NETWORK);
        Some(place)
    }

    pub fn plug_client(&self, queues: &str) {
        self.plug(&self.client, "d0", "c0", "10.9.1", queues);
    }

    pub fn plug(&self, host: &str, near: &str, far: &str, subnet: &str, queues: &str) {
        ip(&format!("link add {near} netns {} {queues} type veth peer name {far} netns {host} {queues}", self.home));
        ip(&format!("-n {} link set {near} up", self.home));
        ip(&format!("-n {host} addr add {subnet}.4/24 dev {far}"));
        ip(&format!("-n {host} link set {far} up"));
        ip(&format!("-n {host} route add default via {subnet}.1"));
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn write(&self, network: &str) {
        fs::write(self.path("net.yaml"), network).unwrap();
    }

    /// A daemon on another socket of the same place, until it ends.
    pub fn run_second(&self) -> Output {
        self.command("other.sock").output().unwrap()
    }

    pub fn command(&self, socket: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.home, CAUSEWAY, "run"]).arg(self.path("net.yaml")).arg("--socket").arg(self.path(socket));
        command.stdin(Stdio::null());
        command
    }

    pub fn start(&mut self) {
        let log = fs::OpenOptions::new().create(true).append(true).open(self.path("log")).unwrap();
        self.daemon = Some(self.command("s.sock").stdout(Stdio::null()).stderr(log).spawn().unwrap());
        wait("the daemon answers", || self.try_status().is_some());
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap()
    }

    pub fn try_status(&self) -> Option<serde_json::Value> {
        let answer = Command::new(CAUSEWAY).args(["status", "-o", "json", "--socket"]).arg(self.path("s.sock")).output().unwrap();
        serde_json::from_slice(&answer.stdout).ok()
    }

    pub fn status(&self) -> serde_json::Value {
        self.try_status().unwrap()
    }

    /// How each port's frames come: `xdp` or `interface`.
    pub fn kinds(&self) -> Vec<String> {
        self.status()["ports"].as_array().unwrap().iter().map(|port| port["kind"].as_str().unwrap().to_owned()).collect()
    }

    pub fn verdict(&self, subnet: &str, verdict: &str) -> u64 {
        let status = self.status();
        let counts = status["verdicts"].as_array().unwrap();
        let count = counts.iter().find(|count| count["subnet"] == subnet && count["verdict"] == verdict);
        count.map_or(0, |count| count["packets"].as_u64().unwrap())
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.status()["pid"].as_i64().unwrap().try_into().unwrap()), signal).unwrap();
    }

    pub fn reap(&mut self) {
        self.daemon.take().unwrap().wait().unwrap();
    }

    pub fn link(&self, device: &str) -> String {
        ip(&format!("-n {} link show {device}", self.home))
    }

    pub fn client_says(&self, line: &str) -> String {
        text(&inside(&self.client, line).output().unwrap())
    }

    pub fn pings(&self) -> bool {
        inside(&self.client, "ping -c 1 -W 1 10.9.2.4").output().unwrap().status.success()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            let _ = daemon.kill();
            let _ = daemon.wait();
        }
        for namespace in [&self.client, &self.home, &self.server] {
            let _ = Command::new("ip").args(["netns", "del", namespace]).stderr(Stdio::null()).status();
        }
    }
}

/// A process that ends with the test.
pub struct Server(pub Child);

impl Drop for Server {
    fn drop(&mut self) {
        // `timeout` hands this on to the program; killed, it would leave it behind.
        let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(self.0.id().cast_signed()), Signal::SIGTERM);
        let _ = self.0.wait();
    }
}

fn has_af_xdp() -> bool {
    fs::read_to_string("/proc/net/protocols").unwrap_or_default().lines().any(|line| line.starts_with("XDP "))
}

pub fn ip(arguments: &str) -> String {
    let output = Command::new("ip").args(arguments.split_whitespace()).output().unwrap();
    assert!(output.status.success(), "ip {arguments}: {}", text(&output));
    text(&output)
}

pub fn inside(namespace: &str, line: &str) -> Command {
    let mut command = Command::new("ip");
    command.args(["netns", "exec", namespace]).args(line.split_whitespace()).stdin(Stdio::null());
    command
}

pub fn python(namespace: &str, script: &str) -> Command {
    let mut command = inside(namespace, "timeout 60 python3 -c");
    command.arg(script);
    command
}

pub fn wait(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < PATIENCE, "waited in vain: {what}");
        sleep(Duration::from_millis(20));
    }
}

/// Runs `act` on a thread of the namespace; threads that it starts stay there.
pub fn enter<R: Send>(namespace: &str, act: impl FnOnce() -> R + Send) -> R {
    let file = fs::File::open(format!("/run/netns/{namespace}")).unwrap();
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            nix::sched::setns(file, nix::sched::CloneFlags::CLONE_NEWNET).unwrap();
            act()
        });
        thread.join().unwrap()
    })
}

/// A server that says when it is there.
pub fn serve(namespace: &str, script: &str) -> Server {
    use std::io::BufRead as _;
    let mut child = python(namespace, script).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    std::io::BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line.trim(), "ready");
    Server(child)
}
