//! The decision about a packet, stage by stage, in the order of Azure's platform.
//!
//! The engine that forwards and the engine that explains are this one function; they differ in who listens.

use std::borrow::Cow;
use std::net::IpAddr;
use std::time::Duration;

use super::question::{Denial, Forward, NextHopType, Observer, Outcome, Question, Scope, Shown};
use super::snapshot::Snapshot;
use super::{delivery, destination, endpoint_policy, not_carried, nsg, route, service_firewall, source_rewrite};
use crate::packet::Reason;
use crate::table::ordered_scan::Header;
use crate::table::rule_table::Classified;

/// Decides about a packet. Pure: the same snapshot and question give the same outcome.
pub fn decide(snapshot: &Snapshot, question: &Question, scope: Scope, observer: &mut impl Observer) -> Outcome {
    let mut decision = Decision::new(snapshot, question, scope, observer);
    match stages(&mut decision) {
        Ok(forward) => Outcome::Forward(forward),
        Err(Stop::Deny(denial)) => Outcome::Deny(denial),
        Err(Stop::Undetermined(what)) => Outcome::Undetermined(what),
    }
}

fn stages<O: Observer>(decision: &mut Decision<'_, O>) -> Result<Forward, Stop> {
    not_carried::refuse(decision)?;
    nsg::outbound(decision)?;
    let next_hop = route::next_hop(decision)?;
    let source = source_rewrite::rewrite(decision, next_hop)?;
    let target = destination::find(decision, next_hop)?;
    endpoint_policy::check(decision, &target)?;
    service_firewall::judge(decision, &target)?;
    destination::enter(decision, &target)?;
    delivery::deliver(decision, &target, source)
}

/// A decision in the making.
pub(super) struct Decision<'a, O: Observer> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) question: &'a Question,
    pub(super) scope: Scope,
    pub(super) observer: &'a mut O,
    /// Next hop type of the subnet route that was taken.
    pub(super) next_hop_type: Option<NextHopType>,
    /// The packet goes over a service endpoint: the destination knows the sender's subnet.
    pub(super) over_endpoint: bool,
    /// The source as the destination sees it; the question's own until it is rewritten.
    pub(super) seen: IpAddr,
    /// TCP idle timeout that the way asks for.
    pub(super) tcp_idle: Option<Duration>,
    /// The classes of the addresses that rules look at, once one asked.
    pub(super) classified: Classified<'a>,
}

impl<'a, O: Observer> Decision<'a, O> {
    fn new(snapshot: &'a Snapshot, question: &'a Question, scope: Scope, observer: &'a mut O) -> Self {
        let classified = Classified::new(&snapshot.tag_classes);
        let seen = question.source;
        Self { snapshot, question, scope, observer, next_hop_type: None, over_endpoint: false, seen, tcp_idle: None, classified }
    }

    /// What security rules look at: the private source, and the destination given.
    pub(super) fn header(&self, destination: IpAddr) -> Header {
        let Question { source, protocol, source_port, destination_port, .. } = *self.question;
        Header { source, destination, protocol, ports: self.question.has_ports().then_some((source_port, destination_port)) }
    }
}

/// Why a decision ends before delivery.
#[derive(Debug)]
pub(super) enum Stop {
    /// Refused.
    Deny(Denial),
    /// It meets something that is not modelled.
    Undetermined(Cow<'static, str>),
}

impl Stop {
    /// A refusal that the client does not see.
    pub(super) const fn silent(reason: Reason) -> Self {
        Self::Deny(Denial { reason, shown: Shown::Nothing })
    }
}
