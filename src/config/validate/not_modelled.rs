//! What the file format has and this version does not act on yet: one warning each kind, at its first place.
//!
//! This is the only list of such things. What becomes real leaves it.

use super::firewalls::has_scm_rules;
use crate::config::finding::{Code, Findings, Span};
use crate::config::model::services::{Firewall, Service};
use crate::config::model::{Field, NetworkFile, Spanned, each};
use crate::config::network::PublicNetworkAccess;
use crate::policy::service_firewall::kind::{self, Inside};

/// A kind of thing, and where the file first uses it.
type Kind = (&'static str, fn(&NetworkFile) -> Option<Span>);

const NOT_MODELLED: &[Kind] = &[
    ("firewalls of services of this kind inside subnets", |file| {
        let unknown = |service: &Service| service.kind.as_ref().is_some_and(|kind| kind::Kind::of(&kind.0).inside == Inside::Unknown);
        service(file, |service| {
            service.subnet.as_ref().and(service.firewall.as_ref()).filter(|_| unknown(service)).map(|firewall| firewall.span)
        })
    }),
    ("peerings of chosen subnets", |file| {
        let peerings = each(&file.virtual_networks).iter().flat_map(|network| each(&network.peerings));
        let partial = peerings.filter_map(|peering| peering.peer_complete_vnets.as_ref()).find(|complete| !complete.value);
        partial.map(|complete| complete.span)
    }),
    ("virtual network rules of Data Lake Storage Gen1", data_lake_rule),
    ("access restrictions of a deployment site without `scmAddresses`", |file| {
        let scm = |service: &Service| {
            let firewall = service.firewall.as_ref().filter(|_| each(&service.scm_addresses).is_empty())?;
            first(each(&firewall.scm_ip_security_restrictions)).filter(|_| has_scm_rules(firewall))
        };
        service(file, scm)
    }),
    ("network security perimeters", |file| {
        let perimeter = |access: &Field<PublicNetworkAccess>| {
            access.as_ref().filter(|access| access.value == PublicNetworkAccess::SecuredByPerimeter).map(|access| access.span)
        };
        service(file, |service| {
            let inner = service.firewall.as_ref().and_then(|firewall| perimeter(&firewall.public_network_access));
            perimeter(&service.public_network_access).or(inner)
        })
    }),
    ("header filters of access restrictions", |file| {
        let headers = |firewall: &Firewall| {
            each(&firewall.access_restrictions).iter().find_map(|rule| rule.headers.as_ref()).map(|headers| headers.span)
        };
        firewall(file, headers)
    }),
];

/// Properties that change nothing about packets.
const NO_EFFECT: &[Kind] = &[
    ("dhcpOptions", |file| {
        each(&file.virtual_networks).iter().find_map(|network| network.dhcp_options.as_ref().map(|options| options.span))
    }),
    ("enableDdosProtection", |file| {
        each(&file.virtual_networks).iter().find_map(|network| network.enable_ddos_protection.as_ref().map(|flag| flag.span))
    }),
    ("encryption", |file| {
        each(&file.virtual_networks).iter().find_map(|network| network.encryption.as_ref().map(|encryption| encryption.span))
    }),
    ("remoteAddressSpace", |file| {
        let peerings = each(&file.virtual_networks).iter().flat_map(|network| each(&network.peerings));
        peerings.into_iter().find_map(|peering| peering.remote_address_space.as_ref().map(|space| space.span))
    }),
    ("defaultSecurityRules", |file| {
        each(&file.network_security_groups).iter().find_map(|group| group.default_security_rules.as_ref().map(|rules| rules.span))
    }),
    ("macAddress", |file| each(&file.network_interfaces).iter().find_map(|interface| interface.mac_address.as_ref().map(|text| text.span))),
];

/// Warns about each kind that the file uses.
pub(super) fn check(file: &NetworkFile, findings: &mut Findings) {
    for (what, find) in NOT_MODELLED {
        if let Some(span) = find(file) {
            findings.report(Code::NotModelled, start(span), format!("{what}: checked, but this version does not act on them"));
        }
    }
    for (what, find) in NO_EFFECT {
        if let Some(span) = find(file) {
            findings.report(Code::NoEffect, start(span), format!("`{what}` changes nothing about which packets pass"));
        }
    }
}

fn start(span: Span) -> Span {
    Span { start: span.start, end: span.start }
}

fn first<T>(list: &[Spanned<T>]) -> Option<Span> {
    list.first().map(|entry| entry.span)
}

fn service(file: &NetworkFile, find: impl Fn(&Service) -> Option<Span>) -> Option<Span> {
    each(&file.services).iter().find_map(|service| find(service))
}

fn firewall(file: &NetworkFile, find: impl Fn(&Firewall) -> Option<Span>) -> Option<Span> {
    service(file, |service| service.firewall.as_ref().and_then(|firewall| find(firewall)))
}

/// Their identity travels in tokens, which packets here do not have.
fn data_lake_rule(file: &NetworkFile) -> Option<Span> {
    service(file, |service| {
        let lake = service.kind.as_ref().is_some_and(|kind| kind.value.0.eq_ignore_ascii_case("Microsoft.DataLakeStore/accounts"));
        service.firewall.as_ref().filter(|_| lake).and_then(|firewall| first(each(&firewall.virtual_network_rules)))
    })
}
