//! The daemon as its user and its operator see it: signals, sockets, capabilities, descriptors, metrics.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, unreachable_pub, reason = "a test that cannot go on fails")]

mod common;

use std::fs;
use std::io::Read as _;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use common::{CAUSEWAY, PATIENCE, can_run, text};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

const NETWORK: &str = "virtualNetworks:\n  - { name: v, addressPrefixes: [10.0.0.0/16], subnets: [{ name: s, addressPrefix: 10.0.1.0/24 }] }\n\
                       ports:\n  - { name: a, attach: v/s/10.0.1.4 }\n  - { name: b, attach: v/s/10.0.1.5 }\n";

/// A network namespace of the test's own, a directory, and the daemon in them.
struct Place {
    namespace: String,
    directory: tempfile::TempDir,
    daemon: Option<Child>,
}

impl Place {
    /// `None`, and a line for `scripts/test` to count, where this machine cannot.
    fn new() -> Option<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        can_run()?;
        let namespace = format!("cwd-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let place = Self { namespace, directory: tempfile::tempdir().unwrap(), daemon: None };
        assert!(run("ip", &["netns", "add", &place.namespace]).status.success());
        assert!(place.inside("ip", &["link", "set", "lo", "up"]).status.success());
        place.write(NETWORK);
        Some(place)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn text_path(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    fn write(&self, network: &str) {
        fs::write(self.path("net.yaml"), network).unwrap();
    }

    /// Runs a program in the namespace.
    fn inside(&self, program: &str, arguments: &[&str]) -> Output {
        run("ip", &[&["netns", "exec", &self.namespace, program], arguments].concat())
    }

    /// `causeway run` with these options, in the namespace; it is `exec`ed, so that the child is the daemon itself.
    fn command(&self, options: &[&str]) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.namespace, CAUSEWAY, "run"]).arg(self.path("net.yaml")).args(options);
        command.stdin(Stdio::null());
        command
    }

    fn run_to_end(&self, options: &[&str]) -> Output {
        self.command(options).output().unwrap()
    }

    /// Starts the daemon and waits until it answers.
    fn start(&mut self, options: &[&str]) -> i32 {
        let socket = self.text_path("s.sock");
        let log = fs::OpenOptions::new().create(true).append(true).open(self.path("log")).unwrap();
        let mut command = self.command(&[&["--socket", &socket], options].concat());
        self.daemon = Some(command.stdout(Stdio::null()).stderr(log).spawn().unwrap());
        wait("the daemon answers", || self.ask("status").status.success());
        self.pid()
    }

    fn pid(&self) -> i32 {
        self.status()["pid"].as_i64().unwrap().try_into().unwrap()
    }

    /// A client's question to the daemon.
    fn ask(&self, command: &str) -> Output {
        run(CAUSEWAY, &[command, "--socket", &self.text_path("s.sock")])
    }

    fn status(&self) -> serde_json::Value {
        let answer = run(CAUSEWAY, &["status", "-o", "json", "--socket", &self.text_path("s.sock")]);
        serde_json::from_slice(&answer.stdout).unwrap()
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.pid()), signal).unwrap();
    }

    /// Waits for the daemon's end: its exit status, `None` where a signal ended it.
    fn end(&mut self) -> Option<i32> {
        self.daemon.take().unwrap().wait().unwrap().code()
    }

    fn devices(&self) -> String {
        text(&self.inside("ip", &["-br", "addr"]))
    }

    /// What the metrics address answers to these bytes.
    fn raw(&self, port: &str, request: &str) -> String {
        let script = format!("printf '{request}' | nc -w 3 127.0.0.1 {port}");
        text(&self.inside("sh", &["-c", &script]))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            let _ = daemon.kill();
            let _ = daemon.wait();
        }
        let _ = Command::new("ip").args(["netns", "del", &self.namespace]).status();
    }
}

fn run(program: &str, arguments: &[&str]) -> Output {
    Command::new(program).args(arguments).stdin(Stdio::null()).output().unwrap()
}

fn wait(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < PATIENCE, "waited in vain: {what}");
        sleep(Duration::from_millis(20));
    }
}

