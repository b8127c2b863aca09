//! App Service's access restrictions, the site's and its deployment site's.

use std::sync::Arc;

use super::{Compiler, Draft};
use crate::config::network::{Access, AccessRestriction, RestrictionSource};
use crate::policy::position::Position;
use crate::policy::service_firewall::Client;
use crate::table::prefix_set::PrefixSet;

impl Compiler<'_> {
    /// By priority, equal ones in list order.
    pub(super) fn restrictions(&self, list: &[AccessRestriction]) -> Vec<Draft> {
        let mut restrictions: Vec<&AccessRestriction> = list.iter().collect();
        restrictions.sort_by_key(|restriction| restriction.priority);
        restrictions.iter().map(|restriction| self.restriction(restriction)).collect()
    }

    fn restriction(&self, restriction: &AccessRestriction) -> Draft {
        let proxied = restriction.source == RestrictionSource::ForwardedFor;
        let headers = restriction.header_filter.then_some("the request's headers");
        Draft {
            name: restriction.named.name.clone(),
            access: restriction.action,
            position: Some(restriction.named.position),
            matches: self.restricted_client(&restriction.source),
            unmodelled: headers.or(proxied.then_some("the X-Forwarded-For header")),
            note: None,
        }
    }

    fn restricted_client(&self, source: &RestrictionSource) -> Client {
        match source {
            RestrictionSource::Subnet { subnet, .. } => Client::Subnet(subnet.0),
            RestrictionSource::Addresses(prefixes) => public(PrefixSet::from_prefixes(prefixes.iter().copied())),
            RestrictionSource::Tags(tags) => public(PrefixSet::union_of(tags.iter().map(|tag| self.tags.addresses(tag)))),
            RestrictionSource::AnyVirtualNetwork => Client::AnyVirtualNetwork,
            RestrictionSource::Any | RestrictionSource::ForwardedFor => Client::Anyone,
        }
    }
}

fn public(addresses: PrefixSet) -> Client {
    Client::Public { addresses: Arc::new(addresses), not_same_region: false }
}

/// What happens to the unmatched: the default action; without one the first rule closes the list.
pub(super) fn unmatched(default: Option<(Access, Position)>, no_rules: bool) -> Draft {
    match default {
        Some((access, position)) => Draft::anyone("defaultAction", access, Some(position)),
        None if no_rules => Draft::anyone("defaultAction", Access::Allow, None),
        None => {
            let note = Some("without a default action the first rule closes the list");
            Draft { note, ..Draft::anyone("defaultAction", Access::Deny, None) }
        }
    }
}
