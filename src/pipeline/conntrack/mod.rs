//! What a flow's packets say of its life: how far a connection is, and how long it may be silent.
//!
//! Pure: no table, no clock. The caller keeps a [`Tracking`] with each flow, calls [`Tracking::advance`] for each packet and
//! does what the [`Step`] says: [`Step::timeout`] counts from now.
//!
//! | what | silent for at most | why |
//! |---|---|---|
//! | TCP, no full handshake yet | 30 s | bounds what a SYN flood holds (Linux: 60 to 120 s) |
//! | TCP, open | the network's `flowTimeoutInMinutes`, 4 min where not given | Azure virtual network, 4 to 30 min |
//! | TCP, one side has finished | 2 min, or the flow timeout if that is shorter | as Linux' FIN_WAIT |
//! | TCP, both have finished | 60 s | last retransmissions |
//! | TCP, all acknowledged (time-wait) | 60 s | as Linux; the entry keeps its translated port |
//! | TCP, reset | 10 s | as Linux' CLOSE |
//! | UDP, one way | 30 s | as Linux |
//! | UDP, both ways | 4 min | Azure's outbound translation |
//! | ICMP echo and other ICMP | 30 s | as Linux |
//! | ESP, AH | 10 min | as Linux' generic timeout |
//!
//! TCP packets are never refused here: end hosts judge them better. What does not fit the connection passes without
//! moving its state, so that nobody off the path ends a flow, or keeps it, by guessing.

use crate::packet::parse::{Tcp, Transport};
use crate::table::flow::{FlowDirection, TICKS_PER_SECOND};
use crate::wire::protocol::{ICMP, ICMPV6, TCP, UDP};
use crate::wire::tcp::{ACK, FIN, RST, SYN};

mod quota;
mod sequence;
mod step;

#[cfg(test)]
mod tests;

pub use quota::HalfOpenQuota;
use sequence::{Fit, Side};
pub use step::{Event, ResetSegment, State, Step};

const fn seconds(seconds: u16) -> u16 {
    seconds * TICKS_PER_SECOND as u16
}

const HALF_OPEN: u16 = seconds(30);
const HALF_CLOSED: u16 = seconds(120);
const CLOSING: u16 = seconds(60);
const TIME_WAIT: u16 = seconds(60);
const RESET: u16 = seconds(10);
const UNREPLIED: u16 = seconds(30);
const UDP_REPLIED: u16 = seconds(240);
const ECHO: u16 = seconds(30);
const PORTLESS: u16 = seconds(600);

/// Azure's TCP idle timeout where the network gives none, in minutes.
pub const DEFAULT_FLOW_TIMEOUT_MINUTES: u32 = 4;
/// The longest `flowTimeoutInMinutes`.
const LONGEST_FLOW_TIMEOUT_MINUTES: u32 = 30;

/// What is remembered of a flow's life, in 20 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tracking {
    next: [u32; 2],
    acknowledged: [u32; 2],
    /// Both sides' marks, three bits each, and the two bits below.
    marks: u8,
    state: State,
    protocol: u8,
    /// Silence allowed while established, in minutes.
    flow_timeout: u8,
}

/// In [`Tracking::marks`]: the flow was answered for once; it is not half-open any more, whatever happens.
const CONFIRMED: u8 = 0x40;
/// In [`Tracking::marks`]: in state [`State::Reset`], the reset came from the reply direction's sender.
const RESET_BY_REPLY: u8 = 0x80;
/// The width of a side's marks.
const SIDE_BITS: usize = 3;

impl Tracking {
    /// The state after a flow's first packet. `payload_length` counts the bytes behind the TCP header;
    /// `flow_timeout_minutes` is the network's, brought into Azure's 4 to 30.
    #[must_use]
    pub fn first(protocol: u8, transport: &Transport, payload_length: u32, flow_timeout_minutes: Option<u32>) -> Self {
        let minutes = flow_timeout_minutes.unwrap_or(DEFAULT_FLOW_TIMEOUT_MINUTES);
        let minutes = minutes.clamp(DEFAULT_FLOW_TIMEOUT_MINUTES, LONGEST_FLOW_TIMEOUT_MINUTES);
        let mut tracking = Self {
            next: [0; 2],
            acknowledged: [0; 2],
            marks: 0,
            state: if protocol == TCP { State::PickedUp } else { State::Unreplied },
            protocol,
            flow_timeout: u8::try_from(minutes).unwrap_or(u8::MAX),
        };
        if let Transport::Tcp(tcp) = transport {
            if tcp.flags & (SYN | ACK | RST) == SYN {
                tracking.state = State::SynSent;
            } else if tcp.flags & RST != 0 {
                tracking.state = State::Reset;
            }
            tracking.set_side(FlowDirection::Original, Side::started_by(tcp, payload_length));
        }
        tracking
    }