#[test]
fn sigterm_ends_it_and_nothing_is_left() {
    let Some(mut place) = Place::new() else { return };
    place.start(&[]);
    let devices = place.devices();
    assert!(devices.contains("cw-a") && devices.contains("cw-b"), "{devices}");
    assert!(!devices.contains("fe80"), "a TAP has no address: {devices}");
    place.signal(Signal::SIGTERM);
    assert_eq!(place.end(), Some(0));
    assert!(!place.path("s.sock").exists());
    assert!(!place.devices().contains("cw-"), "{}", place.devices());
}

#[test]
fn sighup_swaps_the_file_in_and_a_wrong_one_changes_nothing() {
    let Some(mut place) = Place::new() else { return };
    place.start(&[]);
    place.write(&NETWORK.replace("name: b, attach: v/s/10.0.1.5", "name: c, attach: v/s/10.0.1.6"));
    place.signal(Signal::SIGHUP);
    wait("generation 2", || place.status()["generation"] == 2);
    assert!(place.devices().contains("cw-c") && !place.devices().contains("cw-b"), "{}", place.devices());
    place.write("locaton: x\n");
    place.signal(Signal::SIGHUP);
    wait("the failure is counted", || place.status()["reloadsFailed"] == 1);
    assert_eq!(place.status()["generation"], 2);
    let refused = place.ask("reload");
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains(":1:1: error[UNKNOWN_PROPERTY]"), "{}", text(&refused));
    assert!(String::from_utf8_lossy(&refused.stdout).contains("generation 2 keeps running"), "{}", text(&refused));
}

#[test]
fn only_what_ports_need_is_kept() {
    let Some(mut place) = Place::new() else { return };
    let pid = place.start(&[]);
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned();
    // CAP_NET_ADMIN (12), CAP_NET_RAW (13), CAP_SYS_ADMIN (21).
    const PORTS_NEED: u64 = 1 << 12 | 1 << 13 | 1 << 21;
    for set in ["CapPrm:", "CapEff:", "CapBnd:"] {
        let held = u64::from_str_radix(&field(set), 16).unwrap();
        assert_eq!(held & !PORTS_NEED, 0, "{set} {held:x}");
    }
    assert_eq!((field("CapInh:").as_str(), field("NoNewPrivs:").as_str()), ("0000000000000000", "1"));
}

#[test]
fn a_second_daemon_is_refused_and_the_first_goes_on() {
    let Some(mut place) = Place::new() else { return };
    let pid = place.start(&["--metrics", "9101"]);
    let same_socket = place.run_to_end(&["--socket", &place.text_path("s.sock")]);
    assert_eq!(same_socket.status.code(), Some(1));
    assert!(text(&same_socket).contains("already running on"), "{}", text(&same_socket));
    let same_taps = place.run_to_end(&["--socket", &place.text_path("other.sock")]);
    assert_eq!(same_taps.status.code(), Some(1));
    assert!(text(&same_taps).contains("TAP 'cw-a' is in use"), "{}", text(&same_taps));
    let same_port = place.run_to_end(&["--socket", &place.text_path("other.sock"), "--metrics", "9101"]);
    assert_eq!(same_port.status.code(), Some(1));
    assert!(text(&same_port).contains("cannot serve metrics on 127.0.0.1:9101"), "{}", text(&same_port));
    assert!(!place.path("other.sock").exists());
    assert_eq!(place.pid(), pid);
}

#[test]
fn a_killed_daemon_leaves_nothing_that_the_next_cannot_take_over() {
    let Some(mut place) = Place::new() else { return };
    let first = place.start(&[]);
    place.signal(Signal::SIGKILL);
    assert_eq!(place.end(), None);
    assert!(place.path("s.sock").exists());
    let silent = place.ask("status");
    assert_eq!((silent.status.code(), silent.stdout.is_empty()), (Some(2), true), "{}", text(&silent));
    assert_ne!(place.start(&[]), first);
    assert!(place.status()["ports"].as_array().unwrap().iter().all(|port| port["present"] == true));
}

