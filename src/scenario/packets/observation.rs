//! What a scenario's packets showed → an answer like `explain`'s, with the fields that packets can show.

use std::net::IpAddr;

use serde_json::{Map, Value as Json, json};

use super::cast::Cast;
use super::client::Outcome;
use super::counters::{Counters, Hit};
use crate::config::network::Network;
use crate::packet::Reason;
use crate::policy::question::Sender;
use crate::scenario::expectation::{Expectation, Value};

/// What was seen at both ends and counted between them.
pub(super) struct Observation<'a> {
    /// What the sender got.
    pub(super) outcome: Outcome,
    /// The source that the destination saw.
    pub(super) seen: Option<IpAddr>,
    /// What was counted meanwhile.
    pub(super) counted: Counters,
    /// Who played.
    pub(super) cast: &'a Cast,
    /// The network that was in force.
    pub(super) network: &'a Network,
    /// What is expected: of several things that packets of other origin may have left in the counters too, the expected
    /// one is the scenario's.
    pub(super) expect: &'a Expectation,
}

/// How the first packet ended.
enum End {
    Allowed,
    Denied(String),
    Undetermined,
    Unclear,
}

impl Observation<'_> {
    /// The answer. What packets do not show has no field.
    pub(super) fn answer(&self) -> Json {
        let mut answer = Map::new();
        let mut put = |field: &str, value: Json| drop(answer.insert(field.to_owned(), value));
        match self.end() {
            End::Allowed => {
                put("verdict", "Allow".into());
                put("reason", Reason::Forwarded.name().into());
                put("seenAs", self.seen_as());
                self.deciding(false).into_iter().for_each(|decided| put("decidedBy", decided));
                self.delivered_to().into_iter().for_each(|port| put("deliveredTo", port.into()));
            }
            End::Denied(reason) => {
                put("verdict", "Deny".into());
                if [Reason::NsgDeny, Reason::ServiceFirewallDeny].iter().any(|by_rule| by_rule.name() == reason) {
                    self.deciding(true).into_iter().for_each(|decided| put("decidedBy", decided));
                }
                put("reason", reason.into());
                put("deliveredTo", Json::Null);
            }
            End::Undetermined => {
                put("verdict", "Undetermined".into());
                put("reason", Reason::Unsupported.name().into());
            }
            End::Unclear => put("verdict", Json::Null),
        }
        put("observed", self.observed());
        Json::Object(answer)
    }

    fn end(&self) -> End {
        let drops = self.drops();
        let by_firewall = drops.iter().any(|reason| reason == Reason::ServiceFirewallDeny.name());
        let delivered = self.delivered_to().is_some();
        match self.outcome {
            // The page that a refused client is shown comes from the dataplane: nobody says whom they see.
            Outcome::Answered(None) if by_firewall && self.seen.is_none() => End::Denied(Reason::ServiceFirewallDeny.name().to_owned()),
            Outcome::Answered(_) => End::Allowed,
            _ if self.seen.is_some() => End::Allowed,
            _ => match drops.into_iter().next() {
                Some(reason) if reason == Reason::Unsupported.name() => End::Undetermined,
                Some(reason) => End::Denied(reason),
                None if delivered => End::Allowed,
                None => End::Unclear,
            },
        }
    }

    /// Reasons of drops: the expected one first, then the most frequent; `unsupported`, which is also where a host's own
    /// chatter ends, last.
    fn drops(&self) -> Vec<String> {
        let mut drops: Vec<String> = self.counted.drops().into_iter().map(|(reason, _)| reason).collect();
        let rank = |reason: &String| match self.expect.get("reason") {
            Some(expected) if expected.is(reason) => 0,
            _ if reason == Reason::Unsupported.name() => 2,
            _ => 1,
        };
        drops.sort_by_key(rank);
        drops
    }

    fn seen_as(&self) -> Json {
        let inside = matches!(self.cast.question.sender, Sender::Subnet { .. } | Sender::Gateway(_));
        let rewrites = self.counted.rewrites();
        let expected = match self.expect.get("seenAs") {
            Some(Value::Object(seen)) => rewrites.iter().find(|kind| seen.get("kind").is_some_and(|wanted| wanted.is(kind))),
            _ => None,
        };
        let unchanged = if inside { "Private" } else { "Public" };
        let kind = expected.or(rewrites.first()).map_or(unchanged, String::as_str);
        match self.seen {
            Some(address) => json!({ "kind": kind, "address": address }),
            None => json!({ "kind": kind }),
        }
    }

    /// `OBJECT/RULE` of the rule that denied, or of the last that allowed; null where no rule was asked. Nothing where
    /// packets do not tell.
    fn deciding(&self, denied: bool) -> Option<Json> {
        let mut hits: Vec<Hit> = self.counted.hits().into_iter().filter(|hit| hit.denied == denied).collect();
        hits.sort_by_key(|hit| std::cmp::Reverse(self.rank(hit)));
        let name = |hit: &Hit| format!("{}/{}", hit.object, hit.rule);
        let Some(top) = hits.first().map(|hit| self.rank(hit)) else { return (!denied).then_some(Json::Null) };
        let last = hits.iter().filter(|hit| denied || self.rank(hit) == top);
        let names: Vec<String> = last.map(name).collect();
        let expected = names.iter().find(|name| self.expect.get("decidedBy").is_some_and(|wanted| wanted.is(name)));
        expected.or(names.first()).map(|name| name.as_str().into())
    }

    /// How late in the packet's way a rule is asked: outbound interface, subnet; inbound subnet, interface; firewall.
    fn rank(&self, hit: &Hit) -> u8 {
        let is = |name: &str| name.eq_ignore_ascii_case(&hit.object);
        let Network { services, network_security_groups, network_interfaces, .. } = self.network;
        if hit.inbound && services.iter().any(|service| is(&service.named.name)) {
            return 6;
        }
        let Some(group) = network_security_groups.iter().position(|group| is(&group.named.name)) else {
            // A security admin rule: before the NSGs of its side.
            return if hit.inbound { 3 } else { 0 };
        };
        let of_interface =
            network_interfaces.iter().any(|interface| interface.network_security_group.is_some_and(|index| index.0 == group));
        match (hit.inbound, of_interface) {
            (false, true) => 1,
            (false, false) => 2,
            (true, false) => 4,
            (true, true) => 5,
        }
    }

    /// The port that packets left by: not the sender's, which gets the answers.
    fn delivered_to(&self) -> Option<String> {
        let others = self.counted.ports_out().into_iter().filter(|(port, _)| !port.eq_ignore_ascii_case(&self.cast.sender.port));
        let predicted = |port: &str| self.cast.receiver.as_ref().is_some_and(|receiver| receiver.port.eq_ignore_ascii_case(port));
        others.max_by_key(|(port, count)| (predicted(port), *count)).map(|(port, _)| port)
    }

    /// What it was concluded from.
    fn observed(&self) -> Json {
        let client = match self.outcome {
            Outcome::Answered(_) => "answered",
            Outcome::Refused => "refused",
            Outcome::Silent => "nothing came back",
        };
        let drops: Map<String, Json> = self.counted.drops().into_iter().map(|(reason, count)| (reason, count.into())).collect();
        let rules: Vec<String> = self.counted.hits().iter().map(|hit| format!("{}/{}", hit.object, hit.rule)).collect();
        json!({ "client": client, "seenFrom": self.seen, "drops": drops, "rules": rules })
    }
}
