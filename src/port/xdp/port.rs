//! The port: some queues of an interface, polled in turns.

use std::cell::OnceCell;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};

use super::attachment::Attachment;
use super::queue::{Queue, Sent};
use super::super_frames::SuperFrameSocket;
use super::unavailable::{LARGEST_PACKET, MOST_QUEUES, Step, Unavailable};
use crate::packet::segments::SuperFrames;
use crate::packet::{Frame, FramePool, Gso, Reason};
use crate::port::plain::Plain;
use crate::port::sending::{Failure, send_each};
use crate::port::{Port, PortState, ethtool, interface};

/// Some receive queues of an interface, through `AF_XDP`; it sends on the first.
#[derive(Debug)]
pub struct XdpPort {
    // Before the queues: the program goes first.
    attachment: Arc<Attachment>,
    queues: Vec<Queue>,
    /// Which queue the next burst starts with.
    turn: usize,
    /// All that wakes the port, in one descriptor: the queues' sockets and the bell. Made when it is first asked for: to tell it
    /// of a frame costs the far end of a veth a tenth of its rate, and is in vain where nobody waits. `None`: it could not be made.
    waiting: OnceCell<Option<Epoll>>,
    plain: Plain,
    /// Where super-frames leave whole; `None` where they could be overtaken.
    whole: Option<SuperFrameSocket>,
    /// Frames wait in the transmit ring for room in the device.
    is_behind: bool,
    /// The interface was down at the last attempt to send.
    is_down: bool,
    state: Arc<PortState>,
}

impl XdpPort {
    /// Attaches to the interface `name` of the caller's network namespace, in promiscuous mode, with all its receive queues.
    ///
    /// # Errors
    /// See [`Unavailable`].
    pub fn open(name: &str, state: &Arc<PortState>) -> Result<Self, Unavailable> {
        Self::open_shares(name, 1, state)?.pop().ok_or(Unavailable::Gone)
    }

    /// Like [`XdpPort::open`], with the queues dealt out over `shares` ports, for a worker each; fewer ports where there are
    /// fewer queues.
    ///
    /// # Errors
    /// As [`XdpPort::open`].
    pub fn open_shares(name: &str, shares: usize, state: &Arc<PortState>) -> Result<Vec<Self>, Unavailable> {
        let index = interface::index(name).map_err(Unavailable::at(Step::Interface))?;
        let mtu = interface::mtu(name).map_err(Unavailable::at(Step::Interface))?;
        if mtu > LARGEST_PACKET {
            return Err(Unavailable::Mtu(mtu));
        }
        let count = ethtool::receive_queues(name).map_err(Unavailable::at(Step::Interface))?;
        if count > MOST_QUEUES {
            return Err(Unavailable::Queues(count));
        }
        ethtool::keep_vlan_tags(name);
        let queues = (0..count).map(|queue| Queue::open(index, queue)).collect::<Result<Vec<_>, _>>()?;
        let attachment = Arc::new(Attachment::new(index, &queues)?);
        let zero_copy = queues.iter().all(|queue| queue.socket().is_zero_copy());
        tracing::info!(interface = name, queues = count, mode = ?attachment.mode, zero_copy, "through AF_XDP");
        state.mtu.store(mtu, Ordering::Relaxed);
        let keeps_order = ethtool::keeps_order(name);
        let whole = || keeps_order.then(|| SuperFrameSocket::open(index)).transpose();
        let ports = deal(queues, shares).into_iter().map(|queues| Ok(Self::new(Arc::clone(&attachment), queues, whole()?, state)));
        let ports = ports.collect::<io::Result<Vec<_>>>().map_err(Unavailable::at(Step::Rings))?;
        state.set_present(true);
        Ok(ports)
    }

    fn new(attachment: Arc<Attachment>, queues: Vec<Queue>, whole: Option<SuperFrameSocket>, state: &Arc<PortState>) -> Self {
        let (waiting, plain, state) = (OnceCell::new(), Plain::default(), Arc::clone(state));
        Self { attachment, queues, turn: 0, waiting, plain, whole, is_behind: false, is_down: false, state }
    }

    fn everything_that_wakes(&self) -> io::Result<Epoll> {
        let waiting = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        waiting.add(&self.attachment.bell, EpollEvent::new(EpollFlags::EPOLLIN, 0))?;
        for (number, queue) in self.queues.iter().enumerate() {
            waiting.add(queue.socket(), wanted(self.is_behind && number == 0))?;
        }
        Ok(waiting)
    }

    /// What the monitor asks; it must not keep the port open.
    pub(in crate::port) fn attachment(&self) -> Weak<Attachment> {
        Arc::downgrade(&self.attachment)
    }

    /// Sends what stands in the transmit ring, and sees to it that the port is woken where something stays.
    fn flush(&mut self) -> io::Result<()> {
        let Self { queues, waiting, is_behind, is_down, .. } = self;
        let Some(queue) = queues.first_mut() else { return Ok(()) };
        let outcome = queue.flush();
        *is_down = outcome.as_ref().is_err_and(|error| error.raw_os_error() == Some(libc::ENETDOWN));
        let was_behind = std::mem::replace(is_behind, matches!(outcome, Ok(Sent::Some)));
        if was_behind != *is_behind
            && let Some(Some(waiting)) = waiting.get()
        {
            waiting.modify(queue.socket(), &mut wanted(*is_behind))?;
        }
        outcome.map(drop)
    }

