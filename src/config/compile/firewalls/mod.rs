//! Service firewalls: what is in force of a file's lists, by what [`Kind`] says of the service.

mod lists;
mod restrictions;
mod trusted;

use super::{CompileError, Compiler};
use crate::config::network::{Access, PublicNetworkAccess, ScmRestrictions, Service, ServiceFirewall};
use crate::policy::ids::{Direction, RuleName};
use crate::policy::position::Position;
use crate::policy::service_firewall::kind::{Inside, Kind, List, Unmatched};
use crate::policy::service_firewall::{Client, Firewall, FirewallRule};

/// A rule before it has a number.
struct Draft {
    name: String,
    access: Access,
    position: Option<Position>,
    matches: Client,
    unmodelled: Option<&'static str>,
    note: Option<&'static str>,
}

impl Draft {
    fn allow(name: impl Into<String>, position: Position, matches: Client) -> Self {
        Self { name: name.into(), access: Access::Allow, position: Some(position), matches, unmodelled: None, note: None }
    }

    fn anyone(name: &str, access: Access, position: Option<Position>) -> Self {
        Self { name: name.into(), access, position, matches: Client::Anyone, unmodelled: None, note: None }
    }
}

/// What is in force.
struct Plan {
    rules: Vec<Draft>,
    unmatched: Draft,
    disabled: bool,
}

impl Plan {
    /// The unmatched are all.
    fn everyone(unmatched: Draft) -> Self {
        Self { rules: Vec::new(), unmatched, disabled: false }
    }
}

impl Compiler<'_> {
    /// The firewall of a service; `None`: open, nothing is looked at.
    pub(super) fn firewall(&mut self, index: usize) -> Result<Option<Firewall>, CompileError> {
        let network = self.network;
        let Some(service) = network.services.get(index) else { return Ok(None) };
        let kind = Kind::of(&service.kind);
        match self.plan(service, kind) {
            Some(plan) => self.compile_plan(service.named.name.clone(), kind, plan).map(Some),
            None => Ok(None),
        }
    }

    /// The firewall of an app's deployment site, where that has an address of its own.
    pub(super) fn scm_firewall(&mut self, index: usize) -> Result<Option<Firewall>, CompileError> {
        let network = self.network;
        let Some(service) = network.services.get(index).filter(|service| !service.scm_addresses.is_empty()) else { return Ok(None) };
        let kind = Kind::of(&service.kind);
        let own = service.firewall.as_ref().and_then(|firewall| firewall.scm.as_ref());
        let plan = match (closed(service), own) {
            (None, Some(own)) => Some(self.scm_plan(own)),
            _ => self.plan(service, kind),
        };
        plan.map(|plan| self.compile_plan(format!("{}.scm", service.named.name), kind, plan)).transpose()
    }

    fn scm_plan(&self, own: &ScmRestrictions) -> Plan {
        let rules = self.restrictions(&own.access_restrictions);
        let unmatched = restrictions::unmatched(own.default_action, rules.is_empty());
        Plan { rules, unmatched, disabled: false }
    }

    fn compile_plan(&mut self, object: String, kind: &'static Kind, plan: Plan) -> Result<Firewall, CompileError> {
        let mut rules = Vec::with_capacity(plan.rules.len());
        for draft in plan.rules {
            rules.push(self.firewall_rule(&object, draft)?);
        }
        let unmatched = self.firewall_rule(&object, plan.unmatched)?;
        Ok(Firewall { rules, unmatched, disabled: plan.disabled, kind })
    }

    fn firewall_rule(&mut self, object: &str, draft: Draft) -> Result<FirewallRule, CompileError> {
        let Draft { name, access, position, matches, unmodelled, note } = draft;
        let id = self.rule(RuleName { object: object.to_owned(), rule: name.clone(), direction: Direction::Inbound, access })?;
        Ok(FirewallRule { name, id, access, position, matches, unmodelled, note })
    }

    fn plan(&self, service: &Service, kind: &Kind) -> Option<Plan> {
        if service.subnet.is_some() && kind.inside != Inside::Enforced {
            let firewall = service.firewall.as_ref().filter(|_| kind.inside == Inside::Unknown)?;
            let unknown = Draft::anyone("firewall", Access::Deny, Some(firewall.position));
            return Some(Plan::everyone(Draft { unmodelled: Some("the firewall of an injected service"), ..unknown }));
        }
        if let Some(closed) = closed(service) {
            let keeps = kind.trusted.when_disabled && closed.unmodelled.is_none();
            let rules = service.firewall.as_ref().filter(|_| keeps).map_or_else(Vec::new, |firewall| self.trusted(kind, firewall));
            return Some(Plan { rules, disabled: closed.unmodelled.is_none(), unmatched: closed });
        }
        match &service.firewall {
            Some(firewall) => (!kind.lists.is_empty()).then(|| self.open_side(kind, firewall)),
            None => (kind.unmatched == Unmatched::Deny && service.subnet.is_none()).then(|| Plan::everyone(nobody())),
        }
    }

    /// What meets clients of the public side, where that is not closed altogether.
    fn open_side(&self, kind: &Kind, firewall: &ServiceFirewall) -> Plan {
        if kind.has(List::AccessRestrictions) {
            let rules = self.restrictions(&firewall.access_restrictions);
            let unmatched = restrictions::unmatched(firewall.default_action, rules.is_empty());
            return Plan { rules, unmatched, disabled: false };
        }
        let listed = self.listed(kind, firewall);
        let unmatched = unmatched(kind, firewall, listed.is_empty());
        if unmatched.access == Access::Allow {
            return Plan::everyone(unmatched);
        }
        let mut rules = self.trusted(kind, firewall);
        rules.extend(listed);
        Plan { rules, unmatched, disabled: false }
    }
}

