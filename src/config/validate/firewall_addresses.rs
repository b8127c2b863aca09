//! Address rules that Azure refuses, and those that nothing can match.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::{IpNet, Ipv4Net};

use super::firewall_rules::ip_range_filter;
use super::restrictions;
use crate::config::finding::{Code, Findings, Span};
use crate::config::model::services::Firewall;
use crate::config::model::{Spanned, each};
use crate::policy::service_firewall::kind::{AddressRules, Kind, List};

const PRIVATE: [(Ipv4Addr, u8); 3] =
    [(Ipv4Addr::new(10, 0, 0, 0), 8), (Ipv4Addr::new(172, 16, 0, 0), 12), (Ipv4Addr::new(192, 168, 0, 0), 16)];

/// Checks every address rule. `inside`: the service lives in a subnet, and sees private addresses.
pub(super) fn check(firewall: &Firewall, kind: &Kind, inside: bool, findings: &mut Findings) {
    if kind.has(List::IpRules) {
        let rules = each(&firewall.ip_rules).iter().filter_map(|rule| rule.0.value.as_ref()).map(|text| (text.value.as_str(), text.span));
        for (text, span) in rules.chain(ip_range_filter(firewall)) {
            check_rule(text, span, kind.addresses, inside, findings);
        }
        check_ranges(firewall, kind.addresses, inside, findings);
    }
    if kind.has(List::Ipv6Rules) {
        check_ipv6(firewall, findings);
    }
    if kind.has(List::AccessRestrictions) && !inside {
        check_restrictions(firewall, findings);
    }
}

fn check_rule(text: &str, span: Span, rules: AddressRules, inside: bool, findings: &mut Findings) {
    let Some(prefix) = prefix(text) else { return };
    let IpNet::V4(net) = prefix else {
        if !rules.ipv6 {
            findings.report(Code::IpRule, span, format!("{text} is IPv6; the service's IP rules are IPv4"));
        }
        return;
    };
    if is_private(net.network(), net.broadcast()) {
        private(text, span, rules, inside, findings);
    } else if !rules.short_prefixes && text.contains('/') && net.prefix_len() > 30 {
        let finding = findings.report(Code::IpRule, span, format!("{text}: Storage takes no prefixes /31 and /32"));
        finding.hint(format!("write the single address: `{}`", net.addr()));
    }
}

fn prefix(text: &str) -> Option<IpNet> {
    text.parse::<IpAddr>().map(IpNet::from).ok().or_else(|| text.parse().ok())
}

fn is_private(first: Ipv4Addr, last: Ipv4Addr) -> bool {
    let ranges = PRIVATE.iter().filter_map(|(address, length)| Ipv4Net::new(*address, *length).ok());
    ranges.into_iter().any(|range| range.contains(&first) && range.contains(&last))
}

fn private(text: &str, span: Span, rules: AddressRules, inside: bool, findings: &mut Findings) {
    if rules.public_only {
        let finding = findings.report(Code::IpRule, span, format!("{text} is private; IP rules list public addresses"));
        finding.hint("private sources pass by virtualNetworkRules, over a service endpoint");
    } else if !inside {
        never_matches(text, span, findings);
    }
}

fn never_matches(text: &str, span: Span, findings: &mut Findings) {
    findings
        .report(Code::PrivateIpRule, span, format!("{text} is private: nothing arrives here with such an address"))
        .hint("list the subnet, and enable the service's endpoint on it");
}

fn check_ranges(firewall: &Firewall, rules: AddressRules, inside: bool, findings: &mut Findings) {
    for range in each(&firewall.ip_ranges) {
        let (Some(first), Some(last)) = (&range.start, &range.end) else { continue };
        if first.0 <= last.0 && is_private(first.0, last.0) {
            private(&format!("{} to {}", first.0, last.0), first.span, rules, inside, findings);
        }
    }
}

fn check_ipv6(firewall: &Firewall, findings: &mut Findings) {
    for text in each(&firewall.ipv6_rules).iter().filter_map(|rule| rule.0.value.as_ref()) {
        if matches!(prefix(&text.value), Some(IpNet::V4(_))) {
            findings.report(Code::IpRule, text.span, format!("{} is IPv4; `ipv6Rules` lists IPv6", text.value)).hint("use `ipRules`");
        }
    }
}

/// Apps see private addresses in an App Service Environment only.
fn check_restrictions(firewall: &Firewall, findings: &mut Findings) {
    let lists = each(&firewall.access_restrictions).iter().chain(each(&firewall.scm_ip_security_restrictions));
    let texts = lists.filter(|rule| !restrictions::is_synthetic(rule)).filter_map(|rule| rule.ip_address.as_ref());
    for text in texts {
        for part in parts(text) {
            if let Some(IpNet::V4(net)) = prefix(part)
                && is_private(net.network(), net.broadcast())
            {
                never_matches(part, text.span, findings);
            }
        }
    }
}

fn parts(text: &Spanned<String>) -> impl Iterator<Item = &str> {
    text.value.split(',').map(str::trim)
}
