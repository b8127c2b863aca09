//! Event Hubs and Service Bus namespaces without rules let everybody in, whatever the default action
//! (Azure: event-hubs-ip-filtering, service-bus-service-endpoints).

use super::{at, firewalls};
use crate::config::finding::{Code, Findings};
use crate::config::network::{Access, Network, PublicNetworkAccess};
use crate::config::validate::service_types;

pub(super) fn check(network: &Network, findings: &mut Findings) {
    for (service, firewall) in firewalls(network) {
        let is_bus = service_types::find(&service.kind).is_some_and(|known| matches!(known.tag, "EventHub" | "ServiceBus"));
        let without_rules = firewall.ip_rules.is_empty() && firewall.virtual_network_rules.is_empty();
        let closed = matches!(service.public_network_access, Some((PublicNetworkAccess::Disabled, _)));
        let Some((Access::Deny, position)) = firewall.default_action else { continue };
        if is_bus && without_rules && !closed {
            let message = format!("`{}` has no rule: everybody gets in although the default is Deny", service.named.name);
            findings
                .report(Code::OpenWithoutRules, at(position), message)
                .hint("add a rule, or close it with `publicNetworkAccess: Disabled`");
        }
    }
}
