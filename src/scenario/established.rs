//! A connection that is open while the network changes, as the policy judges it.

use serde::Serialize;

use super::networks::Compiled;
use crate::ask::{Asked, Words, understand};
use crate::packet::Reason;
use crate::policy::app_service::classified;
use crate::policy::decide::decide;
use crate::policy::established::{Fate, fate};
use crate::policy::question::{Denial, Forward, Outcome, Scope, Shown, Silent, Source};
use crate::policy::snapshot::Snapshot;
use crate::wire::protocol::TCP;

/// What becomes of an open connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Established {
    /// Its packets go on.
    Allow,
    /// Its packets are dropped.
    Deny,
    /// It is reset.
    Reset,
    /// Its packets meet something that is not modelled.
    Undetermined,
    /// There was none, or it had been reset before.
    Closed,
}

/// A connection, as both its ends and its flow know it.
#[derive(Clone, Copy, Debug)]
pub struct Connection(State);

#[derive(Clone, Copy, Debug)]
enum State {
    /// A flow stands for it, with this way and source.
    Flowing(Forward),
    /// Its packets were dropped and its flow is gone; its ends, which were told nothing, try on.
    Trying(Forward),
    /// There is none.
    Closed,
}

impl Connection {
    /// Opens it, where the policy lets its first packet through.
    #[must_use]
    pub fn open(asked: &Asked, snapshot: &Snapshot) -> Self {
        let admitted = if asked.spoofed_at.is_some() { None } else { admitted(asked, snapshot).ok() };
        Self(admitted.map_or(State::Closed, State::Flowing))
    }

    /// Its next packet after a reload; the same functions decide that renew a flow.
    pub fn next_packet(&mut self, words: &Words, compiled: &Compiled) -> Established {
        let (State::Flowing(before) | State::Trying(before)) = self.0 else { return Established::Closed };
        // A name that the new file does not have was removed, with all that it stood for.
        let asked = understand(&compiled.network, &compiled.snapshot, words).ok().filter(|asked| asked.spoofed_at.is_none());
        let Some(asked) = asked else { return self.dropped(before) };
        if matches!(self.0, State::Trying(_)) {
            return self.first_packet(before, &asked, &compiled.snapshot);
        }
        let over_endpoint = !matches!(before.source, Source::Unchanged(_) | Source::Public(_));
        let question = classified(&compiled.snapshot, &asked.question);
        match fate(&compiled.snapshot, &question, over_endpoint, |now| as_recorded(&before, now), &mut Silent) {
            Fate::GoesOn(_) => Established::Allow,
            Fate::Switched => self.closed(Established::Reset),
            // Its flow stays, so that neither end opens it anew.
            Fate::Ends(Reason::NsgDeny) => Established::Deny,
            Fate::Ends(_) => self.dropped(before),
            Fate::Undetermined => self.closed(Established::Undetermined),
            Fate::Again => self.first_packet(before, &asked, &compiled.snapshot),
        }
    }

    /// Its next packet is a first packet. Whoever gets one of a TCP connection that they do not know resets it.
    fn first_packet(&mut self, before: Forward, asked: &Asked, snapshot: &Snapshot) -> Established {
        let tcp = asked.question.protocol == TCP;
        if tcp && !snapshot.tcp_without_handshake {
            return self.dropped(before);
        }
        match admitted(asked, snapshot) {
            Ok(now) if tcp && !(as_recorded(&before, &now) && before.source == now.source) => self.closed(Established::Reset),
            Ok(now) => {
                self.0 = State::Flowing(now);
                Established::Allow
            }
            Err(Some(Denial { shown, .. })) if tcp && shown != Shown::Nothing => self.closed(Established::Reset),
            Err(Some(_)) => self.dropped(before),
            Err(None) => self.closed(Established::Undetermined),
        }
    }

    fn dropped(&mut self, before: Forward) -> Established {
        self.0 = State::Trying(before);
        Established::Deny
    }

    fn closed(&mut self, how: Established) -> Established {
        self.0 = State::Closed;
        how
    }
}

fn admitted(asked: &Asked, snapshot: &Snapshot) -> Result<Forward, Option<Denial>> {
    match decide(snapshot, &classified(snapshot, &asked.question), Scope::FirstPacket, &mut Silent) {
        Outcome::Forward(forward) => Ok(forward),
        Outcome::Deny(denial) => Err(Some(denial)),
        Outcome::Undetermined(_) => Err(None),
    }
}

/// Whether the recorded translation still stands: the same far end, and for a service the same kind of source.
fn as_recorded(before: &Forward, now: &Forward) -> bool {
    let source = before.service.is_none() || std::mem::discriminant(&before.source) == std::mem::discriminant(&now.source);
    source && before.delivery.zone == now.delivery.zone && before.delivery.wire_destination == now.delivery.wire_destination
}
