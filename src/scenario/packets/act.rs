//! One scenario with packets, from beginning to end.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use super::cast::{Cast, Player};
use super::client::{Client, Outcome, Packet};
use super::counters::Counters;
use super::listener::Listener;
use super::observation::Observation;
use super::stage::{Director, Stage};
use crate::lab::{Borrowed, LabError};
use crate::packet::Reason;
use crate::scenario::compare::{Comparison, Lacking};
use crate::scenario::established::Established;
use crate::scenario::expectation::Expectation;
use crate::scenario::networks::Compiled;
use crate::scenario::report::{Aftermath, Mode, Played};
use crate::scenario::suite::{Case, Next};
use crate::wire::protocol::{AH, ESP};

/// How long an answer is waited for.
const ANSWER: Duration = Duration::from_secs(3);
/// How long where the dataplane has counted a drop, and only this scenario has packets.
const AFTER_A_DROP: Duration = Duration::from_millis(400);
/// How long an open connection has to answer after a change.
const WORD: Duration = Duration::from_millis(1500);
/// How long where the last word was lost: TCP takes its time before it tries again.
const WORD_AFTER_SILENCE: Duration = Duration::from_secs(5);
/// Looks at the clock before the counters are read once more.
const LOOKS_PER_READING: u32 = 10;

/// Why a scenario ends early: it cannot be played (a sentence), or the lab is gone.
enum Broken {
    Skip(String),
    Lab(LabError),
}

impl From<LabError> for Broken {
    fn from(error: LabError) -> Self {
        Self::Lab(error)
    }
}

/// A scenario on stage.
pub(super) struct Act<'a, 's> {
    case: &'a Case,
    stage: &'a mut Stage<'s>,
    director: &'a Director<'a>,
    /// Addresses that players have in this scenario only.
    addresses: Vec<Borrowed>,
}

/// Everything of one packet that must stay while its flow lives.
struct Flow {
    client: Client,
    /// The connection came to be, and was not reset.
    open: bool,
    /// Its last word was not answered.
    denied: bool,
    /// Dropped behind the client.
    _listener: Option<Listener>,
}

impl<'a, 's> Act<'a, 's> {
    pub(super) fn new(case: &'a Case, stage: &'a mut Stage<'s>, director: &'a Director<'a>) -> Self {
        Self { case, stage, director, addresses: Vec::new() }
    }

    /// Plays it. What cannot be played is skipped, with the reason.
    pub(super) fn play(mut self, cast: &Cast) -> Result<Played, LabError> {
        let result = self.scenes(cast);
        if !self.case.then.is_empty() {
            self.stage.restore()?;
        }
        match result {
            Ok(played) => Ok(played),
            Err(Broken::Skip(reason)) => Ok(Played::skipped(self.case, Mode::Packets, reason)),
            Err(Broken::Lab(error)) => Err(error),
        }
    }

    fn scenes(&mut self, cast: &Cast) -> Result<Played, Broken> {
        let case = self.case;
        let (answer, mut flow) =
            self.packet(cast, &case.compiled, &case.expect, case.fixed_source_port.then_some(case.words.source_port))?;
        let mut comparison = Comparison::of(&case.expect, &answer, Lacking::IsUnknown, "");
        let mut then = Vec::new();
        for (index, next) in case.then.iter().enumerate() {
            self.director.check()?;
            then.push(self.change(next, index, &mut flow, &mut comparison)?);
        }
        for field in &comparison.not_shown {
            tracing::debug!("{}: packets do not show {field}", case.name);
        }
        if comparison.matched == 0 && comparison.differences.is_empty() {
            return Err(Broken::Skip("packets show nothing of what is expected".to_owned()));
        }
        Ok(Played::judged(case, Mode::Packets, comparison, answer, then))
    }

    /// Another file comes into force; the open connection goes on or does not, and a new packet meets what it meets.
    fn change(&mut self, next: &Next, index: usize, flow: &mut Flow, comparison: &mut Comparison) -> Result<Aftermath, Broken> {
        self.stage.reload(&next.compiled.path)?;
        let established = next.established.map(|(wanted, span)| {
            let now = self.word(flow);
            let difference = || Comparison::differing(format!("then[{index}].established"), span, json!(wanted), json!(now));
            comparison.extend(if now == wanted { Comparison { matched: 1, ..Comparison::default() } } else { difference() });
            now
        });
        let mut answer = Json::Null;
        if let Some(expect) = &next.expect {
            let cast = Cast::under(&self.case.words, &next.compiled).map_err(Broken::Skip)?;
            // Beside the open connection, so from another port.
            answer = self.packet(&cast, &next.compiled, expect, None)?.0;
            comparison.extend(Comparison::of(expect, &answer, Lacking::IsUnknown, &format!("then[{index}].")));
        }
        Ok(Aftermath { reload: next.compiled.path.display().to_string(), established, answer })
    }

