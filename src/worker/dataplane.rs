//! The control side of the worker: start, publish, attach, detach, inspect, stop.

use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam::channel::{Receiver, Sender, bounded, unbounded};
use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;

use super::command::Command;
use super::event_loop::{Lines, Worker};
use super::poller::{Bell, Poller};
use super::publication::Publication;
use crate::pipeline::engine::Engine;
use crate::policy::ids::PortId;
use crate::policy::snapshot::Snapshot;
use crate::port::Port;
use crate::port::monitor::Lost;

/// How long the control side waits for the worker's answer. A worker looks at its commands after every batch.
const PATIENCE: Duration = Duration::from_secs(10);

/// How the worker runs.
pub struct Options {
    /// Never sleep: a third of the latency for a whole core.
    pub busy_poll: bool,
    /// Frames in a burst.
    pub batch: usize,
    /// Join frames that may leave as one super-frame.
    pub coalesce: bool,
    /// Idle buffers that the worker keeps (64 KiB of address space each).
    pub idle_frames: usize,
    /// The core to run on; `None`: where the process may.
    pub cpu: Option<usize>,
    /// Told, on the worker's thread, why it ended without being asked to (the process should then end, not hang).
    pub on_failure: Option<OnFailure>,
}

/// Told of a worker's failure.
pub type OnFailure = Box<dyn FnOnce(&Failure) + Send>;

impl Default for Options {
    fn default() -> Self {
        Self { busy_poll: false, batch: 64, coalesce: true, idle_frames: 1024, cpu: None, on_failure: None }
    }
}

/// Why a worker ended without being asked to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// A defect of the program.
    #[error("the dataplane worker panicked: {0}")]
    Panicked(String),
    /// The system refused to let it wait.
    #[error("the dataplane worker cannot go on: {0}")]
    System(String),
}

/// A running worker and its ports. Stops when dropped.
pub struct Dataplane<E: Engine + 'static> {
    line: Line<E>,
    lost: Receiver<Lost>,
    snapshots: Publication<Snapshot>,
    thread: Option<JoinHandle<Result<Worker<E>, Failure>>>,
}

impl<E: Engine + 'static> Dataplane<E> {
    /// Starts the worker with `snapshot` and `ports`.
    ///
    /// # Errors
    /// No thread or descriptor is left, or the core is not there to run on.
    pub fn start(options: Options, engine: E, snapshot: Arc<Snapshot>, ports: Vec<(PortId, Box<dyn Port>)>) -> io::Result<Self> {
        let poller = Poller::new()?;
        // Unbounded, because only such a channel drops what waits in it, and so tells the askers, when the worker ends.
        let (commands, received) = unbounded();
        let (lost, lost_ports) = unbounded();
        let line = Line { commands, bell: poller.bell() };
        let (snapshots, mut seats) = Publication::new(Arc::clone(&snapshot), 1);
        let seat = seats.pop().ok_or_else(|| io::Error::other("there is no worker"))?;
        let mut worker = Worker::new(&options, engine, poller, Lines { commands: received, lost, seat });
        worker.adopt(snapshot);
        for (id, port) in ports {
            worker.attach(id, port)?;
        }
        let (ready, started) = bounded(1);
        let thread = std::thread::Builder::new().name("worker-0".to_owned()).spawn(move || run(worker, options, &ready))?;
        started.recv().map_err(io::Error::other)??;
        Ok(Self { line, lost: lost_ports, snapshots, thread: Some(thread) })
    }

    /// Swaps `snapshot` in and returns when the worker has adopted it, between two batches. The former one is freed here,
    /// not by the worker.
    ///
    /// # Errors
    /// The worker has ended, or does not answer (it will adopt the snapshot when it gets to it).
    pub fn publish(&self, snapshot: Arc<Snapshot>) -> io::Result<()> {
        self.snapshots.publish(snapshot);
        self.line.ask(Command::Adopt)?;
        self.snapshots.retire();
        Ok(())
    }

    /// The snapshot that was published last.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshots.latest()
    }

    /// Gives the worker a port. One that had the number before is closed here.
    ///
    /// # Errors
    /// The port cannot be waited on, or the worker has ended or does not answer.
    pub fn attach(&self, id: PortId, port: Box<dyn Port>) -> io::Result<()> {
        self.line.attach(id, port)
    }

    /// [`Dataplane::attach`] for another thread: what `port::monitor::Monitor::start` takes.
    #[must_use]
    pub fn attacher(&self) -> crate::port::monitor::Attach {
        let line = self.line.clone();
        Box::new(move |id, port| line.attach(id, port))
    }

    /// Takes a port back; dropping it closes its device. `None` where the worker does not have it.
    ///
    /// # Errors
    /// The worker has ended or does not answer.
    pub fn detach(&self, id: PortId) -> io::Result<Option<Box<dyn Port>>> {
        self.line.ask(|done| Command::Detach(id, done))
    }

    /// Where ports arrive that the worker let go of because their device is gone.
    #[must_use]
    pub fn lost_ports(&self) -> Receiver<Lost> {
        self.lost.clone()
    }

    /// Runs `question` on the worker between two batches and returns its answer. No packet moves meanwhile: keep it short.
    ///
    /// # Errors
    /// The worker has ended or does not answer.
    pub fn inspect<R: Send + 'static>(&self, question: impl FnOnce(&mut E) -> R + Send + 'static) -> io::Result<R> {
        self.line.ask(|done| Command::Inspect(Box::new(move |engine| drop(done.send(question(engine))))))
    }

    /// Ends the worker, closes its ports and returns the engine.
    ///
    /// # Errors
    /// The worker had ended before.
    pub fn stop(mut self) -> Result<E, Failure> {
        match self.join() {
            Some(outcome) => outcome.map(|worker| worker.engine),
            None => Err(Failure::System("it was stopped before".to_owned())),
        }
    }

    fn join(&mut self) -> Option<Result<Worker<E>, Failure>> {
        let thread = self.thread.take()?;
        let _ = self.line.tell(Command::Stop);
        Some(thread.join().unwrap_or_else(|panic| Err(Failure::Panicked(text_of(&*panic)))))
    }
}

