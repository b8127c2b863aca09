//! The lab that scenarios are played in: built as `causeway lab up` builds it, and gone when they are over.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::cast::{Cast, Player};
use super::counters::Counters;
use crate::config::load::portable_text;
use crate::control::client::Client;
use crate::lab::{DaemonCommand, LabError, Places, Plan, Stop, UpRequest, down, up};
use crate::scenario::networks::Compiled;
use crate::scenario::suite::Case;
use crate::wire::protocol::{ICMP, ICMPV6, TCP, UDP};

/// How long counters may take to come to rest.
const REST: Duration = Duration::from_millis(1000);
/// Time between two readings that must agree.
const BETWEEN: Duration = Duration::from_millis(15);

/// Who has the scenarios played, and how.
pub struct Director<'a> {
    /// Where the labs' files go.
    pub places: &'a Places,
    /// Start the hosts' `run` commands.
    pub start_commands: bool,
    /// Worker threads of the dataplane.
    pub workers: u16,
    /// Shows a host's command before it is started.
    pub announce: &'a dyn Fn(&str, &str),
    /// Set from outside to give up; whatever was built is taken down.
    pub stop: Stop,
}

impl Director<'_> {
    /// Goes on only while nobody wishes to stop.
    pub(super) fn check(&self) -> Result<(), LabError> {
        self.stop.check()
    }
}

/// A lab that is up.
pub(super) struct Stage<'a> {
    places: &'a Places,
    /// The file that the daemon reads.
    file: PathBuf,
    /// The network file, which `file` is or stands for.
    original: PathBuf,
    /// A directory of ours that holds `file`, where network files change under the daemon.
    directory: Option<PathBuf>,
    socket: PathBuf,
    metrics: u16,
    /// Namespaces and the addresses that their hosts have.
    own: Vec<(String, IpAddr)>,
    /// Hosts run commands of their own: not every packet is the scenario's.
    pub(super) noisy: bool,
    next_port: u16,
    /// Flows that may still be known: protocol, ends and ports.
    used: HashSet<(u8, IpAddr, u16, IpAddr, u16)>,
    struck: bool,
}

impl<'a> Stage<'a> {
    /// Builds the lab of a network file.
    pub(super) fn build(compiled: &Compiled, cast: &[(&Case, &Cast)], director: &Director<'a>) -> Result<Self, LabError> {
        let original = compiled.path.clone();
        let changes = cast.iter().any(|(case, _)| !case.then.is_empty());
        let directory = if changes { Some(own_directory()?) } else { None };
        let file = directory.as_ref().zip(original.file_name()).map_or_else(|| original.clone(), |(directory, name)| directory.join(name));
        let mut stage = Self {
            places: director.places,
            file,
            original,
            directory,
            socket: PathBuf::new(),
            metrics: free_port()?,
            own: Vec::new(),
            noisy: director.start_commands && compiled.network.hosts.iter().any(|host| host.run.is_some()),
            next_port: crate::ask::SOURCE_PORT,
            used: HashSet::new(),
            // Nothing is built so far.
            struck: true,
        };
        if stage.directory.is_some() {
            copy(&stage.original, &stage.file)?;
        }
        stage.raise(compiled, cast, director)?;
        Ok(stage)
    }

    fn raise(&mut self, compiled: &Compiled, cast: &[(&Case, &Cast)], director: &Director<'a>) -> Result<(), LabError> {
        let mut plan = Plan::new(&compiled.network, &self.file)?;
        for (_, cast) in cast.iter().filter(|(case, _)| !case.then.is_empty()) {
            leave_to_us(&mut plan, cast);
        }
        self.own = plan.hosts.iter().flat_map(|host| host.addresses.iter().map(|own| (host.namespace.clone(), own.address))).collect();
        self.socket = director.places.socket(&plan.name);
        let (metrics, workers) = (format!("{}:{}", Ipv4Addr::LOCALHOST, self.metrics), director.workers.to_string());
        let options = ["--metrics".into(), metrics.into(), "--workers".into(), workers.into()];
        let request = UpRequest {
            plan: &plan,
            places: director.places,
            socket: self.socket.clone(),
            daemon: DaemonCommand::run(&plan.file, &director.places.log(&plan.name), &options)?,
            listener: std::env::current_exe().map_err(file_error("/proc/self/exe"))?,
            start_commands: director.start_commands,
            stop: director.stop.clone(),
        };
        up(&request, |host, command| (director.announce)(host, command))?;
        self.struck = false;
        Ok(())
    }

