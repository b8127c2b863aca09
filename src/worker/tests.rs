//! The worker over memory ports, with an engine that copies each frame to the port beside.

use std::io;
use std::net::IpAddr;
use std::os::fd::BorrowedFd;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::{Dataplane, Failure, OnFailure, Options};
use crate::packet::{Frame, FramePool, Reason, Zone};
use crate::pipeline::engine::Engine;
use crate::pipeline::outbox::{Outbox, Sent};
use crate::policy::ids::PortId;
use crate::policy::snapshot::{Behind, Snapshot, SnapshotPort};
use crate::port::memory::{MemoryWire, pair};
use crate::port::{Port, PortState};

/// Port 0 ↔ port 1; a frame of 99 bytes is a defect; one of 70 goes to port 2.
#[derive(Debug, Default)]
struct Copier {
    generation: u64,
    mtus: Vec<(PortId, u32)>,
    sent: Vec<PortId>,
    refused: Vec<(PortId, Reason)>,
    ticks: usize,
    limits: Vec<Option<u32>>,
    handed_over: usize,
    heard: Vec<IpAddr>,
    largest_batch: usize,
}

impl Engine for Copier {
    fn adopt(&mut self, snapshot: Arc<Snapshot>) {
        self.generation = snapshot.generation;
    }
    fn set_mtu(&mut self, port: PortId, mtu: u32) {
        self.mtus.push((port, mtu));
    }
    fn limit_first_packets(&mut self, limit: Option<u32>) {
        self.limits.push(limit);
    }
    fn process(&mut self, _now: Instant, port: PortId, frames: &mut Vec<Frame>, outbox: &mut Outbox) {
        self.largest_batch = self.largest_batch.max(frames.len());
        for frame in frames.drain(..) {
            let to = match frame.len() {
                99 => panic!("a frame of 99 bytes"),
                70 => PortId(2),
                _ => PortId(1 - port.0),
            };
            let sent = Sent { forwarded_for: Some(Zone(0)), packets: 1, bytes: frame.len() as u64 };
            if let Some(frame) = outbox.push(to, frame, sent) {
                outbox.pool.give(frame);
            }
        }
    }
    fn process_handed_over(&mut self, now: Instant, port: PortId, frames: &mut Vec<Frame>, outbox: &mut Outbox) {
        self.handed_over += frames.len();
        self.process(now, port, frames, outbox);
    }
    fn hear_of_neighbour(&mut self, _port: PortId, address: IpAddr, _mac: [u8; 6], _outbox: &mut Outbox) {
        self.heard.push(address);
    }
    fn tick(&mut self, _now: Instant, _outbox: &mut Outbox) {
        self.ticks += 1;
    }
    fn sent(&mut self, port: PortId, sent: &[Sent]) {
        self.sent.extend(sent.iter().map(|_| port));
    }
    fn refused(&mut self, port: PortId, _sent: &Sent, reason: Reason) {
        self.refused.push((port, reason));
    }
}

fn snapshot(generation: u64) -> Arc<Snapshot> {
    let port = |id| SnapshotPort {
        id: PortId(id),
        name: format!("p{id}"),
        attachment: "internet".to_owned(),
        zone: Zone(0),
        behind: Behind::Internet,
    };
    Arc::new(Snapshot { generation, ports: (0..3).map(port).collect(), ..Snapshot::default() })
}

fn start(options: Options, capacity: usize) -> (Dataplane<Copier>, [MemoryWire; 2]) {
    let (left, left_wire) = pair(capacity, 1500).unwrap();
    let (right, right_wire) = pair(capacity, 9000).unwrap();
    let ports: Vec<(PortId, Vec<Box<dyn Port>>)> = vec![(PortId(0), vec![Box::new(left)]), (PortId(1), vec![Box::new(right)])];
    (Dataplane::start(&options, vec![Copier::default()], snapshot(1), ports).unwrap(), [left_wire, right_wire])
}

/// Ends the only worker.
fn stop(dataplane: Dataplane<Copier>) -> Copier {
    let mut engines = dataplane.stop().unwrap();
    assert_eq!(engines.len(), 1);
    engines.remove(0)
}

