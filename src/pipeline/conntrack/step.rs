//! What connection tracking answers with: states, events, steps, resets.

/// How far a flow's life is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum State {
    /// TCP: a SYN was seen.
    #[default]
    SynSent,
    /// TCP: the SYN was answered, the answer not yet acknowledged.
    SynReceived,
    /// TCP: found in the middle of its life, one direction seen so far.
    PickedUp,
    /// TCP: open.
    Established,
    /// TCP: one side has finished.
    HalfClosed,
    /// TCP: both sides have finished, not all of it is acknowledged.
    Closing,
    /// TCP: both sides have finished and know it.
    TimeWait,
    /// TCP: reset by one side.
    Reset,
    /// Not TCP: one direction seen so far.
    Unreplied,
    /// Not TCP: both directions seen.
    Replied,
}

/// What a packet did to its flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// Nothing that others need to know.
    None,
    /// The flow is answered for: it leaves the half-open quota.
    BecameEstablished,
    /// A side has finished: the timeout is shorter from now on (`hasten`).
    Closing,
    /// Both sides have finished, or one has reset: the flow goes with its timeout, which is shorter now (`hasten`).
    Closed,
    /// The packet opens a new connection over a dead one. Nothing was changed: remove the flow, and treat the packet as
    /// the first of a new one.
    Reopen,
}

/// What to do after a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Ticks from now to the flow's new deadline. `None`: the packet does not count, the deadline stays.
    pub timeout: Option<u32>,
    /// What happened.
    pub event: Event,
}

impl Step {
    pub(super) const IGNORE: Self = Self { timeout: None, event: Event::None };

    /// Whether nobody but the flow itself has to know.
    #[inline(always)]
    #[must_use]
    pub const fn is_quiet(&self) -> bool {
        matches!(self.event, Event::None)
    }

    /// Whether the new deadline may lie before the former one, so that the table has to be told (`hasten`).
    #[must_use]
    pub const fn shortens(&self) -> bool {
        matches!(self.event, Event::Closing | Event::Closed)
    }
}

/// A reset that its receiver takes as its peer's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ResetSegment {
    /// Sequence number: exactly what the receiver expects next (RFC 5961, 3.2).
    pub sequence: u32,
    /// What the seeming sender has acknowledged; to be sent with the ACK flag.
    pub acknowledgement: u32,
}
