//! The thread that keeps each port's [`PortState`] true, and opens again what had vanished.
//!
//! Twice a second it asks each device for its MTU, and a TAP for what the kernel dropped before its queue: wherever it was
//! moved to and whatever it is called there, by visiting its namespace (`CAP_SYS_ADMIN`; without it what was known stays). Devices that a worker lost are reported
//! once, closed here, and opened again as soon as that works: an interface when it is back, a TAP at once.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam::channel::{Receiver, Sender, bounded, never, select, unbounded};

use super::device::{Device, Handle, Watched};
use super::namespace::{Home, Visit};
use super::tap_device::TapDevice;
use super::xdp::LARGEST_PACKET;
use super::{Port, PortState, interface};
use crate::policy::ids::PortId;

/// How often each device is asked.
const PERIOD: Duration = Duration::from_millis(500);

/// Received frames that were dropped are told of at most so often.
const BETWEEN_LOSSES: Duration = Duration::from_secs(60);

/// A port that its worker let go of because its device is gone: one queue of it, where it has several.
pub struct Lost {
    /// Which.
    pub port: PortId,
    /// What is left of it, to be closed away from the worker (closing takes milliseconds).
    pub device: Box<dyn Port>,
    /// What the device said last.
    pub error: io::Error,
}

/// Hands a port that was opened again to the workers, a queue each.
pub type Attach = Box<dyn FnMut(PortId, Vec<Box<dyn Port>>) -> io::Result<()> + Send>;

enum Command {
    Watch(PortId, Entry),
    Forget(PortId),
}

struct Entry {
    name: String,
    device: Device,
    handle: Handle,
    state: Arc<PortState>,
    /// That it is gone was told: each of its queues is lost by itself.
    is_gone: bool,
    /// The last reason why opening again failed, so that each is told once.
    told: Option<String>,
    /// Frames that the device has lost, as of the last look.
    counted: u64,
    /// When that was last told.
    told_lost: Option<Instant>,
}

/// The running monitor. Stops when dropped.
pub struct Monitor {
    commands: Option<Sender<Command>>,
    thread: Option<JoinHandle<()>>,
}

impl Monitor {
    /// Starts the thread. It takes lost ports from `lost` and gives reopened ones to `attach`; devices are opened in the
    /// network namespace that the caller is in now.
    ///
    /// # Errors
    /// No thread can be started, or `/proc` is missing.
    pub fn start(lost: Receiver<Lost>, attach: Attach) -> io::Result<Self> {
        let (commands, received) = unbounded();
        let (ready, started) = bounded(1);
        let run = move || match Home::of_this_thread() {
            Ok(home) => {
                let _ = ready.send(Ok(()));
                Watch { home, attach, entries: BTreeMap::new() }.run(&received, lost);
            }
            Err(error) => drop(ready.send(Err(error))),
        };
        let thread = std::thread::Builder::new().name("port-monitor".to_owned()).spawn(run)?;
        started.recv().map_err(io::Error::other)??;
        Ok(Self { commands: Some(commands), thread: Some(thread) })
    }

    /// Watches an open device until [`Monitor::forget`]: keeps `state` true, and opens the device again when it is back
    /// after it vanished.
    pub fn watch(&self, port: PortId, name: &str, device: &Device, handle: Handle, state: Arc<PortState>) {
        let entry =
            Entry { name: name.to_owned(), device: device.clone(), handle, state, is_gone: false, told: None, counted: 0, told_lost: None };
        self.tell(Command::Watch(port, entry));
    }

    /// No longer watches `port`, nor opens it again.
    pub fn forget(&self, port: PortId) {
        self.tell(Command::Forget(port));
    }