/// Waits for something that will happen, and fails where it does not within ten seconds.
fn eventually(what: &str, mut happened: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(10);
    while !happened() {
        assert!(Instant::now() < end, "never: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn take(wire: &MemoryWire) -> Frame {
    let mut taken = None;
    eventually("a frame", || {
        taken = wire.take();
        taken.is_some()
    });
    taken.unwrap()
}

fn frame(length: usize, first: u8) -> Frame {
    let mut bytes = vec![0; length];
    bytes[0] = first;
    Frame::from_bytes(&bytes)
}

#[test]
fn frames_cross_both_ways_in_order_and_are_accounted_for() {
    for busy_poll in [false, true] {
        let (dataplane, [left, right]) = start(Options { busy_poll, batch: 8, ..Options::default() }, 256);
        (0..100).for_each(|number| left.inject(frame(60, number)).unwrap());
        right.inject(frame(61, 7)).unwrap();
        (0..100).for_each(|number| assert_eq!(take(&right).bytes()[0], number));
        assert_eq!(take(&left).len(), 61);
        let engine = stop(dataplane);
        assert_eq!(engine.sent.iter().filter(|port| **port == PortId(1)).count(), 100);
        assert_eq!((engine.sent.len(), engine.refused.len()), (101, 0));
        assert!(engine.largest_batch <= 8);
    }
}

#[test]
fn a_port_that_the_worker_does_not_have_or_that_is_down_refuses() {
    let (dataplane, [left, right]) = start(Options::default(), 16);
    left.inject(frame(70, 0)).unwrap();
    eventually("refused at port 2", || dataplane.inspect(0, |engine| engine.refused.len()).unwrap() == 1);
    right.set_down(true);
    left.inject(frame(60, 0)).unwrap();
    eventually("refused at port 1", || dataplane.inspect(0, |engine| engine.refused.len()).unwrap() == 2);
    let refused = stop(dataplane).refused;
    assert_eq!(refused, [(PortId(2), Reason::DestinationUnknown), (PortId(1), Reason::DestinationUnknown)]);
}

#[test]
fn a_full_queue_refuses_what_does_not_fit_and_keeps_the_rest() {
    let (dataplane, [left, right]) = start(Options::default(), 2);
    for number in 0..6 {
        eventually("room", || left.inject(frame(60, number)).is_ok());
    }
    eventually("all six accounted for", || dataplane.inspect(0, |engine| engine.sent.len() + engine.refused.len()).unwrap() == 6);
    assert_eq!((take(&right).bytes()[0], take(&right).bytes()[0]), (0, 1));
    let engine = stop(dataplane);
    assert_eq!((engine.sent.len(), engine.refused), (2, vec![(PortId(1), Reason::QueueFull); 4]));
}

#[test]
fn a_port_that_never_comes_to_rest_may_bring_few_first_packets_and_the_others_as_many_as_they_like() {
    let [(left, left_wire), (right, right_wire)] = [(); 2].map(|()| pair(256, 1500).unwrap());
    // 20 full bursts and a short one wait on one side, two full ones on the other
    (0..8 * 20 + 3).for_each(|_| left_wire.inject(frame(60, 0)).unwrap());
    (0..8 * 2).for_each(|_| right_wire.inject(frame(60, 0)).unwrap());
    let ports: Vec<(PortId, Vec<Box<dyn Port>>)> = vec![(PortId(0), vec![Box::new(left)]), (PortId(1), vec![Box::new(right)])];
    let options = Options { batch: 8, ..Options::default() };
    let dataplane = Dataplane::start(&options, vec![Copier::default()], snapshot(1), ports).unwrap();
    eventually("all are through", || dataplane.inspect(0, |engine| engine.sent.len()).unwrap() == 8 * 22 + 3);
    let limits = stop(dataplane).limits;
    let limited: Vec<_> = limits.iter().enumerate().filter(|(_, limit)| limit.is_some()).collect();
    // 18 bursts of both come before the 17th of the left one
    assert_eq!(limited, [(18, &Some(2)), (19, &Some(2)), (20, &Some(2)), (21, &Some(2))]);
    assert_eq!(limits.len(), 23);
}

#[test]
fn publishing_returns_when_the_worker_has_adopted_and_frees_the_former_snapshot() {
    let (dataplane, _wires) = start(Options::default(), 2);
    let former = Arc::downgrade(&dataplane.snapshot());
    dataplane.publish(snapshot(2)).unwrap();
    assert_eq!(dataplane.inspect(0, |engine| engine.generation).unwrap(), 2);
    assert_eq!(dataplane.snapshot().generation, 2);
    assert!(former.upgrade().is_none());
}

#[test]
fn the_engine_hears_of_each_mtu_and_of_its_changes() {
    let (left, _wire) = pair(2, 1500).unwrap();
    let state = left.state();
    let dataplane = Dataplane::start(&Options::default(), vec![Copier::default()], snapshot(1), vec![]).unwrap();
    dataplane.attach(PortId(0), vec![Box::new(left)]).unwrap();
    state.mtu.store(9000, Ordering::Relaxed);
    eventually("the new MTU", || dataplane.inspect(0, |engine| engine.mtus.len()).unwrap() == 2);
    let engine = stop(dataplane);
    assert_eq!(engine.mtus, [(PortId(0), 1500), (PortId(0), 9000)]);
    assert!(engine.ticks > 0);
}

#[test]
fn a_vanished_port_is_handed_out_while_the_other_goes_on_and_a_new_one_takes_its_place() {
    let (dataplane, [left, right]) = start(Options::default(), 16);
    let lost = dataplane.lost_ports();
    right.unplug();
    let port = lost.recv_timeout(Duration::from_secs(10)).unwrap();
    assert_eq!((port.port, port.device.state().is_present()), (PortId(1), false));
    left.inject(frame(60, 1)).unwrap();
    eventually("refused", || dataplane.inspect(0, |engine| engine.refused.len()).unwrap() == 1);
    let (again, wire) = pair(16, 1500).unwrap();
    (dataplane.attacher())(PortId(1), vec![Box::new(again)]).unwrap();
    left.inject(frame(60, 2)).unwrap();
    assert_eq!(take(&wire).bytes()[0], 2);
}

/// Receives nothing, cannot be waited on, and is gone when something is sent to it.
struct GoneOnSend(Arc<PortState>);

impl Port for GoneOnSend {
    fn rx_burst(&mut self, _pool: &mut FramePool, _frames: &mut Vec<Frame>, _limit: usize) -> io::Result<usize> {
        Ok(0)
    }
    fn tx_burst(&mut self, frames: &mut Vec<Frame>, pool: &mut FramePool, refused: &mut Vec<(usize, Reason)>) -> io::Result<()> {
        for (index, frame) in frames.drain(..).enumerate() {
            refused.push((index, Reason::DestinationUnknown));
            pool.give(frame);
        }
        Err(io::Error::from_raw_os_error(libc::ENODEV))
    }
    fn poll_fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }
    fn state(&self) -> Arc<PortState> {
        Arc::clone(&self.0)
    }
}

#[test]
fn a_port_that_vanishes_while_sending_is_let_go_of_and_its_frames_are_refused() {
    let (dataplane, [left, _right]) = start(Options::default(), 16);
    dataplane.attach(PortId(1), vec![Box::new(GoneOnSend(PortState::new(1500)))]).unwrap();
    left.inject(frame(60, 1)).unwrap();
    assert_eq!(dataplane.lost_ports().recv_timeout(Duration::from_secs(10)).unwrap().port, PortId(1));
    let engine = stop(dataplane);
    assert_eq!((engine.sent, engine.refused), (vec![], vec![(PortId(1), Reason::DestinationUnknown)]));
}

/// What a worker did with a [`Scripted`] port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Did {
    Asked { limit: usize, got: usize },
    Sent(usize),
    AskedWhatToWaitOn,
}

