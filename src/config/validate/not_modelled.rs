//! What the file format has and this version does not act on yet: one warning each kind, at its first place.
//!
//! This is the only list of such things. What becomes real leaves it.

use crate::config::finding::{Code, Findings, Span};
use crate::config::model::network_objects::Subnet;
use crate::config::model::services::{Firewall, Service, SourceEncodingName};
use crate::config::model::{NetworkFile, Spanned, each};

/// A kind of thing, and where the file first uses it.
type Kind = (&'static str, fn(&NetworkFile) -> Option<Span>);

const NOT_MODELLED: &[Kind] = &[
    ("ServiceTunnel source encoding", |file| {
        let encodings = each(&file.services).iter().filter_map(|service| service.source_encoding.as_ref());
        encodings.into_iter().find(|encoding| encoding.value == SourceEncodingName::ServiceTunnel).map(|encoding| encoding.span)
    }),
    ("firewalls of services inside subnets", |file| {
        service(file, |service| service.subnet.as_ref().and(service.firewall.as_ref()).map(|firewall| firewall.span))
    }),
    ("what apps send from the subnets that they are integrated with", |file| {
        service(file, |service| service.virtual_network_subnet_id.as_ref().map(|name| name.span))
    }),
    ("resource access rules", |file| firewall(file, |firewall| first(each(&firewall.resource_access_rules)))),
    ("virtual network rules of Data Lake Storage Gen1", data_lake_rule),
    ("the deployment site's access restrictions", |file| firewall(file, |firewall| first(each(&firewall.scm_ip_security_restrictions)))),
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
    ("privateEndpointNetworkPolicies", |file| {
        subnet(file, |subnet| subnet.private_endpoint_network_policies.as_ref().map(|text| text.span))
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

fn subnet(file: &NetworkFile, find: impl Fn(&Subnet) -> Option<Span>) -> Option<Span> {
    each(&file.virtual_networks).iter().flat_map(|network| each(&network.subnets)).find_map(|subnet| find(subnet))
}

/// Their identity travels in tokens, which packets here do not have.
fn data_lake_rule(file: &NetworkFile) -> Option<Span> {
    service(file, |service| {
        let lake = service.kind.as_ref().is_some_and(|kind| kind.value.0.eq_ignore_ascii_case("Microsoft.DataLakeStore/accounts"));
        service.firewall.as_ref().filter(|_| lake).and_then(|firewall| first(each(&firewall.virtual_network_rules)))
    })
}
