//! `lab up`: everything, or nothing.

use std::fs;
use std::io::{self, Read as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::daemon::{DaemonCommand, device_exists, in_background, open_log, spawn, wait_ready};
use super::down::take_down;
use super::error::LabError;
use super::files::{Places, host_files, in_directory, write_host_files};
use super::listen::{READY, arguments};
use super::namespace;
use super::plan::{HostPlan, Plan};
use super::process::ProcessMark;
use super::record::{HostRecord, Record};

/// Where `ip netns` keeps the names of namespaces.
const NAMESPACES: &str = "/run/netns";

/// What to build and how.
#[derive(Debug)]
pub struct UpRequest<'a> {
    /// The lab.
    pub plan: &'a Plan,
    /// Where its files go.
    pub places: &'a Places,
    /// The daemon's socket.
    pub socket: PathBuf,
    /// How to start the dataplane.
    pub daemon: DaemonCommand,
    /// The program that has the hidden command `__serve`.
    pub listener: PathBuf,
    /// Start the hosts' `run` commands.
    pub start_commands: bool,
    /// Set from outside (a signal handler) to give up and roll back.
    pub stop: Stop,
}

/// A wish to stop, looked at between steps.
#[derive(Clone, Debug, Default)]
pub struct Stop(pub Arc<AtomicBool>);

impl Stop {
    /// Somebody wishes to stop.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Goes on only while nobody wishes to stop.
    ///
    /// # Errors
    /// [`LabError::Interrupted`].
    pub fn check(&self) -> Result<(), LabError> {
        if self.is_set() { Err(LabError::Interrupted) } else { Ok(()) }
    }
}

/// Builds the lab and returns when traffic can flow. `announce` gets a host's name and command before it is started.
///
/// # Errors
/// Any [`LabError`]; then nothing of the lab is left, and nothing that was there before has changed.
pub fn up(request: &UpRequest<'_>, mut announce: impl FnMut(&str, &str)) -> Result<Record, LabError> {
    may_build()?;
    let path = request.places.record(&request.plan.name);
    clear_remains(request, &path)?;
    refuse_foreign(request)?;
    let mut lab = Building::claim(request, path)?;
    match lab.build(&mut announce) {
        Ok(()) => Ok(lab.record),
        Err(error) => Err(lab.roll_back(error)),
    }
}

fn may_build() -> Result<(), LabError> {
    if !nix::unistd::geteuid().is_root() {
        return Err(LabError::NotRoot);
    }
    if Path::new("/dev/net/tun").exists() { Ok(()) } else { Err(LabError::NoTun) }
}

/// Refuses a lab that is up; takes away what is left of one whose daemon was killed.
fn clear_remains(request: &UpRequest<'_>, path: &Path) -> Result<(), LabError> {
    match Record::read(path)? {
        Some(record) if record.is_up() => Err(already_up(&record)),
        Some(record) => take_down(&record, path, request.places),
        None => Ok(()),
    }
}

fn already_up(record: &Record) -> LabError {
    LabError::AlreadyUp { name: record.name.clone(), file: record.file.display().to_string() }
}

/// Nothing that the lab is going to make may be there: it was not made by this lab, whose remains are gone by now.
fn refuse_foreign(request: &UpRequest<'_>) -> Result<(), LabError> {
    let foreign = |what, name: String| Err(LabError::Foreign { what, name });
    if let Some(tap) = request.plan.taps.iter().find(|tap| device_exists(tap)) {
        return foreign("device", tap.clone());
    }
    for host in &request.plan.hosts {
        let directory = request.places.host_etc(&host.namespace);
        if Path::new(NAMESPACES).join(&host.namespace).exists() {
            return foreign("network namespace", host.namespace.clone());
        }
        if directory.exists() {
            return foreign("directory", directory.display().to_string());
        }
    }
    if UnixStream::connect(&request.socket).is_ok() {
        return foreign("running dataplane", request.socket.display().to_string());
    }
    Ok(())
}

/// A lab on its way up.
struct Building<'a> {
    request: &'a UpRequest<'a>,
    path: PathBuf,
    record: Record,
    daemon: Option<Child>,
}

impl<'a> Building<'a> {
    /// Takes the lab's name by creating its record.
    fn claim(request: &'a UpRequest<'a>, path: PathBuf) -> Result<Self, LabError> {
        let record = Record::new(request.plan, request.socket.clone(), request.places.log(&request.plan.name));
        let created = in_directory(&request.places.run, 0o700, || record.create(&path));
        match created {
            Err(LabError::File { source, .. }) if source.kind() == io::ErrorKind::AlreadyExists => Err(already_up(&record)),
            Err(error) => Err(error),
            Ok(()) => Ok(Self { request, path, record, daemon: None }),
        }
    }

