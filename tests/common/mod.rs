//! A lab of its own for each test: unique names, so that tests run side by side; gone when the test ends, however it ends.
#![allow(dead_code, reason = "each test crate uses its part of this")]

pub mod metrics;
pub mod namespace;
pub mod networks;

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::{current, panicking, sleep};
use std::time::{Duration, Instant};

use metrics::Metrics;
use tempfile::TempDir;

/// The command under test.
pub const CAUSEWAY: &str = env!("CARGO_BIN_EXE_causeway");
/// Longest that a test waits for anything.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// A lab that is up.
pub struct Lab {
    directory: TempDir,
    /// What stands for `@` in this lab's names.
    pub tag: String,
    metrics_port: u16,
}

impl Lab {
    /// Starts the lab of `network`, in which `@` stands for a tag of this test. `None`, and a line for `scripts/test`
    /// to count, where this machine cannot.
    pub fn up(network: &str) -> Option<Self> {
        Self::up_with(network, &[])
    }

    /// The same with these options of `lab up`.
    pub fn up_with(network: &str, options: &[&str]) -> Option<Self> {
        let lab = Self::prepare(network)?;
        let output = lab.start(options);
        assert!(output.status.success(), "lab up: {}", text(&output));
        Some(lab)
    }

    /// Writes the file and starts nothing.
    pub fn prepare(network: &str) -> Option<Self> {
        can_run()?;
        let lab = Self { directory: tempfile::tempdir().unwrap(), tag: tag(), metrics_port: free_port() };
        lab.write(network);
        Some(lab)
    }

    /// `lab up` with these options; with as many workers as they say, else as `CAUSEWAY_TEST_WORKERS` says, else one.
    pub fn start(&self, options: &[&str]) -> Output {
        let port = self.metrics_port.to_string();
        let mut command = Command::new(CAUSEWAY);
        command.args(["lab", "up"]).arg(self.file()).args(["--metrics", &port]).args(options);
        if let (Ok(workers), false) = (std::env::var("CAUSEWAY_TEST_WORKERS"), options.contains(&"--workers")) {
            command.args(["--workers", &workers]);
        }
        command.stdin(Stdio::null()).output().unwrap()
    }

    /// `lab down`.
    pub fn stop(&self) -> Output {
        causeway(&["lab", "down", self.file().to_str().unwrap()])
    }

    /// The network file.
    pub fn file(&self) -> PathBuf {
        self.directory.path().join(format!("{}.yaml", self.tag))
    }

    /// The lab's file of this kind (`sock`, `log`, `lab.json`).
    pub fn runtime_file(&self, extension: &str) -> PathBuf {
        Path::new("/run/causeway").join(format!("{}.{extension}", self.tag))
    }

    /// Writes the file anew; `@` becomes the tag.
    pub fn write(&self, network: &str) {
        std::fs::write(self.file(), network.replace('@', &self.tag)).unwrap();
    }

    /// `causeway reload`.
    pub fn reload(&self) -> Output {
        causeway(&["reload", "--socket", self.runtime_file("sock").to_str().unwrap()])
    }

    /// A host's full name.
    pub fn host(&self, name: &str) -> String {
        format!("{}{name}", self.tag)
    }

    /// A host's namespace, which is also what its port's device is called.
    pub fn namespace(&self, name: &str) -> String {
        format!("cw-{}{name}", self.tag)
    }

    fn inside(&self, host: &str, script: &str) -> Command {
        let mut command = Command::new(CAUSEWAY);
        command.args(["lab", "exec"]).arg(self.file()).args([&self.host(host), "--", "sh", "-c", &script.replace('@', &self.tag)]);
        command.stdin(Stdio::null());
        command
    }

    /// Runs `script` inside a host.
    pub fn exec(&self, host: &str, script: &str) -> Output {
        self.inside(host, script).output().unwrap()
    }

    /// What `script` says inside a host, both streams together.
    pub fn say(&self, host: &str, script: &str) -> String {
        text(&self.exec(host, script))
    }

    /// Starts `script` inside a host; it is ended with the test.
    pub fn spawn(&self, host: &str, script: &str) -> Background {
        Background(self.inside(host, script).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap())
    }

    /// What curl gets from `url` inside a host: the page, or curl's reason.
    pub fn curl(&self, host: &str, url: &str) -> String {
        self.say(host, &format!("curl -sSv --max-time 5 --connect-timeout 3 {url}"))
    }

    /// What a TCP client of `address` `port` inside a host is told.
    pub fn nc(&self, host: &str, address: &str, port: u16) -> String {
        self.say(host, &format!("nc -nvw 3 {address} {port}"))
    }

    /// The counters now.
    pub fn metrics(&self) -> Metrics {
        Metrics::scrape(self.metrics_port)
    }

    /// Waits until a counter has reached `least`.
    pub fn wait_for(&self, name: &str, labels: &[(&str, &str)], least: u64) {
        let start = Instant::now();
        while self.metrics().total(name, labels) < least {
            assert!(start.elapsed() < PATIENCE, "{name} {labels:?} stays below {least}:\n{}", self.metrics().table());
            sleep(Duration::from_millis(20));
        }
    }

    /// The daemon's process number.
    pub fn daemon(&self) -> i32 {
        let record: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(self.runtime_file("lab.json")).unwrap()).unwrap();
        record["daemon"]["pid"].as_i64().unwrap().try_into().unwrap()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        // A lab that the test took down has no daemon to ask.
        let balance = (!panicking() && self.runtime_file("sock").exists()).then(|| Metrics::balanced(self.metrics_port));
        let down = self.stop();
        if !panicking() {
            assert!(down.status.success(), "lab down: {}", text(&down));
            balance.into_iter().for_each(|metrics| metrics.assert_conserved());
        }
    }
}

/// A process of the test's own.
pub struct Background(pub Child);

impl Background {
    /// Waits for its end and returns what it printed.
    pub fn output(mut self) -> String {
        let mut said = String::new();
        std::io::Read::read_to_string(&mut self.0.stdout.take().unwrap(), &mut said).unwrap();
        self.0.wait().unwrap();
        said
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs the command under test.
pub fn causeway(arguments: &[&str]) -> Output {
    Command::new(CAUSEWAY).args(arguments).stdin(Stdio::null()).output().unwrap()
}

/// Both streams of a finished command.
pub fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// `None`, with a line that `scripts/test` counts, where packets cannot be moved.
pub fn can_run() -> Option<()> {
    if !nix::unistd::geteuid().is_root() {
        return skip("needs root");
    }
    if !Path::new("/dev/net/tun").exists() {
        return skip("needs /dev/net/tun");
    }
    Some(())
}

/// Says that the running test is skipped.
pub fn skip(why: &str) -> Option<()> {
    println!("SKIPPED {}: {why}", current().name().unwrap_or("test"));
    None
}

/// `None` and a skip where a program is missing.
pub fn has_program(name: &str) -> Option<()> {
    let found = std::env::split_paths(&std::env::var_os("PATH")?).any(|directory| directory.join(name).is_file());
    if found { Some(()) } else { skip(&format!("needs {name}")) }
}

/// Unlike that of any other test that runs now: process and number in it, in base 36. At most seven characters.
fn tag() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let mut number = u64::from(std::process::id()) * 40 + u64::from(NEXT.fetch_add(1, Ordering::Relaxed));
    let mut digits = Vec::new();
    while number > 0 {
        digits.push(char::from_digit((number % 36) as u32, 36).unwrap());
        number /= 36;
    }
    digits.push('t');
    digits.into_iter().rev().collect()
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
