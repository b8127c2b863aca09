//! The worker's loop: wait → `rx_burst` → process → `tx_burst`.
//!
//! A pass takes one burst from each active port, so that a busy one starves nobody. A port is active from the moment that
//! epoll tells of it until a burst is shorter than was asked for (nothing waits any more). While ports stay active the worker does not
//! sleep; it only looks for others that became ready, once for some dozens of frames.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam::channel::{Receiver, Sender};

use super::command::{Command, GivenUp};
use super::dataplane::Options;
use super::departure::Departure;
use super::fellows::Fellows;
use super::poller::Poller;
use super::publication::Seat;
use super::slots::{Place, Slot, Slots};
use crate::packet::{Frame, FramePool, Reason};
use crate::pipeline::engine::{Engine, TICK};
use crate::pipeline::outbox::{Outbox, Sent};
use crate::policy::ids::PortId;
use crate::policy::snapshot::Snapshot;
use crate::port::monitor::Lost;

/// Frames after which a busy worker looks for other ports that became ready.
const FRAMES_BETWEEN_LOOKS: usize = 32;
/// How long a worker sleeps that has a port which cannot be waited on.
const UNPOLLABLE_PAUSE: Duration = Duration::from_millis(1);

/// What joins a worker to the control side.
pub(super) struct Lines<E> {
    /// What it is asked.
    pub(super) commands: Receiver<Command<E>>,
    /// Whom it tells of ports that are gone.
    pub(super) lost: Sender<Lost>,
    /// Where it finds new snapshots.
    pub(super) seat: Seat<Snapshot>,
}

/// A worker's own things.
pub(super) struct Worker<E> {
    pub(super) engine: E,
    slots: Slots,
    poller: Poller,
    lines: Lines<E>,
    pub(super) fellows: Fellows,
    pub(super) outbox: Outbox,
    departure: Departure,
    pub(super) frames: Vec<Frame>,
    refused: Vec<(usize, Reason)>,
    pub(super) batch: usize,
    busy_poll: bool,
    until_look: usize,
    /// When the pass began: one look at the clock serves all that is done in it.
    pub(super) now: Instant,
    next_tick: Instant,
}

impl<E: Engine> Worker<E> {
    pub(super) fn new(options: &Options, engine: E, poller: Poller, lines: Lines<E>, fellows: Fellows) -> Self {
        let (batch, now) = (options.batch.max(1), Instant::now());
        Self {
            engine,
            slots: Slots::default(),
            poller,
            lines,
            outbox: Outbox::new(FramePool::new(options.idle_frames.max(batch) + fellows.spare_buffers())),
            departure: Departure::new(options.coalesce, batch),
            fellows,
            frames: Vec::with_capacity(batch),
            refused: Vec::with_capacity(batch),
            batch,
            busy_poll: options.busy_poll,
            until_look: 0,
            now,
            next_tick: now + TICK,
        }
    }

    /// Runs until told to stop, or until everyone who could tell is gone.
    ///
    /// # Errors
    /// Waiting failed: the worker cannot go on.
    pub(super) fn run(&mut self) -> io::Result<()> {
        while self.obey() {
            self.wait()?;
            self.now = Instant::now();
            self.pass();
            self.tick_if_due();
        }
        Ok(())
    }

    /// Takes the commands that wait. False: stop.
    fn obey(&mut self) -> bool {
        while !self.lines.commands.is_empty() {
            let Ok(command) = self.lines.commands.try_recv() else { return true };
            match command {
                Command::Adopt(done) => {
                    self.adopt_latest();
                    let _ = done.send(());
                }
                Command::Attach(id, place, done) => drop(done.send(self.attach(id, place))),
                Command::Detach(id, done) => drop(done.send(self.detach(id))),
                Command::Inspect(question) => question(&mut self.engine),
                Command::Stop => return false,
            }
        }
        true
    }

    /// Takes the latest snapshot; the engine lets go of the former.
    fn adopt_latest(&mut self) {
        let Self { engine, slots, outbox, lines, .. } = self;
        lines.seat.take(|snapshot| adopt(engine, slots, outbox, snapshot));
    }

    pub(super) fn adopt(&mut self, snapshot: Arc<Snapshot>) {
        adopt(&mut self.engine, &self.slots, &mut self.outbox, snapshot);
    }

    pub(super) fn attach(&mut self, id: PortId, place: Place) -> io::Result<GivenUp> {
        let before = self.detach(id);
        let is_waited_on = self.wait_on(id, &place)?;
        self.outbox.grow(usize::from(id.0) + 1);
        let slot = Slot::new(id, place, is_waited_on);
        self.engine.set_mtu(id, slot.mtu);
        self.slots.insert(slot);
        Ok(before)
    }

    /// Has the poller tell of what is received there. False: nobody tells. A worker that never sleeps is not told: the kernel would
    /// do so for each frame, and takes the time from whoever sends it.
    fn wait_on(&self, id: PortId, place: &Place) -> io::Result<bool> {
        match place {
            Place::Through(..) => Ok(true),
            Place::Own(_) if self.busy_poll => Ok(false),
            Place::Own(port) => port.poll_fd().map_or(Ok(false), |descriptor| self.poller.add(id, descriptor).map(|()| true)),
        }
    }

    pub(super) fn detach(&mut self, id: PortId) -> GivenUp {
        let Place::Own(port) = self.slots.remove(id)?.place else { return None };
        if !self.busy_poll
            && let Some(descriptor) = port.poll_fd()
        {
            self.poller.remove(descriptor);
        }
        Some(port)
    }