    /// How far the flow is.
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }

    /// Whether nobody has answered for the flow so far: it counts in the [`HalfOpenQuota`] until an
    /// [`Event::BecameEstablished`], or until it is removed.
    #[must_use]
    pub const fn is_half_open(&self) -> bool {
        self.marks & CONFIRMED == 0
    }

    /// Whether the connection is over, so that a new one may take its keys.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        matches!(self.state, State::HalfClosed | State::Closing | State::TimeWait | State::Reset)
    }

    /// How long the flow may be silent now, in ticks.
    #[inline]
    #[must_use]
    pub fn timeout(&self) -> u32 {
        let flow_timeout = seconds(60) * u16::from(self.flow_timeout);
        u32::from(match self.state {
            State::SynSent | State::SynReceived | State::PickedUp => HALF_OPEN,
            State::Established => flow_timeout,
            State::HalfClosed => HALF_CLOSED.min(flow_timeout),
            State::Closing => CLOSING,
            State::TimeWait => TIME_WAIT,
            State::Reset => RESET,
            State::Unreplied | State::Replied => self.datagram_timeout(),
        })
    }

    /// The sequence number that this direction's sender uses next, as far as its packets told; `None` before the first.
    #[must_use]
    pub fn sequence_for(&self, direction: FlowDirection) -> Option<u32> {
        let side = self.side(direction);
        side.is_seen().then_some(side.next)
    }

    /// The last acknowledgement that this direction's sender sent: what it expects next from its peer.
    #[must_use]
    pub fn acknowledged_by(&self, direction: FlowDirection) -> Option<u32> {
        let side = self.side(direction);
        side.has_acknowledged().then_some(side.acknowledged)
    }

    /// Resets in the name of `direction`'s sender, for its peer. Two where data is under way: whether it has arrived is
    /// not known here, and only the exact number is obeyed. None where too little was seen, or it is not TCP.
    pub fn resets_from(&self, direction: FlowDirection) -> impl Iterator<Item = ResetSegment> + use<> {
        let expected = self.acknowledged_by(direction.opposite());
        let sent = self.sequence_for(direction).filter(|&next| expected != Some(next));
        let acknowledgement = self.acknowledged_by(direction).unwrap_or(self.side(direction.opposite()).next);
        let is_tcp = self.protocol == TCP;
        [expected, sent].into_iter().flatten().filter(move |_| is_tcp).map(move |sequence| ResetSegment { sequence, acknowledgement })
    }

    /// Takes note of a packet of the flow. `payload_length` counts the bytes behind the TCP header (of the whole
    /// super-frame).
    #[inline]
    pub fn advance(&mut self, direction: FlowDirection, transport: &Transport, payload_length: u32) -> Step {
        match transport {
            Transport::Tcp(tcp) => self.advance_tcp(direction, tcp, payload_length),
            _ if self.protocol == TCP => Step::IGNORE,
            _ => self.advance_datagram(direction),
        }
    }

    #[inline(always)]
    fn advance_datagram(&mut self, direction: FlowDirection) -> Step {
        if direction == FlowDirection::Original || self.state == State::Replied {
            return Step { timeout: Some(u32::from(self.datagram_timeout())), event: Event::None };
        }
        self.state = State::Replied;
        self.confirm()
    }

    #[inline(always)]
    const fn datagram_timeout(&self) -> u16 {
        match self.protocol {
            UDP if matches!(self.state, State::Replied) => UDP_REPLIED,
            UDP => UNREPLIED,
            ICMP | ICMPV6 => ECHO,
            _ => PORTLESS,
        }
    }

    fn advance_tcp(&mut self, direction: FlowDirection, tcp: &Tcp, payload_length: u32) -> Step {
        match tcp.flags & (SYN | RST | ACK) {
            flags if flags & RST != 0 => self.on_reset(direction, tcp),
            SYN => self.on_open(direction, tcp, payload_length),
            flags if flags == SYN | ACK => self.on_open_answer(direction, tcp, payload_length),
            ACK => self.on_segment(direction, tcp, payload_length),
            // a segment without any of the three is none (RFC 9293, 3.10.7.4)
            _ => Step::IGNORE,
        }
    }

    /// A SYN: the first again, one from both sides at once, or one over a dead connection. On a live connection it says
    /// nothing: the receiver's challenge ACK settles it (RFC 5961, 4).
    fn on_open(&mut self, direction: FlowDirection, tcp: &Tcp, payload_length: u32) -> Step {
        match self.state {
            _ if self.is_over() => Step { timeout: None, event: Event::Reopen },
            State::SynSent | State::SynReceived => {
                self.set_side(direction, Side::started_by(tcp, payload_length));
                let both = self.side(FlowDirection::Original).is_seen() && self.side(FlowDirection::Reply).is_seen();
                self.state = if both && direction == FlowDirection::Reply { State::SynReceived } else { State::SynSent };
                self.step(Event::None)
            }
            _ => Step::IGNORE,
        }
    }

    fn on_open_answer(&mut self, direction: FlowDirection, tcp: &Tcp, payload_length: u32) -> Step {
        match self.state {
            State::SynSent | State::SynReceived if self.side(direction.opposite()).is_answered_by(tcp) => {
                self.set_side(direction, Side::started_by(tcp, payload_length));
                self.state = State::SynReceived;
                self.step(Event::None)
            }
            State::PickedUp => self.on_segment(direction, tcp, payload_length),
            _ => Step::IGNORE,
        }
    }

    fn on_segment(&mut self, direction: FlowDirection, tcp: &Tcp, payload_length: u32) -> Step {
        match self.state {
            State::SynSent => Step::IGNORE,
            State::SynReceived | State::PickedUp => self.on_early_segment(direction, tcp, payload_length),
            State::Reset if direction != self.reset_by() || self.is_half_open() => Step::IGNORE,
            _ => self.on_open_segment(direction, tcp, payload_length),
        }
    }

    /// Before both sides are known to mean it: the acknowledgement of the SYN's answer opens the connection, or of a
    /// connection found half-way the first answer.
    fn on_early_segment(&mut self, direction: FlowDirection, tcp: &Tcp, payload_length: u32) -> Step {
        let peer = self.side(direction.opposite());
        let opens = match self.state {
            State::PickedUp => direction == FlowDirection::Reply && peer.is_spoken_to_by(tcp),
            _ => direction == FlowDirection::Original && peer.is_answered_by(tcp),
        };
        if !opens && self.state == State::PickedUp && direction == FlowDirection::Reply {
            return Step::IGNORE;
        }
        let noted = self.note(direction, tcp, payload_length);
        if !opens {
            return if noted { self.step(Event::None) } else { Step::IGNORE };
        }
        self.state = self.state_by_finishes(State::Established);
        self.confirm()
    }

    /// In an open or closing connection, or one whose resetting side speaks on: that reset was not its own.
    fn on_open_segment(&mut self, direction: FlowDirection, tcp: &Tcp, payload_length: u32) -> Step {
        if !self.note(direction, tcp, payload_length) {
            return Step::IGNORE;
        }
        let before = self.state;
        self.state = self.state_by_finishes(State::Established);
        let event = match self.state {
            after if after == before || before == State::Reset => Event::None,
            State::TimeWait => Event::Closed,
            _ => Event::Closing,
        };
        self.step(event)
    }

    /// A reset counts where its receiver may take it: between what the receiver has acknowledged and a little beyond what
    /// the sender has sent. Before the handshake ends it has to answer the SYN. Time-wait is not cut short (RFC 1337).
    fn on_reset(&mut self, direction: FlowDirection, tcp: &Tcp) -> Step {
        let (own, peer) = (self.side(direction), self.side(direction.opposite()));
        let fits = match self.state {
            State::TimeWait | State::Reset | State::Unreplied | State::Replied => false,
            State::SynSent if direction == FlowDirection::Reply => tcp.flags & ACK != 0 && peer.is_answered_by(tcp),
            _ => sequence::reset_fits(&own, &peer, tcp),
        };
        if !fits {
            return Step::IGNORE;
        }
        self.state = State::Reset;
        self.marks = if direction == FlowDirection::Reply { self.marks | RESET_BY_REPLY } else { self.marks & !RESET_BY_REPLY };
        self.step(Event::Closed)
    }

    /// Keeps what a segment tells of its sender. False where it does not fit.
    fn note(&mut self, direction: FlowDirection, tcp: &Tcp, payload_length: u32) -> bool {
        let peer = self.side(direction.opposite());
        let mut own = self.side(direction);
        match own.fit(tcp) {
            Fit::Outside => return false,
            Fit::Unknown => own = Side::started_by(tcp, payload_length),
            Fit::Inside => {
                own.extend(tcp, payload_length);
                own.acknowledge(tcp, &peer);
            }
        }
        self.set_side(direction, own);
        true
    }

    fn state_by_finishes(&self, open: State) -> State {
        let (original, reply) = (self.side(FlowDirection::Original), self.side(FlowDirection::Reply));
        match (original.has_finished(), reply.has_finished()) {
            (true, true) if original.knows_all_of(&reply) && reply.knows_all_of(&original) => State::TimeWait,
            (true, true) => State::Closing,
            (false, false) => open,
            _ => State::HalfClosed,
        }
    }

    fn confirm(&mut self) -> Step {
        let event = if self.is_half_open() { Event::BecameEstablished } else { Event::None };
        self.marks |= CONFIRMED;
        self.step(event)
    }

    fn step(&self, event: Event) -> Step {
        Step { timeout: Some(self.timeout()), event }
    }

    const fn side(&self, direction: FlowDirection) -> Side {
        let at = direction as usize;
        let marks = self.marks >> (SIDE_BITS * at) & ((1 << SIDE_BITS) - 1);
        Side { next: self.next[at], acknowledged: self.acknowledged[at], marks }
    }

    const fn reset_by(&self) -> FlowDirection {
        if self.marks & RESET_BY_REPLY == 0 { FlowDirection::Original } else { FlowDirection::Reply }
    }

    const fn set_side(&mut self, direction: FlowDirection, side: Side) {
        let at = direction as usize;
        self.next[at] = side.next;
        self.acknowledged[at] = side.acknowledged;
        let place = SIDE_BITS * at;
        self.marks = self.marks & !(((1 << SIDE_BITS) - 1) << place) | side.marks << place;
    }
}