    fn word(&self, flow: &mut Flow) -> Established {
        if !flow.open {
            return Established::Closed;
        }
        let (start, patience) = (Instant::now(), if flow.denied { WORD_AFTER_SILENCE } else { WORD });
        let now = flow.client.say(|| start.elapsed() < patience && !self.director.stop.is_set());
        (flow.open, flow.denied) = (now != Established::Reset, now == Established::Deny);
        now
    }

    /// Sends a first packet and says what was seen of it.
    fn packet(&mut self, cast: &Cast, compiled: &Compiled, expect: &Expectation, fixed_port: Option<u16>) -> Result<(Json, Flow), Broken> {
        let taken = || Broken::Skip("an earlier scenario sent the same packet: this one would meet its flow".to_owned());
        let source_port = self.stage.source_port(fixed_port, cast).ok_or_else(taken)?;
        self.borrow(cast)?;
        let listener = self.listener(cast)?;
        let before = self.stage.counters()?;
        let (question, packet) = (cast.question, self.describe(cast, source_port));
        let mut client = Client::open(packet).map_err(|error| unable(&cast.sender, &error))?;
        let one_way = listener.as_ref().filter(|_| matches!(question.protocol, ESP | AH));
        let (stage, director) = (&*self.stage, self.director);
        let mut waiting = Waiting { stage, director, before: &before, one_way, start: Instant::now(), looks: 0 };
        let outcome = client.send(|| waiting.goes_on()).map_err(|error| unable(&cast.sender, &error))?;
        let counted = self.stage.counters()?.since(&before);
        let told = if let Outcome::Answered(seen) = outcome { seen } else { None };
        let seen = told.or_else(|| listener.as_ref().and_then(Listener::last_seen));
        let answer = Observation { outcome, seen, counted, cast, network: &compiled.network, expect }.answer();
        let open = matches!(outcome, Outcome::Answered(_)) && answer.get("verdict").is_some_and(|verdict| verdict == "Allow");
        Ok((answer, Flow { client, open, denied: false, _listener: listener }))
    }

    fn describe(&self, cast: &Cast, source_port: u16) -> Packet {
        let question = &cast.question;
        Packet {
            namespace: cast.sender.namespace.clone(),
            protocol: question.protocol,
            source: SocketAddr::new(cast.sender.address, source_port),
            destination: SocketAddr::new(question.destination, question.destination_port),
        }
    }

    /// Gives the players the addresses that are not their own.
    fn borrow(&mut self, cast: &Cast) -> Result<(), Broken> {
        for player in [Some(&cast.sender), cast.receiver.as_ref()].into_iter().flatten() {
            let Player { namespace, device, address, .. } = player;
            if self.stage.has(namespace, *address) || self.addresses.iter().any(|borrowed| borrowed.is(namespace, *address)) {
                continue;
            }
            let borrowed = Borrowed::new(namespace, device, *address);
            self.addresses.push(borrowed.map_err(|error| Broken::Skip(format!("{namespace} cannot have the address {address}: {error}")))?);
        }
        Ok(())
    }

    /// Listens at the destination, where nobody does yet.
    fn listener(&self, cast: &Cast) -> Result<Option<Listener>, Broken> {
        let Some(receiver) = &cast.receiver else { return Ok(None) };
        let question = &cast.question;
        Listener::open(&receiver.namespace, question.protocol, question.destination_port, receiver.address.is_ipv6())
            .map_err(|error| unable(receiver, &error))
    }
}

fn unable(player: &Player, error: &std::io::Error) -> Broken {
    Broken::Skip(format!("{} with the address {}: {error}", player.namespace, player.address))
}

/// Whether it makes sense to wait for an answer any longer.
struct Waiting<'w> {
    stage: &'w Stage<'w>,
    director: &'w Director<'w>,
    before: &'w Counters,
    /// Where nobody answers: that it came is all there is to wait for.
    one_way: Option<&'w Listener>,
    start: Instant,
    looks: u32,
}

impl Waiting<'_> {
    fn goes_on(&mut self) -> bool {
        self.looks = self.looks.wrapping_add(1);
        let elapsed = self.start.elapsed();
        let came = self.one_way.is_some_and(|listener| listener.last_seen().is_some());
        let over = elapsed >= ANSWER || came || self.director.stop.is_set();
        !over && (elapsed <= AFTER_A_DROP || !self.was_dropped())
    }

    /// Something was dropped since, and it cannot have been anybody else's.
    fn was_dropped(&self) -> bool {
        if self.stage.noisy || !self.looks.is_multiple_of(LOOKS_PER_READING) {
            return false;
        }
        let drops = self.stage.read().map(|now| now.since(self.before).drops()).unwrap_or_default();
        drops.iter().any(|(reason, _)| reason != Reason::Unsupported.name())
    }
}
