//! Which lab hosts play a scenario: found by the functions that admit and decide, before anything is built.

use std::net::IpAddr;

use crate::ask::{Asked, Words, understand};
use crate::config::network::{Device, Host, Port};
use crate::policy::admission::admit;
use crate::policy::app_service::classified;
use crate::policy::decide::decide;
use crate::policy::question::{Outcome, Question, Scope, Sender, Silent};
use crate::scenario::networks::Compiled;
use crate::scenario::suite::Case;

/// A host, and the address that it has in the scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Player {
    /// Its namespace.
    pub(super) namespace: String,
    /// Its device in there.
    pub(super) device: String,
    /// Its port.
    pub(super) port: String,
    /// The address on the wire.
    pub(super) address: IpAddr,
}

/// Who plays, under one network file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cast {
    /// The question.
    pub(super) question: Question,
    /// Who sends.
    pub(super) sender: Player,
    /// Who is reached, where the policy says that somebody is.
    pub(super) receiver: Option<Player>,
}

impl Cast {
    /// The cast of a scenario, or why nobody can play it.
    pub(super) fn of(case: &Case) -> Result<Self, String> {
        Self::under(&case.words, &case.compiled)
    }

    /// The cast under this network file.
    pub(super) fn under(words: &Words, compiled: &Compiled) -> Result<Self, String> {
        let asked = understand(&compiled.network, &compiled.snapshot, words).map_err(|error| error.text)?;
        let sender = sender(words, &asked, compiled)?;
        let receiver = receiver(&asked, compiled)?;
        if receiver.as_ref().is_some_and(|receiver| receiver.namespace == sender.namespace) {
            return Err(format!("sender and destination are both behind port {}: no packet passes the dataplane", sender.port));
        }
        Ok(Self { question: asked.question, sender, receiver })
    }
}

fn sender(words: &Words, asked: &Asked, compiled: &Compiled) -> Result<Player, String> {
    if asked.spoofed_at.is_some() {
        // What does not belong there is sent from the place that it does not belong to.
        let own = Words { source: None, ..words.clone() };
        let place = understand(&compiled.network, &compiled.snapshot, &own).ok().filter(|own| own.spoofed_at.is_none());
        let player = match place {
            Some(own) => port_of(&own.question, compiled)?,
            None => return Err(format!("no lab host stands for {}, which may not send from {}", words.from, asked.question.source)),
        };
        return Ok(Player { address: asked.question.source, ..player });
    }
    port_of(&asked.question, compiled)
}

/// The host behind the port where a packet with this sender enters.
fn port_of(question: &Question, compiled: &Compiled) -> Result<Player, String> {
    let snapshot = &compiled.snapshot;
    // An integrated app sends as a host of its subnet: so admission will see it.
    let question = &classified(snapshot, question);
    let mut candidates = vec![question.source];
    if let Sender::Subnet { subnet, .. } = question.sender {
        candidates.extend(snapshot.subnet(subnet).map(|subnet| subnet.wire_of(question.source)));
    }
    for port in &snapshot.ports {
        let Some((named, host)) = by_name(compiled, &port.name) else { continue };
        let own = host.into_iter().flat_map(|host| &host.addresses).copied();
        let enters = |wire: &IpAddr| {
            let admitted = admit(snapshot, port.id, *wire, question.destination);
            admitted.is_ok_and(|admitted| admitted.sender == question.sender && admitted.source == question.source)
        };
        if let Some(wire) = own.chain(candidates.iter().copied()).find(enters) {
            return player(named, host, wire);
        }
    }
    Err(format!("no port of {} stands for the sender", compiled.path.display()))
}

/// The host that the policy says is reached. Where nobody is, nobody need listen.
fn receiver(asked: &Asked, compiled: &Compiled) -> Result<Option<Player>, String> {
    if asked.spoofed_at.is_some() {
        return Ok(None);
    }
    let Outcome::Forward(forward) =
        decide(&compiled.snapshot, &classified(&compiled.snapshot, &asked.question), Scope::FirstPacket, &mut Silent)
    else {
        return Ok(None);
    };
    let port = compiled.snapshot.port(forward.delivery.port).map(|port| port.name.as_str()).unwrap_or_default();
    let (named, host) = by_name(compiled, port).ok_or("the destination's port is gone")?;
    player(named, host, forward.delivery.wire_destination).map(Some)
}

fn by_name<'a>(compiled: &'a Compiled, name: &str) -> Option<(&'a Port, Option<&'a Host>)> {
    let ports = &compiled.network.ports;
    let index = ports.iter().position(|port| port.named.name.eq_ignore_ascii_case(name))?;
    Some((ports.get(index)?, compiled.network.hosts.iter().find(|host| host.port.0 == index)))
}

fn player(port: &Port, host: Option<&Host>, address: IpAddr) -> Result<Player, String> {
    let name = &port.named.name;
    let host = host.ok_or_else(|| format!("no lab host is behind port {name}"))?;
    let Device::Tap(device) = &port.device else { return Err(format!("port {name} is no TAP")) };
    Ok(Player { namespace: format!("cw-{}", host.named.name), device: device.clone(), port: name.clone(), address })
}
