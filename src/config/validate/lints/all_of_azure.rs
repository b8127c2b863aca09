//! 0.0.0.0 in an allow-list is neither one address nor everything: it is every source inside Azure
//! (Azure: firewall-configure, how-to-configure-firewall).

use super::{at, firewalls};
use crate::config::finding::{Code, Findings};
use crate::config::network::{Network, ServiceFirewall};
use crate::config::validate::service_types;
use crate::policy::position::Position;

pub(super) fn check(network: &Network, findings: &mut Findings) {
    for (service, firewall) in firewalls(network) {
        if !service_types::find(&service.kind).is_some_and(|known| matches!(known.tag, "Sql" | "AzureCosmosDB")) {
            continue;
        }
        for position in unspecified(firewall) {
            findings
                .report(
                    Code::AllOfAzure,
                    at(position),
                    format!("0.0.0.0 lets every source inside Azure reach `{}`, any customer's", service.named.name),
                )
                .hint("list the subnets and public addresses that need it instead");
        }
    }
}

fn unspecified(firewall: &ServiceFirewall) -> Vec<Position> {
    let ranges = firewall.ip_ranges.iter().filter(|(range, _)| range.start().is_unspecified() && range.end().is_unspecified());
    let rules =
        firewall.ip_rules.iter().filter(|(prefix, _)| prefix.addr().is_unspecified() && prefix.prefix_len() == prefix.max_prefix_len());
    ranges.map(|(_, position)| *position).chain(rules.map(|(_, position)| *position)).collect()
}