    fn tell(&self, command: Command) {
        if self.commands.as_ref().is_none_or(|commands| commands.send(command).is_err()) {
            tracing::error!("the port monitor has ended: vanished interfaces will not be picked up again");
        }
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        self.commands = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The thread's own things.
struct Watch {
    home: Home,
    attach: Attach,
    entries: BTreeMap<PortId, Entry>,
}

/// The thread is in the wrong namespace: it must not open anything any more.
struct Astray;

impl Watch {
    fn run(&mut self, commands: &Receiver<Command>, mut lost: Receiver<Lost>) {
        let mut next_round = Instant::now() + PERIOD;
        loop {
            select! {
                recv(commands) -> command => match command {
                    Ok(command) => self.obey(command),
                    Err(_) => return,
                },
                recv(lost) -> port => match port {
                    Ok(port) => self.report(port),
                    Err(_) => lost = never(),
                },
                default(next_round.saturating_duration_since(Instant::now())) => {
                    if self.round().is_err() {
                        return;
                    }
                    next_round = Instant::now() + PERIOD;
                }
            }
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Watch(port, entry) => drop(self.entries.insert(port, entry)),
            Command::Forget(port) => drop(self.entries.remove(&port)),
        }
    }

    /// Drops what is left of the device, whether or not it is still watched.
    fn report(&mut self, lost: Lost) {
        let watched = self.entries.get_mut(&lost.port);
        // A number may belong to another device by now.
        if let Some(entry) = watched.filter(|entry| Arc::ptr_eq(&entry.state, &lost.device.state())) {
            entry.state.set_present(false);
            if std::mem::replace(&mut entry.is_gone, true) {
                return;
            }
            tracing::warn!(port = entry.name, interface = entry.device.name(), error = %lost.error, "interface vanished; the other ports go on");
        }
    }

    fn round(&mut self) -> Result<(), Astray> {
        for (port, entry) in &mut self.entries {
            if entry.state.is_present() {
                entry.refresh(&self.home)?;
            } else {
                entry.reopen(*port, &mut self.attach);
            }
        }
        Ok(())
    }
}

impl Entry {
    fn refresh(&mut self, home: &Home) -> Result<(), Astray> {
        let mtu = match &self.handle.watched {
            Watched::Interface(name) => interface::mtu(name).ok(),
            Watched::Tap(device) => self.refresh_tap(device, home)?,
            Watched::Xdp(name, _) => interface::mtu(name).ok().map(|mtu| mtu.min(LARGEST_PACKET)),
        };
        if let Some(mtu) = mtu {
            self.state.mtu.store(mtu, Ordering::Relaxed);
        }
        self.look_after_xdp();
        Ok(())
    }

    /// Nobody else notices that an interface with an XDP program has gone, or that its frames found no room.
    fn look_after_xdp(&mut self) {
        let Watched::Xdp(_, attachment) = &self.handle.watched else { return };
        let Some(attachment) = attachment.upgrade() else { return };
        attachment.look();
        let lost = attachment.lost();
        // Counted anew by each attachment.
        let more = lost.checked_sub(self.counted).unwrap_or(lost);
        self.counted = lost;
        if more > 0 && self.told_lost.is_none_or(|told| told.elapsed() >= BETWEEN_LOSSES) {
            self.told_lost = Some(Instant::now());
            tracing::warn!(
                port = self.name,
                interface = self.device.name(),
                more,
                "received frames were dropped: the port could not keep up, or they were too long for it"
            );
        }
        self.state.kernel_drops.fetch_add(more, Ordering::Relaxed);
    }

    /// Notes what the kernel dropped, and gives the MTU.
    fn refresh_tap(&self, device: &Weak<TapDevice>, home: &Home) -> Result<Option<u32>, Astray> {
        let Some(answers) = ask_tap(device, home)? else { return Ok(None) };
        if let Some(drops) = answers.drops {
            self.state.kernel_drops.store(drops, Ordering::Relaxed);
        }
        Ok(answers.mtu)
    }

    fn reopen(&mut self, port: PortId, attach: &mut Attach) {
        let outcome = self.device.open(&self.state, self.handle.queues).map_err(|error| error.to_string()).and_then(|opened| {
            self.handle = opened.handle;
            attach(port, opened.ports).map_err(|error| error.to_string())
        });
        match outcome {
            Ok(()) => {
                // A worker may have found out only now that the device was gone.
                self.state.set_present(true);
                self.is_gone = false;
                self.told = None;
                tracing::info!(port = self.name, interface = self.device.name(), "interface is back");
            }
            Err(error) => {
                self.state.set_present(false);
                if self.told.as_ref() != Some(&error) {
                    tracing::warn!(port = self.name, interface = self.device.name(), error, "interface not picked up again yet");
                    self.told = Some(error);
                }
            }
        }
    }
}

/// What a TAP is asked, where it answered.
struct Answers {
    mtu: Option<u32>,
    /// Packets that the kernel dropped.
    drops: Option<u64>,
}

/// `None` where nothing can be known: the device has just gone, or may not be asked.
fn ask_tap(device: &Weak<TapDevice>, home: &Home) -> Result<Option<Answers>, Astray> {
    let Some(device) = device.upgrade() else { return Ok(None) };
    let (Ok(namespace), Ok(name)) = (device.network_namespace(), device.name()) else { return Ok(None) };
    drop(device);
    match home.visit(namespace, || Answers { mtu: interface::mtu(&name).ok(), drops: interface::transmit_drops(&name).ok() }) {
        Ok(answers) => Ok(Some(answers)),
        Err(Visit::NotEntered(error)) => {
            tracing::debug!(interface = name, %error, "cannot look into the interface's namespace; what is known of it stays as it was");
            Ok(None)
        }
        Err(Visit::NotReturned(error)) => {
            tracing::error!(%error, "the port monitor cannot come back to its namespace and ends; vanished interfaces will not be picked up again");
            Err(Astray)
        }
    }
}