    fn build(&mut self, announce: &mut dyn FnMut(&str, &str)) -> Result<(), LabError> {
        let hosts = &self.request.plan.hosts;
        self.start_daemon()?;
        hosts.iter().try_for_each(|host| self.make_host(host))?;
        hosts.iter().try_for_each(|host| self.start_listeners(host))?;
        hosts.iter().try_for_each(|host| namespace::wait_for_gateways(host, &self.request.stop))?;
        hosts.iter().try_for_each(|host| self.start_command(host, announce))?;
        self.record.builder = None;
        self.save()
    }

    fn start_daemon(&mut self) -> Result<(), LabError> {
        let child = self.daemon.insert(self.request.daemon.start(&self.record.log)?);
        self.record.daemon = ProcessMark::of(child.id().cast_signed());
        self.record.replace(&self.path)?;
        wait_ready(child, &self.record, &self.request.stop)
    }

    fn make_host(&mut self, host: &HostPlan) -> Result<(), LabError> {
        self.request.stop.check()?;
        let (places, plan) = (self.request.places, self.request.plan);
        let directory = places.host_etc(&host.namespace);
        self.claim_netns_directory();
        let parent = self.record.files.iter().position(|file| *file == places.netns).unwrap_or(self.record.files.len());
        self.record.files.splice(parent..parent, host_files(&directory));
        let addresses = host.addresses.iter().map(|address| address.address).collect();
        self.record.hosts.push(HostRecord { name: host.name.clone(), namespace: host.namespace.clone(), addresses });
        self.save()?;
        in_directory(&places.netns, 0o755, || write_host_files(&directory, plan, host))?;
        namespace::make(host)?;
        namespace::attach(host)
    }

    /// `/etc/netns` is removed with the last lab, where a lab made it.
    fn claim_netns_directory(&mut self) {
        let directory = &self.request.places.netns;
        let claimed = |record: &Record| record.files.contains(directory);
        if !claimed(&self.record) && (!directory.exists() || other_records(&self.request.places.run).iter().any(claimed)) {
            self.record.files.push(directory.clone());
        }
    }

    fn start_listeners(&mut self, host: &HostPlan) -> Result<(), LabError> {
        let arguments = arguments(&host.serve);
        if arguments.is_empty() {
            return Ok(());
        }
        let mut command = in_namespace(host);
        command.arg(&self.request.listener).arg("__serve").args(arguments).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = self.spawn_recorded(&mut command)?;
        let mut said = String::new();
        // The process says one line and closes its output: READY, or what went wrong.
        let read = child.stdout.take().map(|mut output| output.read_to_string(&mut said));
        if matches!(read, Some(Ok(_))) && said.trim() == READY {
            return Ok(());
        }
        Err(LabError::Listeners { host: host.name.clone(), reason: said.trim().to_owned() })
    }

    fn start_command(&mut self, host: &HostPlan, announce: &mut dyn FnMut(&str, &str)) -> Result<(), LabError> {
        let Some(run) = host.run.as_ref().filter(|_| self.request.start_commands) else { return Ok(()) };
        self.request.stop.check()?;
        announce(&host.name, run);
        let log = self.request.places.host_log(&self.record.name, &host.name);
        self.record.files.insert(0, log.clone());
        self.save()?;
        let output = open_log(&log)?;
        let errors = output.try_clone().map_err(LabError::file(&log))?;
        self.spawn_recorded(in_namespace(host).args(["sh", "-c", run]).stdout(output).stderr(errors)).map(drop)
    }

    fn spawn_recorded(&mut self, command: &mut Command) -> Result<Child, LabError> {
        let child = spawn(command)?;
        self.record.processes.extend(ProcessMark::of(child.id().cast_signed()));
        self.save().map(|()| child)
    }

    fn save(&self) -> Result<(), LabError> {
        self.record.replace(&self.path)
    }

    /// Takes away what was made; the error that is returned is the one that caused it, with what could not be undone.
    fn roll_back(mut self, error: LabError) -> LabError {
        self.record.builder = None;
        let undone = take_down(&self.record, &self.path, self.request.places);
        if let Some(child) = &mut self.daemon {
            // Ended by now: this only collects its status.
            let _ = child.try_wait();
        }
        match undone {
            Ok(()) => error,
            Err(left) => LabError::LeftBehind(vec![error.to_string(), left.to_string()]),
        }
    }
}

/// `ip netns exec` executes, it does not stay: the process number is the command's.
fn in_namespace(host: &HostPlan) -> Command {
    let mut command = in_background(Path::new("ip"));
    command.args(["netns", "exec", &host.namespace]);
    command
}

fn other_records(run: &Path) -> Vec<Record> {
    let entries = fs::read_dir(run).into_iter().flatten().flatten().map(|entry| entry.path());
    let records = entries.filter(|path| path.to_string_lossy().ends_with(".lab.json"));
    records.filter_map(|path| Record::read(&path).ok().flatten()).collect()
}
