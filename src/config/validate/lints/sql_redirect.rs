//! An outbound rule that lets Sql through on 1433 only: redirected connections use 11000 to 11999
//! (Azure: connectivity-architecture).

use crate::config::finding::{Code, Findings, Span};
use crate::config::model::security::SecurityRule as RuleModel;
use crate::config::model::{NetworkFile, Spanned, each};
use crate::config::network::{Network, RuleAddress, RuleProtocol, SecurityRule};
use crate::policy::ids::{Access, Direction};

pub(super) fn check(file: &NetworkFile, network: &Network, findings: &mut Findings) {
    for (model, group) in each(&file.network_security_groups).iter().zip(&network.network_security_groups) {
        let redirected = group.rules.iter().filter(to_sql).any(|rule| allows(rule, 11000));
        let denies = group.rules.iter().any(|rule| rule.direction == Direction::Outbound && rule.access == Access::Deny);
        if redirected || !denies {
            continue;
        }
        for (written, rule) in each(&model.security_rules).iter().zip(&group.rules).filter(|(_, rule)| to_sql(rule)) {
            if allows(rule, 1433) && matches!(rule.protocol, RuleProtocol::Tcp | RuleProtocol::Any) {
                findings
                    .report(Code::SqlRedirect, port_place(written), "Sql is allowed on 1433, but redirected connections use 11000-11999")
                    .hint("allow `11000-11999` too");
            }
        }
    }
}

fn to_sql(rule: &&SecurityRule) -> bool {
    rule.direction == Direction::Outbound && rule.access == Access::Allow && rule.destinations.iter().any(is_sql)
}

fn is_sql(address: &RuleAddress) -> bool {
    matches!(address, RuleAddress::Tag(tag) if tag.split('.').next().is_some_and(|base| base.eq_ignore_ascii_case("Sql")))
}

fn allows(rule: &SecurityRule, port: u16) -> bool {
    rule.destination_ports.iter().any(|range| range.contains(&port))
}

fn port_place(rule: &Spanned<RuleModel>) -> Span {
    let one = rule.destination_port_range.as_ref().map(|range| range.span);
    one.or_else(|| rule.destination_port_ranges.as_ref().map(|list| list.span)).unwrap_or(rule.span)
}