    /// Whether the address is the host's own.
    pub(super) fn has(&self, namespace: &str, address: IpAddr) -> bool {
        self.own.iter().any(|(known, own)| known == namespace && *own == address)
    }

    /// The counters, once what is in flight has ended and nothing more comes.
    pub(super) fn counters(&self) -> Result<Counters, LabError> {
        let start = Instant::now();
        let mut last = self.read()?;
        loop {
            thread::sleep(BETWEEN);
            let now = self.read()?;
            if (now.in_flight() == 0 && now == last) || start.elapsed() > REST {
                return Ok(now);
            }
            last = now;
        }
    }

    /// The counters as they stand.
    pub(super) fn read(&self) -> Result<Counters, LabError> {
        Counters::read(self.metrics).map_err(file_error("/metrics"))
    }

    /// Puts another network file in force.
    pub(super) fn reload(&self, path: &Path) -> Result<(), LabError> {
        copy(path, &self.file)?;
        let failed = |reason: String| LabError::Daemon(format!("{}: {reason}", path.display()));
        let answer = Client::find(Some(&self.socket)).and_then(|client| client.reload()).map_err(|error| failed(error.to_string()))?;
        if answer.reloaded { Ok(()) } else { Err(failed(answer.report.text)) }
    }

    /// Puts the lab's own network file in force again.
    pub(super) fn restore(&self) -> Result<(), LabError> {
        self.reload(&self.original)
    }

    /// A source port that no flow has had here: the one that is asked for, or a fresh one.
    pub(super) fn source_port(&mut self, fixed: Option<u16>, cast: &Cast) -> Option<u16> {
        let (question, protocol) = (&cast.question, cast.question.protocol);
        let port = match (protocol, fixed) {
            (TCP | UDP, Some(port)) => port,
            (TCP | UDP | ICMP | ICMPV6, _) => self.fresh_port(),
            _ => 0,
        };
        self.used.insert((protocol, cast.sender.address, port, question.destination, question.destination_port)).then_some(port)
    }

    fn fresh_port(&mut self) -> u16 {
        let port = self.next_port;
        self.next_port = port.checked_add(1).unwrap_or(crate::ask::SOURCE_PORT);
        port
    }

    /// Takes the lab down and says how that went.
    pub(super) fn strike(mut self) -> Result<(), LabError> {
        self.take_down()
    }

    fn take_down(&mut self) -> Result<(), LabError> {
        let result = if std::mem::replace(&mut self.struck, true) { Ok(()) } else { down(&self.file, self.places).map(drop) };
        if let Some(directory) = self.directory.take() {
            // Of no use to anybody; the system's own cleaning takes what stays.
            let _ = fs::remove_dir_all(directory);
        }
        result
    }
}

impl Drop for Stage<'_> {
    fn drop(&mut self) {
        if let Err(error) = self.take_down() {
            tracing::error!("{error}");
        }
    }
}

/// The port that a held connection goes to is ours: the lab's own listeners close after their answer.
fn leave_to_us(plan: &mut Plan, cast: &Cast) {
    let Some(Player { namespace, .. }) = &cast.receiver else { return };
    let port = cast.question.destination_port;
    for host in plan.hosts.iter_mut().filter(|host| host.namespace == *namespace) {
        for ports in [&mut host.serve.http, &mut host.serve.tcp, &mut host.serve.udp] {
            ports.retain(|known| *known != port);
        }
    }
}

fn own_directory() -> Result<PathBuf, LabError> {
    let template = std::env::temp_dir().join("causeway-test-XXXXXX");
    nix::unistd::mkdtemp(&template).map_err(|error| file_error(&template)(error.into()))
}

fn copy(from: &Path, to: &Path) -> Result<(), LabError> {
    let text = portable_text(from).map_err(file_error(from))?;
    fs::write(to, text).map_err(file_error(to))
}

fn free_port() -> Result<u16, LabError> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
    listener.map(|address| address.port()).map_err(file_error("127.0.0.1"))
}

fn file_error(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> LabError {
    let path = path.into();
    move |source| LabError::File { path, source }
}