    /// A super-frame leaves at once, behind what stands in the transmit ring; anything else goes there.
    fn hand_on(&mut self, frame: &mut Frame, pool: &mut FramePool) -> Result<(), Failure> {
        if frame.offload.gso != Gso::None && self.whole.is_some() && !self.is_down {
            self.flush().map_err(Failure::Gone)?;
            if let Some(socket) = self.whole.as_ref().filter(|_| !self.is_behind) {
                return socket.send(frame);
            }
        }
        self.push(frame, pool)
    }

    /// The frame, as the ordinary frames that it stands for, into the transmit ring: all of them or none.
    fn push(&mut self, frame: &mut Frame, pool: &mut FramePool) -> Result<(), Failure> {
        let Self { queues, plain, is_down, .. } = self;
        let Some(queue) = queues.first_mut().filter(|_| !*is_down) else { return Err(Failure::Refused(Reason::DestinationUnknown)) };
        plain.with(frame, pool, |frames| {
            if !frames.iter().all(|frame| Queue::takes(frame.len())) {
                return Err(Failure::Refused(Reason::TooBig));
            }
            if queue.room() < frames.len() || !frames.iter().all(|frame| queue.push(frame.bytes())) {
                return Err(Failure::Refused(Reason::QueueFull));
            }
            Ok(())
        })
    }
}

impl Port for XdpPort {
    fn rx_burst(&mut self, pool: &mut FramePool, frames: &mut Vec<Frame>, limit: usize) -> io::Result<usize> {
        if self.attachment.is_gone() {
            return Err(io::Error::from_raw_os_error(libc::ENODEV));
        }
        if self.is_behind {
            self.flush()?;
        }
        let (count, mut received) = (self.queues.len(), 0);
        self.turn = self.turn.wrapping_add(1);
        for step in 0..count {
            if let Some(queue) = self.queues.get_mut((self.turn.wrapping_add(step)) % count) {
                received += queue.receive(pool, frames, limit - received);
            }
        }
        Ok(received)
    }

    fn tx_burst(&mut self, frames: &mut Vec<Frame>, pool: &mut FramePool, refused: &mut Vec<(usize, Reason)>) -> io::Result<()> {
        if self.is_down {
            // Perhaps it is up again.
            self.flush().or_else(down_is_not_gone)?;
        }
        if let Some(queue) = self.queues.first_mut() {
            queue.reclaim();
        }
        let (count, was_down) = (frames.len(), self.is_down);
        let handed_on = send_each(frames, pool, refused, |frame, pool| self.hand_on(frame, pool));
        if was_down {
            return handed_on;
        }
        handed_on.and_then(|()| self.flush()).or_else(|error| {
            refuse_the_others(count, refused);
            down_is_not_gone(error)
        })
    }

    fn takes(&self) -> SuperFrames {
        if self.whole.is_some() { SuperFrameSocket::takes() } else { SuperFrames::NONE }
    }

    fn poll_fd(&self) -> Option<BorrowedFd<'_>> {
        let waiting = self.waiting.get_or_init(|| {
            self.everything_that_wakes()
                .inspect_err(|error| tracing::warn!(%error, "an AF_XDP port is polled, as it cannot be waited on"))
                .ok()
        });
        waiting.as_ref().map(|waiting| waiting.0.as_fd())
    }

    fn state(&self) -> Arc<PortState> {
        Arc::clone(&self.state)
    }
}

/// What to be woken by: frames, and room for more where some wait for it.
fn wanted(is_behind: bool) -> EpollEvent {
    EpollEvent::new(if is_behind { EpollFlags::EPOLLIN | EpollFlags::EPOLLOUT } else { EpollFlags::EPOLLIN }, 0)
}

fn down_is_not_gone(error: io::Error) -> io::Result<()> {
    if error.raw_os_error() == Some(libc::ENETDOWN) { Ok(()) } else { Err(error) }
}

/// Frames that got no further than the transmit ring of an interface that is down or gone were not sent.
fn refuse_the_others(count: usize, refused: &mut Vec<(usize, Reason)>) {
    let mut known = std::mem::take(refused).into_iter().peekable();
    let reason = |index| known.next_if(|(refused, _)| *refused == index).unwrap_or((index, Reason::DestinationUnknown));
    refused.extend((0..count).map(reason));
}

/// Deals the queues out, one after the other; as many hands as there are takers, at most one a queue.
fn deal<T>(queues: Vec<T>, takers: usize) -> Vec<Vec<T>> {
    let count = takers.clamp(1, queues.len().max(1));
    let mut hands: Vec<Vec<T>> = (0..count).map(|_| Vec::new()).collect();
    for (number, queue) in queues.into_iter().enumerate() {
        if let Some(hand) = hands.get_mut(number % count) {
            hand.push(queue);
        }
    }
    hands
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_behind_is_refused_beside_what_was() {
        let mut refused = vec![(1, Reason::TooBig)];
        refuse_the_others(3, &mut refused);
        assert_eq!(refused, [(0, Reason::DestinationUnknown), (1, Reason::TooBig), (2, Reason::DestinationUnknown)]);
    }

    #[test]
    fn queues_are_dealt_out_and_nobody_goes_without() {
        assert_eq!(deal(vec![0, 1, 2, 3, 4], 2), [vec![0, 2, 4], vec![1, 3]]);
        assert_eq!(deal(vec![0, 1], 4), [vec![0], vec![1]]);
        assert_eq!(deal(vec![0, 1, 2], 1), [vec![0, 1, 2]]);
    }
}