/// Brings bursts of these lengths, and nothing after that.
struct Scripted {
    bursts: Vec<usize>,
    did: Arc<Mutex<Vec<Did>>>,
    state: Arc<PortState>,
}

impl Port for Scripted {
    fn rx_burst(&mut self, _pool: &mut FramePool, frames: &mut Vec<Frame>, limit: usize) -> io::Result<usize> {
        if self.bursts.is_empty() {
            return Ok(0);
        }
        let got = self.bursts.remove(0).min(limit);
        frames.extend((0..got).map(|_| frame(60, 0)));
        self.did.lock().unwrap().push(Did::Asked { limit, got });
        Ok(got)
    }
    fn tx_burst(&mut self, frames: &mut Vec<Frame>, pool: &mut FramePool, _refused: &mut Vec<(usize, Reason)>) -> io::Result<()> {
        self.did.lock().unwrap().push(Did::Sent(frames.len()));
        frames.drain(..).for_each(|frame| pool.give(frame));
        Ok(())
    }
    fn poll_fd(&self) -> Option<BorrowedFd<'_>> {
        self.did.lock().unwrap().push(Did::AskedWhatToWaitOn);
        None
    }
    fn state(&self) -> Arc<PortState> {
        Arc::clone(&self.state)
    }
}

/// What a worker does with a port that brings these bursts, which leave through another.
fn done_with(bursts: &[usize], busy_poll: bool) -> Vec<Did> {
    let did = Arc::new(Mutex::new(Vec::new()));
    let port = |bursts: &[usize]| -> Vec<Box<dyn Port>> {
        vec![Box::new(Scripted { bursts: bursts.to_vec(), did: Arc::clone(&did), state: PortState::new(1500) })]
    };
    let options = Options { busy_poll, batch: 8, coalesce: false, ..Options::default() };
    let ports = vec![(PortId(0), port(bursts)), (PortId(1), port(&[]))];
    let dataplane = Dataplane::start(&options, vec![Copier::default()], snapshot(1), ports).unwrap();
    let frames: usize = bursts.iter().sum();
    eventually("all are through", || dataplane.inspect(0, |engine| engine.sent.len()).unwrap() == frames);
    stop(dataplane);
    let did = did.lock().unwrap();
    did.clone()
}