impl<E: Engine + 'static> Drop for Dataplane<E> {
    fn drop(&mut self) {
        drop(self.join());
    }
}

/// The way to a worker.
struct Line<E> {
    commands: Sender<Command<E>>,
    bell: Bell,
}

impl<E> Clone for Line<E> {
    fn clone(&self) -> Self {
        Self { commands: self.commands.clone(), bell: self.bell.clone() }
    }
}

impl<E> Line<E> {
    fn tell(&self, command: Command<E>) -> io::Result<()> {
        self.commands.send(command).map_err(|_| io::Error::other("the dataplane worker has ended"))?;
        self.bell.ring();
        Ok(())
    }

    fn ask<R>(&self, command: impl FnOnce(Sender<R>) -> Command<E>) -> io::Result<R> {
        let (done, answer) = bounded(1);
        self.tell(command(done))?;
        answer.recv_timeout(PATIENCE).map_err(|error| io::Error::other(format!("the dataplane worker does not answer: {error}")))
    }

    fn attach(&self, id: PortId, port: Box<dyn Port>) -> io::Result<()> {
        self.ask(|done| Command::Attach(id, port, done))?.map(drop)
    }
}

/// The worker's thread. Gives the worker back, so that its ports are closed and its engine is looked at elsewhere.
fn run<E: Engine>(mut worker: Worker<E>, options: Options, ready: &Sender<io::Result<()>>) -> Result<Worker<E>, Failure> {
    let pinned = options.cpu.map_or(Ok(()), pin);
    let is_pinned = pinned.is_ok();
    let _ = ready.send(pinned);
    if !is_pinned {
        return Ok(worker);
    }
    // What the worker holds is not looked at again after a panic, only dropped.
    let failure = match catch_unwind(AssertUnwindSafe(|| worker.run())) {
        Ok(Ok(())) => return Ok(worker),
        Ok(Err(error)) => Failure::System(error.to_string()),
        Err(panic) => Failure::Panicked(text_of(&*panic)),
    };
    tracing::error!("{failure}");
    if let Some(tell) = options.on_failure {
        tell(&failure);
    }
    Err(failure)
}

fn pin(cpu: usize) -> io::Result<()> {
    let mut cpus = CpuSet::new();
    cpus.set(cpu)?;
    Ok(sched_setaffinity(Pid::from_raw(0), &cpus)?)
}

fn text_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}
