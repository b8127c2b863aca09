//! The control side of the workers: start, publish, attach, detach, inspect, stop.

use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;

use crossbeam::channel::{Receiver, Sender, bounded, unbounded};
use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;

use super::command::Command;
use super::event_loop::{Lines, Worker};
use super::fellows::Fellows;
use super::line::{self, Line};
use super::poller::Poller;
use super::publication::Publication;
use crate::pipeline::engine::Engine;
use crate::policy::ids::PortId;
use crate::policy::snapshot::Snapshot;
use crate::port::Port;
use crate::port::monitor::Lost;

/// How workers run.
pub struct Options {
    /// Never sleep: a third of the latency for a whole core each.
    pub busy_poll: bool,
    /// Frames in a burst.
    pub batch: usize,
    /// Join frames that may leave as one super-frame.
    pub coalesce: bool,
    /// Idle buffers that a worker keeps (64 KiB of address space each).
    pub idle_frames: usize,
    /// The core that the first worker runs on, the others on those after it; `None`: where the process may.
    pub cpu: Option<usize>,
    /// Told, on the worker's thread, why one ended without being asked to (the process should then end, not hang).
    pub on_failure: Option<OnFailure>,
}

/// Told of a worker's failure.
pub type OnFailure = Arc<dyn Fn(&Failure) + Send + Sync>;

impl Default for Options {
    fn default() -> Self {
        Self { busy_poll: false, batch: 64, coalesce: true, idle_frames: 1024, cpu: None, on_failure: None }
    }
}

/// Why a worker ended without being asked to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// A defect of the program.
    #[error("dataplane worker {worker} panicked: {message}")]
    Panicked {
        /// Which, from 0.
        worker: usize,
        /// What it said.
        message: String,
    },
    /// The system refused to let it wait.
    #[error("dataplane worker {worker} cannot go on: {error}")]
    System {
        /// Which, from 0.
        worker: usize,
        /// What the system said.
        error: String,
    },
}

/// A worker's thread; gives the worker back.
type Thread<E> = JoinHandle<Result<Worker<E>, Failure>>;

/// Running workers and their ports. They stop when it is dropped.
pub struct Dataplane<E: Engine + 'static> {
    lines: Vec<Line<E>>,
    lost: Receiver<Lost>,
    snapshots: Publication<Snapshot>,
    threads: Vec<Thread<E>>,
}

