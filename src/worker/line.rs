//! The control side's way to one worker.

use std::io;
use std::time::Duration;

use crossbeam::channel::{Receiver, Sender, bounded};

use super::command::Command;
use super::poller::Bell;
use super::slots::Place;
use crate::pipeline::hand_over::WorkerId;
use crate::policy::ids::PortId;
use crate::port::Port;

/// How long the control side waits for a worker's answer. A worker looks at its commands after every batch.
const PATIENCE: Duration = Duration::from_secs(10);

/// The way to one worker.
pub(super) struct Line<E> {
    pub(super) commands: Sender<Command<E>>,
    pub(super) bell: Bell,
}

impl<E> Clone for Line<E> {
    fn clone(&self) -> Self {
        Self { commands: self.commands.clone(), bell: self.bell.clone() }
    }
}

impl<E> Line<E> {
    /// Tells the worker, and does not wait.
    pub(super) fn tell(&self, command: Command<E>) -> io::Result<()> {
        self.commands.send(command).map_err(|_| io::Error::other("a dataplane worker has ended"))?;
        self.bell.ring();
        Ok(())
    }

    /// Asks the worker, and waits for its answer.
    pub(super) fn ask<R>(&self, command: impl FnOnce(Sender<R>) -> Command<E>) -> io::Result<R> {
        answer(&self.begin(command)?)
    }

    fn begin<R>(&self, command: impl FnOnce(Sender<R>) -> Command<E>) -> io::Result<Receiver<R>> {
        let (done, answer) = bounded(1);
        self.tell(command(done))?;
        Ok(answer)
    }
}

/// Asks all workers at once, and waits for each.
pub(super) fn ask_all<E, R>(lines: &[Line<E>], command: impl Fn(Sender<R>) -> Command<E>) -> io::Result<Vec<R>> {
    let asked = lines.iter().map(|line| line.begin(&command)).collect::<io::Result<Vec<_>>>()?;
    asked.iter().map(answer).collect()
}

/// Gives each worker its queue of a port; ports that had the number before are closed here.
pub(super) fn attach<E>(lines: &[Line<E>], id: PortId, queues: Vec<Box<dyn Port>>) -> io::Result<()> {
    let places = places(queues, lines.len())?;
    let asked = lines.iter().zip(places).map(|(line, place)| line.begin(|done| Command::Attach(id, place, done)));
    let asked = asked.collect::<io::Result<Vec<_>>>()?;
    asked.iter().try_for_each(|asked| answer(asked)?.map(drop))
}

/// Takes a port from all workers. What they had of it.
pub(super) fn detach<E>(lines: &[Line<E>], id: PortId) -> io::Result<Vec<Box<dyn Port>>> {
    Ok(ask_all(lines, |done| Command::Detach(id, done))?.into_iter().flatten().collect())
}

/// How each worker reaches a port with these queues: those without one through one that has.
pub(super) fn places(queues: Vec<Box<dyn Port>>, workers: usize) -> io::Result<Vec<Place>> {
    let count = queues.len();
    let state = match queues.first() {
        Some(port) if count <= workers => port.state(),
        _ => return Err(io::Error::other(format!("a port of {count} queues for {workers} workers"))),
    };
    let mut queues = queues.into_iter();
    let through = |worker: usize| WorkerId((worker % count) as u16);
    Ok((0..workers).map(|worker| queues.next().map_or_else(|| Place::Through(through(worker), state.clone()), Place::Own)).collect())
}

fn answer<R>(asked: &Receiver<R>) -> io::Result<R> {
    asked.recv_timeout(PATIENCE).map_err(|error| io::Error::other(format!("a dataplane worker does not answer: {error}")))
}
