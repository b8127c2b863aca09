//! Security admin rules of network managers: what an organisation decides before a network's own security groups do
//! (Azure: network-security-groups-overview, concept-security-admins).
//!
//! They look at a packet before the groups of each side: `Allow` goes on to the groups, `AlwaysAllow` skips those of this
//! side, `Deny` drops. Rules of every collection that applies to a network stand in one order, the lower number first;
//! of equal numbers the one that the file gives first. Where none matches, the groups decide.

use std::sync::Arc;

use super::decide::{Decision, Stop};
use super::ids::{Access, RuleId};
use super::position::Position;
use super::question::{Observer, Scope, Stage, Step};
use crate::packet::Reason;
use crate::table::matcher::Matcher;
use crate::table::ordered_scan::Header;
use crate::table::rule_table::Classified;

/// The security admin rules of a subnet's network, as they work for that subnet: `VirtualNetwork` depends on it.
#[derive(Clone, Debug, Default)]
pub struct SecurityAdmin {
    /// Rules for what comes in.
    pub inbound: AdminRuleList,
    /// Rules for what goes out.
    pub outbound: AdminRuleList,
}

/// The rules of one direction, by priority.
#[derive(Clone, Debug, Default)]
pub struct AdminRuleList {
    /// The matcher; its indices are those of `rules`.
    pub table: Arc<Matcher>,
    /// What each rule says.
    pub rules: Vec<AdminRule>,
}

/// What a security admin rule says once it matches.
#[derive(Clone, Debug)]
pub struct AdminRule {
    /// Bare name of its rule collection.
    pub collection: String,
    /// Name.
    pub name: String,
    /// Its number.
    pub id: RuleId,
    /// What it decides.
    pub access: AdminAccess,
    /// Place in the file.
    pub position: Position,
}

/// What a security admin rule decides, by Azure's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
pub enum AdminAccess {
    /// The security groups decide.
    Allow,
    /// Lets through, whatever the security groups of this side say.
    AlwaysAllow,
    /// Refuses.
    Deny,
}

impl AdminAccess {
    /// Whether it lets through, for what knows only that.
    #[must_use]
    pub const fn access(self) -> Access {
        match self {
            Self::Allow | Self::AlwaysAllow => Access::Allow,
            Self::Deny => Access::Deny,
        }
    }
}

impl SecurityAdmin {
    /// The numbers of all its rules.
    pub fn rules(&self) -> impl Iterator<Item = RuleId> + '_ {
        [&self.inbound, &self.outbound].into_iter().flat_map(|list| list.rules.iter().map(|rule| rule.id))
    }
}

impl AdminRuleList {
    /// The rule that decides, the first that matches.
    #[must_use]
    pub fn evaluate(&self, header: &Header, classified: &Classified<'_>) -> Option<&AdminRule> {
        self.rules.get(self.table.first_match(header, classified)?)
    }
}

/// What follows for the security groups of this side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Groups {
    /// They decide.
    Decide,
    /// They are skipped.
    Skipped,
}

/// Puts a packet to the rules of one side.
///
/// An established flow keeps the verdict that it was admitted with; what is asked again is only whether the groups, which
/// may look at it once more (`flushConnection`), are skipped.
pub(super) fn judge(
    decision: &mut Decision<'_, impl Observer>,
    rules: &AdminRuleList,
    header: &Header,
    stage: Stage,
) -> Result<Groups, Stop> {
    let Some(rule) = rules.evaluate(header, &decision.classified) else { return Ok(Groups::Decide) };
    let groups = if rule.access == AdminAccess::AlwaysAllow { Groups::Skipped } else { Groups::Decide };
    if decision.scope == Scope::Established {
        return Ok(groups);
    }
    decision.observer.rule(rule.id);
    decision.observer.step(|| Step {
        object: Some(rule.collection.clone()),
        rule: Some(rule.name.clone()),
        access: Some(rule.access.access()),
        at: Some(rule.position),
        note: Some(told(rule.access).into()),
        ..Step::new(stage)
    });
    match rule.access {
        AdminAccess::Deny => Err(Stop::silent(Reason::NsgDeny)),
        AdminAccess::Allow | AdminAccess::AlwaysAllow => Ok(groups),
    }
}

const fn told(access: AdminAccess) -> &'static str {
    match access {
        AdminAccess::Allow => "security admin rule: the security groups decide",
        AdminAccess::AlwaysAllow => "security admin rule (AlwaysAllow): the security groups of this side are skipped",
        AdminAccess::Deny => "security admin rule: before any security group",
    }
}