/// The default of kinds that are closed until a rule lets somebody in, where the file gives no firewall at all.
fn nobody() -> Draft {
    Draft { note: Some("without any rule nobody is let in"), ..Draft::anyone("defaultAction", Access::Deny, None) }
}

/// What is decided whoever asks, because the public side is off; or may be, where a perimeter decides.
fn closed(service: &Service) -> Option<Draft> {
    let named = |position| Draft::anyone("publicNetworkAccess", Access::Deny, position);
    match service.public_network_access {
        Some((PublicNetworkAccess::Enabled, _)) => None,
        Some((PublicNetworkAccess::Disabled, position)) => Some(named(Some(position))),
        Some((PublicNetworkAccess::SecuredByPerimeter, position)) => {
            Some(Draft { unmodelled: Some("network security perimeters"), ..named(Some(position)) })
        }
        None => {
            let web = Kind::of(&service.kind).has(List::AccessRestrictions);
            let note = Some("publicNetworkAccess is not given, and a private endpoint exists");
            (web && service.has_private_endpoint && service.subnet.is_none()).then(|| Draft { note, ..named(None) })
        }
    }
}

/// What happens to the unmatched.
fn unmatched(kind: &Kind, firewall: &ServiceFirewall, no_rules: bool) -> Draft {
    if let Some((enabled, position)) = firewall.firewall_state.filter(|_| kind.has(List::DataLakeSwitches)) {
        return Draft::anyone("firewallState", if enabled { Access::Deny } else { Access::Allow }, Some(position));
    }
    let filters = !no_rules || (firewall.virtual_network_filter == Some(true) && !kind.open_when_empty);
    let by_kind = match kind.unmatched {
        Unmatched::Deny => Access::Deny,
        Unmatched::AllowUntilRules if filters => Access::Deny,
        Unmatched::Allow | Unmatched::AllowUntilRules => Access::Allow,
    };
    let draft = match firewall.default_action {
        Some((access, position)) => Draft::anyone("defaultAction", access, Some(position)),
        None => Draft::anyone("defaultAction", by_kind, None),
    };
    match (draft.access, no_rules) {
        (Access::Deny, true) if kind.open_when_empty => {
            let note = "without an address rule and a virtual network rule it is open, even with defaultAction: Deny";
            Draft { access: Access::Allow, note: Some(note), ..draft }
        }
        (Access::Allow, false) => Draft { note: Some("its rules are not enforced: defaultAction is Allow"), ..draft },
        _ => draft,
    }
}