    /// Sleeps while there is nothing to do; looks at the other ports now and then while there is.
    fn wait(&mut self) -> io::Result<()> {
        if self.busy_poll {
            self.slots.iter_mut().for_each(|slot| slot.active = true);
            return Ok(());
        }
        let timeout = if !self.slots.iter().any(|slot| slot.active) {
            if self.fellows.lie_down() { self.time_to_sleep() } else { Duration::ZERO }
        } else if self.until_look == 0 {
            Duration::ZERO
        } else {
            return Ok(());
        };
        self.until_look = FRAMES_BETWEEN_LOOKS;
        let slots = &mut self.slots;
        self.poller.wait(timeout, |id| {
            if let Some(slot) = slots.get_mut(id) {
                slot.active = true;
            }
        })?;
        self.fellows.get_up();
        self.slots.iter_mut().filter(|slot| !slot.is_waited_on).for_each(|slot| slot.active = true);
        Ok(())
    }

    fn time_to_sleep(&self) -> Duration {
        let until_tick = self.next_tick.saturating_duration_since(Instant::now());
        if self.slots.iter().any(|slot| !slot.is_waited_on) { until_tick.min(UNPOLLABLE_PAUSE) } else { until_tick }
    }

    /// What other workers handed over, then one burst from each active port.
    fn pass(&mut self) {
        self.take_parcels();
        for number in 0..self.slots.bound() {
            if self.slots.get_mut(PortId(number)).is_some_and(|slot| slot.active) {
                self.take_burst(PortId(number));
            }
        }
    }

    fn take_burst(&mut self, id: PortId) {
        let Some(slot) = self.slots.get_mut(id) else { return };
        let Place::Own(port) = &mut slot.place else { return slot.active = false };
        let limit = slot.appetite.limit(self.batch);
        let outcome = port.rx_burst(&mut self.outbox.pool, &mut self.frames, limit);
        slot.appetite.after_burst(self.frames.len());
        slot.active = self.frames.len() >= limit;
        let first_packets = slot.load.after_burst(self.frames.len(), self.batch);
        self.until_look = self.until_look.saturating_sub(self.frames.len());
        if !self.frames.is_empty() {
            self.engine.limit_first_packets(first_packets);
            self.engine.process(self.now, id, &mut self.frames, &mut self.outbox);
            self.frames.drain(..).for_each(|frame| self.outbox.pool.give(frame));
            self.flush();
        }
        if let Err(error) = outcome {
            self.let_go(id, error);
        }
    }

    /// Sends what the outbox holds and tells the engine how each frame fared.
    pub(super) fn flush(&mut self) {
        self.send();
        self.post_parcels();
    }

    fn send(&mut self) {
        for number in 0..u16::MAX {
            let id = PortId(number);
            let Some((queue, pool)) = self.outbox.queue(id) else { return };
            if queue.frames.is_empty() {
                continue;
            }
            let outcome = match self.slots.get_mut(id) {
                Some(Slot { place: Place::Own(port), takes, attention, .. }) => {
                    self.departure.prepare(queue, *takes, attention, pool);
                    port.tx_burst(&mut queue.frames, pool, &mut self.refused)
                }
                Some(Slot { place: Place::Through(worker, _), .. }) => {
                    self.outbox.send_through(id, *worker);
                    continue;
                }
                None => {
                    refuse_all(&mut queue.frames, pool, &mut self.refused);
                    Ok(())
                }
            };
            account(&mut self.engine, id, &queue.sent, &mut self.refused);
            queue.sent.clear();
            if let Err(error) = outcome {
                self.let_go(id, error);
            }
        }
    }

    /// The device is gone: whoever listens closes what is left, and perhaps opens it again.
    fn let_go(&mut self, id: PortId, error: io::Error) {
        if let Some(slot) = self.slots.get_mut(id) {
            slot.state.set_present(false);
        }
        if let Some(device) = self.detach(id) {
            let _ = self.lines.lost.send(Lost { port: id, device, error });
        }
    }

    fn tick_if_due(&mut self) {
        if self.now < self.next_tick {
            return;
        }
        self.next_tick = self.now + TICK;
        for slot in self.slots.iter_mut() {
            let mtu = slot.state.mtu();
            if mtu != slot.mtu {
                slot.mtu = mtu;
                self.engine.set_mtu(slot.id, mtu);
            }
        }
        self.engine.tick(self.now, &mut self.outbox);
        self.flush();
    }
}

fn adopt(engine: &mut impl Engine, slots: &Slots, outbox: &mut Outbox, snapshot: Arc<Snapshot>) {
    let ports = snapshot.ports.iter().map(|port| usize::from(port.id.0) + 1).max().unwrap_or(0);
    outbox.grow(ports);
    engine.adopt(snapshot);
    for slot in slots.iter() {
        engine.set_mtu(slot.id, slot.mtu);
    }
}

/// Tells the engine how the frames of a queue fared. Nearly always all of them were taken.
fn account(engine: &mut impl Engine, id: PortId, sent: &[Sent], refused: &mut Vec<(usize, Reason)>) {
    let mut from = 0;
    for (index, reason) in refused.drain(..) {
        engine.sent(id, sent.get(from..index).unwrap_or_default());
        if let Some(sent) = sent.get(index) {
            engine.refused(id, sent, reason);
        }
        from = index + 1;
    }
    engine.sent(id, sent.get(from..).unwrap_or_default());
}

fn refuse_all(frames: &mut Vec<Frame>, pool: &mut FramePool, refused: &mut Vec<(usize, Reason)>) {
    for (index, frame) in frames.drain(..).enumerate() {
        refused.push((index, Reason::DestinationUnknown));
        pool.give(frame);
    }
}
