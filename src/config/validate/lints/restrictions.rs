//! Deny rules alone: with the first access restriction the default becomes Deny (Azure: app-service-ip-restrictions).

use super::{at, firewalls};
use crate::config::finding::{Code, Findings};
use crate::config::network::{Access, Network};

pub(super) fn check(network: &Network, findings: &mut Findings) {
    for (service, firewall) in firewalls(network) {
        let rules = &firewall.access_restrictions;
        let (Some(first), None) = (rules.first(), firewall.default_action) else { continue };
        if rules.iter().all(|rule| rule.action == Access::Deny) {
            let message =
                format!("`{}` has Deny rules only, and with the first rule its default is Deny: nobody gets in", service.named.name);
            findings
                .report(Code::DefaultDenyImplied, at(first.named.position), message)
                .hint("set `defaultAction: Allow`, or add a rule that allows");
        }
    }
}
