//! Service firewalls. What comes over an endpoint is judged by its subnet, never by address; everything else by its
//! public address. How the kinds differ stands in a file each, as data:
//!
//! | service | file |
//! |---|---|
//! | Storage | [`storage`] |
//! | SQL Database, Synapse | [`sql`] |
//! | PostgreSQL, MySQL, MariaDB | [`databases`] |
//! | Cosmos DB | [`cosmos_db`] |
//! | Key Vault | [`key_vault`] |
//! | Event Hubs, Service Bus | [`messaging`] |
//! | Data Lake Storage Gen1 | [`data_lake`] |
//! | App Service | [`app_service`] |
//! | Cognitive Services | [`cognitive_services`] |
//! | Container Registry | [`container_registry`] |
//! | Cache for Redis | [`redis`] |
//! | types not known here, types without a firewall | [`other`], [`without`] |
//!
//! `config::compile` makes a [`Firewall`] of a file's lists by that data; here a client meets it.

pub mod app_service;
mod client;
pub mod cognitive_services;
pub mod container_registry;
pub mod cosmos_db;
pub mod data_lake;
pub mod databases;
pub mod key_vault;
pub mod kind;
pub mod messaging;
pub mod other;
pub mod redis;
pub mod sql;
pub mod storage;
pub mod without;

use std::sync::Arc;

use super::decide::{Decision, Stop};
use super::destination::Target;
use super::ids::{Access, RuleId};
use super::position::Position;
use super::question::{Denial, Observer, Question, Scope, Shown, Stage, Step};
use super::topology::Service;
use crate::packet::Reason;
use crate::table::prefix_set::PrefixSet;
use crate::wire::protocol;

pub use client::{ClientSide, same_region};
use kind::{Kind, Refusal};

/// A compiled service firewall.
#[derive(Clone, Debug)]
pub struct Firewall {
    /// The rules that are in force, in the order in which they are tried.
    pub rules: Vec<FirewallRule>,
    /// What happens to the unmatched: `defaultAction`, or what stands for it.
    pub unmatched: FirewallRule,
    /// `publicNetworkAccess` decides about the unmatched, not `defaultAction`.
    pub disabled: bool,
    /// How firewalls of its kind work.
    pub kind: &'static Kind,
}

/// A rule of a service firewall.
#[derive(Clone, Debug)]
pub struct FirewallRule {
    /// Name, as `explain` prints it (`ipRules[0]`).
    pub name: String,
    /// Its number.
    pub id: RuleId,
    /// Allow or Deny.
    pub access: Access,
    /// Place in the file; `None` for what the file does not say.
    pub position: Option<Position>,
    /// Whom it matches.
    pub matches: Client,
    /// What it looks at besides, that packets do not show: a client that it matches may still not be meant.
    pub unmodelled: Option<&'static str>,
    /// A sentence for people, where the name does not say why.
    pub note: Option<&'static str>,
}

/// Whom a firewall rule matches.
#[derive(Clone, Debug)]
pub enum Client {
    /// What comes over an endpoint from this subnet.
    Subnet(usize),
    /// A host of this subnet, whichever way it comes (its token says so).
    TokenOf(usize),
    /// What comes over any endpoint.
    AnyVirtualNetwork,
    /// An address; storage accounts do not look at those of Azure in their own region.
    Public {
        /// The addresses.
        addresses: Arc<PrefixSet>,
        /// Sources inside Azure in the service's region are not meant.
        not_same_region: bool,
    },
    /// Any source inside Azure that comes with a public address (the range 0.0.0.0 to 0.0.0.0): hosts of networks,
    /// services, and strangers with one of these addresses (the tag AzureCloud).
    AzurePublic(Arc<PrefixSet>),
    /// These services, in ascending order, when they send by themselves.
    Trusted(Vec<usize>),
    /// These services, in ascending order, by themselves or from the subnet that they live in.
    Resources(Vec<usize>),
    /// Everyone.
    Anyone,
    /// Nobody (a deleted subnet).
    Nobody,
}

/// The firewall of the service that is reached, if one is.
pub(super) fn judge(decision: &mut Decision<'_, impl Observer>, target: &Target) -> Result<(), Stop> {
    let snapshot = decision.snapshot;
    let index = match *target {
        Target::Service(index) => index,
        Target::Host(host) => match host.interface.and_then(|index| snapshot.interfaces.get(index)?.service) {
            Some(index) if host.address == host.destination => index,
            _ => return Ok(()),
        },
        _ => return Ok(()),
    };
    let Some(service) = snapshot.services.get(index) else { return Ok(()) };
    let Some(firewall) = service.firewall_at(decision.question.destination).filter(|_| decision.scope == Scope::FirstPacket) else {
        return Ok(());
    };
    apply(decision, service, firewall)
}