impl<E: Engine + 'static> Dataplane<E> {
    /// Starts a worker for each engine, with `snapshot` and `ports`: of each port at most a queue for each worker.
    ///
    /// # Errors
    /// No thread or descriptor is left, a core is not there to run on, or a port has no queue or too many.
    pub fn start(
        options: &Options,
        engines: Vec<E>,
        snapshot: Arc<Snapshot>,
        ports: Vec<(PortId, Vec<Box<dyn Port>>)>,
    ) -> io::Result<Self> {
        let (lost, lost_ports) = unbounded();
        let (snapshots, seats) = Publication::new(Arc::clone(&snapshot), engines.len());
        let pollers = engines.iter().map(|_| Poller::new()).collect::<io::Result<Vec<_>>>()?;
        let fellows = Fellows::of(pollers.iter().map(Poller::bell));
        let (mut lines, mut workers) = (Vec::new(), Vec::new());
        for (((engine, poller), seat), fellows) in engines.into_iter().zip(pollers).zip(seats).zip(fellows) {
            // Unbounded, because only such a channel drops what waits in it, and so tells the askers, when the worker ends.
            let (commands, received) = unbounded();
            lines.push(Line { commands, bell: poller.bell() });
            let mut worker = Worker::new(options, engine, poller, Lines { commands: received, lost: lost.clone(), seat }, fellows);
            worker.adopt(Arc::clone(&snapshot));
            workers.push(worker);
        }
        for (id, queues) in ports {
            for (worker, place) in workers.iter_mut().zip(line::places(queues, lines.len())?) {
                worker.attach(id, place)?;
            }
        }
        // From here on dropping it stops those that run.
        let mut dataplane = Self { lines, lost: lost_ports, snapshots, threads: Vec::new() };
        for (number, worker) in workers.into_iter().enumerate() {
            dataplane.threads.push(spawn(number, worker, options)?);
        }
        Ok(dataplane)
    }

    /// How many workers there are.
    #[must_use]
    pub fn workers(&self) -> usize {
        self.lines.len()
    }

    /// Swaps `snapshot` in and returns when every worker has adopted it, between two batches. The former one is freed
    /// here, not by a worker.
    ///
    /// # Errors
    /// A worker has ended, or does not answer (it will adopt the snapshot when it gets to it).
    pub fn publish(&self, snapshot: Arc<Snapshot>) -> io::Result<()> {
        self.snapshots.publish(snapshot);
        line::ask_all(&self.lines, Command::Adopt)?;
        self.snapshots.retire();
        Ok(())
    }

    /// The snapshot that was published last.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshots.latest()
    }

    /// Gives the workers a port, a queue each; those for whom there is none send through one that has. A port that had the
    /// number before is closed here.
    ///
    /// # Errors
    /// The port cannot be waited on, has no queue or too many, or a worker has ended or does not answer. No worker has the
    /// port then.
    pub fn attach(&self, id: PortId, queues: Vec<Box<dyn Port>>) -> io::Result<()> {
        attach_or_none(&self.lines, id, queues)
    }

    /// [`Dataplane::attach`] for another thread: what `port::monitor::Monitor::start` takes.
    #[must_use]
    pub fn attacher(&self) -> crate::port::monitor::Attach {
        let lines = self.lines.clone();
        Box::new(move |id, queues| attach_or_none(&lines, id, queues))
    }

    /// Takes a port back, with all its queues; dropping them closes its device. Empty where the workers do not have it.
    ///
    /// # Errors
    /// A worker has ended or does not answer.
    pub fn detach(&self, id: PortId) -> io::Result<Vec<Box<dyn Port>>> {
        line::detach(&self.lines, id)
    }

    /// Where ports arrive that a worker let go of because their device is gone: each queue by itself.
    #[must_use]
    pub fn lost_ports(&self) -> Receiver<Lost> {
        self.lost.clone()
    }

    /// Runs `question` on a worker between two batches and returns its answer. None of its packets moves meanwhile: keep it
    /// short.
    ///
    /// # Errors
    /// There is no such worker, or it has ended or does not answer.
    pub fn inspect<R: Send + 'static>(&self, worker: usize, question: impl FnOnce(&mut E) -> R + Send + 'static) -> io::Result<R> {
        let line = self.lines.get(worker).ok_or_else(|| io::Error::other("there is no such worker"))?;
        line.ask(|done| Command::Inspect(Box::new(move |engine| drop(done.send(question(engine))))))
    }

    /// Ends the workers, closes their ports and returns the engines.
    ///
    /// # Errors
    /// A worker had ended before.
    pub fn stop(mut self) -> Result<Vec<E>, Failure> {
        self.join().into_iter().map(|outcome| outcome.map(|worker| worker.engine)).collect()
    }

    fn join(&mut self) -> Vec<Result<Worker<E>, Failure>> {
        for line in &self.lines {
            let _ = line.tell(Command::Stop);
        }
        let outcome = |(worker, thread): (usize, Thread<E>)| {
            thread.join().unwrap_or_else(|panic| Err(Failure::Panicked { worker, message: text_of(&*panic) }))
        };
        self.threads.drain(..).enumerate().map(outcome).collect()
    }
}

impl<E: Engine + 'static> Drop for Dataplane<E> {
    fn drop(&mut self) {
        drop(self.join());
    }
}

fn attach_or_none<E>(lines: &[Line<E>], id: PortId, queues: Vec<Box<dyn Port>>) -> io::Result<()> {
    line::attach(lines, id, queues).inspect_err(|_| drop(line::detach(lines, id)))
}

/// Starts a worker's thread, and waits until it runs where it should.
fn spawn<E: Engine + 'static>(number: usize, worker: Worker<E>, options: &Options) -> io::Result<Thread<E>> {
    let (ready, started) = bounded(1);
    let (cpu, on_failure) = (options.cpu.map(|first| first + number), options.on_failure.clone());
    let body = move || run(number, worker, cpu, on_failure, &ready);
    let thread = std::thread::Builder::new().name(format!("worker-{number}")).spawn(body)?;
    started.recv().map_err(io::Error::other)??;
    Ok(thread)
}

/// The worker's thread. Gives the worker back, so that its ports are closed and its engine is looked at elsewhere.
fn run<E: Engine>(
    number: usize,
    mut worker: Worker<E>,
    cpu: Option<usize>,
    on_failure: Option<OnFailure>,
    ready: &Sender<io::Result<()>>,
) -> Result<Worker<E>, Failure> {
    let pinned = cpu.map_or(Ok(()), pin);
    let is_pinned = pinned.is_ok();
    let _ = ready.send(pinned);
    if !is_pinned {
        return Ok(worker);
    }
    // What the worker holds is not looked at again after a panic, only dropped.
    let failure = match catch_unwind(AssertUnwindSafe(|| worker.run())) {
        Ok(Ok(())) => return Ok(worker),
        Ok(Err(error)) => Failure::System { worker: number, error: error.to_string() },
        Err(panic) => Failure::Panicked { worker: number, message: text_of(&*panic) },
    };
    tracing::error!("{failure}");
    if let Some(tell) = on_failure {
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
