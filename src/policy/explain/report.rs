//! An explanation as data, in the form in which it is printed as JSON.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::Serialize;

use super::{Kept, hint};
use crate::packet::Reason;
use crate::policy::app_service;
use crate::policy::ids::Access;
use crate::policy::position::Position;
use crate::policy::private_endpoint;
use crate::policy::question::{NextHopType, Outcome, Question, RouteSource, Sender, Source, Stage, Step};
use crate::policy::snapshot::Snapshot;

/// Whether the packet gets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Verdict {
    /// It does.
    Allow,
    /// It does not.
    Deny,
    /// It meets something that is not modelled.
    Undetermined,
}

/// What happens to a packet.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// Whether it gets through.
    pub verdict: Verdict,
    /// How it ends.
    pub reason: Reason,
    /// Who sends.
    pub source: Party,
    /// Where to.
    pub destination: Party,
    /// Type of the next hop, where a subnet's route was looked up.
    pub next_hop_type: Option<NextHopType>,
    /// What the destination sees as source, once that was decided.
    pub seen_as: Option<SeenAs>,
    /// `OBJECT/RULE` of the step that denied, or of the last rule that allowed.
    pub decided_by: Option<String>,
    /// The steps, in order.
    pub steps: Vec<StepReport>,
    /// What to change, on a denial; what is not modelled, where it is undetermined.
    pub hint: Option<String>,
}

/// One end of the packet's way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Party {
    /// Its network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub virtual_network: Option<String>,
    /// Its subnet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subnet: Option<String>,
    /// Its address, as sent.
    pub address: IpAddr,
    /// Its service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Its gateway.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gateway: Option<String>,
}

/// What the destination sees as source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SeenAs {
    /// `Private`, `Public` or `ServiceTunnel`.
    pub kind: &'static str,
    /// The address.
    pub address: IpAddr,
    /// The network that goes with a private address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub virtual_network: Option<String>,
    /// The subnet that goes with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subnet: Option<String>,
}

/// A step, as it is printed.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StepReport {
    /// The stage.
    pub stage: Stage,
    /// Bare name of the NSG, route table, policy or service.
    pub object: Option<String>,
    /// Rule name.
    pub rule: Option<String>,
    /// What it decided.
    pub access: Option<Access>,
    /// `FILE:LINE:COL`.
    pub at: Option<String>,
    /// Of a route.
    #[serde(flatten)]
    pub route: Option<RouteReport>,
    /// A sentence for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// What a route step has besides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RouteReport {
    /// The winning prefix.
    pub prefix: IpNet,
    /// Where the route comes from.
    pub source: Option<RouteSource>,
    /// Its next hop type.
    pub next_hop_type: Option<NextHopType>,
    /// The appliance.
    pub next_hop_ip_address: Option<IpAddr>,
}

pub(super) fn tell(snapshot: &Snapshot, question: &Question, outcome: &Outcome, kept: &Kept) -> Explanation {
    Explanation {
        verdict: Verdict::of(outcome),
        reason: match outcome {
            Outcome::Forward(_) => Reason::Forwarded,
            Outcome::Deny(denial) => denial.reason,
            Outcome::Undetermined(_) => Reason::Unsupported,
        },
        source: sender(snapshot, question),
        destination: destination(snapshot, question, outcome),
        next_hop_type: kept.next_hop_type(),
        seen_as: kept.seen_as.map(|source| seen_as(snapshot, question, source)),
        decided_by: kept.decided_by(),
        steps: kept.steps.iter().map(|step| step_report(snapshot, step)).collect(),
        hint: hint::hint(snapshot, question, outcome, kept),
    }
}

/// Names of a subnet and its network.
pub(super) fn subnet_names(snapshot: &Snapshot, subnet: usize) -> (Option<String>, Option<String>) {
    let network = snapshot.network_of(subnet).map(|network| network.name.clone());
    (network, snapshot.subnet(subnet).map(|subnet| subnet.name.clone()))
}

fn party(address: IpAddr) -> Party {
    Party { virtual_network: None, subnet: None, address, service: None, gateway: None }
}

fn sender(snapshot: &Snapshot, question: &Question) -> Party {
    let mut party = party(question.source);
    match question.sender {
        Sender::Subnet { subnet, .. } => {
            (party.virtual_network, party.subnet) = subnet_names(snapshot, subnet);
            let app = app_service::behind(snapshot, question.sender, question.source);
            party.service = app.and_then(|app| snapshot.services.get(app)).map(|app| app.name.clone());
        }
        Sender::Service(service) => party.service = snapshot.services.get(service).map(|service| service.name.clone()),
        Sender::Gateway(gateway) => party.gateway = snapshot.gateways.get(gateway).map(|gateway| gateway.name.clone()),
        Sender::Internet | Sender::Platform => {}
    }
    party
}

fn destination(snapshot: &Snapshot, question: &Question, outcome: &Outcome) -> Party {
    let mut party = party(question.destination);
    let reached = if let Outcome::Forward(forward) = outcome { forward.service } else { None };
    let by_endpoint = || private_endpoint::reached(snapshot, question).and_then(|index| snapshot.private_endpoints.get(index));
    let service = reached
        .or_else(|| snapshot.directory.services.get(&question.destination).copied())
        .or_else(|| by_endpoint().map(|endpoint| endpoint.service));
    party.service = service.and_then(|index| snapshot.services.get(index)).map(|service| service.name.clone());
    if let (None, Outcome::Forward(forward)) = (service, outcome)
        && let Some(crate::policy::snapshot::Place::Subnet(subnet)) = snapshot.place(forward.delivery.zone)
    {
        (party.virtual_network, party.subnet) = subnet_names(snapshot, subnet);
    }
    party
}

fn seen_as(snapshot: &Snapshot, question: &Question, source: Source) -> SeenAs {
    let address = source.address();
    let public = match source {
        Source::Public(_) => true,
        Source::Private(_) | Source::ServiceTunnel(_) => false,
        Source::Unchanged(_) => !matches!(question.sender, Sender::Subnet { .. } | Sender::Gateway(_)),
    };
    let kind = match source {
        Source::ServiceTunnel(_) => "ServiceTunnel",
        _ if public => "Public",
        _ => "Private",
    };
    let (virtual_network, subnet) = match question.sender {
        Sender::Subnet { subnet, .. } if !public => subnet_names(snapshot, subnet),
        _ => (None, None),
    };
    SeenAs { kind, address, virtual_network, subnet }
}

fn step_report(snapshot: &Snapshot, step: &Step) -> StepReport {
    let place = |at: Position| format!("{}:{}:{}", snapshot.file, at.line, at.column);
    StepReport {
        stage: step.stage,
        object: step.object.clone(),
        rule: step.rule.clone(),
        access: step.access,
        at: step.at.filter(|at| *at != Position::default()).map(place),
        route: step.prefix.map(|prefix| RouteReport {
            prefix,
            source: step.route_source,
            next_hop_type: step.next_hop_type,
            next_hop_ip_address: step.next_hop_address,
        }),
        note: step.note.clone(),
    }
}
