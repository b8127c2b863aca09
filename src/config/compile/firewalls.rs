//! Service firewalls: what each kind of service makes of its lists.

use std::net::Ipv4Addr;
use std::sync::Arc;

use super::{CompileError, Compiler};
use crate::config::network::{Access, AccessRestriction, RestrictionSource, Service, ServiceFirewall};
use crate::policy::ids::{Direction, RuleName};
use crate::policy::position::Position;
use crate::policy::service_firewall::{Client, Firewall, FirewallRule};
use crate::table::prefix_set::PrefixSet;

/// What a kind of service does with the unmatched where the file does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unmatched {
    /// Lets them in.
    Allow,
    /// Refuses them.
    Deny,
    /// Lets them in until there is a rule.
    AllowUntilRules,
}

impl Compiler<'_> {
    pub(super) fn firewall(&mut self, service: usize) -> Result<Option<Firewall>, CompileError> {
        let network = self.network;
        let Some(service) = network.services.get(service) else { return Ok(None) };
        let Some(firewall) = &service.firewall else { return Ok(None) };
        let drafts = if is(service, "Microsoft.Web/sites") { self.restrictions(firewall) } else { allow_rules(service, firewall) };
        let default = default_action(service, firewall, drafts.is_empty());
        let overriding = overriding(service, firewall, default, drafts.is_empty());
        let position = firewall.default_action.map(|(_, position)| position);
        let unmatched = Draft { name: "defaultAction".into(), access: default, position, matches: Client::Anyone, unmodelled: None };
        let mut rules = Vec::with_capacity(drafts.len());
        for draft in drafts {
            rules.push(self.firewall_rule(service, draft)?);
        }
        let overriding = overriding.map(|draft| self.firewall_rule(service, draft)).transpose()?;
        let unmatched = self.firewall_rule(service, unmatched)?;
        Ok(Some(Firewall { rules, unmatched, overriding, unmodelled: unmodelled(service, firewall) }))
    }

    fn firewall_rule(&mut self, service: &Service, draft: Draft) -> Result<FirewallRule, CompileError> {
        let Draft { name, access, position, matches, unmodelled } = draft;
        let id = self.rule(RuleName { object: service.named.name.clone(), rule: name.clone(), direction: Direction::Inbound, access })?;
        Ok(FirewallRule { name, id, access, position, matches, unmodelled })
    }

    /// Access restrictions of App Service, by priority, equal ones in list order.
    fn restrictions(&self, firewall: &ServiceFirewall) -> Vec<Draft> {
        let mut restrictions: Vec<&AccessRestriction> = firewall.access_restrictions.iter().collect();
        restrictions.sort_by_key(|restriction| restriction.priority);
        let draft = |restriction: &&AccessRestriction| Draft {
            name: restriction.named.name.clone(),
            access: restriction.action,
            position: Some(restriction.named.position),
            matches: self.restricted_client(&restriction.source),
            unmodelled: restriction.header_filter.then_some("header filters of access restrictions"),
        };
        restrictions.iter().map(draft).collect()
    }

    fn restricted_client(&self, source: &RestrictionSource) -> Client {
        match source {
            RestrictionSource::Subnet { subnet, .. } => Client::Subnet(subnet.0),
            RestrictionSource::Addresses(prefixes) => public(PrefixSet::from_prefixes(prefixes.iter().copied()), false),
            RestrictionSource::Tags(tags) => {
                public(tags.iter().fold(PrefixSet::default(), |all, tag| all.union(&self.tags.addresses(tag))), false)
            }
            RestrictionSource::AnyVirtualNetwork => Client::AnyVirtualNetwork,
            RestrictionSource::Any => Client::Anyone,
        }
    }
}

/// A rule before it has a number.
struct Draft {
    name: String,
    access: Access,
    position: Option<Position>,
    matches: Client,
    /// What else it looks at that packets do not show.
    unmodelled: Option<&'static str>,
}

impl Draft {
    fn allow(list: &str, index: usize, position: Position, matches: Client) -> Self {
        Self { name: format!("{list}[{index}]"), access: Access::Allow, position: Some(position), matches, unmodelled: None }
    }
}