#[test]
fn a_packet_that_comes_alone_leaves_before_its_port_is_asked_for_more() {
    for busy_poll in [false, true] {
        let mut did = done_with(&[0, 1, 0, 1, 8, 3], busy_poll);
        did.retain(|did| *did != Did::AskedWhatToWaitOn);
        let (asked, sent) = (|limit, got| Did::Asked { limit, got }, Did::Sent);
        let alone = [asked(8, 0), asked(1, 1), sent(1), asked(8, 0), asked(1, 1), sent(1)];
        let stream = [asked(8, 8), sent(8), asked(8, 3), sent(3)];
        assert_eq!(did, [alone.as_slice(), &stream].concat(), "busy_poll: {busy_poll}");
    }
}

#[test]
fn a_worker_that_never_sleeps_asks_no_port_what_to_wait_on() {
    assert!(!done_with(&[3, 2], true).contains(&Did::AskedWhatToWaitOn));
    assert!(done_with(&[3, 2], false).contains(&Did::AskedWhatToWaitOn));
}

#[test]
fn a_detached_port_comes_back_to_the_asker() {
    let (dataplane, _wires) = start(Options::default(), 2);
    assert_eq!(dataplane.detach(PortId(0)).unwrap().len(), 1);
    assert!(dataplane.detach(PortId(0)).unwrap().is_empty());
}

#[test]
fn a_panic_ends_the_worker_with_its_message_and_does_not_hang_the_control_side() {
    let (told, failure) = crossbeam::channel::bounded(1);
    let on_failure: OnFailure = Arc::new(move |failure| told.send(failure.clone()).unwrap());
    let (dataplane, [left, _right]) = start(Options { on_failure: Some(on_failure), ..Options::default() }, 2);
    left.inject(frame(99, 0)).unwrap();
    let expected = Failure::Panicked { worker: 0, message: "a frame of 99 bytes".to_owned() };
    assert_eq!(failure.recv_timeout(Duration::from_secs(10)).unwrap(), expected);
    eventually("the control side notices", || dataplane.inspect(0, |_| ()).is_err());
    assert_eq!(dataplane.stop().unwrap_err(), expected);
}

#[test]
fn a_core_that_is_not_there_is_an_error_at_the_start() {
    let options = Options { cpu: Some(1023), ..Options::default() };
    assert!(Dataplane::start(&options, vec![Copier::default()], snapshot(1), vec![]).is_err());
}

/// Two workers: port 0 has a queue for each, port 1 one only.
fn start_two(capacity: usize) -> (Dataplane<Copier>, [MemoryWire; 2], MemoryWire) {
    let (one, one_wire) = pair(capacity, 1500).unwrap();
    let (other, other_wire) = pair(capacity, 1500).unwrap();
    let (right, right_wire) = pair(capacity, 9000).unwrap();
    let ports: Vec<(PortId, Vec<Box<dyn Port>>)> =
        vec![(PortId(0), vec![Box::new(one), Box::new(other)]), (PortId(1), vec![Box::new(right)])];
    let dataplane = Dataplane::start(&Options::default(), vec![Copier::default(), Copier::default()], snapshot(1), ports).unwrap();
    (dataplane, [one_wire, other_wire], right_wire)
}

