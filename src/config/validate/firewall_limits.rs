//! How many rules the lists of a service firewall can have.

use super::restrictions;
use crate::config::finding::{Code, Findings, Span};
use crate::config::model::services::Firewall;
use crate::config::model::{Spanned, each};
use crate::policy::service_firewall::app_service::MOST_RESTRICTIONS;
use crate::policy::service_firewall::kind::{Kind, List};
use crate::policy::service_firewall::sql::MOST_DATABASE_RULES;

/// Reports the first entry that is too many, list by list.
pub(super) fn check(firewall: &Firewall, kind: &Kind, findings: &mut Findings) {
    let spans = |list: Vec<Span>| list;
    let subnets = spans(each(&firewall.virtual_network_rules).iter().map(|rule| rule.span).collect());
    at_most(kind.subnets.most.filter(|_| kind.has(List::VirtualNetworkRules)), &subnets, "virtual network rules", findings);
    let addresses = each(&firewall.ip_rules).iter().map(|rule| rule.span).chain(each(&firewall.ip_ranges).iter().map(|range| range.span));
    let addresses: Vec<Span> = addresses.collect();
    at_most(kind.addresses.most.filter(|_| kind.has(List::IpRules)), &addresses, "address rules", findings);
    if kind.has(List::Databases) {
        for database in each(&firewall.databases) {
            let rules: Vec<Span> = each(&database.ip_ranges).iter().map(|rule| rule.span).collect();
            at_most(Some(MOST_DATABASE_RULES), &rules, "rules of one database", findings);
        }
    }
    for list in [&firewall.access_restrictions, &firewall.scm_ip_security_restrictions] {
        let rules = each(list).iter().filter(|rule| !restrictions::is_synthetic(rule));
        at_most(Some(MOST_RESTRICTIONS), &rules.map(|rule: &Spanned<_>| rule.span).collect::<Vec<_>>(), "access restrictions", findings);
    }
}

fn at_most(most: Option<usize>, entries: &[Span], what: &str, findings: &mut Findings) {
    let Some(most) = most else { return };
    if let Some(first) = entries.get(most) {
        let place = Span { start: first.start, end: first.start };
        findings.report(Code::LimitExceeded, place, format!("{} {what}; Azure's limit is {most}", entries.len()));
    }
}