/// The lists that every kind but App Service has; they only let in.
fn allow_rules(service: &Service, firewall: &ServiceFirewall) -> Vec<Draft> {
    let storage = is(service, "Microsoft.Storage/storageAccounts");
    let subnets = firewall.virtual_network_rules.iter().enumerate().map(|(index, rule)| {
        let client = rule.subnet.map_or(Client::Nobody, |subnet| Client::Subnet(subnet.0));
        Draft::allow("virtualNetworkRules", index, rule.position, client)
    });
    let addresses = firewall.ip_rules.iter().enumerate().map(|(index, (prefix, position))| {
        let everywhere =
            is(service, "Microsoft.DocumentDB/databaseAccounts") && prefix.addr() == Ipv4Addr::UNSPECIFIED && prefix.prefix_len() == 32;
        let client = if everywhere { Client::AzurePublic } else { public(PrefixSet::from_prefixes([*prefix]), storage) };
        Draft::allow("ipRules", index, *position, client)
    });
    let ranges = firewall.ip_ranges.iter().enumerate().map(|(index, (range, position))| {
        let azure = range.start().is_unspecified() && range.end().is_unspecified();
        let client = if azure { Client::AzurePublic } else { public(PrefixSet::from_ranges([range.clone()]), storage) };
        Draft::allow("ipRanges", index, *position, client)
    });
    subnets.chain(addresses).chain(ranges).collect()
}

fn public(addresses: PrefixSet, not_same_region: bool) -> Client {
    Client::Public { addresses: Arc::new(addresses), not_same_region }
}

fn default_action(service: &Service, firewall: &ServiceFirewall, no_rules: bool) -> Access {
    if let Some((access, _)) = firewall.default_action {
        return access;
    }
    match unmatched(service) {
        Unmatched::Allow => Access::Allow,
        Unmatched::Deny => Access::Deny,
        Unmatched::AllowUntilRules if no_rules => Access::Allow,
        Unmatched::AllowUntilRules => Access::Deny,
    }
}

/// Azure's defaults by kind: databases start closed; networkAcls and network rule sets start open, rules or not; lists
/// without a default action of their own (Cosmos DB, App Service and kinds unknown here) close with the first rule.
fn unmatched(service: &Service) -> Unmatched {
    const CLOSED: [&str; 5] = [
        "Microsoft.Sql/servers",
        "Microsoft.Synapse/workspaces",
        "Microsoft.DBforPostgreSQL/servers",
        "Microsoft.DBforMySQL/servers",
        "Microsoft.DBforMariaDB/servers",
    ];
    const OPEN: [&str; 6] = [
        "Microsoft.Storage/storageAccounts",
        "Microsoft.KeyVault/vaults",
        "Microsoft.EventHub/namespaces",
        "Microsoft.ServiceBus/namespaces",
        "Microsoft.CognitiveServices/accounts",
        "Microsoft.ContainerRegistry/registries",
    ];
    if CLOSED.iter().any(|kind| is(service, kind)) {
        Unmatched::Deny
    } else if OPEN.iter().any(|kind| is(service, kind)) {
        Unmatched::Allow
    } else {
        Unmatched::AllowUntilRules
    }
}

/// What is decided whoever asks: public access is off; or the rules are inert, because everybody is let in anyway, or
/// because a namespace of Event Hubs or Service Bus has none.
fn overriding(service: &Service, firewall: &ServiceFirewall, default: Access, no_rules: bool) -> Option<Draft> {
    if firewall.public_network_access_disabled {
        return Some(Draft {
            name: "publicNetworkAccess".into(),
            access: Access::Deny,
            position: Some(firewall.position),
            matches: Client::Anyone,
            unmodelled: None,
        });
    }
    let position = firewall.default_action.map(|(_, position)| position);
    let namespace = is(service, "Microsoft.EventHub/namespaces") || is(service, "Microsoft.ServiceBus/namespaces");
    let inert = !is(service, "Microsoft.Web/sites") && default == Access::Allow;
    let open = Draft { name: "defaultAction".into(), access: Access::Allow, position, matches: Client::Anyone, unmodelled: None };
    (inert || (namespace && no_rules)).then_some(open)
}

/// Rules by resource could let in an injected service; by which resource a host belongs to, the file does not say.
/// Data Lake's identity travels in tokens, which packets here do not have.
fn unmodelled(service: &Service, firewall: &ServiceFirewall) -> Option<&'static str> {
    if is(service, "Microsoft.DataLakeStore/accounts") && !firewall.virtual_network_rules.is_empty() {
        return Some("virtual network rules of Data Lake Storage Gen1 (identity in tokens)");
    }
    (!firewall.resource_access_rules.is_empty()).then_some("resourceAccessRules")
}

fn is(service: &Service, kind: &str) -> bool {
    service.kind.eq_ignore_ascii_case(kind)
}