#[test]
fn a_worker_without_a_queue_sends_through_one_that_has() {
    let (dataplane, [one, other], right) = start_two(256);
    (0..100).for_each(|number| other.inject(frame(60, number)).unwrap());
    (0..100).for_each(|number| assert_eq!(take(&right).bytes()[0], number));
    one.inject(frame(60, 200)).unwrap();
    assert_eq!(take(&right).bytes()[0], 200);
    right.inject(frame(60, 7)).unwrap();
    assert_eq!(take(&one).bytes()[0], 7);
    assert_eq!(dataplane.inspect(1, |engine| engine.mtus.clone()).unwrap(), [(PortId(0), 1500), (PortId(1), 9000)]);
    let engines = dataplane.stop().unwrap();
    assert_eq!((engines[0].sent.len(), engines[1].sent.len()), (102, 0), "who sent it counts it");
    assert!(engines.iter().all(|engine| engine.refused.is_empty()));
}

#[test]
fn what_the_other_does_not_take_in_time_is_refused_once() {
    let (dataplane, [_, other], right) = start_two(4096);
    let (begin, wait) = crossbeam::channel::bounded::<()>(0);
    std::thread::scope(|scope| {
        // The first worker stands still while the second hands over more than there is room for.
        scope.spawn(|| dataplane.inspect(0, move |_| _ = wait.recv_timeout(Duration::from_secs(10))).unwrap());
        (0..3000).for_each(|_| other.inject(frame(60, 0)).unwrap());
        eventually("refused", || dataplane.inspect(1, |engine| engine.refused.len()).unwrap() > 0);
        eventually("all received", || other.waiting() == 0);
        begin.send(()).unwrap();
    });
    let refused = dataplane.inspect(1, |engine| engine.refused.clone()).unwrap();
    assert!(refused.iter().all(|refused| *refused == (PortId(1), Reason::QueueFull)));
    (refused.len()..3000).for_each(|_| drop(take(&right)));
    eventually("all counted", || dataplane.inspect(0, |engine| engine.sent.len()).unwrap() + refused.len() == 3000);
}

#[test]
fn all_workers_adopt_a_snapshot_before_publishing_returns() {
    let (dataplane, _wires, _wire) = start_two(2);
    let former = Arc::downgrade(&dataplane.snapshot());
    dataplane.publish(snapshot(2)).unwrap();
    assert_eq!([0, 1].map(|worker| dataplane.inspect(worker, |engine| engine.generation).unwrap()), [2, 2]);
    assert!(former.upgrade().is_none());
}

#[test]
fn the_end_of_one_worker_is_told_with_its_number_and_the_other_stops_in_order() {
    let (told, failure) = crossbeam::channel::bounded(1);
    let on_failure: OnFailure = Arc::new(move |failure: &Failure| told.send(failure.clone()).unwrap());
    let (port, wire) = pair(2, 1500).unwrap();
    let (other, other_wire) = pair(2, 1500).unwrap();
    let ports: Vec<(PortId, Vec<Box<dyn Port>>)> = vec![(PortId(0), vec![Box::new(port), Box::new(other)])];
    let options = Options { on_failure: Some(on_failure), ..Options::default() };
    let dataplane = Dataplane::start(&options, vec![Copier::default(), Copier::default()], snapshot(1), ports).unwrap();
    other_wire.inject(frame(99, 0)).unwrap();
    let expected = Failure::Panicked { worker: 1, message: "a frame of 99 bytes".to_owned() };
    assert_eq!(failure.recv_timeout(Duration::from_secs(10)).unwrap(), expected);
    wire.inject(frame(60, 0)).unwrap();
    eventually("the first goes on", || dataplane.inspect(0, |engine| engine.refused.len()).unwrap() == 1);
    assert_eq!(dataplane.stop().unwrap_err(), expected);
}

#[test]
fn a_port_with_too_many_queues_or_none_is_refused_and_no_worker_has_it() {
    let (dataplane, _wires, _wire) = start_two(2);
    let queue = || Box::new(pair(2, 1500).unwrap().0) as Box<dyn Port>;
    assert!(dataplane.attach(PortId(2), vec![queue(), queue(), queue()]).unwrap_err().to_string().contains("3 queues for 2 workers"));
    assert!(dataplane.attach(PortId(2), vec![]).is_err());
    assert!(dataplane.detach(PortId(2)).unwrap().is_empty());
}
