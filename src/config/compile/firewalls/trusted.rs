//! Who passes by what they are: trusted services, and resources that are listed by id.

use super::{Compiler, Draft};
use crate::config::network::{Service, ServiceFirewall};
use crate::policy::position::Position;
use crate::policy::service_firewall::Client;
use crate::policy::service_firewall::kind::{Kind, List, Trusted};

impl Compiler<'_> {
    /// The rules `bypass` and `resourceAccessRules[i]`, in this order.
    pub(super) fn trusted(&self, kind: &Kind, firewall: &ServiceFirewall) -> Vec<Draft> {
        let mut rules = self.bypass(&kind.trusted, firewall);
        if kind.has(List::ResourceAccessRules) {
            let listed = firewall.resource_access_rules.iter().enumerate();
            rules.extend(listed.map(|(index, (id, position))| self.resource(format!("resourceAccessRules[{index}]"), id, *position)));
        }
        rules
    }

    fn bypass(&self, trusted: &Trusted, firewall: &ServiceFirewall) -> Vec<Draft> {
        let (trusts, position) = firewall.trusts_services.map_or((trusted.by_default, None), |(trusts, place)| (trusts, Some(place)));
        if !trusts {
            return Vec::new();
        }
        let draft =
            |services, unmodelled| Draft { position, unmodelled, ..Draft::allow("bypass", Position::default(), Client::Trusted(services)) };
        let mut always = self.services_of(trusted.always);
        if trusted.only_listed {
            always.retain(|service| firewall.bypass_resources.iter().any(|id| self.resources(id).unwrap_or_default().contains(service)));
        }
        let mut with_role = self.services_of(trusted.with_role);
        with_role.retain(|service| !always.contains(service));
        vec![draft(always, None), draft(with_role, Some("the roles of managed identities"))]
    }

    /// The file's services of these types and providers, in ascending order.
    pub(super) fn services_of(&self, types: &[&str]) -> Vec<usize> {
        let services = self.network.services.iter().enumerate();
        services.filter(|(_, service)| Trusted::lists(types, &service.kind)).map(|(index, _)| index).collect()
    }

    fn resource(&self, name: String, id: &str, position: Position) -> Draft {
        match self.resources(id) {
            Some(services) => Draft::allow(name, position, Client::Resources(services)),
            None => {
                let all = Client::Resources((0..self.network.services.len()).collect());
                Draft { unmodelled: Some("resource ids of this form"), ..Draft::allow(name, position, all) }
            }
        }
    }

    /// The services that a resource id names, in ascending order: by type and name, `*` for every name; or by name alone.
    /// `None`: the id has another form.
    fn resources(&self, id: &str) -> Option<Vec<usize>> {
        let (kind, name) = if id.starts_with('/') { type_and_name(id).map(|(kind, name)| (Some(kind), name))? } else { (None, id) };
        let meant = |service: &Service| {
            let typed = kind.as_ref().is_none_or(|kind| kind.eq_ignore_ascii_case(&service.kind));
            typed && (name == "*" || name.eq_ignore_ascii_case(&service.named.name))
        };
        Some(self.network.services.iter().enumerate().filter(|(_, service)| meant(service)).map(|(index, _)| index).collect())
    }
}

/// `/subscriptions/…/providers/Microsoft.Synapse/workspaces/lake` → type and name.
fn type_and_name(id: &str) -> Option<(String, &str)> {
    let mut parts = id.split('/').skip_while(|part| !part.eq_ignore_ascii_case("providers")).skip(1);
    let (provider, kind, name) = (parts.next()?, parts.next()?, parts.next()?);
    parts.next().is_none().then(|| (format!("{provider}/{kind}"), name))
}