fn apply(decision: &mut Decision<'_, impl Observer>, service: &Service, firewall: &Firewall) -> Result<(), Stop> {
    let client = ClientSide::of(decision, service);
    let rule = match firewall.decide(&client) {
        Judgement::By(rule) => rule,
        Judgement::Unknown(rule, what) => return Err(undetermined(decision, service, rule, what)),
    };
    decision.observer.rule(rule.id);
    decision.observer.step(|| Step { access: Some(rule.access), note: note(firewall, service, rule, &client), ..step(service, rule) });
    match rule.access {
        Access::Allow => Ok(()),
        Access::Deny => Err(Stop::Deny(Denial { reason: Reason::ServiceFirewallDeny, shown: shown(service, decision.question) })),
    }
}

fn undetermined(decision: &mut Decision<'_, impl Observer>, service: &Service, rule: &FirewallRule, what: &str) -> Stop {
    decision.observer.step(|| Step { note: Some(format!("it depends on {what}, which packets do not show")), ..step(service, rule) });
    Stop::Undetermined(format!("{what}, which {}/{} looks at", service.name, rule.name).into())
}

fn step(service: &Service, rule: &FirewallRule) -> Step {
    Step { object: Some(service.name.clone()), rule: Some(rule.name.clone()), at: rule.position, ..Step::new(Stage::ServiceFirewall) }
}

fn note(firewall: &Firewall, service: &Service, rule: &FirewallRule, client: &ClientSide) -> Option<String> {
    let refused = (rule.access == Access::Deny).then(|| {
        let Service { name, .. } = service;
        let refusal = Refusal { service: name, address: client.address, over_endpoint: client.over_endpoint, disabled: firewall.disabled };
        (firewall.kind.refused)(&refusal)
    });
    let shown = refused.filter(|text| !text.is_empty()).map(|text| format!("the client is shown: {text}"));
    match (rule.note, shown) {
        (Some(note), Some(shown)) => Some(format!("{note}; {shown}")),
        (note, shown) => shown.or_else(|| note.map(str::to_owned)),
    }
}

/// What a firewall says about a client.
#[derive(Clone, Copy, Debug)]
pub enum Judgement<'a> {
    /// This rule decides.
    By(&'a FirewallRule),
    /// Whether this rule decides depends on something that packets do not show, and it would decide otherwise than what
    /// comes after it.
    Unknown(&'a FirewallRule, &'static str),
}

impl Firewall {
    /// The numbers of all its rules.
    pub fn rules(&self) -> impl Iterator<Item = RuleId> + '_ {
        self.rules.iter().chain([&self.unmatched]).map(|rule| rule.id)
    }

    /// The rule that decides about a client: the first that matches. Rules that may or may not match leave it open only
    /// where they would decide otherwise.
    #[must_use]
    pub fn decide(&self, client: &ClientSide) -> Judgement<'_> {
        let mut matching = self.rules.iter().chain([&self.unmatched]).filter(|rule| rule.matches.holds(client));
        let mut open: Vec<(&FirewallRule, &'static str)> = Vec::new();
        for rule in &mut matching {
            match rule.unmodelled {
                Some(what) => open.push((rule, what)),
                None => {
                    let otherwise = open.into_iter().find(|(other, _)| other.access != rule.access);
                    return otherwise.map_or(Judgement::By(rule), |(other, what)| Judgement::Unknown(other, what));
                }
            }
        }
        // Only where the unmatched themselves are decided by something that is not modelled.
        Judgement::Unknown(&self.unmatched, self.unmatched.unmodelled.unwrap_or("this firewall"))
    }
}

impl Client {
    fn holds(&self, client: &ClientSide) -> bool {
        match self {
            Self::Subnet(subnet) => client.over_endpoint && client.subnet == Some(*subnet),
            Self::TokenOf(subnet) => client.subnet == Some(*subnet),
            Self::AnyVirtualNetwork => client.over_endpoint,
            Self::Public { addresses, not_same_region } => {
                !client.over_endpoint && addresses.contains(client.address) && !(*not_same_region && client.same_region)
            }
            Self::AzurePublic(strangers) => {
                !client.over_endpoint && (client.subnet.is_some() || client.service.is_some() || strangers.contains(client.address))
            }
            Self::Trusted(services) => client.subnet.is_none() && client.is_one_of(services),
            Self::Resources(services) => client.is_one_of(services),
            Self::Anyone => true,
            Self::Nobody => false,
        }
    }
}

/// What a refused client is shown: the 403 page only where it speaks plain HTTP.
#[must_use]
pub fn shown(service: &Service, question: &Question) -> Shown {
    let plain_http = question.protocol == protocol::TCP && question.destination_port == 80;
    match service.denial {
        Shown::Http403 if !plain_http => Shown::Reset,
        shown => shown,
    }
}
