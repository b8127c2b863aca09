//! Network security groups: outbound the interface's, then the subnet's; inbound the other way round; both must allow
//! (Azure: network-security-group-how-it-works). A side without a group lets everything through. Traffic inside a subnet
//! meets all four like any other.

use std::sync::Arc;

use super::decide::{Decision, Stop};
use super::destination::Host;
use super::ids::{Access, RuleId};
use super::platform_traffic;
use super::position::Position;
use super::question::{Observer, Scope, Sender, Stage, Step};
use super::security_admin::{self, Groups};
use crate::packet::Reason;
use crate::table::matcher::Matcher;
use crate::table::ordered_scan::Header;
use crate::table::rule_table::Classified;

/// A network security group as it works for one subnet: the `VirtualNetwork` tag depends on where it is.
#[derive(Clone, Debug)]
pub struct SecurityGroup {
    /// Name as written.
    pub name: String,
    /// Rule changes are applied to open flows too.
    pub flush_connection: bool,
    /// Rules for what comes in.
    pub inbound: RuleList,
    /// Rules for what goes out.
    pub outbound: RuleList,
    /// Those outbound rules that name a platform tag, and of each only that part: all that what goes to the platform
    /// meets. A rule that names several such tags is here once for each.
    pub platform: RuleList,
}

/// The rules of one direction, by priority, default rules last.
#[derive(Clone, Debug, Default)]
pub struct RuleList {
    /// The matcher; its indices are those of `rules`.
    pub table: Arc<Matcher>,
    /// What each rule says.
    pub rules: Vec<Rule>,
}

/// What a security rule says once it matches.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Name.
    pub name: String,
    /// Its number.
    pub id: RuleId,
    /// Allow or Deny.
    pub access: Access,
    /// Place in the file; `None` for a default rule.
    pub position: Option<Position>,
}

impl SecurityGroup {
    /// The numbers of all its rules.
    pub fn rules(&self) -> impl Iterator<Item = RuleId> + '_ {
        [&self.inbound, &self.outbound, &self.platform].into_iter().flat_map(|list| list.rules.iter().map(|rule| rule.id))
    }
}

impl RuleList {
    /// The rule that decides, the first that matches.
    #[must_use]
    pub fn evaluate(&self, header: &Header, classified: &Classified<'_>) -> Option<&Rule> {
        self.rules.get(self.table.first_match(header, classified)?)
    }
}

/// The sender's rules: the network manager's, then the groups of its interface and its subnet. Only what a host of a
/// subnet sends meets any; what it sends to the platform meets those alone that name a platform tag.
pub(super) fn outbound(decision: &mut Decision<'_, impl Observer>) -> Result<(), Stop> {
    let Sender::Subnet { subnet, interface, .. } = decision.question.sender else { return Ok(()) };
    let snapshot = decision.snapshot;
    let Some(subnet) = snapshot.subnet(subnet) else { return Ok(()) };
    let header = decision.header(decision.question.destination);
    let stage = Stage::NsgOutbound;
    let to_platform = platform_traffic::passes_by(subnet, decision.question);
    if !to_platform && security_admin::judge(decision, &subnet.security_admin.outbound, &header, stage)? == Groups::Skipped {
        return Ok(());
    }
    let interface = interface.and_then(|index| snapshot.interfaces.get(index)?.security_group.as_ref());
    for group in interface.into_iter().chain(subnet.security_group.as_ref()) {
        let rules = if to_platform { &group.platform } else { &group.outbound };
        evaluate(decision, group, rules, &header, stage)?;
    }
    Ok(())
}

/// The receiver's rules: the network manager's, then the groups of its subnet and its interface. `host` is where the
/// packet goes, an appliance on its way included. The platform's probes meet them like any packet.
pub(super) fn inbound(decision: &mut Decision<'_, impl Observer>, host: &Host) -> Result<(), Stop> {
    let snapshot = decision.snapshot;
    let Some(subnet) = snapshot.subnet(host.subnet) else { return Ok(()) };
    let header = Header { source: decision.seen, ..decision.header(host.destination) };
    let stage = Stage::NsgInbound;
    if security_admin::judge(decision, &subnet.security_admin.inbound, &header, stage)? == Groups::Skipped {
        return Ok(());
    }
    let interface = host.interface.and_then(|index| snapshot.interfaces.get(index)?.security_group.as_ref());
    if subnet.security_group.is_none() && interface.is_none() {
        return without_group(decision, host);
    }
    for group in subnet.security_group.as_ref().into_iter().chain(interface) {
        evaluate(decision, group, &group.inbound, &header, stage)?;
    }
    Ok(())
}

/// Where no group is, everything is let in; whether by a public address too, is an option (it is said that those of the
/// Standard SKU are closed).
fn without_group(decision: &mut Decision<'_, impl Observer>, host: &Host) -> Result<(), Stop> {
    let by_public_address = decision.question.destination != host.destination;
    if !by_public_address || !decision.snapshot.closed_public_addresses || decision.scope == Scope::Established {
        return Ok(());
    }
    let note = "no network security group lets anything in by the public address (publicAddressWithoutSecurityGroup: closed)";
    decision.observer.step(|| Step { access: Some(Access::Deny), note: Some(note.into()), ..Step::new(Stage::NsgInbound) });
    Err(Stop::silent(Reason::NsgDeny))
}

fn evaluate(
    decision: &mut Decision<'_, impl Observer>,
    group: &SecurityGroup,
    rules: &RuleList,
    header: &Header,
    stage: Stage,
) -> Result<(), Stop> {
    if decision.scope == Scope::Established && !group.flush_connection {
        return Ok(());
    }
    let Some(rule) = rules.evaluate(header, &decision.classified) else { return Ok(()) };
    decision.observer.rule(rule.id);
    decision.observer.step(|| Step {
        object: Some(group.name.clone()),
        rule: Some(rule.name.clone()),
        access: Some(rule.access),
        at: rule.position,
        ..Step::new(stage)
    });
    match rule.access {
        Access::Allow => Ok(()),
        Access::Deny => Err(Stop::silent(Reason::NsgDeny)),
    }
}
