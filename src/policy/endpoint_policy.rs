//! Service endpoint policies: allow-lists of storage accounts, for what goes over an endpoint
//! (Azure: virtual-network-service-endpoint-policies-overview).

use super::decide::{Decision, Stop};
use super::destination::Target;
use super::ids::Access;
use super::question::{Denial, Observer, Scope, Sender, Stage, Step};
use crate::packet::Reason;

/// With any policy on the subnet, only listed accounts are reached, in whatever region; several policies add up. Whether
/// a subscription, resource group or alias that is listed holds an account, the account's `id` and `managedBy` say.
pub(super) fn check(decision: &mut Decision<'_, impl Observer>, target: &Target) -> Result<(), Stop> {
    let (Target::Service(index), Sender::Subnet { subnet, .. }) = (*target, decision.question.sender) else { return Ok(()) };
    let snapshot = decision.snapshot;
    let (Some(service), Some(subnet)) = (snapshot.services.get(index), snapshot.subnet(subnet)) else { return Ok(()) };
    if !decision.over_endpoint || !service.is_storage() || decision.scope == Scope::Established {
        return Ok(());
    }
    let Some(first) = subnet.endpoint_policies.first() else { return Ok(()) };
    let listing = subnet.endpoint_policies.iter().find(|policy| policy.services.contains(&index));
    if listing.is_none() && subnet.endpoint_policies.iter().any(|policy| policy.unsettled.contains(&index)) {
        return Err(Stop::Undetermined(format!("what holds the storage account {}: give it its `id`", service.name).into()));
    }
    let access = if listing.is_some() { Access::Allow } else { Access::Deny };
    let policy = listing.unwrap_or(first);
    decision.observer.step(|| Step {
        object: Some(policy.name.clone()),
        access: Some(access),
        at: Some(policy.position),
        ..Step::new(Stage::EndpointPolicy)
    });
    match access {
        Access::Allow => Ok(()),
        Access::Deny => Err(Stop::Deny(Denial {
            reason: Reason::EndpointPolicyDeny,
            shown: super::service_firewall::shown(service, decision.question),
        })),
    }
}
