//! Service firewalls. What comes over an endpoint is judged by its subnet, never by address; everything else by its
//! public address. The kinds differ in what they do with the unmatched, and that is settled when they are compiled.

use std::net::IpAddr;
use std::sync::Arc;

use super::decide::{Decision, Stop};
use super::destination::Target;
use super::ids::{Access, RuleId};
use super::position::Position;
use super::question::{Denial, Observer, Question, Scope, Sender, Shown, Stage, Step};
use super::topology::Service;
use crate::packet::Reason;
use crate::table::prefix_set::PrefixSet;

/// A compiled service firewall.
#[derive(Clone, Debug)]
pub struct Firewall {
    /// Rules in the order in which they are tried.
    pub rules: Vec<FirewallRule>,
    /// What happens to the unmatched: `defaultAction`, or what stands for it.
    pub unmatched: FirewallRule,
    /// `Some`: only this is looked at (public access is off, or the rules are inert).
    pub overriding: Option<FirewallRule>,
    /// Rules that name something that is not modelled and might have let a host of a subnet in.
    pub unmodelled: Option<&'static str>,
}

impl Firewall {
    /// The numbers of all its rules.
    pub fn rules(&self) -> impl Iterator<Item = RuleId> + '_ {
        self.rules.iter().chain([&self.unmatched]).chain(&self.overriding).map(|rule| rule.id)
    }
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
    /// What it looks at besides, that packets do not show.
    pub unmodelled: Option<&'static str>,
}

/// Whom a firewall rule matches.
#[derive(Clone, Debug)]
pub enum Client {
    /// What comes over an endpoint from this subnet.
    Subnet(usize),
    /// What comes over any endpoint.
    AnyVirtualNetwork,
    /// A public address; storage accounts do not look at those of networks in their own region.
    Public {
        /// The addresses.
        addresses: Arc<PrefixSet>,
        /// Sources in a network of the account's region are not meant.
        not_same_region: bool,
    },
    /// Any source inside Azure that comes with a public address (the range 0.0.0.0 to 0.0.0.0).
    AzurePublic,
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
    if decision.over_endpoint && service.service_tunnel {
        return Err(Stop::Undetermined("sourceEncoding: ServiceTunnel".into()));
    }
    let Some(firewall) = service.firewall.as_ref().filter(|_| decision.scope == Scope::FirstPacket) else { return Ok(()) };
    if service.subnet.is_some() {
        return Err(Stop::Undetermined("the firewall of an injected service".into()));
    }
    apply(decision, service, firewall)
}

fn apply(decision: &mut Decision<'_, impl Observer>, service: &Service, firewall: &Firewall) -> Result<(), Stop> {
    let client = ClientSide::of(decision, service);
    let rule = firewall.decide(&client);
    let elsewhere = firewall.unmodelled.filter(|_| rule.access == Access::Deny && client.subnet.is_some());
    if let Some(what) = rule.unmodelled.or(elsewhere) {
        return Err(Stop::Undetermined(what.into()));
    }
    decision.observer.rule(rule.id);
    decision.observer.step(|| Step {
        object: Some(service.name.clone()),
        rule: Some(rule.name.clone()),
        access: Some(rule.access),
        at: rule.position,
        ..Step::new(Stage::ServiceFirewall)
    });
    match rule.access {
        Access::Allow => Ok(()),
        Access::Deny => Err(Stop::Deny(Denial { reason: Reason::ServiceFirewallDeny, shown: shown(service, decision.question) })),
    }
}

/// What a firewall sees of its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientSide {
    /// The source address that arrives.
    pub address: IpAddr,
    /// The client's subnet, whether the service can see it or not.
    pub subnet: Option<usize>,
    /// It comes over an endpoint: the service sees the subnet, and no public address.
    pub over_endpoint: bool,
    /// The client's network is in the service's region.
    pub same_region: bool,
}

impl ClientSide {
    fn of(decision: &Decision<'_, impl Observer>, service: &Service) -> Self {
        let subnet = if let Sender::Subnet { subnet, .. } = decision.question.sender { Some(subnet) } else { None };
        let network = subnet.and_then(|subnet| decision.snapshot.network_of(subnet));
        let same_region = network.is_some_and(|network| same_region(network.location.as_deref(), service.location.as_deref()));
        Self { address: decision.seen, subnet, over_endpoint: decision.over_endpoint, same_region }
    }
}

/// Whether two regions are one; what has no region is in every one (the file names none: all is one region).
#[must_use]
pub fn same_region(a: Option<&str>, b: Option<&str>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a == b,
        _ => true,
    }
}

impl Firewall {
    /// The rule that decides about a client.
    #[must_use]
    pub fn decide(&self, client: &ClientSide) -> &FirewallRule {
        if let Some(rule) = &self.overriding {
            return rule;
        }
        self.rules.iter().find(|rule| rule.matches.holds(client)).unwrap_or(&self.unmatched)
    }
}

impl Client {
    fn holds(&self, client: &ClientSide) -> bool {
        match self {
            Self::Subnet(subnet) => client.over_endpoint && client.subnet == Some(*subnet),
            Self::AnyVirtualNetwork => client.over_endpoint,
            Self::Public { addresses, not_same_region } => {
                !client.over_endpoint && addresses.contains(client.address) && !(*not_same_region && client.same_region)
            }
            Self::AzurePublic => !client.over_endpoint && client.subnet.is_some(),
            Self::Anyone => true,
            Self::Nobody => false,
        }
    }
}

/// What a refused client is shown: the 403 page only where it speaks plain HTTP.
#[must_use]
pub fn shown(service: &Service, question: &Question) -> Shown {
    let plain_http = question.protocol == 6 && question.destination_port == 80;
    match service.denial {
        Shown::Http403 if !plain_http => Shown::Reset,
        shown => shown,
    }
}