#[test]
fn another_user_is_not_answered() {
    let Some(mut place) = Place::new() else { return };
    place.start(&[]);
    let socket = place.path("s.sock");
    let mode = |path: &PathBuf| std::os::unix::fs::PermissionsExt::mode(&fs::metadata(path).unwrap().permissions()) & 0o777;
    assert_eq!(mode(&socket), 0o600);
    // Were the mode ever wrong, credentials are looked at still.
    for (path, open) in [(place.directory.path().to_owned(), 0o755), (socket, 0o666)] {
        fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(open)).unwrap();
    }
    let copy = place.path("causeway");
    fs::copy(CAUSEWAY, &copy).unwrap();
    let stranger = Command::new(copy).args(["status", "--socket", &place.text_path("s.sock")]).uid(65534).gid(65534).output().unwrap();
    assert_eq!((stranger.status.code(), stranger.stdout.is_empty()), (Some(1), true), "{}", text(&stranger));
    assert!(text(&stranger).contains("it answers root and its own user only"), "{}", text(&stranger));
    assert!(place.ask("status").status.success());
}

#[test]
fn a_daemon_in_the_background_holds_nothing_of_its_caller() {
    let Some(mut place) = Place::new() else { return };
    // The caller's descriptor 9 is a file; standard output is a pipe that must end although the daemon lives on.
    let script = "exec 9<\"$0\"; exec ip netns exec \"$1\" \"$2\" run \"$0\" --socket \"$3\" --daemon --log \"$4\"";
    let (file, socket, log) = (place.text_path("net.yaml"), place.text_path("s.sock"), place.text_path("daemon.log"));
    let mut child = Command::new("sh")
        .args(["-c", script, &file, &place.namespace, CAUSEWAY, &socket, &log])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    place.daemon = Some(child);
    wait("the daemon answers", || place.ask("status").status.success());
    let held = fs::read_dir(format!("/proc/{}/fd", place.pid())).unwrap().flatten().filter_map(|entry| fs::read_link(entry.path()).ok());
    let held: Vec<String> = held.map(|path| path.display().to_string()).collect();
    assert!(said.is_empty() && held.contains(&log) && !held.contains(&file), "{said} {held:?}");
    assert!(fs::read_to_string(&log).unwrap().contains("running "));
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    let Some(mut place) = Place::new() else { return };
    place.start(&[]);
    let script = "set -o pipefail; \"$0\" status --socket \"$1\" | true; echo \"$?\"";
    let output = run("bash", &["-c", script, CAUSEWAY, &place.text_path("s.sock")]);
    assert_eq!((String::from_utf8_lossy(&output.stdout).as_ref(), output.stderr.is_empty()), ("0\n", true), "{}", text(&output));
}

#[test]
fn the_metrics_address_is_read_only_and_bounded() {
    let Some(mut place) = Place::new() else { return };
    if common::has_program("nc").is_none() {
        return;
    }
    place.start(&["--metrics", "9102"]);
    let answer = |request: &str| place.raw("9102", request);
    assert!(answer("GET /metrics HTTP/1.0\\r\\n\\r\\n").contains("causeway_build_info{version=\""));
    assert!(answer("GET /healthz HTTP/1.0\\r\\n\\r\\n").ends_with("ok\n"));
    assert!(answer("GET /readyz HTTP/1.0\\r\\n\\r\\n").ends_with("ready\n"));
    assert!(answer("POST /metrics HTTP/1.0\\r\\nContent-Length: 0\\r\\n\\r\\n").starts_with("HTTP/1.0 405"));
    assert!(answer("GET /api/v1/status HTTP/1.0\\r\\n\\r\\n").starts_with("HTTP/1.0 404"));
    assert!(answer("GET /metrics HTTP/1.0\\r\\nContent-Length: 5\\r\\n\\r\\nhello").starts_with("HTTP/1.0 413"));
    let huge = format!("GET /metrics HTTP/1.1\\r\\nX: {}\\r\\n\\r\\n", "a".repeat(90_000));
    // The server closes on what it has not read: the client may see a reset before the answer.
    let refused = answer(&huge);
    assert!(refused.is_empty() || refused.starts_with("HTTP/1.1 431"), "{refused}");
    assert!(place.status()["ready"] == true);
}

#[test]
fn diagnostics_are_plain_where_nobody_looks() {
    let Some(place) = Place::new() else { return };
    place.write("locaton: x\n");
    let refused = place.run_to_end(&["--socket", &place.text_path("s.sock")]);
    assert_eq!((refused.status.code(), refused.stdout.is_empty()), (Some(1), true));
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(said.contains("net.yaml:1:1: error[UNKNOWN_PROPERTY]") && !said.contains('\u{1b}'), "{said}");
    assert!(!place.path("s.sock").exists() && !place.devices().contains("cw-"));
}
